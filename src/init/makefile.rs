//! Finds the images of a Makefile: its `docker build` commands, its loops, and what `sed` replaces.

use indexmap::IndexMap;

use super::builds::{Build, arguments, build};
use super::calls;
use super::make::{self, Make, Recipe};
use super::part::{Part, Text, extend, is_word, literal, push_text, source, split_once};
use super::shell::{Command, commands};

/// The parts of a Makefile that can be converted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Makefile {
    pub make: Make,
    pub builds: Vec<Build>,
    /// The replacements of `{%name%}` by `sed`.
    pub placeholders: IndexMap<String, Text>,
    /// The words of commands that name a Dockerfile.
    pub dockerfiles: Vec<Text>,
    /// The values of variables of make in loops, targets and calls of make.
    pub loops: IndexMap<String, Vec<String>>,
    /// Lists whose words are unknown: the variable, the line and the list.
    pub unlisted: Vec<(String, usize, String)>,
    /// What is not converted, with its line.
    pub others: Vec<(usize, String)>,
    /// `docker tag SOURCE TARGET`.
    retagged: Vec<(usize, Text, Text)>,
}

pub(super) fn read(text: &str) -> Makefile {
    let mut makefile = Makefile { make: make::parse(text), ..Makefile::default() };
    for (variable, line, list) in calls::resolved(&mut makefile.make) {
        let (values, unknown) = makefile.make.words(&list);
        makefile.list(&variable, line, values, unknown);
    }
    let recipes = std::mem::take(&mut makefile.make.recipes);
    for recipe in &recipes {
        makefile.recipe(recipe);
    }
    makefile.make.recipes = recipes;
    makefile.retag();
    makefile
}

impl Makefile {
    fn recipe(&mut self, recipe: &Recipe) {
        let line = recipe.line;
        let text = self.targets_named(recipe);
        let text = self.make.inlined(&text);
        let found = commands(line, &text);
        let mut shell = self.loops_of(line, &found);
        let mut sources: Vec<Text> = Vec::new();
        for command in &found {
            let words: Vec<Text> =
                command.words.iter().map(|word| resolved(word, &shell)).collect();
            let assigned =
                words.iter().position(|word| pair(word).is_none()).unwrap_or(words.len());
            let exports =
                words.first().is_some_and(|word| literal(word).as_deref() == Some("export"));
            let pairs = if exports { &words[1..] } else { &words[..assigned] };
            if assigned == words.len() || exports {
                for (name, value) in pairs.iter().filter_map(pair) {
                    let known = shell.get(&name).is_none_or(|known| *known == value)
                        && command.condition.is_none();
                    let unknown = || vec![Part::Unknown(format!("${name}"), line)];
                    shell.insert(name.clone(), if known { value } else { unknown() });
                }
                continue;
            }
            let words = &words[assigned..];
            // A variable without a value is no word.
            let is_empty = |word: &Text| {
                !word.is_empty() && self.make.constant(word).is_some_and(|text| text.is_empty())
            };
            let words: Vec<Text> = words.iter().filter(|word| !is_empty(word)).cloned().collect();
            let words = words.as_slice();
            self.sed(words);
            let inputs = command.inputs.iter().map(|word| resolved(word, &shell));
            sources.extend(words.iter().cloned().chain(inputs).filter(names_dockerfile));
            let is_make = matches!(words.first().map(Vec::as_slice), Some([Part::Variable(name, _)]) if name == "MAKE")
                || words.first().is_some_and(|word| literal(word).as_deref() == Some("make"));
            let arguments_of_build = arguments(words, "build");
            if is_make {
                self.call(line, words);
            } else if let Some(words) = arguments_of_build {
                let mut build = build(line, words);
                build.sources.clone_from(&sources);
                self.builds.push(build);
            } else if let Some([from, to]) = arguments(words, "tag") {
                self.retagged.push((line, from.clone(), to.clone()));
            } else {
                continue;
            }
            let is_image = arguments_of_build.is_some() || is_make && !command.loops.is_empty();
            if let Some(condition) =
                command.condition.as_ref().or(recipe.condition.as_ref()).filter(|_| is_image)
            {
                let is_define = condition.starts_with("define ");
                let what = if is_define { "" } else { "the condition " };
                self.others.push((line, format!("{what}`{condition}`")));
            }
        }
        self.dockerfiles.extend(sources);
    }

