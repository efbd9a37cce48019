//! Joins the builds of several targets: an axis has a value for each, with everything that differs as its properties.

use indexmap::IndexMap;

use super::builds::Build;
use super::makefile::Makefile;
use super::part::{Part, Text, extend, joined, literal, push_text, source};
use super::reference::image_and_tag;

/// More builds are not the variants of one image.
const MOST: usize = 50;

/// Words of targets that do not say what is built.
const WORDS: &[&str] =
    &["all", "build", "container", "docker", "image", "images", "publish", "push", "release"];

/// Joins all builds that have tags, if they have the same options and the same number of tags. The others stay.
pub(super) fn join(makefile: &mut Makefile, builds: &mut Vec<Build>, files: &[(String, String)]) {
    let (tagged, mut rest): (Vec<Build>, Vec<Build>) =
        builds.iter().cloned().partition(|build| !build.tags.is_empty());
    if !(2..=MOST).contains(&tagged.len()) {
        return;
    }
    let Some(variable) = unused(makefile, "VARIANT") else { return };
    let Some((build, branches)) = family(makefile, &variable, tagged, files) else { return };
    let first = branches.first().and_then(|(name, _)| name.clone()).unwrap_or_default();
    // The first one is the default, as it is for make.
    makefile.make.variables.insert(variable.clone(), (vec![Part::Text(first)], build.line));
    makefile.make.conditions.insert(variable, branches);
    rest.insert(0, build);
    *builds = rest;
}

type Branches = Vec<(Option<String>, IndexMap<String, Text>)>;

fn family(
    makefile: &Makefile,
    variable: &str,
    builds: Vec<Build>,
    files: &[(String, String)],
) -> Option<(Build, Branches)> {
    let first = builds.first()?.clone();
    if !builds.iter().all(|build| is_alike(&first, build)) {
        return None;
    }
    // A property has no placeholders.
    let varies = |name: &String| {
        makefile.loops.contains_key(name) || name.to_ascii_uppercase().ends_with("VERSION")
    };
    let is_fixed = |text: &Text| {
        makefile.make.constant(text).is_some()
            && !makefile.make.reached(vec![text.clone()]).iter().any(varies)
    };
    let mut sets = vec![IndexMap::new(); builds.len()];
    let mut field = |name: &str, texts: Vec<Text>| {
        if texts.iter().all(|text| source(text) == source(&texts[0])) {
            return Some(texts[0].clone());
        }
        if !texts.iter().all(is_fixed) {
            return None;
        }
        let taken = |name: &String| sets[0].contains_key(name);
        let name = (1..10).map(|n| if n == 1 { name.to_owned() } else { format!("{name}_{n}") });
        let name = name.filter(|name| !taken(name)).find_map(|name| unused(makefile, &name))?;
        for (set, text) in sets.iter_mut().zip(texts) {
            set.insert(name.clone(), text);
        }
        Some(vec![Part::Variable(name, first.line)])
    };
    let mut build = Build { tags: Vec::new(), tags_of_one: Vec::new(), ..first.clone() };
    let mut names: Vec<Vec<String>> = vec![builds.iter().map(|build| word(&build.goal)).collect()];
    for at in 0..first.tags.len() {
        let references = builds.iter().map(|build| image_and_tag(makefile, &build.tags[at]));
        let (images, mut tags): (Vec<Text>, Vec<Text>) = references.unzip();
        for tag in tags.iter_mut().filter(|tag| tag.is_empty()) {
            push_text(tag, "latest");
        }
        let (start, ends) = split(&tags);
        names.push(ends.iter().map(|end| word(&source(end))).collect());
        let last = |text: &Text| source(text).rsplit('/').next().map(word).unwrap_or_default();
        names.push(images.iter().map(last).collect());
        let mut reference = field("REPOSITORY", images)?;
        push_text(&mut reference, ":");
        extend(&mut reference, &start);
        extend(&mut reference, &field("SUFFIX", ends)?);
        build.tags.push(reference);
    }
    let here = || vec![Part::Text(".".to_owned())];
    let contexts = builds.iter().map(|build| build.context.clone().unwrap_or_else(here));
    let contexts: Vec<Text> = contexts.map(|path| joined(&here(), &path)).collect();
    let usual = |context: &Text| joined(context, &[Part::Text("Dockerfile".to_owned())]);
    let file = |(build, context): (&Build, &Text)| match &build.file {
        Some(path) => joined(&here(), path),
        None => usual(context),
    };
    let paths: Vec<Text> = builds.iter().zip(&contexts).map(file).collect();
    let is_usual = |(path, context): (&Text, &Text)| source(path) == source(&usual(context));
    build.file = if paths.iter().zip(&contexts).all(is_usual) {
        None
    } else {
        let exists = |path: &Text| {
            literal(path).is_none_or(|path| files.iter().any(|(known, _)| *known == path))
        };
        let is_one = contexts.iter().all(|context| source(context) == source(&contexts[0]));
        Some(field("DOCKERFILE", paths).filter(|_| is_one)?).filter(exists)
    };
    build.context = Some(field("CONTEXT", contexts)?);
    if first.target.is_some() {
        let targets = builds.iter().filter_map(|build| build.target.clone());
        build.target = Some(field("STAGE", targets.collect())?);
    }
    for (name, value) in &mut build.args {
        *value = field(name, builds.iter().map(|build| build.args[name].clone()).collect())?;
    }
    for (name, value) in &mut build.labels {
        *value = field("LABEL", builds.iter().map(|build| build.labels[name].clone()).collect())?;
    }
    let is_distinct = |names: &Vec<String>| {
        let is_first = |at: usize| !names[..at].contains(&names[at]) && !names[at].is_empty();
        (0..names.len()).all(is_first)
    };
    let names = names.into_iter().find(is_distinct)?;
    for (name, other) in names.iter().zip(&builds) {
        build.sources.extend(other.sources.iter().cloned());
        build.inlined.extend(other.inlined.iter().cloned());
        for (tag, values) in &other.tags_of_one {
            let mut values = values.clone();
            values.insert(variable.to_owned(), name.clone());
            build.tags_of_one.push((tag.clone(), values));
        }
    }
    (!sets[0].is_empty()).then(|| (build, names.into_iter().map(Some).zip(sets).collect()))
}

