//! The manifest of a service: what its service directory is to contain, and who may control it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use super::delegate::Delegation;
use crate::service::{ServiceName, layout};

/// What a service directory is to contain.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Its name in the scan directory.
    pub name: ServiceName,
    /// What it was made from, on one line: [`source_line`].
    pub source: String,
    /// Its files.
    pub files: ServiceFiles,
    /// Who may control it besides root.
    pub delegation: Option<Delegation>,
    /// Whose rights it has.
    pub author: Author,
}

/// Whose rights a service has. A service directory is never handed over from one to the other, since an open
/// descriptor of its control FIFO is not affected by modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Author {
    /// Only root can write what it was made from.
    Root,
    /// A user can write it.
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

    /// Reads that word.
    pub fn of_word(word: &str) -> Option<Author> {
        [Author::Root, Author::User].into_iter().find(|author| author.word() == word)
    }
}

/// Whether a service is to be up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DesiredState {
    /// It is to be up.
    Up,
    /// It is to be down.
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

/// The files of a service directory: names of [`layout::FILES`] and their contents. All other files in it belong
/// to the supervisor or to somebody else, and are left alone.
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

    /// Whether there is such a file.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Name and content, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.0.iter().map(|(name, content)| (*name, content.as_slice()))
    }

    /// How many bytes they have.
    pub fn bytes(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Whether the service has a logger.
    pub fn has_logger(&self) -> bool {
        self.has(layout::LOG_RUN)
    }

    /// The service is not to be started by itself, and neither is its logger.
    pub fn set_down(&mut self) {
        self.set(layout::DOWN, "");
        if self.has_logger() {
            self.set(layout::LOG_DOWN, "");
        }
    }
}

/// The mode of a file: one that the supervisor executes, or one that it reads.
pub fn mode_of(name: &str) -> u32 {
    match name.rsplit('/').next() {
        Some(layout::RUN | layout::FINISH) => 0o755,
        _ => 0o644,
    }
}
