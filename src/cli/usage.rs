//! What the parser of the command line cannot know about a mistake.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};

/// Says so where a wrong value was not typed: the message speaks of a flag that is not there.
pub fn name_the_variable(usage: &mut clap::Error, args: &[OsString]) {
    let context = |kind| match usage.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (Some(flag), Some(value)) =
        (context(ContextKind::InvalidArg), context(ContextKind::InvalidValue))
    else {
        return;
    };
    let flag = flag.split(' ').next().unwrap_or_default();
    let variable =
        format!("ONEBUILD_{}", flag.trim_start_matches('-').replace('-', "_").to_uppercase());
    let typed = args.iter().any(|arg| arg.to_string_lossy().starts_with(flag));
    if !typed && std::env::var(&variable).is_ok_and(|set| set.contains(value)) {
        let hint = format!("the value comes from the variable {variable}").into();
        usage.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint]));
    }
}

/// What was typed for a secret may be the secret itself, by mistake.
pub fn hide_secrets(usage: &mut clap::Error) {
    let is_secret = matches!(
        usage.get(ContextKind::InvalidArg),
        Some(ContextValue::String(flag)) if flag.starts_with("--secret")
    );
    if is_secret {
        usage.insert(ContextKind::InvalidValue, ContextValue::String("…".to_owned()));
    }
}
