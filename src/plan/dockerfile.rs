//! The instructions of a Dockerfile, read no further than bases and rules need.

/// An instruction with the line (from 1) that it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub line: u32,
    /// In capitals.
    pub word: String,
    pub rest: String,
}

/// Reads instructions; comments, line joints and here-documents are understood.
pub(crate) fn instructions(text: &str) -> Vec<Instruction> {
    let escape = escape(text);
    let mut found: Vec<Instruction> = Vec::new();
    let mut lines = (1_u32..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut joined = line.to_owned();
        while let Some(before) = joined.strip_suffix(escape) {
            joined = before.trim_end().to_owned();
            // A comment within an instruction belongs to no part of it.
            let mut next = lines.by_ref().map(|(_, line)| line.trim());
            let Some(next) = next.find(|l| !l.is_empty() && !l.starts_with('#')) else { break };
            joined = format!("{joined} {next}");
        }
        let (word, rest) = joined.split_once(char::is_whitespace).unwrap_or((&joined, ""));
        let word = word.to_ascii_uppercase();
        if matches!(word.as_str(), "RUN" | "COPY" | "ADD") {
            for end in heredocs(rest) {
                let _ = lines.by_ref().find(|(_, line)| line.trim_start_matches('\t') == end);
            }
        }
        found.push(Instruction { line: number, rest: rest.trim().to_owned(), word });
    }
    found
}

/// The character that joins lines: `# escape=` may change it, before anything else.
fn escape(text: &str) -> char {
    let directives = text.lines().map_while(|line| line.trim().strip_prefix('#'));
    let named = directives.filter_map(|line| line.split_once('='));
    let mut found = named.filter(|(name, _)| name.trim().eq_ignore_ascii_case("escape"));
    if found.next().is_some_and(|(_, value)| value.trim() == "`") { '`' } else { '\\' }
}

/// The words that end the here-documents which an instruction begins.
fn heredocs(rest: &str) -> Vec<String> {
    let mut ends = Vec::new();
    for part in rest.split("<<").skip(1) {
        let part = part.strip_prefix('-').unwrap_or(part);
        let quoted = part.starts_with(['"', '\'']);
        let part = if quoted { &part[1..] } else { part };
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = part.find(|c| !is_part(c)).unwrap_or(part.len());
        // `$((1<<3))` begins none.
        if part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            ends.push(part[..end].to_owned());
        }
    }
    ends
}

/// The words of an instruction less its `--flags`, and the value of the flag `wanted`.
pub(super) fn words<'a>(rest: &'a str, wanted: &str) -> (Vec<&'a str>, Option<&'a str>) {
    let mut flag = None;
    let mut words = Vec::new();
    for word in rest.split_whitespace() {
        match word.strip_prefix("--").filter(|_| words.is_empty()) {
            Some(option) => {
                if let Some((name, value)) = option.split_once('=')
                    && name == wanted
                {
                    flag = Some(value);
                }
            }
            None => words.push(word),
        }
    }
    (words, flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_found_between_comments_joints_and_documents() {
        let text = "# syntax=x\nfrom a \\\n  # in between\n\n  as b\nRUN <<EOF cat <<-'END'\nFROM no\nEOF\nFROM no\n\tEND\n\
                    RUN echo $((1<<2)) \\\nFROM-joined\nCOPY x y\\\n";
        let found: Vec<(u32, String, String)> =
            instructions(text).into_iter().map(|i| (i.line, i.word, i.rest)).collect();
        let wanted = [
            (2, "FROM", "a as b"),
            (6, "RUN", "<<EOF cat <<-'END'"),
            (11, "RUN", "echo $((1<<2)) FROM-joined"),
            (13, "COPY", "x y"),
        ];
        let wanted: Vec<_> = wanted.map(|(l, w, r)| (l, w.to_owned(), r.to_owned())).into();
        assert_eq!(found, wanted);
        let windows = "# escape=`\nRUN a `\n b\nRUN c\\\nRUN d\n";
        assert_eq!(instructions(windows).len(), 3);
    }
}
