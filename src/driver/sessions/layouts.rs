//! Images in the OCI image layout, as named contexts. BuildKit reads their blobs over the session and
//! checks their digests.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::buildkit::session::content::{Content, Layout, Offer};
use crate::input::LayoutImage;

/// The layouts of one session, each offered until the session ends.
#[derive(Debug, Default)]
pub(crate) struct Layouts {
    content: Content,
    offered: Mutex<HashMap<PathBuf, Offer>>,
}

impl Layouts {
    /// Layouts that are offered with `content`.
    pub(crate) fn new(content: Content) -> Self {
        Self { content, offered: Mutex::default() }
    }

    /// Offers the layout of `image`, and returns BuildKit's name of the image.
    pub(crate) async fn offer(&self, image: &LayoutImage) -> Result<String, String> {
        let wanted = image.clone();
        let digest = self.content.disk().work(move || digest(&wanted)).await??;
        let mut offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
        let offer = offered
            .entry(image.path.clone())
            .or_insert_with(|| self.content.images(Layout::new(&image.path)));
        Ok(format!("oci-layout://{}@{digest}", offer.id()))
    }
}

/// The digest of an image in its layout, or why it cannot be used.
pub(crate) fn digest(image: &LayoutImage) -> Result<String, String> {
    let layout = Layout::new(&image.path);
    let path = image.path.display();
    if !layout.exists() {
        return Err(match image.path.metadata() {
            Ok(found) if found.is_dir() => {
                format!("{path} is not in the OCI image layout: it has no index.json")
            }
            Ok(_) => format!("{path} is not a directory; unpack an archive first"),
            Err(_) => format!("{path} does not exist"),
        });
    }
    let digest = match &image.digest {
        Some(digest) => digest.to_string(),
        None => {
            let index = layout.index().map_err(|error| error.to_string())?;
            let found = index.image(image.tag.as_deref()).map(str::to_owned);
            found.map_err(|tags| missing(image, &tags))?
        }
    };
    if !layout.has(&digest) {
        return Err(format!("{path} does not contain the image {digest}"));
    }
    Ok(digest)
}

fn missing(image: &LayoutImage, tags: &[&str]) -> String {
    let path = image.path.display();
    let tags = match tags {
        [] => {
            "it has no tags: name the image by its digest, as oci-layout://PATH@DIGEST".to_owned()
        }
        tags => {
            format!("its tags: {}", tags.iter().take(20).copied().collect::<Vec<_>>().join(", "))
        }
    };
    match &image.tag {
        Some(tag) => format!("{path} has no image with the tag `{tag}`; {tags}"),
        None => {
            format!("{path} has no image with the tag `latest`, and not exactly one image; {tags}")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_unusable_layout_is_explained() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("l.tar"), "").unwrap();
        fs::create_dir(at("empty")).unwrap();
        let hex = "a".repeat(64);
        fs::create_dir_all(at("layout/blobs/sha256")).unwrap();
        fs::write(at("layout/blobs/sha256").join(&hex), "").unwrap();
        let entry = |digest: &str, tag: &str| {
            format!(
                r#"{{"digest":"sha256:{digest}","annotations":{{"org.opencontainers.image.ref.name":"{tag}"}}}}"#
            )
        };
        let gone = "b".repeat(64);
        let index = format!(r#"{{"manifests":[{},{}]}}"#, entry(&hex, "1"), entry(&gone, "2"));
        fs::write(at("layout/index.json"), index).unwrap();
        let found = |text: &str| {
            let mut image: LayoutImage = text.parse().unwrap();
            image.path = at(&image.path.display().to_string());
            digest(&image)
        };
        assert_eq!(found("layout:1"), Ok(format!("sha256:{hex}")));
        assert_eq!(found(&format!("layout@sha256:{hex}")), Ok(format!("sha256:{hex}")));
        for (text, wanted) in [
            ("gone", "does not exist"),
            ("l.tar", "not a directory; unpack"),
            ("empty", "it has no index.json"),
            ("layout", "its tags: 1, 2"),
            ("layout:3", "no image with the tag `3`; its tags: 1, 2"),
            ("layout:2", "does not contain the image"),
        ] {
            let error = found(text).unwrap_err();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
