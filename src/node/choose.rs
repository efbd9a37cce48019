//! Which engine is used: one rule for all settings that can name one. Pure.
//!
//! `docs/engines.md` has the same rule as a list. A setting that counts is never replaced by a later one.

/// The builder name, and the name of the docker context, that mean Docker's own default.
const DEFAULT: &str = "default";

/// The settings that can name an engine, in the order in which they count. Empty values count as unset,
/// except those of flags.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// `--host`. The command line cannot have both flags.
    pub host: Option<String>,
    /// `--builder`.
    pub builder: Option<String>,
    /// `ONEBUILD_HOST`.
    pub onebuild_host: Option<String>,
    /// `BUILDX_BUILDER`.
    pub buildx_builder: Option<String>,
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// The current context of Docker's config file.
    pub current_context: Option<String>,
    /// `BUILDKIT_HOST`.
    pub buildkit_host: Option<String>,
    /// Whether Docker's default socket exists.
    pub has_default_socket: bool,
}

/// The engine that counts, not looked up yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// At this address: a Docker Engine or a buildkitd.
    Host(String),
    /// A builder of buildx.
    Builder(String),
    /// The Docker Engine at this endpoint.
    Docker(String),
    /// The Docker Engine of a docker context.
    Context(String),
    /// The buildkitd at an address as buildctl writes it.
    Buildctl(String),
    /// The Docker Engine at the first default socket that answers.
    Sockets,
}

/// What the settings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub named: Named,
    /// The setting that counts, such as `DOCKER_HOST`; `None` if nothing was chosen.
    pub origin: Option<&'static str>,
    /// Settings that name an engine too, but count less.
    pub ignored: Vec<&'static str>,
}

pub(crate) const HOST: &str = "--host";
pub(crate) const BUILDER: &str = "--builder";
pub(crate) const ONEBUILD_HOST: &str = "ONEBUILD_HOST";
pub(crate) const BUILDX_BUILDER: &str = "BUILDX_BUILDER";
pub(crate) const DOCKER_HOST: &str = "DOCKER_HOST";
pub(crate) const DOCKER_CONTEXT: &str = "DOCKER_CONTEXT";
pub(crate) const CURRENT_CONTEXT: &str = "the current docker context";
pub(crate) const BUILDKIT_HOST: &str = "BUILDKIT_HOST";

/// Decides which engine is used.
pub(crate) fn choose(settings: &Settings) -> Choice {
    // Docker ignores blanks around an endpoint. A line break at the end of a variable is as common.
    let trimmed = |value: &Option<String>| value.as_deref().map(|value| value.trim().to_owned());
    let set = |value: &Option<String>| trimmed(value).filter(|value| !value.is_empty());
    let context = |name: String| match name == DEFAULT {
        true => Named::Sockets,
        false => Named::Context(name),
    };
    let builder = |name: String| match (name == DEFAULT, set(&settings.docker_host)) {
        (false, _) => Named::Builder(name),
        // As in buildx, this is the docker context `default`, which follows the variable.
        (true, Some(host)) => Named::Docker(host),
        (true, None) => Named::Sockets,
    };
    let current = set(&settings.current_context).filter(|name| name != DEFAULT);
    let given = [
        (HOST, trimmed(&settings.host).map(Named::Host)),
        (BUILDER, trimmed(&settings.builder).map(builder)),
        (ONEBUILD_HOST, set(&settings.onebuild_host).map(Named::Host)),
        (BUILDX_BUILDER, set(&settings.buildx_builder).map(builder)),
        (DOCKER_HOST, set(&settings.docker_host).map(Named::Docker)),
        (DOCKER_CONTEXT, set(&settings.docker_context).map(context)),
        (CURRENT_CONTEXT, current.map(Named::Context)),
    ];
    let mut given = given.into_iter().filter_map(|(origin, named)| Some((origin, named?)));
    let buildctl = set(&settings.buildkit_host);
    let Some((origin, named)) = given.next() else {
        return match buildctl {
            Some(address) if !settings.has_default_socket => Choice {
                named: Named::Buildctl(address),
                origin: Some(BUILDKIT_HOST),
                ignored: Vec::new(),
            },
            ignored => Choice {
                named: Named::Sockets,
                origin: None,
                ignored: ignored.map(|_| BUILDKIT_HOST).into_iter().collect(),
            },
        };
    };
    // `--builder default` with DOCKER_HOST follows both.
    let is_used = |later: &'static str| later == DOCKER_HOST && matches!(named, Named::Docker(_));
    let later = given.map(|(later, _)| later).filter(|later| !is_used(later));
    let ignored = later.chain(buildctl.map(|_| BUILDKIT_HOST)).collect();
    Choice { named, origin: Some(origin), ignored }
}

/// Decides which Docker Engine is used where it must be one: beside a buildkitd, or around its container.
pub(crate) fn choose_docker(settings: &Settings) -> Choice {
    choose(&Settings {
        host: None,
        builder: None,
        onebuild_host: None,
        buildx_builder: None,
        buildkit_host: None,
        ..settings.clone()
    })
}

