//! Which of the labels that every image should have are filled in.

/// What labels and annotations are to tell of the base image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BaseWanted {
    pub labels: BaseLabels,
    pub annotations: BaseLabels,
}

/// Which of `org.opencontainers.image.base.name` and `….digest` are filled in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BaseLabels {
    #[default]
    None,
    Name,
    /// The cell is then built on that very image.
    NameAndDigest,
}

/// Which of the labels that every image should have are filled in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AutoLabels {
    pub(crate) cell: bool,
    pub(crate) git: bool,
    pub(crate) base: BaseLabels,
}

impl AutoLabels {
    /// What a matrix can name.
    pub(crate) const WORDS: [&str; 3] = ["cell", "git", "base"];

    /// All that is known without an engine: of the base image its name.
    pub(crate) const ALL: Self = Self { cell: true, git: true, base: BaseLabels::Name };

    /// These, and what `word` names; none where it is none of [`Self::WORDS`].
    pub(crate) fn and(self, word: &str) -> Option<Self> {
        match word {
            "cell" => Some(Self { cell: true, ..self }),
            "git" => Some(Self { git: true, ..self }),
            "base" => Some(Self { base: BaseLabels::NameAndDigest, ..self }),
            _ => None,
        }
    }
}
