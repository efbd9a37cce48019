use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::*;

/// A directory with these files (content is the path), directories (`d/`) and links (`l -> to`).
fn tree(entries: &[&str]) -> (tempfile::TempDir, Folder) {
    let root = tempfile::tempdir().unwrap();
    for entry in entries {
        let (path, target) = entry.split_once(" -> ").map_or((*entry, None), |(p, t)| (p, Some(t)));
        let at = root.path().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        match target {
            Some(target) => symlink(target, at).unwrap(),
            None if path.ends_with('/') => fs::create_dir_all(at).unwrap(),
            None => fs::write(at, path).unwrap(),
        }
    }
    let directory = Folder::open(root.path()).unwrap();
    (root, directory)
}

fn entries(directory: &Folder, selection: Selection<'_>) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let _ = directory.walk(selection, &mut |entry| {
        entries.push(entry);
        Ok(())
    })?;
    Ok(entries)
}

fn own(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

/// Paths sent for include, exclude and follow lists.
fn paths(directory: &Folder, include: &[&str], exclude: &[&str], follow: &[&str]) -> Vec<String> {
    let (include, exclude, follow) = (own(include), own(exclude), own(follow));
    let selection = Selection { include: &include, exclude: &exclude, follow: &follow };
    entries(directory, selection).unwrap().into_iter().map(|entry| entry.path).collect()
}

#[test]
fn order_is_that_of_path_components() {
    let (_root, directory) = tree(&["a.txt", "a/z", "a/b/c", "a-b", "B", "é"]);
    assert_eq!(
        paths(&directory, &[], &[], &[]),
        ["B", "a", "a/b", "a/b/c", "a/z", "a-b", "a.txt", "é"]
    );
}

#[test]
fn selections_match_docker() {
    let (_root, directory) =
        tree(&["a/b/c", "a/b/d", "a/e", "f", "g/h", "node_modules/x/y", "g/node_modules/z"]);
    type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        (&["a/b/c"], &[], &["a", "a/b", "a/b/c"]),
        (&["a/b"], &[], &["a", "a/b", "a/b/c", "a/b/d"]),
        (&["*/b/[c]"], &[], &["a", "a/b", "a/b/c"]),
        (&["f", "nowhere"], &[], &["f"]),
        (&[], &["*", "!a/b/d"], &["a", "a/b", "a/b/d"]),
        (&[], &["**", "!f"], &["f"]),
        (&[], &["a/b", "**/node_modules"], &["a", "a/e", "f", "g", "g/h"]),
        (&[], &["**", "!**/h"], &["g", "g/h"]),
        (&["a"], &["a/b/*"], &["a", "a/b", "a/e"]),
        (&["a"], &["a", "!a/b/c"], &["a", "a/b", "a/b/c"]),
        (&[], &["*"], &[]),
        (&["!f"], &[], &[]),
    ];
    for (include, exclude, expected) in cases {
        assert_eq!(
            paths(&directory, include, exclude, &[]),
            *expected,
            "include {include:?} exclude {exclude:?}"
        );
    }
}

#[test]
fn links_in_a_path_are_followed_and_sent_as_links() {
    let (_root, directory) = tree(&[
        "dir/foo",
        "dir/l1 -> foo",
        "l2 -> dir/l1",
        "bar",
        "abs -> /dir/foo",
        "up/out -> ../../../bar",
        "sub -> dir",
        "loop -> loop",
        "grow -> grow/x",
        "all/1 -> ../bar",
        "all/2",
        "gone -> nowhere",
        "here -> .",
        "two -> sub/l1",
    ]);
    type Case<'a> = (&'a [&'a str], &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        (&["l2"], &["dir", "dir/foo", "dir/l1", "l2"]),
        (&["/abs"], &["abs", "dir", "dir/foo"]),
        (&["up/out"], &["bar", "up", "up/out"]),
        (&["sub/foo"], &["dir", "dir/foo", "sub"]),
        (&["sub/foo", "sub/l1"], &["dir", "dir/foo", "dir/l1", "sub"]),
        (&["two"], &["dir", "dir/foo", "dir/l1", "sub", "two"]),
        (&["loop"], &["loop"]),
        (&["grow"], &["grow"]),
        (&["all/*"], &["all", "all/1", "all/2", "bar"]),
        (&["gone"], &["gone"]),
        (&["missing/x", "bar"], &["bar"]),
        (&["b*"], &["bar"]),
    ];
    for (follow, expected) in cases {
        assert_eq!(paths(&directory, &[], &[], follow), *expected, "{follow:?}");
    }
    let everything = paths(&directory, &[], &[], &[]);
    assert_eq!(paths(&directory, &[], &[], &["/"]), everything);
    assert_eq!(paths(&directory, &[], &[], &["bar", "here"]), everything);
}

