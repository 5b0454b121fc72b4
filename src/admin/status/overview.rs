//! The content of a page of `futo status`.

use std::time::SystemTime;

use super::row::TableRow;
use crate::admin::CommandError;
use crate::admin::options::Words;
use crate::admin::services;
use crate::observe::{ServiceState, Snapshot, judge};
use crate::sys::clock;

/// All services at one moment, each with its state and the reason for that.
pub(super) struct Overview {
    pub(super) now: SystemTime,
    pub(super) services: Vec<(Snapshot, ServiceState, Option<String>)>,
    /// The number of other services, which are not shown.
    pub(super) others: usize,
    pub(super) unseen: Vec<String>,
}

impl Overview {
    pub(super) fn of(words: &Words, history: u64) -> Result<Self, CommandError> {
        let now = clock::wall_now();
        let services::Observed { services, others, unseen } = services::observe("status", words, history)?;
        let services = services
            .into_iter()
            .map(|snapshot| {
                let (state, why) = judge(&snapshot, now);
                (snapshot, state, why.map(|why| why.text))
            })
            .collect();
        Ok(Overview { now, services, others, unseen })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = TableRow> {
        self.services
            .iter()
            .map(|(snapshot, state, why)| TableRow::of(snapshot, *state, why.as_deref(), self.now))
    }
}
