//! The effect of single options on the image.

use crate::support::{Project, Running, lab_env};

const RANDOM: &str = "FROM alpine:3.20\nRUN cat /proc/sys/kernel/random/uuid > /random\n";

#[test]
fn base_replaces_a_base_image() {
    let project = Project::single("base", "FROM quay.io/nobody/nothing:1\n");
    let base = format!(
        "quay.io/nobody/nothing:1={}/library/ubuntu:24.04",
        lab_env("ONEBUILD_LAB_REGISTRY")
    );
    let release = project.built("etc/os-release", &["--base", &base]);
    assert!(release.contains("ID=ubuntu"), "{release}");
    // The short name and the long name are equivalent.
    project.file("context/Dockerfile", "FROM nothing:1\n");
    let short = base.replace("quay.io/nobody/", "");
    assert!(project.built("etc/os-release", &["--base", &short]).contains("ID=ubuntu"));
}

#[test]
fn base_on_the_command_line_overrides_the_matrix() {
    let project = Project::single("bases", "FROM nothing:1\n");
    let registry = lab_env("ONEBUILD_LAB_REGISTRY");
    let one = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1] }";
    project
        .matrix(&format!("{one}\nbases: {{ \"nothing:1\": \"{registry}/library/ubuntu:24.04\" }}"));
    assert!(project.built("etc/os-release", &[]).contains("ID=ubuntu"));
    let other = format!("nothing:1={registry}/library/alpine:3.20");
    assert!(project.built("etc/os-release", &["--base", &other]).contains("ID=alpine"));
}

#[test]
fn the_network_of_run_steps_is_the_engines_none_or_their_own() {
    let project = Project::single(
        "network",
        "FROM alpine:3.20\nRUN ls /sys/class/net > /net; readlink /proc/self/ns/net > /ns\n",
    );
    let here = std::fs::read_link("/proc/self/ns/net").unwrap().display().to_string();
    let seen = |network: &str| {
        let tree = project.tree(&["--no-cache", "--network", network]);
        let read = |file: &str| std::fs::read_to_string(tree.join(file)).unwrap().trim().to_owned();
        (read("net").split_whitespace().map(str::to_owned).collect::<Vec<_>>(), read("ns"))
    };
    // The lab's engine uses this machine's network.
    assert_eq!(seen("host").1, here);
    let (none, namespace) = seen("none");
    assert_eq!(none, ["lo"]);
    assert_ne!(namespace, here);
    let (own, namespace) = seen("default");
    assert_eq!(own, ["eth0", "lo"]);
    assert_ne!(namespace, here);
}

#[test]
fn build_arguments_come_from_the_command_line_or_the_environment() {
    let project =
        Project::single("args", "FROM alpine:3.20\nARG A=a B=b C=c\nRUN echo $A $B $C > /args\n");
    let args =
        ["build", "--build-arg", "A=x y=z", "--build-arg", "B", "--output", "type=local,dest=tree"];
    let mut command = project.command(&args);
    command.env("B", "from outside");
    Running::start(command).end().success();
    let built = std::fs::read_to_string(project.path("tree/args")).unwrap();
    assert_eq!(built, "x y=z from outside c\n");
    // As for docker, a variable that is not set passes nothing.
    project.run(&args).success().says(&["--build-arg B has no effect: the variable B is not set"]);
    let built = std::fs::read_to_string(project.path("tree/args")).unwrap();
    assert_eq!(built, "x y=z b c\n");
}

#[test]
fn no_cache_runs_every_instruction_again() {
    let project = Project::single("nocache", RANDOM);
    let first = project.built("random", &[]);
    assert_eq!(project.built("random", &[]), first);
    assert_ne!(project.built("random", &["--no-cache"]), first);
}

