//! The `docker build` commands among the commands of the shell.

use indexmap::IndexMap;

use super::part::{Part, Text, joined, literal, push_text, source, split_once};

/// A `docker build` or `docker buildx build`, in the words of the Makefile.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Build {
    pub line: usize,
    /// The targets of its rule, as they are written.
    pub goal: String,
    pub tags: Vec<Text>,
    /// Tags that only the image with these values of variables has.
    pub tags_of_one: Vec<(Text, IndexMap<String, String>)>,
    pub platform: Option<Text>,
    pub args: IndexMap<String, Text>,
    pub labels: IndexMap<String, Text>,
    pub file: Option<Text>,
    pub target: Option<Text>,
    pub context: Option<Text>,
    /// The Dockerfiles that its line names.
    pub sources: Vec<Text>,
    /// Variables that its line has values of.
    pub inlined: Vec<String>,
    /// Options that are not converted.
    pub others: Vec<String>,
}

const PROGRAMS: &[&str] = &["docker", "podman", "nerdctl", "buildah", "docker-buildx"];

/// Flags without a value.
const SWITCHES: &[&str] = &[
    "--push",
    "--load",
    "--pull",
    "--no-cache",
    "--rm",
    "--force-rm",
    "--quiet",
    "-q",
    "--compress",
    "--squash",
    "--debug",
    "-D",
    "--check",
    "--disable-content-trust",
];

/// Flags that the matrix or onebuild itself covers.
const HANDLED: &[&str] = &[
    "--push",
    "--load",
    "--progress",
    "--pull",
    "--no-cache",
    "--builder",
    "--provenance",
    "--rm",
    "--force-rm",
    "--quiet",
    "-q",
];

/// The arguments after `docker SUBCOMMAND`, if the command runs it. Options of docker itself are skipped.
pub(super) fn arguments<'w>(words: &'w [Text], subcommand: &str) -> Option<&'w [Text]> {
    let is_program = |word: &Text| {
        let word = literal(word).unwrap_or_default();
        PROGRAMS.contains(&word.rsplit('/').next().unwrap_or_default())
    };
    let program = words.iter().position(is_program)?;
    let mut rest = &words[program + 1..];
    while let [first, after @ ..] = rest {
        let first = literal(first)?;
        rest = after;
        match first.as_str() {
            "buildx" | "image" | "builder" => {}
            _ if first == subcommand || (first == "bud" && subcommand == "build") => {
                return Some(rest);
            }
            // `--context NAME` and others have a value.
            _ if first.starts_with('-') => {
                if !first.contains('=') && !["-D", "--debug", "--tls"].contains(&first.as_str()) {
                    rest = rest.get(1..)?;
                }
            }
            _ => return None,
        }
    }
    None
}

/// Reads the arguments of `docker build`.
pub(super) fn build(line: usize, words: &[Text]) -> Build {
    let mut build = Build { line, ..Build::default() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some((option, mut value)) = option(word) else {
            build.positional(word);
            continue;
        };
        if value.is_none() && !SWITCHES.contains(&option.as_str()) {
            value = words.next().cloned();
        }
        let value = value.unwrap_or_default();
        match option.as_str() {
            "-t" | "--tag" => build.tags.push(value),
            "-f" | "--file" => build.file = Some(value),
            "--platform" => build.platform = Some(value),
            "--target" => build.target = Some(value),
            "--build-arg" | "--label" => {
                let pair = split_once(&value, '=');
                let pair = pair.and_then(|(name, value)| Some((literal(&name)?, value)));
                match pair {
                    Some((name, value)) if option == "--label" => {
                        _ = build.labels.insert(name, value)
                    }
                    Some((name, value)) => _ = build.args.insert(name, value),
                    None => build.others.push(format!("{option} {}", source(&value))),
                }
            }
            handled if HANDLED.contains(&handled) => {}
            other => build.others.push(other.to_owned()),
        }
    }
    build
}

impl Build {
    /// The last one is the context. One before it is a variable with options.
    fn positional(&mut self, word: &Text) {
        if let Some(before) = self.context.replace(word.clone()) {
            self.others.push(source(&before));
        }
    }

    /// Whether the options of another build, except for its tags, are those of this one.
    pub(super) fn has_options(&self, other: &Self) -> bool {
        let same = |own: &Option<Text>, other: &Option<Text>| other.is_none() || own == other;
        let pairs = |own: &IndexMap<String, Text>, other: &IndexMap<String, Text>| {
            other.iter().all(|(name, value)| own.get(name) == Some(value))
        };
        same(&self.platform, &other.platform)
            && same(&self.file, &other.file)
            && same(&self.target, &other.target)
            && same(&self.context, &other.context)
            && pairs(&self.args, &other.args)
            && pairs(&self.labels, &other.labels)
            && other.others.iter().all(|option| self.others.contains(option))
    }

    /// Makes its paths relative to the directory of the Makefile, not to the one of its `cd`.
    pub(super) fn enter(&mut self, directory: &[Part]) {
        for path in [&mut self.context, &mut self.file].into_iter().flatten() {
            *path = joined(directory, path);
        }
    }

    /// Every text that can have a value for each image, with a name for that value.
    pub(super) fn texts_mut(&mut self) -> impl Iterator<Item = (&str, &mut Text)> {
        let single = [
            ("DOCKERFILE", &mut self.file),
            ("STAGE", &mut self.target),
            ("CONTEXT", &mut self.context),
        ];
        let single = single.into_iter().filter_map(|(name, text)| Some((name, text.as_mut()?)));
        let args = self.args.iter_mut().map(|(name, text)| (name.as_str(), text));
        let labels = self.labels.values_mut().map(|text| ("LABEL", text));
        self.tags.iter_mut().map(|text| ("TAG", text)).chain(single).chain(args).chain(labels)
    }

    /// Every text of it.
    pub(super) fn texts(&self) -> impl Iterator<Item = &Text> {
        let single = [&self.platform, &self.file, &self.target, &self.context];
        let single = single.into_iter().flatten();
        self.tags.iter().chain(single).chain(self.args.values()).chain(self.labels.values())
    }
}

/// `--name=value`, `-tvalue` or the name alone; nothing for other words.
fn option(word: &Text) -> Option<(String, Option<Text>)> {
    let Some(Part::Text(first)) = word.first() else { return None };
    if !first.starts_with('-') || first == "-" {
        return None;
    }
    if first.starts_with("--") {
        return Some(match split_once(word, '=') {
            Some((name, value)) => (source(&name), Some(value)),
            None => (source(word), None),
        });
    }
    let (short, glued) = first.split_at_checked(2)?;
    let takes = ["-t", "-f", "-o", "-m", "-c"].contains(&short);
    if !takes || (glued.is_empty() && word.len() == 1) {
        return Some((source(word), None));
    }
    let mut value = Text::new();
    push_text(&mut value, glued.trim_start_matches('='));
    value.extend_from_slice(&word[1..]);
    Some((short.to_owned(), Some(value)))
}
