//! What is unwise about a matrix and its templates, known without building. Pure.
//!
//! Findings come from four sides: what parsing and planning say ([`Findings::told`]), rules of our
//! own over the rendered Dockerfiles ([`Findings::of_requests`]) and over Compose files
//! ([`Findings::of_compose`]), and BuildKit's own lint ([`Findings::add`] takes what it finds). However
//! many cells share a template, each is told once.

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
