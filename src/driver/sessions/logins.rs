//! Docker's logins for BuildKit's session.

use std::sync::Arc;

use crate::buildkit::session::{self, CredentialLookup};
use crate::docker::{Credentials, Login};

pub(crate) struct Logins(pub(crate) Arc<Credentials>);

impl CredentialLookup for Logins {
    async fn lookup(&self, host: &str) -> Result<Option<session::Login>, String> {
        let found = self.0.lookup(host).await.map_err(|error| error.to_string())?;
        Ok(found.map(|login| match login {
            Login::Password { username, password } => {
                session::Login { username, secret: password.expose().to_owned() }
            }
            // Without a user name, BuildKit uses the secret as a refresh token.
            Login::IdentityToken(token) => {
                session::Login { username: String::new(), secret: token.expose().to_owned() }
            }
        }))
    }
}
