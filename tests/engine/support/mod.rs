//! What the tests stand on: the lab, a project in a folder of its own, and eyes that are not ours.

mod lab;
mod pictures;
mod project;
mod run;
mod store;

pub use lab::{commands_with, docker, docker_run, lab_dir, lab_env, lab_script, started_engine};
pub use pictures::{listing, paths_below};
pub use project::{ONE, Project};
pub use run::{Run, Running, alone, until};
pub use store::Store;
