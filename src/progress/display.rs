//! What shows events: each way of showing them is one of these.

use std::io;
use std::time::{Duration, Instant};

use crate::event::Event;

/// A way of showing events. `now` is handed in so that tests own the clock.
pub(super) trait Display {
    /// How often it is drawn when nothing happens; none for one that only reacts.
    fn pulse(&self) -> Option<Duration> {
        None
    }

    /// Takes notice of `event`.
    fn event(&mut self, event: &Event, now: Instant) -> io::Result<()>;

    /// Takes notice that `lines` of builds are missing, since it did not keep up.
    fn dropped(&mut self, _lines: usize) -> io::Result<()> {
        Ok(())
    }

    /// Shows what it took notice of.
    fn flush(&mut self, now: Instant) -> io::Result<()>;

    /// Leaves the screen as whoever prints next expects it.
    fn end(&mut self) -> io::Result<()>;
}
