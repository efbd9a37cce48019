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
pub(super) const PLATFORMS: &str = "# platforms: [linux/amd64, linux/arm64]\n";

/// The service of the Compose file, if there is one only that is built.
pub(super) fn service(found: &Found, notes: &mut Notes) -> Option<Service> {
    let (name, text) = found.compose.as_ref()?;
    let services = compose::services(name, text);
    match services.as_slice() {
        [] => None,
        [service] => {
            for key in &service.others {
                notes.add("", None, format!("`build.{key}` of {name} was not converted"));
            }
            Some(service.clone())
        }
        several => {
            let names: Vec<&str> =
                several.iter().map(|service| service.repository.as_str()).collect();
            notes.add("image", None, format!("{name} builds several images: {}", names.join(", ")));
            None
        }
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
