//! The page.
//!
//! The rows of cells are in its HTML, so it can be read without its script. The steps are data in it, and get
//! rows when their cell is opened: there may be thousands. Text of others is escaped by the template, or by
//! [`data`], and the script only writes it as text. The page forbids itself to load anything, and to run any
//! other script.

mod data;
mod rows;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::critical::critical;
use super::model::{StepEnd, Timings};
use crate::record::State;
use crate::text::{clean, counted, duration};

const TEMPLATE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The longest text of a run, in characters.
const LONGEST: usize = 2_000;

/// How many steps the list of the slowest ones has.
const SLOWEST: usize = 20;

pub(super) fn page(timings: &Timings<'_>) -> String {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let path = critical(&timings.cells);
    let values = context! {
        id => timings.run.head.id.as_str(),
        command => clean(&timings.run.head.command.text, LONGEST),
        facts => Value::from(Serde(facts(timings))),
        totals => Value::from(Serde(totals(timings))),
        ticks => Value::from(Serde(rows::ticks(timings.end))),
        rows => Value::from(Serde(rows::rows(timings, &path))),
        slowest => Value::from(Serde(rows::slowest(timings, SLOWEST))),
        path => Value::from(Serde(rows::path(timings, &path))),
        path_took => duration(path.iter().map(|link| link.ran.took()).sum()),
        took => duration(std::time::Duration::from_millis(timings.end)),
        hash => STANDARD.encode(Sha256::digest(SCRIPT)),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        data => Value::from_safe_string(data::data(timings)),
    };
    environment.render_str(TEMPLATE, values).expect("the template names only these values")
}

/// What is known of the run.
#[derive(Serialize)]
struct Fact {
    name: &'static str,
    value: String,
}

fn facts(timings: &Timings<'_>) -> Vec<Fact> {
    let (head, mut facts) = (&timings.run.head, Vec::new());
    let mut add = |name, value: String| {
        if !value.is_empty() {
            facts.push(Fact { name, value });
        }
    };
    add("Started", head.time.to_string());
    let took = duration(std::time::Duration::from_millis(timings.end));
    let state = match &timings.run.state {
        State::Ended(end) => format!("ended after {took} with exit code {}", end.exit_code),
        State::Running => format!("running, {took} so far"),
        State::Killed => format!("killed after {took}"),
    };
    add("State", state);
    add("Jobs", head.jobs.to_string());
    let busy: std::time::Duration =
        timings.cells.iter().flat_map(|cell| &cell.attempts).map(|attempt| attempt.took()).sum();
    let at_once = busy.as_secs_f64() / (timings.end.max(1) as f64 / 1_000.0);
    add("All cells together", format!("{}, {at_once:.1} at once", duration(busy)));
    let (mut steps, mut cached, mut emulated) = (0, 0, 0);
    for (_, step) in timings.steps() {
        steps += 1;
        cached += usize::from(step.state == StepEnd::Cached);
        emulated += usize::from(step.is_emulated);
    }
    let steps = counted(steps, "step");
    add("Steps", format!("{steps}, {cached} cached, {emulated} emulated"));
    add("Engine", clean(&head.engine, LONGEST));
    add("Its platform", clean(head.native.as_deref().unwrap_or_default(), LONGEST));
    add("Matrix", clean(&head.matrix.file, LONGEST));
    add("onebuild", clean(&head.onebuild, LONGEST));
    facts
}

/// How many cells ended in a way.
#[derive(Serialize)]
struct Total {
    word: &'static str,
    class: String,
    count: usize,
}

fn totals(timings: &Timings<'_>) -> Vec<Total> {
    let mut totals: Vec<Total> = Vec::new();
    for cell in &timings.cells {
        let word = cell.state.word();
        match totals.iter_mut().find(|total| total.word == word) {
            Some(total) => total.count += 1,
            None => totals.push(Total { word, class: rows::cell_class(cell.state), count: 1 }),
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::samples::retried;
    use crate::record::event::samples::HOSTILE;
    use crate::record::event::{Event, Step, StepState};
    use crate::record::{Recorded, Steps};
    use crate::reporters::samples::{at, family, foreign};
    use crate::reporters::timings;

    /// The parts between two texts.
    fn between<'t>(text: &'t str, from: &str, until: &str) -> Vec<&'t str> {
        text.split(from).skip(1).filter_map(|rest| rest.split_once(until)).map(|x| x.0).collect()
    }

    fn data(page: &str) -> Value {
        let scripts = between(page, "<script type=\"application/json\" id=\"data\">", "</script>");
        assert_eq!(scripts.len(), 1);
        serde_json::from_str(scripts[0]).unwrap()
    }

    #[test]
    fn every_cell_has_a_row_and_every_step_is_in_the_data() {
        for run in [family(), retried()] {
            let page = timings::page(&run);
            let data = data(&page);
            let rows = between(&page, "<div class=\"row cell", "</div>");
            assert_eq!(rows.len(), run.cells.len());
            let steps = |number: usize| data["cells"][number]["steps"].as_array().unwrap().len();
            for (number, (name, cell)) in run.cells.iter().enumerate() {
                assert!(rows[number].contains(&format!(">{name}<")), "{name}: {}", rows[number]);
                assert_eq!(steps(number), cell.steps.len(), "{name}");
            }
        }
    }

    #[test]
    fn text_of_others_is_never_markup() {
        let tags = |page: &str| page.matches('<').count();
        let plain = tags(&timings::page(&foreign("plain")));
        for text in HOSTILE {
            let page = timings::page(&foreign(text));
            assert!(data(&page)["cells"].is_array());
            // An empty text has no row of its own.
            assert!(tags(&page) <= plain, "{text:?}");
            for tag in ["<b>", "<script>alert", "<!-- -->", "</details> [x]"] {
                assert!(!page.contains(tag), "{text:?}: {tag}");
            }
            let visible = |c: char| c == '\n' || !c.is_control();
            assert!(page.chars().all(visible), "{text:?}");
        }
    }

    #[test]
    fn it_loads_nothing() {
        for run in [family(), foreign("x")] {
            let page = timings::page(&run);
            assert!(page.contains("default-src 'none';"));
            for part in
                ["src=", "@import", "url(", "fetch(", "XMLHttpRequest", "innerHTML", "http://"]
            {
                assert!(!page.contains(part), "{part}");
            }
        }
    }

    #[test]
    fn a_run_without_cells_has_a_page() {
        let mut head = crate::record::event::samples::head("x");
        head.time = at(0);
        let page = timings::page(&Recorded::new(head, Steps::Kept));
        assert!(page.contains("No cell was started"), "{page}");
    }

    #[test]
    fn the_page_of_a_large_run_is_small() {
        let mut run = family();
        let names: Vec<String> = run.cells.keys().cloned().collect();
        for (name, number) in names.iter().flat_map(|name| (100..160).map(move |n| (name, n))) {
            let step = Step {
                cell: name.clone(),
                step: number,
                name: format!("RUN for {name} {}", "word ".repeat(200)),
                platform: Some("linux/arm64".to_owned()),
                stage: Some("build".to_owned()),
                position: Some((number, 160)),
                state: StepState::Done,
                took: Some(std::time::Duration::from_millis(500)),
            };
            run.add(at(100_000), Event::Step(step));
        }
        let page = timings::page(&run);
        assert!(page.len() < 5_000_000, "{} bytes", page.len());
    }
}
