//! Signals that stop a run, and their effects.

use std::io;

use tokio::signal::unix::{self, SignalKind};

/// A signal that stops a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGINT: Ctrl-C, or a runner that cancels a job.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal was closed.
    Hangup,
}

impl Signal {
    /// 128 plus the signal number, as in shells.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Hangup => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// The effect of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Stop the run: no more cells start, running ones are cancelled and clean up.
    Cancel,
    /// End the program immediately.
    Leave,
    /// Ignore it: it repeats an earlier signal.
    Ignore,
}

/// The signals received so far.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) first: Option<Signal>,
    has_terminated: bool,
}

impl Received {
    /// Records a signal.
    ///
    /// A second Ctrl-C means "immediately". GitHub's runner sends SIGINT and, 7.5 seconds later,
    /// SIGTERM: that is one request. So are SIGTERM and SIGHUP at a logout, and several SIGHUPs,
    /// which a closed terminal and its shell both send.
    pub(super) fn add(&mut self, signal: Signal) -> Action {
        let is_first = self.first.is_none();
        self.first.get_or_insert(signal);
        let again = match signal {
            Signal::Interrupt => !is_first,
            Signal::Terminate => std::mem::replace(&mut self.has_terminated, true),
            Signal::Hangup => false,
        };
        match (is_first, again) {
            (true, _) => Action::Cancel,
            (false, true) => Action::Leave,
            (false, false) => Action::Ignore,
        }
    }
}

/// Starts to listen. From now on, none of the signals ends the program by itself.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    /// `None` if SIGHUP is ignored, as with `nohup`.
    hangup: Option<unix::Signal>,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        let hangup = match is_hangup_ignored() {
            true => None,
            false => Some(unix::signal(SignalKind::hangup())?),
        };
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            hangup,
        })
    }

    /// The next signal. Cancel-safe.
    pub(super) async fn next(&mut self) -> Signal {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // A fixed order for simultaneous signals, so that the exit code is always the same.
            biased;
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = hangup => Signal::Hangup,
        }
    }
}

/// Whether SIGHUP was ignored when the program started. If that cannot be read, its handling is not
/// changed.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & 1 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sequence_of_signals_has_a_defined_effect() {
        let signals = |letters: &str| -> Vec<Signal> {
            letters
                .chars()
                .map(|letter| match letter {
                    'I' => Signal::Interrupt,
                    'T' => Signal::Terminate,
                    _ => Signal::Hangup,
                })
                .collect()
        };
        // Each signal by its letter, its effect (cancel, leave, ignore), and the exit code.
        for (sent, done, code) in [
            ("I", "c", 130),
            ("T", "c", 143),
            ("H", "c", 129),
            ("II", "cl", 130),
            ("IT", "ci", 130),
            ("IH", "ci", 130),
            ("TI", "cl", 143),
            ("TT", "cl", 143),
            ("TH", "ci", 143),
            ("HI", "cl", 129),
            ("HT", "ci", 129),
            ("HH", "ci", 129),
            ("ITI", "cil", 130),
            ("ITT", "cil", 130),
            ("HTH", "cii", 129),
            ("HTT", "cil", 129),
            ("IHT", "cii", 130),
        ] {
            let mut received = Received::default();
            let actions: String = signals(sent)
                .into_iter()
                .map(|signal| match received.add(signal) {
                    Action::Cancel => 'c',
                    Action::Leave => 'l',
                    Action::Ignore => 'i',
                })
                .collect();
            let first = received.first.expect("a signal was sent").exit_code();
            assert_eq!((actions.as_str(), first), (done, code), "{sent}");
        }
    }
}
