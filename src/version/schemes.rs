//! Versions of real projects, oldest first.

/// A project with a link to its numbering scheme, and some of its releases in order.
pub(super) type Scheme = (&'static str, &'static [&'static str]);

pub(super) const SCHEMES: &[Scheme] = &[
    // Operating systems.
    (
        "Debian, point releases: https://www.debian.org/releases/",
        &["9.13", "10.2", "10.13", "11.9", "12.0", "12.9"],
    ),
    (
        "Ubuntu: https://ubuntu.com/about/release-cycle",
        &["14.04", "18.04", "18.04.6", "20.04", "22.04", "24.04", "24.04.1", "24.10"],
    ),
    (
        "Alpine: https://alpinelinux.org/releases/",
        &["3.9", "3.18.9", "3.19", "3.20.0", "3.20.3", "3.21.0_rc1", "3.21.0"],
    ),
    (
        "CentOS: https://wiki.centos.org/About/Product",
        &["5.11", "6.10", "7.0.1406", "7.9.2009", "8.0.1905", "8.5.2111"],
    ),
    ("Debian image dates: https://hub.docker.com/_/debian", &["20231218", "20240110", "20241223"]),
    (
        "Debian policy on versions: https://www.debian.org/doc/debian-policy/ch-controlfields.html#version",
        &["1.0~beta1-1", "1.0~rc1-1", "1.0-1", "1.0-2", "1.0-10", "1.0.1-1", "1:0.9-1"],
    ),
    (
        "Debian security and backports: https://backports.debian.org",
        &["2.0-1~bpo12", "2.0-1", "2.0-1+deb12u1", "2.0-1+deb12u2", "2.0-1+deb12u10", "2.0-2"],
    ),
    (
        "Alpine packages: https://wiki.alpinelinux.org/wiki/Package_policies",
        &[
            "1.2.3_alpha",
            "1.2.3_beta2",
            "1.2.3_pre3",
            "1.2.3_rc1",
            "1.2.3",
            "1.2.3-r1",
            "1.2.3-r10",
            "1.2.3_p1",
            "1.2.4",
        ],
    ),
    (
        "Gentoo: https://devmanual.gentoo.org/ebuild-writing/file-format/",
        &["1.0_alpha3", "1.0_beta1", "1.0_pre2", "1.0_rc1", "1.0", "1.0_p1", "1.0a", "1.0.1"],
    ),
    (
        "Linux: https://www.kernel.org/category/releases.html",
        &["6.9", "6.9.12", "6.10-rc1", "6.10-rc7", "6.10", "6.12-rc10", "6.12"],
    ),
    (
        "FreeBSD patches: https://www.freebsd.org/security/",
        &["13.2", "13.2-p1", "13.2-p9", "13.2-p11", "13.3", "14.1"],
    ),
    // Languages.
    (
        "OpenJDK 8, update and build: https://openjdk.org/projects/jdk8u/",
        &["8u92-b14", "8u352-b08", "8u402-b06", "8u412-b08", "8u412-b10"],
    ),
    (
        "Temurin 8 with its prefix: https://github.com/adoptium/temurin8-binaries/releases",
        &["jdk8u92-b14", "jdk8u402-b06", "jdk8u412-b08"],
    ),
    (
        "Java 8 in its own spelling: https://openjdk.org/jeps/223",
        &["1.8.0_9", "1.8.0_92", "1.8.0_292-b08", "1.8.0_292-b10", "1.8.0_412"],
    ),
    (
        "Temurin 11 and later, as image tags: https://hub.docker.com/_/eclipse-temurin",
        &["11.0.9_11", "11.0.25_9", "17.0.5_8", "17.0.10_7", "21_35", "21.0.5_11"],
    ),
    (
        "Temurin, as releases: https://github.com/adoptium/temurin17-binaries/releases",
        &[
            "jdk-17.0.5_8",
            "jdk-17.0.10_7",
            "jdk-17.0.10_12",
            "jdk-21+35",
            "jdk-21.0.1+12",
            "jdk-21.0.2_13",
        ],
    ),
    (
        "OpenJDK with build metadata: https://openjdk.org/jeps/322",
        &["17.0.5+8", "17.0.5+10", "17.0.10+7", "21-ea+9", "21-ea+20", "21+35"],
    ),
    ("OpenJDK early access: https://jdk.java.net", &["21", "22-ea", "22", "23-ea", "23"]),
    (
        "Python: https://peps.python.org/pep-0440/",
        &[
            "3.9.20",
            "3.12.5",
            "3.13.0a1",
            "3.13.0a6",
            "3.13.0b4",
            "3.13.0rc1",
            "3.13.0rc3",
            "3.13.0",
            "3.13.1",
        ],
    ),
    (
        "PEP 440's own example: https://packaging.python.org/en/latest/specifications/version-specifiers/",
        &[
            "1.0.dev1",
            "1.0.dev12",
            "1.0a1.dev1",
            "1.0a1",
            "1.0a12",
            "1.0b1",
            "1.0rc1.dev1",
            "1.0rc1",
            "1.0c2",
            "1.0",
            "1.0.post1.dev1",
            "1.0.post1",
            "1.0.post9",
            "1.0.post10",
            "1.1.dev1",
            "1.1",
            "1!0.1",
        ],
    ),
    (
        "Go: https://go.dev/doc/devel/release",
        &["1.9.7", "1.21.13", "1.22beta1", "1.22rc1", "1.22rc2", "1.22.0", "1.22.10"],
    ),
    (
        "Go toolchains: https://go.dev/doc/toolchain",
        &["go1.9", "go1.21rc2", "go1.21.0", "go1.22.10"],
    ),
    (
        "Node.js: https://nodejs.org/en/about/previous-releases",
        &["v9.11.2", "v18.20.5", "v20.9.0", "v22.0.0-rc.1", "v22.0.0-rc.10", "v22.0.0", "v22.11.0"],
    ),
    (
        "Ruby: https://www.ruby-lang.org/en/downloads/releases/",
        &["2.7.8", "3.3.6", "3.4.0-preview1", "3.4.0-preview2", "3.4.0-rc1", "3.4.0", "3.4.1"],
    ),
    (
        "Ruby 2.0 patch levels: https://www.ruby-lang.org/en/downloads/releases/",
        &["2.0.0-rc2", "2.0.0-p0", "2.0.0-p195", "2.0.0-p648", "2.1.0"],
    ),
    (
        "RubyGems: https://guides.rubygems.org/patterns/#prerelease-gems",
        &["6.1.7", "7.0.0.alpha2", "7.0.0.beta1", "7.0.0.pre", "7.0.0.rc1", "7.0.0.rc10", "7.0.0"],
    ),
    (
        "PHP: https://www.php.net/version_compare",
        &[
            "8.3.14",
            "8.4.0-dev",
            "8.4.0alpha1",
            "8.4.0beta5",
            "8.4.0RC1",
            "8.4.0RC4",
            "8.4.0",
            "8.4.0pl1",
        ],
    ),
    (
        "Perl: https://perldoc.perl.org/perlpolicy",
        &["5.8.9", "5.36.3", "5.38.0-RC1", "5.38.0", "5.38.2", "5.40.0"],
    ),
    (
        "Erlang/OTP: https://www.erlang.org/doc/system/versions.html",
        &["26.2.5.6", "27.0-rc1", "27.0-rc3", "27.0", "27.0.1", "27.1.3"],
    ),
    (
        "Erlang/OTP, as tags: https://github.com/erlang/otp/tags",
        &["OTP-26.2.5.6", "OTP-27.0-rc1", "OTP-27.0", "OTP-27.1.3"],
    ),
    (
        "Elixir: https://hexdocs.pm/elixir/Version.html",
        &["1.9.4", "1.17.0-rc.0", "1.17.0-rc.1", "1.17.0", "1.17.3"],
    ),
    (
        "Rust: https://forge.rust-lang.org",
        &["1.9.0", "1.83.0", "1.84.0-beta.1", "1.84.0-beta.6", "1.84.0-nightly", "1.84.0"],
    ),
    (
        "Scala: https://www.scala-lang.org/download/all.html",
        &["2.12.20", "2.13.0-M5", "2.13.0-RC1", "2.13.0", "3.0.0-M3", "3.0.0-RC1", "3.0.0"],
    ),
    (
        "Kotlin: https://kotlinlang.org/docs/releases.html",
        &["2.0.21", "2.1.0-Beta1", "2.1.0-Beta2", "2.1.0-RC", "2.1.0-RC2", "2.1.0"],
    ),
    (
        ".NET: https://dotnet.microsoft.com/en-us/download/dotnet",
        &["8.0.11", "9.0.0-preview.1", "9.0.0-preview.7", "9.0.0-rc.1", "9.0.0-rc.2", "9.0.0"],
    ),
    (
        "Julia: https://julialang.org/downloads/oldreleases/",
        &["1.10.7", "1.11.0-alpha2", "1.11.0-beta1", "1.11.0-rc4", "1.11.0"],
    ),
    // Package managers.
    (
        "SemVer's own example: https://semver.org/#spec-item-11",
        &[
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
        ],
    ),
    (
        "npm dist-tags in versions: https://docs.npmjs.com/cli/commands/npm-version",
        &["14.2.0-canary.1", "14.2.0-canary.9", "14.2.0-canary.10", "14.2.0"],
    ),
    (
        "Maven: https://maven.apache.org/pom.html#version-order-specification",
        &[
            "1.0-alpha-1",
            "1.0-alpha-2",
            "1.0-beta-1",
            "1.0-milestone-1",
            "1.0-rc-1",
            "1.0-SNAPSHOT",
            "1.0",
            "1.0-sp-1",
            "1.0-1",
            "1.0.1",
        ],
    ),
    (
        "Composer: https://getcomposer.org/doc/04-schema.md#version",
        &[
            "1.0.0-dev",
            "1.0.0-alpha3",
            "1.0.0-beta2",
            "1.0.0-RC5",
            "1.0.0",
            "1.0.0-patch1",
            "1.0.0-patch10",
        ],
    ),
    // JVM servers and tools.
    (
        "Hibernate ORM: https://hibernate.org/orm/releases/",
        &[
            "5.6.15.Final",
            "6.0.0.Alpha1",
            "6.0.0.Alpha9",
            "6.0.0.Beta1",
            "6.0.0.CR1",
            "6.0.0.Final",
            "6.0.1.Final",
        ],
    ),
    (
        "WildFly: https://www.wildfly.org/downloads/",
        &[
            "9.0.2.Final",
            "26.1.3.Final",
            "27.0.0.Alpha1",
            "27.0.0.Beta1",
            "27.0.0.Final",
            "33.0.2.Final",
        ],
    ),
    (
        "JBoss service packs: https://maven.apache.org/pom.html#version-order-specification",
        &["2.1.0.CR1", "2.1.0.GA", "2.1.0.SP1", "2.1.0.SP2", "2.1.0.SP10", "2.1.1.GA"],
    ),
    (
        "Spring Boot until 2.3: https://spring.io/blog/2020/04/30/updates-to-spring-versions",
        &["2.2.9.RELEASE", "2.3.0.M1", "2.3.0.M4", "2.3.0.RC1", "2.3.0.RELEASE", "2.3.12.RELEASE"],
    ),
    (
        "Spring Boot: https://spring.io/projects/spring-boot",
        &["3.3.6", "3.4.0-M1", "3.4.0-M3", "3.4.0-RC1", "3.4.0", "3.4.1"],
    ),
    (
        "Tomcat: https://tomcat.apache.org/whichversion.html",
        &["9.0.98", "10.1.34", "11.0.0-M1", "11.0.0-M9", "11.0.0-M26", "11.0.0"],
    ),
    (
        "Jetty: https://jetty.org",
        &[
            "9.3.30.v20211001",
            "9.4.0.M1",
            "9.4.0.RC3",
            "9.4.0.v20161208",
            "9.4.56.v20240826",
            "10.0.24",
        ],
    ),
    (
        "Elasticsearch: https://www.elastic.co/guide/en/elasticsearch/reference/current/es-release-notes.html",
        &[
            "7.17.26",
            "8.0.0-alpha1",
            "8.0.0-beta1",
            "8.0.0-rc1",
            "8.0.0-rc2",
            "8.0.0-SNAPSHOT",
            "8.0.0",
            "8.17.0",
        ],
    ),
    (
        "Jenkins: https://www.jenkins.io/download/lts/",
        &["2.9", "2.479", "2.479.1-lts", "2.479.2-lts", "2.491"],
    ),
    // Databases.
    (
        "PostgreSQL: https://www.postgresql.org/support/versioning/",
        &["9.6.24", "10", "16.6", "17beta1", "17beta3", "17rc1", "17", "17.2", "18beta1"],
    ),
    (
        "PostgreSQL, Git tags: https://git.postgresql.org",
        &["REL_16_1", "REL_16_10", "REL_17_BETA1", "REL_17_RC1", "REL_17_0", "REL_17_2"],
    ),
    (
        "MySQL: https://dev.mysql.com/doc/relnotes/mysql/8.4/en/",
        &["5.7.44", "8.0.4-rc", "8.0.40", "8.4.0", "8.4.0-lts", "8.4.3", "9.1.0"],
    ),
    (
        "MariaDB: https://mariadb.com/kb/en/about-mariadb-software/",
        &["10.6.20", "11.4.4", "11.8.0-rc", "11.8.1"],
    ),
    (
        "Redis: https://redis.io/docs/latest/operate/oss_and_stack/install/",
        &["6.2.16", "7.0-rc1", "7.0-rc3", "7.0.0", "7.4.1"],
    ),
    (
        "SQLite: https://www.sqlite.org/versionnumbers.html",
        &["3.8.11.1", "3.9.3", "3.46.1", "3.47.2"],
    ),
    (
        "ClickHouse: https://clickhouse.com/docs/whats-new/changelog",
        &["23.8.16.40-lts", "24.3.13.40-lts", "24.8.9.95-lts", "24.11.1.2557-stable"],
    ),
    (
        "CockroachDB: https://www.cockroachlabs.com/docs/releases/",
        &["v24.2.5", "v24.3.0-alpha.1", "v24.3.0-beta.3", "v24.3.0-rc.1", "v24.3.0"],
    ),
    // Cloud, networks, proxies.
    (
        "Kubernetes: https://kubernetes.io/releases/version-skew-policy/",
        &[
            "v1.9.11",
            "v1.30.7",
            "v1.31.0-alpha.3",
            "v1.31.0-beta.0",
            "v1.31.0-rc.1",
            "v1.31.0",
            "v1.31.10",
        ],
    ),
    (
        "k3s: https://github.com/k3s-io/k3s/releases",
        &["v1.30.1-rc1+k3s1", "v1.30.1+k3s1", "v1.30.1+k3s2", "v1.30.1+k3s10", "v1.30.2+k3s1"],
    ),
    (
        "runc, as reported to BuildKit: https://github.com/opencontainers/runc/releases",
        &["1.0.0-rc1", "1.0.0-rc9", "1.0.0-rc10", "1.0.0-rc95", "1.0.0", "1.2.0"],
    ),
    (
        "Docker Engine's packages: https://download.docker.com",
        &[
            "5:26.1.4-1~debian.12~bookworm",
            "5:27.0.3-1~debian.12~bookworm",
            "5:27.3.1-1~debian.12~bookworm",
        ],
    ),
    (
        "HAProxy: https://www.haproxy.org",
        &["2.9.12", "3.0-dev1", "3.0-dev5", "3.0-dev12", "3.0.0", "3.0.7"],
    ),
    ("nginx: https://nginx.org/en/download.html", &["1.9.15", "1.26.2", "1.27.0", "1.27.3"]),
    (
        "Traefik: https://doc.traefik.io/traefik/deprecation/releases/",
        &["v2.11.15", "v3.0.0-beta5", "v3.0.0-rc5", "v3.0.0", "v3.3.0-ea.1", "v3.3.0"],
    ),
    (
        "WireGuard, an image of linuxserver.io: https://docs.linuxserver.io",
        &["1.0.20210914-ls7", "1.0.20210914-ls99", "1.0.20210914-ls126"],
    ),
    (
        "linuxserver.io with a revision: https://docs.linuxserver.io",
        &["v1.2-r3-ls99", "v1.2-r3-ls126", "v1.2-r4-ls1"],
    ),
    (
        "OpenSSL 1: https://www.openssl.org/policies/releasestrat.html",
        &[
            "1.0.2u",
            "1.1.0l",
            "1.1.1-pre9",
            "1.1.1",
            "1.1.1a",
            "1.1.1k",
            "1.1.1w",
            "3.0.0-alpha17",
            "3.0.0-beta2",
            "3.0.0",
            "3.4.0",
        ],
    ),
    (
        "OpenSSL 3, Git tags: https://github.com/openssl/openssl/tags",
        &[
            "openssl-3.0.9",
            "openssl-3.3.0-beta1",
            "openssl-3.3.0",
            "openssl-3.3.2",
            "openssl-3.10.0",
        ],
    ),
    (
        "OpenSSH: https://www.openssh.com/releasenotes.html",
        &["7.9p1", "9.3p1", "9.3p2", "9.8p1", "9.9p1", "9.9p2", "10.0p1"],
    ),
    (
        "ntp: https://www.ntp.org/support/securitynotice/",
        &["4.2.6p5", "4.2.8p2", "4.2.8p15", "4.2.8p18"],
    ),
    (
        "curl, Git tags: https://github.com/curl/curl/tags",
        &["curl-7_88_1", "curl-8_9_0", "curl-8_9_1", "curl-8_10_0"],
    ),
    (
        "tzdata: https://www.iana.org/time-zones",
        &["2022g", "2023a", "2023b", "2023c", "2024a", "2024b"],
    ),
    (
        "dnsmasq: https://thekelleys.org.uk/dnsmasq/",
        &["2.89", "2.90", "2.91rc1", "2.91rc10", "2.91"],
    ),
    ("BIND: https://kb.isc.org/docs/aa-00896", &["9.9.11-P1", "9.16.50", "9.18.9", "9.18.31"]),
    // Applications.
    (
        "GitLab: https://docs.gitlab.com/ee/policy/maintenance.html",
        &["16.0.0-rc1-ce.0", "16.0.0-rc42-ce.0", "16.0.0-ce.0", "16.11.10-ce.0", "17.6.1-ce.0"],
    ),
    (
        "Gitea: https://docs.gitea.com/installation/comparison",
        &["1.21.11", "1.22.0-dev", "1.22.0-rc0", "1.22.0-rc1", "1.22.0", "1.22.6"],
    ),
    (
        "Nextcloud: https://github.com/nextcloud/server/wiki/Maintenance-and-Release-Schedule",
        &["29.0.9", "30.0.0beta1", "30.0.0beta3", "30.0.0rc1", "30.0.0rc5", "30.0.0", "30.0.4"],
    ),
    (
        "WordPress: https://wordpress.org/download/releases/",
        &["6.6.2", "6.7-beta1", "6.7-RC1", "6.7-RC3", "6.7", "6.7.1"],
    ),
    (
        "Chromium: https://www.chromium.org/developers/version-numbers/",
        &["99.0.4844.84", "130.0.6723.116", "131.0.6778.85", "131.0.6778.204"],
    ),
    (
        "Unity: https://unity.com/releases/editor/archive",
        &[
            "2022.3.9f1",
            "2022.3.10f1",
            "2023.1.0a9",
            "2023.1.0a26",
            "2023.1.0b5",
            "2023.1.0f1",
            "2023.1.0p1",
        ],
    ),
    ("Unity Hub tags, as reported: https://hub.docker.com/r/unityci/editor", &["9f1", "10f1"]),
    (
        "Home Assistant, by date: https://www.home-assistant.io/faq/release/",
        &["2024.9.3", "2024.12.0b1", "2024.12.0b10", "2024.12.0", "2024.12.5", "2025.1.0"],
    ),
    (
        "MinIO: https://github.com/minio/minio/releases",
        &[
            "RELEASE.2023-12-23T07-19-11Z",
            "RELEASE.2024-01-05T22-17-24Z",
            "RELEASE.2024-01-05T22-17-25Z",
            "RELEASE.2024-01-11T07-46-16Z",
            "RELEASE.2024-10-02T17-50-41Z",
        ],
    ),
    (
        "Minecraft: https://minecraft.wiki/w/Java_Edition_version_history",
        &["1.9.4", "1.20.6", "1.21-pre1", "1.21-pre4", "1.21-rc1", "1.21", "1.21.4"],
    ),
    (
        "MongoDB, Git tags: https://github.com/mongodb/mongo/tags",
        &["r6.0.19", "r7.0.0-rc1", "r7.0.0-rc10", "r7.0.0", "r7.0.15"],
    ),
    (
        "Android NDK: https://developer.android.com/ndk/downloads",
        &["r9d", "r21e", "r25", "r25b", "r25c", "r26", "r27b"],
    ),
    ("Neovim: https://neovim.io", &["0.9.5", "0.10.0-dev", "0.10.0", "0.10.2"]),
    (
        "git describe: https://git-scm.com/docs/git-describe",
        &["v1.2.0", "v1.2.0-2-g9fceb02", "v1.2.0-14-g2414721", "v1.2.1"],
    ),
];
