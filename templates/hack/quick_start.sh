#!/bin/sh
# Downloads the 1Panel release of one version, for the edition in the file beside this script and
# the architecture in TARGETARCH; verifies it, unpacks it, and puts its programs on the path.
#
#     TARGETARCH=arm64 [RELEASES=URL] quick_start.sh v2.0.11
#
# RELEASES takes the place of the edition's host (https://resource.1panel.pro), as for a mirror that
# is laid out like it: URL/v2/stable/VERSION/release/ holds the archive and checksums.txt.
# The programs go to /usr/local/bin, the rest to /opt/1panel-release: what runs must survive a
# volume mounted over /opt.
set -eu

fail() {
    echo "quick_start: $*" >&2
    exit 1
}

here=$(dirname "$0")
version=${1:-}
case $version in
    v[0-9]*.[0-9]*.[0-9]*) ;;
    *) fail "'$version' is no version: say it like v2.0.11" ;;
esac
# Not from uname: under emulation, or on a build machine, that can be another answer.
case ${TARGETARCH:-} in
    '') fail "TARGETARCH is not set: build with BuildKit, and declare ARG TARGETARCH" ;;
    arm) arch=armv7 ;;
    *) arch=$TARGETARCH ;;
esac

EDITION='' HOST='' FOLDER=''
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
for program in 1panel-core 1panel-agent 1pctl; do
    [ -f "$work/$name/$program" ] || fail "$archive holds no $program"
    install -m 0755 "$work/$name/$program" "/usr/local/bin/$program"
    rm "$work/$name/$program"
done
ln -sf 1panel-core /usr/local/bin/1panel
rm -rf /opt/1panel-release
mv "$work/$name" /opt/1panel-release
# The real panel's own `version` reads its database, which a new image does not have.
echo "$version $EDITION linux/$arch" >"$here/release"
cat "$here/release"
