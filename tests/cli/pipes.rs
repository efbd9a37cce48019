//! Cases that a transcript cannot show: pipes, and the separation of stdout and stderr.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Stdio;

use crate::program::onebuild;

/// A matrix of many cells, so that its plan is larger than a pipe's buffer.
fn large(folder: &Path) {
    let text = "image: me/app\ntag: v<%n%>\nplatforms: linux/amd64\naxes: { n: 1..5000 }\n";
    fs::write(folder.join("matrix.yaml"), text).expect("a matrix to write");
    fs::write(folder.join("Dockerfile"), "FROM a:<%n%>\n").expect("a template to write");
}

#[test]
fn a_reader_that_closes_the_pipe_early_is_not_an_error() {
    let folder = tempfile::tempdir().unwrap();
    large(folder.path());
    for args in [&["plan"][..], &["plan", "--format", "json"], &["render"]] {
        let mut command = onebuild(folder.path());
        let mut child =
            command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 4];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        let counts = if args == ["plan"] { "5000 cells, 5000 images, 1 platform\n" } else { "" };
        assert_eq!(String::from_utf8_lossy(&output.stderr), counts, "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
    }
}

#[test]
fn a_dockerfile_keeps_its_bytes_that_are_not_utf8() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("matrix.yaml"), MATRIX).unwrap();
    let of =
        |base: &str| [base.as_bytes(), b"# caf\xe9 \xff\nENV A=\"\xe2\x82\" B=\xc3\xa9\n"].concat();
    fs::write(folder.path().join("Dockerfile"), of("FROM a:<%v%>\n")).unwrap();
    let run = |line: &str| onebuild(folder.path()).args(line.split(' ')).output().unwrap();
    assert_eq!(run("render 2").stdout, of("FROM a:2\n"));
    assert_eq!(run("render --out out").status.code(), Some(0));
    assert_eq!(fs::read(folder.path().join("out/2.Dockerfile")).unwrap(), of("FROM a:2\n"));
    assert_eq!(run("render --out out --check").status.code(), Some(0));
    fs::write(folder.path().join("out/2.Dockerfile"), of("FROM b:2\n")).unwrap();
    let diff = String::from_utf8(run("render --out out --check").stdout).unwrap();
    assert!(diff.contains("-FROM b:2\n+FROM a:2\n # caf\u{fffd} \u{fffd}\n"), "{diff}");
}

/// Short outputs fit into a pipe: if the reader is gone before the start, their first byte fails.
#[test]
fn a_closed_pipe_is_not_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("matrix.yaml"), MATRIX).unwrap();
    fs::write(folder.path().join("Dockerfile"), "FROM a:<%v%>\n").unwrap();
    for line in [
        "--help",
        "--version",
        "plan --help",
        "plan",
        "plan --format json",
        "render",
        "explain 2",
        "completions bash",
        "man",
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = onebuild(folder.path()).args(line.split(' ')).stdout(writer).output().unwrap();
        let counts = if line == "plan" { "2 cells, 2 images, 1 platform\n" } else { "" };
        assert_eq!(String::from_utf8_lossy(&output.stderr), counts, "{line}");
        assert_eq!(output.status.code(), Some(0), "{line}");
    }
}

#[test]
fn errors_have_no_colour_in_a_pipe_unless_it_is_requested() {
    let folder = tempfile::tempdir().unwrap();
    for (set, coloured) in [
        (&[][..], false),
        (&[("NO_COLOR", "1")], false),
        (&[("TERM", "xterm-256color")], false),
        (&[("CLICOLOR", "1"), ("TERM", "xterm")], false),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        let mut command = onebuild(folder.path());
        let output = command.arg("plan").envs(set.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(4));
        assert_eq!(output.stderr.contains(&b'\x1b'), coloured, "{set:?}");
    }
}

#[test]
fn data_goes_to_stdout_and_warnings_to_stderr() {
    let folder = tempfile::tempdir().unwrap();
    large(folder.path());
    let mut text = fs::read_to_string(folder.path().join("matrix.yaml")).unwrap();
    text += "exclude: [{ n: 7777 }]\n";
    fs::write(folder.path().join("matrix.yaml"), text).unwrap();
    let output = onebuild(folder.path()).args(["plan", "--format", "json"]).output().unwrap();
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["cells"].as_array().unwrap().len(), 5000);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("warning: this rule matches no value of `n`"), "{stderr}");
    assert_eq!(stderr.matches("warning:").count(), 1, "{stderr}");
}

#[test]
fn a_full_disk_below_stdout_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    large(folder.path());
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = onebuild(folder.path()).arg("plan").stdout(full).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert!(stderr.starts_with("error: stdout cannot be written"), "{stderr}");
}

