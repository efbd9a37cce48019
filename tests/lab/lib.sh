# shellcheck shell=bash
# Shared by all scripts of the lab. Sourced, never run:
#
#   . "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
#
# lib/state.sh    the lab's directory; ports; its environment (lab_env)
# lib/step.sh     lab_step, lab_die, lab_help, lab_wait_until
# lib/apt.sh      lab_apt, lab_mirror, lab_mmdebstrap
# lib/process.sh  lab_spawn, lab_alive, lab_stop: background processes and their records
# lib/root.sh     lab_in CMD…: a command inside the engine's root
# lib/cargo.sh    lab_program: the release build; lab_tests: runs tests
# lib/report.sh   lab_part, lab_report: duration and result of each part
set -euo pipefail

LAB_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
LAB_CHECKOUT=$(cd "$LAB_HERE/../.." && pwd -P)
export LAB_HERE LAB_CHECKOUT

# shellcheck source-path=SCRIPTDIR source=lib/step.sh
. "$LAB_HERE/lib/step.sh"
# shellcheck source-path=SCRIPTDIR source=lib/state.sh
. "$LAB_HERE/lib/state.sh"
# shellcheck source-path=SCRIPTDIR source=lib/apt.sh
. "$LAB_HERE/lib/apt.sh"
# shellcheck source-path=SCRIPTDIR source=lib/process.sh
. "$LAB_HERE/lib/process.sh"
# shellcheck source-path=SCRIPTDIR source=lib/root.sh
. "$LAB_HERE/lib/root.sh"
# shellcheck source-path=SCRIPTDIR source=lib/cargo.sh
. "$LAB_HERE/lib/cargo.sh"
# shellcheck source-path=SCRIPTDIR source=lib/report.sh
. "$LAB_HERE/lib/report.sh"
