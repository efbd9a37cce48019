//! A cell with a label for the digest of its base image is built on exactly that digest, even if the
//! tag moves in the meantime. A digest label inherited from the base image names another base, so it is
//! removed.

use std::borrow::Cow;

use crate::buildkit::{Connection, SolveError};
use crate::outcome::Failure;
use crate::plan::{BuildRequest, Pin, Recipe, inherited_label, label_sources};
use crate::schedule::Events;

use super::images::{ImageError, Question};
use crate::driver::build::builder::EngineBuilder;
use crate::driver::build::failure::{place, session_ended, unresolved};
use crate::driver::sessions::Open;
use crate::driver::stalled::waiting::{WaitingFor, report_wait};

impl EngineBuilder {
    /// The recipe of `request`, with its base pinned to the current digest and the labels that name it.
    pub(crate) async fn pinned(
        &self,
        session: &Open,
        request: &BuildRequest,
        pin: &Pin,
        events: Option<&Events>,
    ) -> Result<Recipe, Box<Failure>> {
        let image = pin.base.image.clone();
        let question = Question { image, platform: pin.platform.clone(), pull: true };
        let waiting = WaitingFor::registry(&request.cell, &question.image);
        let answer = match report_wait(events, waiting, self.image(session, &question)).await {
            Ok(found) => found.digest.clone().ok_or_else(|| SolveError {
                message: "the engine did not return a digest".to_owned(),
                details: Vec::new(),
                connection: Connection::Held,
            }),
            Err(ImageError::Solve(error)) => Err(error),
            Err(ImageError::GivenUp(given_up)) => {
                let failure = given_up.failure();
                let place = place(request, pin.base.line);
                return Err(Box::new(Failure { place, ..failure }));
            }
        };
        // The frontend adds this prefix to a registry's error. It is not involved here.
        let answer = answer.map_err(|error| SolveError {
            message: match error.connection {
                Connection::Held => format!(
                    "failed to resolve source metadata for {}: {}",
                    question.image, error.message
                ),
                _ => error.message,
            },
            ..error
        });
        match answer {
            Ok(digest) => Ok(request.recipe.pinned(pin, &digest)),
            Err(error) => {
                let had_login = self.had_login(&error).await;
                let failure = unresolved(&error, request, pin, had_login);
                let mut failure = self.explained(&error, failure);
                if let Some(why) = session.ended_here() {
                    failure = session_ended(failure, &error, why);
                }
                Err(Box::new(failure))
            }
        }
    }

    /// `recipe` without the digest label inherited from a base image, if another label names the
    /// base. BuildKit cannot remove a label, so it is set to an empty value.
    pub(crate) async fn without_inherited<'r>(
        &self,
        session: &Open,
        recipe: Cow<'r, Recipe>,
        pull: bool,
    ) -> Cow<'r, Recipe> {
        let Some(name) = inherited_label(&recipe) else { return recipe };
        for (image, platform) in label_sources(&recipe) {
            let question = Question { image, platform: Some(platform), pull };
            let found = self.image(session, &question).await;
            if found.is_ok_and(|found| found.has_label(name)) {
                let mut recipe = recipe.into_owned();
                recipe.inputs.labels.insert(name.into(), "".into());
                return Cow::Owned(recipe);
            }
        }
        recipe
    }
}
