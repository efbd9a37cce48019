//! The table of push faults: each fault at each request of a push.
//!
//! In all cases, the tag refers to the old image or to the complete new one, the exit code is 0
//! exactly if it is the new one, and a failure names its cause.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use std::time::Duration;

use onebuild::parts::{
    CellResult, Credentials, DockerConfig, EngineWait, Output, Patience, Proxies, RegistryClient,
    Retried, Verified,
};

use crate::support::{
    Asked, Fault, FaultyRegistry, Project, Run, Sender, Store, built, lab_builder, patient_builder,
    request_of,
};

const BOTH: &str = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1] }";

/// Each platform has a different layer.
const DOCKERFILE: &str = "FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /content\n";

type Named = (&'static str, fn() -> Fault, &'static str);

/// Name of a fault, the fault, and the error of a push that fails with it.
const FAULTS: [Named; 7] = [
    ("500", || Fault::status(500), "answered 500 Internal Server Error"),
    ("503", || Fault::status(503), "answered 503 Service Unavailable"),
    ("429", || Fault::status(429).header("retry-after", "1"), "rate limiting"),
    ("reset", || Fault::Reset, "the connection to"),
    ("lost answer", || Fault::LostAnswer, "the connection to"),
    (WRONG_DIGEST, || Fault::OtherDigest, "reports a different digest"),
    (HANG, || Fault::Hang, "timed out: "),
];

/// The fault that no other attempt follows: the registry lies.
const WRONG_DIGEST: &str = "wrong digest";

/// The fault that ends with our own time limit.
const HANG: &str = "hang";

/// That limit. A step of these small pushes takes much less, even on a busy machine.
const HANG_TIMEOUT: Duration = Duration::from_secs(8);

/// The outcome of one push.
#[derive(Debug)]
struct Pushed {
    code: i32,
    /// The pushed references.
    digest: Option<String>,
    /// The error of a failure.
    said: String,
}

impl From<Run> for Pushed {
    fn from(run: Run) -> Self {
        let digest = (run.code == 0).then(|| run.digest());
        Self { code: run.code, digest, said: run.stderr }
    }
}

/// The result of one push.
struct Row {
    /// The purpose of the request that met the fault.
    request: &'static str,
    /// Whether the tag refers to the new image.
    moved: bool,
}

/// A project with an old image under its tag, and a registry that fails.
struct Pushes {
    project: Project,
    registry: FaultyRegistry,
    image: String,
}

impl Pushes {
    fn new(name: &str) -> Self {
        let (project, registry) = (Project::new(name, BOTH, DOCKERFILE), FaultyRegistry::start());
        let image = format!("{}/{}", registry.host, project.repository_name());
        let pushes = Self { project, registry, image };
        pushes.push("old", 0).success();
        pushes
    }

    /// Pushes an image that shares nothing with earlier pushes.
    fn push(&self, word: &str, retries: u32) -> Run {
        self.new_content(word);
        let (label, retries) = (format!("--label=word={word}"), format!("--retries={retries}"));
        self.project.run(&["build", "--push", "--image", &self.image, &label, &retries])
    }

    /// The same through the library, with a short time limit for a silent registry.
    fn push_impatiently(&self, word: &str, retries: u32) -> Pushed {
        self.new_content(word);
        let matrix = format!("image: {}\nlabels: {{ word: {word} }}\n{BOTH}", self.image);
        let mut request = request_of(&self.project, &matrix, DOCKERFILE, Output::Push);
        request.policy.retry.retries = Some(retries);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let result = runtime.block_on(async {
            let (_, builder) = patient_builder(HANG_TIMEOUT).await;
            let credentials = Arc::new(Credentials::new(DockerConfig::default(), OsStr::new("")));
            let registry =
                RegistryClient::new(credentials, Patience::default(), Proxies::default());
            let gates = registry.gates();
            let (outage, disk) = (builder.outage(EngineWait::default()), builder.disk(None));
            let builder =
                Retried::new(Verified::new(builder, registry, false), gates, outage, disk);
            built(&builder, &request).await
        });
        match result {
            CellResult::Built(built) => {
                let is_verified = built.unverified.is_none();
                let digest = built.digest.map(|digest| digest.to_string());
                Pushed { code: i32::from(!is_verified), digest, said: String::new() }
            }
            CellResult::Failed(failure) => Pushed { code: 1, digest: None, said: failure.message },
            other => panic!("{other:?}"),
        }
    }

    fn new_content(&self, word: &str) {
        for platform in ["amd64", "arm64"] {
            let content = format!("{word} {platform} {}", self.project.nonce());
            self.project.file(&format!("context/{platform}"), content);
        }
    }

    /// Pushes with a fault at request `number`; `None` if the push has fewer requests.
    ///
    /// Another attempt pushes the new image, unless the fault is not temporary.
    fn once(&self, number: usize, fault: Named) -> Option<Row> {
        let is_it = move |asked: &Asked| asked.number == number;
        let row = self.row(&format!("request {number}"), fault, 2, is_it)?;
        assert!(row.moved || fault.0 == WRONG_DIGEST, "{} at request {number}", fault.0);
        Some(row)
    }

    /// Pushes once with a fault at each request for `wanted`.
    fn lasting(&self, wanted: &'static str, fault: Named) -> Row {
        let row = self.row(wanted, fault, 0, move |asked| purpose(asked) == wanted);
        row.unwrap_or_else(|| panic!("no request to {wanted}"))
    }

