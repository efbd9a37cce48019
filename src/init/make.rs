//! Parses Makefiles: assignments, conditions, rules and their recipes. Runs nothing.

use indexmap::IndexMap;

use super::part::{Part, Text, extend, is_word, push_text};

/// Longer lists of lines, values or parts are not a Makefile of images.
pub(super) const MOST: usize = 10_000;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Make {
    /// The value of each variable outside of conditions, and the line of its assignment.
    pub variables: IndexMap<String, (Text, usize)>,
    /// By the variable that `ifeq` compares.
    pub conditions: IndexMap<String, Branches>,
    pub recipes: Vec<Recipe>,
    /// The Dockerfiles and, with a `/` at the end, the directories that exist.
    pub paths: Vec<String>,
    /// The targets and prerequisites of rules.
    pub goals: Vec<Text>,
    /// Syntax that changes values and is not converted, with its line and the variable that it sets.
    pub others: Vec<(usize, String, Option<String>)>,
}

/// Values of variables by the compared value; `None` is the `else`.
pub(super) type Branches = Vec<(Option<String>, IndexMap<String, Text>)>;

/// A line of a recipe.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    pub line: usize,
    pub text: Text,
    pub rule: Rule,
    /// The condition around the line.
    pub condition: Option<String>,
}

/// `TARGETS: PREREQUISITES`, or `TARGETS: PATTERN: PREREQUISITES`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub targets: Text,
    /// The same as the targets, if the rule has none.
    pub pattern: Text,
    /// `$<`: the first prerequisite, if there is one.
    pub first: Text,
}

enum Condition {
    /// The variable and the value of `ifeq`; no value after `else`.
    Equal(String, Option<String>),
    /// `ifndef NAME`: an assignment to it is a `?=`.
    Unset(String),
    Other,
}

pub(super) fn parse(text: &str) -> Make {
    let mut make = Make::default();
    let mut conditions: Vec<(Condition, String)> = Vec::new();
    let mut current = Rule::default();
    let mut in_rule = false;
    let mut define: Option<String> = None;
    let mut lines = logical_lines(text);
    if let Some((number, _)) = lines.get(MOST) {
        let text = format!("the text after {MOST} lines");
        make.others.push((*number, text, None));
        lines.truncate(MOST);
    }
    for (number, line) in lines {
        let words = line.trim();
        if define.is_some() {
            if words == "endef" {
                define = None;
            } else {
                // `$(eval $(call NAME))` expands the body twice.
                let body = words.replace("$$(", "$(").replace("$${", "${").replace("$$$$", "$$");
                make.recipe(number, &body, Rule::default(), define.clone());
            }
        } else if let Some(name) = words.strip_prefix("define ") {
            define = Some(format!("define {}", name.trim_end_matches(['=', ':', '?', ' '])));
        } else if line.starts_with('\t') && in_rule {
            let condition = conditions.last().map(|(_, source)| source.clone());
            make.recipe(number, words, current.clone(), condition);
        } else if let Some(condition) = opened(words, &make) {
            conditions.push((condition, words.to_owned()));
        } else if let Some(rest) =
            words.strip_prefix("else").filter(|rest| rest.is_empty() || rest.starts_with(' '))
        {
            if let Some((condition, source)) = conditions.pop() {
                let next = match (condition, opened(rest.trim(), &make)) {
                    (Condition::Equal(name, _), None) => Condition::Equal(name, None),
                    (Condition::Equal(name, _), Some(Condition::Equal(other, value)))
                        if name == other =>
                    {
                        Condition::Equal(name, value)
                    }
                    _ => Condition::Other,
                };
                conditions.push((next, source));
            }
        } else if words == "endif" {
            conditions.pop();
        } else if let Some((name, operator, value)) = assignment(words) {
            in_rule = false;
            make.assign(number, &name, operator, parts(&value, number), &conditions);
        } else if let Some(rest) =
            ["include ", "-include ", "sinclude "].iter().find_map(|word| words.strip_prefix(word))
        {
            make.others.push((number, format!("include {}", rest.trim()), None));
        } else if let Some((targets, rest)) = rule(words) {
            in_rule = true;
            let (rest, command) = rest.split_once(';').unwrap_or((rest, ""));
            let targets = targets.trim();
            make.goals.push(parts(targets, number));
            let (pattern, rest) = rule(rest).unwrap_or((targets, rest));
            current = Rule {
                targets: parts(targets, number),
                pattern: parts(pattern.trim(), number),
                first: Text::new(),
            };
            match assignment(rest.trim()) {
                Some((name, ..)) => make.others.push((number, words.to_owned(), Some(name))),
                None => {
                    let first = rest.split_whitespace().next().unwrap_or_default();
                    current.first = parts(first, number);
                    make.goals.push(parts(rest, number));
                }
            }
            let condition = conditions.last().map(|(_, source)| source.clone());
            make.recipe(number, command, current.clone(), condition);
        } else if ["$(foreach ", "$(eval "].iter().any(|function| words.contains(function)) {
            make.others.push((number, words.to_owned(), None));
        }
    }
    make
}

