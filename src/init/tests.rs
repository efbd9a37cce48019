//! Tests of drafts from Makefiles.

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
    let file = |name: &&str| ((*name).to_owned(), template.to_owned());
    Found {
        makefile: Some(makefile.to_owned()),
        dockerfiles: directories.iter().map(file).collect(),
        dockerfile: None,
    }
}

fn body(draft: &Draft) -> String {
    let lines = draft.files[0].1.lines().filter(|line| !line.starts_with('#'));
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
        // Without a fixed value it is replaced as before.
        ("P ?= $(Q)\nQ = x", "$(P)-1", "", "tag: x-1", ""),
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
fn syntax_of_make_that_is_not_converted_is_in_no_tag() {
    for recipe in [
        "build-%:\n\tdocker build --build-arg A=$* -t me/app:x-$* -f a/Dockerfile .\n",
        "define rule\nb:\n\tdocker build --build-arg A=$$(2) -t me/app:$$(1) -f a/Dockerfile .\nendef\n",
    ] {
        let draft = draft(&found(recipe, &["a", "b"], "FROM x\n"));
        let lines = body(&draft);
        assert!(lines.contains("tag: <%os%>\n") && !lines.contains('$'), "{lines}");
        let notes = draft.notes.join("\n");
        assert!(notes.contains("tag: `") && notes.contains("was not converted"), "{notes}");
        assert!(notes.contains("args.A: `"), "{notes}");
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
fn missing_information_is_reported() {
    let makefile = "VERSION = 1.0\nbuild:\n\tsed s/{%A%}/$(shell date)/ $(OS)/Dockerfile > x\n\
                    \tdocker build -t $(REPO):x .\n";
    let draft = draft(&found(makefile, &["a", "b"], "FROM a\nRUN {%A%} {%B%}\n"));
    let notes = draft.notes.join("\n");
    for word in [
        "image: the value of `$(REPO)`",
        "contains no repository",
        "tag: <%os%> was added",
        "platforms:",
        "vars.A: the value of `$(shell date)`",
        "vars.B: its value is unknown",
    ] {
        assert!(notes.contains(word), "{word} is not in:\n{notes}");
    }
    assert!(body(&draft).contains("tag: x-<%os%>\n"), "{}", body(&draft));
}

#[test]
fn an_else_without_a_value_and_recursive_variables_are_accepted() {
    let makefile = "A = $(B)\nB = $(A)\nifeq ($(T),x)\n\tS := -x\nelse\n\tS := -y\nendif\n\
                    b:\n\tdocker build -t r:$(A)$(S) .\n";
    let draft = draft(&Found {
        makefile: Some(makefile.to_owned()),
        dockerfile: Some("FROM a\n".to_owned()),
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
        "$(",
    ] {
        let makefile = makefile::read(text);
        assert!(makefile.tag.is_none(), "{text}");
        let _ = draft(&found(
            &format!("{text}\nX = $(\nb:\n\tdocker build -t $(X):$( .\n"),
            &["a"],
            text,
        ));
    }
}
