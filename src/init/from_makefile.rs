//! Drafts a matrix from a Makefile and its Dockerfiles.

use indexmap::IndexMap;

use super::builds::Build;
use super::carried::{Axis, Carried, UNKNOWN};
use super::chosen::{self, Paths};
use super::compose::Service;
use super::computed;
use super::makefile::{self, Makefile, are_versions};
use super::notes::{Notes, unfinished};
use super::part::{Part, Text, source};
use super::reference::image_and_tag;
use super::sections::{self, HEAD, axes, pairs, placeholders, service, target, unread, vars};
use super::{Draft, Found, from_directory, yaml};
use crate::image::{Platform, Repository};
use crate::version;

pub(super) fn draft(found: &Found, text: &str) -> Draft {
    let directories = found.directories.iter().map(|path| format!("{path}/"));
    let known = found.files.iter().map(|(path, _)| path.clone()).chain(directories).collect();
    let mut makefile = makefile::read(text, known);
    let mut notes = Notes::default();
    let mut build = chosen::build(&mut makefile, &found.files, &mut notes);
    computed::replace(&mut makefile, &mut build);
    let uses_compose = found.compose.is_some() && text.contains("compose");
    if build == Build::default() && uses_compose && makefile.placeholders.is_empty() {
        return from_directory::draft(found, notes);
    }
    if build == Build::default() {
        notes.add("", None, "the Makefile runs no `docker build` that can be read".to_owned());
        if found.compose.is_some() && makefile.placeholders.is_empty() {
            return from_directory::draft(found, notes);
        }
    }
    let paths = chosen::paths(&makefile, &build, found, &mut notes);
    let paths = paths.unwrap_or_else(|| fallback(&mut makefile, found, &mut notes));
    let (used, left): (Vec<_>, Vec<_>) =
        found.files.iter().partition(|(path, _)| paths.files.contains(path));
    for (path, _) in left {
        notes.add("", None, format!("`{path}` was left out"));
    }
    let texts: Vec<&str> = used.iter().map(|(_, text)| text.as_str()).collect();
    let mut names = placeholders(&texts);
    let mut carried = Carried::new(&makefile, &build, Some(&paths), &names, notes);
    let service = match build.tags.is_empty() {
        true => service(found, &mut carried.notes),
        false => Service::default(),
    };
    let (images, tags) = images_and_tags(&makefile, &build, &service, &mut carried);
    let mut platforms = platforms_of(&makefile, &build, &mut carried);
    if platforms.is_empty() {
        platforms.clone_from(&service.platforms);
    }
    let context = carried.text("context", &paths.context);
    let dockerfile = carried.text("dockerfile", &paths.dockerfile);
    let stage = build.target.as_ref().map(|text| carried.text("target", text));
    let stage = stage.or_else(|| service.target.clone());
    let mut texts = |section: &str, texts: &IndexMap<String, Text>| {
        let text = |(name, text): (&String, &Text)| {
            (name.clone(), carried.text(&format!("{section}.{name}"), text))
        };
        texts.iter().map(text).collect::<Vec<_>>()
    };
    let (mut args, labels) = (texts("args", &build.args), texts("labels", &build.labels));
    args.extend(service.args.iter().filter(|(name, _)| !build.args.contains_key(name)).cloned());
    let is_axis = |name: &String| carried.axes.values().any(|axis| axis.name == *name);
    names.retain(|name| !is_axis(name));
    let mut replaced = Vec::new();
    for name in names {
        let value = makefile.placeholders.get(&name);
        let value = value.map(|value| carried.text(&format!("vars.{name}"), value));
        replaced.push((name, value));
    }
    for (line, text, set) in &makefile.make.others {
        let note = match set {
            None => format!("`{text}` was not converted"),
            // A var has its own note.
            Some(name) if carried.vars.contains_key(name) || !carried.used.contains(name) => {
                continue;
            }
            Some(name) => format!("`{text}` sets {name}, which was not converted"),
        };
        carried.notes.add("", Some(*line), note);
    }
    for (line, text) in &makefile.others {
        carried.notes.add("", Some(*line), format!("{text} was not converted"));
    }

    for edit in &makefile.edits {
        let file = edit
            .replaced
            .as_ref()
            .and_then(|(pattern, _)| used.iter().find(|(_, text)| text.contains(pattern)));
        let note = match (&edit.replaced, file) {
            (Some((pattern, replacement)), Some((file, _))) => {
                let value = carried.text("", replacement);
                format!("`sed` replaces `{pattern}`: write `{value}` in its place in {file}")
            }
            _ => format!("`sed '{}'` was not converted", edit.script),
        };
        carried.notes.add("", Some(edit.line), note);
    }

    let mut notes = carried.notes;
    unread(found, &mut notes);
    let mut out = HEAD.to_owned();
    out += &notes.comments("image", "");
    match images.as_slice() {
        [image] => out += &format!("image: {} # the repository\n", yaml::scalar(image)),
        images => out += &format!("image: {} # the repositories\n", yaml::list(images)),
    }
    out += &notes.comments("tag", "");
    match tags.as_slice() {
        [(tag, None)] => out += &format!("tag: {} # must contain every axis\n", yaml::scalar(tag)),
        tags => {
            out += "tags:\n";
            for (tag, when) in tags {
                match when {
                    None => out += &format!("  - {}\n", yaml::scalar(tag)),
                    Some(when) => {
                        out += &format!(
                            "  - {{ tag: {}, when: {} }}\n",
                            yaml::scalar(tag),
                            yaml::scalar(when)
                        )
                    }
                }
            }
        }
    }
    out += &sections::platforms(&platforms, &notes);
    out += &notes.comments("context", "");
    out += &format!("context: {} # the build context\n", yaml::scalar(&context));
    out += &notes.comments("dockerfile", "");
    out += &format!(
        "dockerfile: {} # a template, relative to the context\n",
        yaml::scalar(&dockerfile)
    );
    out += &target(stage.as_ref(), &notes);
    out += &axes(&carried.axes.values().collect::<Vec<_>>(), &notes);
    let kept = carried.vars.values().map(|(name, value)| (name.clone(), Some(value.clone())));
    out += &vars(kept.chain(replaced).collect::<Vec<_>>().into_iter(), &mut notes);
    out += &pairs("args", &args, &notes);
    out += &pairs("labels", &labels, &notes);
    let rest = notes.comments("", "");
    if !rest.is_empty() {
        out += &format!("\n{rest}");
    }
    Draft {
        unfinished: unfinished(&out),
        files: vec![("matrix.yaml".to_owned(), out)],
        notes: notes.sentences(),
    }
}

