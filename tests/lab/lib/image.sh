# shellcheck shell=bash
# Makes the engine's root (root/ in the lab's folder) from Debian's packages, and the roots of older
# engines (root-SUITE/).

# Engine 28 is in forky; trixie has 26.1, which is good enough where forky cannot be had.
ROOT_SUITES=(forky trixie)
ROOT_PACKAGES=(
  docker.io docker-cli docker-buildx containerd runc # the engine and its clients
  docker-registry qemu-user                          # what it pushes to; how arm64 runs
  crane                                              # an independent witness of what was pushed
  iproute2 mount bash coreutils ca-certificates      # what the scripts call inside it
)

# What an older engine needs. Debian 12 (bookworm) has 20.10, Debian 13 (trixie) has 26.1.
ROOT_OLDER_PACKAGES=(docker.io containerd runc qemu-user iproute2 mount bash coreutils ca-certificates)

root_wanted() { echo "${ROOT_PACKAGES[*]}"; }

root_make() {
  local root=$LAB_STATE/root new=$LAB_STATE/root.new suite
  if [ "$(tail -n +2 "$root/.complete" 2>/dev/null)" = "$(root_wanted)" ]; then return; fi
  [ ! -e "$root" ] || lab_die "$root is from another version of the lab" "run tests/lab/down, then tests/lab/up"
  rm -rf --one-file-system "$new"
  for suite in "${ROOT_SUITES[@]}"; do
    if root_unpack "$suite" "$new"; then break; fi
    rm -rf --one-file-system "$new"
    echo "suite $suite did not do; trying the next" >&2
  done
  [ -d "$new" ] || return 1
  root_finish "$new"
  { echo "$suite" && root_wanted; } >"$new/.complete"
  mv "$new" "$root"
}

# root_older_make SUITE: the root of the engine that a Debian release ships. It is kept: the second
# time costs nothing.
root_older_make() {
  local root=$LAB_STATE/root-$1 new=$LAB_STATE/root-$1.new
  if [ "$(cat "$root/.complete" 2>/dev/null)" = "${ROOT_OLDER_PACKAGES[*]}" ]; then return; fi
  rm -rf --one-file-system "$root" "$new"
  lab_mmdebstrap "$1" "$new" --include="$(IFS=, && echo "${ROOT_OLDER_PACKAGES[*]}")"
  root_finish "$new"
  echo "${ROOT_OLDER_PACKAGES[*]}" >"$new/.complete"
  mv "$new" "$root"
}

root_unpack() {
  local packages=("${ROOT_PACKAGES[@]}")
  # trixie does not have crane: skopeo is the witness there (lab_manifest uses either).
  [ "$1" != trixie ] || packages=("${packages[@]/#crane/skopeo}")
  lab_mmdebstrap "$1" "$2" --include="$(IFS=, && echo "${packages[*]}")"
}

# No maintainer script has run: what those would have made, as far as it is used here.
root_finish() {
  local root=$1
  printf 'root:x:0:0:root:/root:/bin/bash\n' >"$root/etc/passwd"
  printf 'root:x:0:\n' >"$root/etc/group"
  mkdir -p "$root"/etc/{ssl/certs,docker} "$root/root"
  ln -sf bash "$root/usr/bin/sh"
  cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
  # lib/inside fills these in at every start, in a /run of that start's own.
  ln -sf /run/resolv.conf "$root/etc/resolv.conf"
  ln -sf /run/hosts "$root/etc/hosts"
  # 300 MB of other processors' emulators, of documents and of translations.
  find "$root/usr/bin" -name 'qemu-*' ! -name qemu-aarch64 -delete
  rm -rf "$root"/usr/share/{doc,man,locale,info}
}
