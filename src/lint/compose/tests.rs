//! Tests of each rule, its spellings, and acknowledgements.

use super::mount::{device, judged, parts};
use crate::allow::rules::{Judged, RULES};
use crate::error::{Severity, SourceFile};
use crate::lint::{Findings, Taken};

fn look(text: &str) -> (Findings, Vec<Taken>) {
    let mut findings = Findings::default();
    let taken = findings.of_compose(&SourceFile::new("compose.yaml", text));
    (findings, taken)
}

/// `rule line:column`, in order.
fn found(text: &str) -> Vec<String> {
    let findings = look(text).0;
    let place = |span: &crate::error::Span| span.to_string().replace("compose.yaml:", "");
    let line = |finding: &crate::lint::Finding| {
        format!("{} {}", finding.rule, finding.span().map(place).unwrap_or_default())
    };
    findings.iter().map(line).collect()
}

/// The findings for a service with these lines: its first line is line 3, indented by 4.
fn service(lines: &str) -> Vec<String> {
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    found(&format!("services:\n  app:\n{lines}"))
}

#[test]
fn each_rule_has_its_finding() {
    for (lines, wanted) in [
        ("privileged: true", "privileged 3:5"),
        ("privileged: \"yes\"", "privileged 3:5"),
        ("privileged: ${P:-true}", "privileged 3:5"),
        ("post_start:\n  - command: x\n    privileged: true", "privileged 5:9"),
        ("build: { context: ., privileged: true }", "privileged 3:26"),
        ("build: { entitlements: [security.insecure] }", "privileged 3:29"),
        ("use_api_socket: true", "docker-socket 3:5"),
        ("volumes: [/var/run/docker.sock:/x]", "docker-socket 3:15"),
        ("volumes: ['/run/docker.sock:/x:ro']", "docker-socket 3:15"),
        ("volumes: ['//./pipe/docker_engine://./pipe/docker_engine']", "docker-socket 3:15"),
        (
            "volumes:\n  - type: bind\n    source: /run/containerd/containerd.sock",
            "docker-socket 5:17",
        ),
        ("volumes:\n  - type: npipe\n    source: \\\\.\\pipe\\docker_engine", "docker-socket 5:17"),
        ("volumes: ['${S:-/var/run/docker.sock}:/x']", "docker-socket 3:15"),
        ("volumes: ['${S}:/var/run/docker.sock']", "docker-socket 3:15"),
        ("volumes: [/var/run:/x]", "docker-socket 3:15"),
        ("volumes: [~/.docker/run/docker.sock:/x]", "docker-socket 3:15"),
        ("cap_add: [SYS_ADMIN]", "capability 3:15"),
        ("cap_add:\n  - cap_net_admin", "capability 4:9"),
        ("network_mode: host", "host-network 3:5"),
        ("pid: host", "host-pid 3:5"),
        ("pid: \"host\"", "host-pid 3:5"),
        ("ipc: host", "host-ipc 3:5"),
        ("userns_mode: host", "host-users 3:5"),
        ("cgroup: host", "host-cgroup 3:5"),
        ("volumes: ['/sys/fs/cgroup:/sys/fs/cgroup:ro']", "host-cgroup 3:15"),
        ("volumes: ['/sys/fs/cgroup/x:/x']", "host-cgroup 3:15"),
        ("security_opt: ['seccomp:unconfined']", "unconfined 3:20"),
        ("security_opt: ['seccomp=unconfined']", "unconfined 3:20"),
        ("security_opt:\n  - apparmor:unconfined", "unconfined 4:9"),
        ("security_opt: ['label:disable']", "unconfined 3:20"),
        ("devices: ['/dev/sda:/dev/xvda:rwm']", "host-device 3:15"),
        ("devices:\n  - source: /dev/nvme0n1", "host-device 4:17"),
        ("device_cgroup_rules: ['b *:* rmw']", "host-device 3:27"),
        ("volumes: ['/:/host:ro']", "host-folder 3:15"),
        ("volumes: ['/etc/:/x']", "host-folder 3:15"),
        ("volumes: ['/root/.ssh:/x']", "host-folder 3:15"),
        ("volumes: ['/proc:/x']", "host-folder 3:15"),
        ("volumes: ['/sys:/x']", "host-folder 3:15"),
        ("volumes: ['/srv/../etc:/x']", "host-folder 3:15"),
        ("volumes: ['C:\\:/x']", "host-folder 3:15"),
        (
            "volumes:\n  - { type: bind, source: /etc, target: /x, read_only: true }",
            "host-folder 4:31",
        ),
    ] {
        assert_eq!(service(lines), [wanted], "{lines}");
    }
}

