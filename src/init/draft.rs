//! Writes the draft of matrix.yaml, with comments.

use super::carried::{Axis, Carried};
use super::{Draft, Found, makefile, yaml};
use crate::image::{Platform, Repository};
use crate::template::is_name;

const HEAD: &str = "\
# The images of this directory. `onebuild plan` shows them, `onebuild build` builds the defaults, and
# `onebuild matrix --push` builds and pushes all of them. For completion in an editor, run
# `onebuild schema > matrix.schema.json` and add the line
# `# yaml-language-server: $schema=./matrix.schema.json` at the top.

";

const TEMPLATE: &str = "\
# A template: `<%version%>` is replaced by a value of the matrix, and a line that starts with `#%`
# is a control line of onebuild. Everything else is a normal Dockerfile.
FROM alpine:<%version%>
RUN echo \"hello from Alpine <%version%>\" > /hello
CMD [\"cat\", \"/hello\"]
";

const PLATFORMS: &str = "linux/amd64,linux/arm64";

/// Drafts a matrix for the files that were found, or an example for an empty directory.
pub(crate) fn draft(found: &Found) -> Draft {
    match &found.makefile {
        Some(text) if !found.dockerfiles.is_empty() || found.dockerfile.is_some() => {
            from_makefile(found, text)
        }
        _ => from_directory(found),
    }
}

fn from_directory(found: &Found) -> Draft {
    let mut notes = Vec::new();
    let directories: Vec<String> = found.dockerfiles.iter().map(|(name, _)| name.clone()).collect();
    if !directories.is_empty() || found.dockerfile.is_some() {
        notes.push("image: replace example/app with your repository".to_owned());
        notes.push("version: replace 1.0.0 with your versions".to_owned());
    }
    let one = "axes:\n  version: [1.0.0] # or a range: 1.0.0..1.0.9\n".to_owned();
    let (tag, context, file, axes) = match directories.as_slice() {
        [] if found.dockerfile.is_none() => {
            let axes = "# There is one image for each combination of values.\n\
                        axes:\n  version: 3.19..3.20 # a range includes both ends\n\n\
                        defaults: { version: 3.20 } # what `build` uses if no value is selected\n";
            ("<%version%>", "templates", "Dockerfile".to_owned(), axes.to_owned())
        }
        [] => ("<%version%>", ".", "Dockerfile".to_owned(), one),
        [directory] => ("<%version%>", ".", format!("{directory}/Dockerfile"), one),
        directories => {
            let axes = format!("axes:\n  os: {}\n  version: [1.0.0]\n", yaml::list(directories));
            ("<%version%>-<%os%>", ".", "<%os%>/Dockerfile".to_owned(), axes)
        }
    };
    let mut text = HEAD.to_owned();
    text += "image: example/app # the repository\n";
    text += &format!("tag: {tag} # must contain every axis\n");
    text += "platforms: [linux/amd64, linux/arm64]\n";
    text += &format!("context: {context} # the build context\n");
    let file = yaml::scalar(&file);
    text += &format!("dockerfile: {file} # a template inside the context\n\n");
    text += &axes;
    let texts = found.dockerfiles.iter().map(|(_, text)| text.as_str());
    let texts: Vec<&str> = texts.chain(found.dockerfile.as_deref()).collect();
    text += &vars(placeholders(&texts).into_iter().map(|name| (name, None)), &mut notes);
    let mut files = vec![("matrix.yaml".to_owned(), text)];
    if texts.is_empty() {
        files.push(("templates/Dockerfile".to_owned(), TEMPLATE.to_owned()));
    }
    Draft { files, notes }
}

fn from_makefile(found: &Found, text: &str) -> Draft {
    let makefile = makefile::read(text);
    let mut carried = Carried::new(&makefile, found);
    if makefile.directory.is_none() && !found.dockerfiles.is_empty() && found.dockerfile.is_none() {
        // No variable selects the directory; each directory is a value.
        let values = found.dockerfiles.iter().map(|(name, _)| (name.clone(), Default::default()));
        let is_value = |value: &&String| found.dockerfiles.iter().any(|(name, _)| name == *value);
        let default = makefile.variables.get("OS").filter(is_value).cloned();
        let axis = Axis { name: "os".to_owned(), values: values.collect(), default };
        carried.axes.insert("OS".to_owned(), axis);
        carried
            .notes
            .push("axis os: its values are the directories that contain a Dockerfile".to_owned());
    }
    let texts: Vec<&str> = found.dockerfiles.iter().map(|(_, text)| text.as_str()).collect();
    let texts: Vec<&str> = texts.into_iter().chain(found.dockerfile.as_deref()).collect();
    let mut names = placeholders(&texts);
    let (image, tag) = image_and_tag(&makefile, &mut carried, &names);
    let platforms = platforms(&makefile, &mut carried);

    let mut out = HEAD.to_owned();
    out += &format!("image: {} # the repository\n", yaml::scalar(&image));
    out += &format!("tag: {} # must contain every axis\n", yaml::scalar(&tag));
    out += &format!("platforms: {}\n", yaml::list(&platforms));
    let directory = makefile.directory.as_deref().unwrap_or("OS");
    let axis = carried.axes.get(directory).filter(|_| !found.dockerfiles.is_empty());
    let (context, file) = match axis {
        Some(axis) if makefile.is_context => {
            (format!("<%{}%>", axis.name), "Dockerfile".to_owned())
        }
        Some(axis) => (".".to_owned(), format!("<%{}%>/Dockerfile", axis.name)),
        None => (".".to_owned(), "Dockerfile".to_owned()),
    };
    out += &format!("context: {context} # the build context\n");
    out += &format!("dockerfile: {file} # a template inside the context\n");
    out +=
        "\n# There is one image for each combination of values; the first axis varies slowest.\n";
    out += &axes(&carried.axes.values().collect::<Vec<_>>());

    let mut notes = Vec::new();
    let is_axis = |name: &String| carried.axes.values().any(|axis| axis.name == *name);
    names.retain(|name| !is_axis(name));
    let kept = carried.vars.iter();
    let mut values: Vec<_> =
        kept.map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
    for name in names {
        let value = makefile.placeholders.get(&name).map(|value| carried.text(value));
        if let Some((_, unknown)) = &value {
            carried.unknown(&format!("vars.{name}"), unknown);
        }
        values.push((name, value.map(|(text, _)| text)));
    }
    out += &vars(values.into_iter(), &mut notes);
    if !makefile.build_args.is_empty() {
        out += "\nargs:\n";
        for (name, value) in &makefile.build_args {
            let (value, unknown) = carried.text(value);
            carried.unknown(&format!("args.{name}"), &unknown);
            if value.contains('$') {
                carried.notes.push(format!("args.{name}: `{value}` was not converted"));
                continue;
            }
            out += &format!("  {}: {}\n", yaml::scalar(name), yaml::scalar(&value));
        }
    }
    carried.notes.extend(notes);
    for (line, option) in &makefile.others {
        let note = format!("Makefile:{line}: `{option}` of docker build was not converted");
        if !carried.notes.contains(&note) {
            carried.notes.push(note);
        }
    }
    Draft { files: vec![("matrix.yaml".to_owned(), out)], notes: carried.notes }
}

fn image_and_tag(
    makefile: &makefile::Makefile,
    carried: &mut Carried<'_>,
    placeholders: &[String],
) -> (String, String) {
    let every: Vec<String> =
        carried.axes.values().map(|axis| format!("<%{}%>", axis.name)).collect();
    let whole = makefile.tag.as_deref().unwrap_or_default();
    // A port is followed by a path, a tag is not.
    let (image, tag) = match whole.rsplit_once(':') {
        Some((image, tag)) if !tag.contains('/') => (image, tag),
        _ => (whole, ""),
    };
    let (image, unknown) = carried.text(image);
    carried.unknown("image", &unknown);
    let image = match image.parse::<Repository>() {
        Ok(_) => image,
        Err(_) => {
            carried
                .notes
                .push("image: the Makefile contains no repository: write your own".to_owned());
            "example/app".to_owned()
        }
    };
    let tag = carried.with_vars(tag, placeholders);
    let (mut tag, unknown) = carried.text(&tag);
    carried.unknown("tag", &unknown);
    if tag.contains('$') {
        // A function of make, or a variable of the shell: no tag.
        carried.notes.push(format!("tag: `{tag}` was not converted: check the tag"));
        tag = String::new();
    }
    let missing: Vec<&String> = carried
        .axes
        .values()
        .zip(&every)
        .filter(|(axis, _)| axis.values.len() > 1)
        .map(|(_, placeholder)| placeholder)
        .filter(|placeholder| !tag.contains(placeholder.trim_end_matches("%>")))
        .collect();
    for placeholder in missing {
        carried.notes.push(format!(
            "tag: {placeholder} was added, because images with the same tag would overwrite each other"
        ));
        tag = if tag.is_empty() { placeholder.clone() } else { format!("{tag}-{placeholder}") };
    }
    if tag.is_empty() {
        "latest".clone_into(&mut tag);
    }
    (image, tag)
}

fn platforms(makefile: &makefile::Makefile, carried: &mut Carried<'_>) -> Vec<String> {
    let text = makefile.variables.get("PLATFORMS").or(makefile.platform.as_ref());
    let given = text.map(|text| carried.text(text).0).unwrap_or_default();
    let split = |text: &str| text.split(',').map(|one| one.trim().to_owned()).collect::<Vec<_>>();
    let platforms = split(&given);
    if platforms.iter().all(|platform| platform.parse::<Platform>().is_ok()) {
        return platforms;
    }
    carried
        .notes
        .push(format!("platforms: the Makefile contains none, so the draft has {PLATFORMS}"));
    split(PLATFORMS)
}

fn axes(axes: &[&Axis]) -> String {
    if axes.is_empty() {
        return "axes:\n  version: [latest]\n".to_owned();
    }
    let mut out = "axes:\n".to_owned();
    for axis in axes {
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
fn vars(names: impl Iterator<Item = (String, Option<String>)>, notes: &mut Vec<String>) -> String {
    let mut out = String::new();
    for (name, value) in names {
        if out.is_empty() {
            out += "\n# Names for the templates and the tag; `--var NAME=VALUE` sets one for a run.\nvars:\n";
        }
        let value = value.unwrap_or_else(|| {
            notes.push(format!("vars.{name}: its value is unknown: replace CHANGE-ME"));
            "CHANGE-ME".to_owned()
        });
        out += &format!("  {name}: {}\n", yaml::scalar(&value));
    }
    out
}

/// The names in `{%name%}` and `<%name%>` in order, without duplicates.
fn placeholders(texts: &[&str]) -> Vec<String> {
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
    found.retain(|name| {
        !["image", "tag", "latest", "prerelease", "version", "os"].contains(&name.as_str())
    });
    found
}
