//! Runs that are killed at any moment, and resumed after the engine has lost its build cache.
//!
//! They have an engine of their own, so that its cache can be removed, and everything on it is theirs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    Project, Random, Run, Running, StartedEngine, Store, campaign_number, commands_with,
    lab_script, left_on_disk, lines, listing, processes_in, records, runs, started_engine, until,
};

/// The number of rounds to test. `tests/lab/kills` tests more.
const ROUNDS: usize = 3;
const SEED: u64 = 7;

/// Three templates with four cells each.
const TEMPLATES: [&str; 3] = ["one", "two", "three"];
const EDITED: &str = "two";

/// A project with the family, on one engine.
struct Family<'a> {
    project: Project,
    engine: &'a StartedEngine,
}

impl<'a> Family<'a> {
    fn new(name: &str, engine: &'a StartedEngine) -> Self {
        let project = Project::in_new_repository(name, "", "");
        let image = project.repository();
        project.file(
            "matrix.yaml",
            format!(
                "image: {image}\ncontext: context\ndockerfile: ../templates/<%t%>.Dockerfile\n\
                 tag: <%t%>-<%n%>\nplatforms: [linux/amd64]\n\
                 axes: {{ t: [one, two, three], n: [1, 2, 3, 4] }}\n\
                 overrides: [{{ t: three, platforms: [linux/amd64, linux/arm64] }}]\n\
                 test: 'grep -qx <%t%>-<%n%> /cell'\n"
            ),
        );
        fs::remove_file(project.path("context/Dockerfile")).unwrap();
        for number in 0..20 {
            project.file(&format!("context/file{number}"), format!("{number}\n").repeat(2000));
        }
        for template in TEMPLATES {
            project.file(&format!("templates/{template}.Dockerfile"), dockerfile(""));
        }
        Self { project, engine }
    }

    fn edit(&self) {
        self.project.file(&format!("templates/{EDITED}.Dockerfile"), dockerfile("ENV EDITED=1\n"));
    }

    fn start(&self, args: &[&str]) -> Running {
        let mut command = self.project.command(&[args, &["--progress", "plain"]].concat());
        command.env("DOCKER_HOST", &self.engine.host);
        Running::start(command)
    }

    /// Kills a run at a moment, unless it has ended.
    fn kill(&self, args: &[&str], moment: &Moment) -> Run {
        let mut running = self.start(args);
        until("enough lines are written, or the run ended", Duration::from_secs(150), || {
            running.ended() || running.stderr().lines().count() >= moment.lines
        });
        std::thread::sleep(moment.delay);
        if !running.ended() {
            running.signal(Signal::KILL);
        }
        running.end()
    }

    /// The directories of recorded runs, oldest first.
    fn runs(&self) -> Vec<PathBuf> {
        runs(&records(&self.project))
    }

    fn docker(&self, args: &[&str]) -> String {
        let mut command = lab_script("in");
        command.arg("docker").args(args).env("DOCKER_HOST", &self.engine.host);
        Running::start(command).end().success().stdout
    }

    fn prune(&self) {
        self.docker(&["builder", "prune", "--all", "--force"]);
    }

    /// The containers and images on the engine; a run that pushes leaves none.
    fn left_on_the_engine(&self) -> Vec<String> {
        let containers = self.docker(&["ps", "--all", "--format", "container {{.Names}}"]);
        let format = "image {{.Repository}}:{{.Tag}}";
        let images = self.docker(&["image", "ls", "--all", "--format", format]);
        containers.lines().chain(images.lines()).map(str::to_owned).collect()
    }
}

fn dockerfile(more: &str) -> String {
    format!(
        "FROM alpine:3.20\nCOPY file<%n%> /file\n\
         RUN --mount=type=tmpfs,target=/unused echo <%t%>-<%n%> >/cell\n{more}"
    )
}

fn cells() -> BTreeSet<String> {
    let numbers = |template| (1..=4).map(move |number| format!("{template}-{number}"));
    TEMPLATES.into_iter().flat_map(numbers).collect()
}

/// What a tag has, apart from times and what follows from them.
fn content(store: &Store, tag: &str, known: &mut HashMap<String, Vec<String>>) -> Vec<String> {
    let mut content = Vec::new();
    for (platform, manifest) in store.images(tag) {
        content.push(platform.clone());
        if platform == "unknown/unknown" {
            continue;
        }
        let mut config = store.config(&manifest);
        config["created"].take();
        config["rootfs"].take();
        for entry in config["history"].as_array_mut().unwrap() {
            entry["created"].take();
        }
        content.push(config.to_string());
        for layer in manifest["layers"].as_array().unwrap() {
            let digest = layer["digest"].as_str().unwrap();
            let files = known.entry(digest.to_owned()).or_insert_with(|| files(store, digest));
            content.push("layer".to_owned());
            content.extend(files.iter().cloned());
        }
    }
    content
}

