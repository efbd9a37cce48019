//! How a line uses a variable, as far as that can be found without a shell.

/// Whether a line expands the variable.
pub(super) fn uses(line: &str, name: &str) -> bool {
    starts(line, name).next().is_some()
}

/// Whether each use of the variable in a line handles the empty value: `${NAME:-other}`,
/// `${NAME:?why}`.
pub(super) fn has_default(line: &str, name: &str) -> bool {
    starts(line, name).all(|rest| {
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        rest.starts_with(['-', '+', '=', '?'])
    })
}

/// The text after the name, for each unquoted use in a line; empty for `$NAME`.
fn starts<'l>(line: &'l str, name: &str) -> impl Iterator<Item = &'l str> {
    let uses = dollars(line).into_iter().filter_map(move |at| {
        let rest = &line[at + 1..];
        let (rest, is_braced) = match rest.strip_prefix('{') {
            Some(rest) => (rest.trim_start_matches(['#', '!']), true),
            None => (rest, false),
        };
        let rest = rest.strip_prefix(name)?;
        let is_whole = !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        is_whole.then_some(if is_braced { rest } else { "" })
    });
    uses.collect::<Vec<_>>().into_iter()
}

/// The positions of each `$` in a line that is neither escaped nor in single quotes.
fn dollars(line: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let (mut single, mut double) = (false, false);
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if !single => drop(chars.next()),
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            '$' if !single => found.push(at),
            _ => {}
        }
    }
    found
}

/// Whether a line of a shell script sets the variable, or may set any variable: `NAME=`, `for
/// NAME`, `read NAME`, `${NAME:=x}`, `source FILE`, `eval`.
pub(super) fn is_assigned(line: &str, name: &str) -> bool {
    let mut uses = starts(line, name);
    if runs_script(line) || uses.any(|rest| rest.starts_with(":=") || rest.starts_with('=')) {
        return true;
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(name).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + name.len()..]);
        if before.ends_with(|c: char| is_part(c) || matches!(c, '$' | '{' | '-' | '#' | '!')) {
            return false;
        }
        if after.starts_with(is_part) {
            return false;
        }
        let words: Vec<&str> = before.split_whitespace().collect();
        let is_read = words.iter().rev().take_while(|word| !word.ends_with([';', '|', '&']));
        let is_read = is_read.into_iter().any(|word| READERS.contains(word))
            || words.ends_with(&["printf", "-v"]);
        let is_list = words.last().is_some_and(|word| matches!(*word, "for" | "select"));
        (after.starts_with('=') && !after.starts_with("=="))
            || after.starts_with("+=")
            || is_read
            || is_list
    })
}

/// Commands that set variables named by their arguments.
const READERS: [&str; 4] = ["read", "getopts", "mapfile", "readarray"];

/// Whether a line runs a file or a string in the same shell.
fn runs_script(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_command = |at: usize| {
        at == 0
            || words[at - 1].ends_with([';', '&', '|', '(', '{', '\'', '"'])
            || words[at - 1].eq_ignore_ascii_case("RUN")
            || words[at - 1].starts_with("--")
            || matches!(words[at - 1], "then" | "do" | "else" | "!" | "if")
    };
    let is_script = |word: &str| matches!(word, "." | "source" | "eval");
    (0..words.len()).any(|at| is_script(words[at]) && is_command(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_found() {
        for line in [
            "RUN V=1; echo $V",
            "RUN export V=1",
            "for V in a b; do",
            "read V",
            "read -r A V",
            "while getopts ab V; do",
            "V+=x",
            "A=1 V=2 cmd",
            "mapfile -t V < x",
            "printf -v V %s x",
            ": ${V:=x}",
            "RUN . /etc/os-release && echo $V",
            "RUN set -a; source ./env; echo $V",
            "eval \"$(tool env)\"",
            "RUN --network=none . ./env",
        ] {
            assert!(is_assigned(line, "V"), "{line}");
        }
        for line in [
            "echo $V",
            "echo ${V}=x",
            "XV=1",
            "V2=1",
            "[ x == V ]",
            "--V=1",
            "read x; echo V",
            "V == 1",
            "RUN pip install . $V",
            "RUN printf %s V",
            "RUN echo source $V",
            "echo ${V:-=}",
        ] {
            assert!(!is_assigned(line, "V"), "{line}");
        }
    }

    #[test]
    fn uses_and_their_defaults_are_found() {
        for (line, used, default) in [
            ("a $V b", true, false),
            ("a ${V} b", true, false),
            ("a ${V:-x} b", true, true),
            ("a ${V-x} ${V:?e} b", true, true),
            ("a ${V:-x} $V b", true, false),
            ("a ${V#x} b", true, false),
            ("a ${#V} b", true, false),
            ("a $VV V b", false, true),
            ("'$V' \\$V", false, true),
            ("\"'$V'\"", true, false),
        ] {
            assert_eq!((uses(line, "V"), has_default(line, "V")), (used, default), "{line}");
        }
    }
}
