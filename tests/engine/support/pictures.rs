//! Trees of files as text, for comparison.

use std::fs;
use std::path::Path;
use std::process::Command;

use onebuild::parts::Digest;

/// Every member of a tar file as listed by GNU tar: mode, owner, size, time, name, link target;
/// then the digest of each file's content. Sorted by name.
pub fn listing(archive: &Path) -> Vec<String> {
    let tar = |args: &[&str]| {
        let mut command = Command::new("tar");
        command.arg("--file").arg(archive).args(args).env("LC_ALL", "C.UTF-8");
        let output = command.output().expect("tar is installed");
        assert!(output.status.success(), "{command:?}: {output:?}");
        String::from_utf8(output.stdout).expect("names are UTF-8")
    };
    let mut members: Vec<String> =
        tar(&["--list", "--verbose", "--full-time", "--utc", "--quoting-style=escape"])
            .lines()
            .map(str::to_owned)
            .collect();
    // Mode, owner, size, date and time precede the name, in columns.
    let name = |line: &String| line.split_ascii_whitespace().skip(5).collect::<Vec<_>>().join(" ");
    members.sort_by_key(name);
    let contents = tempfile::tempdir_in("/tmp").unwrap();
    tar(&["--extract", "--no-same-owner", "--directory", contents.path().to_str().unwrap()]);
    let sums = paths_below(contents.path()).into_iter().filter_map(|path| {
        let file = contents.path().join(&path);
        let kind = fs::symlink_metadata(&file).unwrap().file_type();
        kind.is_file().then(|| format!("{} {path}", Digest::of(&fs::read(&file).unwrap())))
    });
    members.extend(sums.collect::<Vec<_>>());
    members
}

/// Every path in a directory, sorted, relative to it.
pub fn paths_below(folder: &Path) -> Vec<String> {
    fn visit(root: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            if fs::symlink_metadata(&path).unwrap().is_dir() {
                visit(root, &path, found);
            }
        }
    }
    let mut found = Vec::new();
    visit(folder, folder, &mut found);
    found.sort();
    found
}
