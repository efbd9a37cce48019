//! Tests of drafts from Compose files and Dockerfiles, and of the notes about other files.

use super::{Found, body, draft, top};

#[test]
fn a_compose_file_names_the_image() {
    let draft_of = |compose: &str| {
        let compose = Some(("compose.yaml".to_owned(), compose.to_owned()));
        draft(&Found { compose, makefile: None, ..top("") })
    };
    for (compose, image, version) in [
        (
            "services: { a: { image: 'me/a:2', build: . }, b: { image: 'postgres:16' } }",
            "me/a",
            "2",
        ),
        (
            "services: { a: { image: 'r.example:5000/a', build: { context: . } } }",
            "r.example:5000/a",
            "CHANGE-ME",
        ),
        ("services: { a: { image: 'me/a:${V:-3}', build: . } }", "me/a", "3"),
        ("services: { a: { image: 'me/a:4' } }", "me/a", "4"),
        ("services: { a: { image: '${I}', build: . } }", "example/app", "CHANGE-ME"),
        ("services: { b: { image: 'postgres:16' }, c: { image: x } }", "example/app", "CHANGE-ME"),
        ("services: { b: { build: . }, a: { image: me/a, build: . } }", "me/a", "CHANGE-ME"),
        ("services: [", "example/app", "CHANGE-ME"),
    ] {
        let draft = draft_of(compose);
        let lines = body(&draft);
        assert!(lines.contains(&format!("image: {image}\n")), "{compose}\n{lines}");
        assert!(lines.contains(&format!("version: [{version}]\n")), "{compose}\n{lines}");
        assert_eq!(draft.unfinished.is_empty(), draft.notes.is_empty(), "{:?}", draft.notes);
    }
}

/// The context is that of the service. Everything else of the file is a note.
#[test]
fn a_service_keeps_its_context_and_its_dockerfile() {
    let files = |paths: &[&str]| {
        let file = |path: &&str| ((*path).to_owned(), "FROM x\n".to_owned());
        paths.iter().map(file).collect::<Vec<_>>()
    };
    let both = &["api/Dockerfile", "web/Dockerfile"];
    for (build, paths, wanted, notes) in [
        (
            "./api",
            &both[..],
            "context: api\ndockerfile: Dockerfile\n",
            &["`web/Dockerfile` was left out"][..],
        ),
        (
            "{ context: api/, secrets: [x] }",
            both,
            "context: api\ndockerfile: Dockerfile\n",
            &["`build.secrets` of the service `a` in compose.yaml"],
        ),
        (
            "{ context: api, dockerfile: ../docker/Dockerfile }",
            &["docker/Dockerfile"],
            "context: api\ndockerfile: ../docker/Dockerfile\n",
            &[],
        ),
        (
            "{ context: ., dockerfile: ./docker/Dockerfile }",
            &["docker/Dockerfile", "Dockerfile"],
            "context: .\ndockerfile: docker/Dockerfile\n",
            &["`Dockerfile` was left out"],
        ),
        (
            "{ dockerfile: x.Dockerfile }",
            &["x.Dockerfile"],
            "context: .\ndockerfile: x.Dockerfile\n",
            &[],
        ),
        (
            "{ context: api, dockerfile: x }",
            both,
            "dockerfile: x\n",
            &["dockerfile: this file was not found", "`api/Dockerfile` was left out"],
        ),
        (
            "https://git.example/a.git",
            both,
            "context: .\n",
            &["context: `https://git.example/a.git` is no directory"],
        ),
        ("../up", both, "context: .\n", &["context: `../up` is no directory below"]),
        ("'${DIR}'", &["Dockerfile"], "context: .\n", &["`build.context` of the service `a`"]),
    ] {
        for makefile in [None, Some("up:\n\tdocker compose up\n".to_owned())] {
            let compose = format!("services: {{ a: {{ image: 'me/a:1', build: {build} }} }}");
            let directories = ["api", "docker", "web"].map(str::to_owned).to_vec();
            let compose = Some(("compose.yaml".to_owned(), compose));
            let found =
                Found { makefile, files: files(paths), directories, compose, ..Found::default() };
            let draft = draft(&found);
            let (lines, found) = (body(&draft), draft.notes.join("\n"));
            assert!(lines.contains(wanted), "{build}\n{lines}");
            assert!(notes.iter().all(|note| found.contains(note)), "{build}\n{found}");
            assert!(!found.contains("docker/Dockerfile` was left out"), "{found}");
        }
    }
}

