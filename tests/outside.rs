//! Inputs of the matrix from outside of its own files: values over HTTP, Git metadata. Runs the
//! real binary; the test provides the servers.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Output};
use std::thread::{self, JoinHandle};

/// Answers this many requests with these bytes, and ends.
fn server(requests: usize, body: &'static str) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move || {
        for _ in 0..requests {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
            let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
        }
    };
    (address, thread::spawn(serve))
}

fn folder(axes: &str, more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let matrix = format!(
        "image: me/app\ntag: <%version%>\nplatforms: linux/amd64\naxes: {{ version: {axes} }}\n{more}"
    );
    std::fs::write(folder.path().join("matrix.yaml"), matrix).unwrap();
    std::fs::write(folder.path().join("Dockerfile"), "FROM alpine:3.20\n").unwrap();
    folder
}

/// Runs the program in an environment with only a home directory and the PATH to Git.
fn onebuild(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_onebuild"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder.join("home"))
        .env("PATH", std::env::var_os("PATH").unwrap())
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn versions_are_fetched_once_and_kept_for_the_time_without_a_network() {
    let releases = r#"[{"tag_name":"v2.0.9"},{"tag_name":"v2.0.10"},{"tag_name":"v2.0.8"}]"#;
    let (address, serving) = server(1, releases);
    let from = format!(
        "{{ from: \"http://{address}/r\", path: \".[].tag_name\", pattern: v<version>, limit: 2 }}"
    );
    let folder = folder(&from, "");
    let (code, cells, notes) = told(&onebuild(folder.path(), &["plan"], &[]));
    assert_eq!(code, Some(0), "{notes}");
    let names: Vec<&str> = cells.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["cell", "2.0.9", "2.0.10"]);
    assert!(notes.contains("note: version: 2.0.9, 2.0.10, read from http://"), "{notes}");
    serving.join().unwrap();

    // The server is gone.
    let (code, nothing, error) = told(&onebuild(folder.path(), &["plan"], &[]));
    assert_eq!((code, nothing.as_str()), (Some(4), ""), "{error}");
    assert!(error.contains("--> matrix.yaml:4:26"), "{error}");
    assert!(error.contains("connection refused") && error.contains("--offline"), "{error}");
    let (code, kept, error) = told(&onebuild(folder.path(), &["plan", "--offline"], &[]));
    assert_eq!((code, kept), (Some(0), cells), "{error}");
    // Neither help nor the flags of the axes need it.
    assert_eq!(onebuild(folder.path(), &["plan", "--help"], &[]).status.code(), Some(0));

    let elsewhere = [("XDG_CACHE_HOME", "/nonexistent")];
    let output = onebuild(folder.path(), &["plan", "--offline"], &elsewhere);
    let (code, _, error) = told(&output);
    assert_eq!(code, Some(4));
    assert!(error.contains("it is not in the cache"), "{error}");
}

#[test]
fn a_servers_answer_can_only_become_a_version() {
    let long: &str = Box::leak(format!("1.{}\n", "0".repeat(127)).into_boxed_str());
    for body in ["1.0\nRUN rm -rf /\n", "../../etc/passwd\n", "1.0\u{1b}[2J\n", "-v\n", long] {
        let (address, serving) = server(1, body);
        let folder = folder(&format!("{{ from: \"http://{address}/latest\" }}"), "");
        let (code, cells, error) = told(&onebuild(folder.path(), &["render"], &[]));
        serving.join().unwrap();
        assert_eq!((code, cells.as_str()), (Some(3), ""), "{error}");
        assert!(error.contains("cannot be part of a tag") && !error.contains('\u{1b}'), "{error}");
    }
}

#[test]
fn a_file_with_versions_is_relative_to_the_matrix() {
    let folder = folder("{ from: versions.txt }", "");
    std::fs::write(folder.path().join("versions.txt"), "2\n1\n").unwrap();
    let sub = folder.path().join("sub");
    std::fs::create_dir(&sub).unwrap();
    let (code, cells, error) = told(&onebuild(&sub, &["plan", "--file", "../matrix.yaml"], &[]));
    assert_eq!((code, cells.lines().count()), (Some(0), 3), "{error}");
    std::fs::remove_file(folder.path().join("versions.txt")).unwrap();
    let (code, _, error) = told(&onebuild(folder.path(), &["plan"], &[]));
    assert_eq!(code, Some(4));
    assert!(error.contains("relative to matrix.yaml"), "{error}");
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity =
        ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"];
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(identity).args(arguments);
    command.env("GIT_COMMITTER_DATE", "1700000000 +0200").env("GIT_CONFIG_GLOBAL", "/dev/null");
    assert!(command.output().unwrap().status.success(), "git {arguments:?}");
}

