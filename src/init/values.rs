//! Values of variables of make: what is known without running anything.

use indexmap::IndexMap;

use super::make::{MOST, Make, parts};
use super::part::{Part, Text, extend, push_text, source};

const DEPTH: usize = 20;

impl Make {
    /// The string with the values of its variables, if all of them are known.
    pub(super) fn constant(&self, text: &[Part]) -> Option<String> {
        let mut out = String::new();
        self.append(text, DEPTH, &mut MOST.clone(), &mut out)?;
        Some(out)
    }

    fn append(
        &self,
        text: &[Part],
        depth: usize,
        budget: &mut usize,
        out: &mut String,
    ) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        for part in text {
            *budget = budget.checked_sub(1)?;
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Variable(name, _) => {
                    // A condition decides about its value.
                    if self.conditions.values().flatten().any(|(_, set)| set.contains_key(name))
                        || self.others.iter().any(|(_, _, set)| set.as_ref() == Some(name))
                    {
                        return None;
                    }
                    self.append(&self.variables.get(name)?.0, depth, budget, out)?;
                }
                Part::Unknown(text, line) => {
                    out.push_str(&self.function(text, *line, depth, budget)?)
                }
                Part::Shell(..) => return None,
            }
            if out.len() > 10 * MOST {
                return None;
            }
        }
        Some(())
    }

    /// The Makefile in which a variable has this value, without recipes.
    pub(super) fn with(&self, variable: &str, value: &str) -> Self {
        let mut make = Self {
            variables: self.variables.clone(),
            conditions: self.conditions.clone(),
            others: self.others.clone(),
            paths: self.paths.clone(),
            ..Self::default()
        };
        let text = |text: &str| vec![Part::Text(text.to_owned())];
        make.variables.insert(variable.to_owned(), (text(value), 0));
        let branches = make.conditions.shift_remove(variable).unwrap_or_default();
        let branch = |of: Option<&str>| branches.iter().find(|(known, _)| known.as_deref() == of);
        let set = branch(Some(value)).or_else(|| branch(None)).map(|(_, set)| set.clone());
        make.variables.extend(set.into_iter().flatten().map(|(name, text)| (name, (text, 0))));
        make
    }

    /// Functions of make that only change words.
    fn function(
        &self,
        text: &str,
        line: usize,
        depth: usize,
        budget: &mut usize,
    ) -> Option<String> {
        let inner = text.strip_prefix("$(").and_then(|text| text.strip_suffix(')'));
        let inner = inner.filter(|text| text.len() < MOST);
        let inner =
            inner.or_else(|| text.strip_prefix("${").and_then(|text| text.strip_suffix('}')))?;
        if let Some((name, from, to)) = substitution(inner) {
            let mut words = String::new();
            let variable = Part::Variable(name.to_owned(), line);
            self.append(&[variable], depth, budget, &mut words)?;
            return Some(replaced(&from, &to, &words));
        }
        let Some((name, arguments)) = inner.split_once([' ', '\t']) else {
            // `$(BASE_$(OS))`
            let mut name = String::new();
            self.append(&parts(inner, line), depth, budget, &mut name)?;
            let mut value = String::new();
            self.append(&[Part::Variable(name, line)], depth, budget, &mut value)?;
            return Some(value);
        };
        let arguments = commas(arguments.trim_start());
        if let ("foreach", [variable, list, body @ ..]) = (name, arguments.as_slice()) {
            return self.foreach(variable.trim(), list, &body.join(","), (line, depth), budget);
        }
        let mut values = Vec::new();
        for argument in &arguments {
            let mut value = String::new();
            self.append(&parts(argument, line), depth, budget, &mut value)?;
            values.push(value);
        }
        let each = |text: &str, change: &dyn Fn(&str) -> String| {
            text.split_whitespace().map(change).collect::<Vec<_>>().join(" ")
        };
        let word = |word: Option<&str>| Some(word.unwrap_or_default().to_owned());
        match (name, values.as_slice()) {
            ("firstword", [text]) => word(text.split_whitespace().next()),
            ("lastword", [text]) => word(text.split_whitespace().last()),
            ("word", [number, text]) => word(
                text.split_whitespace().nth(number.trim().parse::<usize>().ok()?.checked_sub(1)?),
            ),
            ("patsubst", [from, to, text]) => Some(replaced(from.trim(), to.trim(), text)),
            ("filter" | "filter-out", [patterns, text]) if patterns.len() < 1000 => {
                let named =
                    |word: &&str| patterns.split_whitespace().any(|one| stem(one, word).is_some());
                let words =
                    text.split_whitespace().filter(|word| named(word) == (name == "filter"));
                Some(words.collect::<Vec<_>>().join(" "))
            }
            ("dir", [text]) => {
                let directory = |word: &str| match word.rfind('/') {
                    Some(at) => word[..=at].to_owned(),
                    None => "./".to_owned(),
                };
                Some(each(text, &directory))
            }
            ("wildcard", [patterns]) => self.wildcard(patterns),
            ("notdir", [text]) => {
                Some(each(text, &|word| word.rsplit('/').next().unwrap_or_default().to_owned()))
            }
            ("strip", [text]) => Some(each(text, &str::to_owned)),
            ("addprefix", [prefix, text]) => Some(each(text, &|word| format!("{prefix}{word}"))),
            ("addsuffix", [suffix, text]) => Some(each(text, &|word| format!("{word}{suffix}"))),
            ("subst", [from, to, text]) if !from.is_empty() => {
                Some(text.replace(from.as_str(), to))
            }
            ("sort", [text]) => {
                let mut words: Vec<&str> = text.split_whitespace().collect();
                words.sort_unstable();
                words.dedup();
                Some(words.join(" "))
            }
            _ => None,
        }
    }

    /// Only Dockerfiles and directories are known.
    fn wildcard(&self, patterns: &str) -> Option<String> {
        let mut found: Vec<String> = Vec::new();
        for pattern in patterns.split_whitespace() {
            let name = pattern.rsplit('/').next().unwrap_or_default();
            if !name.is_empty() && !name.contains("ockerfile") {
                return None;
            }
            let pattern = pattern.trim_start_matches("./");
            let matches = |path: &&String| {
                let (wanted, parts) = (pattern.split('/'), path.split('/'));
                wanted.clone().count() == parts.clone().count()
                    && wanted.zip(parts).all(|(wanted, part)| match wanted.split_once('*') {
                        Some((start, end)) => {
                            let rest = part.strip_prefix(start);
                            rest.is_some_and(|rest| rest.ends_with(end))
                                && (part.is_empty() == wanted.is_empty())
                        }
                        None => wanted == part,
                    })
            };
            found.extend(self.paths.iter().filter(matches).cloned());
        }
        Some(found.join(" "))
    }

    fn foreach(
        &self,
        variable: &str,
        list: &str,
        body: &str,
        (line, depth): (usize, usize),
        budget: &mut usize,
    ) -> Option<String> {
        let mut words = String::new();
        self.append(&parts(list, line), depth, budget, &mut words)?;
        let mut out = Vec::new();
        for word in words.split_whitespace() {
            // The word is text of make here, as in make.
            let body = [format!("$({variable})"), format!("${{{variable}}}")]
                .iter()
                .fold(body.to_owned(), |body, name| body.replace(name, word));
            let mut value = String::new();
            self.append(&parts(&body, line), depth, budget, &mut value)?;
            out.push(value);
        }
        Some(out.join(" "))
    }

    /// The variables that texts depend on, directly or through others.
    pub(super) fn reached(&self, texts: Vec<Text>) -> Vec<String> {
        let mut waiting = texts;
        let mut found: Vec<String> = Vec::new();
        let mut functions = 0;
        while let Some(text) = waiting.pop() {
            for part in text {
                let name = match part {
                    Part::Variable(name, _) => name,
                    Part::Unknown(text, line) if functions < 50 && text.len() < MOST => {
                        functions += 1;
                        waiting.extend(arguments(&text).map(|inner| parts(&inner, line)));
                        continue;
                    }
                    _ => continue,
                };
                if found.contains(&name) || found.len() > 1000 {
                    continue;
                }
                waiting.extend(self.variables.get(&name).map(|(value, _)| value.clone()));
                let branches = self.conditions.values().flatten();
                waiting.extend(branches.filter_map(|(_, set)| set.get(&name).cloned()));
                found.push(name);
            }
        }
        found
    }

    /// The words of a list, and the parts of it whose words are unknown.
    pub(super) fn words(&self, list: &[Part]) -> (Vec<String>, Vec<Part>) {
        let mut unknown = Vec::new();
        let mut text = String::new();
        self.known(list, DEPTH, &mut MOST.clone(), &mut text, &mut unknown);
        let mut words: Vec<String> = Vec::new();
        for word in text.split_whitespace().take(MOST) {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        (words, unknown)
    }

    fn known(
        &self,
        list: &[Part],
        depth: usize,
        budget: &mut usize,
        text: &mut String,
        unknown: &mut Vec<Part>,
    ) {
        for part in list {
            if text.len() > 10 * MOST || unknown.len() > 100 {
                return;
            }
            let mut value = String::new();
            let is_known = self.append(std::slice::from_ref(part), DEPTH, budget, &mut value);
            match (is_known, part) {
                (Some(()), _) => text.push_str(&value),
                (None, Part::Variable(name, _))
                    if depth > 0 && self.variables.contains_key(name) =>
                {
                    self.known(&self.variables[name].0, depth - 1, budget, text, unknown);
                }
                (None, other) => unknown.push(other.clone()),
            }
        }
    }

    /// A line in which variables with several words, or with options, are replaced by their values: the
    /// shell splits them. Returns their names, too.
    pub(super) fn inlined(&self, text: &[Part]) -> (Text, Vec<String>) {
        let (mut out, mut names) = (Text::new(), Vec::new());
        self.inline(text, DEPTH, &mut MOST.clone(), &mut out, &mut names);
        (out, names)
    }

    /// Whether the value of a variable has several words, or options in a condition.
    fn is_split(&self, name: &str) -> bool {
        self.variables.get(name).is_some_and(|(value, _)| is_command_line(value))
            || self.branches(name).any(|(_, _, value)| has_options(value))
    }

    /// The values of a variable in conditions: the compared variable, its value, and the text.
    pub(super) fn branches<'m>(
        &'m self,
        name: &'m str,
    ) -> impl Iterator<Item = (&'m String, &'m Option<String>, &'m Text)> {
        self.conditions.iter().flat_map(move |(variable, branches)| {
            let text = move |(compared, set): &'m (Option<String>, IndexMap<String, Text>)| {
                Some((variable, compared, set.get(name)?))
            };
            branches.iter().filter_map(text)
        })
    }

    fn inline(
        &self,
        text: &[Part],
        depth: usize,
        budget: &mut usize,
        out: &mut Text,
        names: &mut Vec<String>,
    ) {
        for part in text {
            let Some(left) = budget.checked_sub(1) else { return };
            *budget = left;
            if let Part::Variable(name, _) = part
                && depth > 0
                && self.is_split(name)
            {
                names.push(name.clone());
                if let Some((value, _)) = self.variables.get(name) {
                    self.inline(value, depth - 1, budget, out, names);
                }
                continue;
            }
            let mut value = String::new();
            if let Part::Variable(name, _) = part
                && !name.ends_with("IMAGE")
                && self.append(std::slice::from_ref(part), DEPTH, budget, &mut value).is_some()
                && is_program(&value)
            {
                push_text(out, &value);
            } else {
                extend(out, std::slice::from_ref(part));
            }
        }
    }
}

