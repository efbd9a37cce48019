#!/bin/sh
# Downloads the 1Panel release of one version, for the edition in the file beside this script and
# the architecture in TARGETARCH; verifies it, unpacks it, and runs its own installer.
#
#     TARGETARCH=arm64 [RELEASES=URL] quick_start.sh v2.0.11
#
# RELEASES takes the place of the edition's host (https://resource.1panel.pro), as for a mirror that
# is laid out like it: URL/v2/stable/VERSION/release/ holds the archive and checksums.txt.
# The installer puts the programs into /usr/local/bin. What it puts into /opt is moved to opt/ beside
# this script, since a volume is mounted over /opt: entrypoint.sh takes it from there.
set -eu
umask 022

fail() {
    echo "quick_start: $*" >&2
    exit 1
}

here=$(dirname "$0")
version=${1:-}
case $version in
    *..* | *[!A-Za-z0-9.+-]*) fail "'$version' is no version: say it like v2.0.11" ;;
    v[0-9]*.[0-9]*.[0-9]*) ;;
    *) fail "'$version' is no version: say it like v2.0.11" ;;
esac
# Not from uname: under emulation, or on a build machine, that can be another answer.
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

# Fetches $url/$1 to $work/$1; a missing file and a site that does not answer are told apart.
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
    fail "wrong checksum of $archive: checksums.txt says $expected, what was downloaded has $actual"

gzip -t "$work/$archive" 2>/dev/null || fail "$archive is truncated, or no gzip file at all"
tar -tzf "$work/$archive" >"$work/members" 2>/dev/null ||
    fail "$archive is truncated: its last member is not complete"

# The checksum comes from the same site as the archive, so it proves transport, not goodwill.
outside=$(grep -E -m 1 '^/|(^|/)\.\.(/|$)' "$work/members" || true)
[ -z "$outside" ] || fail "$archive is hostile: its member '$outside' would leave the folder it is unpacked in"
outside=$(grep -v -m 1 -E "^(\./)?$(echo "$name" | sed 's/\./\\./g')(/|\$)" "$work/members" || true)
[ -z "$outside" ] || fail "$archive is not laid out as known: its member '$outside' is not under $name/"
odd=$(tar -tvzf "$work/$archive" | grep -v -m 1 '^[-d]' || true)
[ -z "$odd" ] || fail "$archive is hostile: only files and folders are expected, found '$odd'"

tar -xzf "$work/$archive" -C "$work" --no-same-owner
cd "$work/$name"
for file in 1panel-core 1panel-agent 1pctl install.sh; do
    [ -f "$file" ] || fail "$archive holds no $file"
done

# Said in files, which the installer reads in place of asking; to all else it gets its default as an
# answer, from a folder to a password. None of that stays: entrypoint.sh says port, user, password and
# entrance to 1pctl anew, in every container.
echo "$PANEL_LANGUAGE" >.selected_language
echo "$PANEL_EDITION" >.selected_edition
"$here/fix_systemctl_start_cmd.sh" install.sh
ln -sf "$here/systemctl" /usr/local/bin/systemctl
# By its older name, too: installers look for it, and would fetch one.
ln -sf ../libexec/docker/cli-plugins/docker-compose /usr/local/bin/docker-compose
mkdir -p /etc/systemd/system
if ! yes '' 2>/dev/null | timeout 600 bash install.sh >"$work/install.txt" 2>&1; then
    # It has the last word about a password that nobody will use, but nobody should see it either.
    grep -v -i password "$work/install.txt" | tail -n 25 >&2
    fail "the release's installer failed: its last lines are above"
fi
cd /

for file in 1panel-core 1panel-agent 1pctl; do
    [ -x "/usr/local/bin/$file" ] || fail "the installer put no $file into /usr/local/bin: it is not laid out as known"
done
for file in core.db agent.db; do
    [ ! -e "/opt/1panel/db/$file" ] || fail "the installer started the panel: its first password would be in every copy of this image"
done
for key in BASE_DIR ORIGINAL_PORT ORIGINAL_VERSION ORIGINAL_ENTRANCE ORIGINAL_USERNAME ORIGINAL_PASSWORD LANGUAGE; do
    grep -q "^$key=" /usr/local/bin/1pctl || fail "1pctl of this release has no $key: the panel would not know it"
done
sed -i -E 's/^(ORIGINAL_(PORT|ENTRANCE|USERNAME|PASSWORD))=.*/\1=unset/; s/^(ORIGINAL_VERSION)=.*/\1='"$version"'/' /usr/local/bin/1pctl
# A mirror of images would be the host's business.
rm -rf "$here/opt" /etc/docker/daemon.json /etc/docker/daemon.json.1panel_bak
mv /opt/1panel "$here/opt"
# The real panel's own `version` reads its database, which a new image does not have.
echo "$version $EDITION linux/$arch" >"$here/release"
cat "$here/release"
