//! Steps that leave the build sandbox: `RUN --network=host` and `RUN --security=insecure`.
//!
//! BuildKit refuses them unless the request has the entitlement. One that is not found here, such as
//! a trigger of a base image, gets none and fails.

use std::collections::BTreeSet;

use super::request::BuildRequest;
use crate::dockerfile::{Dockerfile, Instruction, Kind};

/// What the steps of a build ask for, each with the line (from 1) of the first step that does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Privileges {
    /// The network of the engine's machine.
    pub network_host: Option<u32>,
    /// No sandbox.
    pub insecure: Option<u32>,
}

/// What the Dockerfile of `request` asks for in the stages that are built.
pub(super) fn privileges(request: &BuildRequest) -> Privileges {
    let mut found = Privileges::default();
    let text = &request.dockerfile.text;
    // Few do. A flag that is cut in two by a line break is not found, and BuildKit refuses it.
    if !text.contains("--network") && !text.contains("--security") {
        return found;
    }
    let file = Dockerfile::parse(text);
    let mut built = BTreeSet::new();
    for platform in request.differing_platforms() {
        let stages = request.stages(&file, platform, None).stages;
        built.extend(
            stages.iter().filter(|s| s.is_reachable && !s.is_replaced).map(|stage| stage.line),
        );
    }
    let mut stage = None;
    for step in &file.instructions {
        if matches!(step.kind, Kind::From(_)) {
            stage = Some(step.first);
        }
        if stage.is_some_and(|line| built.contains(&line)) {
            found.add(step);
        }
    }
    found
}

impl Privileges {
    fn add(&mut self, step: &Instruction) {
        match &step.kind {
            Kind::Run(run) => {
                if run.network.as_deref() == Some("host") {
                    self.network_host.get_or_insert(step.first);
                }
                if run.security.as_deref() == Some("insecure") {
                    self.insecure.get_or_insert(step.first);
                }
            }
            Kind::Onbuild(step) => self.add(step),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::template::Rendered;

    #[test]
    fn only_steps_that_are_built_ask_for_something() {
        for (text, target, wanted) in [
            ("FROM a\nRUN x", None, (None, None)),
            ("FROM a\nRUN --network=host x", None, (Some(2), None)),
            ("FROM a\nRUN --network=none x\nRUN --security=sandbox y", None, (None, None)),
            ("FROM a\nRUN --security=insecure --network=host x", None, (Some(2), Some(2))),
            ("FROM a\nRUN echo --network=host", None, (None, None)),
            (
                "FROM a\nRUN \\\n  --security=insecure x\nRUN --security=insecure y",
                None,
                (None, Some(2)),
            ),
            ("FROM a AS b\nRUN --network=host x\nFROM a", None, (None, None)),
            ("FROM a AS b\nRUN --network=host x\nFROM a", Some("b"), (Some(2), None)),
            ("FROM a AS b\nRUN --network=host x\nFROM b", None, (Some(2), None)),
            ("FROM a AS b\nRUN --network=host x\nFROM a\nCOPY --from=b / /", None, (Some(2), None)),
            ("FROM a AS b\nONBUILD RUN --security=insecure x\nFROM b", None, (None, Some(2))),
        ] {
            let rendered = Rendered::verbatim("Dockerfile", text);
            let request = BuildRequest {
                dockerfile: Arc::new(rendered),
                target: target.map(str::to_owned),
                ..BuildRequest::sample("c")
            };
            let Privileges { network_host, insecure } = privileges(&request);
            assert_eq!((network_host, insecure), wanted, "{text}");
        }
    }
}