impl Make {
    fn recipe(&mut self, line: usize, text: &str, rule: Rule, condition: Option<String>) {
        let text = text.trim_start_matches(['@', '-', '+', ' ', '\t']);
        if !text.is_empty() {
            self.recipes.push(Recipe { line, text: parts(text, line), rule, condition });
        }
    }

    fn assign(
        &mut self,
        line: usize,
        name: &str,
        operator: &str,
        value: Text,
        conditions: &[(Condition, String)],
    ) {
        let mut operator = operator;
        match conditions {
            [] => {}
            [(Condition::Unset(unset), _)] if unset == name => operator = "?=",
            [(Condition::Equal(variable, compared), _)] => {
                let branches = self.conditions.entry(variable.clone()).or_default();
                if branches.last().is_none_or(|(last, _)| last != compared) {
                    branches.push((compared.clone(), IndexMap::new()));
                }
                let (_, values) = branches.last_mut().expect("a branch was just pushed");
                let mut all = Text::new();
                if operator == "+=" {
                    let outside = self.variables.get(name).map(|(text, _)| text);
                    extend(&mut all, values.get(name).or(outside).map_or(&[][..], Vec::as_slice));
                    push_text(&mut all, " ");
                }
                extend(&mut all, &value);
                values.insert(name.to_owned(), all);
                return;
            }
            [.., (_, source)] => {
                self.others.push((line, source.clone(), Some(name.to_owned())));
                return;
            }
        }
        let old = self.variables.get(name);
        let value = match (operator, old) {
            ("?=", Some(_)) => return,
            ("+=", Some((old, _))) => {
                let mut all = old.clone();
                push_text(&mut all, " ");
                extend(&mut all, &value);
                all
            }
            ("!=", _) => {
                vec![Part::Unknown(format!("$(shell {})", super::part::source(&value)), line)]
            }
            // `A := $(A) more` is the value so far.
            _ => {
                let mut all = Text::new();
                for part in value {
                    match (&part, old) {
                        (Part::Variable(other, _), Some((old, _))) if other == name => {
                            extend(&mut all, old)
                        }
                        _ => extend(&mut all, &[part]),
                    }
                }
                all
            }
        };
        self.variables.insert(name.to_owned(), (value, line));
    }
}

/// A string in parts. `$$` is a `$` of the shell.
pub(super) fn parts(text: &str, line: usize) -> Text {
    let mut found = Text::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        push_text(&mut found, &rest[..at]);
        let from = &rest[at..];
        let Some(first) = from[1..].chars().next() else {
            rest = from;
            break;
        };
        let length = match first {
            '$' => {
                push_text(&mut found, "$");
                rest = &from[2..];
                continue;
            }
            '(' | '{' => closing(&from[1..]).map_or(from.len(), |length| 1 + length),
            _ => 1 + first.len_utf8(),
        };
        let whole = &from[..length];
        let name = whole[1..].trim_start_matches(['(', '{']).trim_end_matches([')', '}']);
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        found.push(if !name.is_empty() && name.chars().all(plain) {
            Part::Variable(name.to_owned(), line)
        } else {
            Part::Unknown(whole.to_owned(), line)
        });
        rest = &from[length..];
    }
    push_text(&mut found, rest);
    found
}

