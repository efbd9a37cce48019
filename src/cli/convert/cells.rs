//! The selection of cells, and the overrides of the matrix.

use std::ffi::OsString;

use indexmap::IndexSet;

use super::given::Given;
use super::inputs;
use crate::cli::allow::granted;
use crate::cli::args::{InputArgs, SelectArgs};
use crate::cli::flags::PlatformsFlag;
use crate::cli::surroundings::Surroundings;
use crate::config::CellChoice;
use crate::error::{Error, ErrorKind};
use crate::image::Platform;
use crate::input::{Inputs, TextMap};
use crate::matrix::{DEFAULT_PLATFORM, EPOCH, Overrides, Pick, Selection, Unnamed};

pub(crate) fn choice(
    cells: Vec<String>,
    select: SelectArgs,
    inputs: InputArgs,
    given: Given<'_>,
    unnamed: Unnamed,
) -> Result<CellChoice, Error> {
    let Given { axes, environment, surroundings, typed: _ } = given;
    let first_flag = match cells.first() {
        Some(cell) => Some(format!("the cell `{cell}`")),
        None => first_flag(&select, &axes, &environment),
    };
    let SelectArgs {
        file,
        only,
        skip,
        add,
        platform,
        image,
        tag_prefix,
        var,
        build_arg,
        base,
        strict,
        offline,
        allow,
    } = select;
    let grants = granted(&allow, surroundings.variable)?;
    let (args, unset_args) = build_args(build_arg, surroundings)?;
    let of_cells = Inputs {
        args,
        bases: base.into_iter().map(|base| (base.name, base.base)).collect(),
        ..Inputs::default()
    };
    let overrides = Overrides {
        images: image,
        tag_prefix: tag_prefix.unwrap_or_default(),
        // A platform that is given twice would be in the index twice.
        platforms: platform
            .into_iter()
            .flat_map(|flag| flag.0)
            .collect::<IndexSet<_>>()
            .into_iter()
            .collect(),
        default_platforms: default_platforms(surroundings)?,
        vars: var.into_iter().collect(),
        caches: inputs::caches(&inputs),
        inputs: of_cells.overlaid(&inputs::inputs(inputs, surroundings)),
        epoch: epoch(surroundings)?,
        environment,
    };
    Ok(CellChoice {
        file: (surroundings.matrix_file)(file),
        grants,
        offline,
        strict,
        selection: Selection {
            only: only.into_iter().chain(axes).collect(),
            skip,
            add,
            unnamed,
            cells,
        },
        overrides,
        first_flag,
        unset_args,
    })
}

/// The values of `--build-arg`, and the names that have none. One without a value comes from the
/// environment. As for docker, a variable that is not set gives none.
fn build_args(
    flags: Vec<(String, Option<String>)>,
    surroundings: Surroundings<'_>,
) -> Result<(TextMap, Vec<String>), Error> {
    let (mut args, mut unset) = (TextMap::new(), Vec::new());
    for (name, value) in flags {
        let value = match value {
            Some(value) => Some(value),
            None => from_environment(&name, surroundings)?,
        };
        match value {
            Some(value) => drop(args.insert(name.into(), value.into())),
            None => unset.push(name),
        }
    }
    Ok((args, unset))
}

/// BuildKit accepts only values that are UTF-8.
fn from_environment(name: &str, surroundings: Surroundings<'_>) -> Result<Option<String>, Error> {
    let value = (surroundings.variable)(name).map(OsString::into_string).transpose();
    value.map_err(|_| {
        let message = format!("--build-arg {name}: the environment variable `{name}` is not UTF-8");
        let help = format!("write --build-arg {name}=VALUE, or set the variable to UTF-8 text");
        Error::new(ErrorKind::Usage, message).help(help)
    })
}

/// The value of `SOURCE_DATE_EPOCH`; an empty one counts as unset.
fn epoch(surroundings: Surroundings<'_>) -> Result<Option<u64>, Error> {
    let Some(value) = (surroundings.variable)(EPOCH).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let seconds = value.to_str().and_then(|value| value.trim().parse().ok());
    // BuildKit reads a signed number.
    match seconds.filter(|seconds| i64::try_from(*seconds).is_ok()) {
        Some(seconds) => Ok(Some(seconds)),
        None => {
            let message = format!("{EPOCH} is not a number of seconds");
            let help = "set it to seconds since 1970, as `git log -1 --format=%ct` prints them";
            Err(Error::new(ErrorKind::Usage, message).help(help))
        }
    }
}

/// The value of `DOCKER_DEFAULT_PLATFORM`; an empty one counts as unset.
fn default_platforms(surroundings: Surroundings<'_>) -> Result<Vec<Platform>, Error> {
    let Some(value) = (surroundings.variable)(DEFAULT_PLATFORM) else { return Ok(Vec::new()) };
    let value = value.to_string_lossy();
    let mut found = IndexSet::new();
    for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let platforms = part.parse::<PlatformsFlag>().map_err(|error| {
            Error::new(ErrorKind::Usage, format!("{DEFAULT_PLATFORM}: {error}"))
                .help("unset it, or set it to a platform such as linux/amd64")
        })?;
        found.extend(platforms.0);
    }
    Ok(found.into_iter().collect())
}

/// The first flag that selects cells or replaces a value of the matrix. Variables of the environment do
/// not count.
fn first_flag(select: &SelectArgs, axes: &[Pick], environment: &[String]) -> Option<String> {
    let from_environment =
        |name: &str| environment.iter().any(|known| known == &format!("ONEBUILD_{name}"));
    let axis = axes.first().map(|pick| format!("--{}", pick.axis));
    let flags = [
        ("--only", !select.only.is_empty()),
        ("--skip", !select.skip.is_empty()),
        ("--add", !select.add.is_empty()),
        ("--platform", !select.platform.is_empty() && !from_environment("PLATFORM")),
        ("--image", !select.image.is_empty() && !from_environment("IMAGE")),
        ("--tag-prefix", select.tag_prefix.is_some() && !from_environment("TAG_PREFIX")),
        ("--var", !select.var.is_empty()),
        ("--build-arg", !select.build_arg.is_empty()),
        ("--base", !select.base.is_empty()),
    ];
    let flag = flags.into_iter().find(|(_, is_given)| *is_given);
    axis.or_else(|| flag.map(|(flag, _)| flag.to_owned()))
}