#[test]
fn the_error_for_a_full_disk_names_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    large(folder.path());
    // Only root could mount a small disk; the file size limit fails in the same place.
    for args in ["render --n 1 --out out", "man --out out", "init --force"] {
        let script = format!("trap '' XFSZ; ulimit -f 0; exec onebuild {args}");
        let script = script.replace("onebuild", env!("CARGO_BIN_EXE_onebuild"));
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", &script]).current_dir(folder.path()).env_clear();
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{args}: {stderr}");
        assert!(stderr.contains("cannot be written: file too large"), "{args}: {stderr}");
        assert!(stderr.contains("raise the file size limit"), "{args}: {stderr}");
    }
}

const MATRIX: &str = "image: me/app\ntag: <%v%>\nplatforms: linux/amd64\naxes: { v: [1, 2] }\n";

/// Runs with `text` on stdin.
fn with_stdin(folder: &Path, args: &[&str], text: &[u8]) -> std::process::Output {
    let mut command = onebuild(folder);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = text.to_vec();
    // It may be longer than what is read.
    let writing = std::thread::spawn(move || stdin.write_all(&text));
    let output = child.wait_with_output().unwrap();
    let _ = writing.join().unwrap();
    output
}

#[test]
fn a_matrix_on_stdin_is_read_once_and_its_paths_start_here() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Dockerfile"), "FROM a\n").unwrap();
    fs::write(folder.path().join("base.yaml"), MATRIX).unwrap();
    for file in ["-", "/dev/stdin", "/proc/self/fd/0"] {
        for (args, text) in [
            (&["plan", "--v", "2", "-f", file][..], MATRIX),
            (&["render", "--v", "2", &format!("--file={file}")], MATRIX),
            (&["lint", "--no-engine", &format!("-f{file}")], MATRIX),
            (&["explain", "2", "-f", file], "extends: base.yaml\n"),
        ] {
            let output = with_stdin(folder.path(), args, text.as_bytes());
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{args:?}\n{stderr}");
        }
    }
    let output = with_stdin(folder.path(), &["plan", "-f", "-"], b"image: [\n");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("--> -:"), "{stderr}");
}

#[test]
fn a_named_pipe_of_the_command_line_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Dockerfile"), "FROM a\n").unwrap();
    crate::program::shell(folder.path(), "mkdir sub; mkfifo sub/pipe");
    let mut command = onebuild(folder.path());
    command.args(["plan", "--v", "2", "-f", "sub/pipe"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Opening waits for the reader; a second reader would wait forever.
    fs::write(folder.path().join("sub/pipe"), MATRIX).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
}

#[test]
fn a_matrix_on_stdin_that_never_ends_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let endless = vec![b'#'; 5 << 20];
    let output = with_stdin(folder.path(), &["plan", "-f", "-"], &endless);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("larger than 4 MiB"), "{stderr}");
}

#[test]
fn a_named_pipe_in_place_of_a_file_of_the_environment_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    large(folder.path());
    crate::program::shell(
        folder.path(),
        "mkdir -p cache login out tls; for pipe in key cache/index.json login/config.json \
         out/v1.Dockerfile tls/ca.pem; do mkfifo $pipe; done",
    );
    let build = ["build", "--n", "1"];
    for (args, set, said) in [
        (&["--ssh", "default=key"][..], None, "key: it is a named pipe, not a regular file"),
        (
            &["--cache-from", "type=local,src=cache"],
            None,
            "cache/index.json: it is a named pipe, not a regular file",
        ),
        (
            &[],
            Some(("DOCKER_CONFIG", "login")),
            "config file login/config.json: it is a named pipe, not a regular file",
        ),
        (
            &["-H", "tcp://127.0.0.1:1"],
            Some(("DOCKER_CERT_PATH", "tls")),
            "tls/ca.pem: it is a named pipe, not a regular file",
        ),
    ] {
        let mut command = onebuild(folder.path());
        command.args(build).args(args).env("DOCKER_HOST", "unix:///nowhere.sock").envs(set);
        if set.is_some_and(|(name, _)| name == "DOCKER_CERT_PATH") {
            command.env_remove("DOCKER_HOST").env("DOCKER_TLS_VERIFY", "1");
        }
        let output = crate::program::within_a_minute(command);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{args:?} {set:?}\n{stderr}");
        assert!(stderr.contains(said), "{args:?} {set:?}\n{stderr}");
    }
    let mut command = onebuild(folder.path());
    command.args(["render", "--n", "1", "--out", "out", "--check"]);
    let output = crate::program::within_a_minute(command);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("it is a named pipe, not a regular file"), "{stderr}");
}
