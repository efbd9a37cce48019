//! `onebuild lint`: reports errors and bad practice without building.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;

use super::prepare::{self, Prepared};
use crate::allow::{Allows, Asked};
use crate::config::{EngineFlag, LintConfig, LintEngine, LintFormat};
use crate::driver::{
    BaseFault, EngineBuilder, Environment, HeldSecrets, Lint, LintError, NotLinted, wrong_pattern,
};
use crate::error::{Diagnostic, Error, ErrorKind, Severity, Span, visible};
use crate::image::Platform;
use crate::input::{Root, RunSettings};
use crate::lint::{Finding, Findings, Places, github, json, sarif, text};
use crate::matrix::{Cell, Matrix, Origin, Sheet, Source};
use crate::node::abilities::Unusable;
use crate::node::{Ability, NodeError};
use crate::plan::{BuildRequest, Policy, Privileges, Sources};
use crate::regular;
use crate::run::node::Wanted;
use crate::run::{self, engine, terminal};
use crate::template::Rendered;
use crate::workspace::access::Access;
use crate::workspace::needs::Purpose;
use crate::workspace::{compose, matrix, rendered_files};

/// Number of concurrent requests to BuildKit. Each takes it some hundredths of a second.
const AT_ONCE: usize = 8;

/// Timeout of one request to BuildKit, which may have to look up a base image in a registry.
const LINT_TIMEOUT: Duration = Duration::from_secs(60);

/// BuildKit's results, by the index of the request.
#[derive(Default)]
struct Answers {
    /// One result for each distinct Dockerfile.
    lint: Vec<(usize, Result<Lint, NotLinted>)>,
    /// One result for each request.
    bases: Vec<(usize, Vec<BaseFault>)>,
}

