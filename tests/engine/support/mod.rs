//! What all tests share: the lab, a project in its own directory, and independent tools.

mod faulty;
mod lab;
mod pictures;
mod project;
mod proxy;
mod relay;
mod run;
mod solve;
mod store;

pub use faulty::{Asked, Fault, FaultyRegistry, Sender};
pub use lab::{
    StartedEngine, commands_with, docker, docker_run, lab_dir, lab_env, lab_script, started_engine,
};
pub use pictures::{listing, paths_below};
pub use project::{ONE, Project};
pub use proxy::{clock_ahead, silent_to, wrong_in_sessions};
pub use relay::{plain_grpc, tls_grpc};
pub use run::{Run, Running, alone, until};
pub use solve::{built, lab_builder, patient_builder, request, request_of};
pub use store::Store;