/// The arguments of a function of make, with the variables in them: `$(subst a,b,$(C))`, `$(C:a=b)`.
fn arguments(text: &str) -> Option<String> {
    let inner = text.strip_prefix("$(")?.strip_suffix(')')?;
    Some(match substitution(inner) {
        Some((name, ..)) => format!("$({name})"),
        None => inner.split_once([' ', '\t']).map_or(inner, |(_, rest)| rest).to_owned(),
    })
}

/// `NAME:FROM=TO` of `$(NAME:FROM=TO)`. Without a `%`, both are ends of words.
fn substitution(inner: &str) -> Option<(&str, String, String)> {
    let (name, rest) = inner.split_once(':')?;
    let (from, to) = rest.split_once('=')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let is_plain = name.chars().all(plain) && !rest.contains(['$', '(']);
    let sign = if from.contains('%') { "" } else { "%" };
    is_plain.then(|| (name, format!("{sign}{from}"), format!("{sign}{to}")))
}

/// What `%` of a pattern is in a word that matches it.
fn stem<'w>(pattern: &str, word: &'w str) -> Option<&'w str> {
    match pattern.split_once('%') {
        Some((before, after)) => word.strip_prefix(before)?.strip_suffix(after),
        None => (pattern == word).then_some(""),
    }
}