pub(super) fn run(sheet: Result<Sheet, Error>, config: &LintConfig) -> Result<ExitCode, Error> {
    let mut findings = Findings::default();
    let root = &config.cells.root();
    let mut templates = HashSet::new();
    let (mut allows, mut asked) = (Allows::default(), None);
    match find(sheet, config, &mut findings, &mut templates, &mut allows) {
        // Errors in the files are findings.
        Err(error) if error.kind() == ErrorKind::Matrix && !error.diagnostics().is_empty() => {
            findings.extend(error.diagnostics());
        }
        Err(error) => return Err(error),
        Ok(done) => asked = done,
    }
    findings.acknowledge(&mut allows);
    findings.extend(allows.wrong());
    if let Some(asked) = asked {
        findings.extend(&allows.unused(asked));
    }
    compose::lint(root, &config.compose, &templates, &mut findings);
    if config.cells.strict {
        findings = findings.into_errors();
    }
    terminal::stdout(&match config.format {
        LintFormat::Text => text(&findings, terminal::stdout_has_colour()),
        LintFormat::Json => json(&findings),
        LintFormat::Sarif => sarif(&findings),
        LintFormat::Github => github(&findings),
    });
    if findings.count(Severity::Error) > 0 {
        return Ok(ExitCode::from(ErrorKind::Matrix.exit_code()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Adds the findings in the matrix and its templates. Returns the applied rules if they were applied to
/// all cells of the matrix.
fn find(
    sheet: Result<Sheet, Error>,
    config: &LintConfig,
    findings: &mut Findings,
    templates: &mut HashSet<PathBuf>,
    allows: &mut Allows,
) -> Result<Option<Asked>, Error> {
    let choice = &config.cells;
    let matrix = matrix::matrix(&sheet?, choice)?;
    allows.clone_from(matrix.allows());
    let root = &config.cells.root();
    templates.extend(matrix.file_rules().iter().map(|file| root.join(&file.template)));
    let mut warnings = matrix.warnings().clone();
    let purpose = match config.engine {
        LintEngine::Unused => Purpose::Plan,
        LintEngine::Used(_) => Purpose::Lint,
    };
    let prepared = prepare::all(&matrix, choice, &Default::default(), purpose, &mut warnings);
    findings.extend(&warnings);
    let Prepared { cells, requests, sources, plain_signs, whole, .. } =
        prepared.map(|mut prepared| {
            std::mem::swap(allows, &mut prepared.allows);
            prepared.buildable()
        })??;
    findings.of_plain_signs(&plain_signs);
    drifted(&matrix, root, &Access::of(&choice.file, &choice.grants), findings)?;
    let by_name = cells.iter().map(|cell| (&*cell.name, cell)).collect();
    let mut files = Files { cells: by_name, sources };
    let asked = match &config.engine {
        LintEngine::Unused => None,
        LintEngine::Used(flag) => ask(&requests, flag)?,
    };
    let engine = asked.is_some();
    findings.of_requests(&requests, &mut files, !engine);
    if !engine {
        wrong_patterns(&requests, &Access::of(&choice.file, &choice.grants), findings);
    }
    let Answers { lint, bases } = asked.unwrap_or_default();
    for (number, answer) in lint {
        add(findings, &requests[number], answer, &mut files);
    }
    for (number, fault) in
        bases.into_iter().flat_map(|(n, faults)| faults.into_iter().map(move |f| (n, f)))
    {
        let request = &requests[number];
        let finding = Diagnostic::error(fault.message).help(fault.help);
        let finding = match files.line(&request.recipe.dockerfile, fault.line) {
            Some(span) => finding.at(&span, ""),
            None => finding,
        };
        findings.add(Finding::new(fault.rule, finding), Some(&request.cell));
    }
    Ok(whole.then_some(Asked { lint: true, engine }))
}

/// Adds the wrong patterns in the ignore files of contexts, which BuildKit finds if there is an engine.
fn wrong_patterns(requests: &[BuildRequest], access: &Access, findings: &mut Findings) {
    let mut seen = HashSet::new();
    for BuildRequest { cell, recipe, .. } in requests {
        let path = recipe.context.join(".dockerignore");
        if !seen.insert(path.clone()) || access.lacks_text(&path).is_some() {
            continue;
        }
        if let Some((line, error)) = wrong_pattern(recipe) {
            let finding = Diagnostic::error(error.to_string()).at(&line, "");
            findings.add(Finding::new("buildkit", finding), Some(cell));
        }
    }
}

/// Adds the errors in the `files` of the matrix, and the files that are out of date.
fn drifted(
    matrix: &Matrix,
    root: &Root,
    access: &Access,
    findings: &mut Findings,
) -> Result<(), Error> {
    let files = match rendered_files::rendered(matrix, root, access) {
        Err(error) if !error.diagnostics().is_empty() => {
            findings.extend(error.diagnostics());
            return Ok(());
        }
        files => files?,
    };
    for (path, file) in &files {
        if let Err(found) = rendered_files::within(path, file, root) {
            findings.extend(&(*found).into());
        } else if !regular::holds(path, file.text.as_bytes()) {
            let is = if path.exists() { "is out of date" } else { "is missing" };
            let finding =
                Diagnostic::warning(format!("{} {is}", path.display())).at(&file.span, "");
            let finding =
                finding.help("update it with `onebuild render --files`; --check shows a diff");
            findings.add(Finding::new("file-drift", finding), None);
        }
    }
    Ok(())
}

/// A request without secrets and other inputs of steps. No step runs here, but a frontend named by
/// `# syntax=` could request them. `native` is the platform of the engine.
fn bare(request: &BuildRequest, native: &Platform) -> BuildRequest {
    let mut recipe = request.recipe.clone();
    recipe.platforms = Platform::resolved(&recipe.platforms, native);
    recipe.inputs.secrets.clear();
    recipe.inputs.ssh.clear();
    recipe.inputs.network = None;
    recipe.inputs.run = RunSettings::default();
    recipe.privileges = Privileges::default();
    BuildRequest { recipe, policy: Policy::default(), ..request.clone() }
}

/// BuildKit's findings; `None` without an engine.
fn ask(requests: &[BuildRequest], flag: &EngineFlag) -> Result<Option<Answers>, Error> {
    let runtime = run::runtime()?;
    let answers = runtime.block_on(async {
        let docker = engine::docker_config(false)?;
        let wanted = Wanted { flag, lacks: &|_| None, verbose: false };
        let found = match run::node::connect(&wanted, &docker).await {
            Ok(found) => found,
            Err(error) if !flag.is_none() => return Err(error),
            Err(error) => {
                // Several endpoints have already been reported.
                let tried = match error.notes() {
                    [one] => format!(" ({})", visible(one)),
                    [] => format!(" ({})", visible(&error.to_string())),
                    _ => String::new(),
                };
                terminal::stderr(&format!(
                    "note: no engine is available{tried}, so BuildKit's own checks are skipped\n"
                ));
                return Ok(None);
            }
        };
        let node = match found {
            Err(NodeError::Unusable(Unusable { message, .. })) if flag.is_none() => {
                let message = visible(&message);
                terminal::stderr(&format!(
                    "note: {message}, so BuildKit's own checks are skipped\n"
                ));
                return Ok(None);
            }
            found => found?.node,
        };
        let skipped = |lacking: &str| {
            let lacking = visible(lacking);
            terminal::stderr(&format!("note: BuildKit's own checks are skipped: {lacking}\n"));
        };
        let (is_able, lacking) = (node.facts().has(Ability::Lint), node.facts().lacks_lint());
        let environment: Environment = |name| std::env::var_os(name);
        let credentials = Arc::new(engine::credentials(docker));
        let secrets = HeldSecrets::default();
        let native = &node.facts().native().clone();
        let builder = EngineBuilder::new(node, credentials, environment, secrets, LINT_TIMEOUT);
        let mut seen = HashSet::new();
        let different = requests.iter().enumerate().filter(|(_, request)| {
            let target = request.recipe.inputs.target.as_deref();
            is_able && seen.insert((&*request.recipe.dockerfile, target))
        });
        let asked = different.map(|(number, request)| {
            let builder = &builder;
            async move { (number, builder.lint(&bare(request, native)).await) }
        });
        let lint = futures::stream::iter(asked).buffered(AT_ONCE);
        let mut lint: Vec<(usize, Result<Lint, NotLinted>)> = lint.collect().await;
        let answers = lint.len();
        lint.retain(|(_, answer)| !matches!(answer, Err(NotLinted::ByEngine)));
        if !is_able || lint.len() < answers {
            skipped(&lacking);
        }
        let bases = requests.iter().enumerate().map(|(number, request)| {
            let builder = &builder;
            async move { (number, builder.base_faults(&bare(request, native)).await) }
        });
        let bases = futures::stream::iter(bases).buffered(AT_ONCE).collect().await;
        builder.close().await;
        Ok(Some(Answers { lint, bases }))
    });
    runtime.shutdown_background();
    answers
}

fn add(
    findings: &mut Findings,
    request: &BuildRequest,
    answer: Result<Lint, NotLinted>,
    files: &mut Files<'_>,
) {
    let lint = match answer {
        Ok(lint) => lint,
        Err(why) => {
            let finding = Diagnostic::remark(format!("BuildKit could not lint this cell: {why}"));
            return findings.add(Finding::new("not-linted", finding), Some(&request.cell));
        }
    };
    let place = |line: Option<u32>, finding: Diagnostic| match line
        .and_then(|line| files.line(&request.recipe.dockerfile, line))
    {
        Some(span) => finding.at(&span, ""),
        None => finding,
    };
    if let Some(LintError { message, line, ignored }) = lint.error {
        // An unreachable registry is not an error in the template.
        let unreachable = message.contains("failed to do request");
        let (rule, finding) = match unreachable {
            true => ("not-linted", Diagnostic::remark(message)),
            false => ("buildkit", Diagnostic::error(message)),
        };
        let finding = match ignored {
            Some(span) => finding.at(&span, ""),
            None => place(line, finding),
        };
        findings.add(Finding::new(rule, finding), Some(&request.cell));
    }
    for warning in lint.warnings {
        let mut finding = place(warning.line, Diagnostic::warning(&warning.message));
        if warning.description != warning.message && !warning.description.is_empty() {
            finding = finding.note(warning.description);
        }
        let finding = Finding { url: warning.url, ..Finding::new(warning.rule, finding) };
        findings.add(finding, Some(&request.cell));
    }
}

/// The templates and the cells, which have the places of findings.
struct Files<'c> {
    cells: HashMap<&'c str, &'c Cell>,
    sources: Sources,
}

impl Places for Files<'_> {
    fn line(&self, rendered: &Rendered, line: u32) -> Option<Span> {
        self.sources.line(rendered, line)
    }

    fn key(&self, cell: &str, key: &str) -> Option<Span> {
        self.cells.get(cell)?.origins().into_iter().find_map(|origin| match origin {
            Origin { key: known, source: Source::File(span), .. } if known == key => Some(span),
            _ => None,
        })
    }
}
