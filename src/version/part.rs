//! The parts of a version after its numbers.

use std::cmp::Ordering;

/// A part. The variants are in order: at the same position of two versions, an earlier variant
/// makes the older version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// A pre-release word in its usual spelling: `rc` for `CR` and `c`.
    Pre(&'a str),
    /// A word without order, such as `alpine`, or a commit hash.
    Variant(&'a str),
    /// The end.
    End,
    /// A word for what follows the release, such as `p` or `SP`; empty for the revision in `1.2-3`.
    Post(&'a str),
    /// A letter that counts up: `1.1.1w`, `2023b`.
    Letter(&'a str),
    Number(&'a str),
    /// A further identifier of a SemVer pre-release: `beta` in `-alpha.beta`.
    Identifier(&'a str),
}

impl Part<'_> {
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => number(left, right),
            (Self::Pre(left), Self::Pre(right)) => {
                // Python, PHP and Composer begin with `dev`. All others are in the order of SemVer,
                // Maven and Gentoo, which is alphabetical: alpha, beta, milestone, pre, rc,
                // snapshot.
                let not_dev = |word: &str| word != "dev";
                not_dev(left).cmp(&not_dev(right)).then_with(|| word(left, right))
            }
            (Self::Post(left), Self::Post(right)) => {
                // Alpine and Gentoo: a revision of the package precedes a patch of the project.
                // Maven: a service pack precedes a number alone.
                let class = |word: &str| match word.to_ascii_lowercase().as_str() {
                    "r" | "rev" | "ls" | "b" | "build" => 0,
                    "" => 2,
                    _ => 1,
                };
                class(left).cmp(&class(right)).then_with(|| word(left, right))
            }
            (Self::Variant(left), Self::Variant(right))
            | (Self::Letter(left), Self::Letter(right))
            | (Self::Identifier(left), Self::Identifier(right)) => word(left, right),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Pre(_) => 0,
            Self::Variant(_) => 1,
            Self::End => 2,
            Self::Post(_) => 3,
            Self::Letter(_) => 4,
            Self::Number(_) => 5,
            Self::Identifier(_) => 6,
        }
    }
}

/// Compares two digit strings as numbers of any length.
pub(super) fn number(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// Compares two words alphabetically, ignoring case.
pub(super) fn word(left: &str, right: &str) -> Ordering {
    let lower =
        |text: &str| text.bytes().map(|byte| byte.to_ascii_lowercase()).collect::<Vec<u8>>();
    match left.eq_ignore_ascii_case(right) {
        true => Ordering::Equal,
        false => lower(left).cmp(&lower(right)),
    }
}
