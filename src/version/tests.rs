use std::cmp::Ordering;

use proptest::prelude::*;

use super::schemes::SCHEMES;
use super::words::{Meaning, WORDS};
use super::*;

#[test]
fn versions_of_real_projects_are_in_release_order() {
    assert!(SCHEMES.len() >= 60);
    let mut wrong = Vec::new();
    for (project, ascending) in SCHEMES {
        for (index, older) in ascending.iter().enumerate() {
            for newer in &ascending[index + 1..] {
                let orders = (sort(older, newer), sort(newer, older));
                // A name in front is not a version; it still has an order among its kind.
                let is_known = !is_version(older) || is_order_known(older, newer);
                if orders != (Ordering::Less, Ordering::Greater) || !is_known {
                    wrong.push(format!("{older} {newer}: {orders:?} {is_known} ({project})"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn conditions_and_lists_use_the_same_order() {
    for (project, ascending) in SCHEMES.iter().filter(|(_, list)| is_version(list[0])) {
        for pair in ascending.windows(2) {
            // Numbered build metadata counts in a condition, as in OpenJDK.
            if pair.iter().any(|version| version.contains("+deb") || version.contains("+k3s")) {
                continue;
            }
            let order = compare(pair[1], pair[0]);
            let variant = pair[0].contains('~') || pair[1].contains("f1");
            let wanted = order == Some(Ordering::Greater) || (variant && order.is_some());
            assert!(wanted, "{pair:?} {order:?} ({project})");
        }
    }
}

/// Pre-releases, and versions that look similar.
#[test]
fn prereleases_are_recognised_by_their_words() {
    for text in [
        "2.1.0-rc.1",
        "2.1.0-rc1",
        "2.1.0rc1",
        "2.1.0-RC1",
        "3.13.0b4",
        "3.13.0a1",
        "1.0c2",
        "18beta1",
        "22-ea",
        "22-ea+20",
        "v3.3.0-ea.1",
        "2.1.0.CR1",
        "2.1.0.Beta1",
        "3.4.0-M1",
        "2.3.0.M4",
        "1.0-milestone-2",
        "1.0.0-SNAPSHOT",
        "3.4.0-preview2",
        "7.0.0.pre",
        "1.21-pre1",
        "1.0.dev3",
        "1.22.0-dev",
        "3.0-dev5",
        "8.4.0alpha1",
        "1.84.0-nightly",
        "nightly-20241231",
        "14.2.0-canary.9",
        "6.12-next",
        "1.96.0-insider",
        "2.0-test1",
        "3.21-edge",
        "5.1-git",
        "5.1-git20240101",
        "rc9",
        "v1.2.0-14-g2414721",
        "1.0~rc1-1",
        "2.0.0-rc1-alpine",
        "16.0.0-rc42-ee",
        "1.0.0-alpha.beta",
        "REL_17_BETA1",
        "1.2.3_rc1",
        "2.0.0-a.1",
        "1.0-experimental",
        "9.0.0-preview.7",
        "v1.30.1-rc1+k3s1",
    ] {
        assert!(is_version(text) && is_prerelease(text), "{text}");
    }
    for text in [
        "3.20-alpine",
        "1.25-bookworm",
        "2.0.13-cn",
        "8.0.36-debian",
        "17-jdk",
        "v1.2-ls99",
        "1.0-9",
        "2.4.0-ce.0",
        "16.0.0-ee",
        "8u412-b08",
        "1.8.0_292-b10",
        "17.0.5_8",
        "17.0.5+8",
        "jdk-17.0.5_8",
        "jdk-21",
        "jdk-21+35",
        "21-jdk",
        "21-jdk-alpine",
        "v1.2-alpine",
        "1.0.post1",
        "9.9p1",
        "2.1.0.SP1",
        "2.1.0.Final",
        "2.1.0.GA",
        "2.3.0.RELEASE",
        "1.1.1w",
        "2023b",
        "1.2.3-r1",
        "8.4.0-lts",
        "24.04",
        "20241231",
        "RELEASE.2024-01-05T22-17-24Z",
        "10f1",
        "r25b",
        "9.4.0.v20161208",
        "1.30.1-k3s1",
        "1.30.1+k3s1",
        "1.25-alpine3.20",
        "22-slim",
        "8.3-fpm-alpine",
        "20241231-a1b2c3d",
        "1.2.0+git.5",
        "1.26-stable",
        "2.0-1~bpo12",
        "3.9.0-windowsservercore",
        "12-base",
    ] {
        assert!(is_version(text) && !is_prerelease(text), "{text}");
    }
}

#[test]
fn names_channels_and_hashes_are_not_versions() {
    for text in [
        "",
        "edge",
        "devel",
        "nightly",
        "stable",
        "lts",
        "latest",
        "ubuntu",
        "alpine3.20",
        "ubuntu-22.04",
        "el9",
        "pg16",
        "jdk17",
        "jre-17.0.5",
        "python3.12",
        "amd64",
        "x86_64",
        "v",
        "-1",
        ".5",
        "version",
        "a1b2c3d",
        "3f2a1b9",
        "9c0d2e4f",
        "1234abc",
        "e83c5163316f89bfbde7d9ab23ca2e25604af290",
        "é1",
        "²",
    ] {
        assert!(!is_version(text), "{text}");
        assert!(!is_prerelease(text), "{text}");
        assert_eq!(compare(text, "1.0"), None, "{text}");
    }
    for text in
        ["1", "v1", "V1", "1.0", "1234567", "20241231a", "20240101b2", "r12", "jdk8u412-b08", "1.x"]
    {
        assert!(is_version(text), "{text}");
    }
}

#[test]
fn channels_are_recognised_by_their_names() {
    for text in
        ["edge", "devel", "nightly", "stable", "lts", "latest", "main", "Rolling", "edge-slim"]
    {
        assert!(is_channel(text) && !is_version(text), "{text}");
    }
    for text in ["ubuntu", "amd64", "cpu", "1.0", "", "3f2a1b9"] {
        assert!(!is_channel(text), "{text}");
    }
}

#[test]
fn spellings_of_one_version_are_equal_in_a_condition() {
    for (value, bound) in [
        ("2.0", "2.0.0"),
        ("v2.0", "2.0"),
        ("2.0+a", "2.0+b"),
        ("02", "2"),
        ("2.0.0.Final", "2.0"),
        ("2.0-RC1", "2.0.0-rc.1"),
        ("1.25-alpine", "1.25"),
        ("1.25", "1.25-alpine"),
        ("release-1.2", "1.2"),
        ("17.0.5+8", "17.0.5"),
        ("jdk-21", "21"),
        ("jdk-21+35", "21"),
        ("21-jdk", "21"),
        ("v1.2-alpine", "1.2"),
        ("1.0rc1", "1.0-cr1"),
    ] {
        assert_eq!(compare(value, bound), Some(Ordering::Equal), "{value} {bound}");
    }
    assert_eq!(compare("17.0.5+10", "17.0.5+8"), Some(Ordering::Greater));
    assert_eq!(compare("1.25-alpine3.20", "1.25-alpine3.9"), Some(Ordering::Greater));
}

#[test]
fn an_undefined_order_is_reported_as_such() {
    for (left, right) in [
        ("1.25-alpine", "1.25-bookworm"),
        ("17.0.5-jdk", "17.0.5-jre"),
        ("1.0-a1b2c3d", "1.0-0f9e8d7"),
        ("20241231-a1b2c3d", "20241231-d4e5f6a"),
        ("2.0+a", "2.0+b"),
    ] {
        assert!(!is_order_known(left, right), "{left} {right}");
    }
    assert_eq!(compare("1.25-alpine", "1.25-bookworm"), None);
    for (left, right) in [
        ("1.24-alpine", "1.25-bookworm"),
        ("1.25", "1.25-alpine"),
        ("1.25-alpine3.9", "1.25-alpine3.20"),
        ("20241230-a1b2c3d", "20241231-d4e5f6a"),
        ("2.0-rc1", "2.0-alpine"),
        ("2.0", "2.0.0"),
    ] {
        assert!(is_order_known(left, right), "{left} {right}");
    }
}

/// Each claim of "Version order" in docs/matrix.md.
#[test]
fn the_claims_of_the_documentation_are_true() {
    for (older, newer) in [
        ("1.9", "1.10"),
        ("rc9", "rc12"),
        ("8u92", "8u412"),
        ("ls99", "ls126"),
        ("jdk-17", "jdk-21"),
        ("jdk-9", "jdk-10"),
        ("17-jdk", "21-jdk"),
        ("v1.9-alpine", "v1.10-alpine"),
        ("9.9", "9.9p1"),
        ("1.0", "1.0.post1"),
        ("2.1.0", "2.1.0.SP1"),
        ("1.2", "1.2-3"),
        ("8u412", "8u412-b08"),
        ("1.1.1", "1.1.1w"),
        ("1.2", "1.2-r1"),
        ("1.2", "release-1.3"),
        ("r12", "r13"),
    ] {
        assert_eq!(compare(older, newer), Some(Ordering::Less), "{older} {newer}");
        assert_eq!(sort(older, newer), Ordering::Less, "{older} {newer}");
        assert!(is_order_known(older, newer), "{older} {newer}");
    }
    for word in [
        "rc",
        "CR",
        "alpha",
        "a1",
        "beta",
        "b4",
        "M1",
        "milestone",
        "pre",
        "preview",
        "ea",
        "dev",
        "SNAPSHOT",
        "nightly",
        "canary",
        "next",
        "edge",
        "insider",
        "test",
        "experimental",
        "git",
    ] {
        let text = format!("1.2-{word}");
        assert!(is_prerelease(&text), "{text}");
        assert_eq!(compare(&text, "1.2"), Some(Ordering::Less), "{text}");
    }
    for text in
        ["2.0.0.Final", "2.0.GA", "2.0.RELEASE", "2.0-stable", "2", "2.0-alpine", "v2", "r2"]
    {
        assert_eq!(compare(text, "2.0"), Some(Ordering::Equal), "{text}");
    }
    for text in ["edge", "ubuntu-24.04", "3f2a1b9", "jdk17", "jdk"] {
        assert!(!is_version(text) && compare(text, "1").is_none(), "{text}");
    }
}

#[test]
fn parts_are_the_numbers_of_the_release() {
    for (text, wanted) in [
        ("v2.0.11", ["2", "0", "11"]),
        ("24.04", ["24", "04", ""]),
        ("8u412-b08", ["8", "", ""]),
        ("jdk-17.0.5_8", ["17", "0", "5"]),
        ("jdk-21", ["21", "", ""]),
        ("21-jdk", ["21", "", ""]),
        ("v1.2-alpine", ["1", "2", ""]),
        ("2.0.0-rc1", ["2", "0", "0"]),
        ("edge", [""; 3]),
        ("ubuntu-22.04", [""; 3]),
    ] {
        let found: Vec<&str> = (0..3).map(|index| part(text, index).unwrap_or_default()).collect();
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn every_word_of_the_table_has_its_effect() {
    for (word, meaning, source) in WORDS {
        assert!(!source.is_empty(), "{word}");
        let (with, next) = (format!("1.2-{word}1"), format!("1.2-{word}12"));
        match meaning {
            Meaning::Pre(_) => {
                assert!(is_prerelease(&with), "{with}");
                assert_eq!(sort(&with, "1.2"), Ordering::Less, "{with}");
                assert_eq!(sort(&with, &next), Ordering::Less, "{with}");
            }
            Meaning::Post => {
                assert!(!is_prerelease(&with), "{with}");
                assert_eq!(sort(&with, "1.2"), Ordering::Greater, "{with}");
                assert_eq!(sort(&with, &next), Ordering::Less, "{with}");
            }
            Meaning::Final => {
                assert_eq!(compare(&format!("1.2.{word}"), "1.2"), Some(Ordering::Equal), "{word}");
            }
            Meaning::Version => assert!(is_version(&format!("{word}-1.2")), "{word}"),
        }
    }
}

/// Random combinations of the parts of versions.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "0", "1", "2", "08", "10", "2024", "20241231", ".", "-", "_", "+", "~", ":", "!", "a", "b",
        "c", "m", "p", "u", "v", "w", "t", "rc", "beta", "dev", "alpine", "final", "post", "sp",
        "g1a2b3c4", "é", "RELEASE.",
    ]);
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_order_is_total(a in texts(), b in texts(), c in texts()) {
        prop_assert_eq!(sort(&a, &b), sort(&b, &a).reverse());
        prop_assert_eq!(sort(&a, &b).is_eq(), a == b);
        if sort(&a, &b).is_le() && sort(&b, &c).is_le() {
            prop_assert!(sort(&a, &c).is_le(), "{} {} {}", a, b, c);
        }
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).map(Ordering::reverse));
        prop_assert_eq!(is_order_known(&a, &b), is_order_known(&b, &a));
        is_prerelease(&a);
        part(&a, 1);
    }

    #[test]
    fn no_text_causes_a_panic(text in ".{0,40}", other in ".{0,40}") {
        prop_assert_eq!(sort(&text, &other), sort(&other, &text).reverse());
    }
}