#[test]
fn a_base_image_that_moved_is_pulled_again() {
    let project = Project::single("moved", "");
    let base = format!("{}:v1", project.repository());
    for word in ["old", "new"] {
        let content = format!("FROM scratch\nCOPY <<EOF /word\n{word} {}\nEOF\n", project.nonce());
        project.file("context/Dockerfile", content);
        project.run(&["build", "--load", "--push"]).success();
        project.file("context/Dockerfile", format!("FROM {base}\n"));
        assert!(project.built("word", &[]).starts_with(word));
    }
}

#[test]
fn pull_only_uses_the_registrys_base_image() {
    let project = Project::single("never-pushed", "FROM scratch\nCOPY Dockerfile /\n");
    let base = format!("{}:v1", project.repository());
    project.run(&["build", "--load"]).success();
    project.file("context/Dockerfile", format!("FROM {base}\n"));
    assert!(project.built("Dockerfile", &[]).starts_with("FROM scratch"));
    project.run(&["build", "--pull"]).exits(1).says(&[
        "does not exist on",
        &base,
        "Dockerfile:1:1",
    ]);
}

#[test]
fn every_tag_of_every_repository_names_the_same_image_with_its_labels() {
    let file = "FROM scratch\nCOPY Dockerfile /\nLABEL mine=kept\n";
    let project = Project::in_new_repository("tags", "", file);
    let image = project.repository();
    project.file(
        "matrix.yaml",
        format!(
            "image: [{image}, {image}-mirror]\n\
             tags: [\"<%version%>\", {{ tag: newest, when: latest }}]\n\
             platforms: [linux/amd64]\ncontext: context\ndockerfile: Dockerfile\n\
             axes: {{ version: 1.0..1.2 }}\n\
             labels: {{ org.opencontainers.image.version: \"<%version%>\" }}\n"
        ),
    );
    let run = project.run(&["matrix", "--push"]).success().says(&["3 pushed", "-mirror"]);
    let store = project.store();
    let mirror = format!("{}-mirror", project.repository_name());
    let mirror = crate::support::Store::new(lab_env("ONEBUILD_LAB_REGISTRY"), mirror);
    // They are listed in the order in which they were pushed.
    let mut images = run.images();
    images.sort();
    for (version, (_, digest)) in ["1.0", "1.1", "1.2"].iter().zip(images) {
        assert_eq!((store.digest(version), mirror.digest(version)), (digest.clone(), digest));
        let (_, manifest) = store.images(version).remove(0);
        let labels = &store.config(&manifest)["config"]["Labels"];
        assert_eq!(labels["org.opencontainers.image.version"], *version);
        assert_eq!(labels["mine"], "kept");
    }
    assert_eq!(store.digest("newest"), store.digest("1.2"));
    assert_eq!(mirror.digest("newest"), store.digest("1.2"));
}

#[test]
fn image_prefix_and_platform_follow_the_command_line() {
    let project = Project::single("renamed", "FROM scratch\nCOPY Dockerfile /\n");
    let registry = lab_env("ONEBUILD_LAB_REGISTRY");
    let image = format!("{registry}/onebuild-tests/renamed-other");
    let args =
        ["build", "--push", "--image", &image, "--tag-prefix", "try-", "--platform", "linux/arm64"];
    let run = project.run(&args).success();
    assert_eq!(run.images()[0].0, format!("{image}:try-v1"));
    let store = crate::support::Store::new(registry, "onebuild-tests/renamed-other".to_owned());
    assert_eq!(store.digest("try-v1"), run.digest());
    assert_eq!(store.platforms("try-v1"), ["linux/arm64"]);
    assert!(!project.store().has("v1"));
}

#[test]
fn a_dry_run_builds_nothing_and_needs_no_engine() {
    let project = Project::single("dry", RANDOM);
    let mut command = project.command(&["build", "--push", "--dry-run", "--output"]);
    command.args(["type=oci,dest=out/"]).env("DOCKER_HOST", "unix:///nowhere.sock");
    // An archive and a push together are refused, even in a dry run.
    Running::start(command).end().exits(2).says(&["--output", "--push"]);
    let mut command = project.command(&["build", "--dry-run", "--output", "type=oci,dest=out/"]);
    command.env("DOCKER_HOST", "unix:///nowhere.sock");
    let run = Running::start(command).end().success();
    assert!(run.stdout.contains("v1") && !project.path("out").exists(), "{run}");
}

