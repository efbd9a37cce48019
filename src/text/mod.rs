//! Text for people. Pure: values in, text out.
//!
//! What comes from a build, a registry or a file is cleaned here before anyone sees it, and cannot
//! command the runner of a workflow; what a
//! column holds is measured here in terminal cells, not in characters; times and sizes are made
//! as short as a person would say them.

mod clean;
mod inert;
mod paint;
mod units;
mod width;

pub use clean::clean;
pub use inert::inert;
pub use paint::Paint;
pub use units::{bytes, duration, rough, seconds};
pub use width::{fit, pad, width};
