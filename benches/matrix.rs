//! Benchmarks of the matrix: time and peak memory for 100 to 100,000 cells, and for inputs that are
//! refused.
//!
//! `cargo bench --bench matrix` prints the tables of `docs/benchmarks.md`. Each size runs in a
//! separate process, to measure its own peak memory. The best of three runs counts.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use onebuild::parts::{Matrix, Overrides, PlanFiles, Root, Selection, SourceFile, plan};

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];
const RULES: [usize; 4] = [0, 10, 100, 1_000];
const RULED: usize = 10_000;
const ROUNDS: usize = 3;

fn main() {
    let mut numbers = env::args().skip(1).map_while(|argument| argument.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(size), rules) => println!("{}", measure(size, rules.unwrap_or(0))),
        // Cargo passes `--bench`.
        _ => tables(),
    }
}

/// The image family of this repository, with as many versions as necessary.
fn matrix(cells: usize) -> String {
    let last = cells / 10 - 1;
    format!(
        "image: me/app
tag: <%version%>-<%os%><%type.suffix%>
platforms: [linux/amd64, linux/arm64]
axes:
  os: [ubuntu, centos, alpine, debian, rocky]
  version: 2.0.0..2.0.{last}
  type:
    pro: {{ hack: hack, suffix: \"\" }}
    cn: {{ hack: hack_cn, suffix: -cn }}
vars:
  OnePanel_Version: <%version%>
  OnePanel_Type: <%type.hack%>
args: {{ VERSION: <%version%> }}
labels: {{ org.opencontainers.image.version: <%version%> }}
"
    )
}

/// The same, with rules that each change some cells.
fn ruled(cells: usize, rules: usize) -> String {
    let rule = |n: usize| format!("  - {{ version: 2.0.{}, args: {{ RULE: {n} }} }}\n", n % 1_000);
    let rules: String = (0..rules).map(rule).collect();
    let head = if rules.is_empty() { "" } else { "overrides:\n" };
    matrix(cells) + head + &rules
}

fn template() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/ubuntu/Dockerfile");
    fs::read_to_string(path).unwrap()
}

/// Reads, expands and renders in this process: milliseconds of each, and the peak in MB.
fn measure(size: usize, rules: usize) -> String {
    let (text, template) = (ruled(size, rules), template());
    let overrides = Overrides::default();
    let start = Instant::now();
    let matrix = Matrix::parse(SourceFile::new("matrix.yaml", text)).unwrap();
    let parsed = start.elapsed();
    let selected = matrix.select(&Selection::default(), &overrides).unwrap();
    let cells = selected.expand().unwrap().cells;
    let expanded = start.elapsed();
    let mut files = PlanFiles::default();
    for needed in files.needed(&cells) {
        files.insert(&needed, Some(SourceFile::new("Dockerfile", &*template))).unwrap();
    }
    let plan = plan(&matrix, &cells, &files, &Root::default(), &Default::default()).unwrap();
    let rendered = start.elapsed();
    assert_eq!(plan.requests.len(), size);
    let times = [parsed, expanded - parsed, rendered - expanded];
    let times = times.map(|time| format!("{:.1}", time.as_secs_f64() * 1000.0));
    format!("{} {}", times.join(" "), peak())
}

/// The peak memory of this process, in MB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let digits = line.and_then(|line| line.split_whitespace().next());
    digits.and_then(|digits| digits.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn tables() {
    println!("| cells | parse | expand | render | peak | `plan` | `render` |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for size in SIZES {
        let [parse, expand, render, peak] = best(size, 0);
        let folder = Folder::new(&matrix(size));
        let (plan, render_command) = (folder.run("plan"), folder.run("render"));
        println!(
            "| {size} | {parse} ms | {expand} ms | {render} ms | {peak} MB | {} | {} |",
            milliseconds(plan),
            milliseconds(render_command)
        );
    }
    println!("\n| rules over {RULED} cells | parse | expand | render | peak |");
    println!("| ---: | ---: | ---: | ---: | ---: |");
    for rules in RULES {
        let [parse, expand, render, peak] = best(RULED, rules);
        println!("| {rules} | {parse} ms | {expand} ms | {render} ms | {peak} MB |");
    }
    println!("\n| refused | after |\n| --- | ---: |");
    for (name, text) in [
        ("ten axes of a hundred values", many_axes()),
        ("200 KB of `[`", "[".repeat(200_000)),
        ("an alias bomb, nine by nine", bomb()),
        ("50,000 unknown keys", (0..50_000).map(|n| format!("key{n}: x\n")).collect()),
        ("an axis of 9,999 values, one by one", listed(9_999)),
    ] {
        let taken = Folder::new(&text).run("plan");
        println!("| {name} | {} |", milliseconds(taken));
    }
}

/// The minimum of each result of [`measure`], which runs in a separate process.
fn best(size: usize, rules: usize) -> [f64; 4] {
    let runs = (0..ROUNDS).map(|_| {
        let mut command = Command::new(env::current_exe().unwrap());
        let output = command.args([size, rules].map(|number| number.to_string())).output();
        let fields = String::from_utf8(output.unwrap().stdout).unwrap();
        let fields = fields.split_whitespace().map(|field| field.parse().unwrap());
        <[f64; 4]>::try_from(fields.collect::<Vec<f64>>()).unwrap()
    });
    let least =
        |one: [f64; 4], other: [f64; 4]| std::array::from_fn(|field| one[field].min(other[field]));
    runs.reduce(least).unwrap()
}

fn many_axes() -> String {
    let axes: String = ('a'..='j').map(|axis| format!("  {axis}: 1..100\n")).collect();
    format!("image: me/app\ntag: x\nplatforms: linux/amd64\naxes:\n{axes}")
}

fn bomb() -> String {
    let mut text = "x-a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n".to_owned();
    for (next, last) in ('b'..='i').zip('a'..) {
        text += &format!("x-{next}: &{next} [{}]\n", vec![format!("*{last}"); 9].join(", "));
    }
    text
}

/// Only the tag is wrong, so that the matrix is only read.
fn listed(values: usize) -> String {
    let values: Vec<String> = (0..values).map(|value| format!("v{value}")).collect();
    let axes = format!("axes: {{ v: [{}] }}\n", values.join(", "));
    format!("image: me/app\ntag: <%w%>\nplatforms: linux/amd64\n{axes}")
}

/// A directory with a matrix and its template, for the program itself.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(matrix: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("matrix.yaml"), matrix).unwrap();
        fs::write(folder.path().join("Dockerfile"), template()).unwrap();
        Self(folder)
    }

    fn run(&self, command: &str) -> Duration {
        let once = || {
            let start = Instant::now();
            let mut onebuild = Command::new(env!("CARGO_BIN_EXE_onebuild"));
            onebuild.arg(command).current_dir(self.0.path()).env_clear();
            onebuild.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
            start.elapsed()
        };
        (0..ROUNDS).map(|_| once()).min().unwrap()
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1000.0)
}
