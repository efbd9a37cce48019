//! What shows events: each way of showing them is one of these.

use std::io;
use std::time::{Duration, Instant};

use crate::event::Event;

/// A way to show events. `now` is passed in, so that tests control the clock.
pub(super) trait Display {
    /// The redraw interval without events; `None` for a display that only reacts to events.
    fn pulse(&self) -> Option<Duration> {
        None
    }

    /// Records `event`.
    fn event(&mut self, event: &Event, now: Instant) -> io::Result<()>;

    /// Records that `lines` of build output were dropped, because the display was too slow.
    fn dropped(&mut self, _lines: usize, _now: Instant) -> io::Result<()> {
        Ok(())
    }

    /// Shows the recorded events.
    fn flush(&mut self, now: Instant) -> io::Result<()>;

    /// Leaves the screen ready for the next output.
    fn end(&mut self) -> io::Result<()>;
}
