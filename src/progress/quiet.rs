//! Prints nothing during a run.

use std::io;
use std::time::Instant;

use super::display::Display;
use crate::event::Event;

pub(super) struct Quiet;

impl Display for Quiet {
    fn event(&mut self, _: &Event, _: Instant) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self, _: Instant) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}
