use super::fault::status;
use super::*;

#[test]
fn prefixes_without_information_are_removed() {
    for (given, wanted) in [
        ("failed to solve: a: b", "a: b"),
        (
            "dockerfile parse error on line 3: unknown instruction: FORM",
            "unknown instruction: FORM",
        ),
        ("dockerfile parse error on line x: y", "dockerfile parse error on line x: y"),
        ("rpc error: code = Aborted desc = c/p: it is a pipe", "c/p: it is a pipe"),
        (
            "failed to solve: failed to read dockerfile: open Dockerfile: no such file",
            "open Dockerfile: no such file",
        ),
        ("plain", "plain"),
    ] {
        assert_eq!(unwrapped(given), wanted);
    }
}

#[test]
fn a_full_disk_of_the_engine_is_distinguished_from_one_of_a_registry() {
    let pull = "failed to solve: failed to resolve source metadata for docker.io/library/a:1: ";
    let push = "failed to solve: failed to push r.example/a:b: ";
    for (message, is_engine) in [
        ("failed to solve: write /var/lib/docker/x: no space left on device".to_owned(), true),
        ("failed to copy files: copy file range failed: no space left on device".to_owned(), true),
        ("mkdir /var/lib/docker/tmp/x: disk quota exceeded".to_owned(), true),
        (format!("{pull}write /var/lib/docker/x: no space left on device"), true),
        (
            "failed commit on ref \"layer-sha256:1\": write /x: no space left on device".to_owned(),
            true,
        ),
        (
            format!(
                "{pull}unexpected status from HEAD request to https://r.example/v2/a/manifests/1: \
                 500 Internal Server Error: no space left on device"
            ),
            false,
        ),
        (format!("{push}unknown: mkdir /var/lib/registry: no space left on device"), false),
        (format!("{push}failed to copy: no space left on device"), false),
    ] {
        let step = FailedStep { base: Some("docker.io/library/a:1"), ..FailedStep::default() };
        let found = classify(&message, false, step);
        assert_eq!(found.kind == Kind::EngineDiskFull, is_engine, "{message}: {found:?}");
        let prunes = found.help.is_some_and(|help| help.contains("docker builder prune"));
        assert_eq!(prunes, is_engine, "{message}");
    }
}

#[test]
fn the_last_cause_and_its_host_are_named() {
    let push = |said: &str| format!("failed to solve: failed to push r.example/a:b: {said}");
    let pull = |said: &str| {
        format!("a: failed to resolve source metadata for docker.io/library/a:1: {said}")
    };
    for (message, had_login, wanted) in [
        (pull("docker.io/library/a:1: not found"), false, "a:1 does not exist on docker.io"),
        (
            pull("429 Too Many Requests - toomanyrequests: not found"),
            false,
            "docker.io is rate limiting us",
        ),
        (
            pull(
                "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
            ),
            false,
            "a:1 does not exist on docker.io, or is private: not logged in",
        ),
        (
            pull(
                "failed to authorize: failed to fetch anonymous token: Get \"https://auth.docker.io/token?scope=x\": dial tcp: lookup auth.docker.io on 127.0.0.53:53: no such host",
            ),
            false,
            "the token server of docker.io: the host name of auth.docker.io does not resolve",
        ),
        (
            pull("no match for platform in manifest: not found"),
            false,
            "a:1 on docker.io has no image for this platform",
        ),
        (
            push(
                "failed to do request: Head \"https://r.example/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
            ),
            false,
            "push failed: r.example refused the connection",
        ),
        (
            push(
                "unexpected status from POST request to https://r.example/v2/a/blobs/uploads/: 401 Unauthorized",
            ),
            true,
            "push failed: r.example rejected the login",
        ),
        (
            push("push access denied, repository does not exist or may require authorization"),
            false,
            "push failed: not logged in to r.example",
        ),
        (
            push("unauthorized: authentication required"),
            false,
            "push failed: not logged in to r.example",
        ),
        (
            push("denied: requested access to the resource is denied"),
            true,
            "push failed: r.example denied access to r.example/a",
        ),
        (
            push("name unknown: repository name not known to registry"),
            true,
            "push failed: repository r.example/a does not exist",
        ),
        (
            push(
                "unexpected status from PUT request to https://r.example/v2/a/manifests/b: 500 Internal Server Error",
            ),
            true,
            "push failed: r.example answered 500 Internal Server Error",
        ),
        (
            push("failed to copy: failed to do request: Put \"https://r.example/v2/a\": EOF"),
            true,
            "push failed: the connection to r.example was lost",
        ),
        (
            push(
                "failed to do request: Head \"https://r.example/v2/\": proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused",
            ),
            true,
            "push failed: the proxy for r.example: 10.0.0.9:3128 refused the connection",
        ),
        (
            push(
                "failed to do request: Put \"https://store.example/x?sig=1\": dial tcp: lookup store.example: no such host",
            ),
            true,
            "push failed: a request to r.example was redirected to store.example: the host name of store.example does not resolve",
        ),
        (
            push(
                "failed to do request: Head \"https://r.example/v2/\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
            ),
            true,
            "push failed: the TLS certificate of r.example is not trusted",
        ),
    ] {
        let found = classify(&message, had_login, FailedStep::default());
        assert!(found.message.starts_with(wanted), "{}", found.message);
        assert!(found.verbatim.is_some(), "{found:?}");
    }
    let odd = classify("odd", false, FailedStep::default());
    assert_eq!(odd, Classified { message: "odd".into(), ..Classified::default() });
}

