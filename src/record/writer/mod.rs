//! Writes the record of a run while it goes on.
//!
//! Events go in through a [`Recorder`], before the display may drop any, and come out unchanged. A thread
//! writes them. What waits for it is bounded, so a slow disk slows the run, and nothing is lost. If the disk
//! does not answer or cannot be written, recording stops with one warning, and the run goes on.

mod collected;
mod directory;
mod lost;
mod recorder;
#[cfg(test)]
mod tests;
mod thread;
mod turn;

pub(crate) use collected::Collected;
pub(crate) use directory::{NotStarted, Start};
pub(crate) use recorder::{Recorder, relay};
