//! Sources of every kind, on disk.

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

struct Folder(TempDir);

impl Folder {
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

    /// A pipe that `content` is written to, once somebody reads it.
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

/// Reads `secrets`, each the only one of a request, under the id `s`.
fn read(secrets: &[Secret]) -> (HeldSecrets, String) {
    read_within(secrets, Duration::from_secs(60))
}

fn read_within(secrets: &[Secret], patience: Duration) -> (HeldSecrets, String) {
    let request = |secret: &Secret| {
        let mut request = crate::driver::samples::request();
        request.recipe.inputs.secrets = [("s".to_owned(), secret.clone())].into();
        request
    };
    let requests: Vec<_> = secrets.iter().map(request).collect();
    let mut reader = SecretReader { environment: ENVIRONMENT, waiting: &mut |_| {} };
    let (held, found) = reader.read_within(&requests, patience);
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
fn what_is_there_is_fine_and_what_is_not_is_an_error() {
    let folder = Folder::new();
    let _listener = UnixListener::bind(folder.path("socket")).unwrap();
    let gone = file(&folder.path("gone"));
    for (secret, wanted) in [
        (variable("TOKEN"), ""),
        (variable("BYTES"), ""),
        (folder.file("full", vec![b'x'; MAX_SECRET]), ""),
        // It says that it has no size.
        (file(Path::new("/proc/self/cmdline")), ""),
        (optional(&variable("UNSET")), ""),
        (optional(&gone), ""),
        (variable("UNSET"), "error: the secret `s` cannot be read: the variable UNSET is not set"),
        (variable("LARGE"), "larger than 500 KiB"),
        (gone, "gone: no such file"),
        (folder.file("large", vec![b'x'; MAX_SECRET + 1]), "large: it is larger than 500 KiB"),
        (file(folder.0.path()), "directory"),
        (optional(&file(folder.0.path())), "directory"),
        (file(&folder.path("socket")), "it is a socket"),
        (file(Path::new("/dev/zero")), "/dev/zero: it is larger than 500 KiB"),
        (variable("EMPTY"), "warning[empty-secret]: the secret `s` is empty: the variable EMPTY"),
        (folder.file("empty", ""), "warning[empty-secret]: the secret `s` is empty: the file"),
        (file(Path::new("/dev/null")), "warning[empty-secret]: the secret `s` is empty: the file"),
        (folder.pipe("silent", ""), "warning[empty-secret]: the secret `s` is empty: the file"),
    ] {
        let (_, found) = read(std::slice::from_ref(&secret));
        assert!(found.contains(wanted), "{secret}: {found}");
        assert_eq!(found.is_empty(), wanted.is_empty(), "{secret}: {found}");
        assert!(!found.contains("from outside"), "{found}");
    }
}

#[test]
fn an_error_says_where_it_is_written_and_what_to_do() {
    for (secret, words) in [
        (variable("X"), &["set X", "add optional=true to --secret"][..]),
        (Secret { span: Some(span()), ..variable("X") }, &["matrix.yaml:1:1", "`optional: true`"]),
        (file(Path::new("s")), &["set the variable s, or name a file: --secret id=s,src=PATH"]),
        (
            file(Path::new("./gone")),
            &["put the file there, or name another: --secret id=s,src=PATH"],
        ),
    ] {
        let (_, found) = read(std::slice::from_ref(&secret));
        words.iter().for_each(|word| assert!(found.contains(word), "{word}: {found}"));
    }
}

#[tokio::test]
async fn a_pipe_is_read_once_and_given_to_whoever_asks() {
    let folder = Folder::new();
    let pipe = folder.pipe("pipe", "token");
    let link = folder.path("link");
    std::os::unix::fs::symlink(folder.path("pipe"), &link).unwrap();
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
fn a_pipe_that_nobody_writes_to_does_not_hold_the_run() {
    let folder = Folder::new();
    let path = folder.path("pipe");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let (_, found) = read_within(&[file(&path)], Duration::ZERO);
    assert!(found.contains("pipe: it did not end within 0 s"), "{found}");
    assert!(found.contains("--secret id=s,env=VARIABLE"), "{found}");
    // Lets the thread go that waits for it.
    File::options().read(true).write(true).open(path).unwrap();
}

#[tokio::test]
async fn files_and_variables_are_read_when_they_are_asked_for() {
    let folder = Folder::new();
    let secret = folder.file("secret", "one");
    let path = folder.path("secret");
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