/// Whether two builds have the same options and the same number of tags.
fn is_alike(a: &Build, b: &Build) -> bool {
    let keys = |texts: &IndexMap<String, Text>| {
        let mut keys: Vec<String> = texts.keys().cloned().collect();
        keys.sort();
        keys
    };
    a.tags.len() == b.tags.len()
        && a.platform.as_deref().map(source) == b.platform.as_deref().map(source)
        && a.target.is_some() == b.target.is_some()
        && keys(&a.args) == keys(&b.args)
        && keys(&a.labels) == keys(&b.labels)
        && a.others == b.others
}

/// The start that all texts have, and the ends: a `-alpine` that only some have stays whole.
fn split(texts: &[Text]) -> (Text, Vec<Text>) {
    let at = |text: &Text, at: usize| text.get(at).map(Part::source);
    let same = |n: &usize| {
        at(&texts[0], *n).is_some() && texts.iter().all(|text| at(text, *n) == at(&texts[0], *n))
    };
    let count = (0..).take_while(same).count();
    let mut start = texts[0][..count].to_vec();
    let mut ends: Vec<Text> = texts.iter().map(|text| text[count..].to_vec()).collect();
    // `1.0` and `1.0-alpine`.
    let base = ends.iter().filter_map(|end| match end.as_slice() {
        [Part::Text(text)] => Some(text.clone()),
        _ => None,
    });
    let Some(base) = base.min_by_key(String::len) else { return (start, ends) };
    let after = |end: &Text| match end.first() {
        Some(Part::Text(text)) => text.strip_prefix(&base).map(str::to_owned),
        _ => None,
    };
    let follows = |rest: String| rest.is_empty() || rest.starts_with(['-', '.', '_']);
    if ends.iter().all(|end| after(end).is_some_and(follows)) {
        push_text(&mut start, &base);
        for end in &mut ends {
            let mut rest = Text::new();
            push_text(&mut rest, &after(end).unwrap_or_default());
            extend(&mut rest, &end[1..]);
            *end = rest;
        }
    }
    (start, ends)
}

/// The words of a target or a tag that say what it is.
fn word(text: &str) -> String {
    let words = text.split(['-', '_', '/', ' ']).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.filter(|word| !WORDS.contains(word)).collect();
    let name = if words.is_empty() { "default".to_owned() } else { words.join("-") };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    if name.chars().all(plain) { name } else { String::new() }
}

/// A name that is not one of a variable of the Makefile.
pub(super) fn unused(makefile: &Makefile, name: &str) -> Option<String> {
    let names = [name.to_owned(), format!("VARIANT_{name}")];
    let is_free = |name: &String| {
        !makefile.make.variables.contains_key(name)
            && !makefile.loops.contains_key(name)
            && makefile.make.branches(name).next().is_none()
    };
    names.into_iter().find(is_free)
}
