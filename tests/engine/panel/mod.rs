//! The repository's own matrix: all its images can be built and run.
//!
//! One version of the family is built and pushed once for all tests of this module, and one image
//! of the previous version, for upgrades.

mod build; // fetched files, the content of images, broken releases
mod container; // a panel that runs, and its volume
mod first_start; // credentials, and 1pctl
mod installer; // changes to the release's installer
mod service; // healthy, answering, stopping, dying and coming back
mod upgrade; // other versions over one volume

use std::path::Path;
use std::sync::LazyLock;

use crate::support::{Project, Run, Running, alone, lab_env};

const VERSION: &str = "2.0.11";
const BEFORE: &str = "2.0.10";

/// The images that all tests of this module use.
struct Family {
    project: Project,
    /// Tag and digest of each image.
    pushed: Vec<(String, String)>,
}

static FAMILY: LazyLock<Family> = LazyLock::new(|| {
    let _alone = alone();
    let project = Project::single("panel", "");
    let build = |args: &[&str]| -> Vec<(String, String)> {
        let run = checkout(&project, &[&["matrix", "--push"], args].concat()).success();
        let tag = |reference: &str| reference.rsplit(':').next().unwrap().to_owned();
        run.images().into_iter().map(|(reference, digest)| (tag(&reference), digest)).collect()
    };
    // In parts, because one run of onebuild for all of it would exceed its time limit on a busy
    // machine.
    let one = ["--os", "alpine", "--type", "pro", "--platform", "linux/amd64"];
    let parts = [
        build(&["--version", VERSION, "--os", "alpine"]),
        build(&["--version", VERSION, "--os", "ubuntu"]),
        build(&["--version", VERSION, "--os", "centos"]),
        build(&[&["--version", BEFORE], &one[..]].concat()),
    ];
    Family { pushed: parts.concat(), project }
});

impl Family {
    /// By digest: an engine may still have an image of an earlier test run under the tag.
    fn image(&self, version: &str, os: &str) -> String {
        let tag = format!("dood-{version}-{os}");
        let (_, digest) = self.pushed.iter().find(|(pushed, _)| *pushed == tag).unwrap();
        format!("{}@{digest}", self.project.repository())
    }
}

/// onebuild on the repository's own matrix. Each project's downloads can be identified in the
/// server's log.
fn checkout(project: &Project, args: &[&str]) -> Run {
    let site = format!("{}/for/{}", lab_env("ONEBUILD_LAB_RELEASES"), project.nonce());
    let releases = format!("RELEASES={site}");
    let image = project.repository();
    let centos = format!(
        "quay.io/centos/centos:stream9={}/centos/centos:stream9",
        lab_env("ONEBUILD_LAB_REGISTRY")
    );
    let always = [
        ["--network", "host"],
        ["--build-arg", &releases],
        ["--image", &image],
        ["--base", &centos],
    ];
    let mut command = project.command(&[args, always.as_flattened()].concat());
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    Running::start(command).end()
}
