//! The files fetched for an image, the content of images, and broken releases.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{FAMILY, VERSION, checkout};
use crate::support::{Project, Store, docker, lab_dir, lab_env};

const OS: [&str; 3] = ["ubuntu", "centos", "alpine"];

#[test]
fn all_cells_of_a_version_are_pushed_for_both_platforms_with_their_editions_release() {
    let pushed = FAMILY.pushed.iter().filter(|(tag, _)| tag.contains(VERSION));
    let suffixes = OS.iter().flat_map(|os| ["", "-cn"].map(|suffix| format!("{os}{suffix}")));
    let expected: BTreeSet<_> = suffixes.map(|end| format!("dood-{VERSION}-{end}")).collect();
    assert_eq!(pushed.clone().map(|(tag, _)| tag.clone()).collect::<BTreeSet<_>>(), expected);
    let store = FAMILY.project.store();
    for (tag, digest) in pushed {
        assert_eq!(&store.digest(tag), digest);
        assert_eq!(store.platforms(tag), ["linux/amd64", "linux/arm64"]);
    }

    let log = fs::read_to_string(lab_dir().join("log/releases-access.log")).unwrap();
    let mine = format!("\"GET /for/{}", FAMILY.project.nonce());
    let mut fetched = BTreeMap::<&str, usize>::new();
    for line in log.lines().filter(|line| line.contains("\" 200 ") && line.contains(VERSION)) {
        if let Some((_, rest)) = line.split_once(&mine) {
            *fetched.entry(rest.split(' ').next().unwrap()).or_default() += 1;
        }
    }
    let archives = ["/v2/stable", "/1panel/package/v2/stable"].iter().flat_map(|site| {
        let release = format!("{site}/v{VERSION}/release");
        [("amd64", 3), ("arm64", 3)].map(|(arch, systems)| {
            (format!("{release}/1panel-v{VERSION}-linux-{arch}.tar.gz"), systems)
        })
    });
    for (archive, systems) in archives {
        assert_eq!(fetched.get(archive.as_str()), Some(&systems), "{archive} in {fetched:#?}");
    }
}

#[test]
fn an_image_reports_its_version_and_edition_on_both_platforms() {
    for (tag, edition) in [("alpine", "pro"), ("alpine-cn", "cn")] {
        for platform in ["amd64", "arm64"] {
            let on = format!("linux/{platform}");
            let image = FAMILY.image(VERSION, tag);
            let run = ["run", "--rm", "--quiet", "--platform", &on, &image];
            let said = docker(&[&run[..], &["1panel", "version"]].concat());
            for part in [VERSION, edition, platform] {
                assert!(said.contains(part), "{tag} on {platform} says {said}");
            }
        }
    }
}

/// The files in `/usr/local` and `/opt` of a new container of `image`.
fn installed(image: &str, platform: &str) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("onebuild-").tempdir_in("/tmp").unwrap();
    let id = docker(&["create", "--quiet", "--platform", platform, image]).trim().to_owned();
    let archive = folder.path().join("all.tar");
    docker(&["export", "--output", archive.to_str().unwrap(), &id]);
    docker(&["rm", &id]);
    let tar = Command::new("tar")
        .args(["--extract", "--file", "all.tar", "usr/local", "opt"])
        .current_dir(folder.path())
        .status();
    assert!(tar.unwrap().success());
    folder
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.symlink_metadata().unwrap().file_type() {
            kind if kind.is_dir() => walk(&path, visit),
            kind if kind.is_file() => visit(&path),
            _ => {}
        }
    }
}

