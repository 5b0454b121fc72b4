//! The manifest of a service: the intended content of its service directory, and who may control it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use super::delegate::Delegation;
use crate::service::{ServiceName, layout};

/// The intended content of a service directory.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Its name in the scan directory.
    pub name: ServiceName,
    /// The directory from which it is generated: [`source_line`].
    pub source: String,
    /// Its files.
    pub files: ServiceFiles,
    /// The group that may control it in addition to root.
    pub delegation: Option<Delegation>,
    /// The author, whose rights it has.
    pub author: Author,
}

/// The author of a service, whose rights it has. A service directory never passes from one to the other, since changing
/// the mode of its control FIFO does not affect open descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Author {
    /// Only root can write its source.
    Root,
    /// A user can write its source.
    User,
}

impl Author {
    /// As written in the marker.
    pub fn word(self) -> &'static str {
        match self {
            Author::Root => "root",
            Author::User => "user",
        }
    }

    /// Parses that word.
    pub fn of_word(word: &str) -> Option<Author> {
        [Author::Root, Author::User].into_iter().find(|author| author.word() == word)
    }
}

/// Whether a service should be up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DesiredState {
    /// It should be up.
    Up,
    /// It should be down.
    Down,
}

/// A directory, as written in the marker.
pub fn source_line(directory: &Path) -> String {
    format!("{directory:?}")
}

impl Manifest {
    /// Identifies the manifest among those of the same maker.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.source.hash(&mut hasher);
        self.files.0.hash(&mut hasher);
        self.delegation.hash(&mut hasher);
        self.author.hash(&mut hasher);
        hasher.finish()
    }
}

/// The files of a service directory: names of [`layout::FILES`] and their contents. Any other files in it belong to the
/// supervisor or to other programs, and are left alone.
#[derive(Clone, Debug, Default)]
pub struct ServiceFiles(BTreeMap<&'static str, Vec<u8>>);

impl ServiceFiles {
    /// Sets a file's content.
    pub fn set(&mut self, name: &'static str, content: impl Into<Vec<u8>>) {
        self.0.insert(name, content.into());
    }

    /// A file's content.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Whether the file exists.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Name and content, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.0.iter().map(|(name, content)| (*name, content.as_slice()))
    }

    /// Their total size in bytes.
    pub fn bytes(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Whether the service has a logger.
    pub fn has_logger(&self) -> bool {
        self.has(layout::LOG_RUN)
    }

    /// Makes the supervisor leave the service and its logger down.
    pub fn set_down(&mut self) {
        self.set(layout::DOWN, "");
        if self.has_logger() {
            self.set(layout::LOG_DOWN, "");
        }
    }
}

/// The mode of a file: executable for scripts, read-only data otherwise.
pub fn mode_of(name: &str) -> u32 {
    match name.rsplit('/').next() {
        Some(layout::RUN | layout::FINISH) => 0o755,
        _ => 0o644,
    }
}
