use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::super::samples;
use super::*;
use crate::image::Repository;
use crate::plan::Delivery;
use crate::registry::{Manifest, RegistryError};
use crate::schedule::Slot;

/// Returns `push` for each build, and `digest` for a build without an output.
struct Fake {
    push: CellResult,
    digest: Option<Digest>,
}

impl Builder for Fake {
    async fn build(&self, job: &Job<'_>) -> CellResult {
        match job.request.delivery.output {
            Output::Digest => {
                CellResult::Built(Built { digest: self.digest.clone(), ..Built::default() })
            }
            _ => self.push.clone(),
        }
    }
}

type Head = fn(&Reference) -> Result<Option<Digest>, RegistryFault>;

/// A registry that answers with `head` and records the requests.
struct FakeRegistry {
    head: Head,
    may_push: Option<RegistryFault>,
    asked: Mutex<Vec<String>>,
}

impl Registry for &FakeRegistry {
    async fn head(&self, reference: &Reference) -> Result<Option<Digest>, RegistryError> {
        self.asked.lock().unwrap().push(reference.to_string());
        let failed = |fault| RegistryError::new(reference, Phase::Verify, fault);
        match (self.head)(reference).map_err(failed) {
            Err(error) if *error.fault() == RegistryFault::TimedOut => std::future::pending().await,
            answer => answer,
        }
    }

    async fn manifest(&self, reference: &Reference) -> Result<Manifest, RegistryError> {
        let fault = match (self.head)(reference) {
            Err(fault) => fault,
            // These tests read no manifest.
            Ok(_) => RegistryFault::Malformed("nothing".to_owned()),
        };
        Err(RegistryError::new(reference, Phase::Verify, fault))
    }

    async fn blob(&self, _: &Repository, _: &Digest) -> Result<Bytes, RegistryError> {
        unreachable!("no manifest is read")
    }

    async fn may_push(&self, reference: &Reference) -> Result<(), RegistryError> {
        self.asked.lock().unwrap().push(format!("push {reference}"));
        let refused =
            |fault: &RegistryFault| RegistryError::new(reference, Phase::Push, fault.clone());
        self.may_push.as_ref().map(refused).map_or(Ok(()), Err)
    }
}

fn new() -> Digest {
    Digest::of(b"new")
}

fn request() -> BuildRequest {
    let references = ["r.example/a:v1", "s.example/a:v1"].map(|name| name.parse().unwrap()).into();
    let delivery = Delivery { references, output: Output::Push };
    BuildRequest { delivery, ..samples::request() }
}

fn pushed(digest: Option<Digest>) -> CellResult {
    CellResult::Built(Built { digest, pushed: request().delivery.references, ..Built::default() })
}

fn push_failed(image: &str, fault: RegistryFault) -> CellResult {
    CellResult::Failed(Box::new(Failure {
        kind: Kind::Registry { image: image.parse().unwrap(), fault },
        phase: Phase::Push,
        message: "said by the engine".to_owned(),
        ..Failure::default()
    }))
}

fn registry(head: Head) -> FakeRegistry {
    FakeRegistry { head, may_push: None, asked: Mutex::default() }
}

/// The result of a build that ends with `push`.
async fn verified(push: CellResult, registry: &FakeRegistry, strict: bool) -> CellResult {
    let settle = Settle { attempts: 2, first_delay: Duration::from_millis(1) };
    let builder = Fake { push, digest: Some(new()) };
    let verified = Verified::new(builder, registry, strict).settling(settle);
    let (events, _) = mpsc::channel(1);
    let (request, cancel, slot) = (request(), CancellationToken::new(), Slot::alone());
    let job = Job { request: &request, events: &events, cancel: &cancel, slot: &slot };
    let build = verified.build(&job);
    // After that, only a request to the registry can still be running.
    let interrupt = async {
        while registry.asked.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        if matches!((registry.head)(&request.delivery.references[0]), Err(RegistryFault::TimedOut))
        {
            cancel.cancel();
        }
        std::future::pending().await
    };
    tokio::select! {
        result = build => result,
        () = interrupt => unreachable!("it never ends"),
    }
}

