# shellcheck shell=bash
# One Docker Engine of the lab: its configuration, start and end.
#
# No firewall rules and no forwarding are set up: the lab uses loopback and its own bridge, and rules in the
# host's tables would affect other Docker installations on the machine. So a container on the bridge reaches its
# neighbours and the host, but not the outside; builds that need the lab's servers use the host's network.

# Labs in different directories, or at the same path in different containers, and engines in one lab, must not
# share a device or a cgroup. A device name has up to 15 characters, which leaves 7 for NAME.
engine_tag() { printf 'lab%s-%s' "$(cat "$LAB_STATE/id")" "$1"; }

engine_answers() { curl -fsS --max-time 2 --unix-socket "$(lab_engine_socket "$1")" http://engine/_ping; }

# engine_start NAME CONTAINERD-STORE(true|false) [SUITE]
# SUITE starts the engine of that Debian release, in a separate root.
engine_start() {
  local name=$1 store=$2 suite=${3-} disk=${4-} dir=$LAB_STATE/engines/$1 bridge root=$LAB_STATE/root
  if lab_alive "engine-$name"; then
    [ "$(cat "$dir/store")/$(cat "$dir/suite" 2>/dev/null)" = "$store/$suite" ] ||
      lab_die "engine $name runs with another image store or from another release" "tests/lab/engine remove $name"
    engine_answers "$name"
    return
  fi
  # The kernel's limit for the path of a socket is 107 bytes.
  [ ${#dir} -le 95 ] || lab_die "the path of the socket, $dir/docker.sock, is too long" "set ONEBUILD_LAB_DIR to a shorter one"
  engine_sweep "$name"
  mkdir -p "$dir/data"
  [ -z "$disk" ] || mount -t tmpfs -o "size=$disk,mode=711" tmpfs "$dir/data"
  echo "$store" >"$dir/store"
  echo "$suite" >"$dir/suite"
  [ -z "$suite" ] || root=$LAB_STATE/root-$suite
  bridge=$(engine_tag "$name")
  engine_bridge_make "$bridge"
  # exec-root is in the root's private /run, because the containers' sockets have long names too.
  cat >"$dir/daemon.json" <<JSON
{
  "hosts": ["unix://$dir/docker.sock"],
  "group": "root",
  "data-root": "$dir/data",
  "exec-root": "/run/docker",
  "pidfile": "/run/docker.pid",
  "features": { "containerd-snapshotter": $store },
  "insecure-registries": ["127.0.0.0/8"],
  "registry-mirrors": ["http://127.0.0.1:$(lab_port registry)"],
  "bridge": "$bridge",
  "cgroup-parent": "/$bridge",
  "exec-opts": ["native.cgroupdriver=cgroupfs"],
  "iptables": false,
  "ip6tables": false,
  "ip-forward": false,
  "ip-masq": false
}
JSON
  LAB_ROOT=$root lab_spawn "engine-$name" dockerd --config-file "$dir/daemon.json"
  lab_ready "engine-$name" 30 engine_answers "$name"
}

engine_stop() {
  # dockerd would give each container 10 seconds to end; the containers here have nothing to save.
  if lab_alive "engine-$1"; then engine_kill_containers "$1" || true; fi
  lab_stop "engine-$1" 30
  engine_sweep "$1"
}

engine_kill_containers() {
  local ids host
  host=unix://$(lab_engine_socket "$1")
  ids=$(DOCKER_HOST=$host lab_in timeout 5 docker ps -q)
  # shellcheck disable=SC2086 # one word an id
  [ -z "$ids" ] || DOCKER_HOST=$host lab_in timeout 5 docker kill $ids
}

engine_remove() {
  engine_stop "$1"
  rm -rf --one-file-system "$LAB_STATE/engines/$1" "$LAB_STATE/log/engine-$1.log"
}

# Removes the leftovers of an engine on the host after it ended for any reason.
engine_sweep() {
  local tag
  tag=$(engine_tag "$1")
  [ ! -e "/sys/class/net/$tag" ] || lab_in ip link delete "$tag"
  find /sys/fs/cgroup -depth -type d -path "*/$tag*" -exec rmdir {} + 2>/dev/null || true
  rm -f "$(lab_engine_socket "$1")"
  ! mountpoint -q "$LAB_STATE/engines/$1/data" || umount "$LAB_STATE/engines/$1/data"
}

# dockerd uses a bridge with another name than docker0 only if it exists already.
engine_bridge_make() {
  local n used
  used=$(lab_in ip -4 -o addr)
  n=200
  while grep -q "inet 172\.29\.$n\." <<<"$used"; do n=$((n + 1)); done
  [ "$n" -lt 255 ] || lab_die "no free network for a bridge in 172.29.200.0 to 172.29.254.0"
  lab_in ip link add "$1" type bridge
  lab_in ip addr add "172.29.$n.1/24" dev "$1"
  lab_in ip link set "$1" up
}

# The pids of all processes in the engine's PID namespace, its init first.
engine_pids() {
  local init space
  init=$(lab_pid "engine-$1") || return 1
  space=$(readlink "/proc/$init/ns/pid")
  echo "$init"
  for dir in /proc/[0-9]*; do
    [ "${dir#/proc/}" = "$init" ] || [ "$(readlink "$dir/ns/pid" 2>/dev/null)" != "$space" ] || echo "${dir#/proc/}"
  done
}

engine_dockerd_pid() {
  local pid pids
  pids=$(engine_pids "$1") || return 1
  for pid in $pids; do
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
      echo "$pid"
      return
    fi
  done
  return 1
}

# utime, stime and the same of ended children: fields 14 to 17. Containers have PID namespaces below the
# engine's: their shims account for them when they end.
engine_cpu() {
  local pid pids
  pids=$(engine_pids "$1") || return 1
  for pid in $pids; do
    sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null || true
  done | awk -v hz="$(getconf CLK_TCK)" '{ ticks += $12 + $13 + $14 + $15 } END { printf "%.2f\n", ticks / hz }'
}
