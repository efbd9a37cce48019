//! Finds the images of a Makefile: its `docker build` commands, its loops, and what `sed` replaces.

use indexmap::IndexMap;

use super::builds::{Build, arguments, build as build_of};
use super::calls;
use super::make::{self, Make, Recipe};
use super::part::{Part, Text, extend, is_word, joined, literal, push_text, source, split_once};
use super::sed::{self, Edit};
use super::shell::{Command, commands};

/// Programs that write a Dockerfile from another file, in a way that is not read.
const GENERATORS: &[&str] =
    &["awk", "envsubst", "erb", "gomplate", "j2", "jinja2", "m4", "perl", "python3"];

/// More are not the images of one family.
const MOST_BUILDS: usize = 300;

/// The forms of `$*`, `$@` and `$<`.
const AUTOMATIC: &[&str] = &["$*", "$@", "$<", "$(*)", "$(@)", "$(<)"];

/// The parts of a Makefile that can be converted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Makefile {
    pub make: Make,
    pub builds: Vec<Build>,
    /// The replacements of `{%name%}` by `sed`.
    pub placeholders: IndexMap<String, Text>,
    /// What `sed` changes in Dockerfiles beside that.
    pub edits: Vec<Edit>,
    /// The words of commands that name a Dockerfile.
    pub dockerfiles: Vec<Text>,
    /// The values of variables of make in loops, targets and calls of make.
    pub loops: IndexMap<String, Vec<String>>,
    /// Lists whose words are unknown: the variable, the line and the list.
    pub unlisted: Vec<(String, usize, String)>,
    /// What is not converted, with its line.
    pub others: Vec<(usize, String)>,
    /// The words of each list of targets and prerequisites, and the parts that are unknown.
    goals: Vec<(Vec<String>, Vec<Part>)>,
    /// `docker tag SOURCE TARGET`.
    pub retagged: Vec<(usize, Text, Text)>,
}

/// A variable of make and its values in a loop or a target.
struct List {
    variable: String,
    line: usize,
    values: Vec<String>,
    /// The parts whose values are unknown.
    unknown: Vec<Part>,
}

pub(super) fn read(text: &str, paths: Vec<String>) -> Makefile {
    let make = Make { paths, ..make::parse(text) };
    let mut makefile = Makefile { make, ..Makefile::default() };
    for (variable, line, list) in calls::resolved(&mut makefile.make) {
        let (values, unknown) = makefile.make.words(&list);
        makefile.list(List { variable, line, values, unknown });
    }
    let goals = makefile.make.goals.iter().map(|goal| makefile.make.words(goal));
    makefile.goals = goals.collect();
    let recipes = std::mem::take(&mut makefile.make.recipes);
    for recipe in &recipes {
        if makefile.builds.len() + makefile.retagged.len() >= MOST_BUILDS {
            let text = format!("everything after {MOST_BUILDS} builds");
            makefile.others.push((recipe.line, text));
            break;
        }
        makefile.recipe(recipe);
    }
    makefile.make.recipes = recipes;
    makefile
}

