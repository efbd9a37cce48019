//! buildkitd without a Docker Engine. `support/relay.rs` says what stands for it.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Project, Running, grpc_port, listing, plain_grpc, through, tls_grpc};

const FILE: &str =
    "FROM alpine:3.20\nARG N\nRUN echo built > /copy; echo $N >> /copy\nCOPY Dockerfile /\n";
const MATRIX: &str =
    "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1, 2] }\nargs: { N: <%n%> }";

/// A context, a step on two platforms, a push: everything goes over one connection.
#[test]
fn a_family_is_built_and_pushed_by_a_buildkitd_on_a_socket() {
    let project = Project::new("grpc-unix", MATRIX, FILE);
    let host = plain_grpc(project.path("b.sock"));
    let run = project.run(&["matrix", "--push", "--host", &host]).success();
    run.says(&["buildkitd", &format!("at {host}")]);
    for tag in ["v1", "v2"] {
        assert_eq!(project.store().images(tag).len(), 2);
    }
}

#[test]
fn a_result_comes_back_from_a_buildkitd() {
    let project = Project::single("grpc-files", FILE);
    let host = plain_grpc(project.path("b.sock"));
    let files = ["build", "--host", &host, "--output", "type=local,dest=out"];
    project.run(&files).success().says(&["1 built"]);
    assert_eq!(std::fs::read_to_string(project.path("out/copy")).unwrap(), "built\n\n");
}

/// What BuildKit asks of the session comes over the same connection.
#[test]
fn inputs_outputs_and_caches_of_all_kinds_pass_through_a_buildkitd() {
    let file = "FROM alpine:3.20\nCOPY --from=other /word /\n\
                RUN --mount=type=secret,id=key,required=true test \"$(cat /run/secrets/key)\" = hidden\n\
                RUN --mount=type=ssh,required=true test -S \"$SSH_AUTH_SOCK\" && date +%N > /time\n";
    let matrix = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1] }\nannotations: { a.b: c }\n\
                  contexts: { other: other }\nsecrets: { key: { env: KEY } }\n";
    let project = Project::new("grpc-all", matrix, file);
    project.file("other/word", project.nonce());
    let _agent = UnixListener::bind(project.path("agent.sock")).unwrap();
    let host = plain_grpc(project.path("b.sock"));
    let cache = format!("{}:cache", project.repository());
    let build = |args: &[&str]| {
        let common = ["build", "--host", &host, "--ssh", "default=agent.sock"];
        let mut command = project.command(&[&common, args].concat());
        command.env("KEY", "hidden");
        Running::start(command).end().success()
    };
    build(&["--push", "--provenance", "--cache-to", &format!("type=registry,ref={cache}")]);
    let (index, image) = (project.store().manifest("v1").unwrap().1, project.store().images("v1"));
    assert_eq!(index["annotations"]["a.b"], "c");
    assert_eq!(image[0].1["annotations"]["a.b"], "c");
    assert!(project.store().has("cache"));

    let kept = ["--cache-from", &cache, "--cache-to", "type=local,dest=cache"];
    build(&[&kept[..], &["--output", "type=oci,dest=oci.tar"]].concat());
    build(&["--cache-from", "type=local,src=cache", "--output", "type=docker,dest=docker.tar"]);
    build(&["--cache-to", "type=inline", "--push"]).says(&["3 of 3 steps cached"]);
    build(&["--output", "type=tar,dest=files.tar"]);
    for (archive, entry) in
        [("oci.tar", "index.json"), ("docker.tar", "manifest.json"), ("files.tar", "word")]
    {
        let listing = listing(&project.path(archive));
        assert!(listing.iter().any(|line| line.contains(entry)), "{archive}: {listing:?}");
    }
}

