//! Readiness while the launcher stays: reported at the start, after a success, when a helper detects it, or when the
//! worker reports it. The worker does not inherit the descriptor.

mod sd_notify;

use std::ffi::{CStr, CString};
use std::os::fd::BorrowedFd;

use nix::errno::Errno;

use crate::config::value::{Delay, ReadyForm};
use crate::error::reason;
use crate::plan::Plan;
use crate::ready::probe::ProbeContext;
use crate::ready::readiness::Notification;
use crate::ready::ready_watch::{LoopHelper, ReadyWatch};
use crate::report::Reporter;
use crate::sys::spawn::Vector;
use crate::wait::handled;
use sd_notify::NotifySocket;

/// The readiness notification, and the condition for it.
#[derive(Debug)]
pub(super) struct Readiness<'a> {
    /// None without a listener, or after the notification.
    notification: &'a mut Option<Notification>,
    awaited: Awaited,
}

#[derive(Debug)]
enum Awaited {
    Nothing,
    FirstSuccess,
    Message(NotifySocket),
    Helper(#[expect(dead_code, reason = "it leaves when this is dropped")] LoopHelper),
}

/// Continues without readiness: it will never be reported.
fn not_waited_for(errno: Errno, reporter: &Reporter) -> Awaited {
    reporter.warn(&format!("unable to wait for readiness: {}; it will not be reported", reason(errno)));
    Awaited::Nothing
}

impl<'a> Readiness<'a> {
    /// Starts to wait for the planned condition; `--ready start` is reported immediately.
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
                    Ok(socket) => Awaited::Message(socket),
                    Err(errno) => not_waited_for(errno, reporter),
                },
                ReadyForm::Check(check) => {
                    let watch = ReadyWatch {
                        notification,
                        check,
                        context: ProbeContext { environment, directory },
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

    /// Handles a successful run.
    pub(super) fn succeeded(&mut self) {
        if let Awaited::FirstSuccess = self.awaited {
            self.report();
        }
    }

    /// Readable when the worker has sent a message.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.awaited {
            Awaited::Message(socket) => Some(socket.descriptor()),
            _ => None,
        }
    }

    /// Handles messages from the worker.
    pub(super) fn listen(&mut self) {
        if let Awaited::Message(socket) = &mut self.awaited
            && socket.takes_ready()
        {
            self.report();
        }
    }

    /// The variable for the worker's environment.
    pub(super) fn variable(&self) -> Option<&CString> {
        match &self.awaited {
            Awaited::Message(socket) => Some(socket.variable()),
            _ => None,
        }
    }

    fn report(&mut self) {
        self.notification.take().into_iter().for_each(Notification::send_and_close);
    }
}
