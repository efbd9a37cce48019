#!/bin/sh
# Prepares /opt for the panel, and then runs the command of the container.
#
#     PANEL_PORT, PANEL_USERNAME, PANEL_PASSWORD or PANEL_PASSWORD_FILE, PANEL_ENTRANCE
#         settings of the panel at its first start; missing values are random, and printed once
#     PANEL_ALLOW_DOWNGRADE=true
#         start even if the data in /opt is newer than this image
set -eu
umask 022
here=$(dirname "$0")
# shellcheck source=database.sh
. "$here/database.sh"
# shellcheck source=upgrade.sh
. "$here/upgrade.sh"

say() {
    echo "entrypoint: $*"
}

fail() {
    echo "entrypoint: error: $*" >&2
    exit 1
}

# random LENGTH: letters and digits. (tr ends with a signal when head has enough, which is fine.)
random() {
    LC_ALL=C tr -dc 'a-zA-Z0-9' </dev/urandom 2>/dev/null | head -c "$1"
}

# word VARIABLE VALUE: the characters that the release's installer accepts for a user name and an entrance.
word() {
    case $2 in
        *[!a-zA-Z0-9_]*) fail "$1 is '$2': letters, digits and _ are allowed" ;;
    esac
    if [ ${#2} -lt 3 ] || [ ${#2} -gt 30 ]; then
        fail "$1 is '$2', of ${#2} characters: 3 to 30 are allowed"
    fi
}

check_port() {
    case $PANEL_PORT in
        '' | *[!0-9]* | 0* | ??????*) fail "PANEL_PORT is '$PANEL_PORT': it must be a number from 1 to 65535" ;;
    esac
    [ "$PANEL_PORT" -le 65535 ] || fail "PANEL_PORT is $PANEL_PORT: it must be a number from 1 to 65535"
}

# The value itself is not shown: a mistyped password may be valid elsewhere.
check_password() {
    case $PANEL_PASSWORD in
        *[!a-zA-Z0-9_!@#\$%*,.?]*) fail "$password_from contains a character that the panel does not accept: letters, digits and _!@#\$%*,.? are allowed" ;;
    esac
    if [ ${#PANEL_PASSWORD} -lt 8 ] || [ ${#PANEL_PASSWORD} -gt 30 ]; then
        fail "$password_from has ${#PANEL_PASSWORD} characters: 8 to 30 are allowed"
    fi
}

read_password() {
    password_from=PANEL_PASSWORD
    [ -n "${PANEL_PASSWORD_FILE:-}" ] || return 0
    password_from="the file of PANEL_PASSWORD_FILE"
    [ -z "${PANEL_PASSWORD:-}" ] || fail "PANEL_PASSWORD and PANEL_PASSWORD_FILE are both set: use one of them"
    [ -f "$PANEL_PASSWORD_FILE" ] ||
        fail "PANEL_PASSWORD_FILE is '$PANEL_PASSWORD_FILE', which is not a file: mount one"
    # The final newline is not part of it; 100 bytes are longer than any allowed password.
    PANEL_PASSWORD=$(head -c 100 "$PANEL_PASSWORD_FILE")
    [ -n "$PANEL_PASSWORD" ] || fail "$password_from is empty"
}

# write_1pctl PORT USER PASSWORD ENTRANCE: 1panel-core reads its parameters from the first lines of 1pctl. This
# only uses the shell, because every user on the host can see the arguments of other programs.
write_1pctl() {
    new=$(mktemp)
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
            BASE_DIR=*) line=BASE_DIR=/opt ;;
            ORIGINAL_PORT=*) line=ORIGINAL_PORT=$1 ;;
            ORIGINAL_USERNAME=*) line=ORIGINAL_USERNAME=$2 ;;
            ORIGINAL_PASSWORD=*) line=ORIGINAL_PASSWORD=$3 ;;
            ORIGINAL_ENTRANCE=*) line=ORIGINAL_ENTRANCE=$4 ;;
        esac
        printf '%s\n' "$line"
    done </usr/local/bin/1pctl >"$new"
    # Into the existing file, which keeps its mode and its inode.
    cat "$new" >/usr/local/bin/1pctl
    rm -f "$new"
}

first_start() {
    PANEL_PORT=${PANEL_PORT:-10086}
    made=
    if [ -z "${PANEL_USERNAME:-}" ]; then PANEL_USERNAME=$(random 10); fi
    if [ -z "${PANEL_ENTRANCE:-}" ]; then PANEL_ENTRANCE=$(random 10); fi
    if [ -z "${PANEL_PASSWORD:-}" ]; then
        PANEL_PASSWORD=$(random 16)
        made=yes
    fi
    check_port
    word PANEL_USERNAME "$PANEL_USERNAME"
    word PANEL_ENTRANCE "$PANEL_ENTRANCE"
    check_password
    write_1pctl "$PANEL_PORT" "$PANEL_USERNAME" "$PANEL_PASSWORD" "$PANEL_ENTRANCE"
    say "first start of $release: this is printed once"
    say "  address   http://HOST:$PANEL_PORT/$PANEL_ENTRANCE"
    say "  user      $PANEL_USERNAME"
    if [ -n "$made" ]; then
        say "  password  $PANEL_PASSWORD"
        say "change it with: docker exec -it CONTAINER 1pctl update password"
    else
        say "  password  as given"
    fi
}

later_start() {
    port=$(setting "$core_db" ServerPort)
    entrance=$(setting "$core_db" SecurityEntrance)
    # None may be empty: 1panel-core would not start.
    write_1pctl "${port:-10086}" "$(setting "$core_db" UserName)" '**********' "${entrance:-unset}"
    if [ -n "${PANEL_PORT:-}" ] && [ "$PANEL_PORT" != "$port" ]; then
        say "PANEL_PORT=$PANEL_PORT only has an effect at the first start; the panel's port is $port: change it with 1pctl update port"
    fi
}

# Files that the installer put there; existing files are not changed.
fill_opt() {
    mkdir -p "$data/db" /etc/1panel
    (cd "$here/opt" && find . -type f) | while IFS= read -r file; do
        [ -e "$data/$file" ] && continue
        mkdir -p "$(dirname "$data/$file")"
        cp -p "$here/opt/$file" "$data/$file"
    done
}

prepare() {
    [ "$(id -u)" = 0 ] || fail "the panel's agent needs root in its container: omit --user"
    grep -q '^[^ ]* /opt ' /proc/self/mounts ||
        say "warning: nothing is mounted at /opt, so the panel's data is lost with this container: use -v /opt:/opt"
    [ -S /var/run/docker.sock ] ||
        say "warning: there is no Docker socket: use -v /var/run/docker.sock:/var/run/docker.sock"
    user=
    if [ -f "$core_db" ]; then
        user=$(setting "$core_db" UserName) || fail "$core_db is not a readable database: restore a backup (docs/images.md)"
    fi
    upgrade
    fill_opt
    if [ -z "$user" ]; then
        read_password
        first_start
    else
        later_start
    fi
}

# The first process of a container only receives signals that it handles.
trap 'exit 143' TERM INT
read -r release _ <"$here/release"
case ${1:-} in
    supervisord) prepare ;;
esac
# Neither the programs nor their children need it.
unset PANEL_PASSWORD PANEL_PASSWORD_FILE
exec "$@"
