//! Parses Makefiles that build images.

use indexmap::IndexMap;

/// The parts of a Makefile that can be converted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Makefile {
    /// The first value of each variable outside of conditions.
    pub variables: IndexMap<String, String>,
    /// By the variable that `ifeq` compares.
    pub conditions: IndexMap<String, Branches>,
    /// The replacements of `{%name%}` by `sed`.
    pub placeholders: IndexMap<String, String>,
    /// The first argument of `-t`, `--tag`.
    pub tag: Option<String>,
    /// The first argument of `--platform`.
    pub platform: Option<String>,
    /// Arguments of `--build-arg`.
    pub build_args: IndexMap<String, String>,
    /// The variable in `$(OS)/Dockerfile`, or in `docker build … $(OS)`.
    pub directory: Option<String>,
    /// Whether that directory is the build context.
    pub is_context: bool,
    /// The values of a variable in a loop.
    pub loops: IndexMap<String, Vec<String>>,
    /// Options of `docker build` that are not supported, with their lines.
    pub others: Vec<(usize, String)>,
}

/// Values of variables by the compared value; `None` is the `else`.
pub(super) type Branches = Vec<(Option<String>, IndexMap<String, String>)>;

/// Options that the matrix or onebuild itself covers.
const HANDLED: &[&str] = &[
    "-t",
    "--tag",
    "-f",
    "--file",
    "--platform",
    "--build-arg",
    "--push",
    "--load",
    "--progress",
    "--pull",
    "--no-cache",
    "--builder",
    "--provenance",
    "--rm",
];

pub(super) fn read(text: &str) -> Makefile {
    let mut makefile = Makefile::default();
    let mut condition: Option<(String, Option<String>)> = None;
    let mut shell: IndexMap<String, Vec<String>> = IndexMap::new();
    for (number, line) in logical_lines(text) {
        let words = line.trim();
        if let Some(compared) = words.strip_prefix("ifeq").and_then(comparison) {
            condition = Some(compared);
        } else if words == "else" {
            condition = condition.map(|(variable, _)| (variable, None));
        } else if words == "endif" {
            condition = None;
        } else if let Some((name, value)) = assignment(&line, condition.is_some()) {
            match &condition {
                None => {
                    makefile.variables.entry(name).or_insert(value);
                }
                Some((variable, compared)) => {
                    let branches = makefile.conditions.entry(variable.clone()).or_default();
                    if branches.last().is_none_or(|(last, _)| last != compared) {
                        branches.push((compared.clone(), IndexMap::new()));
                    }
                    let (_, values) = branches.last_mut().expect("a branch was just pushed");
                    values.insert(name, value);
                }
            }
        } else if line.starts_with('\t') {
            makefile.recipe(number, words, &mut shell);
        }
    }
    makefile
}

impl Makefile {
    /// `for v in $(VERSIONS)`: the line with the values of the variable.
    fn lists_expanded(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (name, value) in &self.variables {
            for form in [format!("$({name})"), format!("${{{name}}}")] {
                let looped = format!(" in {form}");
                if line.contains(&looped) && !value.contains('$') {
                    line = line.replace(&looped, &format!(" in {value}"));
                }
            }
        }
        line
    }

    /// `$$v` of a loop as a variable of make. If the line gives it to one, as in `VERSION=$$v`, it is that
    /// variable; else its name in upper case. A loop over versions is called `VERSION` if its variable
    /// is a letter.
    fn without_loop_variables(
        &mut self,
        line: &str,
        shell: &IndexMap<String, Vec<String>>,
    ) -> String {
        let mut line = line.to_owned();
        for (name, values) in shell {
            if !line.contains(&format!("for {name} in ")) {
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            let given = words.iter().find_map(|word| {
                let (variable, value) = word.split_once("=$$")?;
                let value = value.trim_end_matches([';', '"']).trim_matches(['{', '}']);
                (value == name && self.loops.contains_key(variable)).then(|| variable.to_owned())
            });
            let variable = given.unwrap_or_else(|| match name.len() {
                1 if are_versions(values) => "VERSION".to_owned(),
                _ => name.to_ascii_uppercase(),
            });
            let by = format!("$({variable})");
            let without = replaced(&line, name, &by);
            if without != line {
                self.loops.entry(variable).or_insert_with(|| values.clone());
                line = without;
            }
        }
        line
    }

    fn recipe(&mut self, number: usize, line: &str, shell: &mut IndexMap<String, Vec<String>>) {
        let line = &self.lists_expanded(line);
        loops(line, shell, &mut self.loops);
        let line = &self.without_loop_variables(line, shell);
        for (name, replacement) in replacements(line) {
            self.placeholders.entry(name).or_insert(replacement);
        }
        if let Some(at) = line.find("/Dockerfile") {
            let variable = line[..at].strip_suffix(')').and_then(|text| text.rsplit_once("$("));
            let file = variable.map(|(_, name)| name.to_owned());
            self.directory = self.directory.take().or(file.filter(|name| !name.ends_with("DIR")));
        }
        if let Some(variable) = context(line)
            && self.directory.as_ref().is_none_or(|known| *known == variable)
        {
            self.directory = Some(variable);
            self.is_context = true;
        }
        let mut docker = false;
        let mut words = line.split_whitespace().map(|word| word.trim_matches(['"', '\'', ';']));
        while let Some(word) = words.next() {
            docker |= word == "build" && line.contains("docker");
            let (option, mut value) = match word.split_once('=') {
                Some((option, value)) if option.starts_with("--") => (option, Some(value)),
                _ => (word, None),
            };
            if !docker || !option.starts_with('-') || option.len() < 2 {
                continue;
            }
            if matches!(option, "-t" | "--tag" | "--platform" | "--build-arg") {
                value = value.or_else(|| words.next());
            }
            match (option, value) {
                ("-t" | "--tag", Some(tag)) => {
                    self.tag.get_or_insert_with(|| tag.to_owned());
                }
                ("--platform", Some(platform)) => {
                    self.platform.get_or_insert_with(|| platform.to_owned());
                }
                ("--build-arg", Some(pair)) => {
                    if let Some((name, value)) = pair.split_once('=') {
                        self.build_args.entry(name.to_owned()).or_insert(value.to_owned());
                    }
                }
                (other, _) if HANDLED.contains(&other) => {}
                (other, _) => self.others.push((number, other.to_owned())),
            }
        }
    }
}

/// Whether the text has only characters of a variable's name.
fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Replaces `$$name` and `$${name}`.
fn replaced(line: &str, name: &str, by: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("$$") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        let braces =
            after.strip_prefix('{').and_then(|text| text.strip_prefix(name)?.strip_prefix('}'));
        let ends = |text: &&str| !text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let found = braces.or_else(|| after.strip_prefix(name).filter(ends));
        out += before;
        out += if found.is_some() { by } else { "$$" };
        rest = found.unwrap_or(after);
    }
    out + rest
}