impl Makefile {
    fn recipe(&mut self, recipe: &Recipe) {
        let line = recipe.line;
        let (text, target) = self.targets_named(recipe);
        let (text, inlined) = self.make.inlined(&text);
        let found = commands(line, &text);
        let (mut shell, mut lists) = self.loops_of(line, &found);
        lists.extend(target);
        let mut sources: Vec<Text> = Vec::new();
        let mut is_of_images = false;
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
            let directory = resolved(&command.directory, &shell);
            let inputs = command.inputs.iter().map(|word| resolved(word, &shell));
            let named = words.iter().cloned().chain(inputs).filter(names_dockerfile);
            let named: Vec<Text> = named.map(|path| joined(&directory, &path)).collect();
            let program = words.first().and_then(|word| literal(word)).unwrap_or_default();
            if GENERATORS.contains(&program.as_str()) && !named.is_empty() {
                let words: Vec<String> = words.iter().map(|word| source(word)).collect();
                self.others.push((line, format!("`{}`", words.join(" "))));
            }
            sources.extend(named);
            self.sed(words);
            if !sources.is_empty() {
                self.edits.extend(sed::edits(line, words));
            }
            let is_make = matches!(words.first().map(Vec::as_slice), Some([Part::Variable(name, _)]) if name == "MAKE")
                || program == "make";
            let arguments_of_build = arguments(words, "build");
            if is_make {
                self.call(line, words);
            } else if let Some(words) = arguments_of_build {
                let mut build = build_of(line, words);
                build.goal = source(&recipe.rule.targets);
                build.enter(&directory);
                build.sources.clone_from(&sources);
                build.inlined.clone_from(&inlined);
                self.conditional_options(&mut build);
                self.builds.push(build);
            } else if let Some(options) = arguments(words, "bake") {
                let options: Vec<String> = options.iter().map(|word| source(word)).collect();
                let text = format!("docker buildx bake {}", options.join(" "));
                self.others.push((line, format!("`{}`", text.trim_end())));
            } else if arguments(words, "run").is_some() && is_check(&recipe.rule.targets) {
                let words: Vec<String> = words.iter().map(|word| source(word)).collect();
                let text = format!("`{}`, which `test` in the matrix could run,", words.join(" "));
                self.others.push((line, text));
                continue;
            } else if let Some([from, to]) = arguments(words, "tag") {
                self.retagged.push((line, from.clone(), to.clone()));
            } else {
                continue;
            }
            is_of_images = true;
            let is_image = arguments_of_build.is_some() || is_make && !command.loops.is_empty();
            if let Some(condition) =
                command.condition.as_ref().or(recipe.condition.as_ref()).filter(|_| is_image)
            {
                let is_define = condition.starts_with("define ");
                let what = if is_define { "" } else { "the condition " };
                self.others.push((line, format!("{what}`{condition}`")));
            }
        }
        // The values that `docker push` or `rm` go through are of no image.
        if is_of_images || !sources.is_empty() {
            lists.into_iter().for_each(|list| self.list(list));
        }
        self.dockerfiles.extend(sources);
    }

    /// Options in variables of the line that a condition sets. Tags are those of the images with the compared value.
    fn conditional_options(&mut self, build: &mut Build) {
        for name in build.inlined.clone() {
            for (variable, compared, text) in self.make.branches(&name) {
                let (text, _) = self.make.inlined(text);
                let words = commands(build.line, &text).pop().unwrap_or_default().words;
                let mut other = build_of(build.line, &words);
                other.tags.retain(|tag| !build.tags.contains(tag));
                match compared {
                    _ if build.has_options(&other) && other.tags.is_empty() => {}
                    Some(value) if build.has_options(&other) => {
                        let values = IndexMap::from([(variable.clone(), value.clone())]);
                        let tags = other.tags.into_iter().map(|tag| (tag, values.clone()));
                        build.tags_of_one.extend(tags);
                    }
                    _ => {
                        let value = compared.as_deref().unwrap_or("another value");
                        let text = format!("what {name} is for {variable}={value}");
                        self.others.push((build.line, text));
                    }
                }
            }
        }
    }

    /// Loops of the shell, by the name of their variable: its value is a variable of make.
    fn loops_of(&self, line: usize, found: &[Command]) -> (IndexMap<String, Text>, Vec<List>) {
        let mut assigned: IndexMap<String, Text> = IndexMap::new();
        for word in found.iter().flat_map(|command| &command.words) {
            if let Some((name, value)) = pair(word) {
                assigned.entry(name).or_insert(value);
            }
        }
        let mut shell = IndexMap::new();
        let mut lists = Vec::new();
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
            shell.insert(name.clone(), vec![Part::Variable(variable.clone(), line)]);
            lists.push(List { variable, line, values, unknown });
        }
        (shell, lists)
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
        let own = || self.unused(if is_version { "VERSION".to_owned() } else { upper });
        given.unwrap_or_else(own)
    }

    fn list(&mut self, List { variable, line, values, unknown }: List) {
        for part in unknown {
            let list = (variable.clone(), line, part.source());
            if !self.unlisted.contains(&list) {
                self.unlisted.push(list);
            }
        }
        match self.loops.get(&variable) {
            Some(known) if !values.is_empty() && !known.is_empty() && *known != values => {
                let text = values.join(" ");
                self.others
                    .push((line, format!("another list of values of {variable}, `{text}`,")));
            }
            Some(known) if !known.is_empty() => {}
            _ => _ = self.loops.insert(variable, values),
        }
    }

    /// `$*`, `$@` and `$<` as text or as a variable, with its values: those of the targets.
    fn targets_named(&self, recipe: &Recipe) -> (Text, Option<List>) {
        let has_automatic = |part: &Part| matches!(part, Part::Unknown(text, _) if AUTOMATIC.iter().any(|name| text.contains(name)));
        if !recipe.text.iter().any(has_automatic) {
            return (recipe.text.clone(), None);
        }
        let pattern = self.make.constant(&recipe.rule.pattern).unwrap_or_default();
        let first = self.make.constant(&recipe.rule.first).unwrap_or_default();
        let (stem, list) = self.stem(recipe, pattern.split_once('%'));
        // The text of a pattern around its `%`; a prerequisite without one is text alone.
        let of = |sign: char| match sign {
            '*' => Some("%"),
            '@' => Some(if pattern.contains('%') { &pattern } else { "%" }),
            _ => Some(first.as_str()).filter(|first| !["", "|"].contains(first)),
        };
        let mut out = Text::new();
        let mut is_used = false;
        for part in &recipe.text {
            let Some(text) = automatic(part).and_then(of) else {
                // In a function of make.
                let inner = match part {
                    Part::Unknown(text, line) if automatic(part).is_none() => Some((text, *line)),
                    _ => None,
                };
                let Some((text, line)) = inner.filter(|_| has_automatic(part)) else {
                    extend(&mut out, std::slice::from_ref(part));
                    continue;
                };
                let text = AUTOMATIC.iter().fold(text.clone(), |text, name| {
                    let value =
                        name.chars().find_map(|sign| of(sign).filter(|_| "*@<".contains(sign)));
                    value.map_or_else(
                        || text.clone(),
                        |value| text.replace(name, &value.replace('%', &stem.source())),
                    )
                });
                is_used |= text.contains(&stem.source());
                extend(&mut out, &make::parts(&text, line));
                continue;
            };
            let (before, after) = text.split_once('%').unwrap_or((text, ""));
            push_text(&mut out, before);
            if text.contains('%') {
                extend(&mut out, std::slice::from_ref(&stem));
            }
            push_text(&mut out, after);
        }
        is_used |= out.contains(&stem);
        (out, list.filter(|_| is_used))
    }

    /// What `%` is in the targets, or the target itself: its only value, or a variable of make with a list.
    fn stem(&self, recipe: &Recipe, pattern: Option<(&str, &str)>) -> (Part, Option<List>) {
        let Recipe { line, rule, .. } = recipe;
        // The targets of a pattern rule are those that any rule names.
        let is_of_all = pattern.is_some() && rule.pattern == rule.targets;
        let own = [self.make.words(&rule.targets)];
        let goals = if is_of_all { self.goals.as_slice() } else { &own };
        let (prefix, suffix) = pattern.unwrap_or_default();
        let mut values = Vec::new();
        let mut unknown = Vec::new();
        for (words, missing) in goals {
            // Lists that do not name the pattern are of other targets.
            let is_named = |part: &&Part| {
                let names = |text: &str| !text.is_empty() && part.source().contains(text);
                !is_of_all || names(prefix) || names(suffix)
            };
            unknown.extend(missing.iter().filter(is_named).cloned());
            for word in words {
                let stem = word.strip_prefix(prefix).and_then(|word| word.strip_suffix(suffix));
                let stem =
                    stem.filter(|stem| !stem.is_empty() && !stem.contains('%')).map(str::to_owned);
                values.extend(stem.filter(|stem| !values.contains(stem)));
            }
        }
        if is_of_all && prefix.is_empty() && suffix.is_empty() {
            // Every goal of the Makefile matches `%`.
            values.clear();
        }
        if let ([only], None) = (values.as_slice(), pattern) {
            return (Part::Text(only.clone()), None);
        }
        let variable = if are_versions(&values) { "VERSION" } else { "NAME" };
        let variable = self.unused(variable.to_owned());
        if values.is_empty() {
            let sign = if pattern.is_some() { "%" } else { "$@" };
            let text = format!("`{sign}` in the target `{}`", source(&rule.pattern));
            unknown = vec![Part::Unknown(text, *line)];
        }
        let part = Part::Variable(variable.clone(), *line);
        (part, Some(List { variable, line: *line, values, unknown }))
    }

    /// A name for a variable of a loop or a target: not that of a variable of the Makefile.
    fn unused(&self, name: String) -> String {
        if self.make.variables.contains_key(&name) { format!("EACH_{name}") } else { name }
    }

    /// `$(MAKE) build OS=alpine`: a value of a variable. Loops are read by [`Self::loops_of`].
    fn call(&mut self, line: usize, words: &[Text]) {
        let at =
            words.iter().position(|word| literal(word).is_some_and(|word| word.starts_with("-C")));
        if let Some(at) = at {
            let words: Vec<String> = words[at..].iter().map(|word| source(word)).collect();
            let text = format!("`make {}`, which uses a Makefile of its own,", words.join(" "));
            self.others.push((line, text));
            return;
        }
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
}

/// The sign of `$*`, `$(@)` or `${<}`.
fn automatic(part: &Part) -> Option<char> {
    let Part::Unknown(text, _) = part else { return None };
    let text = text.strip_prefix('$')?.trim_matches(['(', ')', '{', '}']);
    let sign = text.chars().next().filter(|sign| "*@<".contains(*sign))?;
    (text.len() == 1).then_some(sign)
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

/// Whether the name of a target says that it checks something.
fn is_check(targets: &Text) -> bool {
    let name = source(targets).to_lowercase();
    ["test", "check", "smoke", "verify"].iter().any(|word| name.contains(word))
}
