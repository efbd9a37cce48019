use super::{cell, cells, family, wrong};
use crate::input::MediaTypes;
use crate::matrix::Cell;

#[test]
fn contexts_secrets_agents_and_caches_are_read() {
    let text = family(
        "contexts: { shared: ../<%os%>, base: \"docker-image://alpine:<%version%>\", src: https://x.example/a.git }
secrets: { token: { env: TOKEN }, rc: { optional: true, file: <%os%>/.npmrc } }
ssh: [default, \"deploy=/run/<%os%>.sock\"]
cache_from: [me/cache, { type: gha }]
cache_to: \"type=registry,ref=me/cache:<%tag%>,mode=max\"
overrides:
  - { os: alpine, ssh: { deploy: /run/other.sock }, cache_to: { type: inline }, secrets: { token: { file: t } } }
",
    );
    let cells = cells(&text);
    let shown = |cell: &Cell| {
        let contexts =
            cell.inputs.contexts.iter().map(|(name, context)| format!("{name}={context}"));
        let secrets = cell.inputs.secrets.iter().map(|(id, secret)| format!("{id}={secret}"));
        let ssh = cell.inputs.ssh.iter().map(|(id, sockets)| format!("{id}={sockets:?}"));
        let caches = cell.caches.from.iter().chain(&cell.caches.to).map(ToString::to_string);
        contexts.chain(secrets).chain(ssh).chain(caches).collect::<Vec<_>>()
    };
    assert_eq!(
        shown(&cells[0]),
        [
            "shared=../ubuntu",
            "base=docker-image://alpine:2.0.0",
            "src=https://x.example/a.git",
            "token=the variable TOKEN",
            "rc=the file ubuntu/.npmrc, optional",
            "default=[]",
            "deploy=[\"/run/ubuntu.sock\"]",
            "type=registry,ref=me/cache",
            "type=gha",
            "type=registry,ref=me/cache:ubuntu-2.0.0,mode=max",
        ]
    );
    let last = shown(cell(&cells, "alpine-2.0.0"));
    for wanted in ["token=the file t", "deploy=[\"/run/other.sock\"]", "type=inline"] {
        assert!(last.iter().any(|shown| shown == wanted), "{wanted}: {last:?}");
    }
}

#[test]
fn every_error_in_an_input_has_its_place() {
    for (more, place, words) in [
        ("labels: x", "7:9", "a map of `key: value`, or `auto`"),
        ("labels: { auto: yes }", "7:17", "write true, false, or a list of cell, git, base"),
        ("labels: { auto: { a: b } }", "7:17", "this is a map"),
        ("labels: { auto: [cell, bases] }", "7:24", "did you mean `base`?"),
        ("annotations: [a]", "7:14", "this is a list"),
        ("network: x", "7:10", "networks: default, none, host"),
        ("retry: { when: [null] }", "7:17", "`retry.when` cannot be `null`"),
        ("retry: { when: [\"null\", ~] }", "7:25", "`retry.when` cannot be `~`"),
        ("retries: 3", "7:1", "write `retry: { retries: … }`"),
        ("timeout: 3m", "7:1", "write `test: { timeout: … }`"),
        ("contexts: { a: \"docker-image://A\" }", "7:17", "upper-case"),
        ("contexts: { a: ftp://x }", "7:16", "not a supported kind of context"),
        ("contexts: { a: \"oci-layout://:x\" }", "7:17", "write oci-layout://PATH"),
        ("contexts: { a: \"docker-image://<%os%>:A:b\" }", "7:17", "it renders to"),
        ("secrets: { a: { value: x } }", "7:17", "known keys: file, env, optional"),
        ("secrets: { a: { optional: true } }", "7:15", "requires exactly one source"),
        ("secrets: { a: { env: X, optional: yes } }", "7:35", "`optional` must be true or false"),
        ("secrets: { a: { file: x, env: y } }", "7:15", "requires exactly one source"),
        ("secrets: { a: {} }", "7:15", "requires exactly one source"),
        ("secrets: { a: { env: \"a=b\" } }", "7:23", "not the name of a variable"),
        ("secrets: { a: }", "7:12", "write the place of the secret"),
        ("ssh: [a, a]", "7:10", "listed twice"),
        ("ssh: \"=x\"", "7:6", "`default` or `ID=PATH`"),
        ("cache_to: \"mode=max\"", "7:11", "type=registry|inline|local|gha is missing"),
        ("cache_to: { mode: max }", "7:11", "types: registry"),
        ("cache_to: { type: registy }", "7:19", "did you mean `registry`?"),
        ("cache_from: [\"type=lcoal,src=x\"]", "7:14", "did you mean `local`?"),
        ("cache_from: \"<%os%>,,\"", "7:14", "it renders to `ubuntu,,`"),
    ] {
        let shown = wrong(&family(more));
        assert!(shown.contains(&format!("--> matrix.yaml:{place}\n")), "{more}\n{shown}");
        assert!(shown.contains(words), "{more}\n{shown}");
    }
}

#[test]
fn a_secret_written_into_the_file_is_not_shown() {
    for more in ["secrets: { a: hunter2 }", "secrets: { a: [hunter2] }"] {
        let shown = wrong(&family(more));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("matrix.yaml:7:15") && shown.contains("env: VARIABLE"), "{shown}");
    }
}

#[test]
fn media_types_are_those_of_the_oci_unless_a_cell_says_docker() {
    let text = family("overrides:\n  - { os: alpine, media_types: docker }\n");
    let types = |cell: &Cell| (cell.name.starts_with("alpine"), cell.media_types);
    for (is_alpine, found) in cells(&text).iter().map(types) {
        let wanted = if is_alpine { MediaTypes::Docker } else { MediaTypes::Oci };
        assert_eq!(found, wanted);
    }
    let error = wrong(&family("media_types: dokcer\n"));
    assert!(
        error.contains("known kinds: oci, docker") || error.contains("did you mean `docker`?"),
        "{error}"
    );
}
