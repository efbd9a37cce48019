//! Pushes to a registry that fails on demand: where the tag points to, and what is reported.

mod lost; // which tags moved although the push failed
mod table; // each fault at each request of a push
mod unverified; // the push succeeds, and the registry cannot be read
