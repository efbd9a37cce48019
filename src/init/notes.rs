//! What could not be converted, by the key of the matrix that it is about.

/// The notes of a draft, without duplicates.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The key, such as `vars.name`, or nothing; the line of the Makefile; the sentence.
    notes: Vec<(String, Option<usize>, String)>,
}

impl Notes {
    pub(super) fn add(&mut self, key: &str, line: Option<usize>, text: String) {
        let note = (key.to_owned(), line, text);
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Comments for the line of a key.
    pub(super) fn comments(&self, key: &str, indent: &str) -> String {
        let own = self.notes.iter().filter(|(about, ..)| about == key);
        own.map(|(_, line, text)| {
            format!("{indent}{TODO}{}\n", printable(&with_place(*line, text)))
        })
        .collect()
    }

    /// One sentence each, with the place in the Makefile and the key.
    pub(super) fn sentences(&self) -> Vec<String> {
        let sentence = |(key, line, text): &(String, Option<usize>, String)| {
            let text = if key.is_empty() { text.clone() } else { format!("{key}: {text}") };
            with_place(*line, &text)
        };
        self.notes.iter().map(sentence).collect()
    }
}

const TODO: &str = "# TODO: ";

fn with_place(line: Option<usize>, text: &str) -> String {
    line.map_or_else(|| text.to_owned(), |line| format!("Makefile:{line}: {text}"))
}

/// A comment is one line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The lines of a matrix that follow a comment of [`Notes::comments`].
pub(super) fn unfinished(text: &str) -> Vec<usize> {
    let is_todo = |line: &str| line.trim_start().starts_with(TODO);
    let lines: Vec<&str> = text.lines().collect();
    let follows = |at: &usize| {
        *at > 0 && is_todo(lines[at - 1]) && !is_todo(lines[*at]) && !lines[*at].is_empty()
    };
    (0..lines.len()).filter(follows).map(|at| at + 1).collect()
}
