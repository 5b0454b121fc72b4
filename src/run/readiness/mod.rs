//! Telling readiness while the launcher stays: at the start, after a success, or when a helper or the worker
//! says so. The worker never gets the descriptor.

mod sd_notify;

use std::ffi::{CStr, CString};
use std::os::fd::BorrowedFd;

use nix::errno::Errno;

use crate::config::value::{Delay, ReadyForm};
use crate::error::reason;
use crate::plan::Plan;
use crate::ready::probe::Surroundings;
use crate::ready::readiness::Notification;
use crate::ready::ready_watch::{LoopHelper, ReadyWatch};
use crate::report::Reporter;
use crate::sys::spawn::Vector;
use crate::wait::handled;
use sd_notify::NotifySocket;

/// Where readiness is told, and what is waited for.
#[derive(Debug)]
pub(super) struct Readiness<'a> {
    /// None if there is nobody to tell, or it has been told.
    notification: &'a mut Option<Notification>,
    awaited: Awaited,
}

#[derive(Debug)]
enum Awaited {
    Nothing,
    FirstSuccess,
    Word(NotifySocket),
    Helper(#[expect(dead_code, reason = "it leaves when this is dropped")] LoopHelper),
}

/// The loop goes on without it: what cannot be waited for is never reported ready.
fn not_waited_for(errno: Errno, reporter: &Reporter) -> Awaited {
    reporter.warn(&format!("unable to wait for readiness: {}; it is not reported", reason(errno)));
    Awaited::Nothing
}

impl<'a> Readiness<'a> {
    /// Begins to wait for what the plan says; the start is told at once.
    pub(super) fn begin(
        plan: &Plan,
        notification: &'a mut Option<Notification>,
        timeout: Option<Delay>,
        environment: &Vector,
        directory: Option<&CStr>,
        reporter: &Reporter,
    ) -> Self {
        let awaited = match (notification.as_ref(), &plan.readiness.form) {
            (None, _) => Awaited::Nothing,
            (Some(_), None | Some(ReadyForm::Start)) => {
                notification.take().into_iter().for_each(Notification::send_and_close);
                Awaited::Nothing
            }
            (Some(notification), Some(form)) => match form {
                ReadyForm::Start | ReadyForm::FirstSuccess => Awaited::FirstSuccess,
                ReadyForm::SdNotify => match NotifySocket::open(plan) {
                    Ok(socket) => Awaited::Word(socket),
                    Err(errno) => not_waited_for(errno, reporter),
                },
                ReadyForm::Check(check) => {
                    let watch = ReadyWatch {
                        notification,
                        check,
                        surroundings: Surroundings { environment, directory },
                        timeout: timeout.map(Delay::duration),
                        reporter,
                        handled: handled(),
                    };
                    match watch.in_loop() {
                        Ok(helper) => Awaited::Helper(helper),
                        Err(errno) => not_waited_for(errno, reporter),
                    }
                }
            },
        };
        Readiness { notification, awaited }
    }

    /// A run has succeeded.
    pub(super) fn succeeded(&mut self) {
        if let Awaited::FirstSuccess = self.awaited {
            self.tell();
        }
    }

    /// Readable when the worker has said something.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.awaited {
            Awaited::Word(socket) => Some(socket.descriptor()),
            _ => None,
        }
    }

    /// Takes what the worker has said.
    pub(super) fn listen(&mut self) {
        if let Awaited::Word(socket) = &mut self.awaited
            && socket.says_ready()
        {
            self.tell();
        }
    }

    /// What the worker finds in its environment.
    pub(super) fn variable(&self) -> Option<&CString> {
        match &self.awaited {
            Awaited::Word(socket) => Some(socket.variable()),
            _ => None,
        }
    }

    fn tell(&mut self) {
        self.notification.take().into_iter().for_each(Notification::send_and_close);
    }
}
