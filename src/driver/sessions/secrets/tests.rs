//! Secrets from all kinds of sources on disk.

use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::*;
use crate::error::{SourceFile, Span};

const ENVIRONMENT: Environment = |name| match name {
    "TOKEN" => Some("from outside".into()),
    "EMPTY" => Some("".into()),
    "LARGE" => Some("x".repeat(MAX_SECRET + 1).into()),
    "BYTES" => Some(OsString::from_vec(vec![0xff, 0xfe])),
    _ => None,
};

struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Secret {
        fs::write(self.path(name), content).unwrap();
        file(&self.path(name))
    }

    /// A pipe; a thread writes `content` to it when it is read.
    fn pipe(&self, name: &str, content: &'static str) -> Secret {
        let path = self.path(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let secret = file(&path);
        std::thread::spawn(move || fs::write(path, content).unwrap());
        secret
    }
}

fn file(path: &Path) -> Secret {
    SecretSource::File(path.to_owned()).into()
}

fn variable(name: &str) -> Secret {
    SecretSource::Variable(name.to_owned()).into()
}

fn optional(secret: &Secret) -> Secret {
    Secret { optional: true, ..secret.clone() }
}

fn span() -> Span {
    SourceFile::new("matrix.yaml", "secrets: {}").span(0..7)
}

/// Reads `secrets`, each the only one of a request, with the ID `s`.
fn read(secrets: &[Secret]) -> (HeldSecrets, String) {
    read_within(secrets, Duration::from_secs(60))
}

fn read_within(secrets: &[Secret], timeout: Duration) -> (HeldSecrets, String) {
    let request = |secret: &Secret| {
        let mut request = crate::driver::samples::request();
        request.recipe.inputs.secrets = [("s".to_owned(), secret.clone())].into();
        request
    };
    let requests: Vec<_> = secrets.iter().map(request).collect();
    let mut reader = SecretReader { environment: ENVIRONMENT, waiting: &mut |_| {} };
    let (held, found) = reader.read_within(&requests, timeout);
    (held, found.to_string())
}

fn session(source: &Secret, held: HeldSecrets) -> Secrets {
    Secrets {
        sources: [("s".to_owned(), source.source.clone())].into(),
        optional: source.optional.then(|| "s".to_owned()).into_iter().collect(),
        held,
        environment: ENVIRONMENT,
    }
}

#[test]
fn missing_or_unusable_sources_are_errors() {
    let directory = Directory::new();
    let _listener = UnixListener::bind(directory.path("socket")).unwrap();
    let gone = file(&directory.path("gone"));
    for (secret, wanted) in [
        (variable("TOKEN"), ""),
        (variable("BYTES"), ""),
        (directory.file("full", vec![b'x'; MAX_SECRET]), ""),
        // Its reported size is 0.
        (file(Path::new("/proc/self/cmdline")), ""),
        (optional(&variable("UNSET")), ""),
        (optional(&gone), ""),
        (variable("UNSET"), "error: the secret `s` cannot be read: the variable UNSET is not set"),
        (variable("LARGE"), "larger than 500 KiB"),
        (gone, "gone: no such file"),
        (directory.file("large", vec![b'x'; MAX_SECRET + 1]), "large: it is larger than 500 KiB"),
        (file(directory.0.path()), "directory"),
        (optional(&file(directory.0.path())), "directory"),
        (file(&directory.path("socket")), "it is a socket"),
        (file(Path::new("/dev/zero")), "/dev/zero: it is larger than 500 KiB"),
        (variable("EMPTY"), "warning[empty-secret]: the secret `s` is empty: the variable EMPTY"),
        (directory.file("empty", ""), "warning[empty-secret]: the secret `s` is empty: the file"),
        (file(Path::new("/dev/null")), "warning[empty-secret]: the secret `s` is empty: the file"),
        (directory.pipe("silent", ""), "warning[empty-secret]: the secret `s` is empty: the file"),
    ] {
        let (_, found) = read(std::slice::from_ref(&secret));
        assert!(found.contains(wanted), "{secret}: {found}");
        assert_eq!(found.is_empty(), wanted.is_empty(), "{secret}: {found}");
        assert!(!found.contains("from outside"), "{found}");
    }
}

#[test]
fn an_error_has_a_location_and_help() {
    for (secret, words) in [
        (variable("X"), &["set X", "add optional=true to --secret"][..]),
        (Secret { span: Some(span()), ..variable("X") }, &["matrix.yaml:1:1", "`optional: true`"]),
        (file(Path::new("s")), &["set the variable s, or use a file: --secret id=s,src=PATH"]),
        (
            file(Path::new("./gone")),
            &["create the file, or use another one: --secret id=s,src=PATH"],
        ),
    ] {
        let (_, found) = read(std::slice::from_ref(&secret));
        words.iter().for_each(|word| assert!(found.contains(word), "{word}: {found}"));
    }
}

#[tokio::test]
async fn a_pipe_is_read_once_and_serves_every_lookup() {
    let directory = Directory::new();
    let pipe = directory.pipe("pipe", "token");
    let link = directory.path("link");
    std::os::unix::fs::symlink(directory.path("pipe"), &link).unwrap();
    let (held, found) = read(&[pipe.clone(), file(&link), pipe.clone()]);
    assert_eq!(found, "");
    for source in [&pipe, &file(&link)] {
        let session = session(source, held.clone());
        for _ in 0..2 {
            assert_eq!(session.lookup("s").await.unwrap().unwrap(), b"token");
        }
    }
}

#[test]
fn a_pipe_without_a_writer_times_out() {
    let directory = Directory::new();
    let path = directory.path("pipe");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let (_, found) = read_within(&[file(&path)], Duration::ZERO);
    assert!(found.contains("pipe: timed out: it did not end within 0 s"), "{found}");
    assert!(found.contains("--secret id=s,env=VARIABLE"), "{found}");
    // Unblocks the waiting thread.
    File::options().read(true).write(true).open(path).unwrap();
}

#[tokio::test]
async fn files_and_variables_are_read_on_lookup() {
    let directory = Directory::new();
    let secret = directory.file("secret", "one");
    let path = directory.path("secret");
    let (held, _) = read(std::slice::from_ref(&secret));
    let lookup = session(&secret, held);
    fs::write(&path, "two\n").unwrap();
    assert_eq!(lookup.lookup("s").await.unwrap().unwrap(), b"two\n");
    fs::write(&path, vec![b'x'; 2 * MAX_SECRET]).unwrap();
    assert_eq!(lookup.lookup("s").await.unwrap().unwrap().len(), MAX_SECRET + 1);
    fs::remove_file(&path).unwrap();
    let error = lookup.lookup("s").await.unwrap_err();
    assert!(error.starts_with(path.to_str().unwrap()), "{error}");
    let lookup = session(&optional(&secret), HeldSecrets::default());
    assert_eq!(lookup.lookup("s").await.unwrap(), None);

    let of = |name: &str| session(&variable(name), HeldSecrets::default());
    assert_eq!(of("TOKEN").lookup("s").await.unwrap().unwrap(), b"from outside");
    assert_eq!(of("BYTES").lookup("s").await.unwrap().unwrap(), [0xff, 0xfe]);
    assert_eq!(of("EMPTY").lookup("s").await.unwrap().unwrap(), b"");
    assert_eq!(of("UNSET").lookup("s").await.unwrap(), None);
    assert_eq!(of("TOKEN").lookup("other").await.unwrap(), None);
}
