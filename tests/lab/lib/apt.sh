# shellcheck shell=bash
# Debian's packages: on the host, and as trees of files (the engine's root, base images).

# lab_apt PKG…: installs missing packages on the host, and updates the package lists only if necessary.
lab_apt() {
  local missing=() pkg
  for pkg in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$pkg" 2>/dev/null)" = installed ] || missing+=("$pkg")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  export DEBIAN_FRONTEND=noninteractive
  # One at a time: steps run concurrently, and apt does not wait for its own lock.
  (
    flock 8
    set -- apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "${missing[@]}"
    # On failure: there are no lists yet, or they name versions that the mirror no longer has.
    "$@" || { apt-get update && "$@"; }
  ) 8>>"$LAB_STATE/apt.lock"
}

# lab_mirror: the Debian mirror of this machine, as reported by apt, so that every format and location of its
# configuration is supported.
lab_mirror() {
  local codename found
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
  # The $(…) are apt's own. Read all its output: closing the pipe after the first match would make
  # it fail.
  # shellcheck disable=SC2016
  found=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v suite="$codename" '$2 == suite && $3 == "main" && $1 ~ /^https?:/ && !seen++ { print $1 }')
  [ -n "$found" ] || lab_die "no http mirror with \`$codename main\` in this machine's apt configuration" \
    "the lab needs Debian; add its mirror to /etc/apt/sources.list.d"
  echo "${found%/}"
}

# lab_mmdebstrap SUITE DIR ARG…: unpacks packages into DIR. Maintainer scripts are not run, so a foreign
# architecture needs no emulation. ARG: --include=PKG,… and other options of mmdebstrap.
lab_mmdebstrap() {
  local suite=$1 dir=$2 line lines options=()
  shift 2
  # mmdebstrap does not read the host's apt configuration: pass on the settings for reaching the mirror.
  # (No process substitution: it would change the caller's $!.)
  lines=$(apt-config dump | grep -iE '^Acquire::(http|https)::(Proxy|Timeout)\b|^Acquire::Retries ' || true)
  while IFS= read -r line; do
    [ -z "$line" ] || options+=(--aptopt="$line")
  done <<<"$lines"
  # Testing's Release file may have expired on a mirror that is a snapshot.
  mmdebstrap --variant=extract --aptopt='Acquire::Check-Valid-Until "false"' \
    "${options[@]}" "$@" "$suite" "$dir" "$(lab_mirror)"
}
