//! What a registry is given.

use super::secret::Secret;

/// How to log in to one registry.
#[derive(Debug, Clone)]
pub enum Login {
    Password {
        username: String,
        password: Secret,
    },
    /// An OAuth refresh token, exchanged for access tokens at the registry's token server.
    IdentityToken(Secret),
}