#[test]
fn an_unknown_message_is_shown_unchanged() {
    let found =
        classify("failed to push r.example/a:b: the moon is full", false, FailedStep::default());
    assert_eq!(found.message, "failed to push r.example/a:b: the moon is full");
    let unexplained =
        matches!(found.kind, Kind::Registry { fault: RegistryFault::Unexplained, .. });
    assert!(unexplained && found.phase == Phase::Push, "{found:?}");
}

#[test]
fn a_status_is_a_number_with_its_reason() {
    for (said, wanted) in [
        ("unexpected status from PUT request to https://r/v2/: 502 Bad Gateway", Some(502)),
        ("x: 413 Request Entity Too Large: body", Some(413)),
        ("x: 413 Payload Too Large", Some(413)),
        ("x: 200 OK", None),
        ("dial tcp 127.0.0.1:500: connect", None),
        ("line 404 Not Found", None),
    ] {
        assert_eq!(status(said), wanted, "{said}");
    }
}

#[test]
fn a_missing_source_is_reported_for_the_context_or_the_stage() {
    let message = "failed to compute cache key: failed to calculate checksum of ref a::b: \"/x y\": not found";
    let given = |instruction| {
        let step = FailedStep { instruction: Some(instruction), base: None };
        classify(message, false, step).message
    };
    assert_eq!(given("COPY x /"), "the build context has no x y");
    assert_eq!(given("COPY --from=tools x /"), "`tools` has no x y");
    // Docker Engine 26.1, if the directory of the source does not exist either.
    let mount = "/var/lib/docker/tmp/buildkit-mount3721423454/not";
    let message = format!(
        "failed to calculate checksum of ref a::b: failed to walk {mount}: lstat {mount}: no such file or \
         directory"
    );
    for (instruction, path) in [
        ("COPY ./not/there /", "not/there"),
        ("COPY nothing not/there /", "not/there"),
        ("COPY $x /", "not"),
    ] {
        let step = FailedStep { instruction: Some(instruction), base: None };
        let found = classify(&message, false, step).message;
        assert_eq!(found, format!("the build context has no {path}"));
    }
}