#[test]
fn the_metadata_of_an_entry_is_unchanged() {
    let (root, directory) = tree(&["a", "b", "d/", "l -> /etc/passwd"]);
    fs::hard_link(root.path().join("a"), root.path().join("d/again")).unwrap();
    fs::set_permissions(root.path().join("b"), fs::Permissions::from_mode(0o4751)).unwrap();
    let file = fs::File::options().write(true).open(root.path().join("b")).unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::new(1_600_000_000, 123_456_789);
    file.set_modified(time).unwrap();
    let found = entries(&directory, Selection::default()).unwrap();
    let [a, b, d, again, l] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(a.kind, EntryKind::File { size: 1 });
    assert_eq!((b.permissions, b.modified), (0o4751, 1_600_000_000_123_456_789));
    assert_eq!(d.kind, EntryKind::Folder);
    assert_eq!(again.kind, EntryKind::HardLink { to: "a".to_owned(), size: 1 });
    assert_eq!(l.kind, EntryKind::Link { to: "/etc/passwd".to_owned() });
    assert_eq!(l.permissions, 0o777);
    // A hard link to an excluded file is sent as a file.
    assert_eq!(
        entries(&directory, Selection { exclude: &own(&["a"]), ..Selection::default() }).unwrap()
            [2]
        .kind,
        EntryKind::File { size: 1 }
    );
}

