//! What all tests share: the lab, a project in its own directory, and independent tools.

mod faulty;
mod lab;
mod pictures;
mod project;
mod proxy;
mod random;
mod relay;
mod run;
mod solve;
mod stand_in;
mod state;
mod store;

pub use faulty::{Asked, Fault, FaultyRegistry, Sender};
pub use lab::{
    StartedEngine, commands_with, docker, docker_run, engine_with, lab_dir, lab_env, lab_script,
    processes_in, started_engine,
};
pub use pictures::{listing, paths_below};
pub use project::{ONE, Project};
pub use proxy::{clock_ahead, refusing, silent_to, wrong_in_sessions};
pub use random::{Random, campaign_number};
pub use relay::{buildctl, grpc_port, plain_grpc, plain_grpc_of, tls_grpc};
pub use run::{Run, Running, Usage, alone, through, until, usage_of, with_default_socket};
pub use solve::{built, lab_builder, patient_builder, request, request_of};
pub use stand_in::{StandIn, podman};
pub use state::{left_on_disk, lines, records, runs};
pub use store::Store;
