//! Text for users. Pure: values in, strings out.
//!
//! Untrusted text from builds, registries and files is cleaned here before it is shown, and
//! workflow commands in it are made inert. Column widths are measured in terminal cells, not in
//! characters. Times and sizes are formatted as briefly as possible.

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
