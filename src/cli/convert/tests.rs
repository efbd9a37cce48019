use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use crate::cli::{AxisFlag, ParseError, Surroundings, parse};
use crate::config::{
    BuildConfig, CellChoice, Config, EngineFlag, LintEngine, OutputFile, RenderOutput, Shell,
};
use crate::input::{Network, SecretSource};
use crate::matrix::{Pick, Unnamed};
use crate::plan::{FileOutput, Output};
use crate::progress::Mode;

/// One variable is set, and the matrix `pipe` is not a file.
fn parsed(line: &str) -> Result<Config, ParseError> {
    let axes = [AxisFlag { name: "os".to_owned(), values: String::new() }];
    let surroundings = Surroundings {
        axes: &axes,
        variable: |name| match name {
            "SET" => Some("from the environment".into()),
            "LATIN1" => Some(OsString::from_vec(b"caf\xe9".to_vec())),
            _ => None,
        },
        matrix_file: |path| match path {
            Some(path) if path == Path::new("pipe") => "-".into(),
            Some(path) => path,
            None => "matrix.yaml".into(),
        },
    };
    let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
    parse(&args, surroundings)
}

fn config(line: &str) -> Config {
    parsed(line).unwrap_or_else(|error| panic!("{line}: {error:?}"))
}

fn build(line: &str) -> BuildConfig {
    match config(line) {
        Config::Build(config) => *config,
        other => panic!("{line}: {other:?}"),
    }
}

