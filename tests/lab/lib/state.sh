# shellcheck shell=bash
# The lab's directory outside of the checkout, with all its files:
#
#   id                  four digits that keep its devices apart from those of other labs
#   root/               the engine's root, from Debian packages; root-SUITE/ for older engines
#   browser/ sshd/      Chromium and sshd, if a test used them
#   engines/NAME/       docker.sock, daemon.json and the data of one engine
#   registry/ auth-registry/   the data of the two registries
#   NAME.port NAME.pid  the port chosen for NAME; "PID START BOOT" of its process
#   log/NAME.log        the output of step or process NAME

LAB_STATE=${ONEBUILD_LAB_DIR:-${XDG_STATE_HOME:+$XDG_STATE_HOME/onebuild-lab}}
LAB_STATE=${LAB_STATE:-/var/lib/onebuild-lab}
LAB_AUTH_USER=lab
LAB_AUTH_PASSWORD=lab-secret
export LAB_STATE LAB_AUTH_USER LAB_AUTH_PASSWORD

# `down` removes this directory, it is mounted into a root, and it is part of a socket's address:
# any path that could be ambiguous in one of these is refused here.
case $LAB_STATE in
  / | /*[!A-Za-z0-9._/+@-]* | */../* | */..) lab_die "the lab's directory \`$LAB_STATE\` is not a plain path" "set ONEBUILD_LAB_DIR to a path of letters, digits and . _ / + @ -" ;;
  /*) ;;
  *) lab_die "the lab's directory \`$LAB_STATE\` is not absolute" "set ONEBUILD_LAB_DIR to a path that starts with /" ;;
esac

LAB_MARK=$LAB_STATE/.onebuild-lab

# lab_state_make: creates the directory, or checks that the existing one belongs to a lab.
lab_state_make() {
  if [ ! -e "$LAB_MARK" ]; then
    if [ -d "$LAB_STATE" ] && [ -n "$(ls -A "$LAB_STATE")" ]; then
      lab_die "$LAB_STATE exists, is not empty, and does not belong to a lab" "set ONEBUILD_LAB_DIR to another directory"
    fi
    mkdir -p "$LAB_STATE"
    echo "made by tests/lab/up; tests/lab/down removes this directory" >"$LAB_MARK"
  fi
  mkdir -p "$LAB_STATE/log" "$LAB_STATE/engines"
  [ -s "$LAB_STATE/id" ] || printf '%04x\n' $((RANDOM * 2 + RANDOM % 2)) >"$LAB_STATE/id"
}

# lab_lock: only one up, down or engine runs at a time; held until the script ends.
lab_lock() {
  local waited=
  while :; do
    exec 9>>"$LAB_STATE/lock"
    if ! flock -n 9; then
      [ -n "$waited" ] || lab_note "  ..   waiting for another script of the lab"
      waited=yes
      flock -w 600 9 || lab_die "waited 10 minutes for another script of the lab" "find it with: fuser -v $LAB_STATE/lock"
    fi
    # The other script may have been `down`, which removes the file.
    [ "$(stat -Lc %i /proc/self/fd/9)" != "$(stat -c %i "$LAB_STATE/lock" 2>/dev/null)" ] || return 0
    lab_state_make
  done
}

lab_port_taken() {
  local hex
  printf -v hex '%04X' "$1"
  # Column 4 is the state: 0A is listening.
  awk -v port=":$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# lab_port NAME: the port of NAME, chosen at first use and kept in NAME.port. Ports are below the range that
# the kernel uses for outgoing connections.
lab_port() {
  local file=$LAB_STATE/$1.port port
  if [ ! -s "$file" ]; then
    port=$((20000 + RANDOM % 10000))
    while lab_port_taken "$port" || grep -qsx "$port" "$LAB_STATE"/*.port; do
      port=$((20000 + RANDOM % 10000))
    done
    echo "$port" >"$file"
  fi
  cat "$file"
}

# lab_port_for_start NAME: the same, but replaces a port on which another program listens. Call it only while
# NAME itself is not running.
lab_port_for_start() {
  if lab_port_taken "$(lab_port "$1")"; then rm -f "$LAB_STATE/$1.port"; fi
  lab_port "$1"
}

lab_engine_socket() { echo "$LAB_STATE/engines/$1/docker.sock"; }

# lab_docker_host: the engine that the lab's users connect to: their own, or `main`.
lab_docker_host() {
  if [ -n "${ONEBUILD_LAB_DOCKER_HOST-}" ]; then
    echo "$ONEBUILD_LAB_DOCKER_HOST"
  elif [ -s "$LAB_STATE/docker-host" ]; then
    cat "$LAB_STATE/docker-host"
  else
    echo "unix://$(lab_engine_socket main)"
  fi
}

# lab_env: the environment of tests and demos, as lines for `eval`.
lab_env() {
  printf 'export %s=%q\n' \
    ONEBUILD_LAB 1 \
    DOCKER_HOST "$(lab_docker_host)" \
    ONEBUILD_LAB_STATE "$LAB_STATE" \
    ONEBUILD_LAB_ROOT "$LAB_STATE/root" \
    ONEBUILD_LAB_REGISTRY "127.0.0.1:$(lab_port registry)" \
    ONEBUILD_LAB_AUTH_REGISTRY "127.0.0.1:$(lab_port auth-registry)" \
    ONEBUILD_LAB_RELEASES "http://127.0.0.1:$(lab_port releases)"
}
