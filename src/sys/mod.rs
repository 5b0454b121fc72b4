//! The system layer: clocks, descriptors, files, processes. `unsafe` is allowed only here, behind safe signatures.

pub mod acl;
pub mod bounding;
pub mod capability;
pub mod cgroup;
pub mod clock;
pub mod environ;
pub mod fd;
pub mod file;
pub mod fork;
pub mod group;
pub mod lock;
pub mod memory;
pub mod nofollow;
pub mod pipe;
pub mod privilege;
pub mod proc;
pub mod process;
pub mod random;
pub mod replace;
pub mod root_directory;
#[cfg(test)]
pub(crate) mod scratch;
pub mod settle;
pub mod signals;
pub mod spawn;
pub mod terminal;
