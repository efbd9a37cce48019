//! The scripts of tests, read before anything is built.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::text::{inside, text};
use crate::error::{Diagnostic, Diagnostics, Span, why};
use crate::input::{Root, SmokeCommand};
use crate::plan::BuildRequest;

/// Gives every request the script that its test names, counted from `root`; all that cannot be
/// read are told at once.
pub(crate) fn read(requests: &mut [BuildRequest], root: &Root) -> Result<(), Diagnostics> {
    let mut known = HashMap::new();
    let mut errors = Diagnostics::default();
    for request in requests {
        let Some(test) = &request.policy.smoke else { continue };
        let Some(SmokeCommand::Script(path)) = &test.command else { continue };
        let script = known.entry(path.clone()).or_insert_with(|| {
            script(root, path, &test.span).map_err(|finding| errors.push(*finding)).ok()
        });
        request.policy.script.clone_from(script);
    }
    errors.check(())
}

fn script(root: &Root, path: &Path, span: &Span) -> Result<Arc<[u8]>, Box<Diagnostic>> {
    let full = root.join(path);
    let wrong = |message: String, why: String, help: &str| {
        Box::new(Diagnostic::error(message).at(span, why).help(help))
    };
    let read = inside(&full, root, "folder of the matrix").and_then(|()| text(&full)).map_err(
        |error| {
            let message = format!("the script {} cannot be read", full.display());
            let help = "it is looked for in the folder of the matrix, and stays inside it";
            wrong(message, why(&error), help)
        },
    )?;
    let first = read.text().split('\n').next().unwrap_or_default();
    let message = |what: &str| format!("the script {} {what}", full.display());
    if !first.starts_with("#!") {
        let help = "say what runs it in its first line, such as `#!/bin/sh`";
        return Err(wrong(message("has no `#!` line"), String::new(), help));
    }
    if first.ends_with('\r') {
        let help = "the image would look for a program whose name ends in a carriage return: save \
                    it with Unix line ends";
        return Err(wrong(message("has Windows line ends"), String::new(), help));
    }
    Ok(read.text().as_bytes().into())
}
