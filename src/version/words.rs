//! Words with a meaning in versions.
//!
//! Words outside this table do not affect the order: they are variants, such as `alpine`, `jdk` or
//! `cn`, although SemVer's grammar would call any `-word` a pre-release.

/// The meaning of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A pre-release; the string is the spelling used for comparison.
    Pre(&'static str),
    /// The release itself: `2.0.0.Final` is `2.0.0`.
    Final,
    /// After the release.
    Post,
    /// A prefix of a version without further meaning: `v1.2`, `release-1.2`.
    Version,
}

use Meaning::{Final, Post, Pre, Version};

/// Word, meaning, and users. Single letters are in `read.rs`, because their meaning depends on
/// their neighbours.
pub(super) const WORDS: &[(&str, Meaning, &str)] = &[
    // Pre-releases.
    ("alpha", Pre("alpha"), "https://semver.org/#spec-item-11"),
    ("beta", Pre("beta"), "https://semver.org/#spec-item-11"),
    ("rc", Pre("rc"), "https://semver.org/#spec-item-11"),
    (
        "cr",
        Pre("rc"),
        "https://maven.apache.org/pom.html#version-order-specification; Hibernate, WildFly",
    ),
    (
        "milestone",
        Pre("milestone"),
        "https://maven.apache.org/pom.html#version-order-specification",
    ),
    ("snapshot", Pre("snapshot"), "https://maven.apache.org/pom.html#version-order-specification"),
    (
        "pre",
        Pre("pre"),
        "https://devmanual.gentoo.org/ebuild-writing/file-format/; RubyGems, Alpine",
    ),
    ("prerelease", Pre("pre"), "https://docs.npmjs.com/cli/commands/npm-version; VS Code"),
    ("preview", Pre("preview"), "https://www.ruby-lang.org/en/downloads/releases/; .NET"),
    (
        "dev",
        Pre("dev"),
        "https://packaging.python.org/en/latest/specifications/version-specifiers/; HAProxy, Gitea",
    ),
    ("devel", Pre("dev"), "Go, Perl; Alpine's and Debian's packages of development branches"),
    ("ea", Pre("ea"), "https://openjdk.org/jeps/223; Traefik"),
    ("eap", Pre("eap"), "https://www.jetbrains.com/resources/eap/"),
    ("nightly", Pre("nightly"), "Rust, Node.js, Neovim"),
    ("canary", Pre("canary"), "Next.js, React, Chrome"),
    ("next", Pre("next"), "dist-tags of npm; Linux (linux-next)"),
    ("experimental", Pre("experimental"), "React, Debian"),
    ("insider", Pre("insider"), "VS Code"),
    ("insiders", Pre("insider"), "VS Code, Azure Data Studio"),
    ("test", Pre("test"), "Fedora, Odoo, Xen"),
    ("testing", Pre("testing"), "Debian, Podman"),
    ("unstable", Pre("unstable"), "Debian, Redis, Home Assistant"),
    ("edge", Pre("edge"), "Alpine, Linkerd"),
    ("trunk", Pre("trunk"), "WordPress, Subversion"),
    ("master", Pre("master"), "Git branches as versions"),
    ("git", Pre("git"), "Arch, Alpine, FFmpeg"),
    ("ctp", Pre("ctp"), "SQL Server's community technology previews"),
    // Releases.
    ("final", Final, "https://maven.apache.org/pom.html#version-order-specification; JBoss"),
    ("ga", Final, "https://maven.apache.org/pom.html#version-order-specification; MySQL"),
    ("release", Final, "https://maven.apache.org/pom.html#version-order-specification; Spring"),
    ("stable", Final, "Chrome, rqlite, Geth"),
    // After the release.
    ("post", Post, "https://packaging.python.org/en/latest/specifications/version-specifiers/"),
    ("sp", Post, "https://maven.apache.org/pom.html#version-order-specification; Hibernate, SUSE"),
    ("patch", Post, "https://github.com/repology/libversion/blob/master/doc/ALGORITHM.md"),
    ("pl", Post, "https://www.php.net/version_compare"),
    ("rev", Post, "PEP 440's other spelling of post"),
    ("update", Post, "Java (8 Update 92), vSphere"),
    ("hotfix", Post, "MinIO, Ceph"),
    ("build", Post, "Maven, Jenkins, VMware"),
    ("cu", Post, "SQL Server's cumulative updates"),
    ("ls", Post, "https://docs.linuxserver.io: builds of an image of one version"),
    ("lts", Post, "MySQL, Jenkins, Swift"),
    // Prefixes.
    ("v", Version, "https://semver.org/#is-v123-a-semantic-version"),
    ("ver", Version, "Kakoune, Dovecot"),
    ("version", Version, "LineageOS, Pandoc"),
    ("release", Version, "MinIO, ICU, Nginx"),
    ("rel", Version, "PostgreSQL, SQLAlchemy"),
    ("r", Version, "Android NDK, MongoDB, MATLAB"),
    ("jdk", Version, "https://openjdk.org/jeps/223; Temurin"),
];

/// Names that move between versions: unreleased versions, the newest release, branches.
const CHANNELS: &[(&str, &str)] = &[
    ("latest", "image tags"),
    ("current", "FreeBSD, Node.js"),
    ("rolling", "Ubuntu's and ROS's images"),
    ("mainline", "nginx"),
    ("main", "Git branches"),
    ("head", "FreeBSD, Git"),
    ("tip", "Go, Mercurial"),
    ("rawhide", "Fedora"),
    ("sid", "Debian"),
    ("oldstable", "Debian"),
    ("tumbleweed", "openSUSE"),
    ("cooker", "OpenMandriva"),
];

/// Whether `word` is a channel, such as `edge` or `stable`.
pub(super) fn is_channel(word: &str) -> bool {
    after(word).is_some() || CHANNELS.iter().any(|(known, _)| known.eq_ignore_ascii_case(word))
}

/// The meaning of `word` after the numbers.
pub(super) fn after(word: &str) -> Option<Meaning> {
    meaning(word, |meaning| meaning != Version)
}

/// Whether `word` before `rest`, a number or a separator and a number, is a prefix without further meaning.
pub(super) fn is_in_front(word: &str, rest: &str) -> bool {
    // `jdk17`, like `jre17`, is the name of a package; `jdk-21` (from `jdk-21+35`) and `jdk8u412` are
    // versions.
    let is_bare = || rest.bytes().all(|byte| byte.is_ascii_digit());
    let is_product = word.eq_ignore_ascii_case("jdk");
    meaning(word, |meaning| meaning == Version).is_some() && !(is_product && is_bare())
}

fn meaning(word: &str, fits: impl Fn(Meaning) -> bool) -> Option<Meaning> {
    let known = WORDS.iter().filter(|(known, ..)| known.eq_ignore_ascii_case(word));
    known.map(|(_, meaning, _)| *meaning).find(|meaning| fits(*meaning))
}