/// The files of a layer without their times.
fn files(store: &Store, digest: &str) -> Vec<String> {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let archive = folder.path().join("layer.tar");
    fs::write(&archive, store.blob(digest)).unwrap();
    let without_time = |line: String| {
        let fields = line.split_ascii_whitespace().enumerate();
        let kept = fields.filter(|(at, _)| line.starts_with("sha256:") || !(3..5).contains(at));
        kept.map(|(_, field)| field).collect::<Vec<_>>().join(" ")
    };
    listing(&archive).into_iter().map(without_time).collect()
}

/// The cells that `--resume` of a recorded run must leave out.
fn pushed(run: &Path) -> BTreeSet<String> {
    let is_pushed = |line: &&Value| {
        line["type"] == "cell-finished"
            && line["result"] == "built"
            && line["verified"] == true
            && line["recipe"].is_string()
            && line["context"].is_string()
    };
    cells_of(lines(run).iter().filter(is_pushed))
}

/// The cells of which anything was done.
fn worked_on(run: &Path) -> BTreeSet<String> {
    let is_work = |line: &&Value| line["type"] == "cell-started" || line["type"] == "step";
    cells_of(lines(run).iter().filter(is_work))
}

fn cells_of<'a>(lines: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
    lines.map(|line| line["cell"].as_str().unwrap().to_owned()).collect()
}

/// What an undisturbed run leaves in the registry, and how many lines its cells print.
struct Reference {
    tags: BTreeMap<String, Vec<String>>,
    /// With the other template.
    edited: BTreeMap<String, Vec<String>>,
    lines: usize,
    layers: HashMap<String, Vec<String>>,
}

impl Reference {
    fn new(engine: &StartedEngine) -> Self {
        let family = Family::new("killsreference", engine);
        let mut layers = HashMap::new();
        let run = family.start(&["matrix", "--push"]).end().success();
        // Without the report, which is printed at the end.
        let lines = run.stderr.lines().filter(|line| line.contains(" | ")).count();
        let tags = Self::read(&family, &mut layers);
        assert!(tags.values().all(|content| content.iter().any(|line| line.contains("cell"))));
        family.edit();
        family.start(&["matrix", "--push"]).end().success();
        let edited = Self::read(&family, &mut layers);
        let differ = tags.keys().filter(|tag| tags[*tag] != edited[*tag]);
        assert!(differ.eq(cells().iter().filter(|cell| cell.starts_with(EDITED))));
        Self { tags, edited, lines, layers }
    }

    fn read(
        family: &Family<'_>,
        layers: &mut HashMap<String, Vec<String>>,
    ) -> BTreeMap<String, Vec<String>> {
        let store = family.project.store();
        let read = |tag: String| (tag.clone(), content(&store, &tag, layers));
        cells().into_iter().map(read).collect()
    }
}

/// When a run is killed: after how many lines on stderr, and how long after the last of them.
#[derive(Debug)]
struct Moment {
    lines: usize,
    delay: Duration,
}

/// What happens to a run: when it is killed, and the run that resumes it; whether a template is edited after
/// that; and whether the engine loses its cache each time, or the next run follows at once.
#[derive(Debug)]
struct Round {
    kills: Vec<Moment>,
    edits: bool,
    prunes: bool,
}

impl Round {
    /// `lines` is what the cells of an undisturbed run print.
    fn random(number: usize, lines: usize, random: &mut Random) -> Self {
        let kills = if random.below(4) == 0 { 2 } else { 1 };
        let moment = |_| Moment {
            lines: random.below(lines as u64) as usize,
            delay: Duration::from_millis(random.below(500)),
        };
        let kills = (0..kills).map(moment).collect();
        Self { kills, edits: number % 3 == 1, prunes: random.below(3) > 0 }
    }

