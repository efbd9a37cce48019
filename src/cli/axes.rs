//! The axes of a matrix as flags.

use super::AxisFlag;
use crate::error::visible;
use crate::matrix::Axis;
use crate::template::is_name;

/// Axes as flags: those that can be one, each once.
pub fn axis_flags(axes: &[Axis]) -> Vec<AxisFlag> {
    let mut flags: Vec<AxisFlag> = Vec::new();
    for axis in axes {
        let known = flags.iter().any(|flag| *flag.name == *axis.name);
        if is_name(&axis.name) && !known {
            let values = visible(&axis.known()).into_owned();
            flags.push(AxisFlag { name: axis.name.to_string(), values });
        }
    }
    flags
}