/// What Docker's older image store could not hold.
#[test]
fn a_buildkitd_makes_all_that_an_image_can_have() {
    let matrix = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1] }\n\
                  annotations: { my.note: kept }\n";
    let project = Project::new("grpc-all", matrix, FILE);
    let host = plain_grpc(project.path("b.sock"));
    let registry = format!("{}:cache", project.repository());
    for cache in ["type=inline", "type=local,dest=steps", &registry] {
        let args = ["build", "--push", "--provenance", "--cache-to", cache, "--host", &host];
        project.run(&args).success().says(&["1 pushed"]);
    }
    let (_, index) = project.store().manifest("v1").unwrap();
    assert_eq!(index["annotations"]["my.note"], "kept");
    // Two platforms, each with its attestation.
    assert_eq!(index["manifests"].as_array().unwrap().len(), 4, "{index}");
    assert!(project.store().has("cache") && project.path("steps/index.json").exists());

    let archive = ["build", "--host", &host, "--output", "type=oci,dest=layout.tar"];
    project.run(&archive).success();
    std::fs::create_dir(project.path("layout")).unwrap();
    let mut tar = Command::new("tar");
    tar.args(["-xf", "layout.tar", "-C", "layout"]).current_dir(project.path(""));
    Running::start(tar).end().success();
    project.file("context/Dockerfile", "FROM base\nRUN cat /copy\n");
    let based = ["build", "--host", &host, "--push", "--build-context", "base=oci-layout://layout"];
    project.run(&based).success().says(&["1 pushed"]);
}

#[test]
fn a_buildkitd_on_a_port_needs_its_certificates() {
    let project = Project::single("grpc-tls", FILE);
    let certificates = project.path("certificates");
    std::fs::create_dir(&certificates).unwrap();
    let port = tls_grpc(&certificates);
    let address = format!("buildkit+tcp://127.0.0.1:{port}");
    let shown = certificates.display();
    let all = format!("cacert={shown}/ca.pem&cert={shown}/cert.pem&key={shown}/key.pem");
    let host = |options: &str| format!("{address}?{options}");
    let right = host(&format!("{all}&servername=buildkit.example"));
    let run = project.run(&["build", "--push", "--host", &right]).success();
    let run = run.says(&[&format!("at {address}")]);
    assert_eq!(run.digest(), project.store().digest("v1"));
    for (options, expected) in [
        (all.clone(), "its certificate is for another host"),
        (
            format!("cacert={shown}/ca.pem&servername=buildkit.example"),
            "it requires a client certificate",
        ),
        (
            format!("{all}&servername=buildkit.example").replace("/ca.pem", "/other-ca.pem"),
            "its certificate is signed by an unknown authority",
        ),
        (format!("cacert={shown}/none.pem"), "none.pem: no such file"),
    ] {
        let run = project.run(&["build", "--push", "--host", &host(&options)]).exits(4);
        run.says(&[&format!("no buildkitd answers at {address}: "), expected]);
    }
    let plain = project.run(&["build", "--host", &address]).exits(4);
    plain.says(&["no buildkitd answers", "cacert="]);
}

#[test]
fn a_port_of_another_machine_without_tls_must_be_accepted() {
    let project = Project::single("grpc-plain", FILE);
    let hosts = project.file("hosts", "127.0.0.1 far.example\n");
    let script = format!("mount --bind '{}' /etc/hosts && exec \"$@\"", hosts.display());
    let run = |host: &str| {
        let command = project.command(&["build", "--push", "--host", host]);
        let known = through(&["unshare", "--mount", "sh", "-c", &script, "sh"], &command);
        Running::start(known).end()
    };
    let address = format!("buildkit+tcp://far.example:{}", grpc_port());
    let accepted = format!("{address}?tls=false");
    run(&address).exits(2).says(&["without TLS", &format!("--host '{accepted}'")]);
    run(&accepted).success().says(&[
        &format!("warning: {address} has no TLS: anyone on the network path can control it"),
        &format!("at {address} (--host)"),
    ]);
}

#[test]
fn an_address_where_no_buildkitd_answers_is_reported_within_10_s() {
    let project = Project::single("grpc-none", FILE);
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let silent = format!("buildkit+tcp://127.0.0.1:{}", silent.local_addr().unwrap().port());
    for (host, expected) in [
        (silent.as_str(), "no answer within 9 s"),
        ("buildkit+unix:///nowhere.sock", "no such file"),
        ("buildkit+tcp://127.0.0.1:1", "connection refused"),
        ("podman-container://b", "podman"),
    ] {
        let started = Instant::now();
        let mut command = project.command(&["build", "--push", "--host", host]);
        // There is no podman.
        command.env("PATH", project.path("none"));
        Running::start(command).end().exits(4).says(&["no buildkitd answers at ", expected]);
        assert!(started.elapsed() < Duration::from_secs(11), "{host}");
    }
}
