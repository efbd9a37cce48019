//! The lab: its addresses and its scripts.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Run, Running};

/// A variable of the lab.
pub fn lab_env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run tests/lab/up, then eval \"$(tests/lab/env)\"")
    })
}

/// A script of tests/lab, with the same environment for the location of its state.
pub fn lab_script(name: &str) -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab").join(name))
}

/// The lab's directory.
pub fn lab_dir() -> PathBuf {
    lab_env("ONEBUILD_LAB_STATE").into()
}

/// Runs Debian's `docker` in the lab to its end.
pub fn docker_run(args: &[&str]) -> Run {
    let mut command = lab_script("in");
    command.arg("docker").args(args);
    Running::start(command).end()
}

/// The same for a command that must succeed; returns its stdout.
pub fn docker(args: &[&str]) -> String {
    docker_run(args).success().stdout
}

/// Running build commands of the engine that contain `word`; the engine's processes are visible on
/// this machine.
pub fn commands_with(word: &str) -> usize {
    processes(|process| {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(word)
    })
}

/// Running processes whose current directory is `folder`: those that a project started, and their children.
pub fn processes_in(folder: &Path) -> usize {
    let folder = folder.canonicalize().unwrap();
    processes(|process| std::fs::read_link(process.join("cwd")).is_ok_and(|at| at == folder))
}

fn processes(is_one: impl Fn(&Path) -> bool) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let is_process = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.bytes().all(|c| c.is_ascii_digit())
    };
    entries.filter(|path| is_process(path) && is_one(path)).count()
}

/// A further engine, which ends when this is dropped.
pub struct StartedEngine {
    name: &'static str,
    pub host: String,
}

/// Starts the engine `name` with further `args`.
pub fn started_engine(name: &'static str, args: &[&str]) -> StartedEngine {
    started(name, args, &[])
}

/// Starts the engine `name` with further variables in its environment.
pub fn engine_with(name: &'static str, variables: &[(&str, &str)]) -> StartedEngine {
    started(name, &[], variables)
}

fn started(name: &'static str, args: &[&str], variables: &[(&str, &str)]) -> StartedEngine {
    lab_env("ONEBUILD_LAB");
    let script = |words: &[&str]| -> Run {
        let mut command = lab_script("engine");
        command.args(words).envs(variables.iter().copied());
        Running::start(command).end().success()
    };
    let socket = script(&["socket", name]).stdout;
    // Before it is started, so that an engine that fails to start is removed too.
    let engine = StartedEngine { name, host: format!("unix://{}", socket.trim()) };
    script(&[&["start", name], args].concat());
    engine
}

impl Drop for StartedEngine {
    fn drop(&mut self) {
        let removed = lab_script("engine").args(["remove", self.name]).status();
        assert!(
            removed.is_ok_and(|status| status.success()) || std::thread::panicking(),
            "the engine {} was not removed",
            self.name
        );
    }
}
