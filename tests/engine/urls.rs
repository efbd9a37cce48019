//! Passwords and tokens in URLs, which BuildKit gets and nobody sees.

use crate::support::{Project, lab_env};

/// The address of the lab's registry, with a login that it ignores.
fn server() -> String {
    format!("http://me:canary7f@{}", lab_env("ONEBUILD_LAB_REGISTRY"))
}

#[test]
fn a_step_is_shown_without_the_password_of_its_url() {
    let server = server();
    let dockerfile = format!(
        "FROM alpine:3.20\n\
         ADD {server}/v2/?access_token=canary7f /file\n\
         RUN echo \"from {server}/\" | tee /url\n"
    );
    let project = Project::single("urls", &dockerfile);
    let tree = project
        .run(&[
            "build",
            "-v",
            "--no-cache",
            "--progress",
            "plain",
            "--output",
            "dest=tree,type=local",
        ])
        .success()
        .never_says(&["canary7f"])
        .says(&["ADD http://me:***@", "access_token=***", "from http://me:***@"]);
    drop(tree);
    // What the step got.
    let url = std::fs::read_to_string(project.path("tree/url")).unwrap();
    assert_eq!(url, format!("from {server}/\n"));
}

#[test]
fn an_error_about_a_url_does_not_repeat_its_password() {
    let server = server();
    let missing = format!("FROM alpine:3.20\nADD {server}/missing?sig=canary7f /file\n");
    let command = "FROM alpine:3.20\nARG FEED\nRUN echo \"no $FEED\" >&2 && false\n";
    let context = "FROM alpine:3.20\nCOPY --from=src / /src\n";
    let feed = format!("FEED={server}/feed");
    let src = format!("src={}/none.git", server.replace("http://", "https://"));
    for (name, dockerfile, args) in [
        ("urls-add", missing.as_str(), &[][..]),
        ("urls-run", command, &["--build-arg", &feed]),
        ("urls-context", context, &["--build-context", &src]),
    ] {
        for progress in ["plain", "quiet"] {
            let project = Project::single(name, dockerfile);
            let args = [&["build", "--progress", progress, "--no-cache"], args].concat();
            project.run(&args).exits(1).never_says(&["canary7f"]).says(&["v1 failed"]);
        }
    }
}
