//! References: registry host, repository, tag, digest.
//!
//! Grammar: <https://github.com/distribution/reference/blob/main/reference.go>. Short names are
//! completed as in Docker.

use std::fmt;
use std::str::FromStr;

use super::Digest;
use super::name::{self, InvalidReference};

/// A registry host and a path on it, normalised: `ubuntu` is `docker.io/library/ubuntu`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    host: String,
    path: String,
}

/// A tag: up to 128 of `[A-Za-z0-9_.-]`, not starting with a dot or a dash.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

/// A repository with a tag, a digest, or both, or neither.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    pub repository: Repository,
    pub tag: Option<Tag>,
    pub digest: Option<Digest>,
}

const DOCKER_HUB: &str = "docker.io";

impl Repository {
    /// The registry's host with its port: `docker.io`, `127.0.0.1:5000`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path on the host: `library/ubuntu`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// This repository with a tag.
    pub fn tagged(&self, tag: Tag) -> Reference {
        Reference { repository: self.clone(), tag: Some(tag), digest: None }
    }

    /// The usual short form: `ubuntu`, `caijiamx/1panel`, `quay.io/centos/centos`.
    pub fn familiar(&self) -> String {
        match (self.host.as_str(), self.path.strip_prefix("library/")) {
            // `library/a/b` must keep its prefix, or it would be read as the user `a`.
            (DOCKER_HUB, Some(name)) if !name.contains('/') => name.to_owned(),
            (DOCKER_HUB, _) => self.path.clone(),
            _ => self.to_string(),
        }
    }
}

impl FromStr for Repository {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        name::check_no_login(text)?;
        let (host, path) = match text.split_once('/') {
            Some((first, rest)) if name::is_host(first) => (first, rest),
            _ => (DOCKER_HUB, text),
        };
        let host = if host == "index.docker.io" { DOCKER_HUB } else { host };
        name::check_host(text, host)?;
        let completed = if host == DOCKER_HUB && !path.contains('/') {
            format!("library/{path}")
        } else {
            path.to_owned()
        };
        name::check_path(text, path, completed.len())?;
        Ok(Self { host: host.to_owned(), path: completed })
    }
}

impl fmt::Display for Repository {
    /// The full form with the host, for BuildKit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

impl Tag {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        name::check_tag(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Reference {
    /// The usual short form, without the host and `library/` where Docker adds them.
    pub fn familiar(&self) -> String {
        format!("{}{}", self.repository.familiar(), self.suffix())
    }

    /// The short form in `FROM`, without the default tag.
    pub fn short(&self) -> String {
        let familiar = self.familiar();
        familiar.strip_suffix(":latest").map(str::to_owned).unwrap_or(familiar)
    }

    fn suffix(&self) -> String {
        let tag = self.tag.as_ref().map(|tag| format!(":{tag}"));
        let digest = self.digest.as_ref().map(|digest| format!("@{digest}"));
        tag.unwrap_or_default() + &digest.unwrap_or_default()
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        name::check_no_login(text)?;
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                let digest = digest.parse::<Digest>();
                (name, Some(digest.map_err(|error| InvalidReference(error.to_string()))?))
            }
            None => (text, None),
        };
        // A colon before a slash belongs to the port.
        let (repository, tag) = match name.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag.parse()?)),
            _ => (name, None),
        };
        Ok(Self { repository: repository.parse()?, tag, digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.repository, self.suffix())
    }
}

