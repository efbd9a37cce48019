//! A plan as text, one form a file.

mod bake;
mod github;
mod json;
mod table;
#[cfg(test)]
mod tests;

pub use bake::{Bake, bake};
pub use github::{Strategy, github};
pub use json::{Beyond, json};
pub use table::table;

/// JSON in which nothing acts on a terminal or commands the runner of a workflow: what JSON itself
/// lets stand is escaped too.
pub(crate) fn escaped(json: &str) -> String {
    let acts = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if acts(c) {
            // Only texts hold such characters, and all of them lie in the first plane.
            text += &format!("\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    // Only strings hold a `#`.
    text.replace("##[", r"#\u0023[")
}
