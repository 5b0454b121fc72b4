//! Limits on the services published for non-root users: s6-svscan has a limit of its own, the scan directory is in
//! memory, and there must always be room for root-owned services.

use std::collections::BTreeMap;

use super::manifest::ServiceFiles;

/// The limit of services from user-writable definitions.
pub const MAX_DEFINITIONS: usize = 300;
/// The limit of instances. s6-svscan accepts 500 services by default; the rest is reserved for root.
pub const MAX_INSTANCES: usize = 150;
/// The limit of the total file size, in bytes, for each of the two.
pub const MAX_BYTES: usize = 8 << 20;

/// The resources used by published services, and their limits.
#[derive(Debug)]
pub struct Quota {
    most: usize,
    taken: BTreeMap<String, usize>,
    bytes: usize,
}

/// The quota is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaExceeded {
    /// There are too many services.
    Services(usize),
    /// They have too many bytes.
    Bytes(usize),
}

impl Quota {
    /// `taken` are the published services that are kept, with their sizes. They keep their place even if other names
    /// sort before them; otherwise every run would add new ones.
    pub fn new(most: usize, taken: BTreeMap<String, usize>) -> Self {
        let bytes = taken.values().sum();
        Quota { most, taken, bytes }
    }

    /// Takes the share of one service.
    pub fn take(&mut self, name: &str, files: &ServiceFiles) -> Result<(), QuotaExceeded> {
        let before = self.taken.get(name);
        if before.is_none() && self.taken.len() >= self.most {
            return Err(QuotaExceeded::Services(self.most));
        }
        let bytes = self.bytes - before.unwrap_or(&0) + files.bytes();
        if bytes > MAX_BYTES {
            return Err(QuotaExceeded::Bytes(MAX_BYTES));
        }
        self.bytes = bytes;
        self.taken.insert(name.to_string(), files.bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(bytes: usize) -> ServiceFiles {
        let mut files = ServiceFiles::default();
        files.set("run", vec![b'x'; bytes]);
        files
    }

    #[test]
    fn published_services_keep_their_place_and_the_rest_is_limited() {
        let taken = BTreeMap::from([("old".to_string(), MAX_BYTES - 10)]);
        let mut quota = Quota::new(3, taken);
        assert_eq!(quota.take("a", &files(11)), Err(QuotaExceeded::Bytes(MAX_BYTES)));
        assert_eq!(quota.take("a", &files(10)), Ok(()));
        assert_eq!(quota.take("old", &files(100)), Ok(()), "another version of it gives room back");
        assert_eq!(quota.take("b", &files(1)), Ok(()));
        assert_eq!(quota.take("c", &files(1)), Err(QuotaExceeded::Services(3)));
        assert_eq!(quota.take("old", &files(200)), Ok(()));
        assert_eq!(quota.take("old", &files(MAX_BYTES)), Err(QuotaExceeded::Bytes(MAX_BYTES)));
    }
}
