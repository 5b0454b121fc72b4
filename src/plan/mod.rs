//! Spec → [`Plan`]: applies a specification to this machine. Read-only.

mod container;
mod draft;
mod home;
pub mod identity;
mod make;
pub mod splay;
pub mod supervisor;

pub use container::variables_of_container;
pub use draft::{Draft, LogPlan, Mode, Place, Plan};
pub use identity::{Change, Identity};
pub(crate) use make::STATE_DIR;
pub use make::{PlanError, make};
pub use supervisor::Supervision;
