use std::path::Path;

use super::*;

const HELPERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/helpers");

fn credentials(config: &str) -> Credentials {
    let config = DockerConfig::parse(Path::new("config.json"), config.as_bytes()).unwrap();
    Credentials::new(config, OsStr::new(HELPERS))
}

async fn lookup(config: &str, host: &str) -> String {
    shown(credentials(config).lookup(host).await)
}

fn shown(answer: Answer) -> String {
    match answer {
        Ok(None) => "none".to_owned(),
        Ok(Some(Login::Password { username, password })) => {
            format!("{username}:{}", password.expose())
        }
        Ok(Some(Login::IdentityToken(token))) => format!("token {}", token.expose()),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn keys_match_hosts_as_docker_matches_them() {
    // dTpw is u:p
    for (key, host, expected) in [
        ("a.example", "a.example", "u:p"),
        ("a.example", "A.example", "u:p"),
        ("https://a.example", "a.example", "u:p"),
        ("http://a.example/v2/", "a.example", "u:p"),
        ("a.example:5000", "a.example:5000", "u:p"),
        ("a.example:5000", "a.example", "none"),
        ("a.example", "a.example:5000", "none"),
        ("a.example", "b.a.example", "none"),
        ("b.a.example", "a.example", "none"),
        ("a.example", "", "none"),
        ("", "a.example", "none"),
        ("https://index.docker.io/v1/", "docker.io", "u:p"),
        ("https://index.docker.io/v1/", "registry-1.docker.io", "u:p"),
        ("https://index.docker.io/v1/", "index.docker.io", "u:p"),
        ("docker.io", "registry-1.docker.io", "u:p"),
        ("https://index.docker.io/v1/access-token", "docker.io", "none"),
    ] {
        let config = format!(r#"{{"auths": {{"{key}": {{"auth": "dTpw"}}}}}}"#);
        assert_eq!(lookup(&config, host).await, expected, "{key} for {host}");
    }
}

#[tokio::test]
async fn an_exact_key_takes_precedence_over_one_with_a_scheme() {
    let config = r#"{"auths": {"https://a.example": {"auth": "dTpw"},
        "a.example": {"username": "me", "password": "mine"}}}"#;
    assert_eq!(lookup(config, "a.example").await, "me:mine");
}

#[tokio::test]
async fn every_form_of_an_entry_is_read() {
    for (entry, expected) in [
        ("{}", "none"),
        (r#"{"auth": ""}"#, "none"),
        (r#"{"auth": "dTpwOnE="}"#, "u:p:q"),
        (r#"{"auth": "dTpwAAA="}"#, "u:p"),
        (r#"{"username": "me", "password": "mine"}"#, "me:mine"),
        (r#"{"auth": "dTo=", "identitytoken": "t"}"#, "token t"),
        (r#"{"AUTH": "dTpw\n"}"#, "u:p"),
        (r#"{"auth": "dT\r\npw\n"}"#, "u:p"),
        // `u:p1`, with bits set that the padding does not use.
        (r#"{"auth": "dTpwMR=="}"#, "u:p1"),
        (r#"{"auth": "dTpw", "identitytoken": ""}"#, "u:p"),
        (r#"{"auth": null, "password": null}"#, "none"),
        ("null", "none"),
    ] {
        let config = format!(r#"{{"auths": {{"a": {entry}}}}}"#);
        assert_eq!(lookup(&config, "a").await, expected, "{entry}");
    }
}

#[tokio::test]
async fn a_malformed_entry_is_no_login_and_is_named_if_one_is_needed() {
    for auth in ["!", "dQ==", "dTpw=", "OnA="] {
        let text = format!(r#"{{"auths": {{"https://a/v1/": {{"auth": "{auth}"}}}}}}"#);
        assert_eq!(lookup(&text, "a").await, "none", "{auth}");
        let credentials = credentials(&text);
        let expected = "the login for https://a/v1/ in config.json is not base64 of user:password";
        let problem = |host| credentials.unreadable(host).map(ToString::to_string);
        assert_eq!(problem("a").as_deref(), Some(expected), "{auth}");
        assert_eq!(problem("b"), None, "{auth}");
    }
}

#[tokio::test]
async fn the_variable_comes_before_the_file_and_its_helpers() {
    let with = |config: &str, variable: &str| {
        let config = DockerConfig::parse(Path::new("config.json"), config.as_bytes()).unwrap();
        let config = config.with_logins_of_variable(OsStr::new(variable));
        Credentials::new(config, OsStr::new(HELPERS))
    };
    let variable = r#"{"auths": {"https://a.example/v1/": {"auth": "dTpw"},
        "https://index.docker.io/v1/": {"auth": "aDpo"}, "empty.example": {}}}"#;
    for (config, host, expected) in [
        ("", "a.example", "u:p"),
        ("", "docker.io", "h:h"),
        ("", "b.example", "none"),
        (r#"{"auths": {"a.example": {"auth": "eDp5"}}}"#, "a.example", "u:p"),
        (r#"{"auths": {"b.example": {"auth": "eDp5"}}}"#, "b.example", "x:y"),
        (r#"{"auths": {"empty.example": {"auth": "eDp5"}}}"#, "empty.example", "x:y"),
        (r#"{"credsStore": "broken"}"#, "a.example", "u:p"),
        (r#"{"credHelpers": {"a.example": "broken"}}"#, "a.example", "u:p"),
        (r#"{"credHelpers": {"b.example": "token"}}"#, "b.example", "token of-a-helper"),
    ] {
        assert_eq!(shown(with(config, variable).lookup(host).await), expected, "{config} {host}");
    }
    // An invalid variable is skipped; it matters only if a login is needed.
    let credentials = with(r#"{"auths": {"a.example": {"auth": "eDp5"}}}"#, "canary-7f3a");
    let login = credentials.lookup("a.example").await;
    assert_eq!(shown(login), "x:y");
    let problem = credentials.unreadable("b.example").unwrap();
    let text = format!("{problem} {problem:?} {}", problem.help());
    assert!(text.starts_with("DOCKER_AUTH_CONFIG:1:1: invalid JSON"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test]
async fn a_helper_returns_the_login_for_a_server() {
    for (config, host, expected) in [
        (r#"{"credsStore": "echo"}"#, "a.example:5000", "me:secret of a.example:5000"),
        (r#"{"credsStore": "echo"}"#, "docker.io", "me:secret of https://index.docker.io/v1/"),
        (r#"{"credHelpers": {"a.example": "token"}}"#, "a.example", "token of-a-helper"),
        (r#"{"credHelpers": {"a.example": "token"}}"#, "b.example", "none"),
        (
            r#"{"credsStore": "echo", "credHelpers": {"docker.io": "token"}}"#,
            "registry-1.docker.io",
            "token of-a-helper",
        ),
        (r#"{"credsStore": "empty"}"#, "a.example", "none"),
    ] {
        assert_eq!(lookup(config, host).await, expected, "{config}");
    }
}

#[tokio::test]
async fn there_is_no_fallback_from_the_store_to_the_file() {
    let config = r#"{"credsStore": "unknown", "auths": {"a": {"auth": "dTpw"}}}"#;
    assert_eq!(lookup(config, "a").await, "none");
}

#[tokio::test]
async fn an_empty_helper_name_selects_the_file_for_that_host() {
    let config = r#"{"credsStore": "unknown", "credHelpers": {"a": ""},
        "auths": {"a": {"auth": "dTpw"}}}"#;
    assert_eq!(lookup(config, "a").await, "u:p");
}

#[tokio::test]
async fn a_failing_helper_is_named_and_its_output_is_not_quoted() {
    for (helper, expected) in [
        ("absent", "docker-credential-absent, which config.json names for a, is not on the PATH"),
        ("broken", "docker-credential-broken failed for a: exit status: 3"),
        ("garbage", "docker-credential-garbage returned invalid JSON for a"),
        ("endless", "docker-credential-endless returned more than 64 KiB for a"),
        ("../echo", "the credential helper that config.json names for a is not a plain name"),
    ] {
        let config = format!(r#"{{"credsStore": "{helper}"}}"#);
        let error = credentials(&config).lookup("a").await.unwrap_err();
        let shown = format!("{error} {error:?} {}", error.help());
        assert!(shown.contains(expected), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn a_hanging_helper_is_killed_with_its_children() {
    let directory = tempfile::tempdir().unwrap();
    let program = "docker-credential-hang";
    std::os::unix::fs::symlink(Path::new(HELPERS).join(program), directory.path().join(program))
        .unwrap();
    let config = DockerConfig::parse(Path::new("c"), br#"{"credsStore": "hang"}"#).unwrap();
    let credentials = Credentials {
        timeout: Duration::from_millis(500),
        ..Credentials::new(config, directory.path().as_os_str())
    };
    let error = credentials.lookup("a").await.unwrap_err().to_string();
    assert!(error.contains("docker-credential-hang did not answer for a within 0.5 s"), "{error}");

    let started = std::fs::read_to_string(directory.path().join("started")).unwrap();
    let process = Path::new("/proc").join(started.trim());
    let gone = || match std::fs::read_to_string(process.join("stat")) {
        // A zombie that has not been reaped yet counts as gone.
        Ok(stat) => stat.contains(") Z "),
        Err(_) => true,
    };
    for _ in 0..100 {
        if gone() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} is still running", process.display());
}

#[tokio::test]
async fn a_helper_runs_once_per_host_for_all_cells() {
    let directory = tempfile::tempdir().unwrap();
    let program = "docker-credential-count";
    std::os::unix::fs::symlink(Path::new(HELPERS).join(program), directory.path().join(program))
        .unwrap();
    let config = DockerConfig::parse(Path::new("c"), br#"{"credsStore": "count"}"#).unwrap();
    let credentials = Credentials::new(config, directory.path().as_os_str());
    let lookups = (0..36).map(|_| credentials.lookup("a.example"));
    let logins = futures::future::join_all(lookups).await;
    assert!(logins.iter().all(|login| matches!(login, Ok(Some(_)))));
    credentials.lookup("b.example").await.unwrap();
    let calls = std::fs::read_to_string(directory.path().join("calls")).unwrap();
    assert_eq!(calls.lines().count(), 2, "one for each host");
}

#[tokio::test]
async fn debug_output_of_a_login_does_not_show_its_secret() {
    // bWU6Y2FuYXJ5LTdmM2E= is me:canary-7f3a
    let config = r#"{"auths": {
        "a": {"auth": "bWU6Y2FuYXJ5LTdmM2E="},
        "b": {"username": "me", "password": "canary-7f3a"},
        "c": {"identitytoken": "canary-7f3a"}}}"#;
    let credentials = credentials(config);
    for host in ["a", "b", "c"] {
        let login = credentials.lookup(host).await.unwrap().unwrap();
        let shown = format!("{login:?} {login:#?} {credentials:?} {credentials:#?}");
        assert!(shown.contains("[redacted]"), "{shown}");
        for secret in ["canary", "Y2FuYXJ5"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    assert_eq!(format!("{}", Secret::new("canary-7f3a")), "[redacted]");
}

/// Credentials with this config file in a new directory.
fn stored_in(directory: &Path, config: &str) -> Credentials {
    let path = directory.join("config.json");
    std::fs::write(&path, config).unwrap();
    for program in ["docker-credential-keep", "docker-credential-broken"] {
        let link = directory.join(program);
        std::os::unix::fs::symlink(Path::new(HELPERS).join(program), link).unwrap();
    }
    Credentials::new(DockerConfig::read(&path), directory.as_os_str())
}

#[tokio::test]
async fn a_login_is_stored_in_the_file_under_dockers_key_and_erased_under_every_key() {
    for (host, key) in [
        ("a.example:5000", "a.example:5000"),
        ("docker.io", "https://index.docker.io/v1/"),
        ("registry-1.docker.io", "https://index.docker.io/v1/"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        let old = r#"{"auths": {"https://a.example:5000/v1/": {"auth": "dTpw"}, "b": {}}}"#;
        let credentials = stored_in(directory.path(), old);
        let stored = credentials.store(host, "me", &Secret::new("canary")).await.unwrap();
        assert_eq!(stored, Stored::File(path.clone()));
        let login = Credentials::new(DockerConfig::read(&path), OsStr::new("")).lookup(host).await;
        assert_eq!(shown(login), "me:canary");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(&format!("\"{key}\": {{\n\t\t\t\"auth\": ")), "{text}");
        assert!(credentials.erase(host).await.unwrap());
        assert!(!credentials.erase(host).await.unwrap());
        let after = Credentials::new(DockerConfig::read(&path), OsStr::new("")).lookup(host).await;
        assert_eq!(shown(after), "none");
        assert!(std::fs::read_to_string(&path).unwrap().contains("\"b\": {}"));
    }
}

#[tokio::test]
async fn the_helper_of_a_host_stores_its_login_and_the_file_only_names_the_host() {
    for config in [r#"{"credsStore": "keep"}"#, r#"{"credHelpers": {"a.example": "keep"}}"#] {
        let directory = tempfile::tempdir().unwrap();
        let credentials = stored_in(directory.path(), config);
        let stored = credentials.store("a.example", "me", &Secret::new("canary")).await.unwrap();
        assert_eq!(stored, Stored::Helper("docker-credential-keep".to_owned()));
        let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
        let kept: serde_json::Value = serde_json::from_str(&read("kept")).unwrap();
        let expected = serde_json::json!(
            { "ServerURL": "a.example", "Username": "me", "Secret": "canary" });
        assert_eq!(kept, expected);
        assert!(!read("config.json").contains("canary"));
        assert!(read("config.json").contains("\"a.example\": {}"), "{}", read("config.json"));
        assert_eq!(shown(credentials.lookup("a.example").await), "me:canary");
        assert!(credentials.erase("a.example").await.unwrap());
        assert_eq!(read("erased"), "a.example");
        assert!(!credentials.erase("a.example").await.unwrap());
        assert_eq!(read("requests"), "store\nget\nerase\nerase\n");
    }
}

#[tokio::test]
async fn a_login_that_cannot_be_stored_leaves_the_file_and_is_not_shown() {
    for (config, expected) in [
        (r#"{"credsStore": "broken"}"#, "docker-credential-broken failed for a.example"),
        (r#"{"credsStore": "absent"}"#, "docker-credential-absent, which "),
        ("{\"auths\": 7", "config.json was not changed: 1:11: invalid JSON"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let credentials = stored_in(directory.path(), config);
        let secret = Secret::new("canary-7f3a");
        let error = credentials.store("a.example", "me", &secret).await.unwrap_err();
        let text = format!("{error} {error:?} {}", error.help());
        assert!(text.contains(expected) && !text.contains("canary"), "{text}");
        let after = std::fs::read_to_string(directory.path().join("config.json")).unwrap();
        assert_eq!(after, config);
    }
}
