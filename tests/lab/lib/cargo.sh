# shellcheck shell=bash
# What the scripts want from cargo: the program, and tests.

# lab_program: the path of the release build. Cargo says it: CARGO_TARGET_DIR and cargo's own
# configuration can put it anywhere.
lab_program() {
  cargo build --release --locked --quiet --message-format json-render-diagnostics \
    --manifest-path "$LAB_CHECKOUT/Cargo.toml" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1
}

# lab_build_packages: what compiling and the fast tier need. Without root, says what is missing.
lab_build_packages() {
  local program missing=
  for program in cc git shellcheck; do command -v "$program" >/dev/null || missing+=" $program"; done
  [ -n "$missing" ] || return 0
  [ "$(id -u)" = 0 ] || lab_die "not installed:$missing" "apt-get install gcc libc6-dev git shellcheck"
  lab_apt gcc libc6-dev git shellcheck
}

# lab_fast_targets: what `cargo test` runs without an engine, one word a line. Test programs are
# found in the way cargo finds them, so that a new one is included.
lab_fast_targets() {
  local path name
  printf '%s\n' --lib --bins
  for path in "$LAB_CHECKOUT"/tests/*.rs "$LAB_CHECKOUT"/tests/*/main.rs; do
    name=${path#"$LAB_CHECKOUT"/tests/} name=${name%.rs} name=${name%/main}
    [ "$name" = engine ] || printf '%s\n' --test "$name"
  done
}

# lab_areas: the modules of the engine tests, one a line, each with the comment beside it.
lab_areas() {
  sed -nE 's|^mod ([a-z0-9_]+);( // (.*))?$|\1 \3|p' "$LAB_CHECKOUT/tests/engine/main.rs" | grep -v '^support '
}

# lab_tests ARG…: `cargo test`, whose closing lines are kept for lab_report.
lab_tests() {
  if [ -t 1 ]; then
    cargo test --locked "$@"
  else
    cargo test --locked "$@" | tee -a "$LAB_REPORT/tests"
  fi
}

# lab_count ARG…: how many tests `cargo test ARG…` would run.
lab_count() {
  local listed
  listed=$(cargo test --locked --quiet "$@" --list --format terse) || return 1
  grep -c ': test$' <<<"$listed" || true
}

# lab_rust: the compiler, and whether it is the oldest one that Cargo.toml promises to build with.
lab_rust() {
  local oldest version
  oldest=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$LAB_CHECKOUT/Cargo.toml")
  version=$(rustc --version | cut -d ' ' -f 2)
  case $version in
    "$oldest" | "$oldest".*) echo "rustc $version, the oldest supported version" ;;
    *) echo "rustc $version; the oldest supported version, $oldest, is not tested by this run" ;;
  esac
}
