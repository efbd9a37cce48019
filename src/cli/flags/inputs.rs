//! Further inputs of a build. The flags have the same forms as in `docker buildx build`.

use std::path::PathBuf;
use std::str::FromStr;

use super::name_and_value;
use crate::image::Reference;
use crate::input::{Cache, NamedContext, SecretSource, fields, truth};

pub(crate) fn annotation(text: &str) -> Result<(String, String), String> {
    let (name, value) = name_and_value(text)?;
    match name.split_once(':') {
        Some((place, rest)) => Err(format!(
            "remove `{place}:` and write {rest}=VALUE: annotations are added to the index and to every \
             manifest"
        )),
        None => Ok((name, value)),
    }
}

/// `NAME=CONTEXT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BuildContext {
    pub name: String,
    pub context: NamedContext,
}

impl FromStr for BuildContext {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, place) = text
            .split_once('=')
            .filter(|(name, place)| !name.is_empty() && !place.is_empty())
            .ok_or("write NAME=DIR, NAME=docker-image://REF, NAME=oci-layout://PATH or NAME=URL")?;
        name.parse::<Reference>()
            .map_err(|error| format!("`{name}` is not a valid name: {error}"))?;
        let context = place.parse()?;
        Ok(Self { name: name.to_owned(), context })
    }
}

/// `id=ID[,src=PATH|,env=NAME][,optional=true]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretFlag {
    pub id: String,
    /// `None` for the environment variable, or else the file, with the name of the id.
    pub source: Option<SecretSource>,
    /// Whether the build can do without it if its source is missing.
    pub optional: bool,
}

impl FromStr for SecretFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut id, mut file, mut variable, mut kind) = (None, None, None, None);
        let mut optional = false;
        for field in fields(text)? {
            let (key, value) = field
                .split_once('=')
                // The value may be the secret itself, by mistake: the error does not show it.
                .ok_or("write id=ID,src=FILE or id=ID,env=VARIABLE")?;
            // As for docker, a key is in any case of letters.
            match &*key.to_lowercase() {
                "src" | "source" | "env" if value.is_empty() => {
                    return Err(format!("`{key}=` is empty"));
                }
                "id" => id = Some(value.to_owned()),
                "src" | "source" => file = Some(value.to_owned()),
                "env" => variable = Some(value.to_owned()),
                "type" if matches!(value, "file" | "env") => kind = Some(value.to_owned()),
                "type" => return Err("the type of a secret must be file or env".to_owned()),
                "optional" => {
                    optional = truth(value).ok_or("write optional=true or optional=false")?;
                }
                other => {
                    return Err(format!("`{other}` is not one of id, src, env, type, optional"));
                }
            }
        }
        let id = id.filter(|id| !id.is_empty()).ok_or("id=ID is missing")?;
        let source = match (file, variable, kind.as_deref()) {
            (Some(_), Some(_), _) => {
                return Err("a secret can have src=FILE or env=VARIABLE, not both".to_owned());
            }
            (None, Some(name), _) | (Some(name), None, Some("env")) => {
                Some(SecretSource::Variable(name))
            }
            (Some(path), None, _) => Some(SecretSource::File(path.into())),
            (None, None, Some("env")) => Some(SecretSource::Variable(id.clone())),
            (None, None, Some(_)) => Some(SecretSource::File(PathBuf::from(&id))),
            (None, None, None) => None,
        };
        Ok(Self { id, source, optional })
    }
}

/// `ID[=PATH]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SshFlag {
    pub id: String,
    pub places: Vec<PathBuf>,
}

impl FromStr for SshFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (id, places) = text.split_once('=').unwrap_or((text, ""));
        if id.is_empty() {
            return Err("write default or ID=PATH".to_owned());
        }
        let places = places.split(',').filter(|place| !place.is_empty());
        Ok(Self { id: id.to_owned(), places: places.map(PathBuf::from).collect() })
    }
}

/// The caches of one flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CacheFlag(pub Vec<Cache>);

impl FromStr for CacheFlag {
    type Err = String;

    /// As for `docker buildx build`, an empty string is no cache.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.is_empty() {
            true => Ok(Self(Vec::new())),
            false => Cache::parse(text).map(Self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_file_or_a_variable() {
        let file = |path: &str| Some(SecretSource::File(path.into()));
        let variable = |name: &str| Some(SecretSource::Variable(name.to_owned()));
        for (text, source) in [
            ("id=a", None),
            ("id=a,src=b", file("b")),
            ("ID=a,Src=b", file("b")),
            ("source=b=c,id=a", file("b=c")),
            ("id=a,env=B", variable("B")),
            ("type=env,id=a,src=B", variable("B")),
            ("type=env,id=a", variable("a")),
            ("type=file,id=a", file("a")),
            ("\"src=b,c\",id=a", file("b,c")),
        ] {
            let flag = SecretFlag { id: "a".to_owned(), source, optional: false };
            assert_eq!(text.parse(), Ok(flag.clone()), "{text}");
            let optional = SecretFlag { optional: true, ..flag };
            assert_eq!(format!("{text},optional=true").parse(), Ok(optional), "{text}");
        }
        for (text, word) in [
            ("hunter2", "write id=ID"),
            ("src=b", "id=ID is missing"),
            ("id=,src=b", "id=ID is missing"),
            ("id=a,src=b,env=c", "src=FILE or env=VARIABLE"),
            ("id=a,value=b", "`value` is not one of"),
            ("id=a,type=b", "file or env"),
            ("id=a,src=", "is empty"),
            ("id=a,env=", "is empty"),
            ("id=a,optional=yes", "optional=true or"),
        ] {
            let error = text.parse::<SecretFlag>().unwrap_err();
            assert!(error.contains(word) && !error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn an_empty_cache_is_none() {
        assert_eq!("".parse(), Ok(CacheFlag(Vec::new())));
        assert!(",".parse::<CacheFlag>().is_err());
    }

    #[test]
    fn a_context_is_an_image_a_url_or_a_directory() {
        let context = |text: &str| text.parse::<BuildContext>().map(|parsed| parsed.context);
        let image = |name: &str| Ok(NamedContext::Image(name.parse().unwrap()));
        assert_eq!(context("a=docker-image://alpine:3.20"), image("alpine:3.20"));
        for url in ["https://x.example/a.git#main", "git@x.example:a.git", "ssh://git@x.example/a"]
        {
            assert_eq!(context(&format!("a={url}")), Ok(NamedContext::Url(url.to_owned())));
        }
        assert_eq!(context("a=../b=c"), Ok(NamedContext::Folder("../b=c".into())));
        for (text, word) in [
            ("a", "write NAME="),
            ("=a", "write NAME="),
            ("a=", "write NAME="),
            ("A=b", "not a valid name"),
            ("a=docker-image://A", "upper-case"),
            ("a=oci-layout://", "write oci-layout://PATH"),
            ("a=ftp://b", "`ftp://`"),
        ] {
            let error = context(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn an_annotation_cannot_have_a_place() {
        assert_eq!(annotation("a.b=c:d"), Ok(("a.b".to_owned(), "c:d".to_owned())));
        let error = annotation("index:a=b").unwrap_err();
        assert!(error.contains("write a=VALUE"), "{error}");
    }
}
