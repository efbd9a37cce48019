//! A directory, and onebuild in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub struct Project(TempDir);

/// The result of running onebuild.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Project {
    pub fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Two systems and two versions, with one template for each system.
    pub fn family() -> Self {
        let project = Self::empty();
        project.file(
            "matrix.yaml",
            "image: me/app\ntag: <%version%>-<%os%>\nplatforms: [linux/amd64, linux/arm64]\n\
             context: templates\ndockerfile: <%os%>/Dockerfile\n\
             axes: { os: [ubuntu, alpine], version: 1.0..1.1 }\n",
        );
        project.file("templates/ubuntu/Dockerfile", "FROM ubuntu:24.04\nRUN echo <%version%>\n");
        project.file("templates/alpine/Dockerfile", "FROM alpine\n\tRUN echo <%version%>\n");
        project
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub fn file(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub fn run(&self, args: &[&str]) -> Run {
        Run::of(Command::new(env!("CARGO_BIN_EXE_onebuild")).args(args), self.0.path())
    }
}

impl Run {
    pub fn of(command: &mut Command, folder: &Path) -> Self {
        Self::with(command, folder, &[])
    }

    /// Runs it with these variables, in a minimal environment.
    pub fn with(command: &mut Command, folder: &Path, variables: &[(&str, &str)]) -> Self {
        let command = command.current_dir(folder).env_clear().env("HOME", folder);
        let command = command.envs(variables.iter().copied());
        // There must be no engine, even if this machine has one.
        let output = command.env("DOCKER_HOST", "unix:///nowhere/docker.sock").output().unwrap();
        let Output { status, stdout, stderr } = output;
        Self {
            code: status.code().unwrap_or(-1),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "{part}\n{}", self.stderr);
        }
        self
    }
}
