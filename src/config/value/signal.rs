//! Signals by name.

use std::str::FromStr;

use nix::sys::signal::Signal;

use crate::invalid::Invalid;

/// The signal that asks the worker to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopSignal(pub Signal);

/// The name without SIG, as people write it.
pub fn signal_name(signal: Signal) -> &'static str {
    signal.as_str().trim_start_matches("SIG")
}

impl StopSignal {
    /// Reads `TERM`, `SIGTERM`, `term` or `15`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let upper = text.to_ascii_uppercase();
        let signal = match upper.parse::<i32>() {
            Ok(number) => Signal::try_from(number),
            Err(_) if upper.starts_with("SIG") => Signal::from_str(&upper),
            Err(_) => Signal::from_str(&format!("SIG{upper}")),
        };
        match signal {
            Ok(Signal::SIGSTOP | Signal::SIGTSTP | Signal::SIGTTIN | Signal::SIGTTOU | Signal::SIGCONT) => {
                Err(Invalid::new("does not end a process").hint("for instance TERM, INT, QUIT, HUP or USR1"))
            }
            Ok(signal) => Ok(StopSignal(signal)),
            Err(_) => Err(Invalid::new("is not a signal").hint("for instance TERM, INT, QUIT, HUP or USR1")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_name_with_or_without_sig_and_a_number() {
        for text in ["TERM", "SIGTERM", "term", "15"] {
            assert_eq!(StopSignal::parse(text), Ok(StopSignal(Signal::SIGTERM)), "{text}");
        }
        for text in ["", "STOP", "CONT", "99", "TERMINATE", "0"] {
            assert!(StopSignal::parse(text).is_err(), "{text}");
        }
    }
}
