//! `docker tag`: more tags of the images that a Makefile builds.

use super::builds::Build;
use super::files::{self, Match};
use super::makefile::Makefile;
use super::part::{Part, Text, push_text, source};

/// Adds the tags of `docker tag` to the builds of its source.
pub(super) fn add(makefile: &Makefile, builds: &mut [Build]) -> Vec<(usize, String)> {
    let mut others = Vec::new();
    for (line, from, to) in &makefile.retagged {
        let mut is_found = false;
        for build in builds.iter_mut() {
            let same = |tag: &Text| plain(tag) == plain(from);
            if build.tags.iter().any(same) {
                is_found = true;
                if !build.tags.contains(to) {
                    build.tags.push(to.clone());
                }
            } else if let Some(values) = of_one(makefile, build, from) {
                is_found = true;
                build.tags_of_one.push((to.clone(), values));
            }
            if is_found {
                break;
            }
        }
        if !is_found {
            others.push((*line, format!("`docker tag {} {}`", source(from), source(to))));
        }
    }
    others
}

/// The values of the image of a family that a reference without variables names.
fn of_one(makefile: &Makefile, build: &Build, from: &[Part]) -> Option<Match> {
    let from = makefile.make.constant(from)?;
    build.tags.iter().find_map(|tag| {
        let mut pattern = Text::new();
        for part in tag {
            match part {
                Part::Variable(name, _) if makefile.loops.contains_key(name) => {
                    pattern.push(part.clone());
                }
                part => {
                    push_text(&mut pattern, &makefile.make.constant(std::slice::from_ref(part))?)
                }
            }
        }
        let values = files::matches(&pattern, std::iter::once(&from)).pop()?;
        let is_listed = |(name, value): (&String, &String)| makefile.loops[name].contains(value);
        (!values.is_empty() && values.iter().all(is_listed)).then_some(values)
    })
}

/// A reference as it is written, without the default tag.
fn plain(tag: &[Part]) -> String {
    let text = source(tag);
    text.strip_suffix(":latest").map(str::to_owned).unwrap_or(text)
}
