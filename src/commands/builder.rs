//! `onebuild builder`: the BuildKit container that `--builder onebuild` uses.

use std::process::ExitCode;

use crate::config::{BuilderAction, BuilderConfig};
use crate::error::{Error, visible};
use crate::node::Node;
use crate::node::own::OWN;
use crate::run::{self, builder, engine, terminal};

pub(super) fn run(config: &BuilderConfig) -> Result<ExitCode, Error> {
    let runtime = run::runtime()?;
    let done = runtime.block_on(act(config));
    runtime.shutdown_background();
    let said = done?;
    terminal::stderr(&said);
    Ok(ExitCode::SUCCESS)
}

/// Returns what to say afterwards.
async fn act(config: &BuilderConfig) -> Result<String, Error> {
    let settings = match &config.action {
        BuilderAction::Create { image, config, options } => {
            builder::settings(image.as_deref(), config.as_deref(), options)?
        }
        BuilderAction::List | BuilderAction::Remove { .. } => Default::default(),
    };
    let docker = engine::docker_config(false)?;
    let (engine, credentials) = (
        engine::connect_docker(config.host.as_deref(), &docker).await?,
        engine::credentials(docker.clone()),
    );
    let own = builder::own(&engine, &credentials);
    match &config.action {
        BuilderAction::Create { .. } => {
            let node = own.create(&settings).await?;
            Ok(format!("created the builder {OWN}: {}\n", line(&node)))
        }
        BuilderAction::List => match own.find().await? {
            None => Ok(format!(
                "note: there is no builder; `onebuild build --builder {OWN}` creates one\n"
            )),
            Some(found) => {
                let state = if found.running { "running" } else { "stopped" };
                let image = visible(&found.image);
                terminal::stdout(&format!("{OWN}\t{state}\t{image}\t{}\n", engine.endpoint()));
                Ok(String::new())
            }
        },
        BuilderAction::Remove { keep_state } => Ok(match own.remove(*keep_state).await? {
            true if *keep_state => format!("removed the builder {OWN}; its build cache is kept\n"),
            true => format!("removed the builder {OWN} and its build cache\n"),
            false => "note: there was no builder\n".to_owned(),
        }),
    }
}

/// The product, and the platforms that it runs.
fn line(node: &Node) -> String {
    let facts = node.facts();
    let platforms: Vec<String> = facts.platforms.iter().map(ToString::to_string).collect();
    format!("{} for {}", visible(&facts.name()), platforms.join(", "))
}
