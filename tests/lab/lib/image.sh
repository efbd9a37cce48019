# shellcheck shell=bash
# Creates the engine's root (root/ in the lab's directory) from Debian's packages, and the roots of older
# engines (root-SUITE/).

# Engine 28 is in forky. Trixie has 26.1: it must be requested explicitly, because a silent fallback to an
# older engine would test less than expected.
ROOT_SUITE=${ONEBUILD_LAB_SUITE:-forky}
ROOT_PACKAGES=(
  docker.io docker-cli docker-buildx containerd runc # the engine and its clients
  docker-registry qemu-user                          # what it pushes to; how arm64 runs
  crane                                              # an independent client to check pushed images
  iproute2 mount bash coreutils ca-certificates      # used by the scripts inside of it
)

# The packages of an older engine. Debian 12 (bookworm) has 20.10, Debian 13 (trixie) has 26.1.
ROOT_OLDER_PACKAGES=(docker.io containerd runc qemu-user iproute2 mount bash coreutils ca-certificates)

# The client that checks pushed images: trixie does not have crane.
root_witness() { if [ "$ROOT_SUITE" = trixie ]; then echo skopeo; else echo crane; fi; }

root_wanted() { printf '%s\n%s\n' "$ROOT_SUITE" "${ROOT_PACKAGES[*]}"; }

root_make() {
  local root=$LAB_STATE/root new=$LAB_STATE/root.new packages
  if [ "$(cat "$root/.complete" 2>/dev/null)" = "$(root_wanted)" ]; then return; fi
  [ ! -e "$root" ] || lab_die "$root is from another version of the lab, or of another Debian release: $(head -n 1 "$root/.complete")" \
    "run tests/lab/down, then tests/lab/up; or set ONEBUILD_LAB_SUITE to that release"
  packages=("${ROOT_PACKAGES[@]/#crane/$(root_witness)}")
  rm -rf --one-file-system "$new"
  root_unpack "$ROOT_SUITE" "$new" "${packages[@]}" ||
    lab_die "the packages of Debian $ROOT_SUITE could not be installed" \
      "check the mirror; ONEBUILD_LAB_SUITE=trixie tests/lab/up uses Debian 13's Docker Engine 26.1 instead"
  root_finish "$new"
  root_wanted >"$new/.complete"
  mv "$new" "$root"
}

# root_older_make SUITE: the root of the engine in a Debian release. It is kept, so only the first time takes
# long.
root_older_make() {
  local root=$LAB_STATE/root-$1 new=$LAB_STATE/root-$1.new
  if [ "$(cat "$root/.complete" 2>/dev/null)" = "${ROOT_OLDER_PACKAGES[*]}" ]; then return; fi
  rm -rf --one-file-system "$root" "$new"
  root_unpack "$1" "$new" "${ROOT_OLDER_PACKAGES[@]}"
  root_finish "$new"
  echo "${ROOT_OLDER_PACKAGES[*]}" >"$new/.complete"
  mv "$new" "$root"
}

# root_unpack SUITE DIR PKG…: unpacks packages, and records their versions in DIR/.packages.
root_unpack() {
  local suite=$1 dir=$2
  shift 2
  # The archives are removed afterwards. The $1 and $deb are the hook's own.
  # shellcheck disable=SC2016
  lab_mmdebstrap "$suite" "$dir" --include="$(IFS=, && echo "$*")" \
    --extract-hook='for deb in "$1"/var/cache/apt/archives/*.deb; do dpkg-deb --show "$deb"; done >"$1/.packages"'
}

# No maintainer script has run: create the files that they would have created, as far as they are
# used here.
root_finish() {
  local root=$1
  printf 'root:x:0:0:root:/root:/bin/bash\n' >"$root/etc/passwd"
  printf 'root:x:0:\n' >"$root/etc/group"
  mkdir -p "$root"/etc/{ssl/certs,docker} "$root/root"
  ln -sf bash "$root/usr/bin/sh"
  cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
  # lib/inside fills these in at every start, in that start's own /run.
  ln -sf /run/resolv.conf "$root/etc/resolv.conf"
  ln -sf /run/hosts "$root/etc/hosts"
  # 300 MB of emulators for other processors, documentation and translations.
  find "$root/usr/bin" -name 'qemu-*' ! -name qemu-aarch64 -delete
  rm -rf "$root"/usr/share/{doc,man,locale,info}
}
