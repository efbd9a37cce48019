//! The build context as the engine receives it, compared with Docker's own client.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use onebuild::parts::Digest;
use rustix::fs::inotify;

use crate::support::{ONE, Project, Running, lab_script, listing, paths_below};

const ALL: &str = "FROM scratch\nCOPY . /\n";

/// A project whose context has many kinds of entries.
fn varied(name: &str) -> Project {
    let project = Project::single(name, ALL);
    for path in [
        "a.md",
        "README.md",
        "docs/a.md",
        "docs/deep/b.md",
        "src/main.c",
        "src/main.o",
        "src/lib/x.o",
        "name with spaces/ä ü.txt",
        "#comment",
        "node_modules/p/index.js",
        "keep/node_modules/q.js",
        ".hidden/file",
        "[odd]",
        "back\\slash",
        "日本/語",
    ] {
        project.file(&format!("context/{path}"), path);
    }
    let at = |path: &str| project.path("context").join(path);
    fs::create_dir_all(at("empty/below")).unwrap();
    symlink("a.md", at("link")).unwrap();
    symlink("/etc/passwd", at("absolute")).unwrap();
    symlink("../../outside", at("docs/dangling")).unwrap();
    symlink("docs", at("folder-link")).unwrap();
    fs::hard_link(at("a.md"), at("z-hard")).unwrap();
    for (path, mode) in
        [("src/main.c", 0o755), ("README.md", 0o600), ("empty", 0o1777), ("docs/a.md", 0o4711)]
    {
        fs::set_permissions(at(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for path in ["src/main.c", "docs/deep", "empty/below"] {
        fs::File::open(at(path)).unwrap().set_modified(old).unwrap();
    }
    project
}

fn ours(project: &Project) -> Vec<String> {
    let archive = project.path("ours.tar");
    let output = format!("type=tar,dest={}", archive.display());
    project.run(&["build", "--no-cache", "--output", &output]).success();
    listing(&archive)
}

/// The result of Debian's own `docker buildx` for the same directory.
fn theirs(project: &Project) -> Vec<String> {
    let (context, archive) = (project.path("context"), project.path("theirs.tar"));
    let mut command = lab_script("in");
    command.args(["docker", "buildx", "build", "--no-cache", "--quiet", "--output"]);
    command.arg(format!("type=tar,dest={}", archive.display())).arg(context);
    Running::start(command).end().success();
    listing(&archive)
}

/// Fails with the lines that only one side has.
#[track_caller]
fn same(ours: &[String], theirs: &[String], what: &str) {
    // Docker's client gives all directories of the same name the same key, and the engine does not
    // update a directory that it has: its time is then that of another directory of that name.
    let timeless = |line: &String| {
        let mut fields: Vec<_> = line.split_ascii_whitespace().collect();
        if line.starts_with('d') {
            fields.drain(3..5);
        }
        fields.join(" ")
    };
    let ours: Vec<_> = ours.iter().map(timeless).collect();
    let theirs: Vec<_> = theirs.iter().map(timeless).collect();
    let only = |one: &[String], other: &[String]| {
        one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>().join("\n")
    };
    let (more, less) = (only(&ours, &theirs), only(&theirs, &ours));
    assert!(ours == theirs, "{what}\n--- only ours\n{more}\n--- only theirs\n{less}");
}

#[test]
fn the_context_is_the_same_as_with_dockers_own_client() {
    let project = varied("context");
    let (ours, theirs) = (ours(&project), theirs(&project));
    same(&ours, &theirs, "a context without .dockerignore");
    let ours = ours.join("\n");
    for part in [
        "lrwxrwxrwx 0/0               0 ",
        " link -> a.md\n",
        " absolute -> /etc/passwd\n",
        " docs/dangling -> ../../outside\n",
        " folder-link -> docs\n",
        "2001-09-09 01:46:40 docs/deep/\n",
        "2001-09-09 01:46:40 empty/below/\n",
        "-rwxr-xr-x 0/0              10 2001-09-09 01:46:40 src/main.c\n",
        "-rw------- 0/0               9 ",
        "drwxrwxrwt 0/0               0 ",
        "-rws--x--x 0/0               9 ",
        " name with spaces/ä ü.txt\n",
        " 日本/語\n",
        " z-hard link to a.md\n",
    ] {
        assert!(ours.contains(part), "`{part}` is not in\n{ours}");
    }
}

#[test]
fn dockerignore_excludes_the_same_files_as_dockers_own_client() {
    let project = varied("ignore");
    // Together they use every feature; each set is a project's usual file or a known trap.
    for rules in [
        "*.md\n!README.md\n",
        "**/*.o\n**/node_modules\n",
        "*\n!src\nsrc/lib\n",
        "docs\n!docs/deep/b.md\n",
        "# a comment\n\n  src/  \n/a.md\n./keep\n",
        "**\n!**/*.md\n",
        "src/*/x.?\nname with spaces\n[[]odd]\n\\#comment\n",
        ".*\n!.dockerignore\nDockerfile\n",
        "*/*.md\n!docs/[a-c].md\nlink\nfolder-link\n",
        "日本\nempty/below\n",
    ] {
        project.file("context/.dockerignore", rules);
        same(&ours(&project), &theirs(&project), &format!("{rules:?}"));
    }
}

#[test]
fn a_hard_link_that_the_engine_has_leaves_nothing_behind() {
    let project = Project::single("hardlink", ALL);
    let first = project.file("context/a", project.nonce());
    fs::hard_link(first, project.path("context/b")).unwrap();
    let once = ours(&project);
    assert!(once.iter().any(|line| line.ends_with(" b link to a")), "{once:?}");
    assert_eq!(ours(&project), once);
}

#[test]
fn a_dockerignore_beside_the_template_replaces_that_of_the_context() {
    let project = varied("beside");
    project.file("context/.dockerignore", "src\n");
    project.file("context/Dockerfile.dockerignore", "docs\n.*\n");
    let ours = ours(&project);
    same(&ours, &theirs(&project), "the rules of Dockerfile.dockerignore");
    let has = |part: &str| ours.iter().any(|line| line.contains(part));
    assert!(has(" src/main.c") && !has(" docs/"), "{ours:?}");
}

#[test]
fn a_template_outside_its_context_has_its_ignore_file_beside_it() {
    let project = Project::single("outside", "");
    fs::remove_file(project.path("context/Dockerfile")).unwrap();
    let matrix = format!(
        "image: {}\ncontext: context\ndockerfile: ../dockerfiles/Dockerfile\n{ONE}\n",
        project.repository()
    );
    project.file("matrix.yaml", matrix);
    project.file("dockerfiles/Dockerfile", "FROM scratch\nCOPY . /all\n");
    project.file("context/.dockerignore", "a\n");
    project.file("context/a", "");
    project.file("context/b", "");
    let copied = || paths_below(&project.tree(&[]).join("all"));
    assert_eq!(copied(), [".dockerignore", "b"]);
    project.file("dockerfiles/Dockerfile.dockerignore", "b\n.*\n");
    assert_eq!(copied(), ["a"]);
}

#[test]
fn one_ignore_file_serves_several_contexts() {
    let dockerfile = "FROM scratch\nCOPY . /all\n";
    let project = Project::single("ignored", dockerfile);
    let matrix = format!(
        "image: {}\n{ONE}\ncontext: context/<%n%>\ndockerfile: ../Dockerfile\ndockerignore: ignore\n",
        project.repository()
    );
    project.file("matrix.yaml", matrix);
    project.file("context/1/a.log", "");
    project.file("context/1/b", "");
    project.file("context/1/.dockerignore", "b\n");
    project.file("context/Dockerfile.dockerignore", "b\n");
    project.file("ignore", "*.log\n.*\n");
    let copied = || paths_below(&project.tree(&[]).join("all"));
    assert_eq!(copied(), ["b"]);
    project.file("ignore", "");
    assert_eq!(copied(), [".dockerignore", "a.log", "b"]);
}

#[test]
fn sockets_and_pipes_are_left_out_with_one_warning() {
    let project = Project::single("special", ALL);
    let socket = project.path("context/run/app.sock");
    fs::create_dir(socket.parent().unwrap()).unwrap();
    let _listener = UnixListener::bind(&socket).unwrap();
    let left_out = "context/run/app.sock is left out of the build, because it is a socket";
    project.run(&["build"]).success().says(&[left_out, "the line `run/app.sock`"]);
    project.run(&["build", "--strict"]).exits(1).says(&[left_out, "the line `run/app.sock`"]);
    project.file("context/run/kept", "");
    let copied = || paths_below(&project.tree(&[]));
    assert_eq!(copied(), ["Dockerfile", "run", "run/kept"]);
    let pipe = project.path("context/pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    let both = "because it is a named pipe, and 1 other file that no image can contain";
    let run = project.run(&["build"]).success().says(&[both]);
    assert_eq!(run.stderr.matches("is left out of the build").count(), 1, "{}", run.stderr);
    project.file("context/.dockerignore", "run\npipe\n");
    project.run(&["build", "--strict"]).success().never_says(&["is left out"]);
    project.file("context/.dockerignore", "");
    for (instruction, what) in [
        ("COPY pipe /", "context/pipe: it is a named pipe"),
        ("ADD run/app.sock /", "app.sock: it is a socket"),
    ] {
        project.file("context/Dockerfile", format!("FROM scratch\n{instruction}\n"));
        let run = project.run(&["build"]).exits(1);
        let run = run.says(&[what, "which no image can contain; do not copy it"]);
        run.says(&["context/Dockerfile:2", instruction]).never_says(&["rpc error"]);
    }
    project.file("context/.dockerignore", "*.log\n[a-\n");
    let run = project.run(&["build"]).exits(1);
    run.says(&["context/.dockerignore:2", "[a-", "missing `]` after `[`"])
        .never_says(&["rpc error"]);
    project.file("context/.dockerignore", "");
    project.file("context/Dockerfile", "FROM scratch\nCOPY --from=extra run /run\n");
    let run = project.run(&["build", "--build-context", "extra=context"]).success();
    run.says(&[left_out]);
}

#[test]
fn bytes_that_are_not_utf8_are_no_error_in_a_dockerfile_and_an_ignore_file() {
    let project = Project::single("latin1", "");
    let dockerfile = b"# caf\xe9\nFROM scratch\n# caf\xe9\nCOPY . /all/\n";
    project.file("context/Dockerfile", dockerfile);
    project.file("context/.dockerignore", b"# caf\xe9\ncaf\xe9.txt\n.dockerignore\n");
    let name = std::os::unix::ffi::OsStrExt::from_bytes(b"caf\xe9.txt");
    fs::write(project.path("context").join::<&std::ffi::OsStr>(name), "").unwrap();
    let tree = project.tree(&[]);
    assert_eq!(paths_below(&tree.join("all")), ["Dockerfile"]);
    assert_eq!(fs::read(tree.join("all/Dockerfile")).unwrap(), dockerfile);
    let dockerfile = b"FROM alpine:3.20\nLABEL a=\xe9\nRUN echo caf\xe9\n";
    project.file("context/Dockerfile", dockerfile);
    let run = project.run(&["build"]).exits(1);
    run.says(&["context/Dockerfile:3", "RUN echo caf\u{fffd}", "save the file as UTF-8"]);
}

#[test]
fn a_large_file_arrives_unchanged() {
    let project = Project::single("large", "FROM scratch\nCOPY large /\n");
    // Not compressible, and different in every run.
    let mut state =
        project.nonce().bytes().fold(1_u64, |state, byte| state * 257 % 999_983 + u64::from(byte));
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .take(20 * 1024 * 1024 / 8)
    .flatten()
    .collect();
    project.file("context/large", &bytes);
    let tree = project.tree(&[]);
    assert_eq!(Digest::of(&fs::read(tree.join("large")).unwrap()), Digest::of(&bytes));
}

/// Counts how many times files are opened.
struct Opens(rustix::fd::OwnedFd);

impl Opens {
    fn of(paths: &[PathBuf]) -> Self {
        let watch =
            inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC).unwrap();
        for path in paths {
            inotify::add_watch(&watch, path, inotify::WatchFlags::OPEN).unwrap();
        }
        Self(watch)
    }

    /// The counts since the last call, for each file in the order of its first opening.
    fn since(&self) -> Vec<i32> {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.0, &mut buffer);
        let mut seen = Vec::new();
        while let Ok(event) = reader.next() {
            seen.push(event.wd());
        }
        seen
    }
}

#[test]
fn twelve_cells_read_each_file_of_their_context_once() {
    let matrix = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: 1..12 }";
    let project = Project::new("once", matrix, "FROM scratch\nCOPY . /\nLABEL n=<%n%>\n");
    let files = [1, 2].map(|n| project.file(&format!("context/file{n}"), project.nonce()));
    let opens = Opens::of(&files);
    project.run(&["matrix"]).success().says(&["12 built"]);
    let mut opened = opens.since();
    opened.sort_unstable();
    assert_eq!(opened, [1, 2]);
}

#[test]
fn a_second_run_reads_only_changed_files() {
    let project = Project::single("changed", ALL);
    let files = [1, 2].map(|n| project.file(&format!("context/file{n}"), project.nonce()));
    project.run(&["build"]).success();
    let opens = Opens::of(&files);
    project.run(&["build"]).success();
    assert_eq!(opens.since(), [0; 0]);
    project.file("context/file2", "changed");
    assert_eq!(opens.since(), [2], "the test itself");
    project.run(&["build"]).success();
    assert_eq!(opens.since(), [2]);
}

/// The same with a directory beside the context.
#[test]
fn a_second_run_reads_only_changed_files_of_a_named_context() {
    let project = Project::single("changedbeside", "FROM scratch\nCOPY --from=beside . /\n");
    let files = [1, 2].map(|n| project.file(&format!("beside/file{n}"), project.nonce()));
    let build = ["build", "--build-context", "beside=beside"];
    project.run(&build).success();
    let opens = Opens::of(&files);
    project.run(&build).success();
    assert_eq!(opens.since(), [0; 0]);
    project.file("beside/file2", "changed");
    assert_eq!(opens.since(), [2], "the test itself");
    project.run(&build).success();
    assert_eq!(opens.since(), [2]);
}

#[test]
fn without_the_cache_each_file_is_read_again() {
    let project = Project::single("anew", ALL);
    let file = project.file("context/file", project.nonce());
    project.run(&["build"]).success();
    let opens = Opens::of(std::slice::from_ref(&file));
    project.run(&["build", "--no-cache"]).success();
    assert_eq!(opens.since(), [1]);
    project.run(&["build"]).success();
    assert_eq!(opens.since(), [0; 0], "the last transfer is recorded");
}

/// Writes a file of eight bytes with the fixed time that npm gives to files.
fn packed(project: &Project, path: &str, digit: u8) -> String {
    let content = format!("v1.0.{digit}\n");
    let path = project.file(path, format!("{content:>8}"));
    let npm = SystemTime::UNIX_EPOCH + Duration::from_secs(499_162_500);
    fs::File::options().write(true).open(path).unwrap().set_modified(npm).unwrap();
    format!("{content:>8}")
}

/// A project whose context is `.`, and the directory in which onebuild is started.
#[test]
fn a_file_of_another_project_with_the_same_size_and_time_is_not_reused() {
    for digit in [4, 5] {
        let project = Project::single("elsewhere", ALL);
        let matrix = format!("image: {}\ncontext: .\n{ONE}\n", project.repository());
        project.file("matrix.yaml", matrix);
        project.file("Dockerfile", "FROM scratch\nCOPY node_modules /\n");
        let content = packed(&project, "node_modules/package.json", digit);
        assert_eq!(project.built("package.json", &["--no-cache"]), content);
        assert_eq!(project.built("package.json", &[]), content);
    }
}

#[test]
fn different_content_with_the_same_size_and_time_is_sent() {
    let project = Project::single("samelook", "FROM scratch\nCOPY . /\nCOPY --from=beside . /\n");
    let flags = ["--build-context", "beside=beside"];
    let no_cache = [&flags[..], &["--no-cache"]].concat();
    packed(&project, "beside/out", 0);
    for (digit, args) in [(1, &flags[..]), (2, &flags), (3, &no_cache), (4, &flags)] {
        let content = packed(&project, "context/in", digit);
        assert_eq!(project.built("in", args), content);
        let content = packed(&project, "beside/out", digit);
        assert_eq!(project.built("out", args), content);
    }
}

#[test]
fn a_hard_link_in_place_of_a_file_with_the_same_size_and_time_is_sent() {
    let project = Project::single("samelink", "FROM scratch\nCOPY b /\n");
    packed(&project, "context/a", 1);
    let (own, other) = (packed(&project, "context/b", 2), packed(&project, "other", 3));
    assert_eq!(project.built("b", &[]), own);
    // The same file under another name, and then a separate file again.
    fs::remove_file(project.path("context/b")).unwrap();
    fs::hard_link(project.path("other"), project.path("context/b")).unwrap();
    assert_eq!(project.built("b", &[]), other);
    fs::remove_file(project.path("context/b")).unwrap();
    let own = packed(&project, "context/b", 4);
    assert_eq!(project.built("b", &[]), own);
}

/// Without a place to keep records, everything is sent.
#[test]
fn without_a_home_directory_the_content_is_correct_too() {
    let project = Project::single("homeless", "FROM scratch\nCOPY file /\n");
    for digit in [1, 2] {
        let content = packed(&project, "context/file", digit);
        let mut command = project.command(&["build", "--output", "type=local,dest=tree"]);
        command.env_remove("HOME");
        Running::start(command).end().success();
        assert_eq!(fs::read_to_string(project.path("tree/file")).unwrap(), content);
    }
}
