//! Chooses the build that becomes the matrix, and the Dockerfile that it uses.

use indexmap::IndexMap;

use super::Found;
use super::builds::Build;
use super::files::{self, Match, generalized, path, relative};
use super::makefile::Makefile;
use super::notes::Notes;
use super::part::{Part, Text, extend, push_text, source};
use super::retagged;
use super::variants;

/// The build context and the template, with the files that exist.
#[derive(Debug, Default)]
pub(super) struct Paths {
    pub context: Text,
    pub dockerfile: Text,
    /// The values of the variables for each file.
    pub matches: Vec<Match>,
    /// The files.
    pub files: Vec<String>,
}

/// The build of the matrix. Builds of the same image are one; every other build gets a note.
pub(super) fn build(
    makefile: &mut Makefile,
    files: &[(String, String)],
    notes: &mut Notes,
) -> Build {
    let mut builds = std::mem::take(&mut makefile.builds);
    family(makefile, &mut builds, files);
    let others = retagged::add(makefile, &mut builds);
    makefile.others.extend(others);
    let mut builds = merged(builds, notes);
    variants::join(makefile, &mut builds, files);
    let looped = |build: &Build| {
        let parts = build.tags.iter().flatten();
        parts
            .filter(
                |part| matches!(part, Part::Variable(name, _) if makefile.loops.contains_key(name)),
            )
            .count()
    };
    let Some(best) = (0..builds.len())
        .rev()
        .max_by_key(|at| (!builds[*at].tags.is_empty(), looped(&builds[*at])))
    else {
        return Build::default();
    };
    let chosen = builds.remove(best);
    for other in builds {
        let tags: Vec<String> = other.tags.iter().map(|tag| source(tag)).collect();
        let of = if tags.is_empty() { String::new() } else { format!(" of `{}`", tags.join(" ")) };
        notes.add("", Some(other.line), format!("another docker build{of} was not converted"));
    }
    add_options(chosen.line, &chosen.others, notes);
    chosen
}

/// Builds of the same image as one: `make build` and `make push`.
fn merged(builds: Vec<Build>, notes: &mut Notes) -> Vec<Build> {
    let mut found: Vec<Build> = Vec::new();
    for other in builds {
        let Some(build) = found.iter_mut().find(|build| is_same(build, &other)) else {
            found.push(other);
            continue;
        };
        add_options(other.line, &other.others, notes);
        for (name, value) in other.args {
            build.args.entry(name).or_insert(value);
        }
        let known: Vec<String> = build.tags.iter().map(|tag| source(tag)).collect();
        build.tags.extend(other.tags.into_iter().filter(|tag| !known.contains(&source(tag))));
        build.tags_of_one.extend(other.tags_of_one);
        build.platform = build.platform.take().or(other.platform);
    }
    found
}

/// Whether all tags of one build are those of the other, too, and nothing else differs.
fn is_same(a: &Build, b: &Build) -> bool {
    let tags = |build: &Build| build.tags.iter().map(|tag| source(tag)).collect::<Vec<_>>();
    let (own, other) = (tags(a), tags(b));
    let source_of = |text: &Option<Text>| text.as_deref().map(source);
    !own.is_empty()
        && !other.is_empty()
        && (own.iter().all(|tag| other.contains(tag)) || other.iter().all(|tag| own.contains(tag)))
        && source_of(&a.file) == source_of(&b.file)
        && source_of(&a.target) == source_of(&b.target)
        && source_of(&a.context) == source_of(&b.context)
        && b.args.iter().all(|(name, value)| {
            a.args.get(name).is_none_or(|known| source(known) == source(value))
        })
}

fn add_options(line: usize, options: &[String], notes: &mut Notes) {
    for option in options {
        notes.add("", Some(line), format!("`{option}` of docker build was not converted"));
    }
}

/// Builds that differ only in the directory of their Dockerfile become one, with a variable for it.
fn family(makefile: &mut Makefile, builds: &mut Vec<Build>, files: &[(String, String)]) {
    let variable = ["OS", "DIRECTORY"].into_iter().find(|name| {
        !makefile.make.variables.contains_key(*name) && !makefile.loops.contains_key(*name)
    });
    let Some(variable) = variable else { return };
    let directory = |build: &Build| {
        let paths = build.context.iter().chain(&build.file).chain(&build.sources);
        paths.filter_map(|text| makefile.make.constant(text)).find_map(|path| {
            let path = path.trim_start_matches("./").trim_end_matches('/');
            let name = path.split('/').next().unwrap_or_default();
            files
                .iter()
                .any(|(file, _)| file.starts_with(&format!("{name}/")))
                .then(|| name.to_owned())
        })
    };
    let mut groups: IndexMap<String, Vec<(usize, String, Build)>> = IndexMap::new();
    for (at, build) in builds.iter().enumerate() {
        let Some(name) = directory(build) else { continue };
        let change = |text: &Text| generalized(text, &name, variable);
        let general = Build {
            line: build.line,
            goal: build.goal.clone(),
            tags: build.tags.iter().map(change).collect(),
            tags_of_one: Vec::new(),
            platform: build.platform.clone(),
            args: build.args.iter().map(|(name, text)| (name.clone(), change(text))).collect(),
            labels: build.labels.clone(),
            file: build.file.as_ref().map(|text| change(&path(makefile, text))),
            target: build.target.clone(),
            context: build.context.as_ref().map(|text| change(&path(makefile, text))),
            others: build.others.clone(),
            inlined: build.inlined.clone(),
            sources: build.sources.iter().map(change).collect(),
        };
        let texts: Vec<String> = general.texts().map(|text| source(text)).collect();
        groups.entry(texts.join("\n")).or_default().push((at, name, general));
    }
    let Some(group) = groups.into_values().max_by_key(Vec::len) else { return };
    let mut values: Vec<String> = Vec::new();
    for (_, name, _) in &group {
        if !values.contains(name) {
            values.push(name.clone());
        }
    }
    if values.len() < 2 {
        return;
    }
    builds[group[0].0] = group[0].2.clone();
    let others: Vec<usize> = group[1..].iter().map(|(at, ..)| *at).collect();
    let mut at = 0;
    builds.retain(|_| {
        at += 1;
        !others.contains(&(at - 1))
    });
    makefile.loops.insert(variable.to_owned(), values);
}

