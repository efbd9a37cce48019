//! Files that name other files.

use crate::error::{Diagnostics, Error};

/// Reads what `files` need, and what those files need in turn. `needed` lists the files that are not
/// read yet, and `read` reads one of them. Files that cannot be read are reported together with the
/// others that were needed at the same time.
pub(crate) fn read_all<F, N>(
    files: &mut F,
    needed: impl Fn(&F) -> Result<Vec<N>, Error>,
    mut read: impl FnMut(&mut F, N) -> Result<(), Diagnostics>,
) -> Result<(), Error> {
    loop {
        let missing = needed(files)?;
        if missing.is_empty() {
            return Ok(());
        }
        let mut errors = Diagnostics::default();
        for file in missing {
            read(files, file).unwrap_or_else(|found| errors.extend(found));
        }
        if !errors.is_empty() {
            return Err(errors.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Diagnostic;

    /// Reads `a`, which names `b` and `c`, which name `d`. Those of `broken` cannot be read.
    fn read(broken: &[&str]) -> (Vec<&'static str>, Result<(), Error>) {
        let names = |name: &str| match name {
            "a" => ["b", "c"].as_slice(),
            "b" | "c" => &["d"],
            _ => &[],
        };
        let mut files = vec!["a"];
        let needed = |files: &Vec<&'static str>| {
            let mut all: Vec<_> = files.iter().flat_map(|name| names(name)).copied().collect();
            all.retain(|name| !files.contains(name));
            all.dedup();
            Ok(all)
        };
        let done = read_all(&mut files, needed, |files, name| match broken.contains(&name) {
            true => Err(Diagnostic::error(name).into()),
            false => {
                files.push(name);
                Ok(())
            }
        });
        (files, done)
    }

    #[test]
    fn a_file_is_read_after_all_files_that_name_it() {
        let (files, done) = read(&[]);
        assert_eq!(files, ["a", "b", "c", "d"]);
        assert!(done.is_ok());
    }

    #[test]
    fn unreadable_files_are_reported_together_and_stop_the_reading() {
        for (broken, reported, known) in [
            (&["b", "c", "d"][..], &["b", "c"][..], &["a"][..]),
            (&["b"], &["b"], &["a", "c"]),
            (&["d"], &["d"], &["a", "b", "c"]),
        ] {
            let (files, done) = read(broken);
            let error = done.unwrap_err();
            let found: Vec<&str> = error.diagnostics().iter().map(|one| &*one.message).collect();
            assert_eq!((found, files), (reported.to_vec(), known.to_vec()), "{broken:?}");
        }
    }
}
