# shellcheck shell=bash
# Progress output of the lab: one line per step, and on failure the step's name and the end of its log. All of
# it goes to stderr; stdout is for the result of a script.

# lab_die WHAT [WHAT TO DO]
lab_die() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '  = help: %s\n' "$2" >&2
  exit 1
}

lab_note() { printf '%s\n' "$*" >&2; }

# lab_help "$@": with --help or -h, prints the opening comment of the calling script and exits.
lab_help() {
  case ${1-} in
    --help | -h)
      sed -n '2,/^[^#]/{/^#/!q;s/^# \{0,1\}//;p}' "${BASH_SOURCE[1]}"
      exit 0
      ;;
  esac
}

# lab_step NAME CMD…: runs CMD (a function, too) with its output in log/NAME.log.
# CMD runs in a subshell: its variables are lost, and `set -e` applies inside of it, which it would not in a
# function called under `if`.
lab_step() {
  local name=$1 log=$LAB_STATE/log/$1.log start=$EPOCHREALTIME status=0
  shift
  set +e
  (
    set -e
    LAB_IN_PART=yes "$@"
  ) >"$log" 2>&1
  status=$?
  set -e
  lab_took "$name" "$start" "$status"
  if [ "$status" -eq 0 ]; then
    printf '  ok   %-20s %6ss\n' "$name" "$(lab_since "$start")" >&2
    return 0
  fi
  printf '  FAIL %-20s %6ss\n' "$name" "$(lab_since "$start")" >&2
  printf 'error: the lab failed at "%s" with exit code %s; the end of its log:\n' "$name" "$status" >&2
  tail -n 25 "$log" | sed 's/^/  | /' >&2
  printf '  = help: see the whole log: %s\n' "$log" >&2
  return "$status"
}

# lab_since START: seconds since an $EPOCHREALTIME, with one decimal.
lab_since() {
  local now=${EPOCHREALTIME/[.,]/} then=${1/[.,]/} tenths
  tenths=$(((now - then) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# lab_wait_until SECONDS CMD…: polls CMD until it succeeds; fails after that time.
lab_wait_until() {
  local limit=$(($1 * 1000000)) start=${EPOCHREALTIME/[.,]/}
  shift
  until "$@" >/dev/null 2>&1; do
    [ $((${EPOCHREALTIME/[.,]/} - start)) -lt "$limit" ] || return 1
    sleep 0.05
  done
}
