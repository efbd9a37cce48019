//! Parses the keyword, the flags and the words of an instruction.
//!
//! Source: <https://github.com/moby/buildkit/tree/master/frontend/dockerfile/parser>, `split_command.go`
//! and `line_parsers.go`

/// `--name=value` or `--name` before the arguments of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    pub name: String,
    /// Without quotes.
    pub value: Option<String>,
}

/// Whether the character separates words.
fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\x0b' | '\x0c' | '\r' | ' ')
}

/// The keyword of a line, and the rest.
pub(super) fn keyword(line: &str) -> (&str, &str) {
    let line = line.trim();
    line.split_once(is_space).map_or((line, ""), |(keyword, rest)| (keyword, rest.trim()))
}

/// The flags at the start of `text`, and the rest.
pub(super) fn flags(text: &str, escape: char) -> (Vec<Flag>, &str) {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while rest.starts_with("--") {
        let mut word = String::new();
        let mut quote = None;
        let mut chars = rest.char_indices();
        let mut end = rest.len();
        while let Some((at, c)) = chars.next() {
            match quote {
                None if c.is_whitespace() => {
                    end = at;
                    break;
                }
                None if matches!(c, '\'' | '"') => quote = Some(c),
                Some(open) if c == open => quote = None,
                _ if c == escape => word.extend(chars.next().map(|(_, c)| c)),
                _ => word.push(c),
            }
        }
        rest = rest[end..].trim_start();
        match word.strip_prefix("--") {
            // `--` ends the flags.
            Some("") | None => break,
            Some(flag) => found.push(match flag.split_once('=') {
                Some((name, value)) => {
                    Flag { name: name.to_owned(), value: Some(value.to_owned()) }
                }
                None => Flag { name: flag.to_owned(), value: None },
            }),
        }
    }
    (found, rest)
}

/// The strings of a JSON array; `None` if it is not one: then it is a shell command.
pub(super) fn json(text: &str) -> Option<Vec<String>> {
    let text = text.trim_start();
    text.starts_with('[').then(|| serde_json::from_str(text).ok())?
}

/// Words separated by white space.
pub(super) fn plain(text: &str) -> Vec<String> {
    text.split(is_space).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Words separated by white space that is neither quoted nor escaped; quotes and escapes stay.
pub(super) fn quoted(text: &str, escape: char) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match quote {
            None if c.is_whitespace() => {
                if !word.is_empty() {
                    found.push(std::mem::take(&mut word));
                }
                continue;
            }
            None if matches!(c, '\'' | '"') => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ => {}
        }
        if c == escape && quote != Some('\'') {
            // At the end it is dropped.
            let Some(next) = chars.next() else { break };
            word.extend([c, next]);
        } else {
            word.push(c);
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// The fields of a line of comma-separated values; quotes group.
pub(super) fn fields(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        let field = found.last_mut().expect("there is always a last field");
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => found.push(String::new()),
            c => field.push(c),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> (Vec<String>, String) {
        let (found, rest) = flags(text, '\\');
        let shown = |flag: Flag| match flag.value {
            Some(value) => format!("{}={value}", flag.name),
            None => flag.name,
        };
        (found.into_iter().map(shown).collect(), rest.to_owned())
    }

    #[test]
    fn flags_come_before_the_arguments() {
        for (text, found, rest) in [
            ("a b", &[][..], "a b"),
            ("--from=x a b", &["from=x"], "a b"),
            ("--link  --chown=1:2\ta", &["link", "chown=1:2"], "a"),
            ("a --from=x", &[], "a --from=x"),
            ("--from='x y' a", &["from=x y"], "a"),
            ("--from=\"x\" a", &["from=x"], "a"),
            ("\"--from=x\" a", &[], "\"--from=x\" a"),
            (r"--a=b\ c d", &["a=b c"], "d"),
            ("--a= b", &["a="], "b"),
            ("--a=b=c d", &["a=b=c"], "d"),
            ("--link -- --a", &["link"], "--a"),
            ("--mount=type=bind,source=ä a", &["mount=type=bind,source=ä"], "a"),
            ("--a", &["a"], ""),
            ("-a", &[], "-a"),
            ("", &[], ""),
        ] {
            let (names, left) = shown(text);
            assert_eq!(
                (names.as_slice(), left.as_str()),
                (&found.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>()[..], rest),
                "{text}"
            );
        }
    }

    #[test]
    fn quoted_words_keep_their_quotes() {
        for (text, wanted) in [
            ("a=1 b=2", &["a=1", "b=2"][..]),
            ("a='1 2' b", &["a='1 2'", "b"]),
            (r#"a="1 \" 2" b"#, &[r#"a="1 \" 2""#, "b"]),
            (r"a=1\ 2 b", &[r"a=1\ 2", "b"]),
            (r"a='\' b", &[r"a='\'", "b"]),
            (r"a\", &["a"]),
            ("''", &["''"]),
            ("  ", &[]),
        ] {
            assert_eq!(quoted(text, '\\'), wanted, "{text}");
        }
    }

    #[test]
    fn fields_are_separated_by_unquoted_commas() {
        for (text, wanted) in [
            ("type=bind,source=a", &["type=bind", "source=a"][..]),
            ("a,\"b,c\",d", &["a", "b,c", "d"]),
            ("\"a\"\"b\"", &["a\"b"]),
            ("", &[""]),
        ] {
            assert_eq!(fields(text), wanted, "{text}");
        }
    }

    #[test]
    fn an_array_of_strings_is_not_a_shell_command() {
        assert_eq!(json("[\"a\", \"b c\"]").unwrap(), ["a", "b c"]);
        assert_eq!(json(" [] ").unwrap().len(), 0);
        for text in ["[a]", "['a']", "[1]", "a", "[ -f x ] && y", ""] {
            assert_eq!(json(text), None, "{text}");
        }
    }
}
