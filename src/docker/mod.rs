//! Docker as this machine has it set up: its config file and the logins kept there.
//!
//! Values of the environment are handed in; this room reads no variable of its own.

pub mod config;
pub mod credentials;
