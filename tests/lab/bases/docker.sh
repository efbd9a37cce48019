#!/bin/sh
# A stand-in for Docker's client in the lab's docker:28-cli. It supports `version` (of the engine at the
# mounted socket) and `compose version`, which is enough to prove that it was copied and that the socket
# answers.
set -eu
socket=/var/run/docker.sock
case ${1:-} in
    --version) echo "Docker version 28.0.0, build stand-in" ;;
    version)
        [ -S "$socket" ] || { echo "docker (stand-in): no socket at $socket" >&2; exit 1; }
        curl --silent --show-error --fail --unix-socket "$socket" http://docker/version
        ;;
    compose) shift && exec /usr/local/libexec/docker/cli-plugins/docker-compose "$@" ;;
    *) echo "docker (stand-in): supports only --version, version and compose" >&2; exit 1 ;;
esac
