//! The fuzz targets, run for a moment each on inputs made of what their languages are made of.
//!
//! Longer runs, with coverage as the guide: `fuzz/README.md`.

#[path = "../fuzz/src/lib.rs"]
mod targets;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        // A failure prints its input: it becomes a case of its own, or it is lost on purpose.
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_matrix_is_read_or_refused(
        text in "(image|tag|tags|when|platforms|axes|vars|args|defaults|exclude|include|overrides|labels|auto|contexts|secrets|env|ssh|cache_to|type=gha|extends|from|path|limit|: |\n|\n  |\n  - |\\[|\\]|\\{|\\}|, |<%os%>|<%|linux/amd64|a/b|1\\.\\.3|\"|'|é|&a |\\*a|<<|#|\t|[a-z0-9.]){0,60}"
    ) {
        targets::matrix(&text);
        targets::matrix(&format!(
            "image: a\ntag: <%os%>\nplatforms: linux/amd64\naxes: {{ os: [x, y] }}\n{text}"
        ));
    }

    #[test]
    fn any_template_is_rendered_or_refused(
        text in "(<%|%>|\\{%|%\\}|#% ?|if |elif |else|endif|for |in |endfor|include |os|version|packages|type\\.suffix|latest|==|<|>|and |not |is defined|\\|lower|\\|default\\(|\\|join\\(|\"|'|\\)|\\[|é|\r?\n|\\PC){0,60}"
    ) {
        targets::template(&text);
    }

    #[test]
    fn any_range_is_counted_or_refused(text in "(v|[0-9]{1,5}|\\.|-|é|a){0,4}\\.\\.(v|[0-9]{1,5}|\\.|-|é|a){0,4}") {
        targets::range(&text);
    }

    #[test]
    fn any_reference_is_taken_or_refused(
        text in "(localhost|docker\\.io|index\\.|library|a|B|0|é|/|:|@|sha256:|\\.|_|-|\\[|\\]|::1|5000|linux|arm|v7| ){0,9}"
    ) {
        targets::reference(&text);
    }

    #[test]
    fn any_dockerignore_is_followed_or_refused(
        text in "((!|/|#| )?(a|b|\\*|\\*\\*|\\?|\\[a-b\\]|\\[|\\]|\\^|\\\\|\\.\\.?|é|/){0,6}\n){0,5}"
    ) {
        targets::dockerignore(&text);
    }

    #[test]
    fn any_compose_file_is_looked_at_or_refused(
        text in "(services|app|volumes|privileged|cap_add|pid|devices|driver_opts|include|extends|file|true|host|ALL|/var/run/docker\\.sock|/etc|\\.\\./|\\$\\{A:-|\\}|C:\\\\|: |:|\n|\n  |\n    |\n  - |\\[|\\]|\\{|, |\"|'|é|&a |\\*a|<<|!reset |# onebuild: allow |host-pid|\\(|\\)|#|\t){0,60}"
    ) {
        targets::compose(&text);
        targets::compose(&format!("services:\n  app:\n    pid: host {text}"));
    }

    #[test]
    fn any_dockerfile_is_checked_or_refused(
        text in "(FROM |ARG |ENV |RUN |COPY |ONBUILD |LABEL |--platform=|--from=|--mount=|type=|cache|secret|ssh|,id=|,target=|,from=|/var/cache/apt|a:1|c| AS s|s\\n|V|TARGETARCH|=|\\$|\\{|\\}|:-|<<E\n|E\n|# onebuild: allow |same-image|\\(|\\)|# syntax=|# escape=`|\\\\\n|\n|\r\n|\"|'|é|[0-9]| ){0,60}"
    ) {
        targets::check(&text);
        targets::check(&format!("ARG V\nFROM a:1 AS s\n{text}"));
    }

    #[test]
    fn any_dockerfile_is_read(
        text in "(FROM |AS |ARG |ENV |RUN |COPY |ONBUILD |HEALTHCHECK |SHELL |--platform=|--from=|--mount=|type=|cache|secret|,|id=|target=/|A|b|scratch|0|=|\\$|\\$\\{|\\}|:-|:\\+|:\\?|##?|%%?|//?|\\*|\\?|\"|'|\\[|\\]|\\\\|`|<<-?|EOF|# ?|escape=`|syntax=|\\u{feff}|é|\r?\n|\t| ){0,60}"
    ) {
        targets::dockerfile(&text);
    }

    #[test]
    fn any_text_at_all_is_no_reason_to_panic(text in "\\PC{0,80}|[\\x00-\\x7f]{0,80}") {
        targets::matrix(&text);
        targets::template(&text);
        targets::range(&text);
        targets::reference(&text);
        targets::dockerignore(&text);
        targets::compose(&text);
        targets::check(&text);
        targets::dockerfile(&text);
    }
}
