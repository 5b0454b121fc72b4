//! Limits the instances that are read to those that may be published: reading the rest would take the very time that
//! the quota is meant to save.

use std::collections::BTreeSet;

use super::InstancesError;

/// The number of instances that may be published, and the services that have a place.
#[derive(Debug)]
pub(super) struct InstanceQuota {
    most: usize,
    taken: BTreeSet<String>,
    left_out: usize,
    first_left_out: Option<String>,
}

impl InstanceQuota {
    /// The services in `taken` are published and kept.
    pub(super) fn new(most: usize, taken: BTreeSet<String>) -> Self {
        InstanceQuota { most, taken, left_out: 0, first_left_out: None }
    }

    /// Takes a place for a service; returns whether there was one.
    pub(super) fn take(&mut self, service: &str) -> bool {
        let has_place = self.taken.contains(service) || self.taken.len() < self.most;
        if has_place {
            self.taken.insert(service.to_string());
        }
        has_place
    }

    /// Like [`InstanceQuota::take`], and counts instances without a place.
    pub(super) fn take_or_count(&mut self, service: &str, instance: &str) -> bool {
        let has_place = self.take(service);
        if !has_place {
            self.left_out += 1;
            self.first_left_out.get_or_insert_with(|| instance.to_string());
        }
        has_place
    }

    /// The error for instances without a place, if there are any.
    pub(super) fn left_out(self) -> Option<InstancesError> {
        let first = self.first_left_out?;
        Some(InstancesError::LeftOut { most: self.most, count: self.left_out, first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_services_keep_their_place_and_the_rest_is_counted() {
        let mut quota = InstanceQuota::new(3, BTreeSet::from(["x-z".to_string()]));
        assert!(quota.take("x-default"));
        let has_place = ["a", "b", "c", "z"].map(|name| quota.take_or_count(&format!("x-{name}"), name));
        assert_eq!(has_place, [true, false, false, true]);
        let text = quota.left_out().expect("two are left out").to_string();
        assert_eq!(text, "there are more than 3 instances: 2 are not published, starting with 'b'");
        assert!(InstanceQuota::new(1, BTreeSet::new()).left_out().is_none());
    }
}
