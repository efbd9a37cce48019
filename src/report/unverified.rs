//! Warnings for images whose push could not be verified.

use std::collections::BTreeMap;

use annotate_snippets::{Group, Level, Renderer};

use crate::outcome::{CellResult, Outcome};
use crate::text::{Paint, clean};

const HELP: &str = "the push itself succeeded: check the image, or push again; --strict makes this an \
                    error";

/// One warning per reason, which names all its cells.
pub(crate) fn unverified(outcomes: &[Outcome], paint: Paint) -> Vec<String> {
    let mut reasons = BTreeMap::<&str, Vec<&str>>::new();
    for outcome in outcomes {
        if let CellResult::Built(built) = &outcome.result
            && let Some(reason) = &built.unverified
        {
            reasons.entry(reason).or_default().push(&outcome.cell);
        }
    }
    let renderer = if paint.colour { Renderer::styled() } else { Renderer::plain() };
    let warning = |(reason, cells): (&str, Vec<&str>)| {
        let others = cells.len() - 1;
        let of = match others {
            0 => String::new(),
            1 => " and 1 more cell".to_owned(),
            _ => format!(" and {others} more cells"),
        };
        let title = format!("{}{of}: pushed, not verified", cells[0]);
        let group = Group::with_title(Level::WARNING.primary_title(clean(&title, 400)))
            .element(Level::NOTE.message(clean(reason, 400)))
            .element(Level::HELP.message(HELP));
        renderer.clone().term_width(100).render(&[group]) + "\n"
    };
    reasons.into_iter().map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn cells_with_the_same_reason_share_one_warning() {
        let of = |cell: &str, reason: Option<&str>| {
            let mut outcome = samples::built(cell, 1, true);
            let CellResult::Built(built) = &mut outcome.result else { unreachable!() };
            built.unverified = reason.map(str::to_owned);
            outcome
        };
        let busy = Some("r.example answered \u{1b}[2J503 Service Unavailable");
        let outcomes = [of("a", busy), of("b", None), of("c", Some("other")), of("d", busy)];
        let shown = unverified(&outcomes, Paint::default());
        assert_eq!(shown.len(), 2);
        assert_eq!(shown[0].lines().next(), Some("warning: c: pushed, not verified"));
        assert_eq!(
            shown[1],
            "warning: a and 1 more cell: pushed, not verified\n |\n \
             = note: r.example answered 503 Service Unavailable\n = help: the push itself succeeded: check the image, or push again; --strict makes this an error\n"
        );
        assert!(unverified(&[of("b", None)], Paint::default()).is_empty());
    }
}
