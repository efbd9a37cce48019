//! Names used in the matrix itself: each has to be defined before it is used.

use std::sync::Arc;

use super::{Matrix, VarValue};
use crate::error::{Diagnostic, Diagnostics, listed};
use crate::image::{InvalidReference, Reference, Repository, Tag};
use crate::template::{NameUse, Template};

/// Vars see the axes and the vars above them; tags see all vars; all the rest sees the tag too.
pub(super) fn names(matrix: &Matrix, errors: &mut Diagnostics) {
    let mut known: Vec<Arc<str>> = matrix.axes.iter().map(|axis| axis.name.clone()).collect();
    for var in &matrix.vars {
        let later = "a var may use axes and the vars above it";
        match &var.value {
            VarValue::Text(template) => check(template, &known, later, errors),
            VarValue::List(items) => {
                items.iter().for_each(|template| check(template, &known, later, errors));
            }
        }
        known.push(var.name.clone());
    }
    known.push("latest".into());
    for image in &matrix.images {
        check(image, &known, "", errors);
    }
    for rule in &matrix.tags {
        check(&rule.tag, &known, "", errors);
        let when = rule.when.as_ref().map(|when| when.names()).unwrap_or_default();
        when.into_iter().for_each(|used| undefined(used, &known, "", errors));
    }
    known.extend(["image".into(), "tag".into()]);
    let single = [&matrix.context, &matrix.dockerfile, &matrix.target];
    for template in single.into_iter().flatten() {
        check(template, &known, "", errors);
    }
    for (_, template) in matrix.args.iter().chain(&matrix.labels).chain(&matrix.bases) {
        check(template, &known, "", errors);
    }
}

/// Names of images that hold no placeholder are checked before any cell is made.
pub(super) fn literals(matrix: &Matrix, errors: &mut Diagnostics) {
    let mut wrong = |template: &Template, found: Result<(), InvalidReference>| {
        if let (true, Err(error)) = (template.is_literal(), found) {
            errors.push(Diagnostic::error(error.to_string()).at(&template.span(), ""));
        }
    };
    for image in &matrix.images {
        wrong(image, image.text().parse::<Repository>().map(drop));
    }
    for rule in &matrix.tags {
        wrong(&rule.tag, rule.tag.text().parse::<Tag>().map(drop));
    }
    for (_, base) in &matrix.bases {
        wrong(base, base.text().parse::<Reference>().map(drop));
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

impl Matrix {
    /// A warning for each var that neither the matrix nor a template uses; `used` are the names in
    /// all templates at hand.
    pub fn unused_vars(&self, used: &[NameUse]) -> Diagnostics {
        let own = self.names();
        let is_used = |name: &str| used.iter().chain(&own).any(|used| *used.name == *name);
        let mut warnings = Diagnostics::default();
        for var in self.vars.iter().filter(|var| !is_used(&var.name)) {
            warnings.push(
                Diagnostic::warning(format!("the var `{}` is not used", var.name))
                    .at(&var.span, "")
                    .help(format!("use it as `<%{}%>`, or take it out", var.name)),
            );
        }
        warnings
    }

    /// Every use of a name in the matrix itself.
    fn names(&self) -> Vec<NameUse> {
        let vars = self.vars.iter().flat_map(|var| match &var.value {
            VarValue::Text(template) => std::slice::from_ref(template),
            VarValue::List(items) => items,
        });
        let maps = self.args.iter().chain(&self.labels).chain(&self.bases).map(|(_, text)| text);
        let single = [&self.context, &self.dockerfile, &self.target].into_iter().flatten();
        let tags = self.tags.iter().map(|rule| &rule.tag);
        let when = self.tags.iter().filter_map(|rule| rule.when.as_ref());
        let templates = vars.chain(maps).chain(single).chain(tags).chain(&self.images);
        templates.flat_map(Template::names).chain(when.flat_map(|when| when.names())).collect()
    }
}
