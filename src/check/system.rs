//! The operating system of an image, by its name: programs of one seldom run on another.

use crate::image::Reference;

/// Words in names and tags of images, and the systems that they mean. Releases of one system share
/// a name: the names of their package files differ if necessary.
const WORDS: [(&str, &str); 38] = [
    ("almalinux", "almalinux"),
    ("alpine", "alpine"),
    ("amazonlinux", "amazonlinux"),
    ("archlinux", "archlinux"),
    ("azurelinux", "azurelinux"),
    ("bionic", "ubuntu"),
    ("bookworm", "debian"),
    ("bullseye", "debian"),
    ("buster", "debian"),
    ("centos", "centos"),
    ("chainguard", "wolfi"),
    ("debian", "debian"),
    ("fedora", "fedora"),
    ("focal", "ubuntu"),
    ("jammy", "ubuntu"),
    ("leap", "opensuse"),
    ("mariner", "mariner"),
    ("musl", "alpine"),
    ("noble", "ubuntu"),
    ("opensuse", "opensuse"),
    ("oracle", "oraclelinux"),
    ("oraclelinux", "oraclelinux"),
    ("photon", "photon"),
    ("raspbian", "raspbian"),
    ("rhel", "rhel"),
    ("rocky", "rockylinux"),
    ("rockylinux", "rockylinux"),
    ("sid", "debian"),
    ("slackware", "slackware"),
    ("slim", "debian"),
    ("stretch", "debian"),
    ("trixie", "debian"),
    ("tumbleweed", "opensuse"),
    ("ubi", "rhel"),
    ("ubuntu", "ubuntu"),
    ("void", "void"),
    ("wolfi", "wolfi"),
    ("xenial", "ubuntu"),
];

/// The system of an image. If the name does not contain it, the repository is used instead.
pub(super) fn system(image: &str) -> String {
    let Ok(reference) = image.parse::<Reference>() else { return image.to_owned() };
    let name = reference.repository.familiar();
    let tag = reference.tag.as_ref().map(|tag| tag.as_str().to_owned()).unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default().to_owned();
    // The tag is more specific than the name: `python:3.12-alpine`.
    let words = [tag, last].join("-").to_ascii_lowercase();
    let words = words.split(|c: char| !c.is_ascii_alphanumeric());
    let known = words.filter_map(|word| {
        // `alpine3.20`, `ubi9`, `leap15`.
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        WORDS.iter().find(|(known, _)| *known == word)
    });
    known.map(|(_, system)| (*system).to_owned()).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::system;

    #[test]
    fn the_system_of_an_image_is_recognised_by_its_name() {
        for (image, wanted) in [
            ("alpine:3.20", "alpine"),
            ("ubuntu", "ubuntu"),
            ("docker.io/library/debian:bookworm-slim", "debian"),
            ("python:3.12-alpine3.20", "alpine"),
            ("python:3.12-slim-bookworm", "debian"),
            ("node:20-alpine", "alpine"),
            ("eclipse-temurin:21-jdk-jammy", "ubuntu"),
            ("redhat/ubi9:9.4", "rhel"),
            ("rockylinux:9", "rockylinux"),
            ("127.0.0.1:5000/lab/ubuntu:24.04", "ubuntu"),
            ("golang:1.22", "golang"),
            ("ghcr.io/me/tool:1", "ghcr.io/me/tool"),
        ] {
            assert_eq!(system(image), wanted, "{image}");
        }
    }
}
