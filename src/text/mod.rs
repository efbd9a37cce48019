//! Text for users. Pure: values in, strings out.
//!
//! Untrusted text from builds, registries and files is cleaned here before it is shown, and
//! workflow commands in it are made inert. Column widths are measured in terminal cells, not in
//! characters. Times and sizes are formatted as briefly as possible.

mod ascii;
mod clean;
mod inert;
mod paint;
mod units;
mod width;

pub(crate) use ascii::only_ascii;
pub(crate) use clean::{clean, instruction};
pub(crate) use inert::inert;
pub(crate) use paint::Paint;
pub(crate) use units::{ago, bytes, counted, duration, rough, seconds};
pub(crate) use width::{pad, width};
