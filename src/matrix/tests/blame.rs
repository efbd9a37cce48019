//! Errors that flags cause, and those that they do not.

use super::{Pick, family, matrix};
use crate::error::Error;
use crate::matrix::{Matrix, Overrides, Selection};

/// The error of a command line, with its exit code.
fn error(matrix: &Matrix, selection: &Selection, overrides: &Overrides) -> (u8, String) {
    let selected = matrix.select(selection, overrides).unwrap();
    let errors = selected.expand().map(|_| ()).unwrap_err();
    let error = Error::from(matrix.blame(selection, overrides, errors));
    (error.exit_code(), error.render(false))
}

fn picks(texts: &[&str]) -> Vec<Pick> {
    texts.iter().map(|text| Pick::parse(text).unwrap()).collect()
}

#[test]
fn an_error_that_only_flags_cause_points_at_them() {
    let vars = "vars: { suffix: \"\" }\ntags: [<%os%>-<%version%><%suffix%>]\n";
    let text = family(vars).replace("tag: <%os%>-<%version%>\n", "");
    let prefix = "x".repeat(128);
    let none = Overrides::default;
    let prefixed = |environment: &[&str]| Overrides {
        tag_prefix: prefix.clone(),
        environment: environment.iter().map(ToString::to_string).collect(),
        ..none()
    };
    for (only, skip, add, overrides, line) in [
        (&[][..], &[][..], &["os=a/b"][..], none(), "--add os=a/b".to_owned()),
        (&["version=2.0.0"], &[], &["os=a/b"], none(), "--add os=a/b".to_owned()),
        (&["os=alpine"], &["os=alp*"], &[], none(), "--only os=alpine --skip os=alp*".to_owned()),
        (&[], &["os=*"], &[], none(), "--skip os=*".to_owned()),
        (
            &[],
            &[],
            &[],
            Overrides { vars: [("suffix".into(), "a\nb".into())].into(), ..none() },
            "--var suffix=a\\nb".to_owned(),
        ),
        (&[], &[], &[], prefixed(&[]), format!("--tag-prefix {prefix}")),
        (
            &[],
            &[],
            &[],
            prefixed(&["ONEBUILD_TAG_PREFIX"]),
            format!("ONEBUILD_TAG_PREFIX={prefix}"),
        ),
    ] {
        let selection = Selection {
            only: picks(only),
            skip: picks(skip),
            add: picks(add),
            ..Default::default()
        };
        let (code, shown) = error(&matrix(&text), &selection, &overrides);
        assert_eq!(code, 2, "{line}\n{shown}");
        assert!(shown.contains(" --> command line:1:1\n"), "{line}\n{shown}");
        assert!(shown.contains(&format!("1 | {line}\n")), "{line}\n{shown}");
    }
}

#[test]
fn an_error_of_the_matrix_does_not_point_at_flags() {
    for (more, only, add) in [
        ("exclude: [{ os: \"*\" }]\n", &["os=alpine"][..], &[][..]),
        ("context: <%os|major%>\n", &[], &["os=arch"]),
        ("context: <%os|major%>\n", &["version=2.0.0"], &[]),
    ] {
        let selection = Selection { only: picks(only), add: picks(add), ..Default::default() };
        let (code, shown) = error(&matrix(&family(more)), &selection, &Overrides::default());
        assert_eq!(code, 3, "{more}\n{shown}");
        assert!(!shown.contains("command line"), "{more}\n{shown}");
    }
}
