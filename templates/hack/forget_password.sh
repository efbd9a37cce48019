#!/bin/sh
# Removes the first password from 1pctl, like the release's installer at its end, once 1panel-core has stored it
# in its database. Run by supervisord at every start.
set -eu
here=$(dirname "$0")
# shellcheck source=database.sh
. "$here/database.sh"

until [ -f "$core_db" ] && [ -n "$(setting "$core_db" UserName 2>/dev/null || true)" ]; do
    sleep 1
done
sed -i 's/^ORIGINAL_PASSWORD=.*/ORIGINAL_PASSWORD=**********/' /usr/local/bin/1pctl