    /// Pushes with a fault at each request of the engine for which `is_it` holds; `None` if there
    /// is none.
    fn row(
        &self,
        place: &str,
        (name, fault, said): Named,
        retries: u32,
        is_it: impl Fn(&Asked) -> bool + Send + 'static,
    ) -> Option<Row> {
        let store = self.project.store();
        let old = store.digest("v1");
        let word = format!("{name}-{place}").replace(' ', "-");
        let met = Arc::new(Mutex::new(None));
        self.registry.rule({
            let met = met.clone();
            move |asked| {
                let is_it = asked.sender == Sender::Engine && is_it(asked);
                is_it.then(|| *met.lock().unwrap() = Some(purpose(asked))).map(|()| fault())
            }
        });
        let run = match name {
            HANG => self.push_impatiently(&word, retries),
            _ => self.push(&word, retries).into(),
        };
        let request = met.lock().unwrap().take()?;
        let new = store.digest("v1");
        let moved = new != old;
        let shown = format!("{name} at {place}, {request}\n{run:?}");
        if moved {
            assert_eq!(Some(&new), run.digest.as_ref(), "{shown}");
            whole(&store, "v1", &word);
        } else {
            let cause = run.said.split("push failed: ").nth(1).unwrap_or_default();
            assert!(cause.contains(said) && cause.contains(&self.registry.host), "{shown}");
        }
        assert_eq!(run.code, i32::from(!moved), "{shown}");
        Some(Row { request, moved })
    }
}

/// Checks that everything that `tag` refers to exists for both platforms, and contains `word`.
#[track_caller]
fn whole(store: &Store, tag: &str, word: &str) {
    let images = store.images(tag);
    let platforms: Vec<&str> = images.iter().map(|(platform, _)| platform.as_str()).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    for (_, manifest) in &images {
        assert_eq!(store.config(manifest)["config"]["Labels"]["word"], word);
        let layers = manifest["layers"].as_array().expect("an image has layers");
        assert_eq!(layers.len(), 1);
        for layer in layers {
            let digest = layer["digest"].as_str().expect("a layer has a digest");
            let size = layer["size"].as_u64().expect("a layer has a size");
            assert_eq!(store.blob(digest).len() as u64, size);
        }
    }
}

/// The purposes of the requests of a push.
const PURPOSES: [&str; 7] = [
    "look for the tag",
    "look for a blob",
    "begin an upload",
    "upload a blob",
    "look for a manifest",
    "put a manifest",
    "put the tag",
];

fn purpose(asked: &Asked) -> &'static str {
    let path = asked.path.split('?').next().unwrap_or_default();
    let manifest = path.split_once("/manifests/").map(|(_, name)| name.starts_with("sha256:"));
    let [tag, blob, begin, upload, look, put, put_tag] = PURPOSES;
    match (asked.method.as_str(), manifest) {
        ("PUT", Some(true)) => put,
        ("PUT", Some(false)) => put_tag,
        (_, Some(true)) => look,
        (_, Some(false)) => tag,
        ("POST", None) => begin,
        ("PUT" | "PATCH", None) => upload,
        _ => blob,
    }
}

#[test]
fn a_fault_during_a_push_leaves_the_old_image_or_the_complete_new_one() {
    let pushes = Pushes::new("faultsofapush");
    // One row per fault, at requests of different kinds.
    for (number, fault) in [1, 3, 6, 9, 12, 14, 7].into_iter().zip(FAULTS) {
        pushes.once(number, fault).expect("a push of two platforms has that many requests");
    }
}

/// Run by `tests/lab/push-faults`, which sets the path of the result.
#[test]
#[ignore = "a campaign of many minutes: tests/lab/push-faults"]
fn every_fault_at_every_request_of_a_push() {
    let path = std::env::var("ONEBUILD_PUSH_FAULTS").expect("it is set to a file");
    let of = |fault: Named| {
        let pushes = Pushes::new(&format!("allfaults-{}", fault.0.replace(' ', "-")));
        let once: Vec<Row> = (1..).map_while(|number| pushes.once(number, fault)).collect();
        let lasting = PURPOSES.map(|wanted| pushes.lasting(wanted, fault));
        (once, lasting.into_iter().collect())
    };
    // Most of the time, BuildKit waits between its attempts.
    let all: Vec<(Vec<Row>, Vec<Row>)> = std::thread::scope(|scope| {
        let started = FAULTS.map(|fault| scope.spawn(move || of(fault)));
        started.into_iter().map(|one| one.join().expect("each push is whole")).collect()
    });
    let (once, lasting): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let count = [&once, &lasting].into_iter().flatten().flatten().count();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let engine = runtime.block_on(lab_builder()).0.version;
    let text = format!(
        "With Docker Engine {engine}. One request fails:\n\n{}\nEach request of a kind fails:\n\n{}\n{count} of {count} pushes \
         kept the promise.\n",
        table(&once),
        table(&lasting)
    );
    std::fs::write(path, text).unwrap();
}

/// A row for each kind of request, a column for each fault.
fn table(columns: &[Vec<Row>]) -> String {
    let mut text = String::from("| the request |");
    FAULTS.iter().for_each(|(name, ..)| write!(text, " {name} |").unwrap());
    text += "\n|---|";
    text += &"---|".repeat(FAULTS.len());
    for purpose in PURPOSES {
        write!(text, "\n| {purpose} |").unwrap();
        for column in columns {
            let rows = column.iter().filter(|row| row.request == purpose);
            let (moved, stayed): (Vec<_>, Vec<_>) = rows.partition(|row| row.moved);
            let cell = match (moved.len(), stayed.len()) {
                (0, 0) => String::new(),
                (moved, 0) => format!("{moved} new"),
                (0, stayed) => format!("{stayed} old"),
                (moved, stayed) => format!("{moved} new, {stayed} old"),
            };
            write!(text, " {cell} |").unwrap();
        }
    }
    text + "\n"
}
