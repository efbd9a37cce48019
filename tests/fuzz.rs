//! The fuzz targets, on random inputs that are composed of each language's tokens; every run has
//! other inputs. A failure prints the smallest input that reproduces it; add it as a test.
//!
//! `PROPTEST_CASES` sets the number of inputs; `tests/lab/fuzz` uses many. Coverage-guided fuzzing
//! is described in `fuzz/README.md`.

#[path = "../fuzz/src/lib.rs"]
mod targets;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

const MATRIX: &str = concat!(
    "(image|tag|tags|when|platforms|axes|vars|args|defaults|exclude|include|overrides|labels|auto|contexts|secrets|env|ssh|cache_to|type=gha|extends|from|path|limit|: |\n|\n  |\n  - |\\[|\\]|\\{|\\}|, |<%os%>|<%|linux/amd64|a/b|1\\.\\.3|\"|'|é|&a |\\*a|<<|#|\t|[a-z0-9.]){0,60}",
    // Close to valid: random tokens alone hardly ever are.
    "|((labels: auto|args: \\{ A: (<%os%>|<%no%>|b) \\}|exclude: \\[\\{ os: (x|y|z) \\}\\]|vars: \\{ w: <%os%>-1 \\}|context: (<%os%>|\\.|/a)|secrets: \\{ s: \\{ env: S \\} \\}|ssh: default)
){0,4}"
);
const TEMPLATE: &str = concat!(
    "(<%|%>|\\{%|%\\}|#% ?|if |elif |else|endif|for |in |endfor|include |os|version|packages|type\\.suffix|latest|==|<|>|and |not |is defined|\\|lower|\\|default\\(|\\|join\\(|\"|'|\\)|\\[|é|\r?\n|\\PC){0,60}",
    // Close to valid: random tokens alone hardly ever are.
    "|(<%os%>|\\{%version%\\}|<%type\\.suffix%>|<%packages\\|join\\(\" \"\\)%>|a|é|\n#% if (latest|os == \"alpine\"|version < 3)\n|\n#% (else|elif latest)\n|\n#% endif\n|\n#% for p in packages\n<%p%>\n#% endfor\n|\r?\n){0,9}"
);
const RANGE: &str = concat!(
    "(v|[0-9]{1,5}|\\.|-|é|a){0,4}\\.\\.(v|[0-9]{1,5}|\\.|-|é|a){0,4}",
    // Close to valid: random tokens alone hardly ever are.
    "|(v|)(1\\.|)(2\\.|)[0-4]\\.\\.(v|)(1\\.|)(2\\.|)[3-9]"
);
const REFERENCE: &str = "(localhost|docker\\.io|index\\.|library|a|B|0|é|/|:|@|sha256:|\\.|_|-|\\[|\\]|::1|5000|linux|arm|v7| ){0,9}";
const IGNORE_PATTERNS: &str =
    "((!|/|#| )?(a|b|\\*|\\*\\*|\\?|\\[a-b\\]|\\[|\\]|\\^|\\\\|\\.\\.?|é|/){0,6}\n){0,5}";
const COMPOSE: &str = "(services|app|volumes|privileged|cap_add|pid|devices|driver_opts|include|extends|file|true|host|ALL|/var/run/docker\\.sock|/etc|\\.\\./|\\$\\{A:-|\\}|C:\\\\|: |:|\n|\n  |\n    |\n  - |\\[|\\]|\\{|, |\"|'|é|&a |\\*a|<<|!reset |# onebuild: allow |host-pid|\\(|\\)|#|\t){0,60}";
const CHECK: &str = concat!(
    "(FROM |ARG |ENV |RUN |COPY |ONBUILD |LABEL |--platform=|--from=|--mount=|type=|cache|secret|ssh|,id=|,target=|,from=|/var/cache/apt|a:1|c| AS s|s\\n|V|TARGETARCH|=|\\$|\\{|\\}|:-|<<E\n|E\n|# onebuild: allow |same-image|\\(|\\)|# syntax=|# escape=`|\\\\\n|\n|\r\n|\"|'|é|[0-9]| ){0,60}",
    // Close to valid: random tokens alone hardly ever are.
    "|(ARG V=1
|)FROM a:1( AS s|)
((ARG TARGETARCH=amd64|RUN --mount=type=cache,target=/var/cache/apt true|RUN echo \\$V|ENV V=2|COPY --from=s a b|# onebuild: allow same-image \\(x\\))
){0,5}"
);
const DOCKERFILE: &str = "(FROM |AS |ARG |ENV |RUN |COPY |ONBUILD |HEALTHCHECK |SHELL |--platform=|--from=|--mount=|type=|cache|secret|,|id=|target=/|A|b|scratch|0|=|\\$|\\$\\{|\\}|:-|:\\+|:\\?|##?|%%?|//?|\\*|\\?|\"|'|\\[|\\]|\\\\|`|<<-?|EOF|# ?|escape=`|syntax=|\\u{feff}|é|\r?\n|\t| ){0,60}";