/// The variable in `docker build … $(OS)` or `… ./$(OS)/`: its directory is the build context.
fn context(line: &str) -> Option<String> {
    let (_, command) = line.split_once("docker")?;
    let (_, arguments) = command.split_once(" build ")?;
    let command = arguments.split([';', '|', '&']).next()?;
    let last = command.split_whitespace().last()?.trim_matches(['"', '\'']);
    let last = last.trim_start_matches("./").trim_end_matches('/');
    let name = last.strip_prefix("$(")?.strip_suffix(')')?;
    is_word(name).then(|| name.to_owned())
}

/// Whether all values start with a digit, perhaps after a `v`.
fn are_versions(values: &[String]) -> bool {
    let starts =
        |value: &String| value.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit());
    !values.is_empty() && values.iter().all(starts)
}

/// Lines with their numbers; a backslash at the end joins a line with the next.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        let (line, goes_on) = match line.strip_suffix('\\') {
            Some(line) => (line, true),
            None => (line, false),
        };
        match lines.last_mut().filter(|_| open) {
            Some((_, last)) => *last += &format!(" {}", line.trim_start()),
            None => lines.push((index + 1, line.to_owned())),
        }
        open = goes_on;
    }
    lines.retain(|(_, line)| !line.trim_start().starts_with('#'));
    lines
}

/// `($(NAME),value)` of `ifeq`.
fn comparison(text: &str) -> Option<(String, Option<String>)> {
    let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    let (left, right) = inner.rsplit_once(',')?;
    let name = left.trim().strip_prefix("$(")?.strip_suffix(')')?;
    Some((name.to_owned(), Some(right.trim().to_owned())))
}

/// `NAME ?= value` and similar forms. Inside a condition they can be indented like recipes.
fn assignment(line: &str, indented: bool) -> Option<(String, String)> {
    if line.starts_with('\t') && !indented {
        return None;
    }
    let line = line.trim().trim_start_matches("export ").trim_start_matches("override ");
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end_matches(['?', ':', '+']).trim();
    let value = value.split(" #").next().unwrap_or_default().trim();
    (!name.is_empty() && is_word(name)).then(|| (name.to_owned(), value.to_owned()))
}

/// The replacements in `s/{%name%}/replacement/`, with any separator.
fn replacements(line: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for part in line.split("{%").skip(1) {
        let Some((name, rest)) = part.split_once("%}") else { continue };
        let Some(separator) = rest.chars().next() else { continue };
        if let Some((replacement, _)) = rest[separator.len_utf8()..].split_once(separator) {
            found.push((name.to_owned(), replacement.to_owned()));
        }
    }
    found
}

/// `for v in $$versions; do … VERSION=$$v`: the values of `v`, under the name of the make variable.
fn loops(
    line: &str,
    shell: &mut IndexMap<String, Vec<String>>,
    found: &mut IndexMap<String, Vec<String>>,
) {
    let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for statement in line.split(';').map(|part| part.trim().trim_start_matches('@')) {
        let statement = statement.strip_prefix("do ").unwrap_or(statement).trim();
        if let Some((name, words)) =
            statement.strip_prefix("for ").and_then(|rest| rest.split_once(" in "))
        {
            let words = split(words).into_iter().flat_map(|word| {
                let variable = word.strip_prefix("$$").map(|name| name.trim_matches(['{', '}']));
                variable.and_then(|name| shell.get(name).cloned()).unwrap_or_else(|| vec![word])
            });
            let words = words.collect();
            shell.insert(name.trim().to_owned(), words);
        } else if let Some((name, words)) = statement.split_once('=')
            && is_word(name)
        {
            shell.insert(name.to_owned(), split(words.trim_matches(['"', '\''])));
        }
        for word in statement.split_whitespace() {
            if let Some((name, variable)) = word.split_once("=$$")
                && let Some(words) = shell.get(variable.trim_matches(['{', '}', '"']))
            {
                found.entry(name.to_owned()).or_insert_with(|| words.clone());
            }
        }
    }
}
