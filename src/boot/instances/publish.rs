//! Publishes an instance as a service: whether it is started, which directory it replaces, and the command that its
//! desired state requires.

use std::collections::BTreeSet;
use std::time::Duration;

use super::desired_state::DesiredStateFile;
use super::error::InstancesError;
use super::instance::{Instance, InstanceRole, PublishableInstance};
use super::lines::{REGISTERED, STARTED, STOPPED};
use super::names::{is_name, name_of};
use super::reconciler::{Follow, Pass, Passes, Reconciler};
use super::system::{Policy, System};
use super::template::{self, Placeholders};
use crate::boot::choice::Intent;
use crate::boot::manifest::{Author, DesiredState, Manifest};
use crate::boot::quota::Quota;
use crate::boot::report::{Report, ReportRow};
use crate::boot::scan::predecessor::Predecessor;
use crate::boot::scan::run_state::RunState;
use crate::service::control::Order;
use crate::service::layout;
use crate::sys::clock::BootTime;

/// The time after which a stopped service of another tool is replaced.
const SETTLE_TIME: Duration = Duration::from_millis(500);

impl Reconciler {
    /// Publishes one instance, and sends the command that a changed desired state requires.
    pub(super) fn publish(
        &mut self,
        pass: &Pass,
        instance: &PublishableInstance,
        quota: &mut Quota,
        row: &mut ReportRow,
    ) {
        let service = instance.service.as_str();
        let present = pass.scan.run_state(service);
        let decision = self.decide(pass, instance, present, row.prior_state.as_deref());
        let manifest = self.manifest(pass, instance, decision.state);
        if let Err(exceeded) = quota.take(service, &manifest.files) {
            return row.failures.push(InstancesError::QuotaExceeded(exceeded));
        }
        match pass.scan.apply(&manifest) {
            Ok(change) => {
                row.change = Some(change);
                let runs = present.map_or(decision.state == DesiredState::Up, RunState::is_meant_to_run);
                row.action = match decision.changed {
                    // it has already been sent the command, and may be about to exit
                    Some(DesiredState::Down) => STOPPED,
                    _ if runs => STARTED,
                    _ => REGISTERED,
                };
            }
            Err(error) => return row.fail(error),
        }
        if let (Some(order), Intent::Apply) = (decision.order, self.choice.intent) {
            row.is_ordered = true;
            row.action = if order == Order::Up { STARTED } else { STOPPED };
            let sent = pass.scan.order(service, order);
            row.failures.take(sent.map_err(InstancesError::Order));
        }
        // after a failure the next pass tries again
        if let (Some(state), false) = (instance.desired_state, row.has_failed()) {
            self.desired_states.insert(instance.name.clone(), state);
        }
    }

    /// Decides whether a service should be up; if it has a supervisor, only a change since the last pass counts.
    fn decide(
        &self,
        pass: &Pass,
        instance: &PublishableInstance,
        present: Option<RunState>,
        prior_state: Option<&str>,
    ) -> Decision {
        let up_if = |is_up| if is_up { DesiredState::Up } else { DesiredState::Down };
        let may_start = !self.choice.no_start && (instance.role == InstanceRole::Root || !pass.is_held);
        let is_live = self.follow == Follow::Changes && policy(&self.system, &instance.name) == Policy::Last;
        let Some(present) = present.filter(|_| is_live) else {
            let is_up = may_start && starts(&self.system, &instance.name, prior_state);
            return Decision { state: up_if(is_up), changed: None, order: None };
        };
        let published = up_if(!pass.scan.has_down(instance.service.as_str()));
        let before = *self.desired_states.get(&instance.name).unwrap_or(&published);
        match instance.desired_state.filter(|state| *state != before) {
            Some(state) => {
                let allowed = up_if(state == DesiredState::Up && may_start);
                // a service that must not be started is not stopped either: it may have been started by hand
                let order = present.order_for(allowed).filter(|_| allowed == state);
                Decision { state: allowed, changed: Some(state), order }
            }
            // without a desired state, the state in the file is the process's own
            None => Decision { state: published, changed: None, order: None },
        }
    }

    /// Removes stopped and unfinished service directories of another tool; returns the names of running ones.
    pub(super) fn take_over_stopped(
        &mut self,
        pass: &Pass,
        instances: &[Instance],
        report: &mut Report,
    ) -> BTreeSet<String> {
        let (mut running, mut stopped) = (BTreeSet::new(), Vec::new());
        for instance in instances.iter().filter_map(|instance| instance.publishable.as_ref()) {
            let lines = self.last_lines(instance.service.as_str());
            match pass.scan.predecessor(instance.service.as_str(), &lines) {
                Predecessor::Supervised(state) if state.is_meant_to_run() => {
                    self.down_since.remove(instance.service.as_str());
                    running.insert(instance.service.to_string());
                }
                // the tool that stopped it is about to record that in the state file
                Predecessor::Supervised(_) if self.has_just_stopped(instance.service.as_str()) => {
                    running.insert(instance.service.to_string());
                }
                Predecessor::Supervised(_) | Predecessor::Unsupervised => {
                    stopped.push(instance.service.to_string());
                }
                Predecessor::None => {}
            }
        }
        let staging = |name: &String| template::is_staging(&self.system, name);
        stopped.extend(pass.scan.predecessor_names(staging));
        if !stopped.is_empty() && self.choice.intent == Intent::Apply {
            for (_, removed) in pass.scan.prune(&stopped, self.choice.patience, &mut report.failures) {
                report.warnings.take(removed);
            }
        }
        running
    }

    /// Whether the service of another tool was up a moment ago.
    fn has_just_stopped(&mut self, service: &str) -> bool {
        let now = BootTime::now();
        let since = *self.down_since.entry(service.to_string()).or_insert(now);
        self.passes == Passes::Some && now.since(since) < SETTLE_TIME
    }

    /// The possible last lines of `run` in a service directory of another tool with this name.
    fn last_lines(&self, service: &str) -> Vec<String> {
        let name = name_of(&self.system, service).filter(|name| is_name(name));
        name.map_or_else(Vec::new, |name| template::predecessor_lines(&self.system, &name, service))
    }

    fn manifest(&self, pass: &Pass, instance: &PublishableInstance, state: DesiredState) -> Manifest {
        let system = &self.system;
        let placeholders = Placeholders {
            name: &instance.name,
            service: instance.service.as_str(),
            home: system.home.to_str().unwrap_or_default(),
            directory: &instance.directory,
        };
        let mut files = template::files(system, &self.choice.launcher, &placeholders, instance.role);
        let state_file = DesiredStateFile::of(system, &instance.directory);
        if let (Policy::Last, Some(state_file)) = (policy(system, &instance.name), state_file) {
            files.set(layout::DESIRED_STATE, state_file.text());
        }
        if state == DesiredState::Down {
            files.set_down();
        }
        let (name, source) = (instance.service.clone(), pass.source.clone());
        Manifest { name, source, files, delegation: pass.delegation, author: Author::Root }
    }
}

/// Whether a service should be up, and the command for that.
struct Decision {
    state: DesiredState,
    /// The desired state, if it has changed since the last pass.
    changed: Option<DesiredState>,
    order: Option<Order>,
}

/// Whether a service should be up, by the previous state of its instance.
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
