//! Settings for the standard labels that onebuild can fill in.

/// The labels and annotations about the base image that are needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BaseWanted {
    pub labels: BaseLabels,
    pub annotations: BaseLabels,
}

/// Whether to fill in `org.opencontainers.image.base.name` and `….digest`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BaseLabels {
    #[default]
    None,
    Name,
    /// The cell is then built from exactly that image.
    NameAndDigest,
}

/// The standard labels to fill in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AutoLabels {
    pub(crate) cell: bool,
    pub(crate) git: bool,
    pub(crate) base: BaseLabels,
}

impl AutoLabels {
    /// The words in a matrix.
    pub(crate) const WORDS: [&str; 3] = ["cell", "git", "base"];

    /// Everything that is known without an engine: only the name of the base image.
    pub(crate) const ALL: Self = Self { cell: true, git: true, base: BaseLabels::Name };

    /// These and the labels of `word`; `None` if it is not in [`Self::WORDS`].
    pub(crate) fn and(self, word: &str) -> Option<Self> {
        match word {
            "cell" => Some(Self { cell: true, ..self }),
            "git" => Some(Self { git: true, ..self }),
            "base" => Some(Self { base: BaseLabels::NameAndDigest, ..self }),
            _ => None,
        }
    }
}
