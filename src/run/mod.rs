//! The process of a run: the signals that stop it.

mod last_resort;
mod signals;
mod stop;

pub use signals::Signal;
pub use stop::Stop;
