//! The origin of each value of a cell.

use super::cell::Cell;
use crate::error::{COMMAND_LINE, Span};
use crate::input::{MediaTypes, Retry};
use crate::matrix::model::{AutoLabels, Given, Texts};
use crate::matrix::selection::{DEFAULT_PLATFORM, EPOCH, Overrides};
use crate::template::{Template, Value};

/// One value of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// A dotted path as in the file: `axes.os`, `args.VERSION`, `platforms`.
    pub key: String,
    pub value: String,
    pub source: Source,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A place in a file.
    File(Span),
    /// A flag, such as `--build-arg`.
    Flag(String),
    /// An environment variable, such as `ONEBUILD_IMAGE`.
    Environment(String),
    /// The built-in default.
    Default,
}

impl Overrides {
    /// Who said it: the flag, unless it was the variable.
    pub(crate) fn source(&self, flag: &str, variable: &str) -> Source {
        match self.environment.iter().any(|known| known == variable) {
            true => Source::Environment(variable.to_owned()),
            false => Source::Flag(flag.to_owned()),
        }
    }
}

impl Cell {
    /// All its values, in the order of evaluation, each with its source.
    pub fn origins(&self) -> Vec<Origin> {
        let shared = &*self.shared;
        let (settings, flags) = (&shared.settings, &shared.overrides);
        let (inputs, by_flag) = (&self.inputs, &flags.inputs);
        let mut found = Vec::new();
        let mut add = |key: String, value: &str, source: Source| {
            found.push(Origin { key, value: value.to_owned(), source });
        };
        let file = |span: &Span| Source::File(span.clone());

        for ((axis, value), (known, index)) in
            self.axes.iter().zip(shared.axes.iter().zip(&self.values))
        {
            let span = &known.values[*index as usize].span;
            // Values of flags are in a source of their own.
            let added = &**span.file.name() == COMMAND_LINE;
            let source = if added { Source::Flag("--add".into()) } else { file(span) };
            add(format!("axes.{axis}"), value, source);
            let record = self.scope.get(axis);
            for (name, property) in record.into_iter().flat_map(|record| record.properties()) {
                add(format!("axes.{axis}.{value}.{name}"), &shown(property), file(span));
            }
        }
        for var in &settings.vars {
            let value = self.scope.get(&var.name).map(shown).unwrap_or_default();
            let source = match flags.vars.contains_key(&*var.name) {
                true => Source::Flag("--var".into()),
                false => file(&var.value.span().unwrap_or_else(|| var.span.clone())),
            };
            add(format!("vars.{}", var.name), &value, source);
        }
        let images: Vec<String> = self.repositories().map(|image| image.familiar()).collect();
        let source = match flags.images.is_empty() {
            true => file(&shared.image_span),
            false => flags.source("--image", "ONEBUILD_IMAGE"),
        };
        add("image".to_owned(), &images.join(" "), source);
        let tags = self.references.iter().filter_map(|reference| reference.tag.as_ref());
        for (tag, rule) in tags.zip(&*self.tag_rules) {
            add("tag".to_owned(), tag.as_str(), file(&shared.tag_spans[usize::from(*rule)]));
        }
        if !flags.tag_prefix.is_empty() {
            let source = flags.source("--tag-prefix", "ONEBUILD_TAG_PREFIX");
            add("tag prefix".to_owned(), &flags.tag_prefix, source);
        }
        let platforms: Vec<String> = self.platforms.iter().map(ToString::to_string).collect();
        let source = match &settings.platforms {
            _ if !flags.platforms.is_empty() => flags.source("--platform", "ONEBUILD_PLATFORM"),
            Some(given) => file(&given.span),
            None if flags.default_platforms.is_empty() => Source::Default,
            None => Source::Environment(DEFAULT_PLATFORM.to_owned()),
        };
        add("platforms".to_owned(), &platforms.join(" "), source);
        let flag = |is_flag: bool, name: &str, otherwise: Source| match is_flag {
            true => Source::Flag(name.to_owned()),
            false => otherwise,
        };
        for (key, value, template) in [
            ("context", Some(&*self.context), &settings.context),
            ("dockerfile", Some(&*self.dockerfile), &settings.dockerfile),
            ("dockerignore", self.dockerignore.as_deref(), &settings.dockerignore),
            ("target", inputs.target.as_deref(), &settings.target),
        ] {
            if key == "dockerignore" && value.is_none() {
                continue;
            }
            let source = template.as_ref().map_or(Source::Default, |text| file(&text.span()));
            let source = flag(key == "target" && by_flag.target.is_some(), "--target", source);
            add(key.to_owned(), value.unwrap_or("the last stage"), source);
        }
        if let Some(given) = &settings.template {
            add("template".to_owned(), &given.value.to_string(), file(&given.span));
        }
        let network = inputs.network.unwrap_or_default().to_string();
        let source = settings.network.as_ref().map_or(Source::Default, |given| file(&given.span));
        add("network".to_owned(), &network, flag(by_flag.network.is_some(), "--network", source));
        self.origins_of_run(&mut add);
        if let Some(given) = &settings.media_types {
            let name = MediaTypes::ALL.into_iter().find(|(_, value)| *value == given.value);
            add("media_types".to_owned(), name.map_or("", |(name, _)| name), file(&given.span));
        }

        let of = |texts: &Texts, key: &str| {
            let named = texts.iter().find(|(known, _)| **known == *key);
            named.map_or(Source::Default, |(_, template)| file(&template.span()))
        };
        for (key, value) in &inputs.args {
            let source = match of(&settings.args, key) {
                Source::Default if **key == *EPOCH => Source::Environment(EPOCH.to_owned()),
                source => source,
            };
            let source = flag(by_flag.args.contains_key(key), "--build-arg", source);
            add(format!("args.{key}"), value, source);
        }
        let automatic = |texts: &Texts, auto: &Option<Given<AutoLabels>>, key: &str| match (
            texts.iter().any(|(known, _)| **known == *key),
            auto,
        ) {
            (false, Some(auto)) => file(&auto.span),
            _ => of(texts, key),
        };
        for (key, value) in &inputs.labels {
            let source = automatic(&settings.labels, &settings.auto_labels, key);
            let source = flag(by_flag.labels.contains_key(key), "--label", source);
            add(format!("labels.{key}"), value, source);
        }
        for (key, value) in &inputs.annotations {
            let source = automatic(&settings.annotations, &settings.auto_annotations, key);
            let source = flag(by_flag.annotations.contains_key(key), "--annotation", source);
            add(format!("annotations.{key}"), value, source);
        }
        for (key, value) in &inputs.bases {
            let source = of(&settings.bases, key);
            let source = flag(by_flag.bases.contains_key(key), "--base", source);
            add(format!("bases.{key}"), &value.familiar(), source);
        }
        for (key, value) in &inputs.contexts {
            let source = of(&settings.contexts, key);
            let source = flag(by_flag.contexts.contains_key(key), "--build-context", source);
            add(format!("contexts.{key}"), &value.to_string(), source);
        }
        for (key, value) in &inputs.secrets {
            let named = settings.secrets.iter().find(|(known, _)| **known == *key);
            let source = named.map_or(Source::Default, |(_, one)| file(&one.template().span()));
            let source = flag(by_flag.secrets.contains_key(key), "--secret", source);
            add(format!("secrets.{key}"), &value.to_string(), source);
        }
        for (key, sockets) in &inputs.ssh {
            let named = settings.ssh.iter().find(|(known, _)| **known == *key);
            let source = named.map_or(Source::Default, |(_, agent)| file(&agent.span));
            let sockets: Vec<String> = sockets.iter().map(|s| s.display().to_string()).collect();
            let value = if sockets.is_empty() { "the running agent" } else { &sockets.join(" ") };
            add(format!("ssh.{key}"), value, flag(by_flag.ssh.contains_key(key), "--ssh", source));
        }
        for (key, caches, given, (name, added)) in [
            (
                "cache_from",
                &self.caches.from,
                &settings.cache_from,
                ("--cache-from", &flags.caches.from),
            ),
            ("cache_to", &self.caches.to, &settings.cache_to, ("--cache-to", &flags.caches.to)),
        ] {
            let own = caches.len() - added.len();
            for (number, cache) in caches.iter().enumerate() {
                let source = given.as_ref().map_or(Source::Default, |given| file(&given.span));
                let source = flag(number >= own, name, source);
                add(key.to_owned(), &cache.of_cell(&self.name).to_string(), source);
            }
        }
        if let Some(Given { value: Retry { retries, when }, span }) = &settings.retry {
            if let Some(retries) = retries {
                add("retry.retries".to_owned(), &retries.to_string(), file(span));
            }
            for pattern in &**when {
                add("retry.when".to_owned(), pattern, file(span));
            }
        }
        let test = self.smoke.as_ref().zip(settings.smoke.as_ref());
        for (key, value, span) in test.into_iter().flat_map(|(test, rule)| rule.origins(test)) {
            add(format!("test.{key}"), &value, span.map_or(Source::Default, Source::File));
        }
        found
    }

