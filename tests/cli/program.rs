//! Runs the program in a minimal environment.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// onebuild in `folder`, with no environment except a home directory, which is the same directory.
pub fn onebuild(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onebuild"));
    command.current_dir(folder).env_clear().env("HOME", folder).env("PATH", "");
    command.stdin(Stdio::null());
    command
}

/// Runs a line such as `NAME=value onebuild plan --only "os=alpine"`.
pub fn run(folder: &Path, line: &str) -> Output {
    let words = words(line);
    let mut words = words.iter().map(String::as_str).peekable();
    let mut command = onebuild(folder);
    while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
        command.env(name, value);
        words.next();
    }
    assert_eq!(words.next(), Some("onebuild"), "a transcript runs onebuild alone: {line}");
    command.args(words).output().expect("onebuild starts")
}

/// Prepares a directory with files that a transcript cannot contain: links, bytes, sizes.
pub fn shell(folder: &Path, script: &str) {
    let mut command = Command::new("/bin/sh");
    command.args(["-euc", script]).current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin");
    let output = command.output().expect("a shell starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{stderr}");
}

/// Words as a shell splits them, including quotes; `\n` and `\e` are those of `printf`.
pub fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let line = line.replace("\\n", "\n").replace("\\e", "\u{1b}");
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, ' ') => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Runs `command` to its end, and kills it after a minute, so that a hanging test fails.
pub fn within_a_minute(mut command: Command) -> Output {
    let started = std::time::Instant::now();
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    while child.try_wait().expect("a child can be waited for").is_none() {
        if started.elapsed().as_secs() >= 60 {
            child.kill().expect("a child can be killed");
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.wait_with_output().expect("a child has an output")
}
