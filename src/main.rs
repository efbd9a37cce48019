use std::process::ExitCode;

fn main() -> ExitCode {
    onebuild::commands::run(std::env::args_os())
}
