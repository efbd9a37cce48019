//! A plan as a file for `docker buildx bake`, which builds identical images from it.
//!
//! Source: <https://docs.docker.com/build/bake/reference/>

use std::io::{self, Write};

use indexmap::IndexMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{texts_of, write_pretty};
use crate::image::{Platform, Reference, short_name};
use crate::input::{Cache, MediaTypes, NamedContext, Network, Secret, SecretSource};
use crate::plan::BuildRequest;
use crate::text::{has_escapes, redact, replaced};

/// A bake file, and notes on what it cannot express.
#[derive(Debug, Clone)]
pub(crate) struct Bake<'r> {
    targets: IndexMap<String, &'r BuildRequest>,
    /// One sentence each.
    pub notes: Vec<String>,
}

/// One target for each request, and a group of all. The output is left to bake's own flags.
pub(crate) fn bake(requests: &[BuildRequest]) -> Bake<'_> {
    let mut targets = IndexMap::with_capacity(requests.len());
    let mut notes = Vec::new();
    for request in requests {
        let mut name = target_name(&request.cell);
        while targets.contains_key(&name) {
            name.push('_');
        }
        targets.insert(name, request);
        if request.recipe.dockerignore.is_some() {
            notes.push(format!(
                "{}: its ignore file is not the .dockerignore of its context, which a bake file cannot express",
                request.cell
            ));
        }
        if request.recipe.dockerfile.parts().any(has_escapes) {
            notes.push(format!(
                "{}: its Dockerfile has bytes that are not UTF-8, which a bake file cannot express",
                request.cell
            ));
        }
    }
    if requests.iter().any(|request| request.recipe.pin.is_some()) {
        notes.push(
            "this file has no labels for the digests of base images: only onebuild resolves them"
                .to_owned(),
        );
    }
    if requests.iter().any(|r| r.recipe.inputs.network == Some(Network::Host)) {
        notes
            .push("the host network requires `docker buildx bake --allow network.host`".to_owned());
    }
    if requests.iter().any(|request| request.recipe.inputs.run.cgroup_parent.is_some()) {
        notes.push("a bake file cannot express `cgroup_parent`".to_owned());
    }
    if requests.iter().any(has_secret) {
        notes.push(
            "the file has passwords or tokens of URLs, which bake needs: do not publish it"
                .to_owned(),
        );
    }
    let tested = requests.iter().filter(|request| request.policy.smoke.is_some()).count();
    if tested > 0 {
        notes.push(format!("bake does not run smoke tests: {tested} of these images have one"));
    }
    Bake { targets, notes }
}

/// Whether a URL among the values of the file has a secret.
fn has_secret(request: &BuildRequest) -> bool {
    let inputs = &request.recipe.inputs;
    let texts = [&inputs.args, &inputs.labels, &inputs.annotations];
    let texts = texts.into_iter().flat_map(|map| map.values().map(|text| &**text));
    let urls = inputs.contexts.values().filter_map(|context| match context {
        NamedContext::Url(url) => Some(url.as_str()),
        _ => None,
    });
    let caches = request.policy.caches.from.iter().chain(&request.policy.caches.to);
    let caches = caches.flat_map(|cache| cache.attributes.values().map(String::as_str));
    texts.chain(urls).chain(caches).any(|text| redact(text) != text)
}

/// Names of bake targets consist of letters, digits, `_` and `-`.
impl Bake<'_> {
    /// Writes the file, target by target.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let names: Vec<&String> = self.targets.keys().collect();
        let group = json!({ "default": { "targets": names } });
        write_pretty(&File { group, target: Targets(&self.targets) }, out)
    }
}

#[derive(Serialize)]
struct File<'r> {
    group: Value,
    target: Targets<'r>,
}

/// Targets are created one at a time.
struct Targets<'r>(&'r IndexMap<String, &'r BuildRequest>);

impl Serialize for Targets<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, one)| (name, literal(target(one)))))
    }
}

fn target_name(cell: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    cell.chars().map(plain).collect()
}

