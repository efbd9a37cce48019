# shellcheck shell=sh
# The panel's two databases, for the scripts in this directory. Sourced, never run.
# `settings` is the panel's own table of keys and values.

data=/opt/1panel
# shellcheck disable=SC2034 # the scripts that source this use them
core_db=$data/db/core.db agent_db=$data/db/agent.db

# look DATABASE SQL: reads without writing. Only if that is impossible, because an interrupted transaction must be
# rolled back first, the database is opened normally.
look() {
    sqlite3 -readonly -cmd '.timeout 5000' "$1" "$2" 2>/dev/null || sqlite3 -cmd '.timeout 5000' "$1" "$2"
}

# setting DATABASE KEY: its value; empty if there is none, or no table yet. Fails if the database cannot be
# read.
setting() {
    case $(look "$1" "SELECT count(*) FROM sqlite_master WHERE type='table' AND name='settings'") in
        0) ;;
        1) look "$1" "SELECT value FROM settings WHERE key='$2' LIMIT 1" ;;
        *) return 1 ;;
    esac
}
