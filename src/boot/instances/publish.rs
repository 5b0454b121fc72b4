//! One instance becomes a service: whether it starts, what it replaces, and the order that its state asks for.

use std::collections::BTreeSet;
use std::time::Duration;

use super::config::{Policy, System};
use super::find::{self, Instance, Publishable};
use super::{Follow, InstancesError, Pass, Passes, REGISTERED, Reconciler, STARTED, STOPPED, template, wish};
use crate::boot::choice::Intent;
use crate::boot::desired::{Author, Desired};
use crate::boot::report::{Report, Row};
use crate::boot::room::Room;
use crate::boot::scan::run_state::Life;
use crate::service::control::Order;
use crate::service::layout;
use crate::sys::clock::BootTime;

/// A service that was stopped is taken over after this time.
const STOP_SETTLES: Duration = Duration::from_millis(500);

impl Reconciler {
    /// Publishes one instance, and gives the order that a changed desired state asks for.
    pub(super) fn publish(&mut self, pass: &Pass, instance: &Publishable, room: &mut Room, row: &mut Row) {
        let service = instance.service.as_str();
        let life = pass.scan.life(service);
        let was_down = pass.scan.has_down(service);
        let may_start = !self.choice.no_start && (instance.is_root_instance || !pass.is_held);
        let by_policy = starts(&self.system, &instance.name, row.prior_state.as_deref()) && may_start;
        let (mut starts, mut order) = (by_policy, None);
        let mut changed = None;
        let is_live = life.is_some() && policy(&self.system, &instance.name) == Policy::Last;
        if let (true, true, Some(life)) = (self.follow == Follow::Changes, is_live, life) {
            let before = self.meant.get(&instance.name).copied().unwrap_or(!was_down);
            changed = instance.is_desired.filter(|meant| *meant != before);
            starts = match changed {
                Some(meant) => meant && may_start,
                // its process may say what it likes of itself
                None => !was_down,
            };
            // what must not start is not stopped for that: somebody may have started it by hand
            order = life.order_for(starts).filter(|_| changed.is_some_and(|meant| meant == starts));
        }
        let desired = self.desired(pass, instance, starts);
        if let Err(full) = room.take(service, &desired.files) {
            return row.failures.push(InstancesError::NoRoom(full));
        }
        match pass.scan.apply(desired) {
            Ok(change) => {
                row.change = Some(change);
                let runs = life.map_or(starts, Life::is_meant_to_run);
                row.action = match changed {
                    // it has been notified already, and may be about to leave
                    Some(false) => STOPPED,
                    _ if runs => STARTED,
                    _ => REGISTERED,
                };
            }
            Err(error) => return row.fail(error),
        }
        if let (Some(order), Intent::Apply) = (order, self.choice.intent) {
            row.is_ordered = true;
            row.action = if order == Order::Up { STARTED } else { STOPPED };
            let sent = pass.scan.order(service, order);
            row.failures.take(sent.map_err(InstancesError::Order));
        }
        // what has failed is tried again
        if let (Some(meant), false) = (instance.is_desired, row.has_failed()) {
            self.meant.insert(instance.name.clone(), meant);
        }
    }

    /// Takes out the stopped service directories of an earlier maker, and all that it left half made; gives the
    /// names of those that run.
    pub(super) fn take_over_stopped(
        &mut self,
        pass: &Pass,
        instances: &[Instance],
        report: &mut Report,
    ) -> BTreeSet<String> {
        let (mut running, mut stopped) = (BTreeSet::new(), Vec::new());
        for instance in instances.iter().filter_map(|instance| instance.publishable.as_ref()) {
            let lines = self.predecessor_lines(instance.service.as_str());
            match pass.scan.predecessor(instance.service.as_str(), &lines) {
                Some(life) if life.is_some_and(Life::is_meant_to_run) => {
                    self.down_since.remove(instance.service.as_str());
                    running.insert(instance.service.to_string());
                }
                // whoever has stopped it is about to write so into its state file
                Some(Some(_)) if self.has_just_stopped(instance.service.as_str()) => {
                    running.insert(instance.service.to_string());
                }
                Some(_) => stopped.push(instance.service.to_string()),
                None => {}
            }
        }
        let staging = |name: &String| template::is_staging(&self.system, name);
        stopped.extend(pass.scan.dot_or_plain_names(staging));
        if !stopped.is_empty() && self.choice.intent == Intent::Apply {
            for (_, removed) in pass.scan.prune(&stopped, self.choice.patience, &mut report.failures) {
                report.warnings.take(removed);
            }
        }
        running
    }

    /// Whether the service of an earlier maker was up until a moment ago.
    fn has_just_stopped(&mut self, service: &str) -> bool {
        let now = BootTime::now();
        let since = *self.down_since.entry(service.to_string()).or_insert(now);
        self.passes == Passes::Some && now.since(since) < STOP_SETTLES
    }

    /// What the last line of `run` may be in an earlier maker's service directory of this name.
    pub(super) fn predecessor_lines(&self, service: &str) -> Vec<String> {
        let name = template::name_of(&self.system, service).filter(|name| find::is_name(name));
        name.map_or_else(Vec::new, |name| template::predecessor_lines(&self.system, &name, service))
    }

    fn names<'n>(&'n self, instance: &'n Publishable) -> template::Names<'n> {
        template::Names {
            name: &instance.name,
            service: instance.service.as_str(),
            home: self.system.home.to_str().unwrap_or_default(),
            directory: &instance.directory,
        }
    }

    fn desired(&self, pass: &Pass, instance: &Publishable, starts: bool) -> Desired {
        let (system, names) = (&self.system, self.names(instance));
        let mut files = template::files(system, &self.choice.launcher, &names, instance.is_root_instance);
        let wish = wish::Wish::of(system, &instance.directory);
        if let (Policy::Last, Some(wish)) = (policy(system, &instance.name), wish) {
            files.set(layout::WISH, wish.text());
        }
        if !starts {
            files.set_down();
        }
        let (name, source) = (instance.service.clone(), pass.source.clone());
        Desired { name, source, files, delegation: pass.delegation, author: Author::Root }
    }
}

/// Whether a service is to run, by what its instance was left in.
fn starts(system: &System, name: &str, prior_state: Option<&str>) -> bool {
    match policy(system, name) {
        Policy::Always => true,
        Policy::Never => false,
        Policy::Last => prior_state.is_some_and(|state| system.running.iter().any(|each| each == state)),
    }
}

fn policy(system: &System, name: &str) -> Policy {
    *system.policies.get(name).unwrap_or(&system.policy)
}
