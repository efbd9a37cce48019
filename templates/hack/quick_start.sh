#!/bin/sh
# Downloads the 1Panel release of one version, for the edition in the file beside this script and the
# architecture in TARGETARCH; verifies it, unpacks it, and runs its own installer.
#
#     TARGETARCH=arm64 [RELEASES=URL] quick_start.sh v2.0.11
#
# RELEASES replaces the edition's host (https://resource.1panel.pro), for a mirror with the same layout:
# URL/v2/stable/VERSION/release/ has the archive and checksums.txt. The installer puts the programs into
# /usr/local/bin. Its files in /opt are moved to opt/ beside this script, because a volume is mounted over /opt:
# entrypoint.sh copies them from there.
set -eu
umask 022

fail() {
    echo "quick_start: $*" >&2
    exit 1
}

here=$(dirname "$0")
version=${1:-}
case $version in
    *..* | *[!A-Za-z0-9.+-]*) fail "'$version' is not a version: write it like v2.0.11" ;;
    v[0-9]*.[0-9]*.[0-9]*) ;;
    *) fail "'$version' is not a version: write it like v2.0.11" ;;
esac
# Not from uname: under emulation, or on a build machine, its result may differ.
case ${TARGETARCH:-} in
    '') fail "TARGETARCH is not set: build with BuildKit, and declare ARG TARGETARCH" ;;
    arm) arch=armv7 ;;
    *) arch=$TARGETARCH ;;
esac

EDITION='' HOST='' FOLDER='' PANEL_LANGUAGE='' PANEL_EDITION=''
# shellcheck source=/dev/null
. "$here/edition"
url=${RELEASES:-$HOST}$FOLDER/$version/release
name=1panel-$version-linux-$arch
archive=$name.tar.gz

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Fetches $url/$1 to $work/$1; a missing file and a site that does not answer are different errors.
fetch() {
    status=$(curl --silent --show-error --location --proto '=http,https' \
        --connect-timeout 20 --retry 3 --output "$work/$1" --write-out '%{http_code}' "$url/$1") ||
        fail "download of $url/$1 failed: the reason is in curl's line above"
    case $status in
        200) ;;
        404 | 403) fail "no release $version ($EDITION, $arch): $url/$1 answered $status" ;;
        *) fail "$url/$1 answered $status" ;;
    esac
}

fetch checksums.txt
expected=$(awk -v file="$archive" '$2 == file || $2 == "*" file { print $1; exit }' "$work/checksums.txt")
[ -n "$expected" ] || fail "no release $version ($EDITION) for $arch: $url/checksums.txt does not list $archive"
fetch "$archive"
actual=$(sha256sum "$work/$archive" | cut -d ' ' -f 1)
[ "$actual" = "$expected" ] ||
    fail "wrong checksum of $archive: checksums.txt has $expected, the downloaded file $actual"

gzip -t "$work/$archive" 2>/dev/null || fail "$archive is truncated, or not a gzip file"
tar -tzf "$work/$archive" >"$work/members" 2>/dev/null ||
    fail "$archive is truncated: its last member is not complete"

# The checksum comes from the same site as the archive, so it proves an intact download, not its origin.
outside=$(grep -E -m 1 '^/|(^|/)\.\.(/|$)' "$work/members" || true)
[ -z "$outside" ] || fail "$archive is hostile: its member '$outside' is outside of the directory to unpack it in"
outside=$(grep -v -m 1 -E "^(\./)?$(echo "$name" | sed 's/\./\\./g')(/|\$)" "$work/members" || true)
[ -z "$outside" ] || fail "$archive has an unknown layout: its member '$outside' is not under $name/"
odd=$(tar -tvzf "$work/$archive" | grep -v -m 1 '^[-d]' || true)
[ -z "$odd" ] || fail "$archive is hostile: only files and directories are expected, found '$odd'"

tar -xzf "$work/$archive" -C "$work" --no-same-owner
cd "$work/$name"
for file in 1panel-core 1panel-agent 1pctl install.sh; do
    [ -f "$file" ] || fail "$archive does not contain $file"
done

# The installer reads these files instead of prompting; all other prompts get their default, including the
# directory and a password. None of that is kept: entrypoint.sh sets port, user, password and entrance in 1pctl
# again, in every container.
echo "$PANEL_LANGUAGE" >.selected_language
echo "$PANEL_EDITION" >.selected_edition
"$here/fix_systemctl_start_cmd.sh" install.sh
ln -sf "$here/systemctl" /usr/local/bin/systemctl
# Also under its older name: installers look for it, and would otherwise download it.
ln -sf ../libexec/docker/cli-plugins/docker-compose /usr/local/bin/docker-compose
mkdir -p /etc/systemd/system
if ! yes '' 2>/dev/null | timeout 600 bash install.sh >"$work/install.txt" 2>&1; then
    # Its last output has a password that is never used, but it should not be shown either.
    grep -v -i password "$work/install.txt" | tail -n 25 >&2
    fail "the release's installer failed: its last lines are above"
fi
cd /

for file in 1panel-core 1panel-agent 1pctl; do
    [ -x "/usr/local/bin/$file" ] || fail "the installer did not put $file into /usr/local/bin: it has an unknown layout"
done
for file in core.db agent.db; do
    [ ! -e "/opt/1panel/db/$file" ] || fail "the installer started the panel: its first password would be in every copy of this image"
done
for key in BASE_DIR ORIGINAL_PORT ORIGINAL_VERSION ORIGINAL_ENTRANCE ORIGINAL_USERNAME ORIGINAL_PASSWORD LANGUAGE; do
    grep -q "^$key=" /usr/local/bin/1pctl || fail "1pctl of this release has no $key: the panel would not get it"
done
sed -i -E 's/^(ORIGINAL_(PORT|ENTRANCE|USERNAME|PASSWORD))=.*/\1=unset/; s/^(ORIGINAL_VERSION)=.*/\1='"$version"'/' /usr/local/bin/1pctl
# A mirror of images is the host's setting.
rm -rf "$here/opt" /etc/docker/daemon.json /etc/docker/daemon.json.1panel_bak
mv /opt/1panel "$here/opt"
# The real panel's own `version` reads its database, which does not exist in a new image.
echo "$version $EDITION linux/$arch" >"$here/release"
cat "$here/release"
