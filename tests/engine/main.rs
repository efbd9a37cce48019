//! onebuild against a real engine, real registries and QEMU: what crosses the wire is tested on
//! the wire. `eval "$(tests/lab/env)"` says where they are; without a lab these tests fail.

#![allow(clippy::unwrap_used, reason = "in a test a panic with its place is the report")]

mod support;

mod bake; // our plan in the hands of another builder
mod bases; // labels that name what an image is built on
mod busy; // tests of images that wait, or are slow
mod cancel; // Ctrl-C in the middle of a matrix
mod context; // what the engine sees of the build context
mod debug; // what the debug log holds of a build
mod disks; // disks that are full, on this machine and on the engine's
mod docker_in_docker; // the example of that name: engines in containers
mod documentation; // the commands of the README and of the pages in docs/
mod failures; // what goes wrong, and what is told of it
mod far; // engines that no socket of this machine leads to
mod faults; // pushes to a registry that fails on demand
mod foreign; // programs that are made for another platform
mod grants; // what a matrix reaches beyond its repository
mod leftovers; // what runs that were killed left on the engine
mod lint; // what BuildKit finds without building
mod listed; // the list of images on stdout
mod login; // registries with a password, and where it must not turn up
mod older; // engines of older releases
mod options; // what single options change in the image
mod outputs; // archives and folders on this machine
mod panel; // the repository's own matrix, and what its images do
mod phrases; // what BuildKit says when a registry fails
mod platforms; // base images of another platform
mod push; // the engine's store and the registry
mod reach; // engines that cannot be reached, or cannot do it
mod registry; // our registry client
mod signals; // signals at any moment
mod silence; // who does not answer is named, and not waited for
mod size; // many files, and long lists of patterns and paths
mod smoke; // images that are tested before they are pushed
mod wire; // secrets, agents, contexts, caches, annotations

pub(crate) use support::lab_env;