/// The number of inputs and their seed are proptest's defaults: 256, and another seed in each run.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_matrix_is_read_or_refused(text in MATRIX) {
        targets::matrix(&text);
        targets::matrix(&format!(
            "image: a\ntag: <%os%>\nplatforms: linux/amd64\naxes: {{ os: [x, y] }}\n{text}"
        ));
    }

    #[test]
    fn any_template_is_rendered_or_refused(text in TEMPLATE) {
        targets::template(&text);
    }

    #[test]
    fn any_range_is_counted_or_refused(text in RANGE) {
        targets::range(&text);
    }

    #[test]
    fn any_reference_is_accepted_or_refused(text in REFERENCE) {
        targets::reference(&text);
    }

    #[test]
    fn any_ignore_patterns_are_applied_or_refused(text in IGNORE_PATTERNS) {
        targets::ignore_patterns(&text);
    }

    #[test]
    fn any_compose_file_is_checked_or_refused(text in COMPOSE) {
        targets::compose(&text);
        targets::compose(&format!("services:\n  app:\n    pid: host {text}"));
    }

    #[test]
    fn any_dockerfile_is_checked_or_refused(text in CHECK) {
        targets::check(&text);
        targets::check(&format!("ARG V\nFROM a:1 AS s\n{text}"));
    }

    #[test]
    fn any_dockerfile_is_read(text in DOCKERFILE) {
        targets::dockerfile(&text);
    }

    #[test]
    fn arbitrary_text_does_not_cause_a_panic(text in "\\PC{0,80}|[\\x00-\\x7f]{0,80}") {
        targets::matrix(&text);
        targets::template(&text);
        targets::range(&text);
        targets::reference(&text);
        targets::ignore_patterns(&text);
        targets::compose(&text);
        targets::check(&text);
        targets::dockerfile(&text);
    }
}

/// Some random inputs must reach the invariants and some must be refused, or the tests above prove
/// nothing.
#[test]
fn some_random_inputs_are_valid_and_some_are_refused() {
    let in_axes = |text: &str| {
        targets::matrix(&format!(
            "image: a\ntag: <%os%>\nplatforms: linux/amd64\naxes: {{ os: [x, y] }}\n{text}"
        ))
    };
    type Target<'t> = &'t dyn Fn(&str) -> bool;
    let targets: [(&str, &str, Target<'_>); 8] = [
        ("matrix", MATRIX, &in_axes),
        ("template", TEMPLATE, &targets::template),
        ("range", RANGE, &targets::range),
        ("reference", REFERENCE, &targets::reference),
        ("ignore patterns", IGNORE_PATTERNS, &targets::ignore_patterns),
        ("compose", COMPOSE, &|text| {
            targets::compose(&format!("services:\n  app:\n    pid: host {text}"))
        }),
        ("check", CHECK, &targets::check),
        ("dockerfile", DOCKERFILE, &targets::dockerfile),
    ];
    for (name, pattern, target) in targets {
        let mut runner = TestRunner::new(config());
        let mut input = || pattern.new_tree(&mut runner).expect("an input").current();
        let (mut reached, mut refused) = (0, 0);
        while reached == 0 || refused == 0 {
            let is_reached = target(&input());
            reached += u32::from(is_reached);
            refused += u32::from(!is_reached);
            assert!(reached + refused < 2000, "{name}: {reached} reached, {refused} refused");
        }
    }
}
