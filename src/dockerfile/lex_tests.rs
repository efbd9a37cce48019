//! Tests of word expansion.

use super::lex::{Lex, MAX_LENGTH, Unexpanded, Variable};

fn get(name: &str) -> Variable<'static> {
    match name {
        "X" => Variable::Set("x"),
        "EMPTY" => Variable::Set(""),
        "V" => Variable::Set("1.2.3"),
        "PATH" => Variable::Set("/a/b/c.tar.gz"),
        "STAR" => Variable::Set("a*b*c"),
        "SPACED" => Variable::Set("a  b"),
        "Q" => Variable::Set("'quoted'"),
        "BASE" => Variable::Unknown,
        _ => Variable::Unset,
    }
}

#[test]
fn words_expand_as_buildkit_expands_them() {
    for (word, wanted) in [
        ("plain", "plain"),
        ("", ""),
        ("$X", "x"),
        ("${X}", "x"),
        ("a$X.b", "ax.b"),
        ("a${X}b", "axb"),
        ("$Xb", ""),
        ("$NONE", ""),
        ("${NONE}", ""),
        ("$", "$"),
        ("a$", "a$"),
        ("$/", "$/"),
        ("$1x", "x"),
        ("$@x", "x"),
        ("$$", ""),
        // Defaults.
        ("${X:-d}", "x"),
        ("${X-d}", "x"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${NONE:-d}", "d"),
        ("${NONE-d}", "d"),
        ("${NONE:-}", ""),
        ("${NONE:-a:b}", "a:b"),
        ("${NONE:-${X}}", "x"),
        ("${NONE:-${ALSO:-$X}}", "x"),
        ("${NONE:-'a}b'}", "a}b"),
        (r#"${NONE:-"a b"}"#, "a b"),
        (r"${NONE:-a\}b}", "a}b"),
        // Alternatives.
        ("${X:+w}", "w"),
        ("${X+w}", "w"),
        ("${EMPTY:+w}", ""),
        ("${EMPTY+w}", "w"),
        ("${NONE:+w}", ""),
        ("${NONE+w}", ""),
        // Required values.
        ("${X:?e}", "x"),
        ("${X?e}", "x"),
        ("${EMPTY?e}", ""),
        // Prefixes and suffixes.
        ("${V#*.}", "2.3"),
        ("${V##*.}", "3"),
        ("${V%.*}", "1.2"),
        ("${V%%.*}", "1"),
        ("${V#1}", ".2.3"),
        ("${V#2}", "1.2.3"),
        ("${V%3}", "1.2."),
        ("${V%?}", "1.2."),
        ("${V#?}", ".2.3"),
        ("${V#}", "1.2.3"),
        ("${V%%*}", ""),
        ("${PATH##*/}", "c.tar.gz"),
        ("${PATH%/*}", "/a/b"),
        ("${PATH#/*/}", "b/c.tar.gz"),
        (r"${STAR#a\*}", "b*c"),
        (r"${STAR%\*c}", "a*b"),
        (r"${STAR%%\**}", "a"),
        ("${NONE#x}", ""),
        ("${V%.${NONE:-3}}", "1.2"),
        // Replacements.
        ("${V/./-}", "1-2.3"),
        ("${V//./-}", "1-2-3"),
        ("${V/2/}", "1..3"),
        ("${V//[0-9]/x}", "1.2.3"),
        ("${V/*/all}", "all"),
        ("${V//?/x}", "xxxxx"),
        ("${V/9/x}", "1.2.3"),
        (r"${PATH//\//-}", "-a-b-c.tar.gz"),
        (r"${STAR/\*/+}", "a+b*c"),
        ("${V/1/$X}", "x.2.3"),
        // Quotes and escapes.
        ("'$X'", "$X"),
        (r#""$X""#, "x"),
        (r#""a 'b' c""#, "a 'b' c"),
        ("'a \"b\" c'", "a \"b\" c"),
        (r"\$X", "$X"),
        (r#""\$X""#, "$X"),
        (r#""\a""#, r"\a"),
        (r"\a", "a"),
        (r"a\", "a"),
        ("a''b", "ab"),
        ("$Q", "'quoted'"),
        ("$SPACED", "a  b"),
        ("a<b", "a<b"),
        ("a<<b", "a<<b"),
    ] {
        let found = Lex::of_instructions('\\').expand(word, &get);
        assert_eq!(found.as_deref(), Ok(wanted), "{word}");
    }
}

#[test]
fn with_another_escape_character_a_backslash_is_a_normal_character() {
    let lex = Lex::of_instructions('`');
    for (word, wanted) in
        [("`$X", "$X"), (r"c:\dir\$X", r"c:\dir\x"), (r#""`"""#, "\""), ("${NONE:-a`}b}", "a}b")]
    {
        assert_eq!(lex.expand(word, &get).as_deref(), Ok(wanted), "{word}");
    }
}

#[test]
fn words_that_buildkit_rejects_are_invalid() {
    for word in [
        "'a",
        "\"a",
        "${",
        "${}",
        "${:-a}",
        "${{X}",
        "${X",
        "${X:-a",
        "${X:",
        "${X:x}",
        "${X:#a}",
        "${X!a}",
        "${X@Q}",
        "${X/a}",
        "${X/a/b",
        "${NONE:?}",
        "${NONE?why}",
        "${EMPTY:?}",
        r"${X#\a}",
    ] {
        let found = Lex::of_instructions('\\').expand(word, &get);
        assert!(matches!(found, Err(Unexpanded::Invalid(_))), "{word}: {found:?}");
    }
    let why = Lex::of_instructions('\\').expand("${NONE:?give it}", &get);
    assert_eq!(why, Err(Unexpanded::Invalid("NONE: give it".to_owned())));
}

#[test]
fn values_that_only_buildkit_knows_are_unknown_and_not_empty() {
    for word in [
        "$BASE",
        "a${BASE}",
        "${BASE:-d}",
        "${BASE+w}",
        "${BASE?}",
        "${BASE#a}",
        "${BASE/a/b}",
        "${NONE:-$BASE}",
        "${V#$BASE}",
        "\"$BASE\"",
    ] {
        let found = Lex::of_instructions('\\').expand(word, &get);
        assert_eq!(found, Err(Unexpanded::Unknown), "{word}");
    }
    for (word, wanted) in [("'$BASE'", "$BASE"), ("${X+w}", "w")] {
        assert_eq!(Lex::of_instructions('\\').expand(word, &get).as_deref(), Ok(wanted));
    }
}

#[test]
fn the_length_of_a_word_is_limited() {
    let deep = format!("{}x{}", "${NONE:-".repeat(5_000), "}".repeat(5_000));
    assert_eq!(Lex::of_instructions('\\').expand(&deep, &get), Err(Unexpanded::Unknown));
    let long = "x".repeat(MAX_LENGTH);
    let big = |_: &str| Variable::Set(&long);
    let found = Lex::of_instructions('\\').expand("$A$A", &big);
    assert_eq!(found, Err(Unexpanded::Unknown));
    let found = Lex::of_instructions('\\').expand("${A//*x*x*x*y/z}", &big);
    assert_eq!(found, Err(Unexpanded::Unknown));
}

#[test]
fn words_are_split_outside_quotes() {
    for (text, wanted) in [
        ("a  b", &["a", "b"][..]),
        ("a 'b c' d", &["a", "b c", "d"]),
        (r"a\ b c", &["a b", "c"]),
        ("$SPACED", &["a", "b"]),
        ("\"$SPACED\"", &["a  b"]),
        (" ", &[]),
    ] {
        assert_eq!(Lex::of_instructions('\\').words(text, &get).unwrap(), wanted, "{text}");
    }
}
