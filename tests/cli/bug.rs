//! A panic ends the program with exit code 70. Tests cannot rely on a real bug, so this test starts
//! itself again and panics inside of the program's own panic handling.

use std::process::{Command, ExitCode, Output};

/// Where the child process panics; unset in the test itself.
const PANIC_IN: &str = "ONEBUILD_TEST_PANIC_IN";

fn guarded(panic_in: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "bug::child", "--nocapture", "--test-threads=1"]);
    command.env(PANIC_IN, panic_in).output().unwrap()
}

#[test]
fn child() {
    let Some(place) = std::env::var_os(PANIC_IN) else { return };
    let code = onebuild::parts::guard(|| {
        match place.to_str() {
            Some("main") => panic!("canary in main"),
            Some("thread") => {
                let thread = std::thread::spawn(|| panic!("canary in a thread"));
                assert!(thread.join().is_err());
            }
            _ => {}
        }
        ExitCode::from(1)
    });
    // `ExitCode` does not expose its number in any other way.
    let code = (0..=255).find(|number| ExitCode::from(*number) == code);
    std::process::exit(code.unwrap().into());
}

#[test]
fn a_panic_anywhere_is_reported_and_ends_with_70() {
    for (place, message) in [("main", "canary in main"), ("thread", "canary in a thread")] {
        let output = guarded(place);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(70), "{error}");
        assert!(error.contains("error: onebuild has a bug"), "{error}");
        assert!(error.contains(message) && error.contains("bug.rs:"), "{error}");
        assert!(error.contains("please report it"), "{error}");
        assert!(error.contains("`--debug FILE`"), "{error}");
        assert!(!error.contains("RUST_BACKTRACE"), "{error}");
    }
    let output = guarded("nowhere");
    assert_eq!(output.status.code(), Some(1), "without a panic the code is the program's own");
}
