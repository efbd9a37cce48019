//! Recognises secrets by name.

/// Words that mark a name as a secret.
const WORDS: &[&str] = &[
    "apikey",
    "auth",
    "credential",
    "credentials",
    "key",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "pword",
    "secret",
    "secrets",
    "token",
];

/// A name with one of these words is not a secret.
const HARMLESS: &[&str] = &["public", "pub", "keyring", "id", "url", "file", "path", "name"];

/// Whether a name looks like that of a secret, by its words: `DB_PASSWORD`, `github.token`,
/// `apiKey`, but not `MONKEY` or `SIGNING_KEY_ID`.
pub(crate) fn names_secret(name: &str) -> bool {
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    has(WORDS) && !has(HARMLESS)
}

fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let splits = !c.is_ascii_alphanumeric();
        let humps = c.is_ascii_uppercase() && before.is_ascii_lowercase();
        if splits || humps {
            words.push(String::new());
        }
        if !splits {
            words.last_mut().expect("it is never empty").push(c.to_ascii_lowercase());
        }
        before = c;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::names_secret;

    #[test]
    fn a_secret_is_recognised_by_the_words_of_its_name() {
        for name in ["PASSWORD", "db_password", "GITHUB_TOKEN", "apiKey", "my.secret", "AWS_KEY"] {
            assert!(names_secret(name), "{name}");
        }
        for name in ["MONKEY", "TOKENIZER", "GPG_KEY_ID", "PUBLIC_KEY", "TOKEN_URL", "VERSION", ""]
        {
            assert!(!names_secret(name), "{name}");
        }
    }
}
