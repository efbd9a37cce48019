//! How caches are written: in one line, as `docker buildx` takes them, and one for each cell.

use std::iter::Peekable;
use std::str::Chars;

use super::Cache;
use crate::event::CellName;

impl Cache {
    /// Reads `type=registry,ref=REPOSITORY:TAG`, or the reference alone; several of these may stand
    /// in a row.
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
            return Err("it lacks type=registry|inline|gha".to_owned());
        }
        Ok(vec![cache])
    }

    /// The part of this cache that is `cell`'s own, so that cells do not overwrite each other's:
    /// where no tag or scope is named, it is made from the cell's name. The tag is `cache-CELL`, as
    /// the cell's name alone may be the image itself.
    #[must_use]
    pub fn of_cell(&self, cell: &CellName) -> Self {
        let mut own = self.clone();
        if self.is_shared() {
            return own;
        }
        match (self.kind.as_str(), own.attributes.get_mut("ref")) {
            ("registry", Some(reference)) => *reference += &format!(":cache-{cell}"),
            ("gha", _) => {
                own.attributes.insert("scope".to_owned(), cell.to_string());
            }
            _ => {}
        }
        own
    }

    /// Whether one place is named, whatever the cell.
    pub fn is_shared(&self) -> bool {
        match self.kind.as_str() {
            "registry" => self.attributes.get("ref").is_some_and(|reference| {
                let name = reference.rsplit('/').next().unwrap_or(reference);
                name.contains([':', '@'])
            }),
            "gha" => self.attributes.contains_key("scope"),
            _ => false,
        }
    }
}

/// The fields of a line of comma-separated values; a comma within quotes separates nothing.
pub fn fields(line: &str) -> Result<Vec<String>, String> {
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

/// What stands before the closing quote.
fn within_quotes(rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut field = String::new();
    loop {
        match rest.next() {
            None => return Err("a quote is not closed".to_owned()),
            // Two quotes in a row are one that is meant.
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
            ("mode=max", Err("lacks type=")),
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
        ] {
            let cache = Cache::parse(text).unwrap().remove(0).of_cell(&"v1".into());
            let place = cache.attributes.get("ref").or(cache.attributes.get("scope")).unwrap();
            assert_eq!(place, wanted);
        }
    }
}