#[test]
fn source_date_epoch_is_the_time_of_the_image_in_its_steps_its_configuration_and_its_labels() {
    let dockerfile =
        "FROM alpine:3.20\nARG SOURCE_DATE_EPOCH\nRUN echo $SOURCE_DATE_EPOCH > /epoch\n";
    let project = Project::single("epoch", dockerfile);
    project
        .matrix("tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1] }\nlabels: { auto: git }");
    let build = |args: &[&str]| {
        let mut command = project.command(args);
        command.env("SOURCE_DATE_EPOCH", "1700000000");
        Running::start(command).end().success();
    };
    build(&["build", "--push"]);
    let store = project.store();
    let config = store.config(&store.images("v1")[0].1);
    assert_eq!(config["created"], "2023-11-14T22:13:20Z");
    let labels = &config["config"]["Labels"];
    assert_eq!(labels["org.opencontainers.image.created"], "2023-11-14T22:13:20Z");
    build(&["build", "--output", "type=local,dest=tree"]);
    assert_eq!(std::fs::read_to_string(project.path("tree/epoch")).unwrap(), "1700000000\n");
}

#[test]
fn limits_and_hosts_reach_the_steps() {
    let steps = "FROM alpine:3.20\n\
         RUN test \"$(df -k /dev/shm | awk 'NR==2 {print $2}')\" = 98304\n\
         RUN test \"$(ulimit -Sn):$(ulimit -Hn)\" = 1000:2000\n\
         RUN grep -q '^10.1.2.3[[:space:]]*db$' /etc/hosts\n\
         RUN grep -q '^[0-9.]*[[:space:]]*engine$' /etc/hosts\n";
    let project = Project::new(
        "steps",
        "tag: v<%n%>\nplatforms: linux/amd64\naxes: { n: [1] }\nshm_size: 96m\n\
         ulimits: { nofile: 1000:2000 }\nadd_hosts: [db:10.1.2.3, engine=host-gateway]\n",
        steps,
    );
    project.run(&["build", "--no-cache"]).success().says(&["1 built"]);
    // Flags replace them.
    let steps = "FROM alpine:3.20\n\
         RUN test \"$(df -k /dev/shm | awk 'NR==2 {print $2}')\" = 32768\n\
         RUN test \"$(ulimit -Sn):$(ulimit -Hn)\" = 500:500\n\
         RUN grep -q '^10.9.9.9[[:space:]]*db$' /etc/hosts\n";
    project.file("context/Dockerfile", steps);
    let flags = ["--shm-size", "32m", "--ulimit", "nofile=500", "--add-host", "db:10.9.9.9"];
    project.run(&[&["build", "--no-cache"], &flags[..]].concat()).success().says(&["1 built"]);
}

#[test]
fn steps_run_in_the_cgroup_of_the_matrix_or_of_the_flag() {
    // In a cgroup namespace, the kernel shows paths relative to the step's own cgroup.
    let steps = "FROM alpine:3.20\nRUN cat /proc/self/cgroup /proc/1/mountinfo\n";
    let matrix = "tag: v<%n%>\nplatforms: linux/amd64\naxes: { n: [1] }\ncgroup_parent: MATRIX\n";
    let name = |by: &str| format!("/onebuild-tests-{by}");
    let project = Project::new("cgroup", &matrix.replace("MATRIX", &name("matrix")), steps);
    let args = ["build", "--no-cache", "--progress", "plain"];
    let run = project.run(&args).success().says(&[&name("matrix")]);
    run.never_says(&[&name("flag")]);
    let run = project.run(&[&args[..], &["--cgroup-parent", &name("flag")]].concat()).success();
    run.says(&[&name("flag")]).never_says(&[&name("matrix")]);
}
