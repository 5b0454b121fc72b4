//! The two parts of a service directory: the service's own files, and those of its logger.

use crate::service::layout;

/// A part of a service directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The service itself.
    Service,
    /// Its logger, in a directory of its own.
    Logger,
}

impl Part {
    /// Both.
    pub const ALL: [Part; 2] = [Part::Service, Part::Logger];

    /// The part to which a name of [`layout::FILES`] belongs, and its name there.
    pub fn of(name: &str) -> (Part, &str) {
        match name.split_once('/') {
            Some((layout::LOG, name)) => (Part::Logger, name),
            _ => (Part::Service, name),
        }
    }

    /// The prefix of names in this part.
    pub fn prefix(self) -> &'static str {
        match self {
            Part::Service => "",
            Part::Logger => "log/",
        }
    }

    /// The directory of this part.
    pub fn directory(self) -> &'static str {
        match self {
            Part::Service => ".",
            Part::Logger => layout::LOG,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_belongs_to_a_part() {
        assert_eq!(Part::of("run"), (Part::Service, "run"));
        assert_eq!(Part::of("log/run"), (Part::Logger, "run"));
        for name in layout::FILES {
            let (part, file) = Part::of(name);
            assert_eq!(format!("{}{file}", part.prefix()), name);
        }
    }
}