impl Choice {
    /// Why this engine is used, for the first line of a run: nothing for the default sockets.
    pub(crate) fn reason(&self) -> Option<String> {
        let origin = self.origin?;
        Some(match &self.named {
            Named::Builder(name) => format!("builder `{name}`, {origin}"),
            Named::Context(name) if origin == CURRENT_CONTEXT => format!("{origin} `{name}`"),
            Named::Context(name) => format!("docker context `{name}`, {origin}"),
            Named::Docker(_) | Named::Sockets if origin == BUILDER || origin == BUILDX_BUILDER => {
                format!("builder `{DEFAULT}`, {origin}")
            }
            Named::Sockets => format!("docker context `{DEFAULT}`, {origin}"),
            Named::Host(_) | Named::Docker(_) | Named::Buildctl(_) => origin.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All settings, each with a value of its own.
    fn all() -> Settings {
        let value = |text: &str| Some(text.to_owned());
        Settings {
            host: value("flag"),
            builder: None,
            onebuild_host: value("own"),
            buildx_builder: value("buildx"),
            docker_host: value(" docker\n"),
            docker_context: value("far\n"),
            current_context: value("near"),
            buildkit_host: value("buildctl"),
            has_default_socket: false,
        }
    }

    #[test]
    fn the_first_setting_counts_and_later_ones_are_ignored() {
        type Step = (fn(&mut Settings), Named, Option<&'static str>, &'static str);
        let named = |text: &str, kind: fn(String) -> Named| kind(text.to_owned());
        let mut settings = all();
        let steps: [Step; 8] = [
            (|_| {}, named("flag", Named::Host), Some(HOST), "--host"),
            (|s| s.host = None, named("own", Named::Host), Some(ONEBUILD_HOST), "ONEBUILD_HOST"),
            (
                |s| s.onebuild_host = Some(" ".into()),
                named("buildx", Named::Builder),
                Some(BUILDX_BUILDER),
                "builder `buildx`, BUILDX_BUILDER",
            ),
            (
                |s| s.buildx_builder = Some(String::new()),
                named("docker", Named::Docker),
                Some(DOCKER_HOST),
                "DOCKER_HOST",
            ),
            (
                |s| s.docker_host = Some("\n".into()),
                named("far", Named::Context),
                Some(DOCKER_CONTEXT),
                "docker context `far`, DOCKER_CONTEXT",
            ),
            (
                |s| s.docker_context = None,
                named("near", Named::Context),
                Some(CURRENT_CONTEXT),
                "the current docker context `near`",
            ),
            (
                |s| s.current_context = Some("default".into()),
                named("buildctl", Named::Buildctl),
                Some(BUILDKIT_HOST),
                "BUILDKIT_HOST",
            ),
            (|s| s.has_default_socket = true, Named::Sockets, None, ""),
        ];
        let order = [
            HOST,
            ONEBUILD_HOST,
            BUILDX_BUILDER,
            DOCKER_HOST,
            DOCKER_CONTEXT,
            CURRENT_CONTEXT,
            BUILDKIT_HOST,
        ];
        for (number, (change, named, origin, reason)) in steps.into_iter().enumerate() {
            change(&mut settings);
            let choice = choose(&settings);
            let ignored = match named {
                Named::Sockets => vec![BUILDKIT_HOST],
                _ => order[number + 1..].to_vec(),
            };
            assert_eq!(choice, Choice { named, origin, ignored });
            assert_eq!(choice.reason().unwrap_or_default(), reason);
        }
    }

    #[test]
    fn a_builder_counts_like_an_address() {
        let settings = Settings { host: None, builder: Some("b".into()), ..all() };
        let choice = choose(&settings);
        assert_eq!((choice.named.clone(), choice.ignored.len()), (Named::Builder("b".into()), 6));
        assert_eq!(choice.reason().unwrap(), "builder `b`, --builder");
        let nothing = Settings { builder: Some("b".into()), ..Settings::default() };
        assert_eq!(choose(&nothing).ignored, [""; 0]);
    }

    #[test]
    fn default_names_dockers_own_engine() {
        let set = |text: &str| Some(text.to_owned());
        let host = || Named::Docker("docker".to_owned());
        for (settings, named, ignored, reason) in [
            (
                Settings { host: None, builder: set("default"), ..all() },
                host(),
                vec![ONEBUILD_HOST, BUILDX_BUILDER, DOCKER_CONTEXT, CURRENT_CONTEXT, BUILDKIT_HOST],
                "builder `default`, --builder",
            ),
            (
                Settings { buildx_builder: set("default"), ..Settings::default() },
                Named::Sockets,
                vec![],
                "builder `default`, BUILDX_BUILDER",
            ),
            (
                Settings {
                    docker_context: set("default"),
                    current_context: set("near"),
                    buildkit_host: set("x"),
                    ..Settings::default()
                },
                Named::Sockets,
                vec![CURRENT_CONTEXT, BUILDKIT_HOST],
                "docker context `default`, DOCKER_CONTEXT",
            ),
        ] {
            let choice = choose(&settings);
            assert_eq!(choice.reason().unwrap(), reason);
            assert_eq!((choice.named, choice.ignored), (named, ignored));
        }
    }

    #[test]
    fn a_docker_engine_beside_a_buildkitd_follows_dockers_settings_alone() {
        assert_eq!(choose_docker(&all()).origin, Some(DOCKER_HOST));
        let nothing = Settings { docker_host: None, docker_context: None, ..all() };
        let nothing = Settings { current_context: None, ..nothing };
        assert_eq!(choose_docker(&nothing).named, Named::Sockets);
    }

    #[test]
    fn an_empty_flag_is_not_the_default() {
        let empty = || Some(String::new());
        let host = Settings { host: empty(), ..Settings::default() };
        assert_eq!(choose(&host).named, Named::Host(String::new()));
        let builder = Settings { builder: empty(), ..Settings::default() };
        assert_eq!(choose(&builder).named, Named::Builder(String::new()));
    }
}
