#!/bin/sh
# Healthy if both programs answer: 1panel-core on its port, by HTTP or HTTPS with any status, and 1panel-agent
# on its socket.
set -u
here=$(dirname "$0")
# shellcheck source=database.sh
. "$here/database.sh"

fail() {
    echo "unhealthy: $*"
    exit 1
}

# answers WHO CURL-ARGUMENT…
answers() {
    who=$1
    shift
    said=$(curl --silent --show-error --insecure --noproxy '*' --max-time 4 --output /dev/null "$@" 2>&1) ||
        fail "$who does not answer ($said)"
}

[ -f "$core_db" ] || fail "1panel-core has not created its database yet"
port=$(setting "$core_db" ServerPort) || fail "$core_db cannot be read"
[ -n "$port" ] || fail "1panel-core has not been set up yet"
# Upstream writes `enable` or `Enable`, depending on the version.
case $(setting "$core_db" SSL) in
    [Ee]nable | [Mm]ux) scheme=https ;;
    *) scheme=http ;;
esac
answers 1panel-agent --unix-socket /etc/1panel/agent.sock http://agent/
# A setting of the panel. A program that listens on all addresses also listens on this one.
address=$(setting "$core_db" BindAddress)
case $address in
    '' | 0.0.0.0 | ::) address=127.0.0.1 ;;
    *:*) address="[$address]" ;;
esac
answers 1panel-core "$scheme://$address:$port/"
echo "1panel-core answers on port $port, 1panel-agent on its socket"
