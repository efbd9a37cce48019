# shellcheck shell=bash
# The engine's root: a directory of Debian packages with all programs of the lab that the host lacks.

# lab_in CMD…: runs a command inside the root, with its own stdin, stdout and exit code, in the
# current directory. It has the lab's directory, the checkout and /tmp at the host's paths, and the lab's
# engine as DOCKER_HOST unless that is set. Its mounts end with it.
#   lab_in crane manifest "127.0.0.1:$(lab_port registry)/library/alpine:3.20"
#   lab_in docker buildx bake --push
lab_in() {
  [ -e "$LAB_STATE/root/.complete" ] || lab_die "the lab has no engine root yet" "run tests/lab/up"
  DOCKER_HOST=${DOCKER_HOST:-$(lab_docker_host)} \
    unshare --mount -- "$LAB_HERE/lib/inside" -- "$@"
}

# lab_manifest REF: the manifest or index of REF in the registry, read by an independent client.
lab_manifest() {
  if [ -e "$LAB_STATE/root/usr/bin/crane" ]; then
    lab_in crane manifest "$1"
  else
    lab_in skopeo inspect --raw --tls-verify=false "docker://$1"
  fi
}
