//! Checks a matrix and its templates without building. Pure.
//!
//! Findings have four sources: parsing and planning ([`Findings::told`]), our own rules for
//! rendered Dockerfiles ([`Findings::of_requests`]) and for Compose files
//! ([`Findings::of_compose`]), and BuildKit's lint (added with [`Findings::add`]). A finding in a
//! template is reported once, however many cells share the template.

mod compose;
mod finding;
mod rules;
mod secrets;
mod show;
#[cfg(test)]
mod tests;

pub use compose::Taken;
pub use finding::{Finding, Findings};
pub use rules::Places;
pub use show::{github, json, sarif, text};
