#!/bin/bash
# A stand-in for upstream's installer of the same name: it asks the same kinds of questions in the same
# order, installs the same files, and calls systemctl in the same ways: as a statement, several in a line,
# with output to a log, for its status, in a condition, in a string that is run later. It does nothing
# else that the real one does to a host.

here=$(cd "$(dirname "$0")" && pwd)
log_file=$here/install.log
PASSWORD_MASK="**********"
USE_EXISTING=false

if [ -f "$here/.selected_language" ]; then
    selected_lang=$(cat "$here/.selected_language")
else
    # shellcheck source=lang/en.sh
    source "$here/lang/en.sh"
    echo "1. English 2. 中文"
    read -r -p "$TXT_ASK_LANGUAGE" number
    selected_lang=en
    [[ $number == 2 ]] && selected_lang=zh
fi
# shellcheck source=lang/en.sh
source "$here/lang/$selected_lang.sh"
clear

log() {
    echo "[1Panel $(date +%H:%M:%S)] $1" 2>&1 | tee -a "$log_file"
}

prepare_system() {
    if [[ $EUID -ne 0 ]]; then
        log "$TXT_ROOT"
        exit 1
    fi
    if which 1panel >/dev/null 2>&1; then
        log "$TXT_THERE"
        exit 1
    fi
}

set_dir() {
    if ! read -r -t 120 -p "$TXT_ASK_DIR" PANEL_BASE_DIR || [[ $PANEL_BASE_DIR == "" ]]; then
        PANEL_BASE_DIR=/opt
    fi
    if [[ -f $PANEL_BASE_DIR/1panel/db/core.db ]]; then
        USE_EXISTING=true
    fi
}

configure_mirror() {
    read -r -p "$TXT_ASK_MIRROR" choice
    if [[ ${choice:-y} == y ]]; then
        mkdir -p /etc/docker
        echo '{ "registry-mirrors": ["https://mirror.example"] }' >/etc/docker/daemon.json
        if command -v systemctl &>/dev/null; then
            systemctl daemon-reload && systemctl restart docker
        else
            service dockerd restart
        fi
    fi
}

install_docker() {
    if which docker >/dev/null 2>&1; then
        local service_cmd="service dockerd start && service dockerd status"
        if command -v systemctl &>/dev/null; then
            service_cmd="systemctl start docker && systemctl status docker"
        fi
        if [[ $($service_cmd 2>&1) == *running* ]]; then
            log "Docker runs"
        else
            configure_mirror
        fi
    else
        read -r -p "$TXT_ASK_DOCKER" choice
        if [[ ${choice:-y} == y ]]; then
            log "this stand-in installs no Docker"
            systemctl enable docker; systemctl daemon-reload; systemctl start docker 2>&1 | tee -a "$log_file"
            exit 1
        fi
    fi
}

# ask NAME QUESTION DEFAULT PATTERN
ask() {
    local value
    while true; do
        read -r -p "$2 ($3): " value
        value=${value:-$3}
        if [[ $value =~ $4 ]]; then
            break
        fi
        log "$TXT_BAD"
    done
    printf -v "$1" %s "$value"
}

random() { head -n 16 /dev/urandom | md5sum | head -c 10; }

set_firewall() {
    if which firewall-cmd >/dev/null 2>&1; then
        if systemctl is-active firewalld >/dev/null 2>&1; then
            firewall-cmd --zone=public --add-port="$PANEL_PORT"/tcp --permanent
        fi
    fi
    if which ufw >/dev/null 2>&1; then
        if systemctl status ufw | grep -q "Active: active" >/dev/null 2>&1; then
            ufw allow "$PANEL_PORT"/tcp
        fi
    fi
}

