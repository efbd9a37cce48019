//! Tests of drafts from Makefiles.

mod directory;

use super::makefile;
use super::{Draft, Found, draft, yaml};

/// A Makefile like the one that onebuild replaced: conditions, `sed`, a loop.
const MAKEFILE: &str = r#"
# make build OS=ubuntu VERSION=2.0.10
OS ?= ubuntu
VERSION ?= 2.0.3
PLATFORMS ?= linux/amd64,linux/arm64
IMAGE_REPO ?= caijiamx/1panel
IMAGE_TAG_PREFIX ?= dood
ONEPANEL_TYPE ?= pro
SUFFIX ?=
OUT := .out

ifeq ($(ONEPANEL_TYPE),cn)
	SUFFIX := -cn
	HACK := hack_cn
else
	SUFFIX :=
	HACK := hack
endif

prepare:
	@mkdir -p $(OUT)
	@cp $(OS)/Dockerfile $(OUT)/Dockerfile
	sed -i 's/{%OnePanel_Version%}/$(VERSION)/g' $(OUT)/Dockerfile
	sed -i 's|{%OnePanel_Type%}|$(HACK)|g' $(OUT)/Dockerfile

push: prepare
	docker buildx build \
		--platform $(PLATFORMS) \
		-f $(OUT)/Dockerfile \
		-t $(IMAGE_REPO):$(IMAGE_TAG_PREFIX)-$(VERSION)-$(OS)$(SUFFIX) \
		--secret id=token \
		--push .

matrix: prepare
	@versions="2.0.0 2.0.1 2.0.2 2.0.3 2.1.0"; \
	for os in ubuntu centos alpine; do \
	  for v in $$versions; do \
	    $(MAKE) push OS=$$os VERSION=$$v; \
	  done; \
	done
"#;

fn found(makefile: &str, directories: &[&str], template: &str) -> Found {
    let file = |name: &&str| (format!("{name}/Dockerfile"), template.to_owned());
    let files = directories.iter().map(file).collect();
    let directories = directories.iter().map(|name| (*name).to_owned()).collect();
    Found { makefile: Some(makefile.to_owned()), files, directories, ..Found::default() }
}

/// A Makefile beside a Dockerfile.
fn top(makefile: &str) -> Found {
    let files = vec![("Dockerfile".to_owned(), "FROM x\n".to_owned())];
    let directories = ["a", "b", "docker", "src"].map(str::to_owned).to_vec();
    Found { makefile: Some(makefile.to_owned()), files, directories, ..Found::default() }
}