/// The length of the text up to the bracket that closes its first one.
fn closing(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '(' => open.push(')'),
            '{' => open.push('}'),
            ')' | '}' if open.last() == Some(&c) => {
                open.pop();
                if open.is_empty() {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
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
            Some((_, last)) => *last += &format!(" {}", line.trim()),
            None => lines.push((index + 1, line.trim_end().to_owned())),
        }
        open = goes_on;
    }
    lines.retain(|(_, line)| !line.trim_start().starts_with('#'));
    lines
}

fn is_condition(words: &str) -> bool {
    let first = words.split_whitespace().next().unwrap_or_default();
    let first = first.split('(').next().unwrap_or_default();
    ["ifeq", "ifneq", "ifdef", "ifndef", "else", "endif"].contains(&first)
}

fn opened(words: &str, make: &Make) -> Option<Condition> {
    if !is_condition(words) || words.starts_with('e') {
        return None;
    }
    if let Some(name) = words.strip_prefix("ifndef ") {
        return Some(Condition::Unset(name.trim().to_owned()));
    }
    let equal = words.strip_prefix("ifeq").and_then(|text| comparison(text, make));
    Some(equal.map_or(Condition::Other, |(name, value)| Condition::Equal(name, Some(value))))
}

/// `($(NAME),value)` or `"$(NAME)" "value"` of `ifeq`. Like make, it uses the values so far.
fn comparison(text: &str, make: &Make) -> Option<(String, String)> {
    let text = text.trim();
    let (left, right) = match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        Some(inner) => inner.rsplit_once(',')?,
        None => text.rsplit_once(' ')?,
    };
    let clean = |text: &str| parts(text.trim().trim_matches(['"', '\'']), 0);
    let (left, right) = (clean(left), clean(right));
    // `ifeq ($(LATEST),$(VERSION))` is about versions.
    let is_fixed = |name: &str| ["DEFAULT", "LATEST"].iter().any(|word| name.contains(word));
    let (name, value) = match (left.as_slice(), right.as_slice()) {
        ([Part::Variable(fixed, _)], [Part::Variable(name, _)]) if is_fixed(fixed) => (name, left),
        ([Part::Variable(name, _)], _) => (name, right),
        (_, [Part::Variable(name, _)]) => (name, left),
        _ => return None,
    };
    let value = make.constant(&value).filter(|value| !value.is_empty())?;
    Some((name.clone(), value))
}

/// `TARGETS: PREREQUISITES`, split at the first colon outside of brackets.
fn rule(line: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    let at = line.char_indices().find_map(|(at, c)| {
        depth += i32::from("({".contains(c)) - i32::from(")}".contains(c));
        (c == ':' && depth == 0).then_some(at)
    })?;
    Some((&line[..at], line[at + 1..].trim_start_matches(':')))
}

/// `NAME ?= value` and similar forms.
fn assignment(line: &str) -> Option<(String, &'static str, String)> {
    let mut line = line;
    while let Some(rest) =
        ["export ", "override ", "private "].iter().find_map(|word| line.strip_prefix(word))
    {
        line = rest.trim_start();
    }
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end_matches(':');
    let (name, operator) = match name.chars().last()? {
        '?' => (&name[..name.len() - 1], "?="),
        '+' => (&name[..name.len() - 1], "+="),
        '!' => (&name[..name.len() - 1], "!="),
        _ => (name, "="),
    };
    let value = value.split_once('#').map_or(value, |(value, _)| value).trim();
    let name = name.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let is_name = is_word(name) || !name.is_empty() && name.chars().all(plain);
    is_name.then(|| (name.to_owned(), operator, value.to_owned()))
}