/// The Dockerfile of a build: the one that it names or, if that is generated, the one that it is generated from.
pub(super) fn paths(
    makefile: &Makefile,
    build: &Build,
    found: &Found,
    notes: &mut Notes,
) -> Option<Paths> {
    let existing: Vec<String> = found.files.iter().map(|(path, _)| path.clone()).collect();
    let context = build.context.as_deref().map(|text| path(makefile, text));
    let mut context = context.unwrap_or_else(|| vec![Part::Text(".".to_owned())]);
    if matches!(context.first(), Some(Part::Text(text)) if text == "-" || text.contains("://") || text.starts_with("git@"))
    {
        notes.add(
            "context",
            Some(build.line),
            format!("the context `{}` was not converted", source(&context)),
        );
        context = vec![Part::Text(".".to_owned())];
    }
    if context.iter().any(|part| matches!(part, Part::Unknown(..) | Part::Shell(..))) {
        notes.add("context", Some(build.line), format!("`{}` was not converted", source(&context)));
        context = vec![Part::Text(".".to_owned())];
    }
    let is_outside = matches!(
        context.first(),
        Some(Part::Text(text)) if text.starts_with(['/']) || text.starts_with("..") || text == "."
    );
    if !is_outside && matched(makefile, &context, &found.directories).is_empty() {
        let text = format!("the directory `{}` was not found", source(&context));
        notes.add("context", Some(build.line), text);
        context = vec![Part::Text(".".to_owned())];
    }
    let named =
        build.file.as_deref().map(|text| path(makefile, text)).filter(|text| source(text) != "-");
    let mut candidates: Vec<Text> = Vec::new();
    if let Some(file) = &named {
        candidates.push(file.clone());
    } else if build.file.is_none() {
        for name in ["Dockerfile", "dockerfile", "Containerfile"] {
            let mut file = if source(&context) == "." { Text::new() } else { context.clone() };
            let separator = if file.is_empty() { "" } else { "/" };
            push_text(&mut file, separator);
            push_text(&mut file, name);
            candidates.push(file);
        }
    }
    let others = build.sources.iter().chain(&makefile.dockerfiles).map(|text| path(makefile, text));
    candidates.extend(others);
    for file in candidates {
        let matches = matched(makefile, &file, &existing);
        if !matches.is_empty() && defaults_exist(makefile, &file, &matches) {
            let dockerfile = relative(&file, &context);
            let open = expanded(makefile, &file);
            let is_named = |path: &String| {
                open.iter().any(|file| !files::matches(file, std::iter::once(path)).is_empty())
            };
            let files = existing.into_iter().filter(is_named).collect();
            return Some(Paths { context, dockerfile, matches, files });
        }
    }
    if let Some(file) = named {
        let what = if file.iter().any(|part| matches!(part, Part::Unknown(..))) {
            "was not converted: check the file"
        } else {
            "was not found"
        };
        let text = format!("`{}` {what}", source(&file));
        notes.add("dockerfile", Some(build.line), text);
    }
    None
}

/// The values of the variables for which the path is one of the files, with any value that a condition sets.
fn matched(makefile: &Makefile, text: &[Part], files: &[String]) -> Vec<Match> {
    let paths = expanded(makefile, text);
    paths.iter().flat_map(|path| files::matches(path, files.iter())).collect()
}

/// The path with each value of its first variable that a condition sets.
fn expanded(makefile: &Makefile, text: &[Part]) -> Vec<Text> {
    let branches = text.iter().find_map(|part| {
        let Part::Variable(name, _) = part else { return None };
        let values: Vec<&Text> = makefile.make.branches(name).map(|(_, _, value)| value).collect();
        (!values.is_empty()).then_some((name, values))
    });
    let Some((name, mut values)) = branches else { return vec![text.to_vec()] };
    values.extend(makefile.make.variables.get(name).map(|(value, _)| value));
    let with = |value: &Text| {
        let mut out = Text::new();
        for part in text {
            match part {
                Part::Variable(other, _) if other == name => extend(&mut out, value),
                part => extend(&mut out, std::slice::from_ref(part)),
            }
        }
        path(makefile, &out)
    };
    values.into_iter().map(with).collect()
}

/// Whether the Dockerfile exists for the default of each variable, or for one value of its loop. If not, the path is that
/// of a generated file.
fn defaults_exist(makefile: &Makefile, path: &[Part], matches: &[Match]) -> bool {
    path.iter().all(|part| {
        let Part::Variable(name, _) = part else { return true };
        let exists = |value: &String| matches.iter().any(|values| values.get(name) == Some(value));
        match (makefile.loops.get(name), makefile.fixed(name)) {
            (Some(values), _) => values.is_empty() || values.iter().any(exists),
            (None, default) => default.is_none_or(|default| exists(&default)),
        }
    })
}
