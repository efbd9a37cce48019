# shellcheck shell=bash
# The engine's root: a folder of Debian packages that holds what the lab runs and the host lacks.

# lab_in CMD…: runs a command inside the root, with its own stdin, stdout and exit code, in the
# current folder. It sees the lab's folder, the checkout and /tmp where the host has them, and
# the lab's engine as DOCKER_HOST unless that is set. Its mounts end with it.
#   lab_in crane manifest "127.0.0.1:$(lab_port registry)/library/alpine:3.20"
#   lab_in docker buildx bake --push
lab_in() {
  [ -e "$LAB_STATE/root/.complete" ] || lab_die "the lab has no engine root yet" "run tests/lab/up"
  DOCKER_HOST=${DOCKER_HOST:-$(lab_docker_host)} \
    unshare --mount -- "$LAB_HERE/lib/inside" -- "$@"
}

# lab_manifest REF: the manifest or index of REF, as the registry has it, told by a client that is
# not ours.
lab_manifest() {
  if [ -e "$LAB_STATE/root/usr/bin/crane" ]; then
    lab_in crane manifest "$1"
  else
    lab_in skopeo inspect --raw --tls-verify=false "docker://$1"
  fi
}
