# shellcheck shell=bash
# QEMU for arm64: one entry in the kernel's binfmt_misc. It applies to the whole machine, so the lab records
# which parts it created (binfmt.mount, binfmt.entry in its directory), and removes only those.

BINFMT=/proc/sys/fs/binfmt_misc
# The first 20 bytes of an ELF executable or shared object for AArch64, and the mask of the relevant bits.
BINFMT_MAGIC='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
BINFMT_MASK='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'

# binfmt_entry: the name of an enabled entry for arm64, from the lab or not.
binfmt_entry() {
  local file
  for file in "$BINFMT"/*; do
    if grep -qsx 'magic 7f454c460201010000000000000000000200b700' "$file" && grep -qx enabled "$file"; then
      basename "$file"
      return
    fi
  done
  return 1
}

binfmt_start() {
  local entry flags
  if [ ! -e "$BINFMT/register" ]; then
    mount -t binfmt_misc binfmt_misc "$BINFMT"
    : >"$LAB_STATE/binfmt.mount"
  fi
  if ! entry=$(binfmt_entry); then
    # P keeps argv[0], which programs with many names (busybox) need; O and C pass the open file and
    # its credentials; F opens QEMU now, so that containers, which do not have it, can use it.
    # do not see it, can use it.
    printf '%s' ":qemu-aarch64:M::$BINFMT_MAGIC:$BINFMT_MASK:$LAB_STATE/root/usr/bin/qemu-aarch64:POCF" >"$BINFMT/register"
    echo qemu-aarch64 >"$LAB_STATE/binfmt.entry"
    entry=qemu-aarch64
  fi
  flags=$(sed -n 's/^flags: //p' "$BINFMT/$entry")
  case $flags in
    *F*) ;;
    *) lab_die "$BINFMT/$entry has flags \`$flags\`: without F, containers cannot use its QEMU" \
      "register it again with POCF, or remove it (echo -1 > $BINFMT/$entry) and run tests/lab/up again" ;;
  esac
  echo "arm64 by $entry, flags $flags"
}

binfmt_stop() {
  local entry
  if [ -s "$LAB_STATE/binfmt.entry" ]; then
    entry=$BINFMT/$(cat "$LAB_STATE/binfmt.entry")
    # Only if it still points into this lab.
    if grep -qsx "interpreter $LAB_STATE/root/usr/bin/qemu-aarch64" "$entry"; then echo -1 >"$entry"; fi
    rm -f "$LAB_STATE/binfmt.entry"
  fi
  if [ -e "$LAB_STATE/binfmt.mount" ]; then
    # Other entries were added since: the mount is no longer only ours.
    if [ -z "$(find "$BINFMT" -mindepth 1 ! -name register ! -name status)" ] && mountpoint -q "$BINFMT"; then umount "$BINFMT"; fi
    rm -f "$LAB_STATE/binfmt.mount"
  fi
}
