//! What could not be converted, by the key of the matrix that it is about.

/// Nobody reads more of them.
const MOST_NOTES: usize = 200;

/// Characters of a note.
const LONGEST: usize = 400;

/// The notes of a draft, without duplicates.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The key, such as `vars.name`, or nothing; the line of the Makefile; the sentence.
    notes: Vec<(String, Option<usize>, String)>,
}

impl Notes {
    pub(super) fn add(&mut self, key: &str, line: Option<usize>, text: String) {
        let note = match self.notes.len() {
            0..MOST_NOTES => (key.to_owned(), line, cut(text)),
            _ => {
                (String::new(), line, "this line and those after it were not converted".to_owned())
            }
        };
        if self.notes.len() <= MOST_NOTES && !self.notes.contains(&note) {
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

/// The start of a text, since a value of a Makefile can have any length.
fn cut(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
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

/// The lines that a user has to finish: those that follow comments of [`Notes::comments`], and the comments
/// that no line follows.
pub(super) fn unfinished(text: &str) -> Vec<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let is_todo = |at: usize| lines.get(at).is_some_and(|line| line.trim_start().starts_with(TODO));
    let about = |at: usize| {
        let next = (at..lines.len()).find(|next| !is_todo(*next));
        next.filter(|next| !lines[*next].is_empty()).unwrap_or(at)
    };
    let mut found: Vec<usize> =
        (0..lines.len()).filter(|at| is_todo(*at)).map(|at| about(at) + 1).collect();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_note_is_cut() {
        let mut notes = Notes::default();
        notes.add("tag", Some(3), "ä".repeat(45_000));
        for text in [notes.sentences().concat(), notes.comments("tag", "")] {
            assert!(
                text.chars().count() < LONGEST + 50 && text.trim_end().ends_with('…'),
                "{text}"
            );
        }
    }
}
