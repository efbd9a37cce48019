//! A container of the lab's engine.

use crate::support::{Run, Running, docker, lab_script};

/// A running container, which is removed with its volumes when this is dropped.
pub struct Container {
    id: String,
}

impl Container {
    /// `docker run --detach` with further `args`.
    pub fn start(args: &[&str]) -> Self {
        let id = docker(&[&["run", "--detach", "--quiet"], args].concat());
        Self { id: id.trim().to_owned() }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Runs a command in it.
    pub fn attempt(&self, command: &[&str]) -> Run {
        let mut exec = lab_script("in");
        exec.args(["docker", "exec", &self.id]).args(command);
        Running::start(exec).end()
    }

    /// Runs a command in it that must succeed; returns its stdout.
    #[track_caller]
    pub fn exec(&self, command: &[&str]) -> String {
        self.attempt(command).success().stdout
    }

    /// The output of `docker inspect` in this format.
    pub fn inspect(&self, format: &str) -> String {
        docker(&["inspect", "--format", format, &self.id]).trim().to_owned()
    }

    /// Its address on the engine's bridge.
    pub fn address(&self) -> String {
        self.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
    }

    /// Copies a file or directory into it.
    pub fn receive(&self, from: &str, to: &str) {
        docker(&["cp", "--quiet", from, &format!("{}:{to}", self.id)]);
    }

    /// Copies a file or directory out of it.
    pub fn give(&self, from: &str, to: &str) {
        docker(&["cp", "--quiet", &format!("{}:{from}", self.id), to]);
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let mut remove = lab_script("in");
        remove.args(["docker", "rm", "--force", "--volumes", &self.id]);
        let removed = remove.output();
        assert!(
            removed.is_ok_and(|output| output.status.success()) || std::thread::panicking(),
            "the container {} was not removed",
            self.id
        );
    }
}
