#!/bin/sh
# A stand-in for the plugin of `docker compose` in the lab's docker:28-cli.
[ "${1:-}" = version ] && exec echo "Docker Compose version v2 (a stand-in)"
echo "docker-compose (stand-in): supports only version" >&2
exit 1
