//! From the structs that clap fills to the plain settings of each subcommand.

mod build;
mod cells;
mod given;
mod inputs;
mod record;
mod reports;
mod tools;

#[cfg(test)]
mod tests;

pub(crate) use given::Given;

use super::args::{Cli, Command};
use crate::config::Config;
use crate::error::Error;
use crate::matrix::Unnamed;

pub(crate) fn config(cli: Cli, given: Given<'_>) -> Result<Config, Error> {
    // The debug log was started before this.
    let Cli { command, debug: _ } = cli;
    Ok(match command {
        Command::Build(args) => {
            Config::Build(Box::new(build::build(args, given, Unnamed::Defaults)?))
        }
        Command::Matrix(args) => {
            Config::Build(Box::new(build::build(args, given, Unnamed::Everything)?))
        }
        Command::Render(args) => Config::Render(Box::new(tools::render(args, given)?)),
        Command::Plan(args) => Config::Plan(Box::new(tools::plan(args, given)?)),
        Command::Explain(args) => Config::Explain(Box::new(tools::explain(args, given)?)),
        Command::Lint(args) => Config::Lint(Box::new(tools::lint(args, given)?)),
        Command::Runs(args) => tools::runs(args, given)?,
        Command::Logs(args) => Config::Logs(tools::logs(args, given)),
        Command::Init(args) => Config::Init(tools::init(args)),
        Command::Login(args) => Config::Login(tools::login(args)),
        Command::Logout(args) => Config::Logout(args.registry),
        Command::Builder(args) => Config::Builder(tools::builder(args)),
        Command::Schema => Config::Schema,
        Command::Completions(args) => Config::Completions(args.shell),
        Command::Man(args) => Config::Man(args.out),
    })
}
