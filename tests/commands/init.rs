//! `init`: the program can read the files that it writes.

use crate::project::Project;

/// The Makefile, scripts and templates of a project that builds this family with `sed`.
fn makefile_user() -> Project {
    let project = Project::empty();
    project.file(
        "Makefile",
        "# make push OS=ubuntu VERSION=2.0.10\nOS ?= ubuntu\nVERSION ?= 2.0.2\n\
         PLATFORMS ?= linux/amd64,linux/arm64\nIMAGE_REPO ?= caijiamx/1panel\n\
         IMAGE_TAG_PREFIX ?= dood\nTMP := .tmp\nONEPANEL_TYPE ?= pro\nIMAGE_TAG ?=\n\n\
         ifeq ($(ONEPANEL_TYPE),cn)\n\tIMAGE_TAG := -cn\n\tHACK_DIR := hack_cn\nelse\n\
         \tIMAGE_TAG :=\n\tHACK_DIR := hack\nendif\n\n.PHONY: push\n\npush:\n\
         \t@cp $(OS)/Dockerfile $(TMP)/Dockerfile\n\
         \t@if [ \"$$(uname)\" = \"Darwin\" ]; then \\\n\
         \t\tsed -i '' 's/{%OnePanel_Version%}/$(VERSION)/g' $(TMP)/Dockerfile; \\\n\telse \\\n\
         \t\tsed -i 's/{%OnePanel_Version%}/$(VERSION)/g' $(TMP)/Dockerfile; \\\n\tfi\n\
         \tsed -i 's/{%OnePanel_Type%}/$(HACK_DIR)/g' $(TMP)/Dockerfile\n\
         \tdocker buildx build \\\n\t\t--platform $(PLATFORMS) \\\n\t\t-f $(TMP)/Dockerfile \\\n\
         \t\t-t $(IMAGE_REPO):$(IMAGE_TAG_PREFIX)-$(VERSION)-$(OS)$(IMAGE_TAG) \\\n\t\t--push \\\n\
         \t\t.\n\nmatrix:\n\t@versions=\"2.0.0 2.0.1 2.0.2\"; \\\n\
         \tfor os in ubuntu alpine; do \\\n\t  for v in $$versions; do \\\n\
         \t    $(MAKE) push OS=$$os VERSION=$$v; \\\n\t  done; \\\n\tdone\n",
    );
    for os in ["ubuntu", "alpine"] {
        let text = format!(
            "FROM {os}:1\nCOPY {{%OnePanel_Type%}} /hack\nRUN /hack/start v{{%OnePanel_Version%}}\n"
        );
        project.file(&format!("{os}/Dockerfile"), text);
    }
    project
}

#[test]
fn a_makefile_and_its_templates_become_a_matrix_that_plans_without_a_warning() {
    let project = makefile_user();
    let run = project.run(&["init"]).exits(0);
    assert_eq!(
        run.stderr,
        "wrote ./matrix.yaml\n12 cells: `onebuild plan` shows them, `onebuild matrix` builds them\n"
    );
    let plan = project.run(&["plan"]).exits(0);
    assert_eq!(plan.stderr, "12 cells, 12 images, 2 platforms\n");
    for image in
        ["dood-2.0.0-ubuntu ", "dood-2.0.2-alpine-cn ", "caijiamx/1panel:dood-2.0.1-ubuntu-cn"]
    {
        assert!(plan.stdout.contains(image), "{image}\n{}", plan.stdout);
    }
    let args = ["render", "--os", "alpine", "--version", "2.0.1", "--type", "cn"];
    let rendered = project.run(&args).exits(0).stdout;
    assert_eq!(rendered, "FROM alpine:1\nCOPY hack_cn /hack\nRUN /hack/start v2.0.1\n");
    // The same images that `make push` built.
    let build = project.run(&["build", "--dry-run"]).exits(0);
    assert!(build.stdout.contains("dood-2.0.2-ubuntu "), "{}", build.stdout);
    assert_eq!(build.stdout.lines().count(), 2);
    // `make push IMAGE_TAG_PREFIX=beta OS=ubuntu VERSION=2.0.1` built beta-2.0.1-ubuntu.
    let args = ["plan", "--os", "ubuntu", "--version", "2.0.1", "--type", "pro"];
    let beta = project.run(&[&args[..], &["--var", "prefix=beta"]].concat()).exits(0);
    assert!(beta.stdout.contains(" caijiamx/1panel:beta-2.0.1-ubuntu\n"), "{}", beta.stdout);
}

#[test]
fn an_empty_directory_gets_a_matrix_and_a_template() {
    let project = Project::empty();
    project.run(&["init"]).exits(0).says(&["wrote ./matrix.yaml", "wrote ./templates/Dockerfile"]);
    assert_eq!(project.run(&["plan"]).exits(0).stderr, "2 cells, 2 images, 2 platforms\n");
    assert!(project.run(&["render"]).exits(0).stdout.contains("hello from Alpine 3.20"));
    project.run(&["lint", "--no-engine", "--strict"]).exits(0);
}