fn target(request: &BuildRequest) -> Value {
    let (recipe, policy) = (&request.recipe, &request.policy);
    let mut target = Map::new();
    let mut set = |key: &str, value: Value| {
        let empty = match &value {
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::Bool(set) => !set,
            Value::Null => true,
            Value::String(_) | Value::Number(_) => false,
        };
        if !empty {
            target.insert(key.to_owned(), value);
        }
    };
    // Bake ignores a key that it does not know.
    set("cell", json!(&*request.cell));
    set("context", json!(recipe.context.display().to_string()));
    set("dockerfile-inline", json!(replaced(&recipe.dockerfile.text())));
    set("tags", json!(texts(&request.delivery.references)));
    let platform = |one: &Platform| match one.is_native() {
        true => "local".to_owned(),
        false => one.to_string(),
    };
    set("platforms", recipe.platforms.iter().map(platform).collect());
    set("args", texts_of(&recipe.inputs.args));
    set("labels", texts_of(&recipe.inputs.labels));
    set("annotations", annotations(request).into());
    set("target", json!(recipe.inputs.target.as_deref()));
    set("contexts", json!(contexts(request)));
    set("secret", recipe.inputs.secrets.iter().map(|(id, one)| secret(id, one)).collect());
    set("ssh", recipe.inputs.ssh.iter().map(|(id, sockets)| ssh(id, sockets)).collect());
    set("cache-from", policy.caches.from.iter().map(cache).collect());
    set("cache-to", policy.caches.to.iter().map(cache).collect());
    set(
        "network",
        match recipe.inputs.network.unwrap_or_default() {
            Network::Default => Value::Null,
            Network::None => json!("none"),
            Network::Host => json!("host"),
        },
    );
    let run = &recipe.inputs.run;
    set("shm-size", json!(run.shm_size.map(|size| size.to_string())));
    set("ulimits", run.ulimits.iter().map(|(name, limit)| format!("{name}={limit}")).collect());
    set("extra-hosts", {
        let hosts = run.add_hosts.iter();
        hosts.map(|(name, addresses)| (name.clone(), json!(addresses.to_string()))).collect()
    });
    let oci = recipe.media_types == MediaTypes::Oci;
    set("output", json!([format!("type=image,oci-mediatypes={oci}")]));
    set("no-cache", json!(policy.no_cache));
    set("pull", json!(policy.pull));
    // Bake attaches provenance by default.
    let attest = if recipe.provenance {
        "type=provenance,mode=min,inline-only=true"
    } else {
        "type=provenance,disabled=true"
    };
    set("attest", json!([attest]));
    Value::Object(target)
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

/// On every manifest, and on the index if there is one.
fn annotations(request: &BuildRequest) -> Vec<String> {
    let has_index = request.recipe.platforms.len() > 1 || request.recipe.provenance;
    let on = if has_index { "manifest,index" } else { "manifest" };
    request
        .recipe
        .inputs
        .annotations
        .iter()
        .map(|(key, value)| format!("{on}:{key}={value}"))
        .collect()
}

fn contexts(request: &BuildRequest) -> IndexMap<String, String> {
    let image = |reference: &Reference| format!("docker-image://{reference}");
    let bases =
        request.recipe.inputs.bases.iter().map(|(name, base)| (short_name(name), image(base)));
    let others = request.recipe.inputs.contexts.iter().map(|(name, context)| {
        let value = match context {
            NamedContext::Image(reference) => image(reference),
            NamedContext::Folder(folder) => folder.display().to_string(),
            NamedContext::Layout(layout) => layout.to_string(),
            NamedContext::Url(url) => url.clone(),
        };
        (short_name(name), value)
    });
    bases.chain(others).collect()
}

fn secret(id: &str, secret: &Secret) -> Value {
    let (key, value) = match &secret.source {
        SecretSource::File(path) => ("src", path.display().to_string()),
        SecretSource::Variable(name) => ("env", name.clone()),
    };
    json!(line([format!("id={id}"), format!("{key}={value}")]))
}

fn ssh(id: &str, sockets: &[std::path::PathBuf]) -> Value {
    if sockets.is_empty() {
        return json!(id);
    }
    let sockets: Vec<String> = sockets.iter().map(|path| path.display().to_string()).collect();
    json!(format!("{id}={}", sockets.join(",")))
}

fn cache(cache: &Cache) -> Value {
    let attributes = cache.attributes.iter().map(|(key, value)| format!("{key}={value}"));
    json!(line(std::iter::once(format!("type={}", cache.kind)).chain(attributes)))
}

/// Comma-separated values; a value with a comma or a quote is quoted.
fn line(fields: impl IntoIterator<Item = String>) -> String {
    let quoted = |field: String| {
        let plain = !field.contains([',', '"', '\n', '\r']);
        if plain { field } else { format!("\"{}\"", field.replace('"', "\"\"")) }
    };
    fields.into_iter().map(quoted).collect::<Vec<_>>().join(",")
}

/// Escapes every string, including keys, because `${…}` and `%{…}` are templates for bake.
fn literal(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(literal_text(&text)),
        Value::Array(list) => list.into_iter().map(literal).collect(),
        Value::Object(map) => {
            map.into_iter().map(|(key, value)| (literal_text(&key), literal(value))).collect()
        }
        other => other,
    }
}

/// Doubles a sign before a brace. Bake would misread several signs in a row as an escape, so these become
/// an expression that evaluates to them.
fn literal_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['$', '%']) {
        let (before, from) = rest.split_at(at);
        let sign = if from.starts_with('$') { '$' } else { '%' };
        let after = from.trim_start_matches(sign);
        let signs = &from[..from.len() - after.len()];
        out += before;
        match (after.starts_with('{'), signs.len()) {
            (true, 1) => out.extend([sign, sign]),
            (true, _) => out += &format!("${{\"{signs}\"}}"),
            (false, _) => out += signs,
        }
        rest = after;
    }
    out + rest
}