/// The Dockerfiles of the directory, if the Makefile names none of them.
fn fallback(makefile: &mut Makefile, found: &Found, notes: &mut Notes) -> Paths {
    let mut directories: Vec<(&str, &str)> = Vec::new();
    for (path, _) in &found.files {
        match path.split_once('/') {
            Some((directory, name)) if !name.contains('/') => directories.push((directory, name)),
            _ => {}
        }
    }
    if found.files.len() > 1 {
        let text = "check it: the Makefile names no Dockerfile that exists";
        notes.add("dockerfile", None, text.to_owned());
    }
    let text = |text: &str| vec![Part::Text(text.to_owned())];
    let top = found.files.iter().find(|(path, _)| !path.contains('/'));
    if let (None, [(_, name), _, ..]) = (top, directories.as_slice()) {
        let note = "its values are the directories that contain a Dockerfile";
        notes.add("axes.os", None, note.to_owned());
        let values = directories.iter().filter(|(_, other)| other == name);
        let matches = values.clone().map(|(directory, _)| {
            [("OS".to_owned(), (*directory).to_owned())].into_iter().collect()
        });
        makefile.loops.shift_remove("OS");
        return Paths {
            context: text("."),
            dockerfile: vec![Part::Variable("OS".to_owned(), 0), Part::Text(format!("/{name}"))],
            matches: matches.collect(),
            files: values.map(|(directory, name)| format!("{directory}/{name}")).collect(),
        };
    }
    let file = top.or(found.files.first()).map_or("Dockerfile", |(path, _)| path);
    Paths {
        context: text("."),
        dockerfile: text(file),
        matches: Vec::new(),
        files: vec![file.to_owned()],
    }
}

type Tags = Vec<(String, Option<String>)>;