#[test]
fn existing_dockerfiles_are_used_unchanged() {
    let project = Project::empty();
    project.file("Dockerfile", "FROM alpine:3.20\n");
    project
        .run(&["init"])
        .exits(0)
        .says(&["note: image: replace example/app with your repository"]);
    assert_eq!(project.run(&["render"]).exits(0).stdout, "FROM alpine:3.20\n");
    let project = Project::empty();
    project.file("a/Dockerfile", "FROM alpine:3.20\n");
    project.run(&["init"]).exits(0).says(&["1 cell"]);
    assert_eq!(project.run(&["render"]).exits(0).stdout, "FROM alpine:3.20\n");
    project.file("b/Dockerfile", "FROM ubuntu:24.04\n");
    project.run(&["init", ".", "--force"]).exits(0).says(&["2 cells"]);
    assert_eq!(project.run(&["plan"]).exits(0).stderr, "2 cells, 2 images, 1 platform\n");
}

#[test]
fn files_of_other_programs_are_named() {
    let project = Project::empty();
    project.file("Dockerfile", "FROM alpine:3.20\n");
    project.file("docker-bake.hcl", "target \"a\" {}\n");
    project.file("scripts/build.sh", "docker buildx build .\n");
    project.file("scripts/clean.sh", "rm -rf out\n");
    project.file(".github/workflows/ci.yml", "steps: [{ uses: docker/build-push-action@v6 }]\n");
    project.file(".github/workflows/lint.yml", "steps: [{ run: make lint }]\n");
    let run = project.run(&["init"]).exits(0).says(&[
        "note: `.github/workflows/ci.yml` builds images and was not converted",
        "note: `docker-bake.hcl` builds images",
        "note: `scripts/build.sh` builds images",
    ]);
    assert!(!run.stderr.contains("clean.sh") && !run.stderr.contains("lint.yml"), "{}", run.stderr);
}

#[test]
fn existing_files_are_not_overwritten_without_force() {
    let project = makefile_user();
    project.file("matrix.yaml", "mine");
    project.run(&["init"]).exits(2).says(&["already exists", "nothing was written", "--force"]);
    assert_eq!(project.read("matrix.yaml"), "mine");
    project.run(&["init", "--force"]).exits(0);
    assert!(project.read("matrix.yaml").contains("caijiamx/1panel"));
}

#[test]
fn a_missing_directory_is_reported() {
    let project = Project::empty();
    project.run(&["init", "none"]).exits(4).says(&["none cannot be read"]);
}

/// Files that are no Makefile of images end with an error or a draft, in a short time and in few lines.
#[test]
fn no_makefile_takes_long() {
    let nested =
        |open: &str, close: &str| format!("{}x{}", open.repeat(20_000), close.repeat(20_000));
    let many = |line: fn(usize) -> String| (0..5_000).map(line).collect::<String>();
    let build = "b:\n\tfor v in $(V0); do docker build -t a:$$v-$(V0) .; done\n";
    for (name, makefile) in [
        ("lines", format!("{}{build}", "A += x\n".repeat(100_000))),
        ("recursion", format!("V0 = $(V1)\nV1 = $(V0)\ninclude Makefile\n{build}")),
        (
            "doubling",
            format!("{}V99 = x\n{build}", many(|n| format!("V{n} = $(V{0}) $(V{0})\n", n + 1))),
        ),
        ("functions", format!("V0 = {}\n{build}", nested("$(strip ", ")"))),
        ("brackets", format!("V0 = {}\n{build}", nested("$(", ""))),
        ("directories", format!("b:\n\t{}\n", nested("(cd a && ", ")"))),
        ("loops", format!("b:\n\t{}\n", nested("for a in 1 2; do ", "; done"))),
        ("rules", many(|n| format!("b{n}-%: c{n}-%\n\tdocker build -t a:$@ -f $< .\n"))),
        ("tags", many(|n| format!("b{n}:\n\tdocker build -t a:{n} .\n\tdocker tag a:{n} b:{n}\n"))),
    ] {
        let project = Project::empty();
        project.file("Dockerfile", "FROM alpine:3.20\n");
        project.file("Makefile", makefile);
        let start = std::time::Instant::now();
        let run = project.run(&["init"]).exits(0);
        let lines = run.stderr.lines().count();
        assert!(lines < 300, "{name}: {lines} lines");
        assert!(start.elapsed().as_secs() < 60, "{name}: {:?}", start.elapsed());
    }
    // As for make, bytes that are not UTF-8 are no error.
    for bytes in [&b"\x7fELF\xff"[..], b"\0", b"# caf\xe9\nb:\n\tdocker build -t me/app:1 .\n"] {
        let project = Project::empty();
        project.file("Dockerfile", "FROM alpine:3.20\n");
        project.file("Makefile", bytes);
        project.run(&["init"]).exits(0).says(&["1 cell: "]);
    }
}