#[test]
fn syntax_that_the_engine_does_not_know_gets_help() {
    for message in [
        "dockerfile parse error on line 3: unknown flag: --parents",
        // Docker Engine 26.1.
        "unexpected key 'env' in 'env=TOKEN'",
    ] {
        let found = classify(message, false, FailedStep::default());
        assert_eq!(found.kind, Kind::Dockerfile, "{message}");
        assert!(found.help.is_some_and(|help| help.contains("# syntax=")), "{message}");
    }
}

#[test]
fn the_host_that_requires_a_login_is_returned() {
    let message = "failed to push 127.0.0.1:1/a:b: unexpected status: 401 Unauthorized";
    assert_eq!(login_host(message).as_deref(), Some("127.0.0.1:1"));
    assert_eq!(login_host("failed to push 127.0.0.1:1/a:b: connection refused"), None);
}

/// Name, phase, kind and message of each failure that was provoked on an engine.
#[test]
fn every_recorded_message_has_its_kind() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/phrases");
    let mut lines = 0;
    for file in std::fs::read_dir(directory).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines() {
            let [name, phase, kind, said] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("not four columns: {line}");
            };
            let base = Some("127.0.0.1:5000/onebuild-tests/phrases:base");
            let found = classify(said, false, FailedStep { instruction: None, base });
            let Kind::Registry { fault, image } = &found.kind else {
                panic!("{name}: {found:?}");
            };
            assert_eq!(format!("{fault:?}"), kind, "{line}");
            assert_eq!(format!("{:?}", found.phase).to_lowercase(), phase, "{line}");
            assert!(image.to_string().contains("/onebuild-tests/phrases"), "{line}");
            lines += 1;
        }
    }
    assert!(lines > 50, "{lines} messages are recorded");
}

#[test]
fn the_error_code_of_a_registry_replaces_the_status() {
    let (denied, unauthorized) = (
        RegistryFault::Denied { with_login: true },
        RegistryFault::Unauthorized { with_login: true },
    );
    let of_status = |status| RegistryFault::Status { status: Some(status), errors: Vec::new() };
    for (said, wanted) in [
        ("denied", denied.clone()),
        ("denied: denied", denied.clone()),
        ("denied: permission_denied: write_package", denied.clone()),
        ("denied: installation not allowed to Create organization package", denied.clone()),
        ("unauthorized", unauthorized.clone()),
        ("unauthorized: access to the requested resource is not authorized", unauthorized.clone()),
        ("errors:\ndenied: requested access\nunauthorized: authentication required\n", denied),
        ("failed commit on ref \"index-sha256:1\": unauthorized: expired", unauthorized),
        ("toomanyrequests", RegistryFault::RateLimited { wait: None }),
        ("toomanyrequests: Rate exceeded", RegistryFault::RateLimited { wait: None }),
        ("unavailable", of_status(503)),
        ("unavailable: 413 Request Entity Too Large", of_status(413)),
        ("errors:\nunavailable: 413 Payload Too Large\n", of_status(413)),
        ("unexpected status: 413 Request Entity Too Large: unavailable: x", of_status(413)),
        ("unknown: 413 Request Entity Too Large", of_status(413)),
        ("unknown: repository name not known to registry", RegistryFault::NotFound),
        ("unknown: The repository with name 'a' does not exist", RegistryFault::NotFound),
        ("unknown: project a not found: project a not found", RegistryFault::NotFound),
        ("unknown: manifest unknown", RegistryFault::NotFound),
        (
            "unknown: provided digest did not match uploaded content",
            RegistryFault::OtherDigest { found: None },
        ),
        ("unknown", RegistryFault::Unexplained),
        ("unknown: unknown error", RegistryFault::Unexplained),
        ("unknown: the moon is full", RegistryFault::Unexplained),
        ("the tag is unknown to denied", RegistryFault::Unexplained),
    ] {
        let message = format!("failed to push r.example/a:b: {said}");
        let found = classify(&message, true, FailedStep::default());
        let Kind::Registry { fault, .. } = found.kind else { panic!("{said}") };
        assert_eq!(fault, wanted, "{said}");
    }
}

