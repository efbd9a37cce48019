//! Checks a matrix and its templates without building. Pure.
//!
//! Findings have four sources: parsing and planning ([`Findings::extend`]), our own rules for
//! rendered Dockerfiles ([`Findings::of_requests`]) and for Compose files
//! ([`Findings::of_compose`]), and BuildKit's lint (added with [`Findings::add`]). A finding in a
//! template is reported once, however many cells share the template.

mod compose;
mod finding;
mod rules;
mod show;
#[cfg(test)]
mod tests;

pub(crate) use compose::Taken;
pub(crate) use finding::Finding;
pub use finding::Findings;
pub(crate) use rules::Places;
pub(crate) use show::json;
pub use show::{github, sarif, text};
