//! The files around the code are consistent: versions, commands and scripts that are named in more
//! than one place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names and contents of the scripts in a directory.
fn scripts(directory: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let entries = fs::read_dir(path).expect("a directory").map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.file_type().expect("a type").is_file());
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("a name");
    let mut names: Vec<String> = files
        .filter(|entry| entry.metadata().expect("a file").permissions().mode() & 0o111 != 0)
        .map(name)
        .collect();
    names.sort();
    assert!(!names.is_empty(), "no scripts in {directory}");
    names.into_iter().map(|name| (name.clone(), read(&format!("{directory}/{name}")))).collect()
}

#[test]
fn the_oldest_supported_rust_is_the_one_that_ci_builds_with() {
    let oldest = env!("CARGO_PKG_RUST_VERSION");
    let image = format!("image: rust:{oldest}-bookworm");
    let workflow = read(".github/workflows/ci.yml");
    let images: Vec<&str> = workflow.lines().filter(|line| line.contains("image: rust:")).collect();
    assert!(!images.is_empty() && images.iter().all(|line| line.ends_with(&image)), "{images:?}");
    let readme = read("README.md");
    let named: Vec<&str> = readme.split("Rust 1.").skip(1).collect();
    assert!(!named.is_empty(), "README.md does not name the oldest supported Rust");
    for rest in named {
        let version = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
        assert_eq!(format!("1.{version}"), oldest, "README.md: Rust 1.{rest:.20}");
    }
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let run = read(".ci/run");
    assert!(read("README.md").contains("tests/lab/test"));
    assert!(run.lines().any(|line| line.starts_with("tests/lab/test")), "{run}");
    assert!(read(".github/workflows/ci.yml").contains("- run: .ci/run\n"));
}

/// `CARGO_TARGET_DIR` and cargo's configuration determine the paths of programs.
#[test]
fn no_script_assumes_where_cargo_builds() {
    for directory in ["tests/lab", "tests/lab/lib", ".ci"] {
        for (name, text) in scripts(directory) {
            assert!(!text.contains("/release/onebuild"), "{directory}/{name}");
            assert!(!text.contains("/debug/onebuild"), "{directory}/{name}");
        }
    }
    for file in fs::read_dir("tests/lab/bench.d").expect("a directory") {
        let path = file.expect("an entry").path();
        let python = path.extension().is_some_and(|extension| extension == "py");
        assert!(!python || !read(&path.to_string_lossy()).contains("target/"), "{path:?}");
    }
}

#[test]
fn every_script_of_the_lab_is_described() {
    let readme = read("tests/lab/README.md");
    let contributing = read("CONTRIBUTING.md");
    for (name, text) in scripts("tests/lab") {
        assert!(readme.contains(&format!("`{name}")), "tests/lab/README.md does not name {name}");
        let campaign = text.lines().any(|line| line.starts_with("# Campaign: "));
        let listed = contributing.contains(&format!("`{name}`"));
        assert!(!campaign || listed, "CONTRIBUTING.md does not list the campaign {name}");
    }
}

/// `tests/lab/test --list` shows the comment beside each module.
#[test]
fn every_area_of_the_engine_tests_has_a_description() {
    let main = read("tests/engine/main.rs");
    let modules = main.lines().filter_map(|line| line.strip_prefix("mod "));
    let areas: Vec<&str> = modules.filter(|rest| *rest != "support;").collect();
    assert!(areas.len() > 20, "{areas:?}");
    for area in areas {
        assert!(area.contains("; // "), "tests/engine/main.rs: no comment beside `mod {area}`");
    }
}

/// The words of a text that are in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The files below `src`, or below the directory of the project, that a path names.
fn source(path: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = [root.join("src").join(path), root.join(path)].into_iter().find(|p| p.exists())?;
    if path.is_file() {
        return fs::read_to_string(path).ok();
    }
    let files =
        fs::read_dir(path).ok()?.filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok());
    Some(files.collect())
}

#[test]
fn the_architecture_page_names_files_that_exist() {
    let page = read("docs/architecture.md");
    let (_, rest) = page.split_once("## Where does a change go?").expect("the section exists");
    let (table, rest) = rest.split_once("\n## ").expect("a section follows");
    let paths: Vec<&str> = quoted(table).filter(|word| word.contains('/')).collect();
    assert!(paths.len() > 20, "{paths:?}");
    let files = quoted(rest).filter(|word| word.contains('/') && word.ends_with(".rs"));
    for path in paths.into_iter().chain(files) {
        assert!(source(path).is_some(), "docs/architecture.md: {path} does not exist");
    }
}

#[test]
fn the_constants_of_limits_are_in_the_files_that_the_page_names() {
    let page = read("docs/limits.md");
    let mut checked = 0;
    for cell in page.lines().filter_map(|line| line.strip_suffix(" |")?.rsplit_once(" | ")) {
        for place in cell.1.split(';') {
            let words: Vec<&str> = quoted(place).collect();
            let Some((path, names)) = words.split_last().filter(|(last, _)| last.contains('/'))
            else {
                continue;
            };
            let text =
                source(path).unwrap_or_else(|| panic!("docs/limits.md: {path} does not exist"));
            for name in names {
                let name = name.rsplit("::").next().expect("a name");
                assert!(text.contains(name), "docs/limits.md: {name} is not in {path}");
                checked += 1;
            }
        }
    }
    assert!(checked > 15, "{checked} constants");
}