    /// Returns what is wrong.
    #[expect(clippy::print_stdout, reason = "a campaign shows its progress")]
    fn test(&self, engine: &StartedEngine, reference: &mut Reference) -> String {
        let family = Family::new("kills", engine);
        let mut wrong = String::new();
        family.prune();
        let mut killed = Vec::new();
        for (number, kill) in self.kills.iter().enumerate() {
            let args = if number == 0 { ["matrix", "--push"] } else { ["matrix", "--resume"] };
            killed.push(family.kill(&args, kill));
            if self.edits && number == 0 {
                family.edit();
            }
            if self.prunes {
                family.prune();
            }
        }
        let before = family.runs();
        let mut kept = before.last().map_or_else(BTreeSet::new, |run| pushed(run));
        if self.edits {
            // A run that was itself resumed with the other template has built these cells from it.
            let is_first = before.len() == 1;
            kept.retain(|cell| !is_first || !cell.starts_with(EDITED));
        }
        let run = family.start(&["matrix", "--resume"]).end();
        let run = match before.last() {
            Some(_) => run,
            // It was killed before it was recorded.
            None if run.code == 2 => family.start(&["matrix", "--push"]).end(),
            None => {
                let _ = writeln!(wrong, "there was nothing to resume");
                run
            }
        };
        if run.code != 0 {
            let _ = writeln!(wrong, "exit code {}", run.code);
        }
        let after = family.runs();
        let new: Vec<_> = after.iter().filter(|run| !before.contains(run)).collect();
        let built =
            new.iter().map(|run| worked_on(run)).fold(BTreeSet::new(), |all, one| &all | &one);
        let twice: Vec<_> = kept.intersection(&built).collect();
        if !twice.is_empty() {
            let _ = writeln!(wrong, "built again: {twice:?}");
        }
        let all = &kept | &built;
        if all != cells() {
            let _ = writeln!(wrong, "only these are left out or built: {all:?}");
        }
        let expected = if self.edits { &reference.edited } else { &reference.tags };
        let store = family.project.store();
        for (tag, expected) in expected {
            if !store.has(tag) {
                let _ = writeln!(wrong, "{tag} was not pushed");
            } else if content(&store, tag, &mut reference.layers) != *expected {
                let _ = writeln!(wrong, "{tag} has another content");
            }
        }
        wrong += &self.leftovers(&family, &after);
        let ends: Vec<i32> = killed.iter().map(|run| run.code).collect();
        println!("{self:?}: exit codes {ends:?}, {} left out, {} built", kept.len(), built.len());
        match wrong.is_empty() {
            true => wrong,
            false => {
                let killed = killed.iter().fold(String::new(), |all, run| format!("{all}{run}\n"));
                format!("{self:?}:\n{wrong}{killed}{run}\n")
            }
        }
    }

    /// What the runs left behind.
    fn leftovers(&self, family: &Family<'_>, runs: &[PathBuf]) -> String {
        let mut wrong = String::new();
        let nonce = family.project.nonce();
        let left = family.left_on_the_engine();
        if !left.is_empty() {
            let _ = writeln!(wrong, "left on the engine: {left:?}");
        }
        let left = left_on_disk(&family.project);
        if !left.is_empty() {
            let _ = writeln!(wrong, "left on the disk: {left:?}");
        }
        if commands_with(nonce) > 0 || processes_in(&family.project.path("")) > 0 {
            let _ = writeln!(wrong, "a process is left");
        }
        let listed = family.project.run(&["runs", "--format", "json"]);
        let listed: Value = serde_json::from_str(&listed.stdout).unwrap_or_default();
        if listed["runs"].as_array().map(Vec::len) != Some(runs.len()) {
            let _ = writeln!(wrong, "{} records, listed: {listed}", runs.len());
        }
        wrong
    }
}

/// Tests the rounds of a seed.
fn campaign(name: &'static str, rounds: usize, seed: u64) {
    let engine = started_engine(name, &[]);
    let mut reference = Reference::new(&engine);
    let mut random = Random(seed);
    let rounds: Vec<Round> =
        (0..rounds).map(|number| Round::random(number, reference.lines, &mut random)).collect();
    let wrong = rounds.iter().map(|round| round.test(&engine, &mut reference));
    let wrong: Vec<String> = wrong.filter(|wrong| !wrong.is_empty()).collect();
    let all = wrong.join("\n");
    assert!(wrong.is_empty(), "seed {seed}, {} of {} rounds:\n{all}", wrong.len(), rounds.len());
}

#[test]
fn a_run_that_is_killed_at_any_moment_is_resumed_to_the_end_of_an_undisturbed_one() {
    campaign("kills", ROUNDS, SEED);
}

/// `tests/lab/kills` runs it, with these variables.
#[test]
#[ignore = "a campaign of many minutes: tests/lab/kills"]
fn kills_at_many_moments() {
    let rounds = usize::try_from(campaign_number("ONEBUILD_KILL_ROUNDS")).unwrap();
    campaign("mkills", rounds, campaign_number("ONEBUILD_KILL_SEED"));
}