    /// Loops of the shell, by the name of their variable: its value is a variable of make.
    fn loops_of(&mut self, line: usize, found: &[Command]) -> IndexMap<String, Text> {
        let mut assigned: IndexMap<String, Text> = IndexMap::new();
        for word in found.iter().flat_map(|command| &command.words) {
            if let Some((name, value)) = pair(word) {
                assigned.entry(name).or_insert(value);
            }
        }
        let mut shell = IndexMap::new();
        for (name, words) in found.iter().flat_map(|command| &command.loops) {
            if shell.contains_key(name) {
                continue;
            }
            let mut list = Text::new();
            for word in words {
                extend(&mut list, &resolved(word, &assigned));
                push_text(&mut list, " ");
            }
            let (values, unknown) = self.make.words(&list);
            let variable = self.variable_of(name, &values, found);
            self.list(&variable, line, values, unknown);
            shell.insert(name.clone(), vec![Part::Variable(variable, line)]);
        }
        shell
    }

    /// The variable of make that a loop variable is. If the line gives it to one, as in `VERSION=$$v`, it is that
    /// variable; else its name in upper case. A loop over versions is called `VERSION` if its variable is a
    /// letter.
    fn variable_of(&self, name: &str, values: &[String], found: &[Command]) -> String {
        let all = || found.iter().flat_map(|command| &command.words);
        let given = all().find_map(|word| {
            let (variable, value) = pair(word)?;
            matches!(value.as_slice(), [Part::Shell(shell, _)] if shell == name).then_some(variable)
        });
        let upper = name.to_ascii_uppercase();
        let named = |name: &str| {
            all().flatten().any(|part| matches!(part, Part::Variable(other, _) if other == name))
        };
        let is_version =
            name.len() == 1 && (are_versions(values) || name == "v") && !named("VERSION");
        given.unwrap_or(if is_version { "VERSION".to_owned() } else { upper })
    }

    fn list(&mut self, variable: &str, line: usize, values: Vec<String>, unknown: Vec<Part>) {
        for part in unknown {
            let list = (variable.to_owned(), line, part.source());
            if !self.unlisted.contains(&list) {
                self.unlisted.push(list);
            }
        }
        match self.loops.get(variable) {
            Some(known) if !values.is_empty() && !known.is_empty() && *known != values => {
                let text = values.join(" ");
                self.others
                    .push((line, format!("another list of values of {variable}, `{text}`,")));
            }
            Some(known) if !known.is_empty() => {}
            _ => _ = self.loops.insert(variable.to_owned(), values),
        }
    }

    /// `$*` and `$@` as variables. Their values are those of the targets.
    fn targets_named(&mut self, recipe: &Recipe) -> Text {
        let automatic = |part: &Part| matches!(part, Part::Unknown(text, _) if is_automatic(text));
        if !recipe.text.iter().any(automatic) {
            return recipe.text.clone();
        }
        let line = recipe.line;
        let (prefix, suffix) = match split_once(&recipe.target, '%') {
            Some((prefix, suffix)) => (self.make.constant(&prefix), self.make.constant(&suffix)),
            None => (None, None),
        };
        let is_pattern = prefix.is_some();
        let (prefix, suffix) = (prefix.unwrap_or_default(), suffix.unwrap_or_default());
        let mut values = Vec::new();
        let mut unknown = Vec::new();
        let goals: &[Text] =
            if is_pattern { &self.make.goals } else { std::slice::from_ref(&recipe.target) };
        for goal in goals {
            let (words, missing) = self.make.words(goal);
            unknown.extend(missing);
            for word in words {
                let stem = word
                    .strip_prefix(prefix.as_str())
                    .and_then(|word| word.strip_suffix(suffix.as_str()));
                let stem =
                    stem.filter(|stem| !stem.is_empty() && !stem.contains('%')).map(str::to_owned);
                values.extend(stem.filter(|stem| !values.contains(stem)));
            }
        }
        if prefix.is_empty() && suffix.is_empty() && is_pattern {
            // Every goal of the Makefile matches `%`.
            values.clear();
        }
        let single = (!is_pattern).then_some(values.as_slice()).filter(|values| values.len() == 1);
        let variable = if are_versions(&values) { "VERSION" } else { "NAME" };
        let stem = match single {
            Some(values) => Part::Text(values[0].clone()),
            None => Part::Variable(variable.to_owned(), line),
        };
        let mut out = Text::new();
        for part in &recipe.text {
            match part {
                Part::Unknown(text, _) if is_automatic(text) => {
                    let whole = text.contains('@');
                    push_text(&mut out, if whole { &prefix } else { "" });
                    extend(&mut out, std::slice::from_ref(&stem));
                    push_text(&mut out, if whole { &suffix } else { "" });
                }
                other => extend(&mut out, std::slice::from_ref(other)),
            }
        }
        if single.is_none() {
            if values.is_empty() {
                let sign = if is_pattern { "%" } else { "$@" };
                let text = format!("`{sign}` in the target `{}`", source(&recipe.target).trim());
                unknown = vec![Part::Unknown(text, line)];
            } else if is_pattern {
                unknown.clear();
            }
            self.list(variable, line, values, unknown);
        }
        out
    }

