//! All rules: their names, which never change, and what they find.

/// A rule whose findings can be acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub name: &'static str,
    /// Describes its findings, in Markdown.
    pub finds: &'static str,
    pub judged: Judged,
}

/// When a rule is applied. A command reports an acknowledgement as unused only if it applied its
/// rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// By every command that reads the whole matrix and its templates.
    Always,
    /// Only by `lint`.
    Lint,
    /// By `lint` to Compose files.
    Compose,
    /// Only during a build, or if an engine is available.
    Engine,
}

const fn rule(name: &'static str, finds: &'static str, judged: Judged) -> Rule {
    Rule { name, finds, judged }
}

/// All rules, those over Compose files last.
pub const RULES: &[Rule] = &[
    rule(UNUSED_ALLOW, "an acknowledgement of a rule that has no finding there", Judged::Always),
    rule(
        "wrong-allow",
        "an acknowledgement without a reason, or of a rule that does not exist",
        Judged::Always,
    ),
    rule(
        "unused-base",
        "a name in `bases`, or of `--base`, that no Dockerfile uses",
        Judged::Always,
    ),
    rule(
        "unused-context",
        "a name in `contexts`, or of `--build-context`, that no Dockerfile uses",
        Judged::Always,
    ),
    rule(
        "unused-build-arg",
        "an argument in `args`, or of `--build-arg`, that no Dockerfile declares",
        Judged::Always,
    ),
    rule(
        "unused-secret",
        "an id in `secrets`, or of `--secret`, that no step uses",
        Judged::Always,
    ),
    rule("unused-ssh", "an id in `ssh`, or of `--ssh`, that no step uses", Judged::Always),
    rule(
        "missing-secret",
        "a step that uses a secret that the cell does not define",
        Judged::Always,
    ),
    rule(
        "missing-ssh",
        "a step that uses an SSH agent that the cell does not define",
        Judged::Always,
    ),
    rule(
        "arg-before-from",
        "a variable in a stage whose only `ARG` is before the first `FROM`, so that it is empty",
        Judged::Always,
    ),
    rule(
        "platform-arg-default",
        "a value for `TARGETARCH` or a similar argument that hides BuildKit's value for each platform",
        Judged::Always,
    ),
    rule(
        "line-ends",
        "a carriage return that Docker keeps, in a here-document, or reads inside a line",
        Judged::Always,
    ),
    rule(
        "foreign-system",
        "a step or a smoke test on a system that no engine on Linux runs, such as Windows",
        Judged::Always,
    ),
    rule(
        "shared-cache-mount",
        "a cache mount that platforms or systems share although they need different files",
        Judged::Always,
    ),
    rule(
        "same-image",
        "an axis that changes the tag of an image and nothing in it",
        Judged::Always,
    ),
    rule(
        "unknown-base",
        "a base image that is unknown or differs by platform, although a label needs it",
        Judged::Always,
    ),
    rule(
        "unknown-version-order",
        "versions without a defined order, although `latest`, `limit` or a comparison needs it",
        Judged::Always,
    ),
    rule("unused-tag", "a tag whose `when` is true for no cell", Judged::Always),
    rule("deprecated", "a key that has another name today", Judged::Always),
    rule(
        "foreign-placeholder",
        "a placeholder of another language, such as `${VERSION}`, with the name of an axis or a var",
        Judged::Always,
    ),
    rule("axis-is-flag", "an axis with the name of a flag of onebuild", Judged::Always),
    rule(
        "stalled-tag",
        "a tag that no cell has, because `exclude` removes the newest version",
        Judged::Always,
    ),
    rule("empty-secret", "a secret that is empty", Judged::Engine),
    rule("base-platform", "a base image for another platform than the cell's", Judged::Engine),
    rule(
        "final-stage-platform",
        "a final stage whose `FROM --platform` is not the cell's platform",
        Judged::Engine,
    ),
    rule("base-without-tag", "a base image without a tag, which means `latest`", Judged::Lint),
    rule("base-latest", "a base image with the tag `latest`", Judged::Lint),
    rule("unpinned-base", "a base image without a digest; a note", Judged::Lint),
    rule("latest-tag", "an image that gets the tag `latest`; a note", Judged::Lint),
    rule(
        "secret-in-image",
        "an argument, a label or an environment variable that is named like a secret",
        Judged::Lint,
    ),
    rule("plain-sign", "a `<%` that no `%>` follows in its line; a note", Judged::Lint),
    rule("file-drift", "a committed file that differs from its rendered template", Judged::Lint),
    rule(
        "privileged",
        "`privileged: true` of a service, its hooks or its build, and `security.insecure`",
        Judged::Compose,
    ),
    rule(
        "docker-socket",
        "a socket of Docker, containerd, Podman or CRI-O, or a directory that contains one",
        Judged::Compose,
    ),
    rule(
        "capability",
        "`cap_add` of a capability with effects beyond the container",
        Judged::Compose,
    ),
    rule(
        "host-folder",
        "a mount of `/`, `/etc`, `/root`, `/proc`, `/sys` or a similar directory",
        Judged::Compose,
    ),
    rule("host-cgroup", "`cgroup: host`, or a mount of `/sys/fs/cgroup`", Judged::Compose),
    rule("host-network", "`network_mode: host`", Judged::Compose),
    rule("host-pid", "`pid: host`", Judged::Compose),
    rule("host-ipc", "`ipc: host`", Judged::Compose),
    rule("host-users", "`userns_mode: host`", Judged::Compose),
    rule(
        "unconfined",
        "`security_opt` that turns off seccomp, AppArmor or SELinux",
        Judged::Compose,
    ),
    rule(
        "host-device",
        "a disk or the memory of the host in `devices`, or a rule for all devices of a kind",
        Judged::Compose,
    ),
];

pub(super) const UNUSED_ALLOW: &str = "unused-allow";

/// The rule with this name.
pub(super) fn find(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// Whether a name is one of BuildKit's own rules, which are written like `StageNameCasing`.
pub(super) fn is_buildkit(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
        && name.chars().any(|c| c.is_ascii_lowercase())
}

/// Our name of a rule that BuildKit has too.
pub(super) fn ours(rule: &str) -> &str {
    match rule {
        // BuildKit reports it with an engine, and we report it without one.
        "SecretsUsedInArgOrEnv" => "secret-in-image",
        rule => rule,
    }
}
