//! Whether this container runs s6-overlay, and where that keeps its files.

use std::path::Path;

use crate::sys::file::exists;

/// The container's variables, one file per variable.
pub const CONTAINER_ENVIRONMENT: &str = "/run/s6/container_environment";
/// Its own files.
const PACKAGE: &str = "/package/admin/s6-overlay";

/// Whether it is installed or running here.
pub fn is_present() -> bool {
    [CONTAINER_ENVIRONMENT, PACKAGE].iter().any(|path| exists(Path::new(path)))
}