    /// The settings of `RUN` steps that are set.
    fn origins_of_run(&self, add: &mut impl FnMut(String, &str, Source)) {
        let (settings, run) = (&self.shared.settings, &self.inputs.run);
        let flags = &self.overrides().inputs.run;
        let named = |texts: &Texts, name: &str| {
            written(texts.iter().find(|(known, _)| **known == *name).map(|(_, text)| text))
        };
        let of = |is_flag: bool, flag: &str, otherwise: Source| match is_flag {
            true => Source::Flag(flag.to_owned()),
            false => otherwise,
        };
        if let Some(size) = run.shm_size {
            let source =
                of(flags.shm_size.is_some(), "--shm-size", written(settings.shm_size.as_ref()));
            add("shm_size".to_owned(), &size.to_string(), source);
        }
        for (name, limit) in &run.ulimits {
            let is_flag = flags.ulimits.contains_key(name);
            let source = of(is_flag, "--ulimit", named(&settings.ulimits, name));
            add(format!("ulimits.{name}"), &limit.to_string(), source);
        }
        if let Some(parent) = &run.cgroup_parent {
            let otherwise = written(settings.cgroup_parent.as_ref());
            let source = of(flags.cgroup_parent.is_some(), "--cgroup-parent", otherwise);
            add("cgroup_parent".to_owned(), parent, source);
        }
        for (name, addresses) in &run.add_hosts {
            let is_flag = flags.add_hosts.contains_key(name);
            let source = of(is_flag, "--add-host", named(&settings.add_hosts, name));
            add(format!("add_hosts.{name}"), &addresses.to_string(), source);
        }
    }
}

/// A text in a file, or the default.
fn written(template: Option<&Template>) -> Source {
    template.map_or(Source::Default, |template| Source::File(template.span()))
}

/// A value as shown to users.
fn shown(value: &Value) -> String {
    match (value.as_text(), value) {
        (Some(text), _) => text.to_owned(),
        (None, Value::List(items)) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        (None, _) => String::new(),
    }
}
