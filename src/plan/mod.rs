//! Spec → [`Plan`]: what the machine makes of a specification. Reading only; nothing is changed.

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
