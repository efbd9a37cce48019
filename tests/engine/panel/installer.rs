//! What fix_systemctl_start_cmd.sh does to the forms of calls that installers have. The engine is not
//! needed for it, only a shell.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs the script on an installer of these lines; gives the lines then, or what was said.
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
    assert_eq!(now, lines, "an installer that is refused is not changed");
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
        // Where the build machine is, and what its address is, is none of the image's business.
        (
            "if [[ $(curl -s ipinfo.io/country) == \"CN\" ]]; then a; fi",
            "if [[ \"\" == \"CN\" ]]; then a; fi",
        ),
        ("ip=$(curl -s https://api64.ipify.org)", "ip=\"\""),
        // Whether there is a service manager may be asked, and files put where it would look.
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
fn a_call_that_is_not_known_and_an_installer_that_is_another_are_refused() {
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
    assert!(said.contains("starts no 1panel-core"), "{said}");
}