#[test]
fn an_arm64_image_has_only_arm64_programs_and_no_image_a_password_or_data() {
    // e_machine of the ELF header: EM_X86_64 and EM_AARCH64.
    for (platform, machine) in [("linux/amd64", 62), ("linux/arm64", 183)] {
        let tree = installed(&FAMILY.image(VERSION, "ubuntu-cn"), platform);
        let mut programs = Vec::new();
        walk(&tree.path().join("usr/local"), &mut |path| {
            let content = fs::read(path).unwrap();
            if content.starts_with(b"\x7fELF") {
                let found = u16::from_le_bytes([content[18], content[19]]);
                assert_eq!(found, machine, "{}", path.display());
                programs.push(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
        });
        programs.sort();
        assert_eq!(programs, ["1panel-agent", "1panel-core"]);

        let ctl = fs::read_to_string(tree.path().join("usr/local/bin/1pctl")).unwrap();
        for line in ["PORT", "ENTRANCE", "USERNAME", "PASSWORD"] {
            assert!(ctl.contains(&format!("\nORIGINAL_{line}=unset\n")), "{ctl}");
        }
        assert!(ctl.contains("\nLANGUAGE=zh\n"), "the edition's language: {ctl}");
        walk(&tree.path().join("opt"), &mut |path| panic!("{} is in the image", path.display()));
    }
    for os in OS {
        let words = FAMILY.project.store().words(&format!("dood-{VERSION}-{os}"));
        for word in ["PASSWORD", "USERNAME", "ENTRANCE"] {
            assert!(!words.contains(word), "{word} is in the history or configuration: {words}");
        }
    }
}

#[test]
fn an_image_has_labels_and_a_health_check() {
    let store = FAMILY.project.store();
    let (_, manifest) = store.images(&format!("dood-{VERSION}-alpine")).swap_remove(0);
    let config = store.config(&manifest)["config"].clone();
    assert_eq!(config["StopSignal"], "SIGTERM");
    assert_eq!(config["User"], "root");
    assert_eq!(config["Healthcheck"]["Test"][1], "/usr/local/lib/1panel/healthcheck.sh");
    let label = |name: &str| config["Labels"][format!("org.opencontainers.image.{name}")].clone();
    assert_eq!(label("version"), VERSION);
    assert_eq!(label("title"), "1Panel");
    for name in ["revision", "description"] {
        assert!(label(name).as_str().is_some_and(|value| !value.is_empty()), "{name}: {config}");
    }
    let bases = Store::new(lab_env("ONEBUILD_LAB_REGISTRY"), "library/alpine".to_owned());
    assert_eq!(label("base.name"), "docker.io/library/alpine:3.20");
    assert_eq!(label("base.digest"), bases.digest("3.20"));
    for name in ["title", "version", "revision", "base.name", "base.digest"] {
        let annotation = &manifest["annotations"][format!("org.opencontainers.image.{name}")];
        assert_eq!(*annotation, label(name), "{name}: {manifest}");
    }
}

#[test]
fn versions_of_a_system_share_all_layers_but_the_last() {
    let store = FAMILY.project.store();
    let layers = |version: &str| -> Vec<String> {
        let (_, manifest) = store.images(&format!("dood-{version}-alpine")).swap_remove(0);
        let digest = |layer: &Value| layer["digest"].as_str().unwrap().to_owned();
        manifest["layers"].as_array().unwrap().iter().map(digest).collect()
    };
    let (one, other) = (layers(VERSION), layers(super::BEFORE));
    assert_eq!(one.len(), other.len());
    let (last, shared) = one.split_last().unwrap();
    assert_eq!(shared, &other[..other.len() - 1]);
    assert_ne!(last, &other[other.len() - 1]);
}

#[test]
fn a_broken_release_fails_with_the_message_of_the_script_that_found_it() {
    let project = Project::single("broken", "");
    let broken = ["--add", "version=9.9.1,9.9.2,9.9.3,9.9.4,9.9.5", "--only", "version=9.9.*"];
    let args =
        [&["matrix", "--os", "alpine", "--type", "pro", "--platform", "linux/amd64"], &broken[..]];
    checkout(&project, &args.concat()).exits(1).says(&[
        "quick_start: wrong checksum of 1panel-v9.9.1-linux-amd64.tar.gz",
        "quick_start: 1panel-v9.9.2-linux-amd64.tar.gz is truncated",
        "quick_start: 1panel-v9.9.3-linux-amd64.tar.gz is hostile",
        "fix_systemctl_start_cmd: install.sh calls a service manager in unknown ways",
        "systemctl start 1panel-gateway.service",
        "quick_start: no release v9.9.5 (pro, amd64)",
        "exit code 1 after",
        "templates/common/panel:14:1",
        "5 failed",
    ]);
}