    /// `$(MAKE) build OS=alpine`: a value of a variable. Loops are read by [`Self::loops_of`].
    fn call(&mut self, line: usize, words: &[Text]) {
        let pairs: Vec<(String, Text)> = words.iter().filter_map(pair).collect();
        for (name, value) in &pairs {
            if let Some(value) = literal(value).filter(|value| !value.is_empty()) {
                let values = self.loops.entry(name.clone()).or_default();
                if !values.contains(&value) {
                    values.push(value);
                }
                if pairs.len() > 1 {
                    let text: Vec<String> = words.iter().skip(1).map(|word| source(word)).collect();
                    self.others.push((line, format!("the combination `{}`", text.join(" "))));
                }
            }
        }
    }

    /// The replacements in `s/{%name%}/replacement/`, with any separator.
    fn sed(&mut self, words: &[Text]) {
        for word in words {
            let mut rest = word.clone();
            while let Some((_, after)) = split_once(&rest, '{') {
                rest = after;
                let Some(Part::Text(text)) = rest.first() else { continue };
                let Some((name, script)) =
                    text.strip_prefix('%').and_then(|text| text.split_once("%}"))
                else {
                    continue;
                };
                let Some(separator) = script.chars().next() else { continue };
                let (name, mut tail) = (name.trim().to_owned(), Text::new());
                push_text(&mut tail, &script[separator.len_utf8()..]);
                extend(&mut tail, &rest[1..]);
                if let Some((replacement, after)) = split_once(&tail, separator) {
                    self.placeholders.entry(name).or_insert(replacement);
                    rest = after;
                }
            }
        }
    }

    /// Adds the tags of `docker tag` to the builds of its source.
    fn retag(&mut self) {
        for (line, from, to) in std::mem::take(&mut self.retagged) {
            let same = |tag: &Text| plain(tag) == plain(&from);
            match self.builds.iter_mut().find(|build| build.tags.iter().any(same)) {
                Some(build) if build.tags.contains(&to) => {}
                Some(build) => build.tags.push(to),
                None => self
                    .others
                    .push((line, format!("`docker tag {} {}`", source(&from), source(&to)))),
            }
        }
    }
}

/// A reference as it is written, without the default tag.
fn plain(tag: &[Part]) -> String {
    let text = source(tag);
    text.strip_suffix(":latest").map(str::to_owned).unwrap_or(text)
}

fn is_automatic(text: &str) -> bool {
    ["$*", "$@", "$(*)", "$(@)", "${*}", "${@}"].contains(&text)
}

/// `NAME=value`.
fn pair(word: &Text) -> Option<(String, Text)> {
    let (name, value) = split_once(word, '=')?;
    let name = literal(&name).filter(|name| is_word(name))?;
    Some((name, value))
}

/// A word with the values of the shell's variables. A variable that the line does not set is one of the
/// environment, as the variables of make are.
fn resolved(word: &[Part], shell: &IndexMap<String, Text>) -> Text {
    let mut out = Text::new();
    for part in word {
        match part {
            Part::Shell(name, line) => match shell.get(name) {
                Some(value) => extend(&mut out, value),
                None => out.push(Part::Variable(name.clone(), *line)),
            },
            other => extend(&mut out, std::slice::from_ref(other)),
        }
    }
    out
}

/// Whether the last component of a path is the name of a Dockerfile.
fn names_dockerfile(word: &Text) -> bool {
    let text = source(word).to_ascii_lowercase();
    let name = text.rsplit('/').next().unwrap_or_default();
    ["dockerfile", "containerfile"].iter().any(|known| {
        name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
            || name.ends_with(&format!(".{known}"))
    })
}

/// Whether all values start with a digit, perhaps after a `v`.
pub(super) fn are_versions(values: &[String]) -> bool {
    let starts =
        |value: &String| value.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit());
    !values.is_empty() && values.iter().all(starts)
}
