//! The log file, and the subscriber that writes to it.
//!
//! Each line is written immediately, with one call, so that a crash or `kill -9` does not lose
//! earlier lines. Only regular files are accepted, because writing to a pipe could block. A failed
//! write, as on a full disk, ends the log but not the run; [`lost`] returns the reason at the end.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

use super::line::line;
use super::switch::turn_on;
use crate::error::why;
use crate::unsent;

/// The first line of a debug log, which identifies the format.
pub(crate) const FIRST_LINE: &str = "onebuild debug log, version 1\n";

/// Maximum size of the log of one run: enough for some ten thousand cells.
const MAX_SIZE: u64 = 64 << 20;

/// The log of this run.
static LOG: OnceLock<Arc<Log>> = OnceLock::new();

/// A subscriber that writes the events of this program as lines.
pub(crate) struct Log(Mutex<Sink>);

struct Sink {
    out: Box<dyn Write + Send>,
    /// Number of bytes that may still be written.
    left: u64,
    lost: Option<String>,
}

/// Starts the log of this run at the end of `file`. Works only once.
pub(crate) fn start(file: File) -> io::Result<()> {
    let found = file.metadata()?;
    let log = Arc::new(Log::new(file));
    if LOG.set(log.clone()).is_ok() {
        unsent::add(&found);
        tracing::subscriber::set_global_default(log).map_err(io::Error::other)?;
    }
    Ok(())
}

/// Why the log of this run is incomplete.
pub(crate) fn lost() -> Option<String> {
    let sink = LOG.get()?.0.lock().unwrap_or_else(PoisonError::into_inner);
    sink.lost.clone()
}

impl Log {
    /// Writes to `out`, which must not block.
    pub(crate) fn new(out: impl Write + Send + 'static) -> Self {
        Self::limited(out, MAX_SIZE)
    }

    fn limited(out: impl Write + Send + 'static, left: u64) -> Self {
        turn_on();
        Self(Mutex::new(Sink { out: Box::new(out), left, lost: None }))
    }
}

impl Sink {
    fn write(&mut self, line: &str) {
        if self.lost.is_some() {
            return;
        }
        let length = line.len() as u64;
        let written = match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                self.out.write_all(line.as_bytes()).map_err(|error| why(&error))
            }
            None => {
                let limit = "the log ends here: it reached its size limit\n";
                // The reason is the same, whether writing this line succeeds or not.
                let _ = self.out.write_all(limit.as_bytes());
                Err("it reached its size limit".to_owned())
            }
        };
        self.lost = written.err();
    }
}

/// Whether an event is from this program; libraries log headers and bodies.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    let module = metadata.module_path().unwrap_or_default();
    !metadata.is_span() && (module == "onebuild" || module.starts_with("onebuild::"))
}

impl Subscriber for Log {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_ours(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_ours(metadata)
    }

    fn event(&self, event: &Event<'_>) {
        let line = line(event, SystemTime::now());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(&line);
    }

    // We have no spans, and all others are disabled.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::super::hide;
    use super::*;

    /// Forwards what is written; fails after `left` writes.
    struct Pipe(Sender<String>, usize);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = self.1.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
            self.0.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines of `events`, and why the log is incomplete.
    fn written(writes: usize, limit: u64, events: fn()) -> (Vec<String>, Option<String>) {
        let (sender, lines) = channel();
        let log = Arc::new(Log::limited(Pipe(sender, writes), limit));
        tracing::subscriber::with_default(log.clone(), events);
        let lost = log.0.lock().unwrap().lost.clone();
        drop(log);
        (lines.iter().collect(), lost)
    }

    #[test]
    fn an_event_is_written_immediately_as_one_line_with_its_fields() {
        let (lines, lost) = written(usize::MAX, MAX_SIZE, || {
            let foreign = "two words\nand \u{1b}[31mcolour";
            tracing::debug!(target: "wire", a = 1, none = None::<u64>, b = foreign, c = "", "said");
            tracing::error!(target: "run", "alone");
            tracing::trace!("too much");
            tracing::debug!(target: "url", url = "https://a:b@c/d?e=f", "seen");
        });
        let lines: Vec<&str> =
            lines.iter().map(|line| &line["2026-11-28T04:44:22.123Z ".len()..]).collect();
        let expected = [
            "wire        said a=1 b=\"two words and colour\" c=\"\"\n",
            "run         error alone\n",
            "url         seen url=\"https://c/d?e=…\"\n",
        ];
        assert_eq!((lines.as_slice(), lost), (&expected[..], None));
    }

    #[test]
    fn a_known_secret_is_not_written_in_any_form() {
        let (lines, _) = written(usize::MAX, MAX_SIZE, || {
            hide("canary-7f3a\n");
            let basic = "Basic Ym9iOmNhbmFyeS03ZjNh";
            tracing::debug!(a = "x canary-7f3a y", b = basic, c = ?["canary-7f3a"], "canary-7f3a");
        });
        let all = lines.concat();
        assert!(
            !all.contains("canary") && !all.contains("Y2FuYXJ5") && !all.contains("NhbmFye"),
            "{all}"
        );
        assert!(all.contains("[redacted] a=\"x [redacted] y\" b=\"Basic "), "{all}");
    }

    #[test]
    fn a_full_disk_ends_the_log_with_one_reason() {
        let (lines, lost) = written(1, MAX_SIZE, || (0..9).for_each(|_| tracing::debug!("line")));
        assert_eq!(lines.len(), 1);
        assert_eq!(lost.as_deref(), Some("no storage space"));
    }

    #[test]
    fn a_log_has_a_size_limit_and_its_last_line_says_so() {
        let (lines, lost) =
            written(usize::MAX, 200, || (0..99).for_each(|_| tracing::debug!("line")));
        assert!(lines.len() < 9 && lines.last().unwrap().contains("limit"), "{lines:?}");
        assert!(lost.is_some());
    }

    #[test]
    fn events_of_libraries_are_not_written() {
        let (lines, _) = written(usize::MAX, MAX_SIZE, || {
            // Like `h2`, which logs the headers of requests.
            tracing::debug!(target: "h2", "ours by its module, whatever its target");
            log_of_another::debug();
        });
        assert_eq!(lines.len(), 1);
    }

    mod log_of_another {
        use tracing::callsite::{Callsite, DefaultCallsite, Identifier};
        use tracing::field::FieldSet;
        use tracing::metadata::Kind;
        use tracing::{Event, Level, Metadata};

        static CALLSITE: DefaultCallsite = DefaultCallsite::new(&METADATA);
        static METADATA: Metadata<'static> = Metadata::new(
            "event",
            "h2",
            Level::DEBUG,
            None,
            None,
            Some("h2::frame"),
            FieldSet::new(&[], Identifier(&CALLSITE)),
            Kind::EVENT,
        );

        pub(super) fn debug() {
            let _ = CALLSITE.register();
            tracing::dispatcher::get_default(|dispatch| {
                if dispatch.enabled(CALLSITE.metadata()) {
                    Event::dispatch(&METADATA, &METADATA.fields().value_set(&[]));
                }
            });
        }
    }
}
