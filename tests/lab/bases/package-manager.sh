#!/bin/sh
# A stand-in for apt-get, dnf and apk in the lab's base images. It downloads and installs nothing: it
# checks that every requested package is in the image already, and fails if one is missing. The list is
# /usr/share/stand-in/packages: a package and the file that proves it, or `-` for one that only adds a
# package source. A file that is hidden until its package is installed is moved into place.
set -eu
tool=${0##*/}
list=/usr/share/stand-in/packages
updated=/var/lib/stand-in-updated

fail() {
    echo "$tool (stand-in): $*" >&2
    [ "$tool" = apt-get ] && exit 100
    exit 1
}

command='' packages=''
for word; do
    case $word in
        -*) ;;
        *) if [ -z "$command" ]; then command=$word; else packages="$packages $word"; fi ;;
    esac
done

case $tool/$command in
    apt-get/update)
        touch "$updated"
        exit 0
        ;;
    # Ubuntu's image has no package lists either.
    apt-get/install) [ -e "$updated" ] || fail "no package lists in this image: run '$tool update' before, in the same RUN" ;;
    dnf/install | apk/add) ;;
    apt-get/clean | dnf/clean | dnf/makecache | apk/update) exit 0 ;;
    *) fail "does not support the command '$command'" ;;
esac

for package in $packages; do
    proof=$(awk -v name="$package" '$1 == name { print $2 }' "$list")
    case $proof in
        '') fail "package '$package' is not in this base image, which is a stand-in and can install nothing. It has:" \
            "$(cut -d ' ' -f 1 "$list" | tr '\n' ' ')- more are added in tests/lab/bases" ;;
        -) ;;
        *)
            if [ -e "/usr/share/stand-in/held/$proof" ]; then
                mv "/usr/share/stand-in/held/$proof" "/$proof"
            fi
            [ -e "/$proof" ] || fail "package '$package' is no longer in this base image: /$proof is missing"
            ;;
    esac
    echo "$tool (stand-in): $package is here already"
done
