//! Smoke tests of images with programs for another platform, which run on this machine but not on a
//! machine of the image's own platform.

use crate::support::Project;

/// An image whose `/bin/sh` is for its own platform, and whose `busybox-x` and `ash` are for amd64,
/// with additions for each cell.
const FILE: &str = "\
FROM --platform=linux/amd64 alpine:3.20 AS amd64
FROM alpine:3.20
COPY --from=amd64 /lib/x86_64-linux-gnu /lib/x86_64-linux-gnu
COPY --from=amd64 /lib64 /lib64
COPY --from=amd64 /bin/busybox /opt/busybox-x
RUN ln -s /opt/busybox-x /usr/bin/busybox-x && mkdir -p /srv/bin && ln -s ../../usr/bin/busybox-x /srv/bin/ \\
    && mkdir -p /usr/local/bin && ln -s /opt/busybox-x /usr/local/bin/ash
#% if n == \"base\"
COPY --from=amd64 /bin/busybox /bin/busybox
#% endif
#% if n == \"entry\"
WORKDIR /srv
HEALTHCHECK --interval=200ms CMD true
ENTRYPOINT [\"bin/busybox-x\", \"sleep\", \"600\"]
#% endif
";

const MATRIX: &str = "\
platforms: [linux/amd64, linux/arm64]
axes: { n: [base, words, line, script, byenv, entry, fine, shell] }
test: \"true\"
overrides:
  - { n: words, test: [busybox-x, \"true\"] }
  - { n: line, test: \"A=b busybox-x true && echo done\" }
  - { n: script, test: { script: tests/tool.sh } }
  - { n: byenv, test: { script: tests/env.sh } }
  - { n: entry, test: { healthy: 60s, run: \"true\" } }
  - { n: fine, test: { script: tests/fine.sh } }
  - { n: shell, test: [sh, -c, \"cat /etc/os-release\"] }
";

#[test]
fn a_program_of_another_platform_fails_a_test_that_would_pass() {
    let project = Project::in_new_repository("foreign", &format!("tag: v<%n%>\n{MATRIX}"), FILE);
    project.file("tests/tool.sh", "#!/opt/busybox-x sh\ntrue\n");
    project.file("tests/env.sh", "#!/usr/bin/env ash\ntrue\n");
    project.file("tests/fine.sh", "#!/bin/sh -e\n# A tool is there and not run.\ntrue\n");
    let run = project.run(&["matrix", "--push"]).exits(1);
    for (cell, program) in [
        ("vbase", "/bin/sh"),
        ("vwords", "/usr/bin/busybox-x"),
        ("vline", "/usr/bin/busybox-x"),
        ("vscript", "/opt/busybox-x"),
        ("vbyenv", "/usr/local/bin/ash"),
        ("ventry", "/srv/bin/busybox-x"),
    ] {
        let what = format!("{program} is an x86-64 program, but the platform is linux/arm64");
        assert!(
            run.stderr.contains(&format!("✗ {cell}")) && run.stderr.contains(&what),
            "{cell}: {what}\n{run}"
        );
        assert!(!project.store().has(cell), "{cell} went out");
    }
    let run = run.says(&[
        "error: vbase failed its test on linux/arm64",
        "pinned to the digest of one platform",
        "2 tested on amd64 arm64",
        "2 pushed, 6 failed",
    ]);
    // On its own platform, each of them passes.
    assert!(!run.stderr.contains("failed its test on linux/amd64"), "{run}");
}
