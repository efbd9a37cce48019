//! examples/docker-in-docker: both kinds are built, run and used, by Docker's client and by
//! onebuild.

mod container;
mod dind;
mod dood;

use std::path::Path;

use onebuild::parts::Digest;

use crate::support::{Project, Run, Running, lab_dir, lab_env};
use container::Container;

const BOTH: &str = "linux/amd64,linux/arm64";

/// The version that an engine of this release reports. The lab's other archive has an older one.
const VERSION: &str = "28.5.2";

/// Runs onebuild in the example's directory, for this kind and version.
fn example(project: &Project, kind: &str, version: &str, args: &[&str]) -> Run {
    let downloads = format!("DOWNLOADS={}", lab_env("ONEBUILD_LAB_RELEASES"));
    let always = ["matrix", "--network", "host", "--build-arg", &downloads, "--kind", kind];
    let image = project.repository();
    let cell = ["--ubuntu", "24.04", "--docker", version, "--image", &image];
    let mut command = project.command(&[&always[..], &cell, args].concat());
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/docker-in-docker"));
    Running::start(command).end()
}

/// Builds the one image of `kind` and `version` into the engine's store, and returns its name.
fn built(project: &Project, kind: &str, version: &str, platforms: &str) -> String {
    let sum = |arch: &str| {
        let path = format!("releases/files/linux/static/stable/{arch}/docker-{version}.tgz");
        let archive = std::fs::read(lab_dir().join(path)).expect("the lab serves it");
        Digest::of(&archive).to_string().trim_start_matches("sha256:").to_owned()
    };
    let sums = [("amd64", "x86_64"), ("arm64", "aarch64")];
    let sums = sums.map(|(platform, arch)| format!("sha256_{platform}={}", sum(arch)));
    let args = ["--platform", platforms, "--var", &sums[0], "--var", &sums[1]];
    example(project, kind, version, &args).success().says(&["1 built"]);
    format!("{}:{kind}-{version}-ubuntu24.04", project.repository())
}

/// Builds the image `dind` into the engine's store, and returns its name.
pub(crate) fn dind_image(project: &Project) -> String {
    built(project, "dind", VERSION, "linux/amd64")
}

#[test]
fn an_archive_with_the_wrong_checksum_is_not_unpacked() {
    let project = Project::single("docker-changed", "");
    // The lab's archives differ from Docker's.
    let run = example(&project, "dood", VERSION, &["--platform", "linux/amd64"]).exits(1);
    run.says(&["has changed: sha256", "instead of ea90cfd12e1e", "common/docker"]);
}
