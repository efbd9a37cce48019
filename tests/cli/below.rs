//! The search for the matrix from a directory below it.

use std::fs;
use std::path::Path;

use crate::program::{onebuild, shell};

/// A work tree with a matrix at its top, and one with a matrix of its own inside it.
fn tree(top: &Path) {
    for (path, text) in [
        (
            "matrix.yaml",
            "image: me/app\ntag: <%os%>\nplatforms: linux/amd64\naxes: { os: [ubuntu, alpine] }\n\
             context: images\nextends: common.yaml\n\
             files: { list.txt: { template: list.tpl, when: os == \"alpine\" } }\n",
        ),
        ("common.yaml", "args: { OS: <%os%> }\n"),
        ("list.tpl", "<%tag%>\n"),
        (
            "images/Dockerfile",
            "FROM alpine:3.20\nARG OS\nCOPY --from=tools:1 . .\n\
             RUN --mount=type=secret,id=token echo $OS\n",
        ),
        ("images/deep/token", "secret"),
        ("images/deep/tools/tool", ""),
        ("images/deep/compose.test.yaml", "services: { a: { image: \"b:1\" } }\n"),
        (
            "own/matrix.yaml",
            "image: me/own\ntag: <%v%>\nplatforms: linux/amd64\naxes: { v: [1] }\n",
        ),
        ("own/Dockerfile", "FROM alpine:3.20\n"),
        ("own/sub/x", ""),
        ("submodule/sub/x", ""),
        ("submodule/.git", "gitdir: ../.git/modules/submodule"),
    ] {
        let path = top.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir(top.join(".git")).unwrap();
}

/// Stdout and stderr together with the exit code.
fn run(directory: &Path, line: &str, set: Option<(&str, &str)>) -> (String, Option<i32>) {
    let output = onebuild(directory).args(line.split(' ')).envs(set).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code())
}

#[test]
fn paths_in_the_file_are_relative_to_the_file_and_paths_of_flags_to_the_current_directory() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().canonicalize().unwrap();
    tree(&top);
    let deep = top.join("images/deep");
    let inputs = "--build-context tools:1=tools --secret id=token,src=token";
    let found = "note: the matrix is ../../matrix.yaml\n";
    let full = |path: &str| deep.join(path).display().to_string();
    let cache = full("cache");
    let old = full("old");
    for (line, wanted) in [
        (format!("plan {inputs}"), vec!["ubuntu  amd64", "2 cells", found]),
        (
            format!(
                "explain ubuntu {inputs} --cache-to type=local,dest=cache \
                 --cache-from type=local,src=old --ssh deploy=key"
            ),
            vec![
                "../../common.yaml:1:",
                &full("tools"),
                &full("token"),
                &full("key"),
                &cache,
                &old,
                "context           images ",
                found,
            ],
        ),
        (format!("plan --format bake {inputs}"), vec!["\"context\": \"../../images\"", found]),
        (
            format!("build --dry-run --os ubuntu -o type=oci,dest=x.tar {inputs}"),
            vec!["would write to x.tar", found],
        ),
        ("render --out out".to_owned(), vec!["2 Dockerfiles in out", found]),
        ("render --files".to_owned(), vec!["../../list.txt: written", found]),
        (
            "lint --no-engine --compose compose.test.yaml".to_owned(),
            vec!["--> ../../images/Dockerfile:1:1", found],
        ),
    ] {
        let (text, code) = run(&deep, &line, None);
        assert_eq!(code, Some(0), "{line}\n{text}");
        wanted.iter().for_each(|wanted| assert!(text.contains(wanted), "{line}\n{text}"));
    }
    assert_eq!(fs::read_to_string(top.join("list.txt")).unwrap(), "alpine\n");
    assert!(deep.join("out/ubuntu.Dockerfile").is_file());

    let quiet = format!("build --quiet --dry-run --os ubuntu {inputs}");
    let (text, code) = run(&deep, &quiet, None);
    assert!(code == Some(0) && text.starts_with("cell") && !text.contains("note:"), "{text}");
    // The axes of the matrix are flags here too.
    assert!(run(&deep, "plan --help", None).0.contains("--os <VALUE>"));
}

#[test]
fn a_named_matrix_is_not_searched_for() {
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let at = folder.path().join("own/sub");
    let missing = "error: matrix.yaml: no such file or directory";
    for (line, set, wanted) in [
        ("plan --file matrix.yaml", None, missing),
        ("plan", Some(("ONEBUILD_FILE", "matrix.yaml")), missing),
        ("plan --file ../matrix.yaml", None, "cell"),
        ("plan", Some(("ONEBUILD_FILE", "../matrix.yaml")), "cell"),
    ] {
        let (text, _) = run(&at, line, set);
        assert!(text.starts_with(wanted) && !text.contains("note:"), "{line}\n{text}");
    }
}

#[test]
fn the_search_ends_at_the_top_of_the_work_tree() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    tree(top);
    let missing = "error: matrix.yaml: no such file or directory";
    let (text, _) = run(&top.join("own/sub"), "plan", None);
    assert!(text.contains("me/own:1") && text.contains("the matrix is ../matrix.yaml"), "{text}");
    let (text, _) = run(&top.join("own"), "plan", None);
    assert!(text.contains("me/own:1") && !text.contains("note:"), "{text}");
    for directory in ["submodule", "submodule/sub"] {
        let (text, code) = run(&top.join(directory), "plan", None);
        assert!(code == Some(4) && text.starts_with(missing), "{directory}: {text}");
    }
    // A matrix that is a link out of the work tree is refused as in the current directory.
    shell(top, "rm own/matrix.yaml; ln -s /proc/version own/matrix.yaml");
    let (text, code) = run(&top.join("own/sub"), "plan", None);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("../matrix.yaml is a link that leads out of the repository"), "{text}");
    shell(top, "rm own/matrix.yaml; rm -r .git");
    let (text, code) = run(&top.join("own"), "plan", None);
    assert!(code == Some(4) && text.starts_with(missing), "{text}");
}