#[test]
fn settings_without_host_access_have_no_finding() {
    for lines in [
        "privileged: false",
        "build: ./privileged",
        "build: { entitlements: [network.none] }",
        "privileged:",
        "privileged: ${P}",
        "privileged: !reset null",
        "volumes: !override [./docker:/x]",
        "volumes: [data:/var/run/docker.sock.d, /opt:/opt, /x, './etc:/etc']",
        "volumes: [/etc/localtime:/etc/localtime:ro, '/usr:/x:ro', /var/lib/docker/volumes:/x]",
        "volumes: [{ type: volume, source: /etc, target: /x }]",
        "volumes: [{ type: tmpfs, target: /sys/fs/cgroup }]",
        "cap_add: [NET_BIND_SERVICE, CHOWN]",
        "cap_drop: [ALL]",
        "network_mode: bridge",
        "pid: service:db",
        "security_opt: ['no-new-privileges:true', 'seccomp:./profile.json']",
        "devices: [/dev/dri, /dev/ttyUSB0, /dev/loop-control, /dev/snd]",
        "device_cgroup_rules: ['c 189:* rmw']",
        "environment: { SOCKET: /var/run/docker.sock }",
        "labels: ['privileged=true']",
        "extends: base",
    ] {
        assert_eq!(service(lines), [] as [&str; 0], "{lines}");
    }
    assert_eq!(found("services:\nvolumes: { v: }\nx-y: { privileged: true }\n"), [] as [&str; 0]);
}

#[test]
fn a_named_volume_can_be_a_directory_of_the_host() {
    let text = |o: &str, device: &str| {
        format!(
            "volumes:\n  v:\n    driver_opts:\n      type: none\n      o: {o}\n      device: {device}\n"
        )
    };
    assert_eq!(found(&text("bind", "/etc")), ["host-folder 6:15"]);
    assert_eq!(found(&text("\"bind,ro\"", "/run")), ["docker-socket 6:15"]);
    assert_eq!(found(&text("addr=10.0.0.1", ":/etc")), [] as [&str; 0]);
}

#[test]
fn the_content_of_an_anchor_is_reported_once_in_its_place() {
    let text = "x-base: &base\n  privileged: true\n  cap_add: &caps [ALL]\n\
                services:\n  a: { <<: *base }\n  b: { <<: [*base] }\n  c: { cap_add: *caps }\n\
                \x20 d: { <<: *base, privileged: false }\n";
    assert_eq!(found(text), ["privileged 2:3", "capability 3:19"]);
}

#[test]
fn an_acknowledgement_applies_to_its_line_or_the_next() {
    let sock = "/var/run/docker.sock:/var/run/docker.sock";
    for lines in [
        format!("volumes:\n  - {sock} # onebuild: allow docker-socket (it drives the engine)"),
        format!("volumes:\n  # onebuild: allow docker-socket (it drives the engine)\n  - {sock}"),
        format!("volumes:\n  # onebuild: allow docker-socket (why (in brackets))\n  # and more\n  - {sock}"),
        format!("volumes: ['{sock}', /etc:/x] # onebuild: allow docker-socket, host-folder (both)"),
        "volumes:\n  # onebuild: allow docker-socket (x)\n  - type: bind\n    source: /run/docker.sock"
            .to_owned(),
        "pid: host # onebuild:allow host-pid (x)".to_owned(),
        "pid: host #onebuild: allow host-pid  (x)".to_owned(),
    ] {
        assert_eq!(service(&lines), [] as [&str; 0], "{lines}");
    }
}

#[test]
fn an_invalid_acknowledgement_is_reported() {
    for (comment, wanted) in [
        ("# onebuild: allow host-pid", "wrong-allow 3:15"),
        ("# onebuild: allow host-pid ()", "wrong-allow 3:15"),
        ("# onebuild: allow host-pid because", "wrong-allow 3:15"),
        ("# onebuild: allow (why)", "wrong-allow 3:15"),
        ("# onebuild: ignore host-pid (why)", "wrong-allow 3:15"),
        ("# onebuild allow host-pid (why)", "wrong-allow 3:15"),
        ("# onebuild: allow hots-pid (why)", "wrong-allow 3:33"),
    ] {
        assert_eq!(service(&format!("pid: host {comment}")), [wanted, "host-pid 3:5"], "{comment}");
    }
    let other = "pid: host # onebuild: allow host-ipc (why)";
    assert_eq!(service(other), ["host-pid 3:5", "unused-allow 3:33"]);
    let far = "# onebuild: allow host-pid (why)\n\npid: host";
    assert_eq!(service(far), ["host-pid 5:5", "unused-allow 3:23"]);
    let after = "pid: host\n# onebuild: allow host-pid (why)";
    assert_eq!(service(after), ["host-pid 3:5", "unused-allow 4:23"]);
    let (findings, _) = look("pid: host # onebuild: allow hots-pid (why)\n");
    let help = findings.iter().next().unwrap().diagnostic.help.clone();
    assert_eq!(help.unwrap(), "did you mean `host-pid`?");
    // Comments can mention the program, and strings are not comments.
    assert_eq!(service("image: x # onebuild makes it"), [] as [&str; 0]);
    let text = "command: \"# onebuild: allow host-pid (x)\"\npid: host";
    assert_eq!(service(text), ["host-pid 4:5"]);
    let block = "command: |\n  # onebuild: allow host-pid (x)\npid: host";
    assert_eq!(service(block), ["host-pid 5:5"]);
}

