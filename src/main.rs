use std::process::ExitCode;

fn main() -> ExitCode {
    onebuild::run(std::env::args_os())
}
