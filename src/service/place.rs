//! The locations of services: their definitions, and the directories in which they are supervised.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::{InvalidName, ServiceName, layout};
use crate::sys;

/// The limit of services read from one directory.
const MAX_SERVICES: usize = 2_000;

/// The locations to search.
#[derive(Clone, Debug)]
pub struct Locations {
    /// Directories of definitions; of two definitions with the same name the first takes precedence.
    pub definitions: Vec<PathBuf>,
    /// The scan directory of the supervisor.
    pub scan_dir: PathBuf,
}

impl Default for Locations {
    fn default() -> Self {
        Locations {
            definitions: [layout::ROOT_DEFINITIONS, layout::DEFINITIONS].map(PathBuf::from).to_vec(),
            scan_dir: PathBuf::from(layout::SCAN_DIRECTORY),
        }
    }
}

/// A service and its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub definition: Option<PathBuf>,
    /// Where it is published.
    pub live: Option<PathBuf>,
}

impl Locations {
    /// All services, by name; also the directories that could not be read.
    pub fn services(&self) -> (Vec<Service>, Vec<(PathBuf, io::Error)>) {
        let mut services = BTreeMap::new();
        let mut unseen = Vec::new();
        let mut note = |place: &Path, is_live: bool| {
            let names = match sys::file::names(place, MAX_SERVICES) {
                Ok(names) => names,
                // no definitions, or no supervisor
                Err(error) if error.kind() == io::ErrorKind::NotFound => return,
                Err(error) => return unseen.push((place.to_path_buf(), error)),
            };
            for name in names {
                let path = place.join(&name);
                let Ok(name) = ServiceName::parse(&name) else { continue };
                let name = name.as_str();
                let service = || Service { name: name.to_string(), definition: None, live: None };
                if is_live {
                    services.entry(name.to_string()).or_insert_with(service).live = Some(path);
                } else if sys::file::is_regular(&path.join(layout::RUN)) {
                    let service = services.entry(name.to_string()).or_insert_with(service);
                    service.definition.get_or_insert(path);
                }
            }
        };
        self.definitions.iter().for_each(|place| note(place, false));
        note(&self.scan_dir, true);
        (services.into_values().collect(), unseen)
    }

    /// The service with a name, or in the directory at a path. `None` if there is none.
    pub fn find(&self, given: &OsStr) -> Result<Option<Service>, InvalidName> {
        let path = Path::new(given);
        if given == "." || path.components().count() != 1 || path.is_absolute() {
            return Ok(self.at(path));
        }
        let name = ServiceName::parse(given)?;
        let definition = self.definitions.iter().map(|place| place.join(path));
        let definition = definition.into_iter().find(|path| sys::file::is_regular(&path.join(layout::RUN)));
        let live = self.scan_dir.join(path);
        let live = sys::file::exists(&live).then_some(live);
        match (&definition, &live) {
            (None, None) => Ok(self.at(path)),
            _ => Ok(Some(Service { name: name.to_string(), definition, live })),
        }
    }

    /// The service in a directory: supervised there, or defined there and published under its name.
    fn at(&self, path: &Path) -> Option<Service> {
        if !sys::file::is_regular(&path.join(layout::RUN)) {
            return None;
        }
        let path = std::path::absolute(path).ok()?;
        let name = path.components().next_back()?.as_os_str().to_string_lossy().into_owned();
        if sys::file::exists(&path.join(layout::SUPERVISE)) {
            return Some(Service { name, definition: None, live: Some(path) });
        }
        let live = self.scan_dir.join(&name);
        let live = sys::file::exists(&live).then_some(live);
        Some(Service { name, definition: Some(path), live })
    }
}
