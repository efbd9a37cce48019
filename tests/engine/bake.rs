//! `plan --format bake`: bake builds the same images as onebuild, digest for digest.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Project, Running, lab_script};

/// Besides placeholders and heredocs, strings that bake would treat as its own templates.
const DOCKERFILE: &str = r#"FROM base:1 AS first
ARG WORD=none
ARG TARGETARCH
RUN echo "${WORD} $TARGETARCH ${WORD:-x} $${WORD} %{WORD} $$ \${WORD}" > /word
COPY --from=more /file /more
FROM first AS last
COPY kept /
LABEL from=<%version%> same='$${x}'
RUN --mount=type=secret,id=pin wc -c < /run/secrets/pin > /pin
FROM first
RUN exit 1
"#;

const MATRIX: &str = r#"tags: ["<%version%>", { tag: newest, when: latest }]
platforms: [linux/amd64, linux/arm64]
axes: { version: 1.0..1.1 }
target: last
args: { WORD: "<%version%> ${HOME} %{if true}", "ODD": "a,b=\"c\" $$${d}" }
labels: { org.example.text: "${x} <%version%>", "odd.$${key}": "1" }
"#;

fn project() -> (Project, Vec<String>) {
    let project = Project::new("bake", MATRIX, DOCKERFILE);
    project.file("context/kept", "kept");
    project.file("context/left", project.nonce());
    project.file("context/.dockerignore", "left\n");
    project.file("further/file", "further");
    project.file("pin", "1234");
    let matrix = format!("{MATRIX}bases: {{ \"base:1\": \"alpine:3.20\" }}\n");
    project.matrix(&matrix);
    let args = [
        "--annotation",
        "org.example.note=a,b=${c}",
        "--build-context",
        "more=further",
        "--secret",
        "id=pin,src=pin",
    ];
    (project, args.map(str::to_owned).to_vec())
}

/// `docker buildx bake` on our file, in the project.
fn bake(project: &Project, args: &[&str]) -> Running {
    let mut command = lab_script("in");
    command.args(["docker", "buildx", "bake", "--file", "bake.json"]).args(args);
    command.current_dir(project.path("."));
    Running::start(command)
}

fn written(project: &Project, args: &[String]) {
    let mut all = vec!["plan", "--format", "bake"];
    all.extend(args.iter().map(String::as_str));
    let run = project.run(&all).success();
    fs::write(project.path("bake.json"), run.stdout).unwrap();
}

#[test]
fn bake_parses_every_string_unchanged() {
    let (project, args) = project();
    written(&project, &args);
    let run = bake(&project, &["--print"]).end().success();
    // Bake prints a bake file again, so it escapes the values that it has parsed, but not the keys.
    let labels = &serde_json::from_str::<Value>(&run.stdout).unwrap()["target"]["1_1"]["labels"];
    assert_eq!(*labels, json!({ "org.example.text": "$${x} 1.1", "odd.$${key}": "1" }));
    let read = run.stdout.replace("$${", "${").replace("%%{", "%{");
    let read: Value = serde_json::from_str(&read).unwrap();
    assert_eq!(read["group"]["default"]["targets"], json!(["1_0", "1_1"]));
    let target = &read["target"]["1_1"];
    assert_eq!(target["dockerfile-inline"], DOCKERFILE.replace("<%version%>", "1.1"));
    assert_eq!(
        target["args"],
        json!({ "WORD": "1.1 ${HOME} %{if true}", "ODD": "a,b=\"c\" $$${d}" })
    );
    let tag = |tag: &str| format!("{}:{tag}", project.repository());
    assert_eq!(target["tags"], json!([tag("1.1"), tag("newest")]));
    assert_eq!(target["platforms"], json!(["linux/amd64", "linux/arm64"]));
    assert_eq!(target["contexts"]["base:1"], "docker-image://docker.io/library/alpine:3.20");
}

#[test]
fn bake_pushes_the_manifests_that_onebuild_pushes() {
    let (project, mut args) = project();
    written(&project, &args);
    args.splice(0..0, ["matrix".to_owned(), "--push".to_owned()]);
    project.run(&args.iter().map(String::as_str).collect::<Vec<_>>()).success();
    let store = project.store();
    let tags = ["1.0", "1.1", "newest"];
    let ours: Vec<_> = tags.iter().map(|tag| (store.digest(tag), store.images(tag))).collect();
    assert_eq!(ours[0].1.len(), 2, "both platforms");
    assert_ne!(ours[0].1, ours[1].1);

    // With other tags than ours, so that bake's own work is compared.
    let text = fs::read_to_string(project.path("bake.json")).unwrap();
    let other = format!("{}-by-bake", project.repository());
    fs::write(project.path("bake.json"), text.replace(&project.repository(), &other)).unwrap();
    bake(&project, &["--push", "--allow=fs.read=*"]).end().success();
    let (host, _) = other.split_once('/').unwrap();
    let name = format!("{}-by-bake", project.repository_name());
    let theirs = crate::support::Store::new(host.to_owned(), name);
    for (tag, (digest, images)) in tags.iter().zip(ours) {
        assert_eq!(theirs.images(tag), images, "{tag}");
        assert_eq!(theirs.digest(tag), digest, "{tag}: the index, annotations included");
    }
}