copy_programs() {
    local program escaped
    for program in 1panel-core 1panel-agent 1pctl; do
        cp "./$program" /usr/local/bin && chmod +x "/usr/local/bin/$program"
        ln -sf "/usr/local/bin/$program" "/usr/bin/$program"
    done
    ln -sf /usr/local/bin/1panel-core /usr/bin/1panel
    # shellcheck disable=SC2001 # what & means in ${…//} depends on bash's version
    escaped=$(sed 's/[!@#$%*_,.?]/\\&/g' <<<"$PANEL_PASSWORD")
    sed -i -e "s#BASE_DIR=.*#BASE_DIR=${PANEL_BASE_DIR}#g" /usr/local/bin/1pctl
    sed -i -e "s#ORIGINAL_PORT=.*#ORIGINAL_PORT=${PANEL_PORT}#g" /usr/local/bin/1pctl
    sed -i -e "s#ORIGINAL_USERNAME=.*#ORIGINAL_USERNAME=${PANEL_USERNAME}#g" /usr/local/bin/1pctl
    sed -i -e "s#ORIGINAL_PASSWORD=.*#ORIGINAL_PASSWORD=${escaped}#g" /usr/local/bin/1pctl
    sed -i -e "s#ORIGINAL_ENTRANCE=.*#ORIGINAL_ENTRANCE=${PANEL_ENTRANCE}#g" /usr/local/bin/1pctl
    sed -i -e "s#LANGUAGE=.*#LANGUAGE=${selected_lang}#g" /usr/local/bin/1pctl
    mkdir -p "$RUN_BASE_DIR/geo"
    cp ./GeoIP.mmdb "$RUN_BASE_DIR/geo/"
    cp -r ./lang /usr/local/bin
}

install_and_configure() {
    copy_programs
    if command -v systemctl &>/dev/null; then
        cp ./initscript/1panel-core.service /etc/systemd/system
        cp ./initscript/1panel-agent.service /etc/systemd/system
        systemctl enable 1panel-agent.service; systemctl enable 1panel-core.service; systemctl daemon-reload 2>&1 | tee -a "$log_file"
        log "$TXT_START"
        systemctl start 1panel-core | tee -a "$log_file"
        systemctl start 1panel-agent | tee -a "$log_file"
    else
        /etc/init.d/1panel-core start | tee -a "$log_file"
        /etc/init.d/1panel-agent start | tee -a "$log_file"
    fi
}

init_panel() {
    local attempt core_status agent_status
    RUN_BASE_DIR=$PANEL_BASE_DIR/1panel
    mkdir -p "$RUN_BASE_DIR"
    if [[ $USE_EXISTING == false ]]; then
        rm -rf "${RUN_BASE_DIR:?}"/* 2>/dev/null
    fi
    cd "$here" || exit
    install_and_configure
    for attempt in 1 2 3; do
        if command -v systemctl >/dev/null 2>&1; then
            core_status=$(systemctl status 1panel-core 2>&1 | grep Active)
            agent_status=$(systemctl status 1panel-agent 2>&1 | grep Active)
        else
            core_status=$(service 1panel-core status >/dev/null 2>&1 && echo running || echo stopped)
            agent_status=$(service 1panel-agent status >/dev/null 2>&1 && echo running || echo stopped)
        fi
        if [[ "$core_status" == *running* && "$agent_status" == *running* ]]; then
            log "$TXT_STARTED"
            break
        fi
        if [[ $attempt == 3 ]]; then
            log "$TXT_NOT_STARTED"
            exit 1
        fi
        sleep 2
    done
    mkdir -p "$RUN_BASE_DIR/resource"
    cp -r ./initscript "$RUN_BASE_DIR/resource/"
}

check_ready() {
    local i=0
    while [ $i -lt 30 ]; do
        if command -v ss >/dev/null 2>&1; then
            ss -tlun | grep -q ":$PANEL_PORT " && break
        elif command -v netstat >/dev/null 2>&1; then
            netstat -tlun | grep -q ":$PANEL_PORT " && break
        else
            break
        fi
        sleep 2
        i=$((i + 1))
    done
    if [ ! -e /etc/1panel/agent.sock ]; then
        /usr/local/bin/1pctl restart >/dev/null 2>&1
    fi
    sed -i -e "s#ORIGINAL_PASSWORD=.*#ORIGINAL_PASSWORD=${PASSWORD_MASK}#g" /usr/local/bin/1pctl
}

prepare_system
set_dir
install_docker
ask PANEL_PORT "$TXT_ASK_PORT" $((RANDOM % 45535 + 10000)) '^[1-9][0-9]{0,4}$'
set_firewall
ask PANEL_ENTRANCE "$TXT_ASK_ENTRANCE" "$(random)" '^[a-zA-Z0-9_]{3,30}$'
ask PANEL_USERNAME "$TXT_ASK_USERNAME" "$(random)" '^[a-zA-Z0-9_]{3,30}$'
ask PANEL_PASSWORD "$TXT_ASK_PASSWORD" "$(random)" '^[a-zA-Z0-9_!@#$%*,.?]{8,30}$'
init_panel
check_ready
log "http://\$LOCAL_IP:$PANEL_PORT/$PANEL_ENTRANCE $PANEL_USERNAME $PANEL_PASSWORD"
