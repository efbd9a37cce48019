//! How fix_systemctl_start_cmd.sh rewrites the calls in installers. This only needs a shell, not an
//! engine.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs the script on an installer with these lines; returns the new lines, or the error.
fn fixed(lines: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("install.sh");
    fs::write(&file, lines).unwrap();
    let script = "templates/hack/fix_systemctl_start_cmd.sh";
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    let output = Command::new("sh").arg(script).arg(&file).output().unwrap();
    let now = fs::read_to_string(&file).unwrap();
    if output.status.success() {
        return Ok(now);
    }
    assert_eq!(now, lines, "a refused installer is not changed");
    Err(String::from_utf8(output.stderr).unwrap())
}

const START: &str = "systemctl start 1panel-core\n";

#[test]
fn statements_are_commented_out_and_questions_answered() {
    for (line, expected) in [
        ("systemctl daemon-reload && systemctl restart docker", ": # "),
        (
            "  systemctl enable 1panel-core.service; systemctl daemon-reload 2>&1 | tee -a $L",
            "  : # ",
        ),
        ("service dockerd restart", ": # "),
        ("/etc/init.d/1panel-agent start | tee -a ${LOG}", ": # "),
        ("rc-update add 1panel-core default 2>&1 | tee -a \"$L\"", ": # "),
        ("/usr/local/bin/1pctl restart >/dev/null 2>&1", ": # "),
    ] {
        let now = fixed(&format!("{START}{line}\n")).unwrap();
        let expected = format!(": # {START}{expected}{}\n", line.trim_start());
        assert_eq!(now, expected);
    }
    for (line, expected) in [
        ("s=$(systemctl status 1panel-core 2>&1 | grep Active)", "s=\"Active: running\""),
        ("s=$(service 1panel-core status >/dev/null 2>&1 && echo up || echo down)", "s=up"),
        ("s=$(/etc/init.d/1panel-agent status 2>&1)", "s=running"),
        ("if systemctl is-active firewalld &>/dev/null; then a; fi", "if false; then a; fi"),
        ("service_cmd=\"systemctl start docker\"", "service_cmd='echo running'"),
        // The location and address of the build machine must not end up in the image.
        (
            "if [[ $(curl -s ipinfo.io/country) == \"CN\" ]]; then a; fi",
            "if [[ \"\" == \"CN\" ]]; then a; fi",
        ),
        ("ip=$(curl -s https://api64.ipify.org)", "ip=\"\""),
        // Checks for a service manager are allowed, and so are files for it.
        (
            "if command -v systemctl &>/dev/null; then a; fi",
            "if command -v systemctl &>/dev/null; then a; fi",
        ),
        ("cp x.init /etc/init.d/1panel-core", "cp x.init /etc/init.d/1panel-core"),
    ] {
        assert_eq!(fixed(&format!("{START}{line}\n")).unwrap(), format!(": # {START}{expected}\n"));
    }
}

#[test]
fn an_unknown_call_and_another_installer_are_refused() {
    for line in [
        "systemctl start 1panel-gateway.service",
        "systemctl mask 1panel-core",
        "systemctl start 1panel-agent; reboot",
        "nohup service 1panel-core start &",
        "/usr/bin/systemctl start nginx",
        "cp x /etc/systemd/system && systemctl start 1panel-gateway",
        "if ! sudo systemctl start 1panel-agent; then exit 1; fi",
        "/etc/init.d/1panel-gateway start",
    ] {
        let said = fixed(&format!("{START}{line}\n")).unwrap_err();
        assert!(said.contains(&format!("2:{line}")), "{said}");
    }
    let said = fixed("echo hello\n").unwrap_err();
    assert!(said.contains("does not start 1panel-core"), "{said}");
}
