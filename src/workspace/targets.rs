//! Where files may be written: not into Git's own directory, because a file there may be a hook that Git
//! runs, and not through a link that leads out of the repository.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::git;
use crate::error::{Error, ErrorKind, why};
use crate::grants::lexical;
use crate::regular;

/// The maximum number of links that Linux follows in one path.
const MOST_LINKS: usize = 40;

/// Fails with the reason if `path` must not be written. The path and its directories need not exist.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    check_granted(path)?;
    let here = std::env::current_dir().map_err(|error| why(&error))?;
    let named = lexical(&here.join(path));
    let real = resolved(&here.join(path)).map_err(|error| why(&error))?;
    match repository(&named, &here).map(|top| top.canonicalize()) {
        Some(Ok(top)) if !real.starts_with(&top) => {
            Err("a link leads out of the repository".to_owned())
        }
        Some(Err(error)) => Err(why(&error)),
        _ => Ok(()),
    }
}

/// The same, but links out of the repository are allowed: [`Access`](super::access::Access) checks them.
pub(crate) fn check_granted(path: &Path) -> Result<(), String> {
    let here = std::env::current_dir().map_err(|error| why(&error))?;
    let named = lexical(&here.join(path));
    if has_git_name(path) || has_git_name(&named) {
        return Err("onebuild does not write into a `.git` directory".to_owned());
    }
    let real = resolved(&here.join(path)).map_err(|error| why(&error))?;
    if has_git_name(&real) || real.ancestors().any(is_git_directory) {
        return Err(
            "a link leads into a Git directory, and onebuild does not write there".to_owned()
        );
    }
    match real.metadata() {
        // Replacing or reading a pipe or a device might never end.
        Ok(found) if !found.is_dir() => regular::check(&found).map_err(|error| why(&error)),
        _ => Ok(()),
    }
}

/// The same for a path that a flag names.
pub(crate) fn check_flag(path: &Path) -> Result<(), Error> {
    check(path).map_err(|why| refused(path, "cannot be written", &why))
}

fn refused(path: &Path, what: &str, why: &str) -> Error {
    let message = format!("{} {what}: {why}", path.display());
    Error::new(ErrorKind::Usage, message).help("choose another path")
}

/// The same for many files in one directory, which is checked only once. `what` starts the error, such
/// as `cannot be written`.
pub(crate) fn check_files<'n>(
    directory: &Path,
    names: impl IntoIterator<Item = &'n str>,
    what: &str,
) -> Result<(), Error> {
    let check = |path: &Path| check(path).map_err(|why| refused(path, what, &why));
    check(directory)?;
    for name in names {
        let path = directory.join(name);
        match path.symlink_metadata() {
            Err(_) if !is_git_name(OsStr::new(name)) => {}
            Ok(found) if found.is_file() && !is_git_name(OsStr::new(name)) => {}
            _ => check(&path)?,
        }
    }
    Ok(())
}

fn has_git_name(path: &Path) -> bool {
    path.components().any(|part| match part {
        Component::Normal(name) => is_git_name(name),
        _ => false,
    })
}

/// Whether some file system treats this name as `.git`: it may ignore case, or trailing dots and spaces.
fn is_git_name(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let name = name.trim_end_matches(['.', ' ']);
    name.eq_ignore_ascii_case(".git") || name.eq_ignore_ascii_case("git~1")
}

/// Whether this is a Git directory under any name, for example a bare repository.
fn is_git_directory(path: &Path) -> bool {
    path.join("HEAD").is_file() && path.join("objects").is_dir() && path.join("refs").is_dir()
}

/// The top of the repository that contains `named` without following links, or the current directory.
fn repository(named: &Path, here: &Path) -> Option<PathBuf> {
    named
        .parent()
        .and_then(git::top)
        .or_else(|| named.starts_with(here).then_some(here))
        .map(Path::to_owned)
}

/// The absolute path with every link followed, including dangling links.
pub(crate) fn resolved(path: &Path) -> io::Result<PathBuf> {
    let parts = |path: &Path| -> Vec<OsString> {
        path.components().map(|part| part.as_os_str().to_owned()).collect()
    };
    let mut left: VecDeque<OsString> = parts(path).into();
    let (mut real, mut links) = (PathBuf::from("/"), 0);
    while let Some(part) = left.pop_front() {
        match part.as_encoded_bytes() {
            b"/" => real = PathBuf::from("/"),
            b"." => {}
            b".." => {
                real.pop();
            }
            _ => {
                let next = real.join(&part);
                match next.read_link() {
                    Ok(target) => {
                        links += 1;
                        if links > MOST_LINKS {
                            return Err(io::Error::other("the links form a loop"));
                        }
                        parts(&target).into_iter().rev().for_each(|part| left.push_front(part));
                    }
                    // Not a link, or missing.
                    Err(_) => real = next,
                }
            }
        }
    }
    Ok(real)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn gits_own_directory_is_recognized_in_any_spelling() {
        for (path, is_git) in [
            (".git/hooks/pre-commit", true),
            ("a/.GIT/x", true),
            (".Git", true),
            ("a/.git", true),
            (".git./x", true),
            ("GIT~1/x", true),
            (".github/workflows/x.yml", false),
            (".gitignore", false),
            ("git/x", false),
            ("x.git/y", false),
        ] {
            assert_eq!(has_git_name(Path::new(path)), is_git, "{path}");
        }
    }

    #[test]
    fn no_link_leads_into_git_or_out_of_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        let repo = at.join("repo");
        fs::create_dir_all(repo.join(".git/hooks")).unwrap();
        for name in ["objects", "refs"] {
            fs::create_dir_all(at.join("bare").join(name)).unwrap();
        }
        fs::write(at.join("bare/HEAD"), "").unwrap();
        fs::create_dir(repo.join("sub")).unwrap();
        for (target, link) in [
            (".git", "direct"),
            (".git/hooks", "hooks"),
            ("hooks/not/yet", "later"),
            ("../bare", "bare"),
            ("sub", "inner"),
            ("..", "out"),
            ("/nonexistent/x", "dangling"),
            ("around", "around"),
        ] {
            symlink(target, repo.join(link)).unwrap();
        }
        for (path, word) in [
            ("Dockerfile", ""),
            ("new/dir/file", ""),
            ("inner/file", ""),
            ("sub/../file", ""),
            ("direct/x", "into a Git directory"),
            ("hooks/pre-commit", "into a Git directory"),
            ("later/deep/er", "into a Git directory"),
            ("bare/hooks/x", "into a Git directory"),
            ("inner/../.GIT/x", "`.git` directory"),
            ("out/file", "out of the repository"),
            ("dangling", "out of the repository"),
            ("around/x", "form a loop"),
        ] {
            let found = check(&repo.join(path));
            match word {
                "" => assert_eq!(found, Ok(()), "{path}"),
                word => assert!(found.clone().unwrap_err().contains(word), "{path}: {found:?}"),
            }
        }
        let together = |names: &[&str]| check_files(&repo, names.iter().copied(), "");
        assert!(together(&["Dockerfile", "new"]).is_ok());
        fs::write(repo.join("present"), "").unwrap();
        assert!(together(&["present"]).is_ok());
        for name in ["direct", "later", "bare", "out", "dangling", "around", ".git"] {
            assert!(together(&["present", name]).is_err(), "{name}");
        }
        assert!(check_files(&repo.join("hooks"), ["pre-commit"], "").is_err());
        // A path outside the repository that the user names is allowed.
        assert_eq!(check(&at.join("elsewhere/file")), Ok(()));
    }
}
