//! Names of the containers and images of smoke tests, and how to recognize them. Pure.
//!
//! A container has labels. An image cannot have them: a label is part of the image, and the tested image
//! would differ from the pushed one. So its tag names the owner.

use std::collections::HashMap;

use super::owner::Owner;
use crate::image::Reference;

/// A host name that no registry can have (RFC 2606): these names never leave the engine.
pub(crate) const REPOSITORY: &str = "onebuild.invalid/test";

/// The label with the owner of a container.
pub(crate) const OWNER: &str = "onebuild.owner";
const RUN: &str = "onebuild.run";
const CELL: &str = "onebuild.cell";

const CONTAINER: &str = "onebuild-test";

/// The length of a [`random_id`](crate::buildkit::random_id).
const RUN_LENGTH: usize = 25;

/// The names of one run.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) owner: Owner,
    pub(crate) run: String,
}

impl Names {
    /// The image of this run with this number.
    pub(crate) fn image(&self, number: u32) -> Reference {
        let Self { owner, run } = self;
        format!("{REPOSITORY}:{owner}-{run}-{number}").parse().expect("a tag has 128 characters")
    }

    /// The container of this run with this number.
    pub(crate) fn container(&self, number: u32) -> String {
        format!("{CONTAINER}-{}-{number}", self.run)
    }

    /// The labels of a container that tests an image of `cell`.
    pub(crate) fn labels(&self, cell: &str) -> HashMap<String, String> {
        let labels =
            [(RUN, self.run.clone()), (CELL, cell.to_owned()), (OWNER, self.owner.to_string())];
        labels.into_iter().map(|(label, value)| (label.to_owned(), value)).collect()
    }
}

/// The owner of a container, or `None` if no run created it. Labels alone are not enough: `docker commit`
/// copies them into an image, and from there into other containers.
pub(crate) fn container_owner(names: &[String], labels: &HashMap<String, String>) -> Option<Owner> {
    let run = labels.get(RUN)?;
    let is_named = |name: &String| {
        let name = name.trim_start_matches('/').strip_prefix(CONTAINER);
        name.and_then(|name| name.strip_prefix('-')).and_then(numbered) == Some(run)
    };
    names.iter().any(is_named).then(|| labels.get(OWNER)?.parse().ok())?
}

/// The owner of an image, from its name, or `None` if no run created it.
pub(crate) fn image_owner(name: &str) -> Option<Owner> {
    let tag = name.strip_prefix(REPOSITORY)?.strip_prefix(':')?;
    // The tag is OWNER-RUN-NUMBER.
    let (dash, _) = tag.rmatch_indices('-').nth(1)?;
    numbered(&tag[dash + 1..])?;
    tag[..dash].parse().ok()
}

/// The run in `RUN-NUMBER`.
fn numbered(text: &str) -> Option<&str> {
    let (run, number) = text.split_once('-')?;
    let is_run = run.len() == RUN_LENGTH
        && run.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    let is_number = number.parse::<u32>().is_ok_and(|parsed| parsed.to_string() == number);
    (is_run && is_number).then_some(run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buildkit::random_id;

    fn names(owner: Owner) -> Names {
        Names { owner, run: random_id() }
    }

    const SMALL: Owner = Owner { machine: 1, boot: 2, namespace: 3, process: 4, started: 5 };
    const LARGE: Owner = Owner {
        machine: u64::MAX,
        boot: u64::MAX,
        namespace: u64::MAX,
        process: u32::MAX,
        started: u64::MAX,
    };

    #[test]
    fn names_of_a_run_are_recognized_with_any_numbers() {
        for owner in [SMALL, LARGE, Owner::UNKNOWN] {
            for number in [0, 7, u32::MAX] {
                let names = names(owner);
                assert_eq!(image_owner(&names.image(number).to_string()), Some(owner));
                let container = [format!("/{}", names.container(number))];
                assert_eq!(container_owner(&container, &names.labels("c")), Some(owner));
            }
        }
    }

    #[test]
    fn images_of_others_are_not_recognized() {
        let ours = names(SMALL).image(7).to_string();
        let tag = ours.strip_prefix("onebuild.invalid/test:").unwrap();
        for name in [
            "onebuild.invalid/test".to_owned(),
            "onebuild.invalid/test:latest".to_owned(),
            "onebuild.invalid/test:".to_owned(),
            format!("onebuild.invalid/tests:{tag}"),
            format!("onebuild.invalid/test/x:{tag}"),
            format!("registry.example/onebuild.invalid/test:{tag}"),
            format!("test:{tag}"),
            format!("{ours}-1"),
            format!("{ours}x"),
            format!("onebuild.invalid/test:x-{tag}"),
            format!("onebuild.invalid/test:{}", tag.rsplit_once('-').unwrap().0),
            // A run without an owner.
            format!("onebuild.invalid/test:{}-7", random_id()),
            ours.to_uppercase(),
        ] {
            assert_eq!(image_owner(&name), None, "{name}");
        }
    }

    #[test]
    fn containers_of_others_are_not_recognized() {
        let ours = names(SMALL);
        let name = format!("/{}", ours.container(7));
        let labels = ours.labels("c");
        let without = |label: &str| {
            let mut labels = labels.clone();
            labels.remove(label);
            labels
        };
        let with = |label: &str, value: &str| {
            let mut labels = labels.clone();
            labels.insert(label.to_owned(), value.to_owned());
            labels
        };
        let other = names(SMALL);
        for (what, names, labels) in [
            ("no name", vec![], labels.clone()),
            ("created from a copy of ours", vec!["/eager_wing".to_owned()], labels.clone()),
            ("of another run", vec![format!("/{}", other.container(7))], labels.clone()),
            ("a name that is longer", vec![format!("{name}-1")], labels.clone()),
            (
                "a name without its number",
                vec![format!("/onebuild-test-{}", ours.run)],
                labels.clone(),
            ),
            ("no owner", vec![name.clone()], without(OWNER)),
            ("no run", vec![name.clone()], without(RUN)),
            ("another run", vec![name.clone()], with(RUN, &other.run)),
            ("an invalid owner", vec![name.clone()], with(OWNER, "me")),
            ("no label", vec![name.clone()], HashMap::new()),
        ] {
            assert_eq!(container_owner(&names, &labels), None, "{what}");
        }
    }
}