fn cells(line: &str) -> CellChoice {
    match config(line) {
        Config::Build(config) => config.cells,
        Config::Render(config) => config.cells,
        Config::Plan(config) => config.cells,
        Config::Explain(config) => config.cells,
        Config::Lint(config) => config.cells,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn only_build_uses_the_defaults_of_axes() {
    for (line, unnamed) in [
        ("o build", Unnamed::Defaults),
        ("o matrix", Unnamed::Everything),
        ("o render", Unnamed::Everything),
        ("o plan", Unnamed::Everything),
        ("o explain cell", Unnamed::Everything),
        ("o lint", Unnamed::Everything),
    ] {
        assert_eq!(cells(line).selection.unnamed, unnamed, "{line}");
    }
}

#[test]
fn axis_flags_add_up_with_only() {
    let cells = cells("o plan --os a,b --only os=c");
    let picks = ["c", "a,b"].map(|values| Pick::of("os", values).unwrap());
    assert_eq!(cells.selection.only, picks);
    assert_eq!(cells.first_flag.as_deref(), Some("--os"));
}

#[test]
fn the_first_flag_that_changes_the_cells_is_known() {
    for (line, flag) in [
        ("o plan --strict --offline -f x", None),
        ("o plan --add os=a --skip os=b", Some("--skip")),
        ("o plan --tag-prefix x", Some("--tag-prefix")),
        ("o plan --build-arg A=b --base a=b", Some("--build-arg")),
    ] {
        assert_eq!(cells(line).first_flag.as_deref(), flag, "{line}");
    }
}

#[test]
fn a_build_argument_without_a_value_is_read_from_the_environment() {
    for (line, value) in [
        ("o plan --build-arg SET", "from the environment"),
        ("o plan --build-arg SET=", ""),
        ("o plan --build-arg SET=x", "x"),
    ] {
        let args = cells(line).overrides.inputs.args;
        assert_eq!(args.get("SET").map(|text| &**text), Some(value), "{line}");
    }
    let unset = cells("o plan --build-arg UNSET --build-arg A=b");
    assert_eq!(
        (unset.overrides.inputs.args.len(), unset.unset_args),
        (1, vec!["UNSET".to_owned()])
    );
    match parsed("o plan --build-arg LATIN1") {
        Err(ParseError::Value(error)) => {
            assert!(error.render(false).contains("the environment variable `LATIN1` is not UTF-8"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_label_without_a_value_is_empty() {
    let labels = cells("o plan --label a --label b=c --label d=").overrides.inputs.labels;
    let labels: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(labels, ["a=", "b=c", "d="]);
}

#[test]
fn the_last_one_of_a_flag_counts() {
    let cells = cells("o build -f a --target a --no-cache --target b --no-cache -f b");
    assert_eq!(cells.overrides.inputs.target.as_deref(), Some("b"));
    assert_eq!(cells.file, Path::new("b"));
}

#[test]
fn a_secret_without_a_source_is_a_variable_or_a_file() {
    for (id, source) in [
        ("SET", SecretSource::Variable("SET".to_owned())),
        ("UNSET", SecretSource::File("UNSET".into())),
    ] {
        let secrets = cells(&format!("o plan --secret id={id}")).overrides.inputs.secrets;
        assert_eq!(secrets[id].source, source);
    }
}

#[test]
fn flags_replace_values_of_the_matrix() {
    let overrides = cells(
        "o build --platform linux/amd64,linux/arm64,linux/amd64 --image me/a --var v=1 --var v=2 \
         --label a=b --network host --cache-to type=inline --base a=b --target stage",
    )
    .overrides;
    assert_eq!(overrides.platforms.len(), 2);
    assert_eq!(overrides.images.len(), 1);
    assert_eq!(overrides.vars["v"], "2");
    assert_eq!(overrides.caches.to.len(), 1);
    let inputs = overrides.inputs;
    assert_eq!((inputs.labels.len(), inputs.bases.len()), (1, 1));
    assert_eq!((inputs.network, inputs.target.as_deref()), (Some(Network::Host), Some("stage")));
}

#[test]
fn the_matrix_of_a_pipe_is_in_the_current_directory() {
    assert_eq!(cells("o plan -f pipe").file, Path::new("-"));
    assert_eq!(cells("o plan -f a/b").file, Path::new("a/b"));
}

#[test]
fn images_go_to_the_store_unless_another_output_is_named() {
    for (line, output) in [
        ("o build", Output::Store),
        ("o build --load", Output::Store),
        ("o build --push", Output::Push),
        ("o build --push --load", Output::StoreAndPush),
        ("o build --push=true --load=false", Output::Push),
        ("o build --output none", Output::Nothing),
        ("o matrix -o type=none", Output::Nothing),
        ("o build -o type=cacheonly --provenance", Output::Nothing),
    ] {
        assert_eq!(build(line).options.output, output, "{line}");
    }
    for (line, kind, dest) in [
        ("o build -o type=oci,dest=a/", FileOutput::Oci, "a/"),
        ("o build -o a/b", FileOutput::Local, "a/b"),
        ("o build -o .", FileOutput::Local, "."),
        ("o build -o -", FileOutput::Tar, "-"),
        ("o build -o type=local,\"dest=a,b\"", FileOutput::Local, "a,b"),
        ("o build --push=false --load=0 -o a", FileOutput::Local, "a"),
    ] {
        assert_eq!(build(line).output, Some(OutputFile { kind, dest: dest.into() }), "{line}");
    }
    for line in ["o build -o oci", "o build -o type=image", "o build -o type=registry,push=true"] {
        assert!(parsed(line).is_err(), "{line}");
    }
}

#[test]
fn an_empty_target_is_none() {
    let target = |line: &str| build(line).cells.overrides.inputs.target;
    let args = ["o", "build", "--target", ""].map(OsString::from);
    let surroundings = Surroundings {
        axes: &[],
        variable: |_| None,
        matrix_file: |path| path.unwrap_or_else(|| "matrix.yaml".into()),
    };
    let Ok(Config::Build(config)) = parse(&args, surroundings) else { panic!("not parsed") };
    assert_eq!(config.cells.overrides.inputs.target, None);
    assert_eq!(target("o build --target x").as_deref(), Some("x"));
}

#[test]
fn keep_going_and_fail_fast_replace_each_other() {
    for (line, fail_fast) in [
        ("o build", false),
        ("o build --fail-fast", true),
        ("o build --keep-going --fail-fast", true),
        ("o build --fail-fast --keep-going", false),
        ("o build --keep-going=false", true),
    ] {
        assert_eq!(build(line).fail_fast, fail_fast, "{line}");
    }
}

#[test]
fn the_last_flag_decides_how_progress_is_shown() {
    for (line, wanted) in [
        ("o build", Mode::Auto),
        ("o build -q", Mode::Quiet),
        ("o matrix --verbose", Mode::Plain),
        ("o build -qv", Mode::Plain),
        ("o build -v --quiet", Mode::Quiet),
        ("o build -v --progress tty", Mode::Tty),
        ("o build --progress tty -q", Mode::Quiet),
    ] {
        assert_eq!(build(line).progress, wanted, "{line}");
    }
    assert!(build("o build -nq").dry_run);
}

#[test]
fn settings_of_the_other_commands_exclude_each_other() {
    for (line, wanted) in [
        ("o render", RenderOutput::Stdout),
        ("o render --out a", RenderOutput::Directory { path: "a".into(), check: false }),
        ("o render --out a --check", RenderOutput::Directory { path: "a".into(), check: true }),
        ("o render --files --check", RenderOutput::Files { check: true }),
    ] {
        let Config::Render(config) = config(line) else { panic!("{line}") };
        assert_eq!(config.output, wanted, "{line}");
    }
    for (line, wanted) in [
        ("o lint", LintEngine::Used(EngineFlag::None)),
        ("o lint --no-engine", LintEngine::Unused),
        ("o lint -H x", LintEngine::Used(EngineFlag::Host("x".to_owned()))),
        ("o lint --builder x", LintEngine::Used(EngineFlag::Builder("x".to_owned()))),
    ] {
        let Config::Lint(config) = config(line) else { panic!("{line}") };
        assert_eq!(config.engine, wanted, "{line}");
    }
    assert_eq!(config("o completions powershell"), Config::Completions(Shell::PowerShell));
    assert_eq!(config("o man --out a"), Config::Man(Some("a".into())));
}

#[test]
fn help_and_mistakes_are_usage() {
    for (line, is_unknown_flag) in
        [("o", false), ("o --help", false), ("o plan --nope x", true), ("o plan -f", false)]
    {
        match parsed(line) {
            Err(ParseError::Usage(usage)) => {
                assert_eq!(usage.is_unknown_flag(), is_unknown_flag, "{line}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}
