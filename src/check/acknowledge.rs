//! Acknowledgements in templates.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::allow::Allows;
use crate::dockerfile::Dockerfile;
use crate::plan::{BuildRequest, Sources};
use crate::template::Rendered;

/// Adds the acknowledgements in the Dockerfiles of `requests`. A comment belongs to the instruction
/// below or around it in the rendered Dockerfile.
pub fn acknowledge(requests: &[BuildRequest], sources: &Sources, allows: &mut Allows) {
    let mut seen = HashSet::new();
    for request in requests {
        let rendered = &*request.recipe.dockerfile;
        if rendered.mentions("onebuild") && seen.insert(rendered) {
            of_file(rendered, sources, allows);
        }
    }
}

fn of_file(rendered: &Rendered, sources: &Sources, allows: &mut Allows) {
    let file = Dockerfile::parse(&rendered.text());
    let mut spoken: HashMap<u32, Vec<(Arc<str>, usize)>> = HashMap::new();
    for instruction in &file.instructions {
        let comments = file.comments_of(instruction.first);
        let comments = comments.iter().filter(|comment| comment.text.contains("onebuild"));
        for comment in comments {
            let lines = (instruction.first..=instruction.last).filter_map(|line| {
                rendered.origin(line).map(|origin| (origin.file, origin.line as usize))
            });
            spoken.entry(comment.line).or_default().extend(lines);
        }
    }
    for comment in &file.comments {
        if let Some(span) = sources.line(rendered, comment.line) {
            allows.add(&span, spoken.get(&comment.line).map_or(&[], Vec::as_slice));
        }
    }
}