#[test]
fn the_number_of_findings_is_limited() {
    let services: String = (0..1000).map(|n| format!("  s{n}:\n    pid: host\n")).collect();
    let (findings, _) = look(&format!("services:\n{services}"));
    let counts = [Severity::Error, Severity::Warning, Severity::Note].map(|s| findings.count(s));
    assert_eq!(counts, [0, 200, 1]);
    let services: String = (0..1000).map(|n| format!("  s{n}: []\n")).collect();
    assert_eq!(look(&format!("services:\n{services}")).0.count(Severity::Error), 200);
}

#[test]
fn an_invalid_file_is_an_error_at_its_place() {
    for (text, wanted) in [
        ("", "error 1:1"),
        ("services: [a]\n", "error 1:11"),
        ("services:\n  a: x\n", "error 2:6"),
        ("services:\n  a: { cap_add: ALL }\n", "error 2:17"),
        ("services:\n  a: { privileged: [x] }\n", "error 2:20"),
        ("services:\n  a: { pid: host\n", "error 2:6"),
        ("services: {}\n---\nservices: {}\n", "error 2:1"),
        ("services:\n  a: { image: {{ image }} }\n", "error 2:16"),
        ("services:\n  a: { image: x }\n  a: { image: y }\n", "error 3:3"),
        ("services:\n  a: !vault x\n", "error 2:13"),
        ("- a\n", "error 1:1"),
    ] {
        assert_eq!(found(text), [wanted], "{text}");
        assert_eq!(look(text).0.count(Severity::Error), 1);
    }
    // An error in one key hides no other findings.
    assert_eq!(service("cap_add: ALL\npid: host"), ["error 3:14", "host-pid 4:5"]);
}

#[test]
fn loaded_files_are_returned() {
    let text = "include:\n  - a.yaml\n  - path: [b.yaml, \"${DIR:-d}/c.yaml\"]\n  - { path: d.yaml }\n\
                services:\n  x: { extends: { file: e.yaml, service: y } }\n  z: { extends: x }\n";
    let taken: Vec<String> = look(text).1.into_iter().map(|taken| taken.path).collect();
    assert_eq!(taken, ["a.yaml", "b.yaml", "d/c.yaml", "d.yaml", "e.yaml"]);
}

#[test]
fn a_short_form_is_split_outside_variables_and_drives() {
    for (text, wanted) in [
        ("a:b:ro", &["a", "b", "ro"][..]),
        ("${A:-x:y}:/b", &["${A:-x:y}", "/b"]),
        ("C:\\data:/b:ro", &["C:\\data", "/b", "ro"]),
        ("d:/x:e:/y", &["d:/x", "e:/y"]),
        ("c:b", &["c", "b"]),
        ("", &[""]),
        ("${A:-", &["${A:-"]),
        ("}:é:", &["}", "é", ""]),
    ] {
        assert_eq!(parts(text), wanted, "{text}");
    }
}

#[test]
fn a_read_only_mount_can_only_read() {
    let message = |read_only| judged("/etc", "/x", read_only).unwrap().message;
    assert!(message(true).starts_with("the container reads the host's users"));
    assert!(message(false).starts_with("the container reads and changes the host's users"));
    assert!(judged("/run/docker.sock", "/x", true).unwrap().note.is_some());
    assert_eq!(judged("/etcetera", "/etc", false), None);
    for disk in
        ["/dev/sda", "/dev/vdb1", "/dev/mmcblk0p1", "/dev/disk/by-id/x", "/dev/mapper/v", "/dev"]
    {
        assert!(device(disk).is_some(), "{disk}");
    }
}

#[test]
fn every_rule_has_a_test() {
    let tests = include_str!("tests.rs");
    for rule in RULES.iter().filter(|rule| rule.judged == Judged::Compose) {
        assert!(tests.contains(&format!("\"{} ", rule.name)), "{}", rule.name);
    }
}