/// The words with each that matches a pattern replaced.
fn replaced(from: &str, to: &str, words: &str) -> String {
    let change = |word: &str| match stem(from, word) {
        Some(stem) => to.replacen('%', stem, 1),
        None => word.to_owned(),
    };
    words.split_whitespace().map(change).collect::<Vec<_>>().join(" ")
}

fn is_program(text: &str) -> bool {
    ["docker", "podman", "nerdctl", "buildah", "docker-buildx"].contains(&text)
}

fn has_options(value: &[Part]) -> bool {
    let Some(Part::Text(text)) = value.first() else { return false };
    text.starts_with("--") || text.starts_with('-') && text.contains(char::is_whitespace)
}

fn is_command_line(value: &[Part]) -> bool {
    let starts = matches!(value.first(), Some(Part::Text(text)) if text.starts_with("--"));
    let separated =
        |part: &Part| matches!(part, Part::Text(text) if text.contains(char::is_whitespace));
    starts || value.iter().any(separated) && !source(value).trim().is_empty()
}

/// The arguments of a function: separated by commas outside of brackets.
pub(super) fn commas(text: &str) -> Vec<String> {
    let mut depth = 0;
    let mut found = vec![String::new()];
    for c in text.chars() {
        depth += i32::from("({".contains(c)) - i32::from(")}".contains(c));
        if c == ',' && depth == 0 {
            found.push(String::new());
        } else if let Some(last) = found.last_mut() {
            last.push(c);
        }
    }
    found
}
