# shellcheck shell=sh disable=SC2154 # entrypoint.sh sets release, database.sh the paths
# Upgrades the panel's data if the image has another version than the data. Sourced by entrypoint.sh, before any
# program of the panel runs.
#
# The panel shows and reports the version in its databases, not its own. Its own upgrade sets it; a new image
# must do so too.

# older VERSION OTHER: whether v2.0.9 comes before v2.0.10. With equal numbers, a version with a suffix
# (v2.0.0-beta1) comes before one without, and two suffixes are compared as strings.
older() {
    [ "$1" != "$2" ] && awk -v one="$1" -v other="$2" 'BEGIN {
        split(one, a, /[v.-]/); split(other, b, /[v.-]/)
        for (i = 2; i <= 4; i++) if (a[i] + 0 != b[i] + 0) exit !(a[i] + 0 < b[i] + 0)
        sub(/^[^-]*/, "", one); sub(/^[^-]*/, "", other)
        exit !(other == "" || (one != "" && one < other))
    }'
}

# version_in DATABASE: its SystemVersion, validated; empty if there is none yet.
version_in() {
    [ -f "$1" ] || return 0
    version=$(setting "$1" SystemVersion) || fail "$1 is not a readable database: restore a backup (docs/images.md)"
    case $version in
        '' | v[0-9]*.[0-9]*.[0-9]*) ;;
        *) fail "$1 has the SystemVersion '$version', which is not a version like $release" ;;
    esac
    case $version in
        *[!A-Za-z0-9.+-]*) fail "$1 has a SystemVersion that is not a version like $release" ;;
    esac
    echo "$version"
}

# backup FROM: copies both databases into a separate directory, which is complete once it has its final name. It
# is never written to again, so an upgrade that is interrupted and repeated keeps the first backup.
backup() {
    folder=$data/db-backup/$(date -u +%Y%m%dT%H%M%SZ)-$1-to-$release
    rm -rf "$data"/db-backup/*.partial
    mkdir -p "$folder.partial"
    chmod 700 "$data/db-backup" "$folder.partial"
    for db in "$core_db" "$agent_db"; do
        [ -f "$db" ] || continue
        copy=$folder.partial/$(basename "$db")
        # Not cp: the content of a journal belongs to the database.
        if ! sqlite3 -cmd '.timeout 5000' "$db" ".backup '$copy'" ||
            [ "$(sqlite3 "$copy" 'PRAGMA integrity_check')" != ok ]; then
            fail "$db could not be backed up to $folder, so nothing was changed: is the disk full?"
        fi
    done
    sync
    [ ! -e "$folder" ] || fail "the backup $folder exists already: try again in a second"
    mv "$folder.partial" "$folder"
    say "backed up the databases to $folder"
}

# One transaction over both databases: SQLite rolls it back in both if it is interrupted.
set_versions() {
    set="SET value='$release' WHERE key='SystemVersion'"
    if [ -n "$core_version" ] && [ -n "$agent_version" ]; then
        sqlite3 -bail -cmd '.timeout 5000' "$core_db" "ATTACH '$agent_db' AS agent; BEGIN IMMEDIATE;
            UPDATE main.settings $set; UPDATE agent.settings $set; COMMIT;"
    elif [ -n "$core_version" ]; then
        sqlite3 -bail -cmd '.timeout 5000' "$core_db" "UPDATE settings $set"
    else
        sqlite3 -bail -cmd '.timeout 5000' "$agent_db" "UPDATE settings $set"
    fi || fail "the version was not set in the databases; the backup is in $folder"
}

upgrade() {
    core_version=$(version_in "$core_db")
    agent_version=$(version_in "$agent_db")
    change=
    for version in $core_version $agent_version; do
        if older "$release" "$version"; then
            [ "${PANEL_ALLOW_DOWNGRADE:-}" = true ] ||
                fail "the data in $data is of $version, and this image is $release: use an image of $version or newer, or restore a backup from $data/db-backup; PANEL_ALLOW_DOWNGRADE=true starts it anyway"
            change=downgraded
        elif older "$version" "$release"; then
            change=${change:-upgraded}
        fi
    done
    [ -n "$change" ] || return 0
    from=${core_version:-$agent_version}
    backup "$from"
    set_versions
    say "the data was $change from $from to $release"
}
