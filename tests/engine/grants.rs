//! What a matrix may use outside of its repository after it is granted.

use std::fs;

use crate::support::{ONE, Project};

const DOCKERFILE: &str = "FROM alpine:3.20\nCOPY --from=more file /more\nCOPY --from=linked file /linked\n\
     RUN --mount=type=secret,id=s,required=true sha256sum < /run/secrets/s > /sum\n\
     RUN --network=host ls -A /sys/class/net > /net\n";

/// The repository is a directory inside of the project; everything beside it is outside.
#[test]
fn only_granted_inputs_are_used() {
    let project = Project::single("granted", DOCKERFILE);
    let matrix = format!(
        "image: {}\ntag: v<%n%>\nplatforms: [linux/amd64]\naxes: {{ n: [1] }}\n\
         context: ../context\ncontexts: {{ more: ../more, linked: link }}\n\
         secrets: {{ s: {{ file: ../value }} }}\n\
         cache_to: {{ type: local, dest: ../steps }}\n",
        project.repository()
    );
    project.file("inner/matrix.yaml", matrix);
    project.file("more/file", project.nonce());
    project.file("value", project.nonce());
    std::os::unix::fs::symlink("../more", project.path("inner/link")).unwrap();
    let build = |allow: &str| {
        let output = ["--output", "type=local,dest=tree"];
        let args = [&["build", "-f", "inner/matrix.yaml", "--allow", allow], &output[..]].concat();
        project.run(&args)
    };
    let more = project.path("more").display().to_string();
    let missing =
        ["fs.read=inner/../context", &format!("fs.read={more}"), "fs.read=inner/../value"];
    build("ssh").exits(2).says(&missing);
    build("fs.read=.").exits(2).says(&["add --allow fs.write=inner/../steps"]);
    assert!(!project.path("steps").exists() && !project.path("tree").exists());

    let all = "fs.read=context,fs.read=more,fs.read=value,fs.write=steps,network.host";
    build(all).success();
    for name in ["more", "linked"] {
        assert_eq!(fs::read_to_string(project.path("tree").join(name)).unwrap(), project.nonce());
    }
    assert!(project.path("steps/index.json").is_file());
}

/// Inputs of build steps are not sent to BuildKit: an unreadable key does not prevent linting.
#[test]
fn lint_does_not_forward_secrets_or_keys() {
    let dockerfile = "FROM alpine:3.20\nRUN --mount=type=ssh --mount=type=secret,id=s true\n";
    let inputs = "ssh: [default=key]\nsecrets: { s: { file: ../value } }\n";
    let project = Project::new("lintbare", &format!("{ONE}\n{inputs}"), dockerfile);
    project.file("key", "no key");
    project.run(&["lint"]).success().never_says(&["could not look at a cell"]);
}

#[test]
fn the_engine_must_also_allow_a_step_without_a_sandbox() {
    let project = Project::single("insecure", "FROM alpine:3.20\nRUN --security=insecure true\n");
    project.run(&["build"]).exits(2).says(&["Dockerfile:2:1", "add --allow security.insecure"]);
    let run = project.run(&["build", "--allow", "security.insecure"]).exits(1);
    run.says(&["granting entitlement security.insecure", "\"security-insecure\": true"]);
}