#[test]
fn sockets_and_pipes_are_left_out_unless_they_are_named() {
    let (root, directory) = tree(&["a/file", "b/", "link -> a/socket", "z"]);
    std::os::unix::net::UnixListener::bind(root.path().join("a/socket")).unwrap();
    for pipe in ["pipe", "b/pipe"] {
        let dir = fs::File::open(root.path()).unwrap();
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mknodat(&dir, pipe, FileType::Fifo, mode, 0).unwrap();
    }
    let walk = |include: &[&str], exclude: &[&str], follow: &[&str]| {
        let (include, exclude, follow) = (own(include), own(exclude), own(follow));
        let selection = Selection { include: &include, exclude: &exclude, follow: &follow };
        let mut sent = Vec::new();
        let left_out = directory.walk(selection, &mut |entry| {
            sent.push(entry.path);
            Ok(())
        });
        left_out.map(|left_out| (sent, left_out)).map_err(|error| error.to_string())
    };
    let first = |path: &str, what, count| LeftOut { first: Some((path.to_owned(), what)), count };
    type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a [&'a str], &'a [&'a str], LeftOut);
    let cases: [Case<'_>; 6] = [
        (&[], &[], &[], &["a", "a/file", "b", "link", "z"], first("a/socket", "a socket", 3)),
        (
            &[],
            &["**/socket", "b"],
            &[],
            &["a", "a/file", "link", "z"],
            first("pipe", "a named pipe", 1),
        ),
        (
            &[],
            &["**/socket", "**/pipe"],
            &[],
            &["a", "a/file", "b", "link", "z"],
            LeftOut::default(),
        ),
        (&[], &[], &["a"], &["a", "a/file"], first("a/socket", "a socket", 1)),
        (&[], &[], &["a/s*", "z"], &["z"], first("a/socket", "a socket", 1)),
        (&["a/file"], &[], &[], &["a", "a/file"], LeftOut::default()),
    ];
    for (include, exclude, follow, sent, left_out) in cases {
        let wanted = (own(sent), left_out);
        assert_eq!(
            walk(include, exclude, follow),
            Ok(wanted),
            "{include:?} {exclude:?} {follow:?}"
        );
    }
    for (include, follow) in
        [("", "pipe"), ("", "/./pipe"), ("pipe", ""), ("", "link"), ("", "a/socket")]
    {
        let error = walk(&[include], &[], &[follow]).unwrap_err();
        assert!(error.contains("which no image can contain"), "{include} {follow}: {error}");
    }
}

#[test]
fn names_that_cannot_be_sent_are_reported_unless_excluded() {
    use std::os::unix::ffi::OsStrExt as _;
    let name = |root: &Path| {
        fs::write(root.join(std::ffi::OsStr::from_bytes(b"bad\xff")), "").unwrap();
    };
    let target = |root: &Path| {
        symlink(std::ffi::OsStr::from_bytes(b"\xff"), root.join("bad")).unwrap();
    };
    type Case<'a> = (&'a dyn Fn(&Path), &'a str);
    let cases: [Case<'_>; 2] = [(&name, "not UTF-8"), (&target, "target is not UTF-8")];
    for (make, expected) in cases {
        let (root, directory) = tree(&["good"]);
        make(root.path());
        let error = entries(&directory, Selection::default()).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("/bad"), "{error}");
        assert_eq!(paths(&directory, &[], &["bad*"], &[]), ["good"]);
        assert_eq!(paths(&directory, &["good"], &[], &[]), ["good"]);
    }
}

#[test]
fn the_error_for_a_bad_pattern_quotes_it() {
    let (_root, directory) = tree(&["a"]);
    let exclude = own(&["[a"]);
    let selection = Selection { exclude: &exclude, ..Selection::default() };
    let error = entries(&directory, selection).unwrap_err().to_string();
    assert!(error.contains("`[a`"), "{error}");
}

fn read(directory: &Folder, path: &str, size: u64, modified: i64) -> io::Result<String> {
    let mut text = String::new();
    io::Read::read_to_string(&mut directory.read(path, size, modified)?, &mut text)?;
    Ok(text)
}

#[test]
fn a_file_that_changed_since_the_walk_is_not_sent() {
    let (root, directory) = tree(&["d/a"]);
    let found = entries(&directory, Selection::default()).unwrap();
    let (size, modified) = (3, found[1].modified);
    assert_eq!(read(&directory, "d/a", size, modified).unwrap(), "d/a");

    let error = read(&directory, "d/a", size, modified - 1).unwrap_err().to_string();
    assert!(error.contains("d/a: it changed during the transfer"), "{error}");
    assert!(read(&directory, "d/a", size + 1, modified).is_err());

    let mut half = directory.read("d/a", size, modified).unwrap();
    io::Read::read_exact(&mut half, &mut [0; 1]).unwrap();
    fs::write(root.path().join("d/a"), "d/a grew").unwrap();
    assert!(io::Read::read_to_end(&mut half, &mut Vec::new()).is_err());

    fs::remove_file(root.path().join("d/a")).unwrap();
    let error = read(&directory, "d/a", size, modified).unwrap_err().to_string();
    assert!(error.contains("was removed"), "{error}");
}

#[test]
fn a_path_that_became_a_link_is_not_read_through() {
    let (outside, _) = tree(&["a"]);
    let secret = fs::metadata(outside.path().join("a")).unwrap();
    let modified = {
        use std::os::unix::fs::MetadataExt as _;
        secret.mtime() * 1_000_000_000 + secret.mtime_nsec()
    };
    let (root, directory) = tree(&[]);
    let beside = root.path().file_name().unwrap().to_str().unwrap();
    fs::hard_link(outside.path().join("a"), root.path().join("inside")).unwrap();
    let around = format!("../{beside}/inside");
    assert_eq!(read(&directory, "inside", 1, modified).unwrap(), "a");
    symlink(outside.path(), root.path().join("d")).unwrap();
    symlink(outside.path().join("a"), root.path().join("a")).unwrap();
    for path in ["d/a", "a", around.as_str(), "d"] {
        let read = read(&directory, path, 1, modified);
        assert!(read.is_err(), "{path}: {read:?}");
    }
    // A pipe in a file's place must not block.
    let dir = fs::File::open(root.path()).unwrap();
    rustix::fs::mknodat(&dir, "p", FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    assert!(directory.read("p", 0, 0).is_err());
}

#[test]
fn a_missing_or_invalid_directory_is_an_error() {
    let (root, _) = tree(&["a"]);
    let error = |path: &Path| Folder::open(path).unwrap_err().to_string();
    assert!(error(&root.path().join("a")).contains("not a directory"));
    assert!(error(&root.path().join("b")).contains("no such directory"));
}
