//! The scripts of tests, read before anything is built.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::text::{inside, text};
use crate::error::{Diagnostic, Diagnostics, Span, why};
use crate::input::{Root, SmokeCommand};
use crate::plan::BuildRequest;

/// Reads the script of each request's test, relative to `root`. All unreadable scripts are reported
/// together.
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
    let read = inside(&full, root, "directory of the matrix").and_then(|()| text(&full)).map_err(
        |error| {
            let message = format!("the script {} cannot be read", full.display());
            let help = "the path is relative to the directory of the matrix and must be inside it";
            wrong(message, why(&error), help)
        },
    )?;
    let first = read.text().split('\n').next().unwrap_or_default();
    let message = |what: &str| format!("the script {} {what}", full.display());
    if !first.starts_with("#!") {
        let help = "add an interpreter in the first line, such as `#!/bin/sh`";
        return Err(wrong(message("has no `#!` line"), String::new(), help));
    }
    if first.ends_with('\r') {
        let help = "the interpreter's name would end in a carriage return: save \
                    the script with Unix line endings";
        return Err(wrong(message("has Windows line endings"), String::new(), help));
    }
    Ok(read.text().as_bytes().into())
}
