//! Finds base images for another platform than the cell's. BuildKit accepts them, with a warning at
//! most, and the image then contains programs that do not run on its platform.

use futures::future::join_all;

use crate::allow::allowed;
use crate::dockerfile::Dockerfile;
use crate::image::Platform;
use crate::outcome::Failure;
use crate::plan::{
    BuildRequest, FileOutput, NeededImage, OtherPlatform, Output, Recipe, final_platform,
    needed_images,
};
use crate::schedule::Events;

use super::images::{ImageError, Question};
use crate::driver::build::builder::EngineBuilder;
use crate::driver::build::failure::place;
use crate::driver::build::options::SolveOptions;
use crate::driver::sessions::{Needs, Open};
use crate::driver::stalled::waiting::{WaitingFor, report_wait};

/// A base image that does not match a cell's platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseFault {
    /// The name of the rule, used to acknowledge it.
    pub rule: &'static str,
    /// The line of the instruction in the rendered Dockerfile, from 1.
    pub line: u32,
    pub message: String,
    pub help: String,
}

const BASE: &str = "base-platform";
const FINAL: &str = "final-stage-platform";

impl BaseFault {
    pub(crate) fn failure(self, request: &BuildRequest) -> Failure {
        let how = format!("acknowledge it with `# onebuild: allow {} (reason)`", self.rule);
        Failure {
            message: self.message,
            place: place(request, self.line),
            help: Some(format!("{}; or {how}", self.help)),
            ..Failure::default()
        }
    }
}

impl EngineBuilder {
    /// The base images of `request` for another platform. Empty if the engine cannot be asked.
    pub async fn base_faults(&self, request: &BuildRequest) -> Vec<BaseFault> {
        let needs = Needs::of(request, self.environment);
        match self.sessions.shared(&needs).await {
            Ok(session) => {
                let (recipe, options) = (&request.recipe, &SolveOptions::of(request));
                let faults = self.faults(&session, request, recipe, options, None).await;
                faults.unwrap_or_default()
            }
            Err(_) => Vec::new(),
        }
    }

    /// The same in an open session, without what the Dockerfile acknowledges. `recipe` is that of
    /// `request`, perhaps with a pinned base. A registry that does not answer is an error, because the
    /// build would wait for it again.
    pub(crate) async fn faults(
        &self,
        session: &Open,
        request: &BuildRequest,
        recipe: &Recipe,
        options: &SolveOptions<'_>,
        events: Option<&Events>,
    ) -> Result<Vec<BaseFault>, Box<Failure>> {
        let native = self.native();
        let file = &recipe.instructions();
        // File outputs have no platform.
        let is_image = !matches!(
            options.delivery.output,
            Output::File { kind: FileOutput::Local | FileOutput::Tar, .. }
        );
        let final_fault = if is_image { final_fault(recipe, file, native) } else { None };
        let mut faults: Vec<BaseFault> = final_fault.into_iter().collect();
        let needed = recipe.platforms.iter().flat_map(|platform| {
            let needed = needed_images(recipe, file, platform, native).into_iter();
            needed.map(move |needed| (platform, needed))
        });
        let needed: Vec<_> = needed.filter(|(_, needed)| !needed.fitting.is_empty()).collect();
        let judged = needed.iter().map(|(platform, needed)| async move {
            let (image, asked) = (needed.base.image.clone(), Some(needed.asked.clone()));
            let question = Question { image, platform: asked, pull: options.pull };
            // If BuildKit reports an error, the build fails too, with a better message.
            let waiting = WaitingFor::registry(&request.cell, &question.image);
            let found = match report_wait(events, waiting, self.image(session, &question)).await {
                Ok(found) => found,
                Err(ImageError::Solve(_)) => return None,
                Err(ImageError::GivenUp(given_up)) => {
                    let place = place(request, needed.base.line);
                    return Some(Err(Box::new(Failure { place, ..given_up.failure() })));
                }
            };
            if needed.fitting.iter().any(|platform| found.serves(platform)) {
                return None;
            }
            let image = &needed.base.image;
            let is_pinned = image.digest.is_some() && found.digest == image.digest;
            Some(Ok(base_fault(needed, platform, &found.platform()?, is_pinned)))
        });
        let found: Result<Vec<BaseFault>, Box<Failure>> =
            join_all(judged).await.into_iter().flatten().collect();
        // One finding per line is enough.
        found?.into_iter().for_each(|fault| {
            if !faults.iter().any(|known| known.line == fault.line) {
                faults.push(fault);
            }
        });
        faults.retain(|fault| {
            !file.comments_of(fault.line).iter().any(|comment| allowed(&comment.text, fault.rule))
        });
        Ok(faults)
    }
}

fn base_fault(
    needed: &NeededImage,
    platform: &Platform,
    found: &Platform,
    is_pinned: bool,
) -> BaseFault {
    let base = &needed.base;
    let shown = match base.written.parse().as_ref() == Ok(&base.image) {
        true => format!("`{}`", base.written),
        false => format!("`{}`, used in place of `{}`,", base.image.familiar(), base.written),
    };
    let help = match is_pinned {
        true => format!("this digest is of the {found} image only: use the digest of the index"),
        false => format!("use an image that supports {platform}"),
    };
    BaseFault {
        rule: BASE,
        line: base.line,
        message: format!("the base {shown} is for {found}, but the cell is built for {platform}"),
        help,
    }
}

/// The same for a `FROM` that selects another platform for the final stage.
fn final_fault(recipe: &Recipe, file: &Dockerfile, native: &Platform) -> Option<BaseFault> {
    let found = final_platform(recipe, file, Some(native))?;
    let message = found.message();
    let line = found.line;
    Some(BaseFault { rule: FINAL, line, message, help: OtherPlatform::HELP.into() })
}
