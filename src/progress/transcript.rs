//! The lines of the plain display as text, for a log that is kept.

use std::time::Instant;

use super::display::Display as _;
use super::plain::Plain;
use crate::event::Event;
use crate::text::Paint;

/// Maximum length of a line of build output. BuildKit's client splits longer lines into pieces of 4 KiB, so
/// none is cut.
const LONGEST: usize = 8 << 10;

/// Turns the events of a run into lines.
pub(crate) struct Transcript(Plain<Vec<u8>>);

impl Transcript {
    pub(crate) fn new() -> Self {
        Self(Plain::new(Paint::default(), Vec::new()).with_longest(LONGEST))
    }

    /// The lines that the plain display prints for `event`, each with its line ending. There are none for an
    /// event that it does not show.
    pub(crate) fn lines(&mut self, event: &Event, now: Instant) -> Vec<u8> {
        let printed = self.0.event(event, now).and_then(|()| self.0.output());
        std::mem::take(printed.expect("writing into memory does not fail"))
    }
}
