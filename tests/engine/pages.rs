//! Pages that onebuild writes, in a browser: Debian's Chromium, see tests/lab/browser.

use std::path::Path;

use serde_json::Value;

use crate::support::{Project, Running, lab_script};

/// Three cells for two platforms, one of which is emulated. The last cell fails.
const MATRIX: &str = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1, 2, 3] }\n";
const FILE: &str = "FROM alpine:3.20\n\
     RUN echo '</script><b id=foreign>&amp;' >/one\n\
     RUN if [ <%n%> = 3 ]; then exit 1; fi\n";

/// What a browser made of a page.
struct Shown {
    dom: String,
    console: Vec<String>,
    requests: Vec<String>,
}

fn shown(project: &Project, page: &Path, fragment: &str) -> Shown {
    let log = project.path("tmp/net.json");
    let mut command = lab_script("browser");
    command.arg(format!("--log-net-log={}", log.display()));
    command.args(["--virtual-time-budget=5000", "--dump-dom"]);
    command.arg(format!("file://{}{fragment}", page.display()));
    let run = Running::start(command).end().success();
    let console = run.stderr.lines().filter(|line| line.contains(":CONSOLE:"));
    let log = std::fs::read_to_string(log).unwrap();
    let log: Value = serde_json::from_str(&log).unwrap();
    let events = log["events"].as_array().unwrap();
    let urls = events.iter().filter_map(|event| event["params"]["url"].as_str());
    let is_request = |url: &&str| !["file:", "data:"].iter().any(|local| url.starts_with(local));
    Shown {
        console: console.map(str::to_owned).collect(),
        requests: urls.filter(is_request).map(str::to_owned).collect(),
        dom: run.stdout,
    }
}

impl Shown {
    /// Checks that the page wrote nothing to the console and asked for nothing.
    #[track_caller]
    fn alone(self) -> Self {
        assert_eq!(self.console, Vec::<String>::new());
        assert_eq!(self.requests, Vec::<String>::new());
        self
    }

    /// The opening tags of all elements of a class.
    fn tags(&self, class: &str) -> Vec<&str> {
        let tags = self.dom.split('<').filter_map(|tag| tag.split('>').next());
        tags.filter(|tag| tag.contains(&format!("class=\"{class}"))).collect()
    }

    /// The numbers of the visible cells.
    fn visible(&self) -> Vec<&str> {
        let cells = self.tags("row cell").into_iter().filter(|tag| !tag.contains(" hidden"));
        cells.filter_map(|tag| tag.split("data-cell=\"").nth(1)?.split('"').next()).collect()
    }
}

#[test]
fn the_page_of_timings_shows_a_run_and_loads_nothing() {
    let project = Project::new("pages", MATRIX, FILE);
    let build = ["matrix", "--output", "none", "--no-cache", "--jobs", "1"];
    let reports = ["--timings", "run.html", "--timings", "run.json"];
    project.run(&[&build[..], &reports].concat()).exits(1);
    let page = project.path("run.html");
    // The record has all that the page shows.
    project.run(&["runs", "show", "--timings", "again.html"]).success();
    let read = |name: &str| std::fs::read_to_string(project.path(name)).unwrap();
    assert!(read("again.html") == read("run.html"), "the page of the record is another one");

    let whole = shown(&project, &page, "").alone();
    assert_eq!(whole.visible(), ["0", "1", "2"]);
    assert_eq!(whole.tags("row inner").len(), 0);
    for text in [">v1<", ">v2<", ">v3<", ">3 cells<", "Critical path: ", "Slowest steps: "] {
        assert!(whole.dom.contains(text), "{text}: {}", whole.dom);
    }

    let found = shown(&project, &page, "#q=n%3D2").alone();
    assert_eq!(found.visible(), ["1"]);
    assert!(found.dom.contains(">1 of 3 cells<"), "{}", found.dom);

    // Text of a template is text. A search for it opens the cells with these steps.
    let steps = shown(&project, &page, "#q=foreign%20emulated").alone();
    assert_eq!(steps.visible(), ["0", "1", "2"]);
    assert_eq!(steps.tags("row inner done").len(), 3, "{}", steps.dom);
    assert_eq!(steps.tags("bar done emulated").len(), 3, "{}", steps.dom);
    assert!(!steps.dom.contains("<b id"), "{}", steps.dom);

    let opened = shown(&project, &page, "#cell=2").alone();
    assert!(opened.tags("row cell failed")[0].contains("aria-expanded=\"true\""));
    assert!(!opened.tags("row inner failed").is_empty(), "{}", opened.dom);

    let trace: Value = serde_json::from_str(&read("run.json")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let cells = events.iter().filter(|event| event["cat"] == "cell");
    assert!(cells.map(|event| &event["name"]).eq(["v1", "v2", "v3"]), "{trace}");
    let emulated = events.iter().filter(|event| event["args"]["emulated"] == true);
    assert!(emulated.count() >= 5, "{trace}");
}

/// Presses keys as a script of the page, which has none of its own here, and writes down what has the focus.
const KEYS: &str = r#"<script>
const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const at = [];
for (const key of ["/", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft", "End", "Enter", "z", "0", "Home"]) {
  press(key);
  const { id, dataset, ariaLevel, ariaExpanded } = document.activeElement;
  at.push(key + ":" + (id || (dataset.cell ? dataset.cell + " " + ariaExpanded : "level " + ariaLevel)));
}
document.body.dataset.keys = at.join(", ");
</script></body>"#;

#[test]
fn the_keyboard_reaches_every_row_of_the_page() {
    let project = Project::new("pages-keys", MATRIX, FILE);
    project.run(&["matrix", "--output", "none", "--timings", "run.html"]).exits(1);
    let page = std::fs::read_to_string(project.path("run.html")).unwrap();
    let (head, rest) = page.split_once("script-src 'sha256-").unwrap();
    let (_, rest) = rest.split_once('\'').unwrap();
    let page = format!("{head}script-src 'unsafe-inline'{rest}").replace("</body>", KEYS);
    let page = project.file("keys.html", page);
    let pressed = shown(&project, &page, "").alone();
    let keys = pressed.dom.split("data-keys=\"").nth(1).and_then(|rest| rest.split('"').next());
    let expected = "/:search, ArrowDown:0 false, ArrowDown:1 false, ArrowRight:1 true, \
         ArrowRight:level 2, ArrowLeft:1 true, End:2 false, Enter:2 true, z:2 true, 0:2 true, \
         Home:0 false";
    assert_eq!(keys, Some(expected), "{}", pressed.dom);
}

/// Without this, the tests above would pass with a browser that reports nothing.
#[test]
fn what_a_page_asks_for_and_says_is_noticed() {
    let project = Project::new("pages-noticed", "axes: { n: [1] }\ntag: v1\n", "FROM scratch\n");
    let page = "<!doctype html><img src='http://127.0.0.1:9/x'><script>nothing()</script>";
    let page = project.file("page.html", page);
    let noticed = shown(&project, &page, "");
    assert!(noticed.console.iter().any(|line| line.contains("nothing")), "{:?}", noticed.console);
    assert_eq!(noticed.requests.first().map(String::as_str), Some("http://127.0.0.1:9/x"));
}
