//! Reads `WWW-Authenticate`: how a registry wants to be asked.
//!
//! Grammar: <https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1>. One header may hold several
//! challenges, and commas part both them and their parameters: a word followed by `=` is a
//! parameter, any other word begins a challenge.

use std::iter::Peekable;
use std::str::Chars;

/// No registry needs more; a longer one is not read on.
const LONGEST: usize = 4096;

/// One way to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    /// In lower case: `basic`, `bearer`.
    pub scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The first value of a parameter, its name in lower case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Every challenge of a header, in its order; what follows a breach of the grammar is left out.
pub(super) fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let header: String = header.chars().take(LONGEST).collect();
    let mut rest = header.chars().peekable();
    loop {
        skip(&mut rest, |c| c == ',' || c.is_ascii_whitespace());
        let word = take(&mut rest, is_token);
        if word.is_empty() {
            return challenges;
        }
        skip(&mut rest, |c| c.is_ascii_whitespace());
        if rest.next_if_eq(&'=').is_none() {
            // `Negotiate abc/def` has no parameters but one bare text: pass over what is no token.
            challenges
                .push(Challenge { scheme: word.to_ascii_lowercase(), parameters: Vec::new() });
            continue;
        }
        skip(&mut rest, |c| c.is_ascii_whitespace());
        let value = if rest.next_if_eq(&'"').is_some() {
            match quoted(&mut rest) {
                Some(value) => value,
                None => return challenges,
            }
        } else {
            take(&mut rest, is_token)
        };
        match challenges.last_mut() {
            Some(challenge) => challenge.parameters.push((word.to_ascii_lowercase(), value)),
            None => return challenges,
        }
    }
}

fn quoted(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut value = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(value),
            '\\' => value.push(rest.next()?),
            c => value.push(c),
        }
    }
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn take(rest: &mut Peekable<Chars<'_>>, wanted: impl Fn(char) -> bool) -> String {
    let mut taken = String::new();
    while let Some(c) = rest.next_if(|c| wanted(*c)) {
        taken.push(c);
    }
    taken
}

fn skip(rest: &mut Peekable<Chars<'_>>, unwanted: impl Fn(char) -> bool) {
    while rest.next_if(|c| unwanted(*c)).is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(header: &str) -> String {
        let challenges = parse(header).into_iter().map(|challenge| {
            let parameters = challenge.parameters.iter().map(|(k, v)| format!("{k}={v}"));
            format!("{}[{}]", challenge.scheme, parameters.collect::<Vec<_>>().join(" "))
        });
        challenges.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn challenges_are_read_as_the_grammar_says() {
        for (header, expected) in [
            (
                r#"Bearer realm="https://a/t",service="s",scope="repository:x/y:pull,push""#,
                "bearer[realm=https://a/t service=s scope=repository:x/y:pull,push]",
            ),
            (r#"Basic realm="Registry \"Realm\"""#, r#"basic[realm=Registry "Realm"]"#),
            (r#"BASIC realm=x , Bearer Realm = "y""#, "basic[realm=x] bearer[realm=y]"),
            ("Basic", "basic[]"),
            (r#"Basic, Bearer realm="y""#, "basic[] bearer[realm=y]"),
            ("", ""),
            (",,,", ""),
            (r#"realm="x""#, ""),
            (r#"Bearer realm="open"#, "bearer[]"),
            (r#"Bearer realm="x" "loose""#, "bearer[realm=x]"),
        ] {
            assert_eq!(shown(header), expected, "{header}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_it_panic_or_hang(header in ".{0,200}") {
            parse(&header);
        }
    }
}