/// Settings of a service, and which of them are notes.
#[test]
fn a_service_keeps_its_settings() {
    for (build, wanted, notes) in [
        ("{ target: dev }", "target: dev\n", ""),
        ("{ target: '${T:-dev}', args: [A=b, C=] }", "args:\n  A: b\n  C: \"\"\n", ""),
        ("{ args: { A: 1, B: '${B:-x y}' } }", "args:\n  A: 1\n  B: \"x y\"\n", ""),
        ("{ args: { A: b, C: } }", "args:\n  A: b\n", "`build.args.C` of the service `a`"),
        ("{ args: [A=b, C, 'D=$D'] }", "args:\n  A: b\n", "`build.args.D` of the service `a`"),
        ("{ platforms: [linux/arm64] }", "platforms: [linux/arm64]\n", ""),
        ("{ platforms: ['${P}'] }", "tag:", "`build.platforms` of the service `a`"),
        ("{ cache_from: [x] }", "tag:", "`build.cache_from` of the service `a`"),
    ] {
        for makefile in [None, Some("up:\n\tsed s/{%x%}/1/ Dockerfile\n".to_owned())] {
            let compose = format!("services: {{ a: {{ image: 'me/a:1', build: {build} }} }}");
            let compose = Some(("compose.yaml".to_owned(), compose));
            let draft = draft(&Found { makefile, compose, ..top("") });
            let (lines, found) = (body(&draft), draft.notes.join("\n"));
            assert!(lines.contains(wanted), "{build}\n{lines}");
            assert!(found.contains(notes), "{build}\n{found}");
            assert!(!notes.is_empty() || !found.contains("build."), "{build}\n{found}");
        }
    }
}

#[test]
fn dockerfiles_that_no_build_names_are_left_out_with_a_note() {
    for recipe in ["./build.sh", "docker build -t a:1 ."] {
        let mut found = top(&format!("b:\n\t{recipe}\n"));
        found.files.push(("sub/Dockerfile".to_owned(), String::new()));
        let notes = draft(&found).notes.join("\n");
        assert!(notes.contains("`sub/Dockerfile` was left out"), "{notes}");
        assert!(!notes.contains("`Dockerfile` was left out"), "{notes}");
    }
}

#[test]
fn services_and_files_that_are_not_converted_have_a_note() {
    let compose =
        "services: { api: { build: ./a, image: api }, web: { build: ./b }, w: { build: ./a } }";
    let files = ["a/Dockerfile", "b/Dockerfile"].map(|path| (path.to_owned(), String::new()));
    let unread = [".github/workflows/ci.yml", "build.sh", "docker-bake.hcl"].map(str::to_owned);
    let found = Found {
        files: files.to_vec(),
        directories: vec!["a".to_owned(), "b".to_owned()],
        compose: Some(("compose.yaml".to_owned(), compose.to_owned())),
        unread: unread.to_vec(),
        ..Found::default()
    };
    let makefile = Some("b:\n\tdocker build -t a:1 a\n".to_owned());
    let empty = Found { files: Vec::new(), ..found.clone() };
    for found in [&found, &Found { makefile, ..found.clone() }, &empty] {
        let notes = draft(found).notes.join("\n");
        for note in [
            "`docker-bake.hcl` builds images and was not converted: see docs/from-bake.md",
            "`.github/workflows/ci.yml` builds images and was not converted: see docs/github-actions.md",
            "`build.sh` builds images and was not converted: see docs/from-makefile.md",
        ] {
            assert!(notes.contains(note), "{notes}");
        }
    }
    let notes = draft(&found).notes.join("\n");
    for note in [
        "the service `web` of compose.yaml was left out: `onebuild init ./b` writes",
        "the service `w` of compose.yaml was left out: it needs another matrix.yaml",
    ] {
        assert!(notes.contains(note), "{notes}");
    }
    let notes = draft(&empty).notes.join("\n");
    assert!(notes.contains("compose.yaml was not converted: there is no Dockerfile"), "{notes}");
}
