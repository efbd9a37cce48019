//! Caches that cannot be used here, so that one matrix works everywhere and in its first run.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{directories, entry};
use crate::cell_name::CellName;
use crate::driver::capabilities::{Form, form, is_annotated};
use crate::driver::environment::Environment;
use crate::input::{Cache, Caches};
use crate::plan::BuildRequest;

/// The caches that a run skips: a GitHub Actions cache outside a runner, directories without an entry, and
/// the inline cache if the output is not an image.
#[derive(Debug, Default)]
pub(crate) struct IdleCaches(HashMap<CellName, Caches>);

impl IdleCaches {
    /// Those of `requests`, with a note for each, and for annotations that the output cannot hold.
    pub(crate) fn find(requests: &[BuildRequest], environment: Environment) -> (Self, Vec<String>) {
        let (mut is_unreachable, mut no_image, mut unannotated) = (false, false, false);
        let (mut empty, mut notes) = directories::empty(requests);
        let mut found = HashMap::new();
        for request in requests {
            let form = form(&request.delivery.output);
            let files = form == Form::Files;
            let unreachable = |cache: &&Cache| entry(cache, environment).is_none();
            let inline = |cache: &&Cache| {
                matches!(form, Form::Files | Form::Nothing) && cache.kind == "inline"
            };
            let Caches { from, to } = &request.policy.caches;
            let mut idle = Caches::default();
            idle.from.extend(from.iter().filter(unreachable).cloned());
            idle.to.extend(to.iter().filter(unreachable).cloned());
            is_unreachable |= idle.iter().next().is_some();
            // Without any output, no one expects a cache in it.
            no_image |= files && to.iter().any(|cache| inline(&cache));
            idle.to.extend(to.iter().filter(inline).cloned());
            idle.from.extend(empty.remove(&request.cell).unwrap_or_default());
            unannotated |= files && is_annotated(request);
            if idle.iter().next().is_some() {
                found.insert(request.cell.clone(), idle);
            }
        }
        if is_unreachable {
            let note = "the gha cache is skipped: the environment has no URL and token of a GitHub \
                        Actions cache";
            notes.push(note.to_owned());
        }
        if no_image {
            let note = "the inline cache is skipped: it is part of an image, but the output is not an \
                        image";
            notes.push(note.to_owned());
        }
        if unannotated {
            let note = "the annotations are skipped: they are part of an image, but the output is not \
                        an image";
            notes.push(note.to_owned());
        }
        (Self(found), notes)
    }

    /// The caches of `request` without these.
    pub(crate) fn without<'r>(&self, request: &'r BuildRequest) -> Cow<'r, Caches> {
        let all = &request.policy.caches;
        let Some(idle) = self.0.get(&request.cell) else { return Cow::Borrowed(all) };
        let used = |all: &[Cache], idle: &[Cache]| {
            all.iter().filter(|cache| !idle.contains(cache)).cloned().collect()
        };
        Cow::Owned(Caches { from: used(&all.from, &idle.from), to: used(&all.to, &idle.to) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::samples::request;
    use crate::plan::{FileOutput, Output};

    fn parsed(text: &str) -> Vec<Cache> {
        text.split_whitespace().flat_map(|one| Cache::parse(one).unwrap()).collect()
    }

    fn runner(name: &str) -> Option<std::ffi::OsString> {
        match name {
            "ACTIONS_CACHE_URL" => Some("https://cache.example/".into()),
            "ACTIONS_RUNTIME_TOKEN" => Some("token".into()),
            _ => None,
        }
    }

    #[test]
    fn the_gha_cache_is_used_only_on_a_runner() {
        let mut request = request();
        request.policy.caches.from = parsed("type=gha r.example/c:1");
        request.policy.caches.to = parsed("type=gha type=inline");
        let requests = [request];
        let (idle, notes) = IdleCaches::find(&requests, |_| None);
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].starts_with("the gha cache is skipped"), "{notes:?}");
        let used = idle.without(&requests[0]);
        assert_eq!((&used.from, &used.to), (&parsed("r.example/c:1"), &parsed("type=inline")));

        let (idle, notes) = IdleCaches::find(&requests, runner);
        assert_eq!(notes, [""; 0]);
        assert_eq!(*idle.without(&requests[0]), requests[0].policy.caches);
    }

    #[test]
    fn other_cells_and_other_caches_of_a_cell_are_not_skipped() {
        let mut one = request();
        one.policy.caches.to = parsed("type=gha");
        let mut other = BuildRequest { cell: "v2".into(), ..request() };
        other.policy.caches.to = parsed("type=inline");
        let (idle, _) = IdleCaches::find(&[one.clone(), other.clone()], |_| None);
        assert_eq!(idle.without(&other).to, parsed("type=inline"));
        // A request for the same cell may have fewer caches.
        one.policy.caches = Caches::default();
        assert_eq!(*idle.without(&one), Caches::default());
    }

    #[test]
    fn a_directory_without_an_entry_is_skipped() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().display();
        let mut request = request();
        request.policy.caches.from = parsed(&format!("type=local,src={path} r.example/c:1"));
        request.policy.caches.to = parsed(&format!("type=local,dest={path}"));
        let requests = [request];
        let (idle, notes) = IdleCaches::find(&requests, |_| None);
        assert_eq!(notes, [format!("the cache in {path} has no entry for v1 yet")]);
        let used = idle.without(&requests[0]);
        assert_eq!(
            (&used.from, &used.to),
            (&parsed("r.example/c:1"), &requests[0].policy.caches.to)
        );
    }

    #[test]
    fn parts_of_an_image_are_skipped_for_files_with_a_note() {
        for (kind, skipped) in [
            (FileOutput::Tar, true),
            (FileOutput::Local, true),
            (FileOutput::Oci, false),
            (FileOutput::Docker, false),
        ] {
            let mut request = request();
            request.policy.caches.to = parsed("type=inline");
            request.recipe.inputs.annotations = [("a".into(), "b".into())].into();
            request.delivery.output = Output::File { kind, dest: "x".into() };
            let requests = [request];
            let (idle, notes) = IdleCaches::find(&requests, |_| None);
            assert_eq!(idle.without(&requests[0]).to.is_empty(), skipped, "{kind:?}");
            let notes = notes.join("; ");
            for what in ["inline cache", "annotations"] {
                assert_eq!(notes.contains(what), skipped, "{kind:?}: {notes}");
            }
        }
    }
}
