//! The setup of a worker, parts of which are read again between runs.

use std::ffi::{CStr, CString};

use super::journal::Journal;
use crate::config::timing::Timing;
use crate::error::{Finding, Findings};
use crate::log::Log;
use crate::plan::Plan;
use crate::ready::environment::{self, Environment, Signature};
use crate::ready::{self, program};
use crate::report::{Level, Topic};
use crate::run::child::not_started;
use crate::sys::cgroup::Cgroup;
use crate::sys::spawn::{Launch, Limit, SpawnError, Vector};
use crate::wait::handled;

pub(super) struct Setup<'a> {
    pub(super) plan: &'a Plan,
    arguments: Vector,
    directory: Option<CString>,
    limits: Vec<Limit>,
    /// The counters of the container's limits.
    pub(super) cgroup: Cgroup,
    /// `NOTIFY_SOCKET=…`, if the worker reports readiness there.
    notify: Option<CString>,
    prepared: Prepared,
    /// The findings from reading the variables again.
    trouble: Option<Findings>,
}

/// The worker's variables, and what is derived from them.
struct Prepared {
    environment: Environment,
    vector: Vector,
    candidates: Vec<CString>,
    /// The signature of the files last read, with or without findings.
    signature: Signature,
}

impl<'a> Setup<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        arguments: Vector,
        directory: Option<CString>,
        environment: Environment,
        notify: Option<CString>,
    ) -> Self {
        let prepared = Prepared::new(plan, environment, notify.as_ref());
        let limits = plan.limits.to_kernel();
        Setup { plan, arguments, directory, limits, cgroup: Cgroup::own(), notify, prepared, trouble: None }
    }

    /// The worker, with its output in this log.
    pub(super) fn launch(&self, log: &Log) -> Launch<'_> {
        Launch {
            candidates: &self.prepared.candidates,
            arguments: &self.arguments,
            environment: &self.prepared.vector,
            output: log.descriptor(),
            join: log.join(),
            directory: self.directory(),
            umask: self.plan.umask,
            limits: &self.limits,
            handled: handled(),
            foreground: false,
        }
    }

    pub(super) fn not_started(&self, error: SpawnError) -> Finding {
        not_started(error, self.plan, self.environment())
    }

    pub(super) fn directory(&self) -> Option<&CStr> {
        self.directory.as_deref()
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.prepared.environment
    }

    /// `NAME=VALUE`, as the worker gets them.
    pub(super) fn entries(&self) -> &[CString] {
        self.prepared.vector.texts()
    }

    /// The signature of the files the variables were read from, at the end of the loop.
    pub(super) fn take_signature(&mut self) -> Signature {
        std::mem::take(&mut self.prepared.signature)
    }

    /// Reads the variables and the timing again if their files have changed, HUP requests it, or they had findings
    /// before (a parent directory may be the fix). Findings are reported once, and the old values kept.
    pub(super) fn read_again(&mut self, journal: &mut Journal<'_>) -> Option<(Environment, Option<Timing>)> {
        if !journal.take_hang_up() && self.trouble.is_none() && self.prepared.signature.is_current() {
            return None;
        }
        let mut findings = Findings::default();
        let environment = environment::build(self.plan, &mut findings);
        let timing = ready::timing(self.plan, &environment, &mut findings);
        if findings.is_empty() {
            return Some((environment, timing));
        }
        self.prepared.signature = environment.signature().clone();
        let known = self.trouble.take().unwrap_or_default();
        let mut new = findings.iter().filter(|finding| !known.iter().any(|each| each == *finding)).peekable();
        if new.peek().is_some() {
            new.for_each(|finding| journal.reporter.finding(Level::Warning, finding));
            journal.reporter.warn("the worker keeps its previous environment");
        }
        self.trouble = Some(findings);
        None
    }

    /// Uses these variables for the worker from now on.
    pub(super) fn take_up(&mut self, environment: Environment, journal: &mut Journal<'_>) {
        if self.trouble.take().is_some() {
            journal.reporter.info("the worker's environment is up to date again");
        }
        journal.reporter.trouble(Topic::Environment, environment.quirks());
        self.prepared = Prepared::new(self.plan, environment, self.notify.as_ref());
    }
}

impl Prepared {
    fn new(plan: &Plan, environment: Environment, notify: Option<&CString>) -> Self {
        let mut vector = environment.to_vector();
        if let Some(notify) = notify {
            let others =
                vector.texts().iter().filter(|entry| !entry.as_bytes().starts_with(b"NOTIFY_SOCKET="));
            vector = Vector::new(others.chain([notify]).cloned().collect());
        }
        Prepared {
            vector,
            candidates: program::candidates(plan, &environment),
            signature: environment.signature().clone(),
            environment,
        }
    }
}
