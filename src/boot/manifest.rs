//! The manifest of a service: what its service directory is to hold, and who may control it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use super::delegate::Delegation;
use crate::service::{ServiceName, layout};

/// A service directory as it should be.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Its name in the scan directory.
    pub name: ServiceName,
    /// Where it comes from, in one line: [`source_line`].
    pub source: String,
    /// Its files.
    pub files: ServiceFiles,
    /// Who else than root may control it.
    pub delegation: Option<Delegation>,
    /// Whose rights it has.
    pub author: Author,
}

/// Whose rights a service has: between the two nothing of a service directory is passed on, because a
/// descriptor of its control FIFO stays open whatever becomes of the modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Author {
    /// Only root can write what it was made from.
    Root,
    /// A user can.
    User,
}

impl Author {
    /// As the marker has it.
    pub fn word(self) -> &'static str {
        match self {
            Author::Root => "root",
            Author::User => "user",
        }
    }

    /// Reads it.
    pub fn of_word(word: &str) -> Option<Author> {
        [Author::Root, Author::User].into_iter().find(|author| author.word() == word)
    }
}

/// Whether a service is to be up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DesiredState {
    /// It is.
    Up,
    /// It is to be down.
    Down,
}

/// A directory as a marker names it.
pub fn source_line(directory: &Path) -> String {
    format!("{directory:?}")
}

impl Manifest {
    /// Tells whether two are the same, among those that one maker makes.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.source.hash(&mut hasher);
        self.files.0.hash(&mut hasher);
        self.delegation.hash(&mut hasher);
        self.author.hash(&mut hasher);
        hasher.finish()
    }
}

/// The files of a service directory: names of [`layout::FILES`] and their contents. All others in it are
/// the supervisor's, or somebody else's, and left alone.
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

    /// The service is not to be started by itself, nor is its logger.
    pub fn set_down(&mut self) {
        self.set(layout::DOWN, "");
        if self.has_logger() {
            self.set(layout::LOG_DOWN, "");
        }
    }
}

/// The mode of a file: what the supervisor executes, or what it reads.
pub fn mode_of(name: &str) -> u32 {
    match name.rsplit('/').next() {
        Some(layout::RUN | layout::FINISH) => 0o755,
        _ => 0o644,
    }
}
