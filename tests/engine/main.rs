//! onebuild against a real engine, real registries and QEMU. `eval "$(tests/lab/env)"` sets their
//! addresses; without a lab these tests fail.

#![allow(clippy::unwrap_used, reason = "in a test a panic with its place is the report")]

mod support;

mod actions; // a run as a step of GitHub Actions
mod bake; // plans for docker buildx bake
mod bases; // labels that name the base image
mod builders; // builders of docker buildx
mod buildkitd; // BuildKit without a Docker Engine
mod busy; // smoke tests that wait for a slot, or are slow
mod cancel; // Ctrl-C in the middle of a matrix
mod containers; // buildkitd in containers and pods
mod context; // the build context as the engine receives it
mod debug; // the debug log of a build
mod disks; // full disks, on this machine and on the engine's
mod docker_in_docker; // the example of that name: engines in containers
mod documentation; // the commands of the README and of the pages in docs/
mod failures; // failures, and how they are reported
mod far; // engines without a local socket
mod faults; // pushes to a registry that fails on demand
mod floods; // steps that print very much, and terminals that are not read
mod foreign; // programs for another platform
mod forms; // a run described for other programs
mod grants; // granted access outside of the repository
mod kills; // runs that are killed at any moment, and resumed
mod leftovers; // leftovers of killed runs on the engine
mod lint; // BuildKit's own lint findings
mod listed; // the list of images on stdout
mod loaded; // images of a buildkitd in a Docker Engine
mod login; // registries with a password, which must not leak
mod many; // hundreds of cells in one run
mod older; // engines of older releases
mod options; // the effect of single options on the image
mod outputs; // archives and directories on this machine
mod own; // the builder `onebuild`
mod pages; // pages that onebuild writes, in a browser
mod panel; // the repository's own matrix and its images
mod phrases; // BuildKit's error messages for registry failures
mod platforms; // base images of another platform
mod proxies; // the proxies of Docker's configuration
mod push; // the engine's store and the registry
mod reach; // unreachable engines, and engines without a needed feature
mod records; // the record of a run, and the logs of its cells
mod registry; // our registry client
mod resume; // what is left of a recorded run, and runs that push the same tags
mod retries; // cells that are built again, and time limits
mod same; // the same images from different engines
mod signals; // signals at any moment
mod silence; // time limits for engines and registries that do not answer
mod size; // many files, and long lists of patterns and paths
mod smoke; // smoke tests of images before they are pushed
mod sshd; // an engine behind a real sshd
mod streams; // progress for programs: events on stdout, groups for GitHub Actions
mod trouble; // engines that are killed, stopped or full during a run
mod urls; // passwords and tokens in URLs
mod ways; // the ways to BuildKit, and what proxies let through
mod wire; // secrets, agents, contexts, caches, annotations

pub(crate) use support::lab_env;
