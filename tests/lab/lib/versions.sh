# shellcheck shell=bash
# The versions of the lab's programs, compared with those on which all tests last passed: versions.txt, which
# `tests/lab/versions --record` writes.
# Needs lib/binfmt.sh and lib/image.sh.

VERSIONS_FILE=$LAB_HERE/versions.txt

# lab_versions: the versions in use, one line each: a name, a space, a version.
lab_versions() {
  local root=$LAB_STATE/root host answer name interpreter package suite
  host=$(lab_docker_host)
  answer=$(curl -fsS --max-time 5 --unix-socket "${host#unix://}" http://engine/version) ||
    lab_die "the engine at $host does not answer" "tests/lab/status"
  echo "debian $(head -n 1 "$root/.complete")"
  for name in Engine containerd runc; do
    echo "${name,} $(sed -n "s/.*\"Name\":\"$name\",\"Version\":\"\([^\"]*\)\".*/\1/p" <<<"$answer")"
  done
  # Debian's build does not report its version of BuildKit: the package docker.io identifies it.
  echo "buildkit $(lab_in docker buildx inspect default | sed -n 's/^BuildKit version: *//p')"
  interpreter=$(sed -n 's/^interpreter //p' "$BINFMT/$(binfmt_entry)")
  echo "qemu $("$interpreter" --version | sed -n '1s/.*version //p')"
  for package in docker.io docker-cli docker-buildx docker-registry "$(root_witness)"; do
    versions_package "$root" "$package" "$package"
  done
  for root in "$LAB_STATE"/root-*/; do
    suite=$(basename "${root#"$LAB_STATE/root-"}")
    [ ! -e "$root/.complete" ] || versions_package "$root" docker.io "docker.io-$suite"
  done
  echo "rustc $(rustc --version | cut -d ' ' -f 2)"
}

# versions_package ROOT PACKAGE NAME: a root that an older version of the lab created has no list.
versions_package() {
  echo "$3 $(awk -v name="$2" '$1 == name { found = $2 } END { print found == "" ? "unknown" : found }' "$1/.packages" 2>/dev/null || echo unknown)"
}

# versions_differ: reads versions, and prints those that differ from versions.txt.
versions_differ() {
  local name version passed
  while read -r name version; do
    passed=$(sed -n "s/^${name//./\\.} //p" "$VERSIONS_FILE" 2>/dev/null)
    [ "$version" = "$passed" ] || printf '%s %s, the tests last passed on %s\n' "$name" "$version" "${passed:-no version}"
  done
}

# versions_report: the output of `up` about the versions.
versions_report() {
  local now differ line
  now=$(lab_versions)
  awk '{ name = $1; sub(/^[^ ]* /, ""); printf "  %-16s %s\n", name, $0 }' <<<"$now" >&2
  differ=$(versions_differ <<<"$now")
  [ -n "$differ" ] || return 0
  lab_note "warning: these versions differ from tests/lab/versions.txt:"
  while read -r line; do lab_note "  $line"; done <<<"$differ"
}

# versions_passed: records that all tests have passed on these versions.
versions_passed() {
  lab_versions >"$LAB_STATE/passed"
  [ -z "$(versions_differ <"$LAB_STATE/passed")" ] ||
    lab_note "all tests passed on versions that differ from tests/lab/versions.txt. To record them: tests/lab/versions --record"
}
