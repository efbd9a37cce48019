//! The repository and the tag of a reference with variables.

use super::makefile::Makefile;
use super::part::{Part, Text, extend, push_text, source};

/// Splits `IMAGE:TAG`. Variables that contain the colon are replaced by their values.
pub(super) fn image_and_tag(makefile: &Makefile, reference: &[Part]) -> (Text, Text) {
    let mut text = reference.to_vec();
    for _ in 0..10 {
        if let Some(split) = split(&text) {
            return split;
        }
        let colon = |part: &Part| {
            let Part::Variable(name, _) = part else { return None };
            let (value, _) = makefile.make.variables.get(name)?;
            let flat = makefile.make.constant(value).unwrap_or_else(|| source(value));
            (flat.contains(':')
                || value.len() > 1
                || !makefile.loops.contains_key(name)
                    && matches!(value.first(), Some(Part::Variable(..))))
            .then(|| value.clone())
        };
        let Some((at, value)) =
            text.iter().enumerate().find_map(|(at, part)| Some((at, colon(part)?)))
        else {
            break;
        };
        let mut next = Text::new();
        extend(&mut next, &text[..at]);
        extend(&mut next, &value);
        extend(&mut next, &text[at + 1..]);
        if next.len() > 1000 {
            break;
        }
        text = next;
    }
    (reference.to_vec(), Text::new())
}

/// At the last colon that no `/` follows: a port is followed by a path, a tag is not.
fn split(text: &[Part]) -> Option<(Text, Text)> {
    let (index, at) = text.iter().enumerate().rev().find_map(|(index, part)| match part {
        Part::Text(text) => text.rfind(':').map(|at| (index, at)),
        _ => None,
    })?;
    let Part::Text(middle) = &text[index] else { return None };
    let (mut image, mut tag) = (text[..index].to_vec(), Text::new());
    push_text(&mut image, &middle[..at]);
    push_text(&mut tag, &middle[at + 1..]);
    extend(&mut tag, &text[index + 1..]);
    let has_path = tag.iter().any(|part| matches!(part, Part::Text(text) if text.contains('/')));
    (!has_path).then_some((image, tag))
}
