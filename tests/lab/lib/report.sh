# shellcheck shell=bash
# The report at the end of a run: how long each part took, then the last lines of the test programs. A script
# that another script starts adds its parts to that script's report.
#
#   LAB_REPORT   directory of the report: `parts` has a line for each part, `tests` the output of the tests

# lab_report_begin: the report of this script, printed when it ends for any reason.
lab_report_begin() {
  [ -z "${LAB_REPORT-}" ] || return 0
  LAB_REPORT=$(mktemp -d)
  export LAB_REPORT
  : >"$LAB_REPORT/parts"
  : >"$LAB_REPORT/tests"
  trap lab_report_end EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

lab_report_end() {
  local status=$?
  awk '
    function show(seconds, what) {
      printf "%3dm%04.1fs  %s\n", int(seconds / 60), seconds - 60 * int(seconds / 60), what
    }
    { show($2, $1 ($3 == 0 ? "" : "  FAILED")); total += $2 }
    END { if (NR) show(total, "in all") }' "$LAB_REPORT/parts"
  grep '^test result: ' "$LAB_REPORT/tests" || true
  rm -rf "$LAB_REPORT"
  return "$status"
}

# lab_took NAME START STATUS: adds a part to the report, if there is one.
lab_took() {
  if [ -n "${LAB_REPORT-}" ] && [ -z "${LAB_IN_PART-}" ]; then echo "$1 $(lab_since "$2") $3" >>"$LAB_REPORT/parts"; fi
}

# lab_part NAME CMD…: runs CMD, whose output is not captured, as one part of the report.
lab_part() {
  local name=$1 start=$EPOCHREALTIME status=0
  shift
  # Everything inside is one part, with any number of steps.
  LAB_IN_PART=yes "$@" || status=$?
  lab_took "$name" "$start" "$status"
  return "$status"
}
