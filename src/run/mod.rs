//! What a run has to do with the process that it runs in: the signals that ask it to stop.

mod last_resort;
mod signals;
mod stop;

pub use signals::Signal;
pub use stop::Stop;
