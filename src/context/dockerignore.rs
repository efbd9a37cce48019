//! Parses .dockerignore files.

use super::patterns::clean;

/// The patterns of a .dockerignore file, as BuildKit parses it: without comments and empty lines,
/// and with paths relative to the root of the context.
pub fn parse(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().filter_map(pattern).collect()
}

fn pattern(line: &str) -> Option<String> {
    // Check before trimming: ` #x` is a file name.
    if line.starts_with('#') {
        return None;
    }
    let line = line.trim();
    let (sign, path) = match line.strip_prefix('!') {
        Some(path) => ("!", path.trim()),
        None => ("", line),
    };
    if path.is_empty() {
        // Keep a lone `!`; `Rules::new` reports it.
        return (!sign.is_empty()).then(|| sign.to_owned());
    }
    let path = clean(path);
    let path = path.strip_prefix('/').filter(|rest| !rest.is_empty()).unwrap_or(&path);
    Some(format!("{sign}{path}"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn lines_are_parsed_as_docker_parses_them() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("\u{feff}# comment\na\r\n\n  b  \n", &["a", "b"]),
            ("/a/b\n./c/\n!/d\n! e \n!", &["a/b", "c", "!d", "!e", "!"]),
            (" #x\na#b", &["#x", "a#b"]),
            ("/\n.\n..\na/../b\n/..", &["/", ".", "..", "b", "/"]),
            (
                "test1\n/test2\n/a/file/here\n\nlastfile\n# this is a comment\n! /inverted/abs/path\n!\n! ",
                &["test1", "test2", "a/file/here", "lastfile", "!inverted/abs/path", "!", "!"],
            ),
        ];
        for (text, patterns) in cases {
            assert_eq!(parse(text), *patterns, "{text:?}");
        }
    }
}
