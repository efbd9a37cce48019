# shellcheck shell=bash
# Cargo commands of the scripts: build the program, run tests.

# lab_program: the path of the release build, as cargo reports it: CARGO_TARGET_DIR and cargo's own
# configuration can change it.
lab_program() {
  cargo build --release --locked --quiet --message-format json-render-diagnostics \
    --manifest-path "$LAB_CHECKOUT/Cargo.toml" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1
}

# lab_build_packages: installs the packages for compiling and the fast tier. Without root, it lists the missing ones.
lab_build_packages() {
  local program missing=
  for program in cc git make shellcheck; do command -v "$program" >/dev/null || missing+=" $program"; done
  [ -n "$missing" ] || return 0
  [ "$(id -u)" = 0 ] || lab_die "not installed:$missing" "apt-get install gcc libc6-dev git make shellcheck"
  lab_apt gcc libc6-dev git make shellcheck
}

# lab_fast_targets: the targets of `cargo test` that need no engine, one word per line. Test programs are found
# as cargo finds them, so that new ones are included.
lab_fast_targets() {
  local path name
  printf '%s\n' --lib --bins
  for path in "$LAB_CHECKOUT"/tests/*.rs "$LAB_CHECKOUT"/tests/*/main.rs; do
    name=${path#"$LAB_CHECKOUT"/tests/} name=${name%.rs} name=${name%/main}
    [ "$name" = engine ] || printf '%s\n' --test "$name"
  done
}

# lab_areas: the modules of the engine tests, one per line, each with the comment beside it.
lab_areas() {
  sed -nE 's|^mod ([a-z0-9_]+);( // (.*))?$|\1 \3|p' "$LAB_CHECKOUT/tests/engine/main.rs" | grep -v '^support '
}

# lab_older ALL FILTER…: the arguments that select engine tests for Docker Engine 26.1, one per line: the small set;
# with ALL or a FILTER, everything (of that name) that can pass there. tests/lab/older.txt says which these are.
lab_older() {
  local all=$1 list=$LAB_HERE/older.txt
  shift
  if [ -n "$all" ] || [ $# -gt 0 ]; then
    sed -nE 's/^no ([^ ]+) .*/--skip\n\1/p' "$list"
    [ $# -eq 0 ] || printf '%s\n' "$@"
  else
    sed -nE 's/^run ([^ ]+)$/\1/p' "$list"
  fi
}

# lab_tests ARG…: `cargo test`, with its last lines kept for lab_report.
lab_tests() {
  if [ -t 1 ]; then
    cargo test --locked "$@"
  else
    cargo test --locked "$@" | tee -a "$LAB_REPORT/tests"
  fi
}

# lab_count ARG…: the number of tests that `cargo test ARG…` would run.
lab_count() {
  local listed
  listed=$(cargo test --locked --quiet "$@" --list --format terse) || return 1
  grep -c ': test$' <<<"$listed" || true
}

# lab_rust: the compiler, and whether it is the oldest one that Cargo.toml supports.
lab_rust() {
  local oldest version
  oldest=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$LAB_CHECKOUT/Cargo.toml")
  version=$(rustc --version | cut -d ' ' -f 2)
  case $version in
    "$oldest" | "$oldest".*) echo "rustc $version, the oldest supported version" ;;
    *) echo "rustc $version; the oldest supported version, $oldest, is not tested by this run" ;;
  esac
}
