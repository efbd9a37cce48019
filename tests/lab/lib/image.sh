# shellcheck shell=bash
# Makes the engine's root (root/ in the lab's folder) from Debian's packages.

# Engine 28 is in forky; trixie has 26.1, which is good enough where forky cannot be had.
ROOT_SUITES=(forky trixie)
ROOT_PACKAGES=(
  docker.io docker-cli docker-buildx containerd runc # the engine and its clients
  docker-registry qemu-user                          # what it pushes to; how arm64 runs
  crane                                              # an independent witness of what was pushed
  iproute2 mount bash coreutils ca-certificates      # what the scripts call inside it
)

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
  ln -s bash "$root/usr/bin/sh"
  cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
  # lib/inside fills these in at every start, in a /run of that start's own.
  ln -sf /run/resolv.conf "$root/etc/resolv.conf"
  ln -sf /run/hosts "$root/etc/hosts"
  # 300 MB of other processors' emulators, of documents and of translations.
  find "$root/usr/bin" -name 'qemu-*' ! -name qemu-aarch64 -delete
  rm -rf "$root"/usr/share/{doc,man,locale,info}
}
