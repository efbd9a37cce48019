//! Sections of a matrix.yaml that every draft has.

use super::carried::{Axis, UNKNOWN};
use super::compose::{self, Service};
use super::notes::Notes;
use super::{Found, yaml};
use crate::template::is_name;

pub(super) const HEAD: &str = "\
# The images of this directory. `onebuild plan` shows them, `onebuild build` builds the defaults, and
# `onebuild matrix --push` builds and pushes all of them. For completion in an editor, run
# `onebuild schema > matrix.schema.json` and add the line
# `# yaml-language-server: $schema=./matrix.schema.json` at the top.

";

/// In place of `platforms`, if they are unknown: the default is the engine's own platform.
const PLATFORMS: &str = "# platforms: [linux/amd64, linux/arm64]\n";

/// The first service of the Compose file that is built, one with an image if possible.
pub(super) fn service(found: &Found, notes: &mut Notes) -> Service {
    let Some((name, text)) = &found.compose else { return Service::default() };
    let Some(mut services) = compose::services(name, text) else {
        notes.add("", None, format!("{name} cannot be read as a Compose file"));
        return Service::default();
    };
    services.sort_by_key(|service| service.repository.is_empty());
    let mut services = services.into_iter();
    let Some(first) = services.next() else { return Service::default() };
    for key in &first.others {
        let text = format!("`build.{key}` of the service `{}` in {name}", first.name);
        notes.add("", None, format!("{text} was not converted"));
    }
    for other in services {
        let text = format!("the service `{}` of {name} was left out", other.name);
        let help = match &other.context {
            Some(context) if *context != "." && other.context != first.context => {
                format!("`onebuild init {context}` writes a matrix.yaml for its directory")
            }
            _ => "it needs another matrix.yaml if it is another image".to_owned(),
        };
        notes.add("", None, format!("{text}: {help}"));
    }
    first
}

/// A note for every file that builds images and that no draft is made from.
pub(super) fn unread(found: &Found, notes: &mut Notes) {
    for path in &found.unread {
        let page = match path.rsplit('.').next() {
            Some("hcl" | "json") => "docs/from-bake.md",
            Some("yml" | "yaml") => "docs/github-actions.md",
            _ => "docs/from-makefile.md",
        };
        notes.add("", None, format!("`{path}` builds images and was not converted: see {page}"));
    }
}

/// The section `axes` with `defaults`; empty if there are none.
pub(super) fn axes(axes: &[&Axis], notes: &Notes) -> String {
    if axes.is_empty() {
        return String::new();
    }
    let mut out =
        "\n# There is one image for each combination of values; the first axis varies slowest.\n\
                   axes:\n"
            .to_owned();
    for axis in axes {
        out += &notes.comments(&format!("axes.{}", axis.name), "  ");
        if axis.values.iter().all(|(_, properties)| properties.is_empty()) {
            let values: Vec<String> = axis.values.iter().map(|(value, _)| value.clone()).collect();
            out += &format!("  {}: {}\n", axis.name, yaml::versions(&values));
            continue;
        }
        out += &format!("  {}:\n", axis.name);
        for (value, properties) in &axis.values {
            out += &format!("    {}: {}\n", yaml::scalar(value), yaml::map(properties));
        }
    }
    let defaults: Vec<(&String, &String)> =
        axes.iter().filter_map(|axis| Some((&axis.name, axis.default.as_ref()?))).collect();
    if !defaults.is_empty() {
        let defaults = yaml::map(defaults);
        out += &format!("\ndefaults: {defaults} # what `build` uses if no value is selected\n");
    }
    out
}

/// `target`; empty if there is none.
pub(super) fn target(stage: Option<&String>, notes: &Notes) -> String {
    let line = |stage| format!("target: {} # the stage\n", yaml::scalar(stage));
    stage.map_or_else(String::new, |stage| notes.comments("target", "") + &line(stage))
}

/// `platforms`, or a comment that shows it.
pub(super) fn platforms(platforms: &[String], notes: &Notes) -> String {
    let line = match platforms {
        [] => PLATFORMS.to_owned(),
        platforms => format!("platforms: {}\n", yaml::list(platforms)),
    };
    notes.comments("platforms", "") + &line
}

/// The section `args` or `labels`; empty if there are no pairs.
pub(super) fn pairs(section: &str, pairs: &[(String, String)], notes: &Notes) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if out.is_empty() {
            out += &format!("\n{section}:\n");
        }
        out += &notes.comments(&format!("{section}.{name}"), "  ");
        out += &format!("  {}: {}\n", yaml::scalar(name), yaml::scalar(value));
    }
    out
}

/// The section `vars`; empty if there are none.
pub(super) fn vars(
    names: impl Iterator<Item = (String, Option<String>)>,
    notes: &mut Notes,
) -> String {
    let mut out = String::new();
    for (name, value) in names {
        if out.is_empty() {
            out += "\n# Names for the templates and the tag; `--var NAME=VALUE` sets one for a run.\nvars:\n";
        }
        let key = format!("vars.{name}");
        let value = value.unwrap_or_else(|| {
            notes.add(&key, None, format!("its value is unknown: replace {UNKNOWN}"));
            UNKNOWN.to_owned()
        });
        out += &notes.comments(&key, "  ");
        out += &format!("  {name}: {}\n", yaml::scalar(&value));
    }
    out
}

/// The names in `{%name%}` and `<%name%>` in order, without duplicates.
pub(super) fn placeholders(texts: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        for (open, close) in [("{%", "%}"), ("<%", "%>")] {
            for part in text.split(open).skip(1) {
                let Some((name, _)) = part.split_once(close) else { continue };
                let name = name.trim().to_owned();
                if is_name(&name) && !found.contains(&name) {
                    found.push(name);
                }
            }
        }
    }
    found.retain(|name| !["image", "tag", "latest", "prerelease"].contains(&name.as_str()));
    found
}
