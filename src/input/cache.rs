//! Caches in the syntax of `docker buildx`, and the cache of each cell.

use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::str::Chars;

use super::Cache;
use crate::cell_name::CellName;

impl Cache {
    /// Parses `type=registry,ref=REPOSITORY:TAG`, or a comma-separated list of references.
    pub fn parse(text: &str) -> Result<Vec<Self>, String> {
        let fields = fields(text)?;
        if fields.iter().all(|field| !field.contains('=') && !field.is_empty()) {
            let registry = |reference: String| Self {
                kind: "registry".to_owned(),
                attributes: [("ref".to_owned(), reference)].into_iter().collect(),
            };
            return Ok(fields.into_iter().map(registry).collect());
        }
        let mut cache = Self { kind: String::new(), attributes: Default::default() };
        for field in &fields {
            match field.split_once('=') {
                Some((key, value)) if key.eq_ignore_ascii_case("type") => {
                    cache.kind = value.to_owned();
                }
                Some((key, value)) if !key.is_empty() => {
                    cache.attributes.insert(key.to_ascii_lowercase(), value.to_owned());
                }
                _ => return Err(format!("`{field}` is not name=value")),
            }
        }
        if cache.kind.is_empty() {
            return Err("type=registry|inline|local|gha is missing".to_owned());
        }
        Ok(vec![cache])
    }

    /// This cache for one cell. Without a tag or scope, the cell's name provides one, so that cells do
    /// not overwrite each other's caches. The tag is `cache-CELL`, because the name alone may be the
    /// tag of the image.
    #[must_use]
    pub fn of_cell(&self, cell: &CellName) -> Self {
        let mut own = self.clone();
        if self.shared_place().is_some() {
            return own;
        }
        match (self.kind.as_str(), own.attributes.get_mut("ref")) {
            ("registry", Some(reference)) => *reference += &format!(":cache-{cell}"),
            ("gha", _) => {
                own.attributes.insert("scope".to_owned(), cell.to_string());
            }
            ("local", _) => {
                own.attributes.insert("tag".to_owned(), format!("cache-{cell}"));
            }
            _ => {}
        }
        own
    }

    /// The place that all cells share, if the cache names a tag or scope.
    pub fn shared_place(&self) -> Option<SharedPlace> {
        let attribute = |name: &str| self.attributes.get(name).map(String::as_str);
        let (named_by, place) = match self.kind.as_str() {
            "registry" => {
                let reference = attribute("ref")?;
                let name = reference.rsplit('/').next().unwrap_or(reference);
                ("tag", name.contains([':', '@']).then(|| reference.to_owned())?)
            }
            "local" => {
                let directory = self.folder("src").or(self.folder("dest")).unwrap_or_default();
                let named = |name: &&str| Some(format!("{name}={}", attribute(name)?));
                ("tag", format!("{directory},{}", ["tag", "digest"].iter().find_map(named)?))
            }
            "gha" => ("scope", attribute("scope")?.to_owned()),
            _ => return None,
        };
        Some(SharedPlace { named_by, place })
    }

    /// The directory of a cache of `type=local`: `src` to read, `dest` to write.
    pub fn folder(&self, place: &str) -> Option<&str> {
        let path = self.attributes.get(place).filter(|path| !path.is_empty());
        path.filter(|_| self.kind == "local").map(String::as_str)
    }

    /// The same, with the path of its directory mapped by `path`.
    #[must_use]
    pub fn with_folder(&self, path: impl Fn(&Path) -> PathBuf) -> Self {
        let mut other = self.clone();
        for name in ["src", "dest"].iter().filter(|_| self.kind == "local") {
            if let Some(folder) = other.attributes.get_mut(*name).filter(|path| !path.is_empty()) {
                *folder = path(Path::new(folder)).display().to_string();
            }
        }
        other
    }
}

/// A place that caches of several cells would share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SharedPlace {
    /// The attribute that names it. Without that attribute, each cell has a place of its own.
    pub named_by: &'static str,
    pub place: String,
}

/// The fields of a line of comma-separated values. A comma inside quotes does not separate fields.
pub(crate) fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = line.chars().peekable();
    loop {
        let mut field = String::new();
        let quoted = rest.next_if_eq(&'"').is_some();
        if quoted {
            field = within_quotes(&mut rest)?;
        }
        loop {
            match rest.next() {
                None => {
                    fields.push(field);
                    return Ok(fields);
                }
                Some(',') => break,
                Some(_) if quoted => return Err("a comma must follow a closing quote".to_owned()),
                Some(other) => field.push(other),
            }
        }
        fields.push(field);
    }
}

