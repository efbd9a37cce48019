//! Groups of requests that are equal in everything that the rules inspect, so that each group is
//! inspected once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use indexmap::IndexMap;

use crate::image::Platform;
use crate::plan::{BuildRequest, Recipe};
use crate::template::Rendered;

/// Dockerfiles that are inspected one by one. If there are more, those that differ only in numbers
/// are treated as equal: they come from one template and many versions.
const MAX_EXACT: usize = 1_000;

/// Requests in their order; at least one.
pub(super) struct Group<'r> {
    pub(super) requests: Vec<&'r BuildRequest>,
}

impl<'r> Group<'r> {
    pub(super) fn first(&self) -> &'r BuildRequest {
        self.requests[0]
    }

    pub(super) fn text(&self) -> Cow<'r, str> {
        self.first().recipe.dockerfile.text()
    }

    /// Whether some step may have a mount of a kind: most Dockerfiles can be skipped.
    pub(super) fn may_mount(&self, kind: &str) -> bool {
        let text = self.text();
        let has = |word: &str| {
            let mut words = text.as_bytes().windows(word.len());
            words.any(|found| found.eq_ignore_ascii_case(word.as_bytes()))
        };
        text.contains("--mount") && has(kind)
    }
}

/// Everything in a request that a rule can inspect.
#[derive(PartialEq, Eq, Hash)]
struct Examined<'r> {
    text: &'r Rendered,
    target: Option<&'r str>,
    args: Vec<(&'r str, &'r str)>,
    platforms: &'r [Platform],
    /// The names of contexts, bases, secrets and agents.
    names: Vec<&'r str>,
    bases: Vec<String>,
}

impl<'r> Examined<'r> {
    fn of(recipe: &'r Recipe) -> Self {
        let inputs = &recipe.inputs;
        let names = inputs.contexts.keys().chain(inputs.bases.keys());
        let names = names.chain(inputs.secrets.keys()).chain(inputs.ssh.keys());
        Self {
            text: &recipe.dockerfile,
            target: inputs.target.as_deref(),
            args: inputs.args.iter().map(|(name, value)| (&**name, &**value)).collect(),
            platforms: &recipe.platforms,
            names: names.map(String::as_str).collect(),
            bases: inputs.bases.values().map(ToString::to_string).collect(),
        }
    }

    /// A hash that ignores numbers.
    fn shape(&self) -> u64 {
        let mut state = DefaultHasher::new();
        let add = |state: &mut DefaultHasher, text: &str| {
            let mut digits = false;
            for byte in text.bytes() {
                // Versions are numbers separated by dots.
                let is_digit = byte.is_ascii_digit() || (digits && byte == b'.');
                if !(digits && is_digit) {
                    state.write_u8(if is_digit { b'0' } else { byte });
                }
                digits = is_digit;
            }
            state.write_u8(0xff);
        };
        self.text.shape(&mut state, add);
        self.args.iter().for_each(|(name, value)| {
            add(&mut state, name);
            add(&mut state, value);
        });
        self.bases.iter().for_each(|base| add(&mut state, base));
        (self.target, self.platforms, &self.names).hash(&mut state);
        state.finish()
    }
}

/// Groups equal requests.
pub(super) fn of(requests: &[BuildRequest]) -> Vec<Group<'_>> {
    let mut exact: IndexMap<Examined<'_>, Vec<&BuildRequest>> = IndexMap::new();
    for request in requests {
        exact.entry(Examined::of(&request.recipe)).or_default().push(request);
    }
    if exact.len() <= MAX_EXACT {
        return exact.into_values().map(|requests| Group { requests }).collect();
    }
    let mut known: HashMap<u64, usize> = HashMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (inputs, requests) in exact {
        let number = *known.entry(inputs.shape()).or_insert(groups.len());
        match groups.get_mut(number) {
            Some(group) => group.requests.extend(requests),
            None => groups.push(Group { requests }),
        }
    }
    groups
}
