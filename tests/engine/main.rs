//! onebuild against a real engine, real registries and QEMU: what crosses the wire is tested on
//! the wire. `eval "$(tests/lab/env)"` says where they are; without a lab these tests fail.

mod support;

mod push;
mod registry;

pub(crate) use support::lab_env;