/// The short form of an image name, or the name itself if it is not an image name, such as that of
/// a stage.
///
/// The Dockerfile frontend uses this form to look up the replacement of an image:
/// <https://github.com/moby/buildkit/blob/master/frontend/dockerui/namedcontext.go>
pub(crate) fn short_name(name: &str) -> String {
    name.parse::<Reference>().map_or_else(|_| name.to_owned(), |reference| reference.short())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_names_are_completed_as_docker_does() {
        for (written, full, familiar) in [
            ("ubuntu", "docker.io/library/ubuntu", "ubuntu"),
            ("ubuntu:24.04", "docker.io/library/ubuntu:24.04", "ubuntu:24.04"),
            ("caijiamx/1panel", "docker.io/caijiamx/1panel", "caijiamx/1panel"),
            ("docker.io/ubuntu", "docker.io/library/ubuntu", "ubuntu"),
            ("index.docker.io/library/ubuntu", "docker.io/library/ubuntu", "ubuntu"),
            ("library/a/b", "docker.io/library/a/b", "library/a/b"),
            ("localhost/a", "localhost/a", "localhost/a"),
            ("localhost:5000/a", "localhost:5000/a", "localhost:5000/a"),
            ("127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b:c"),
            ("[::1]:5000/a", "[::1]:5000/a", "[::1]:5000/a"),
            ("Registry.example/a", "Registry.example/a", "Registry.example/a"),
            (
                "quay.io/centos/centos:stream9",
                "quay.io/centos/centos:stream9",
                "quay.io/centos/centos:stream9",
            ),
        ] {
            let reference: Reference = written.parse().unwrap();
            assert_eq!(reference.to_string(), full, "{written}");
            assert_eq!(reference.familiar(), familiar, "{written}");
        }
    }

    #[test]
    fn an_invalid_name_has_a_specific_error() {
        let long = "a".repeat(256);
        for (text, word) in [
            ("CaijiaMX/1panel", "upper-case letters are not allowed"),
            ("quay.io/Centos/centos", "upper-case letters are not allowed"),
            ("", "empty"),
            ("a//b", "empty"),
            ("a/", "empty"),
            ("-a", "must start and end with"),
            ("a-", "must start and end with"),
            ("a..b", "separator"),
            ("a___b", "separator"),
            ("a b", "` ` is not allowed"),
            ("a\n", "`\\n` is not allowed"),
            ("größe", "`ö` is not allowed"),
            ("host:port/a", "port"),
            ("host.example:/a", "port"),
            ("host.example:99999/a", "port"),
            ("https://host.example/a", "https://"),
            ("[::1/a", "host"),
            ("[zz]:5000/a", "host"),
            ("-host.example/a", "host"),
            ("a:", "the tag is empty"),
            ("a:.b", "must not start with"),
            ("a:b c", "` ` is not allowed in a tag"),
            ("a@sha256:12", "is not a digest"),
            (&long, "longer than 255"),
            // With the `library/` that Docker adds.
            (&long[..250], "longer than 255"),
            (&format!("a:{}", "b".repeat(129)), "longer than 128"),
        ] {
            let error = text.parse::<Reference>().expect_err(text).to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn an_error_does_not_show_a_login() {
        for text in [
            "u:canary@h/x",
            "u:canary@h.example:5000/x:1",
            "u:can/canary@h/x",
            "u:canary@h",
            "https://u:canary@h/x",
            "u:canary@h/x@sha256:12",
        ] {
            for error in [text.parse::<Reference>().err(), text.parse::<Repository>().err()] {
                let error = error.expect(text).to_string();
                assert!(!error.contains("canary") && error.contains("u:***@h"), "{error}");
                assert!(error.contains("without a login"), "{error}");
            }
        }
    }

    prop_compose! {
        fn references()(
            host in prop::option::of(r"(localhost|[a-z0-9]{1,5}\.[A-Za-z]{2,4}|\[::1\])(:[1-9][0-9]{0,3})?"),
            path in r"([a-z0-9]{1,8}/){0,2}[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}",
            tag in prop::option::of("[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}"),
            digest in prop::option::of("[0-9a-f]{64}"),
        ) -> String {
            let host = host.map(|host| host + "/").unwrap_or_default();
            let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
            let digest = digest.map(|digest| format!("@sha256:{digest}")).unwrap_or_default();
            format!("{host}{path}{tag}{digest}")
        }
    }

    proptest! {
        #[test]
        fn every_form_of_a_reference_parses_to_the_same_reference(text in references()) {
            let reference: Reference = text.parse().unwrap();
            prop_assert_eq!(&reference.to_string().parse::<Reference>().unwrap(), &reference);
            prop_assert_eq!(&reference.familiar().parse::<Reference>().unwrap(), &reference);
        }

        #[test]
        fn no_name_causes_a_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<Reference>();
        }
    }
}
