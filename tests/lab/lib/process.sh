# shellcheck shell=bash
# Background processes of the lab, and their records: "PID START BOOT". The start time and the boot id ensure
# that a reused pid is never mistaken for ours.

# lab_record NAME PID: records a process as NAME.
lab_record() {
  lab_identity "$2" >"$LAB_STATE/$1.pid.new" && mv "$LAB_STATE/$1.pid.new" "$LAB_STATE/$1.pid"
}

# lab_identity PID: "PID START BOOT" of a living process.
lab_identity() {
  local stat boot fields
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -r boot </proc/sys/kernel/random/boot_id
  # The name, in parentheses, may contain spaces: count from its end. START is field 22.
  read -ra fields <<<"${stat##*) }"
  [ "${fields[0]}" != Z ] || return 1
  echo "$1 ${fields[19]} $boot"
}

# lab_pid NAME: the pid of NAME if it is alive.
lab_pid() {
  local record
  { read -r record <"$LAB_STATE/$1.pid"; } 2>/dev/null || return 1
  [ "$(lab_identity "${record%% *}")" = "$record" ] || return 1
  echo "${record%% *}"
}

lab_alive() { lab_pid "$1" >/dev/null; }
lab_gone() { ! lab_alive "$1"; }

# lab_stop NAME [SECONDS]: sends TERM, and KILL if it does not end in time.
lab_stop() {
  local pid
  if pid=$(lab_pid "$1"); then
    kill -TERM "$pid"
    if ! lab_wait_until "${2-10}" lab_gone "$1"; then
      kill -KILL "$pid" 2>/dev/null || true
      lab_wait_until 10 lab_gone "$1" || lab_die "process $pid ($1) does not end"
    fi
  fi
  rm -f "$LAB_STATE/$1.pid"
}

# lab_spawn NAME CMD…: starts CMD inside of the engine's root as a separate process, with its output in
# log/NAME.log. It runs under a small init in its own PID namespace: when that ends, all its processes end.
lab_spawn() {
  local name=$1
  shift
  rm -f "$LAB_STATE/$name.pid"
  # 9 is the lab's lock: a background process must not hold it.
  setsid unshare --mount --pid --fork --kill-child -- \
    "$LAB_HERE/lib/inside" --spawn "$name" -- "$@" \
    </dev/null >"$LAB_STATE/log/$name.log" 2>&1 9>&- &
  local job=$!
  lab_wait_until 10 lab_spawned "$name" "$job" && lab_alive "$name" && return 0
  lab_note "$name did not start:"
  tail -n 25 "$LAB_STATE/log/$name.log" >&2
  return 1
}

# Either it runs, or it has ended.
lab_spawned() { lab_alive "$1" || ! kill -0 "$2" 2>/dev/null; }

# lab_ready NAME SECONDS CMD…: waits until CMD succeeds or NAME has ended.
lab_ready() {
  local name=$1 seconds=$2
  shift 2
  lab_wait_until "$seconds" lab_ready_or_gone "$name" "$@" || {
    lab_note "$name does not answer after $seconds s"
    return 1
  }
  lab_alive "$name" || {
    lab_note "$name ended; the end of its log:"
    tail -n 25 "$LAB_STATE/log/$name.log" >&2
    return 1
  }
}

lab_ready_or_gone() {
  lab_gone "$1" || "${@:2}"
}
