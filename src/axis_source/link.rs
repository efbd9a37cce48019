//! Parses the `Link` header, which contains the next page of a list.

use reqwest::header::{HeaderMap, LINK};

/// The target of the link with `rel="next"`, as written.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc8288#section-3>
pub(super) fn next(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next_in)
}

fn next_in(mut text: &str) -> Option<String> {
    loop {
        let (_, after) = text.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let (parameters, rest) = link(after);
        if parameters.iter().any(|parameter| is_next(parameter)) {
            return Some(target.trim().to_owned());
        }
        text = rest;
    }
}

/// The parameters of one link, and the rest after its comma.
fn link(text: &str) -> (Vec<&str>, &str) {
    let (mut parameters, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ';' | ',' if !quoted => {
                parameters.push(&text[start..at]);
                start = at + 1;
                if c == ',' {
                    return (parameters, &text[start..]);
                }
            }
            _ => {}
        }
    }
    parameters.push(&text[start..]);
    (parameters, "")
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let mut relations = value.trim().trim_matches('"').split_whitespace();
    name.trim().eq_ignore_ascii_case("rel")
        && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_other_links() {
        for (text, expected) in [
            (
                r#"<https://x/?page=2>; rel="next", <https://x/?page=9>; rel="last""#,
                "https://x/?page=2",
            ),
            (r#"<https://x/1>; rel="prev", </2?a,b>; rel="next""#, "/2?a,b"),
            ("</2>;rel=next", "/2"),
            (r#"</2>; title="a, <b>; rel=next"; REL="last Next""#, "/2"),
            (r#"</2>; title="rel=next"; rel="prev""#, ""),
            ("</2>; rel=nextish", ""),
            ("nonsense", ""),
            ("<broken", ""),
            ("", ""),
        ] {
            let headers = HeaderMap::from_iter([(LINK, text.parse().unwrap())]);
            assert_eq!(next(&headers).unwrap_or_default(), expected, "{text}");
        }
    }
}