#[track_caller]
fn built(result: CellResult) -> Built {
    match result {
        CellResult::Built(built) => built,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn failure(result: CellResult) -> Box<Failure> {
    match result {
        CellResult::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_push_of_what_the_registry_had_is_unchanged() {
    let had_new: Head = |_| Ok(Some(new()));
    let had_none: Head = |_| Ok(None);
    let had_one: Head = |reference| Ok((reference.repository.host() == "r.example").then(new));
    let is_down: Head = |_| Err(RegistryFault::ConnectionRefused);
    for (had, expected) in [(had_new, true), (had_none, false), (had_one, false), (is_down, false)]
    {
        let references = request().delivery.references;
        let before = before::digests(&&registry(had), &references).await;
        for (result, is_same) in [(new(), true), (Digest::of(b"other"), false)] {
            let result = before::marked(pushed(Some(result)), Some(before.clone()));
            assert_eq!(built(result).unchanged, expected && is_same);
        }
    }
    let unverified = Built { unverified: Some("why".to_owned()), ..built(pushed(Some(new()))) };
    let before = Some(vec![Some(new()), Some(new())]);
    assert!(!built(before::marked(CellResult::Built(unverified), before)).unchanged);
    assert!(!built(before::marked(pushed(Some(new())), None)).unchanged);
}

#[tokio::test]
async fn the_end_of_a_build_ends_the_question_about_earlier_images() {
    assert_eq!(before::beside(async { 1 }, std::future::pending::<()>()).await, (1, None));
    let slow = async {
        tokio::task::yield_now().await;
        1
    };
    assert_eq!(before::beside(slow, async { 2 }).await, (1, Some(2)));
}

#[tokio::test]
async fn every_reference_is_verified() {
    let registry = registry(|_| Ok(Some(new())));
    let built = built(verified(pushed(Some(new())), &registry, false).await);
    assert_eq!(built.unverified, None);
    assert_eq!(*registry.asked.lock().unwrap(), ["r.example/a:v1", "s.example/a:v1"]);
}

#[tokio::test]
async fn a_push_without_a_digest_fails() {
    let registry = registry(|_| Ok(Some(new())));
    let failure = failure(verified(pushed(None), &registry, false).await);
    assert_eq!(failure.phase, Phase::Verify);
    assert!(failure.message.contains("did not report the digest"), "{}", failure.message);
}

#[tokio::test]
async fn a_missing_reference_fails_the_push_and_one_that_cannot_be_checked_does_not() {
    let missing = registry(|reference| match reference.repository.host() {
        "s.example" => Err(RegistryFault::NotFound),
        _ => Err(RegistryFault::Denied { with_login: false }),
    });
    let failed = failure(verified(pushed(Some(new())), &missing, false).await);
    let image = request().delivery.references[1].clone();
    assert_eq!(failed.kind, Kind::Registry { image, fault: RegistryFault::NotFound });

    let denied = registry(|_| Err(RegistryFault::Denied { with_login: false }));
    let built = built(verified(pushed(Some(new())), &denied, false).await);
    assert!(built.unverified.unwrap().starts_with("r.example denied access"));
    let failed = failure(verified(pushed(Some(new())), &denied, true).await);
    assert_eq!(failed.phase, Phase::Verify);
}

#[tokio::test(start_paused = true)]
async fn attempts_to_verify_are_kept_with_the_result() {
    let overloaded = registry(|_| Err(RegistryFault::Status { status: Some(503), errors: vec![] }));
    let built = built(verified(pushed(Some(new())), &overloaded, false).await);
    assert!(built.unverified.is_some());
    // Both references, each up to the limit.
    let retries = usize::try_from(request().policy.retry.retries()).unwrap();
    let phases: Vec<Phase> = built.earlier.iter().map(|one| one.failure.phase).collect();
    assert_eq!(phases, vec![Phase::Verify; 2 * retries]);
}

#[tokio::test]
async fn an_interrupt_leaves_the_push_unverified() {
    let hanging = registry(|_| Err(RegistryFault::TimedOut));
    for strict in [false, true] {
        let built = built(verified(pushed(Some(new())), &hanging, strict).await);
        assert_eq!(built.unverified.as_deref(), Some(INTERRUPTED));
    }
}

#[tokio::test]
async fn a_failed_push_counts_as_done_if_every_reference_resolves_to_it() {
    let lost = || push_failed("s.example/a:v1", RegistryFault::ConnectionLost);
    let all = registry(|_| Ok(Some(new())));
    let built = built(verified(lost(), &all, false).await);
    assert_eq!((built.digest, built.pushed), (Some(new()), request().delivery.references));

    let one = registry(|reference| match reference.repository.host() {
        "r.example" => Ok(Some(new())),
        _ => Ok(Some(Digest::of(b"old"))),
    });
    let failed = failure(verified(lost(), &one, false).await);
    assert_eq!(failed.pushed, request().delivery.references[..1]);
    assert_eq!(failed.message, "said by the engine");
    // The registry has the image, but not its cache.
    let cache = push_failed("s.example/a-cache:v1", RegistryFault::ConnectionLost);
    let failed = failure(verified(cache, &all, false).await);
    assert_eq!(failed.pushed, request().delivery.references);
}

#[test]
fn the_digest_of_a_push_is_read_only_from_an_error_about_the_whole_image() {
    let (one, two) = (&["linux/amd64"][..], &["linux/amd64", "linux/arm64"][..]);
    for (kind, platforms, provenance, found) in [
        ("index", two, false, true),
        ("index", one, true, true),
        ("manifest", one, false, true),
        ("manifest", two, false, false),
        ("manifest", one, true, false),
        ("layer", one, false, false),
    ] {
        let mut request = request();
        request.recipe.platforms = platforms.iter().map(|name| name.parse().unwrap()).collect();
        request.recipe.provenance = provenance;
        let message = format!("failed to push a: failed commit on ref \"{kind}-{}\": EOF", new());
        let failure = Failure { message, ..Failure::default() };
        assert_eq!(pushed_digest(&failure, &request), found.then(new), "{kind} {provenance}");
    }
}

#[tokio::test]
async fn a_failed_build_sends_no_request_to_the_registry() {
    let registry = registry(|_| Ok(Some(new())));
    let of_command = Failure { kind: Kind::Command { exit_code: 3 }, ..Failure::default() };
    verified(CellResult::Failed(Box::new(of_command)), &registry, false).await;
    assert!(registry.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_unexplained_failure_gets_the_reason_from_the_registry() {
    let full = RegistryFault::Status { status: Some(507), errors: Vec::new() };
    let registry = FakeRegistry { may_push: Some(full.clone()), ..registry(|_| Ok(None)) };
    let unexplained = push_failed("r.example/a:v1", RegistryFault::Unexplained);
    let failed = failure(verified(unexplained, &registry, false).await);
    let image = request().delivery.references[0].clone();
    assert_eq!(failed.kind, Kind::Registry { image, fault: full });
    assert_eq!(failed.message, "push failed: r.example answered 507 Insufficient Storage");
    assert_eq!(failed.verbatim.as_deref(), Some("said by the engine"));
    assert_eq!(registry.asked.lock().unwrap()[0], "push r.example/a:v1");
}
