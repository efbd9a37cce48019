#!/bin/bash
# shellcheck disable=SC2034 # install.sh and 1pctl read these
# Strings that are missing here are in English.
# shellcheck source=en.sh
source "${BASH_SOURCE[0]%/*}/en.sh"
TXT_ASK_LANGUAGE="语言编号: "
TXT_ASK_DIR="安装目录 (/opt): "
TXT_STARTED="面板已启动"
TXT_RUNNING="运行中"
TXT_STOPPED="未运行"