fn body(draft: &Draft) -> String {
    let lines = draft.files[0].1.lines().filter(|line| !line.trim_start().starts_with('#'));
    let lines = lines.map(|line| line.split(" # ").next().unwrap_or_default());
    lines.filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_makefile_becomes_an_equivalent_matrix() {
    let template = "FROM ubuntu:24.04\nRUN quick {%OnePanel_Version%} {%OnePanel_Type%}\n";
    let draft = draft(&found(MAKEFILE, &["alpine", "centos", "ubuntu"], template));
    assert_eq!(
        body(&draft),
        "\
image: caijiamx/1panel
tag: <%prefix%>-<%version%>-<%os%><%type.suffix%>
platforms: [linux/amd64, linux/arm64]
context: .
dockerfile: <%os%>/Dockerfile
axes:
  os: [ubuntu, centos, alpine]
  version: [2.0.0..2.0.3, 2.1.0]
  type:
    pro: { suffix: \"\", hack: hack }
    cn: { suffix: -cn, hack: hack_cn }
defaults: { os: ubuntu, version: 2.0.3, type: pro }
vars:
  prefix: dood
  OnePanel_Version: <%version%>
  OnePanel_Type: <%type.hack%>
"
    );
    assert_eq!(draft.notes, ["Makefile:27: `--secret` of docker build was not converted"]);
}

#[test]
fn a_variable_of_the_tag_becomes_a_var() {
    let tag = |variables: &str, tag: &str, template: &str| {
        let makefile = format!("{variables}\nbuild:\n\tdocker build -t me/app:{tag} .\n");
        let draft = draft(&found(&makefile, &["a"], template));
        let lines = body(&draft);
        let line = |start: &str| lines.lines().find(|line| line.starts_with(start));
        let vars = lines.split_once("vars:\n").map(|(_, vars)| vars.to_owned());
        (line("tag:").unwrap().to_owned(), vars.unwrap_or_default())
    };
    for (variables, text, template, wanted, vars) in [
        ("P ?= x", "$(P)-1", "", "tag: <%p%>-1", "  p: x\n"),
        ("P = x", "${P}1", "", "tag: <%p%>1", "  p: x\n"),
        ("P ?= x", "$(P)-$(P)", "", "tag: <%p%>-<%p%>", "  p: x\n"),
        // A name that a template or onebuild uses.
        ("P ?= x", "$(P)", "FROM {%p%}\n", "tag: <%make_p%>", "  make_p: x\n  p: CHANGE-ME\n"),
        ("TAG ?= x", "$(TAG)", "", "tag: <%make_tag%>", "  make_tag: x\n"),
        ("A_TAG ?= x", "$(A_TAG)", "", "tag: <%a_tag%>", "  a_tag: x\n"),
        // Through other variables.
        ("P ?= $(Q)\nQ = x", "$(P)-1", "", "tag: <%q%>-1", "  q: x\n"),
        ("P ?= ${Q}-$R\nQ = x\nR = y", "$(P)", "", "tag: <%q%>-<%r%>", "  q: x\n  r: y\n"),
        ("P = a\nP += b", "$(strip x)", "", "tag: x", ""),
        ("P = a b", "$(lastword $(P))", "", "tag: b", ""),
        (
            "VERSION ?= 1.2",
            "$(VERSION)-$(subst .,_,$(VERSION))",
            "",
            "tag: <%version%>-<%version.tag%>",
            "",
        ),
        ("P := $(shell f $(X))", "$(P)-1", "", "tag: <%p%>-1", "  p: CHANGE-ME\n"),
        ("", "$(shell f $(X))-1", "", "tag: CHANGE-ME-1", ""),
        ("", "`git describe`-1", "", "tag: CHANGE-ME-1", ""),
        ("", "$$(git describe)-1", "", "tag: CHANGE-ME-1", ""),
        ("", "$(P)-1", "", "tag: <%p%>-1", "  p: CHANGE-ME\n"),
        ("P ?=", "$(P)1", "", "tag: 1", ""),
        ("VERSION ?= 2", "v$(VERSION)", "", "tag: v<%version%>", ""),
    ] {
        let found = tag(variables, text, template);
        assert_eq!(found, (wanted.to_owned(), vars.to_owned()), "{variables}, {text}");
    }
}

#[test]
fn every_usual_loop_becomes_axes() {
    let lists = "OSES := a b\nVERSIONS := 1.0 1.1\nP ?= v\n";
    let loops = "for os in $(OSES); do for v in $(VERSIONS); do";
    let tag = "-t me/app:$(P)";
    for recipe in [
        format!(
            "\t@{loops} docker buildx build {tag}$$v-$$os -f $$os/Dockerfile . || exit 1; done; done"
        ),
        format!("\t@{loops} docker build {tag}$${{v}}-$${{os}} -f $$os/Dockerfile .; done; done"),
        format!(
            "\t{loops} docker build --build-arg VERSION=$$v {tag}$$v-$$os -f $$os/Dockerfile .; done; done"
        ),
        format!(
            "\tdocker build {tag}$(VERSION)-$(OS) -f $(OS)/Dockerfile .\nall:\n\
             \t{loops} $(MAKE) build OS=$$os VERSION=$$v || exit 1; done; done"
        ),
        format!(
            "\tfor os in a b; do for version in 1.0 1.1; do docker build {tag}$$version-$$os -f $$os/Dockerfile .; done; done"
        ),
    ] {
        let draft = draft(&found(&format!("{lists}build:\n{recipe}\n"), &["a", "b"], "FROM x\n"));
        let lines = body(&draft);
        for wanted in [
            "image: me/app",
            "tag: <%p%><%version%>-<%os%>",
            "context: .",
            "dockerfile: <%os%>/Dockerfile",
            "  os: [a, b]",
            "  version: 1.0..1.1",
        ] {
            assert!(lines.lines().any(|line| line == wanted), "{recipe}\n{wanted}\n{lines}");
        }
        assert!(!lines.contains('$'), "{lines}");
    }
}

#[test]
fn syntax_of_make_that_is_not_converted_is_a_note_with_its_line() {
    for (recipe, tag, note) in [
        (
            "build-%:\n\tdocker build --build-arg A=$* -t me/app:x-$* -f a/Dockerfile .\n",
            "tag: x-<%name%>\n",
            "Makefile:2: axes.name: the values of `%` in the target `build-%` are unknown",
        ),
        (
            "define rule\nb:\n\tdocker build --build-arg A=$$(2) -t me/app:$$(1) -f a/Dockerfile .\nendef\n",
            "tag: <%make_1%>\n",
            "Makefile:3: vars.make_1: the value of `$(1)` is unknown",
        ),
    ] {
        let draft = draft(&found(recipe, &["a", "b"], "FROM x\n"));
        let lines = body(&draft);
        assert!(lines.contains(tag) && !lines.contains('$'), "{lines}");
        let notes = draft.notes.join("\n");
        assert!(notes.contains(note), "{notes}");
    }
}

#[test]
fn a_directory_that_is_the_context_stays_one() {
    for context in ["$(OS)", "./$(OS)/", "\"$(OS)\""] {
        let makefile = format!(
            "VERSION ?= 1.0\nOS ?= b\nbuild:\n\tdocker build -t me/app:$(VERSION)-$(OS) --push {context}\n"
        );
        let draft = draft(&found(&makefile, &["a", "b"], "FROM x\n"));
        let lines = body(&draft);
        for wanted in ["context: <%os%>", "dockerfile: Dockerfile", "  os: [a, b]"] {
            assert!(lines.lines().any(|line| line == wanted), "{context}\n{lines}");
        }
        assert!(lines.contains("os: b"), "the default\n{lines}");
    }
}

#[test]
fn a_define_that_is_called_in_loops_of_make_becomes_axes() {
    let recipe = "docker build --build-arg V=$(1) -t me/app:$(1)-$(2) -f $(2)/Dockerfile .";
    let eval = "b-$(1)-$(2):\n\tdocker build --build-arg V=$$(X)$(1) -t me/app:$(1)-$(2) -f $(2)/Dockerfile .";
    for makefile in [
        format!(
            "define b\n\t{recipe}\nendef\nall:\n\t$(foreach v,$(VERSIONS),$(foreach o,$(OSES),$(call b,$(v),$(o))))\n"
        ),
        format!(
            "define b\n{eval}\nendef\n$(foreach v,$(VERSIONS),$(foreach o,$(OSES),$(eval $(call b,$(v),$(o)))))\n"
        ),
    ] {
        let makefile = format!("X =\nVERSIONS = 1 2\nOSES = b a\n{makefile}");
        let draft = draft(&found(&makefile, &["a", "b"], "FROM x\n"));
        let lines = body(&draft);
        for wanted in
            ["tag: <%version%>-<%os%>\n", "  version: 1..2\n", "  os: [b, a]\n", "V: <%version%>\n"]
        {
            assert!(lines.contains(wanted), "{makefile}\n{lines}");
        }
        assert_eq!(draft.notes, [""; 0]);
    }
    let twice = format!("define b\n\t{recipe}\nendef\nall:\n\t$(call b,1,a)\n\t$(call b,2,b)\n");
    let notes = draft(&found(&twice, &["a", "b"], "FROM x\n")).notes.join("\n");
    assert!(notes.contains("Makefile:2: `define b` was not converted"), "{notes}");
}

/// Loops over lists of any form: the values and the notes.
#[test]
fn lists_have_all_their_values_or_a_note() {
    for (variables, list, values, note) in [
        ("V = 1.0\nV += 1.1", "$(V)", "1.0..1.1", ""),
        ("V := 1.0\nV := $(V) 1.5", "$(V)", "[1.0, 1.5]", ""),
        ("V = 1.0\nV = 1.1", "$(V)", "[1.1]", ""),
        ("V ?= 1.0\nV ?= 1.1", "$(V)", "[1.0]", ""),
        ("OLD = 1 2\nALL = $(OLD) 5", "$(ALL)", "[1..2, 5]", ""),
        ("OLD = 1\nALL = ${OLD} 5", "${ALL} 7", "[1, 5, 7]", ""),
        ("ALL = $(addprefix v,1 3)", "$(ALL)", "[v1, v3]", ""),
        ("A = 2 1 2\nALL = $(sort $(A))", "$(ALL)", "1..2", ""),
        ("", "$(shell ls versions)", "[CHANGE-ME]", "`$(shell ls versions)` are unknown"),
        ("ALL = $(shell ls x) 9", "$(ALL)", "[9]", "`$(shell ls x)` are unknown"),
        ("ALL != ls x", "$(ALL)", "[CHANGE-ME]", "`$(shell ls x)` are unknown"),
        ("", "`cat versions` 3", "[3]", "`cat versions` are unknown"),
        ("", "$$(cat versions)", "[CHANGE-ME]", "`$(cat versions)` are unknown"),
        ("", "1.{0..3} 5", "[5]", "`1.{0..3}` are unknown"),
        ("", "*.txt", "[CHANGE-ME]", "`*.txt` are unknown"),
        ("", "$(ELSEWHERE)", "[CHANGE-ME]", "`$(ELSEWHERE)` are unknown"),
        ("ALL = $(foreach v,1 2,$(v).0)", "$(ALL)", "[1.0, 2.0]", ""),
        ("A = b-1 b-2 x\nALL = $(A:b-%=%)", "$(ALL)", "[1..2, x]", ""),
        ("A = v1 v2 x\nALL = $(filter v%,$(A))", "$(ALL)", "v1..v2", ""),
        ("A = a/1 b/2\nALL = $(notdir $(A)) $(word 1,7 8)", "$(ALL)", "[1..2, 7]", ""),
        ("ALL = $(wildcard *.txt)", "$(ALL)", "[CHANGE-ME]", "`$(wildcard *.txt)` are unknown"),
        ("ALL = $(patsubst %/,%,$(wildcard s*/ ./b*/))", "$(ALL)", "[src, b]", ""),
    ] {
        // The variables follow the recipe that uses them.
        let makefile = format!(
            "build:\n\tfor x in {list}; do docker build --build-arg A=$$x -t me/app:$$x . ; done\n{variables}\n"
        );
        let draft = draft(&top(&makefile));
        let lines = body(&draft);
        assert!(lines.contains(&format!("  a: {values}\n")), "{makefile}\n{lines}");
        let notes: Vec<&String> =
            draft.notes.iter().filter(|note| note.contains("axes.")).collect();
        assert_eq!(notes.is_empty(), note.is_empty(), "{notes:?}");
        assert!(notes.iter().all(|found| found.contains(note)), "{notes:?}");
        assert!(notes.iter().all(|note| note.starts_with("Makefile:2: axes.a: ")), "{notes:?}");
    }
}

#[test]
fn a_check_in_a_container_is_a_note() {
    let of = |target: &str| {
        let makefile = format!(
            "build:\n\tdocker build -t me/app:1 .\n{target}:\n\tdocker run --rm me/app:1 true\n"
        );
        draft(&top(&makefile)).notes.concat()
    };
    let note = "Makefile:4: `docker run --rm me/app:1 true`, which `test` in the matrix could run, was not converted";
    assert!(of("check").contains(note) && of("smoke-test").contains(note), "{}", of("check"));
    assert!(!of("shell").contains("docker run"));
}

#[test]
fn every_tag_of_a_build_is_converted_or_a_note() {
    let build = |recipe: &str| {
        let draft = draft(&top(&format!("VERSION ?= 1.0\nI = me/app\nbuild:\n{recipe}")));
        let lines = body(&draft);
        let (start, _) = lines.split_once("context:").unwrap();
        (start.to_owned(), draft.notes.join("\n"))
    };
    for (recipe, wanted) in [
        (
            "\tdocker build -t $(I):$(VERSION) -t $(I):latest .",
            "image: me/app\ntags:\n  - <%version%>\n  - latest\n",
        ),
        (
            "\tdocker build --tag=$(I):$(VERSION) -t=$(I):x .",
            "image: me/app\ntags:\n  - <%version%>\n  - x\n",
        ),
        (
            "\tdocker build -t$(I):$(VERSION) .\n\tdocker tag $(I):$(VERSION) $(I):x",
            "image: me/app\ntags:\n  - <%version%>\n  - x\n",
        ),
        (
            "\tdocker build -t $(I):$(VERSION) -t ghcr.io/$(I):$(VERSION) .",
            "image: [me/app, ghcr.io/me/app]\ntag: <%version%>\n",
        ),
        (
            "\tfor v in 1 2; do docker build -t $(I):$$v -t $(I):latest . ; done",
            "image: me/app\ntags:\n  - <%version%>\n  - { tag: latest, when: latest }\n",
        ),
        (
            "\tfor os in a b; do docker build -t $(I):$$os -t $(I):x . ; done",
            "image: me/app\ntags:\n  - <%os%>\n  - { tag: x, when: \"os == \\\"a\\\"\" }\n",
        ),
    ] {
        assert_eq!(build(recipe).0, wanted, "{recipe}");
    }
    for (recipe, note) in [
        ("\tdocker build -t a:1 -t b:2 .", "the Makefile has no `a:2`"),
        (
            "\tdocker build -t a:1 .\n\tdocker build --target x -t b:2 .",
            "Makefile:5: another docker build of `b:2`",
        ),
        ("\tdocker build -t a:1 .\n\tdocker tag x:1 b:2", "Makefile:5: `docker tag x:1 b:2`"),
        ("\tdocker build -t a:1 out/", "Makefile:4: context: the directory `out` was not found"),
        (
            "\tfor v in 1 2; do make b VERSION=$$v; done\nb: VERSION = 2\nb:\n\tdocker build -t a:$(VERSION) .",
            "Makefile:5: `b: VERSION = 2` sets VERSION, which was not converted",
        ),
        ("\tdocker build -t a:x@y .", "Makefile:4: tag: `x@y` is no tag"),
        ("\tdocker build $(PUSH) -t a:1 .", "Makefile:4: `$(PUSH)` of docker build"),
        ("\tif x; then docker build -t a:1 . ; fi", "Makefile:4: the condition `if x`"),
        (
            "\tfor v in 1 2; do [ $$v = 1 ] && continue; docker build -t a:$$v . ; done",
            "Makefile:4: the condition `[ $v = 1 ]`",
        ),
        (
            "\tmake x VERSION=1 O=2\n\tdocker build -t a:$(VERSION)-$(O) .",
            "Makefile:4: the combination",
        ),
    ] {
        let notes = build(recipe).1;
        assert!(notes.contains(note), "{recipe}\n{notes}");
    }
}

#[test]
fn a_dockerfile_is_found_wherever_the_build_names_it() {
    for (recipe, paths, wanted) in [
        (
            "docker build -t a:x docker/",
            &["docker/Dockerfile"][..],
            "context: docker\ndockerfile: Dockerfile\n",
        ),
        (
            "docker build -t a:x -f docker/Dockerfile $(CURDIR)",
            &["docker/Dockerfile"],
            "context: .\ndockerfile: docker/Dockerfile\n",
        ),
        (
            "docker build -t a:x -f docker/Dockerfile src",
            &["docker/Dockerfile"],
            "context: src\ndockerfile: ../docker/Dockerfile\n",
        ),
        ("docker build -t a:x .", &["Containerfile"], "context: .\ndockerfile: Containerfile\n"),
        (
            "docker build -t a:$(OS) -f Dockerfile.$(OS) .",
            &["Dockerfile.a", "Dockerfile.b"],
            "context: .\ndockerfile: Dockerfile.<%os%>\naxes:\n  os: [a, b]\n",
        ),
        (
            "docker build -t x:a a\n\tdocker build -t x:b ./b/",
            &["a/Dockerfile", "b/Dockerfile"],
            "context: <%os%>\ndockerfile: Dockerfile\naxes:\n  os: [a, b]\n",
        ),
        (
            "for target in x y; do docker build -t a:$$target --target $$target . ; done",
            &["Dockerfile"],
            "target: <%axis_target%>\naxes:\n  axis_target: [x, y]\n",
        ),
        (
            "docker build -t a/$*:1 $*\nall: build-a build-b",
            &["a/Dockerfile", "b/Dockerfile"],
            "context: <%name%>\ndockerfile: Dockerfile\naxes:\n  name: [a, b]\n",
        ),
        (
            "sed s/x/y/ a/Dockerfile | docker build -t a:x -f - .",
            &["a/Dockerfile", "b/Dockerfile"],
            "context: .\ndockerfile: a/Dockerfile\n",
        ),
    ] {
        let mut found = top(&format!("build-%:\n\t{recipe}\n"));
        found.files =
            paths.iter().map(|path| ((*path).to_owned(), "FROM x\n".to_owned())).collect();
        let lines = body(&draft(&found));
        assert!(lines.contains(wanted), "{recipe}\n{lines}");
    }
}

#[test]
fn missing_information_is_reported() {
    let makefile = "VERSION = 1.0\nbuild:\n\tsed s/{%A%}/$(shell date)/ $(OS)/Dockerfile > x\n\
                    \tdocker build -t $(REPO):x .\n";
    let draft = draft(&found(makefile, &["a", "b"], "FROM a\nRUN {%A%} {%B%}\n"));
    let notes = draft.notes.join("\n");
    for word in [
        "image: the value of `$(REPO)`",
        "replace change-me",
        "tag: <%os%> was added",
        "Makefile:3: vars.A: `$(shell date)` was not converted",
        "vars.B: its value is unknown",
    ] {
        assert!(notes.contains(word), "{word} is not in:\n{notes}");
    }
    assert!(body(&draft).contains("tag: x-<%os%>\n"), "{}", body(&draft));
}

#[test]
fn only_platforms_of_the_makefile_are_written() {
    for (recipe, wanted, notes) in [
        (
            "P = linux/arm64\nb:\n\tdocker build --platform $(P) -t a:1 .",
            "platforms: [linux/arm64]",
            0,
        ),
        ("b:\n\tdocker build -t a:1 .", "# platforms: [linux/amd64, linux/arm64]", 0),
        (
            "b:\n\tdocker build --platform $(P) -t a:1 .",
            "# platforms: [linux/amd64, linux/arm64]",
            1,
        ),
    ] {
        let draft = draft(&top(recipe));
        let lines: Vec<&str> = draft.files[0].1.lines().collect();
        let at = lines.iter().position(|line| *line == wanted);
        assert_eq!(draft.notes.len(), notes, "{:?}", draft.notes);
        assert!(at.is_some(), "{recipe}\n{lines:#?}");
        let line = at.into_iter().map(|at| at + 1).filter(|_| notes > 0).collect::<Vec<_>>();
        assert_eq!(draft.unfinished, line);
    }
}

#[test]
fn a_platform_of_a_loop_is_a_note_with_the_list() {
    let loops = "for a in amd64 arm64; do docker build --platform linux/$$a -t x:$$a . ; done";
    let notes = draft(&top(&format!("b:\n\t{loops}\n"))).notes;
    let note = "Makefile:2: platforms: write `[linux/amd64, linux/arm64]` in place of the axis `a`: \
                one image has all platforms";
    assert_eq!(notes, [note]);
}

/// A note about no line of the draft is a comment at its end.
#[test]
fn every_note_is_a_line_to_finish() {
    let draft = draft(&top("b:\n\tdocker build --squash --memory 1g -t a:$(shell x) ."));
    let text = &draft.files[0].1;
    let last = text.lines().count();
    assert_eq!(draft.unfinished.len(), 3, "{text}");
    assert_eq!(draft.unfinished[1..], [last - 1, last], "{text}");
    assert!(text.lines().nth(draft.unfinished[0] - 1).unwrap().starts_with("tag:"), "{text}");
}

#[test]
fn an_else_without_a_value_and_recursive_variables_are_accepted() {
    let makefile = "A = $(B)\nB = $(A)\nifeq ($(T),x)\n\tS := -x\nelse\n\tS := -y\nendif\n\
                    b:\n\tdocker build -t r:$(A)$(S) .\n";
    let draft = draft(&Found {
        makefile: Some(makefile.to_owned()),
        files: vec![("Dockerfile".to_owned(), "FROM a\n".to_owned())],
        ..Found::default()
    });
    assert!(draft.notes.iter().any(|note| note.contains("no T value for its `else`")), "{draft:?}");
}

#[test]
fn consecutive_values_become_a_range_and_special_ones_are_quoted() {
    let list = |texts: &[&str]| {
        yaml::versions(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(list(&["1.8", "1.9", "1.10", "2.0"]), "[1.8..1.10, 2.0]");
    assert_eq!(list(&["1", "2", "3"]), "1..3");
    assert_eq!(list(&["1é0", "é"]), "[\"1é0\", \"é\"]");
    assert_eq!(list(&["01", "02"]), "[01, 02]");
    assert_eq!(list(&["a", "b c", "null", "- x", "#"]), "[a, \"b c\", \"null\", \"- x\", \"#\"]");
}

#[test]
fn no_makefile_causes_a_panic() {
    for text in [
        "ifeq",
        "ifeq (",
        "else",
        "=",
        "\t-t",
        "\t{%",
        "\ts/{%a%}",
        "for",
        "\tfor a in",
        "\tdocker build -t",
        "\t/Dockerfile",
        "a\\",
        "\tdocker build --platform=",
        "é{%é%}é",
        "$(foreach",
        "$(foreach a)",
        "$(call )",
        "define",
        "define a",
        "%: %",
        "\tdocker build '",
        "\tdocker build \"${",
        "\tdone; fi; esac; for; do",
        "\tdocker build -t $(addprefix )",
        "A = $(A)\nB = $(B)$(B)",
        "A = $(A:b=c) $(:=) $(A:=) $(A_$(B_$(C))) $(word x,y) $(word 0,a) $(dir ) $(wildcard /*)",
        "\tcd; cd a b; (cd é && docker build .)))",
        "\tsed s Dockerfile; sed s/ Dockerfile; sed sé Dockerfile; sed -e",
        "$(",
    ] {
        let makefile = makefile::read(text, Vec::new());
        assert!(makefile.builds.iter().all(|build| build.tags.is_empty()), "{text}");
        let _ = draft(&found(
            &format!("{text}\nX = $(\nb:\n\tdocker build -t $(X):$( .\n"),
            &["a"],
            text,
        ));
    }
}
