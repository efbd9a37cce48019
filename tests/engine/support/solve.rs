//! Builds a cell through the library, for details that the program does not print: kinds of
//! failures.

use std::ffi::OsStr;
use std::sync::Arc;
use std::time::Duration;

use onebuild::parts::{
    BuildOptions, BuildRequest, Builder, CellResult, Credentials, DockerConfig, Engine,
    EngineBuilder, HeldSecrets, Job, Matrix, Node, NodeFacts, Output, Overrides, Places, PlanFiles,
    REGISTRY_TIMEOUT, Root, Selection, Slot, SourceFile, plan,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Project, lab_env};

/// The lab's engine, its facts, and a builder for it.
pub async fn lab_builder() -> (NodeFacts, EngineBuilder) {
    patient_builder(REGISTRY_TIMEOUT).await
}

/// The same, with another time limit for registries that do not answer.
pub async fn patient_builder(registry_timeout: Duration) -> (NodeFacts, EngineBuilder) {
    let candidate = Places::default().host(&lab_env("DOCKER_HOST"), "DOCKER_HOST").unwrap();
    let engine = Engine::connect(vec![candidate]).await.unwrap();
    let node = Node::of_engine(engine).await.unwrap();
    let facts = node.facts().clone();
    let (login, secrets) = (
        Arc::new(Credentials::new(DockerConfig::default(), OsStr::new(""))),
        HeldSecrets::default(),
    );
    (facts, EngineBuilder::new(node, login, |_| None, secrets, registry_timeout))
}

/// The request to build `dockerfile` in the project's context and push it as `image:v1`.
pub fn request(project: &Project, image: &str, dockerfile: &str, output: Output) -> BuildRequest {
    let matrix = format!("image: {image}\ntag: v1\nplatforms: [linux/amd64]\naxes: {{ n: [1] }}");
    request_of(project, &matrix, dockerfile, output)
}

/// The request of the one cell of `matrix`, without `context`.
pub fn request_of(
    project: &Project,
    matrix: &str,
    dockerfile: &str,
    output: Output,
) -> BuildRequest {
    let matrix = format!("context: context\n{matrix}");
    let matrix = Matrix::parse(SourceFile::new("matrix.yaml", matrix)).unwrap();
    let overrides = Overrides::default();
    let selected = matrix.select(&Selection::default(), &overrides).unwrap();
    let cells = selected.expand().unwrap().cells;
    let mut files = PlanFiles::default();
    for file in files.needed(&cells) {
        files.insert(&file, Some(SourceFile::new(&*file.path, dockerfile))).unwrap();
    }
    let options = BuildOptions { output, ..BuildOptions::default() };
    let root = Root::of(&project.path("matrix.yaml"));
    let mut planned = plan(&matrix, &cells, &files, &root, &options).unwrap();
    planned.requests.remove(0)
}

/// Builds `request` and ignores its events.
pub async fn built(builder: &impl Builder, request: &BuildRequest) -> CellResult {
    let (events, mut received) = mpsc::channel(64);
    let cancel = CancellationToken::new();
    let build = async {
        let slot = Slot::alone();
        let job = Job { request, events: &events, cancel: &cancel, slot: &slot };
        let result = builder.build(&job).await;
        drop(events);
        result
    };
    let unread = async { while received.recv().await.is_some() {} };
    tokio::join!(build, unread).0
}