fn images_and_tags(
    makefile: &Makefile,
    build: &Build,
    service: &Service,
    carried: &mut Carried<'_>,
) -> (Vec<String>, Tags) {
    let mut images: Vec<String> = Vec::new();
    let mut tags: Vec<String> = Vec::new();
    let mut written: Vec<(String, String)> = Vec::new();
    for reference in &build.tags {
        let (image, tag) = image_and_tag(makefile, reference);
        let image = carried.text("image", &image);
        if !is_repository(&image) {
            let text = format!("`{image}` is no repository: replace example/app");
            carried.notes.add("image", Some(build.line), text);
            continue;
        }
        let tag = if tag.is_empty() { "latest".to_owned() } else { carried.text("tag", &tag) };
        if !is_tag(&tag) {
            let text = format!("`{tag}` is no tag, and was not converted");
            carried.notes.add("tag", Some(build.line), text);
            if !images.contains(&image) {
                images.push(image);
            }
            continue;
        }
        if !images.contains(&image) {
            images.push(image.clone());
        }
        if !tags.contains(&tag) {
            tags.push(tag.clone());
        }
        written.push((image, tag));
    }
    for (image, tag) in images.iter().flat_map(|image| tags.iter().map(move |tag| (image, tag))) {
        if !written.iter().any(|(a, b)| a == image && b == tag) {
            carried.notes.add(
                "tag",
                Some(build.line),
                format!("the Makefile has no `{image}:{tag}`: every repository gets every tag"),
            );
        }
    }
    if images.is_empty() {
        match service.repository.as_str() {
            image if !image.is_empty() => {
                images.push(image.to_owned());
                tags.extend(service.tag.clone());
            }
            _ => {
                if build.tags.is_empty() {
                    let text = "the Makefile contains no repository: replace example/app";
                    carried.notes.add("image", None, text.to_owned());
                }
                images.push("example/app".to_owned());
            }
        }
        // The tags of a reference whose repository is unknown.
        for reference in &build.tags {
            let (_, tag) = image_and_tag(makefile, reference);
            let tag = carried.text("tag", &tag);
            if !tag.is_empty() && is_tag(&tag) && !tags.contains(&tag) {
                tags.push(tag);
            }
        }
    }
    // A repository has no upper case.
    for axis in carried.axes.values_mut() {
        if images.iter().any(|image| image.contains(&format!("<%{}%>", axis.name))) {
            for (value, _) in axis.values.iter_mut().filter(|(value, _)| value == UNKNOWN) {
                *value = value.to_ascii_lowercase();
            }
        }
    }
    let mut tags = conditional(&images, tags, build, carried);
    for (reference, values) in &build.tags_of_one {
        let (_, tag) = image_and_tag(makefile, reference);
        let tag = if tag.is_empty() { "latest".to_owned() } else { carried.text("tag", &tag) };
        let conditions = values.iter().map(|(variable, value)| {
            let axis = carried.axes.get(variable)?;
            axis.values.iter().any(|(known, _)| known == value).then(|| condition(axis, value))
        });
        match conditions.collect::<Option<Vec<_>>>() {
            Some(when) if is_tag(&tag) && !when.is_empty() => {
                tags.retain(|(known, when)| *known != tag || when.is_none());
                if !tags.iter().any(|(known, _)| *known == tag) {
                    tags.push((tag, Some(when.join(" and "))));
                }
            }
            _ => {
                let pairs = values.iter().map(|(name, value)| format!("{name}={value}"));
                let pairs = pairs.collect::<Vec<_>>().join(" ");
                let text = format!("the tag `{tag}` of {pairs} was not converted");
                carried.notes.add("tag", Some(build.line), text);
            }
        }
    }
    (images, tags)
}

/// The condition for one value of an axis.
fn condition(axis: &Axis, value: &str) -> String {
    let values: Vec<String> = axis.values.iter().map(|(value, _)| value.clone()).collect();
    let greatest = values.iter().max_by(|a, b| version::sort(a, b));
    if are_versions(&values) && greatest.is_some_and(|greatest| greatest == value) {
        "latest".to_owned()
    } else {
        format!("{} == \"{value}\"", axis.name)
    }
}

fn is_repository(image: &str) -> bool {
    without_placeholders(image).parse::<Repository>().is_ok()
}

fn is_tag(tag: &str) -> bool {
    let tag = without_placeholders(tag);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    tag.chars().all(allowed) && !tag.starts_with(['.', '-'])
}

/// The text with an `x` for each placeholder.
fn without_placeholders(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<%") {
        plain += before;
        plain.push('x');
        rest = after.split_once("%>").map_or("", |(_, after)| after);
    }
    plain + rest
}

