//! Parses `WWW-Authenticate`: the ways to log in that a registry offers.
//!
//! Grammar: <https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1>. One header may hold several
//! challenges. Commas separate both challenges and their parameters: a word followed by `=` is a
//! parameter, any other word begins a challenge.

use std::iter::Peekable;
use std::str::Chars;

/// No registry needs more. The rest of a longer header is ignored.
const MAX_HEADER: usize = 4096;

/// One way to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    /// In lowercase: `basic`, `bearer`.
    pub scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The first value of the parameter with this lowercase name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Every challenge of a header, in order, up to the first syntax error.
pub(super) fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let header: String = header.chars().take(MAX_HEADER).collect();
    let mut rest = header.chars().peekable();
    loop {
        skip(&mut rest, |c| c == ',' || c.is_ascii_whitespace());
        let word = take(&mut rest, is_token);
        if word.is_empty() {
            return challenges;
        }
        skip(&mut rest, |c| c.is_ascii_whitespace());
        if rest.next_if_eq(&'=').is_none() {
            // `Negotiate abc/def` has a bare value instead of parameters: skip anything that is not
            // a token.
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
    fn challenges_are_parsed_according_to_the_grammar() {
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
        fn no_header_causes_a_panic_or_a_hang(header in ".{0,200}") {
            parse(&header);
        }
    }
}