#[test]
fn a_download_names_the_base_and_a_cache_its_own_repository() {
    let blob = "https://registry-1.docker.io/v2/library/alpine/blobs/sha256:0: 403 Forbidden";
    let open = "failed to copy: httpReadSeeker: failed open: ";
    let unexpected = format!("{open}unexpected status from GET request to {blob}");
    let absent =
        format!("{open}could not fetch content descriptor sha256:0 (x) from remote: not found");
    let digest = format!("alpine:3.20@sha256:{}", "0".repeat(64));
    for (said, base, wanted) in [
        (unexpected.as_str(), None, "docker.io denied access to alpine (403 Forbidden)"),
        (
            &unexpected,
            Some("alpine:3.20"),
            "docker.io denied access to alpine:3.20 (403 Forbidden)",
        ),
        (&unexpected, Some(&*digest), "docker.io denied access to alpine:3.20 (403 Forbidden)"),
        (&unexpected, Some("r.example/b:1"), "docker.io denied access to alpine "),
        (
            &absent,
            Some("r.example/b:1"),
            "r.example sent a manifest that refers to missing content",
        ),
        (&absent, None, open),
        (
            "error writing layer blob: unexpected status from HEAD request to https://r.example/v2/a/c/blobs/sha256:0: 403 Forbidden",
            Some("alpine:3.20"),
            "push failed: r.example denied access to r.example/a/c (403 Forbidden)",
        ),
        ("error writing layer blob: the moon is full", None, "error writing layer blob"),
    ] {
        let found = classify(said, false, FailedStep { instruction: None, base });
        assert!(found.message.starts_with(wanted), "{said}: {}", found.message);
    }
}

#[test]
fn too_many_patterns_are_reported_with_the_limit() {
    let message = "rpc error: code = Internal desc = header list size to send violates the \
                   maximum size (16777216 bytes) set by server";
    let found = classify(message, false, FailedStep::default());
    assert_eq!(found.kind, Kind::Context);
    assert!(found.message.contains(".dockerignore"), "{found:?}");
    assert!(found.message.ends_with("longer than 16 MiB"), "{found:?}");
    assert!(found.help.is_some_and(|help| help.starts_with("write fewer patterns")));
}

#[test]
fn two_builds_that_create_one_tag_at_the_same_moment_are_a_temporary_failure() {
    let said = "exporting to image: image \"docker.io/me/app:v1\": already exists";
    let found = classify(said, false, FailedStep::default());
    assert_eq!(found.kind, Kind::TagConflict);
    let other =
        classify("mkdir: cannot create \"x\": already exists", false, FailedStep::default());
    assert_ne!(other.kind, Kind::TagConflict);
}

#[test]
fn a_registry_without_tls_is_not_one_with_a_wrong_certificate() {
    for said in [
        "http: server gave HTTP response to HTTPS client",
        "tls: first record does not look like a TLS handshake",
    ] {
        let message = format!(
            "failed to push r.example/a:b: failed to do request: Head \"https://r.example/v2/\": {said}"
        );
        let found = classify(&message, false, FailedStep::default());
        let Kind::Registry { fault, .. } = found.kind else { panic!("{said}") };
        assert_eq!(fault, RegistryFault::PlainHttp, "{said}");
    }
}

#[test]
fn a_cache_that_lost_the_result_of_a_step_is_a_temporary_failure() {
    // Docker Engine 28.5 with the containerd image store.
    let said = "failed to commit xcpaoj9pfja1 to 7impoagw4ibr during finalize: failed to stat active key \
                during commit: snapshot xcpaoj9pfja1 does not exist: not found";
    let found = classify(said, false, FailedStep::default());
    assert_eq!(found.kind, Kind::DamagedCache);
    assert_eq!(found.verbatim.as_deref(), Some(said));
    assert!(found.help.is_some_and(|help| help.contains("--no-cache")));
}
