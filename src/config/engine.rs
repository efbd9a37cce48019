//! The engine that the command line names.

/// The flag that names the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum EngineFlag {
    /// Without a flag, the environment and Docker's settings decide.
    #[default]
    None,
    /// `--host`: its address.
    Host(String),
    /// `--builder`: the name of a builder.
    Builder(String),
}

impl EngineFlag {
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::None
    }
}