/// The rest of a field up to its closing quote.
fn within_quotes(rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut field = String::new();
    loop {
        match rest.next() {
            None => return Err("a quote is not closed".to_owned()),
            // Two quotes in a row are an escaped quote.
            Some('"') if rest.next_if_eq(&'"').is_some() => field.push('"'),
            Some('"') => return Ok(field),
            Some(other) => field.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_commas_together() {
        for (line, wanted) in [
            ("a", Ok(vec!["a"])),
            ("", Ok(vec![""])),
            ("a=1,b=2", Ok(vec!["a=1", "b=2"])),
            ("a=1,", Ok(vec!["a=1", ""])),
            ("\"a=1,2\",b", Ok(vec!["a=1,2", "b"])),
            ("\"a\"\"b\"", Ok(vec!["a\"b"])),
            ("\"\"", Ok(vec![""])),
            ("\"ü,\",ö", Ok(vec!["ü,", "ö"])),
            ("\"a", Err("not closed")),
            ("\"a\"\"", Err("not closed")),
            ("\"a\"b", Err("comma must follow")),
        ] {
            match (fields(line), wanted) {
                (Ok(given), Ok(wanted)) => assert_eq!(given, wanted, "{line}"),
                (Err(given), Err(wanted)) => assert!(given.contains(wanted), "{line}: {given}"),
                (given, wanted) => panic!("{line}: {given:?}, not {wanted:?}"),
            }
        }
    }

    #[test]
    fn a_cache_is_a_list_of_attributes_or_a_reference() {
        let shown = |text: &str| {
            let caches = Cache::parse(text)?;
            let show = |cache: Cache| format!("{} {:?}", cache.kind, cache.attributes);
            Ok(caches.into_iter().map(show).collect::<Vec<_>>().join("; "))
        };
        for (text, wanted) in [
            ("r.example/a:b", Ok(r#"registry {"ref": "r.example/a:b"}"#)),
            ("a,b", Ok(r#"registry {"ref": "a"}; registry {"ref": "b"}"#)),
            ("type=inline", Ok("inline {}")),
            ("Ref=a,TYPE=registry,mode=max", Ok(r#"registry {"ref": "a", "mode": "max"}"#)),
            ("mode=max", Err("is missing")),
            ("type=inline,max", Err("`max` is not name=value")),
            ("", Err("is not name=value")),
        ] {
            let given: Result<String, String> = shown(text);
            match (given, wanted) {
                (Ok(given), Ok(wanted)) => assert_eq!(given, wanted, "{text}"),
                (Err(given), Err(wanted)) => assert!(given.contains(wanted), "{text}: {given}"),
                (given, wanted) => panic!("{text}: {given:?}, not {wanted:?}"),
            }
        }
    }

    #[test]
    fn a_cell_has_a_place_of_its_own_where_none_is_named() {
        for (text, wanted) in [
            ("localhost:5000/a", "localhost:5000/a:cache-v1"),
            ("localhost:5000/a:b", "localhost:5000/a:b"),
            ("type=gha", "v1"),
            ("type=gha,scope=s", "s"),
            ("type=local,dest=a/b", "a/b,tag=cache-v1"),
            ("type=local,src=a/b,tag=c", "a/b,tag=c"),
        ] {
            let cache = Cache::parse(text).unwrap().remove(0).of_cell(&"v1".into());
            assert_eq!(cache.shared_place().unwrap().place, wanted);
        }
        let digest = Cache::parse("type=local,src=a,digest=sha256:0").unwrap().remove(0);
        assert_eq!(digest.of_cell(&"v1".into()), digest);
    }

    #[test]
    fn only_a_local_cache_has_a_path() {
        let moved = |text: &str| {
            let cache = Cache::parse(text).unwrap().remove(0);
            cache.with_folder(|path| Path::new("there").join(path)).to_string()
        };
        for (text, wanted) in [
            ("type=local,src=a", "type=local,src=there/a"),
            ("type=local,mode=max,dest=/a", "type=local,mode=max,dest=/a"),
            ("type=registry,ref=a,src=b", "type=registry,ref=a,src=b"),
        ] {
            assert_eq!(moved(text), wanted);
        }
    }
}
