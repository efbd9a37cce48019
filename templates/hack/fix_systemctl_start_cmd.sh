#!/bin/sh
# Removes the calls of a service manager from the release's installer before it runs: there is no systemd in a
# container, and the panel must not be started while its image is built.
#
#     fix_systemctl_start_cmd.sh install.sh
#
# Statements are commented out. Checks whether a service runs get a fixed answer, and so do queries for the
# location of the build machine, which must not end up in the image. Every call must be one of those below. An
# installer with any other call has changed since this was written: then nothing is changed, and the script fails
# and prints the lines, because their effect is not known.
set -eu

fail() {
    echo "fix_systemctl_start_cmd: $*" >&2
    exit 1
}

file=${1:-}
[ -f "$file" ] || fail "'$file' is not a file: name the installer"

# Known services, the units of a call, and what may follow it in its line.
unit='(1panel|1panel-core|1panel-agent|docker|dockerd|firewalld|ufw|system)(\.service)?'
init='(/etc/init\.d/1paneld?|/etc/init\.d/1panel-core|/etc/init\.d/1panel-agent)'
verb='(enable|disable|start|stop|restart|reload)'
tail='( *2>&1)?( *>/dev/null)?( *2>&1)?( *\| *tee -a [^;&|()]+)?'
call="(systemctl $verb( --now)? $unit|systemctl (daemon-reload|reset-failed)|service $unit $verb|rc-service $unit $verb|rc-update (add|del) $unit( default)?|$init $verb|(/usr/local/bin/)?1pctl (start|restart))$tail"

new=$(mktemp)
trap 'rm -f "$new"' EXIT
sed -E \
    -e "s~^([[:space:]]*)($call( *(;|&&) *$call)*)[[:space:]]*\$~\1: # \2~" \
    -e "s~^([[:space:]]*)((ss|netstat) -tlun \| grep -q \":\\\$PANEL_PORT \" && break)\$~\1break # \2~" \
    -e "s~\\\$\((systemctl|service) (status $unit|$unit status) 2>&1( *\| *grep Active)?\)~\"Active: running\"~g" \
    -e "s~\\\$\($init status 2>&1\)~running~g" \
    -e "s~\\\$\((systemctl is-active|service|rc-service) $unit( status)? >/dev/null 2>&1 && echo ([a-z]+) \|\| echo [a-z]+\)~\5~g" \
    -e "s~systemctl status $unit \| grep -q \"Active: active\"( >/dev/null 2>&1)?~false~g" \
    -e "s~(systemctl is-active( --quiet)?|service) (firewalld|ufw)( status| start)?( *(&>|>) */dev/null)?( 2>&1)?~false~g" \
    -e 's~\$\(curl -s (https://)?(ipinfo\.io/country|api64\.ipify\.org)\)~""~g' \
    -e "s~service_cmd=\"[^\"]*docker[^\"]*\"~service_cmd='echo running'~" \
    "$file" >"$new"

# Remaining commands of a service manager. Checking whether there is one is harmless, and so is
# copying units or scripts for it.
left=$(sed -E \
    -e 's~^[[:space:]]*(:|break)? *#.*~~' \
    -e 's~(command -v|which|type) [a-z.-]+~~g' \
    -e 's~^[[:space:]]*(cp|chmod|mkdir|rm) [^;&|]*~~' \
    "$new" | grep -nE '(^|[^A-Za-z0-9_.-])(systemctl|service|rc-service|rc-update|initctl)([[:space:]]|$)|/etc/init\.d/|(^|[^A-Za-z0-9_.])1pctl (start|restart)' || true)
if [ -n "$left" ]; then
    echo "$left" | cut -d : -f 1 | while read -r number; do
        echo "$number:$(sed -n "${number}p" "$new")" >&2
    done
    fail "$file calls a service manager in unknown ways, in the lines above: check what they do, and add them to this script"
fi
grep -qE '^[[:space:]]*: # .*start 1panel-core' "$new" ||
    fail "$file does not start 1panel-core: it is not the installer that this script supports"
bash -n "$new" || fail "$file is not a valid script after the changes: the reason is in the lines above"
cat "$new" >"$file"
echo "fix_systemctl_start_cmd: $(grep -cE '^[[:space:]]*: # ' "$new") lines of $file are commented out"
