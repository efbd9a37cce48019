//! Output on a real terminal.

use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Stdio};

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::project::Project;

/// What `args` print on a terminal with `columns`, stdout and stderr together.
fn printed(project: &Project, args: &[&str], columns: u16, variables: &[(&str, &str)]) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let program = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, 0.into()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_onebuild"));
    command.args(args).current_dir(project.path("")).env_clear().env("HOME", project.path(""));
    command.env("DOCKER_HOST", "unix:///nowhere/docker.sock").envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(program.try_clone().unwrap()).stderr(program);
    let mut child = command.spawn().unwrap();
    // Closes this side of the program's end: reading ends when the program does.
    drop(command);
    let mut text = Vec::new();
    let mut terminal = File::from(terminal);
    let mut part = [0; 4096];
    // A terminal without a program is an error for its reader, not an end.
    while let Ok(count @ 1..) = terminal.read(&mut part) {
        text.extend_from_slice(&part[..count]);
    }
    assert!(child.wait().unwrap().success());
    String::from_utf8(text).unwrap().replace("\r\n", "\n")
}

fn project() -> Project {
    let project = Project::empty();
    project.file(
        "matrix.yaml",
        "image: registry.example/team/application\ntag: <%version%>-<%os%>\n\
         platforms: [linux/amd64, linux/arm64]\n\
         axes: { os: [ubuntu, a-system-with-a-very-long-name], version: [\"1.0\"] }\n",
    );
    project.file("Dockerfile", "FROM alpine:3.20\nRUN echo <%os%>\n");
    project
}

#[test]
fn the_table_of_a_plan_fits_into_the_terminal() {
    let project = project();
    for (term, mark) in [("xterm-256color", "…"), ("dumb", "...")] {
        let shown = printed(&project, &["plan"], 60, &[("TERM", term)]);
        let lines: Vec<&str> = shown.lines().collect();
        let [header, rows @ .., counts] = lines.as_slice() else { panic!("{shown}") };
        assert_eq!((header.split_whitespace().next(), rows.len()), (Some("cell"), 2), "{shown}");
        assert!(lines[..3].iter().all(|line| line.chars().count() <= 60), "{shown}");
        assert!(rows.iter().any(|row| row.contains(mark)), "{shown}");
        assert!(counts.starts_with("2 cells, 2 images, 2 platforms (cut to the width;"), "{shown}");
        assert!(!shown.contains('\x1b'), "a table has no escape sequences: {shown:?}");
        assert!(term != "dumb" || shown.is_ascii(), "{shown}");
    }
}

#[test]
fn a_wide_terminal_gets_the_same_table_as_a_pipe() {
    let project = project();
    let piped = project.run(&["plan"]).exits(0);
    for term in ["xterm-256color", "dumb"] {
        let shown = printed(&project, &["plan"], 200, &[("TERM", term)]);
        assert_eq!(shown, format!("{}{}", piped.stdout, piped.stderr));
    }
}

#[test]
fn errors_have_colours_where_the_terminal_has_them() {
    let project = Project::family();
    let args = ["plan", "--build-context", "unused=/tmp"];
    for (variables, is_coloured) in [
        (&[("TERM", "xterm-256color")][..], true),
        (&[("TERM", "dumb")], false),
        (&[("TERM", "xterm-256color"), ("NO_COLOR", "1")], false),
    ] {
        let shown = printed(&project, &args, 120, variables);
        assert!(shown.contains("unused-context"), "{shown}");
        assert_eq!(shown.contains('\x1b'), is_coloured, "{variables:?} {shown:?}");
    }
}
