//! A project in its own directory: a matrix, its templates, and onebuild run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Run, Running, Store, lab_env};

/// The smallest possible axes, for tests that need one cell.
pub const ONE: &str = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1] }";

/// In a directory that the lab sees at the same path.
fn folder() -> TempDir {
    tempfile::Builder::new().prefix("onebuild-").tempdir_in("/tmp").unwrap()
}

pub struct Project {
    folder: TempDir,
    name: String,
}

impl Project {
    /// `name` keeps the project's repository separate from those of all other tests. `matrix` is
    /// the matrix without `image`, `context` and `dockerfile`.
    pub fn new(name: &str, matrix: &str, dockerfile: &str) -> Self {
        lab_env("ONEBUILD_LAB");
        Self::in_folder(folder(), name, matrix, dockerfile)
    }

    /// A project with a repository of its own in every run of the test: an image that an earlier run
    /// pushed would be `unchanged`.
    pub fn in_new_repository(name: &str, matrix: &str, dockerfile: &str) -> Self {
        lab_env("ONEBUILD_LAB");
        let folder = folder();
        let nonce = folder.path().file_name().unwrap().to_str().unwrap().to_lowercase();
        Self::in_folder(folder, &format!("{name}/{nonce}"), matrix, dockerfile)
    }

    fn in_folder(folder: TempDir, name: &str, matrix: &str, dockerfile: &str) -> Self {
        let project = Self { folder, name: name.to_owned() };
        for name in ["home", "tmp", "context"] {
            fs::create_dir(project.path(name)).unwrap();
        }
        project.matrix(matrix);
        project.file("context/Dockerfile", dockerfile);
        project
    }

    /// One cell on one platform.
    pub fn single(name: &str, dockerfile: &str) -> Self {
        Self::new(name, ONE, dockerfile)
    }

    /// Overwrites the matrix.
    pub fn matrix(&self, matrix: &str) {
        let image = self.repository();
        let head = format!("image: {image}\ncontext: context\ndockerfile: Dockerfile\n");
        self.file("matrix.yaml", &(head + matrix));
    }

    /// Writes a file and its parent directories.
    pub fn file(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// A new word: an instruction that contains it is not cached.
    pub fn nonce(&self) -> &str {
        self.folder.path().file_name().unwrap().to_str().unwrap()
    }

    /// The repository on the lab's open registry, without its host.
    pub fn repository_name(&self) -> String {
        format!("onebuild-tests/{}", self.name)
    }

    pub fn repository(&self) -> String {
        format!("{}/{}", lab_env("ONEBUILD_LAB_REGISTRY"), self.repository_name())
    }

    /// The content of it in the registry.
    pub fn store(&self) -> Store {
        Store::new(lab_env("ONEBUILD_LAB_REGISTRY"), self.repository_name())
    }

    /// onebuild in this project, with a minimal environment.
    pub fn command(&self, args: &[&str]) -> Command {
        self.program(Path::new(env!("CARGO_BIN_EXE_onebuild")), args)
    }

    /// The same with another program.
    pub fn program(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("DOCKER_HOST", lab_env("DOCKER_HOST"));
        command
    }

    pub fn start(&self, args: &[&str]) -> Running {
        Running::start(self.command(args))
    }

    /// Runs onebuild to its end.
    pub fn run(&self, args: &[&str]) -> Run {
        self.start(args).end()
    }

    /// Builds the one cell into a directory and returns it.
    pub fn tree(&self, args: &[&str]) -> PathBuf {
        let tree = self.path("tree");
        if tree.exists() {
            fs::remove_dir_all(&tree).unwrap();
        }
        let output = format!("type=local,dest={}", tree.display());
        self.run(&[&["build", "--output", &output], args].concat()).success();
        tree
    }

    /// Builds the one cell and reads a file of it.
    pub fn built(&self, file: &str, args: &[&str]) -> String {
        let path = self.tree(args).join(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}
