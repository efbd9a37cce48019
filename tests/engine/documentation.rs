//! The README and the pages in `docs/`: commands that need an engine are run against the lab.
//!
//! A `console engine` block shows commands with their output. Digests, times and counts of cached
//! steps are not compared, and a line `…` matches any number of lines. Each build in a `bash` block
//! must succeed. `localhost:5000` is replaced by the lab's registry and a path of this run: no earlier
//! run pushed to it.

#[path = "../cli/fence.rs"]
mod fence;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fence::{Fence, Piece, builds, pieces};

use crate::support::{Run, Running, lab_env};

/// The registry in the pages.
const REGISTRY: &str = "localhost:5000";

/// The directory of a page's examples.
struct Workspace {
    folder: tempfile::TempDir,
    /// Names in the page, and their replacements in the lab.
    replaced: Vec<(&'static str, String)>,
}

impl Workspace {
    fn new(replaced: &[(&'static str, String)]) -> Self {
        // The lab sees /tmp at the same path.
        let folder = tempfile::Builder::new().prefix("onebuild-docs-").tempdir_in("/tmp").unwrap();
        let workspace = Self { folder, replaced: replaced.to_vec() };
        // Programs on the PATH, so that `NAME=value onebuild` works too.
        let bin = workspace.path("bin");
        fs::create_dir_all(workspace.path("home")).unwrap();
        fs::create_dir_all(workspace.path("project")).unwrap();
        fs::create_dir_all(&bin).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_onebuild"), bin.join("onebuild")).unwrap();
        let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/in");
        let docker = format!("#!/bin/sh\nexec {} docker \"$@\"\n", lab.display());
        fs::write(bin.join("docker"), docker).unwrap();
        fs::set_permissions(bin.join("docker"), fs::Permissions::from_mode(0o755)).unwrap();
        workspace
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, fence: &Fence) {
        let path = self.path("project").join(&fence.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, self.replaced_in(&fence.body)).unwrap();
    }

    /// A page's text with the names of the lab.
    fn replaced_in(&self, text: &str) -> String {
        self.replaced.iter().fold(text.to_owned(), |text, (page, here)| text.replace(page, here))
    }

    /// Runs a line in a shell.
    fn run(&self, line: &str) -> Run {
        let mut command = Command::new("/bin/sh");
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.path("bin").display());
        command
            .args(["-c", &format!("{} 2>&1", self.replaced_in(line))])
            .current_dir(self.path("project"))
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("DOCKER_HOST", lab_env("DOCKER_HOST"));
        for name in ["ONEBUILD_LAB_DIR", "XDG_STATE_HOME"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        Running::start(command).end()
    }
}

/// `text` without the parts that differ from run to run.
fn compared(text: &str, replaced: &[(&str, String)]) -> Vec<String> {
    let text = replaced.iter().fold(text.to_owned(), |text, (page, here)| text.replace(here, page));
    // The lab's engine does not turn forwarding on, so docker's warning depends on the machine.
    let lines =
        text.lines().filter(|line| !line.starts_with("WARNING: IPv4 forwarding is disabled"));
    lines.map(|line| line_compared(line.trim_end())).collect()
}

fn line_compared(line: &str) -> String {
    let is_time = |word: &str| {
        let word = word.trim_end_matches(',');
        word.starts_with(|c: char| c.is_ascii_digit())
            && word.ends_with(['s', 'm'])
            && word.chars().all(|c| c.is_ascii_digit() || ".hms".contains(c))
    };
    let mut words: Vec<&str> = Vec::new();
    let mut rest = line.split_whitespace().peekable();
    while let Some(word) = rest.next() {
        let is_number = |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_digit());
        if word.contains("sha256:") {
            words.push("DIGEST");
        } else if is_time(word) {
            words.push("TIME");
        } else if is_number(word) && rest.peek() == Some(&"of") {
            words.push("CACHED");
            rest.next();
            rest.next();
        } else {
            words.push(word);
        }
    }
    words.join(" ")
}

/// Whether the output matches `shown`, in which `…` is any number of lines.
fn matches(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line == "…" => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        Some((line, rest)) => printed.first() == Some(line) && matches(rest, &printed[1..]),
    }
}

/// Runs a session; returns the first command whose output differs from the page.
fn mismatch(workspace: &Workspace, fence: &Fence) -> Option<String> {
    let mut sessions: Vec<(&str, String)> = Vec::new();
    for line in fence.body.lines() {
        match (line.strip_prefix("$ "), sessions.last_mut()) {
            (Some(command), _) => sessions.push((command, String::new())),
            (None, Some((_, shown))) => *shown += &format!("{line}\n"),
            (None, None) => panic!("a session begins with a command: {line}"),
        }
    }
    for (command, shown) in sessions {
        let run = workspace.run(command);
        let mut printed = run.stdout.clone();
        if run.code != 0 {
            printed += &format!("[exit {}]\n", run.code);
        }
        let shown_lines = compared(&shown, &workspace.replaced);
        if !matches(&shown_lines, &compared(&printed, &workspace.replaced)) {
            return Some(format!("$ {command}\n--- the page\n{shown}--- printed\n{printed}"));
        }
    }
    None
}

fn count(text: &str) -> usize {
    text.matches('\n').count()
}

/// Runs the commands of a page, in order.
fn page(name: &str, further: &[(&'static str, &str)]) {
    let nonce = tempfile::Builder::new().prefix("docs-").tempdir_in("/tmp").unwrap();
    let nonce = nonce.path().file_name().unwrap().to_str().unwrap().to_lowercase();
    let registry = format!("{}/{nonce}", lab_env("ONEBUILD_LAB_REGISTRY"));
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let further = further.iter().map(|(page, here)| (*page, here.replace("REGISTRY", &registry)));
    let mut replaced: Vec<_> = further.collect();
    replaced.push((REGISTRY, registry.clone()));
    replaced.push(("unix:///var/run/docker.sock", lab_env("DOCKER_HOST")));
    let mut shared: Vec<Fence> = Vec::new();
    let mut workspace = Workspace::new(&replaced);
    let mut in_section = false;
    let mut ran = 0;
    let mut line = 1;
    for piece in pieces(&text) {
        let at = line;
        line += match &piece {
            Piece::Section => 0,
            Piece::Line(line) => count(line),
            Piece::Fence(fence, open, close) => count(open) + count(&fence.body) + count(close),
        };
        match piece {
            Piece::Line(_) => {}
            Piece::Section => {
                in_section = true;
                workspace = Workspace::new(&replaced);
                shared.iter().for_each(|fence| workspace.write(fence));
            }
            Piece::Fence(fence, ..) if fence.needs_engine() => {
                ran += 1;
                if let Some(difference) = mismatch(&workspace, &fence) {
                    panic!("{name}:{at}: {difference}");
                }
            }
            Piece::Fence(fence, ..) if fence.is_list() => {
                for command in fence.commands().filter(|command| builds(command)) {
                    ran += 1;
                    workspace.run(command).success();
                }
            }
            Piece::Fence(fence, ..) if fence.is_file() => {
                workspace.write(&fence);
                if !in_section {
                    shared.push(fence);
                }
            }
            Piece::Fence(..) => {}
        }
    }
    assert!(ran > 0, "{name} runs nothing");
}

#[test]
fn the_tutorial_can_be_followed() {
    page("docs/tutorial.md", &[]);
}

#[test]
fn the_readme_can_be_followed() {
    // One version instead of fourteen: 6 images instead of 84.
    page("README.md", &[("ghcr.io/acme", "REGISTRY/acme"), ("2.0.0..2.0.13", r#"["2.0.13"]"#)]);
}

#[test]
fn parts_that_differ_from_run_to_run_are_not_compared() {
    let row = |time, digest, cached| {
        line_compared(&format!(" ✓ a  amd64  {time}  {digest}  {cached} of 3  pushed"))
    };
    assert_eq!(row("1m29s", "sha256:2fe8", "0"), row("820ms", "sha256:aaaa", "3"));
    assert_ne!(line_compared("2 pushed, in 1.2s"), line_compared("3 pushed, in 1.2s"));
    let lines = |text: &str| compared(text, &[]);
    assert!(matches(&lines("a\n…\nd\n"), &lines("a\nb\nc\nd\n")));
    assert!(!matches(&lines("a\n…\nd\n"), &lines("a\nb\n")));
    assert!(!matches(&lines("a\n"), &lines("a\nb\n")));
}