/// Whether each image has its own name with this tag, or else the axes that the tag does not contain.
fn missing<'a>(images: &[String], tag: &str, carried: &'a Carried<'_>) -> Vec<&'a Axis> {
    let several = carried.axes.values().filter(|axis| axis.values.len() > 1);
    let has = |text: &str, axis: &Axis| {
        ["%>", "."].iter().any(|end| text.contains(&format!("<%{}{end}", axis.name)))
    };
    several.filter(|axis| !has(tag, axis) && !images.iter().all(|image| has(image, axis))).collect()
}

/// The first tag has every axis. Others that have not are for one cell.
fn conditional(
    images: &[String],
    mut tags: Vec<String>,
    build: &Build,
    carried: &mut Carried<'_>,
) -> Tags {
    tags.sort_by_key(|tag| missing(images, tag, carried).len());
    if tags.is_empty() {
        tags.push(String::new());
    }
    let mut found = Tags::new();
    for (at, mut tag) in tags.into_iter().enumerate() {
        let absent: Vec<Axis> = missing(images, &tag, carried).into_iter().cloned().collect();
        if at == 0 {
            for axis in absent {
                let placeholder = format!("<%{}%>", axis.name);
                carried.notes.add("tag", None, format!(
                    "{placeholder} was added, because images with the same tag would overwrite each other"
                ));
                tag = if tag.is_empty() || tag == "latest" {
                    placeholder
                } else {
                    format!("{tag}-{placeholder}")
                };
            }
            if tag.is_empty() {
                "latest".clone_into(&mut tag);
            }
            found.push((tag, None));
            continue;
        }
        let mut when: Vec<String> = Vec::new();
        for axis in &absent {
            let values: Vec<String> = axis.values.iter().map(|(value, _)| value.clone()).collect();
            let condition = if are_versions(&values) {
                "latest".to_owned()
            } else {
                let value = axis.default.as_ref().or(values.first());
                format!("{} == \"{}\"", axis.name, value.map_or("", |value| value))
            };
            if !when.contains(&condition) {
                when.push(condition);
            }
        }
        if when.is_empty() {
            found.push((tag, None));
            continue;
        }
        let when = when.join(" and ");
        carried.notes.add(
            "tag",
            Some(build.line),
            format!("`{tag}` is the same for several images: check its `when: {when}`"),
        );
        found.push((tag, Some(when)));
    }
    found
}

/// The platforms `linux/$(ARCH)` for the values of a loop, and its variable.
fn by_value<'m>(makefile: &'m Makefile, text: &[Part]) -> Option<(&'m str, Vec<String>)> {
    let variable = text.iter().find_map(|part| match part {
        Part::Variable(name, _) => makefile.loops.get_key_value(name),
        _ => None,
    });
    let (variable, values) = variable?;
    let of = |value: &String| makefile.make.with(variable, value).constant(text);
    let platforms: Vec<String> = values.iter().map(of).collect::<Option<_>>()?;
    let are_valid = platforms.iter().all(|one| one.parse::<Platform>().is_ok());
    (are_valid && !platforms.is_empty()).then_some((variable.as_str(), platforms))
}

/// The platforms of the build. Without one, docker builds for the engine's own platform, as onebuild does.
fn platforms_of(makefile: &Makefile, build: &Build, carried: &mut Carried<'_>) -> Vec<String> {
    let variable = vec![Part::Variable("PLATFORMS".to_owned(), 0)];
    let text = build.platform.as_ref().unwrap_or(&variable);
    let given = match text.as_slice() {
        [Part::Variable(name, _)]
            if makefile.loops.get(name).is_some_and(|values| !values.is_empty()) =>
        {
            Some(makefile.loops[name].join(","))
        }
        text => makefile.make.constant(text),
    };
    let given = given.unwrap_or_default();
    let platforms: Vec<String> =
        given.split([',', ' ']).filter(|one| !one.is_empty()).map(str::to_owned).collect();
    if !platforms.is_empty()
        && platforms.iter().all(|platform| platform.parse::<Platform>().is_ok())
    {
        return platforms;
    }
    if build.platform.is_some() {
        let text = match by_value(makefile, text) {
            Some((variable, platforms)) if carried.axes.contains_key(variable) => format!(
                "write `{}` in place of the axis `{}`: one image has all platforms",
                yaml::list(&platforms),
                carried.axes[variable].name
            ),
            _ => format!("`{}` was not converted: write the platforms", source(text)),
        };
        carried.notes.add("platforms", Some(build.line), text);
    }
    Vec::new()
}