#[test]
fn labels_contain_the_commit_but_never_a_password() {
    let folder = folder("[1]", "labels: auto\n");
    let at = folder.path();
    git(at, &["init", "-q"]);
    git(at, &["remote", "add", "origin", "https://me:hunter2@git.example/me/app.git"]);
    git(at, &["add", "matrix.yaml", "Dockerfile"]);
    git(at, &["commit", "-q", "-m", "first"]);
    let labels = |environment: &[(&str, &str)]| {
        let (code, json, error) = told(&onebuild(at, &["plan", "--format", "bake"], environment));
        assert_eq!((code, error.as_str()), (Some(0), ""));
        assert!(!json.contains("hunter2"), "{json}");
        json
    };
    let json = labels(&[]);
    for wanted in [
        r#"image.created": "2023-11-14T22:13:20Z""#,
        r#"image.source": "https://git.example/me/app""#,
        r#"image.base.name": "docker.io/library/alpine:3.20""#,
    ] {
        assert!(json.contains(wanted), "{wanted}\n{json}");
    }
    assert!(!json.contains("-dirty"), "{json}");
    let json = labels(&[("SOURCE_DATE_EPOCH", "0")]);
    assert!(json.contains("1970-01-01T00:00:00Z"), "{json}");
    std::fs::write(at.join("Dockerfile"), "FROM alpine:3.21\n").unwrap();
    assert!(labels(&[]).contains("-dirty"));
    let (code, _, error) = told(&onebuild(at, &["plan"], &[("SOURCE_DATE_EPOCH", "today")]));
    assert_eq!(code, Some(2), "{error}");
}

#[test]
fn without_git_there_is_a_warning_which_is_an_error_with_strict() {
    let folder = folder("[1]", "labels: auto\n");
    let (code, _, warning) = told(&onebuild(folder.path(), &["plan"], &[("PATH", "/nonexistent")]));
    assert_eq!(code, Some(0));
    assert!(warning.starts_with("warning: there is no Git commit"), "{warning}");
    assert!(warning.contains("--> matrix.yaml:5:9"), "{warning}");
    let (code, table, error) = told(&onebuild(folder.path(), &["plan", "--strict"], &[]));
    assert_eq!((code, table.lines().count()), (Some(3), 2), "{table}");
    assert!(error.starts_with("error: there is no Git commit"), "{error}");
    let json = ["plan", "--strict", "--format", "json"];
    let (code, nothing, _) = told(&onebuild(folder.path(), &json, &[]));
    assert_eq!((code, nothing.as_str()), (Some(3), ""));
}

#[test]
fn a_repository_of_another_user_is_named_with_the_command_that_trusts_it() {
    let folder = folder("[1]", "labels: auto\n");
    let at = folder.path();
    git(at, &["init", "-q"]);
    git(at, &["add", "matrix.yaml", "Dockerfile"]);
    git(at, &["commit", "-q", "-m", "first"]);
    let path = at.canonicalize().unwrap();
    let command = format!("git config --global --add safe.directory {}", path.display());
    // Git's own tests set this variable.
    let other = [("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1"), ("LC_ALL", "de_DE.UTF-8")];
    for (args, code) in [(&["plan"][..], 0), (&["plan", "--strict"], 3)] {
        let (found, _, said) = told(&onebuild(at, args, &other));
        assert_eq!(found, Some(code), "{said}");
        assert!(said.contains("Git does not read this repository"), "{said}");
        assert!(said.contains("--> matrix.yaml:5:9") && said.contains(&command), "{said}");
        assert!(!said.contains("no Git commit"), "{said}");
    }
}

#[test]
fn a_plan_names_the_variables_that_are_sent_without_their_values() {
    let (address, serving) = server(1, "1.0\n");
    let axis = format!("{{ from: \"http://{address}/\", token: {{ env: MY_TOKEN }} }}");
    let folder = folder(&axis, "secrets: { s: { env: MY_SECRET, optional: true } }\n");
    let environment = [("MY_TOKEN", "hunter2"), ("MY_SECRET", "hunter3")];
    let (code, table, notes) = told(&onebuild(folder.path(), &["plan"], &environment));
    serving.join().unwrap();
    assert_eq!(code, Some(0), "{notes}");
    let note = "note: environment variables that the matrix reads: MY_SECRET, MY_TOKEN\n";
    assert!(notes.contains(note), "{notes}");
    assert!(!(notes + &table).contains("hunter"), "a value is shown");
}

#[test]
fn files_are_merged() {
    let folder = folder("[1, 2]", "");
    let at = folder.path();
    std::fs::rename(at.join("matrix.yaml"), at.join("base.yaml")).unwrap();
    std::fs::write(at.join("matrix.yaml"), "extends: base.yaml\nexclude: [{ version: 1 }]\n")
        .unwrap();
    let (code, cells, error) = told(&onebuild(at, &["plan"], &[]));
    assert_eq!((code, cells.lines().count()), (Some(0), 2), "{error}");
    std::fs::write(at.join("matrix.yaml"), "extends: [base.yaml, bsae.yaml]\n").unwrap();
    let (code, _, error) = told(&onebuild(at, &["plan"], &[]));
    assert_eq!(code, Some(3));
    assert!(error.contains("--> matrix.yaml:1:22") && error.contains("bsae.yaml"), "{error}");
}
