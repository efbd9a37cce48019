//! Checks names used in the matrix itself: each must be defined before it is used.

use std::sync::Arc;

use super::foreign;
use crate::error::{Diagnostic, Diagnostics, listed};
use crate::image::{InvalidReference, Reference, Repository, Tag};
use crate::input::{NamedContext, Volume};
use crate::matrix::model::{Command, FileRule, Matrix, SmokeRule, Var, Words, script};
use crate::template::{NameUse, Template};

/// Vars see the axes and earlier vars; tags see all vars; everything else also sees the tag.
pub(crate) fn names(matrix: &Matrix, errors: &mut Diagnostics) {
    let axes: Vec<Arc<str>> = matrix.axes.iter().map(|axis| axis.name.clone()).collect();
    let declared = &matrix.settings.vars;
    vars(declared, &axes, errors);
    for layer in &matrix.overrides {
        for var in &layer.settings.vars {
            if !matrix.vars().any(|name| *name == *var.name) {
                errors.push(unknown_var(matrix, var));
            }
        }
    }
    for layer in matrix.include.iter().chain(&matrix.overrides) {
        for var in &layer.settings.vars {
            let before = declared.iter().take_while(|known| known.name != var.name);
            let known: Vec<Arc<str>> =
                axes.iter().cloned().chain(before.map(|known| known.name.clone())).collect();
            used(var, &known, errors);
        }
    }
    let mut known = axes;
    known.extend(matrix.all_vars().map(|var| var.name.clone()));
    known.extend(["latest".into(), "prerelease".into()]);
    for image in &matrix.images {
        check(image, &known, "", errors);
    }
    for rule in &matrix.tags {
        check(&rule.tag, &known, "", errors);
        let when = rule.when.as_ref().map(|when| when.names()).unwrap_or_default();
        when.into_iter().for_each(|used| undefined(used, &known, "", errors));
    }
    known.extend(["image".into(), "tag".into()]);
    for used in matrix.file_rules.iter().flat_map(FileRule::names) {
        undefined(used, &known, "", errors);
    }
    for settings in matrix.all_settings() {
        settings.templates().for_each(|template| check(template, &known, "", errors));
    }
}

fn vars(vars: &[Var], axes: &[Arc<str>], errors: &mut Diagnostics) {
    let mut known = axes.to_vec();
    for var in vars {
        used(var, &known, errors);
        known.push(var.name.clone());
    }
}

fn used(var: &Var, known: &[Arc<str>], errors: &mut Diagnostics) {
    let later = "a var can use axes and the vars above it";
    var.value.names().for_each(|used| undefined(used, known, later, errors));
}

fn unknown_var(matrix: &Matrix, var: &Var) -> Diagnostic {
    Diagnostic::error(format!("there is no var `{}` to override", var.name))
        .at(&var.span, "")
        .help(match matrix.vars().next() {
            Some(_) => {
                format!("known vars: {}; define new ones under `vars`", listed(matrix.vars()))
            }
            None => "define it at the top of the file, under `vars`".to_owned(),
        })
        .help_nearest(&var.name, matrix.vars())
}

/// Checks literal image names before any cell is created.
pub(crate) fn literals(matrix: &Matrix, errors: &mut Diagnostics) {
    let mut wrong = |template: &Template, found: Result<(), InvalidReference>| {
        if let (true, Err(error)) = (template.is_literal(), found) {
            errors.push(Diagnostic::error(error.to_string()).at(&template.span(), ""));
        }
    };
    let is_ours = |template: &&Template| !foreign::is_in(template);
    for image in matrix.images.iter().filter(is_ours) {
        wrong(image, image.text().parse::<Repository>().map(drop));
    }
    for tag in matrix.tags.iter().map(|rule| &rule.tag).filter(is_ours) {
        wrong(tag, tag.text().parse::<Tag>().map(drop));
    }
    for (_, base) in matrix.all_settings().flat_map(|settings| &settings.bases) {
        wrong(base, base.text().parse::<Reference>().map(drop));
    }
    for (_, context) in matrix.all_settings().flat_map(|settings| &settings.contexts) {
        if let (true, Err(why)) = (context.is_literal(), context.text().parse::<NamedContext>()) {
            errors.push(Diagnostic::error(why).at(&context.span(), ""));
        }
    }
    for rule in matrix.all_settings().filter_map(|settings| settings.smoke.as_ref()) {
        smoke_test(rule, errors);
    }
}

/// Checks the literal parts of a smoke test before any cell is created.
fn smoke_test(rule: &SmokeRule, errors: &mut Diagnostics) {
    let mut wrong = |template: &Template, found: Result<(), String>| {
        if let (true, Err(why)) = (template.is_literal(), found) {
            errors.push(Diagnostic::error(why).at(&template.span(), ""));
        }
    };
    for volume in rule.volumes.iter().flatten() {
        wrong(volume, volume.text().parse::<Volume>().map(drop));
    }
    if let Some(Command { words: Words::Script(path), .. }) = &rule.command
        && path.is_literal()
        && let Err(why) = script(path.text())
    {
        let help =
            "move the script into the directory of matrix.yaml, and write its path from there";
        errors.push(Diagnostic::error(why).at(&path.span(), "").help(help));
    }
}

fn check(template: &Template, known: &[Arc<str>], help: &str, errors: &mut Diagnostics) {
    template.names().into_iter().for_each(|used| undefined(used, known, help, errors));
}

fn undefined(used: NameUse, known: &[Arc<str>], help: &str, errors: &mut Diagnostics) {
    if used.optional || known.contains(&used.name) {
        return;
    }
    let names = || known.iter().map(|name| &**name);
    let help = if help.is_empty() {
        format!("defined here: {}", listed(names()))
    } else {
        help.to_owned()
    };
    errors.push(
        Diagnostic::error(format!("`{}` is not defined", used.name))
            .at(&used.span, "")
            .help(help)
            .help_nearest(&used.name, names()),
    );
}
