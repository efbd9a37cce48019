use super::*;

/// The rows of a table of `tests/fixtures/patternmatcher`.
fn table<const N: usize>(text: &'static str) -> Vec<[&'static str; N]> {
    let rows: Vec<_> = text
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>().try_into().expect("columns"))
        .collect();
    assert!(rows.len() > 10);
    rows
}

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../tests/fixtures/patternmatcher/", $name))
    };
}

/// The result of a walk, which matches every directory on the way.
fn walked(rules: &Rules, path: &str) -> bool {
    let mut level = Matched::default();
    for (at, _) in path.match_indices('/') {
        level = rules.judge(&path[..at], &level).1;
    }
    rules.judge(path, &level).0
}

#[test]
fn single_patterns_match_as_in_docker() {
    for [pattern, path, expected] in table(fixture!("matches.tsv")) {
        let rules = Rules::new(&[pattern]).unwrap();
        let glob = Glob::compile(&clean(pattern)).unwrap();
        assert_eq!(glob.matches(path), expected == "exact", "{pattern} {path} alone");
        assert_eq!(rules.matches(path), expected != "fail", "{pattern} {path}");
        assert_eq!(walked(&rules, path), expected != "fail", "{pattern} {path} walked");
    }
}

#[test]
fn later_patterns_override_earlier_ones() {
    for [patterns, path, expected] in table(fixture!("lists.tsv")) {
        let rules = Rules::new(&patterns.split(' ').collect::<Vec<_>>()).unwrap();
        assert_eq!(rules.matches(path), expected == "match", "{patterns} {path}");
        assert_eq!(walked(&rules, path), expected == "match", "{patterns} {path} walked");
    }
}

#[test]
fn syntax_is_that_of_docker_and_bad_patterns_are_refused() {
    for [pattern, path, expected] in table(fixture!("syntax.tsv")) {
        match Rules::new(&[pattern]) {
            Ok(rules) => assert_eq!(rules.matches(path), expected == "match", "{pattern} {path}"),
            Err(error) => assert_eq!(expected, "bad", "{error}"),
        }
    }
}

#[test]
fn oddities_of_dockers_expressions_are_preserved() {
    let cases: &[(&str, &str, bool)] = &[
        // A pattern that begins with `**` is a plain suffix unless it has other special characters.
        ("**file", "myfile", true),
        ("**file*", "myfile", false),
        ("**file*", "my/file", true),
        ("a^b", "a^b", true),
        ("a^b*", "a^b", false),
        ("^ab*", "abc", true),
        ("a]", "a]", true),
        (r"a\d", "a1", true),
        (r"a\d", "ad", false),
        (r"x\bar", "xbar", false),
        (r"x/\bar", "x/bar", false),
        (r"x/\bar", "x/ar", true),
        ("a[^b]c", "a/c", true),
        ("a/***/b", "a/x/b", true),
        ("a/***/b", "a/x/y/b", true),
        ("a/***/b", "a/b", false),
        ("[*]", "*", true),
        ("./a/../b/", "b", true),
        ("/a", "a", false),
        ("!a", "a", false),
    ];
    for (pattern, path, expected) in cases {
        let rules = Rules::new(&[pattern]).unwrap();
        assert_eq!(rules.matches(path), *expected, "{pattern} {path}");
    }
    assert!(Rules::new(&[r"a\e"]).unwrap_err().to_string().contains(r"bad pattern `a\e`"));
}

#[test]
fn order_and_exceptions_decide() {
    let cases: &[(&[&str], &[&str], &[&str])] = &[
        (&["*", "!src", "src/secret"], &["a", "src/secret", "src/secret/x"], &["src", "src/a"]),
        (&["a", "!a/b", "a/b/c"], &["a", "a/x", "a/b/c", "a/b/c/d"], &["a/b", "a/b/d"]),
        (&["**/*.log", "!keep/**"], &["x.log", "d/x.log"], &["keep/x.log", "keep/d/x.log", "x"]),
        (&["!a", "a"], &["a", "a/b"], &["b"]),
    ];
    for (patterns, out, kept) in cases {
        let rules = Rules::new(patterns).unwrap();
        for path in *out {
            assert!(rules.matches(path) && walked(&rules, path), "{patterns:?} {path}");
        }
        for path in *kept {
            assert!(!rules.matches(path) && !walked(&rules, path), "{patterns:?} {path}");
        }
    }
}

#[test]
fn a_directory_is_entered_only_if_an_entry_could_match() {
    let rules = Rules::new(&["*", "!a/b/c", "!x/**"]).unwrap();
    for (dir, expected) in [("a", true), ("a/b", true), ("ab", false), ("x", true), ("y", false)] {
        assert_eq!(rules.reach_below(dir, true), expected, "{dir}");
    }
    assert!(Rules::new(&["*", "!**/c"]).unwrap().reach_below("y", true));
    assert!(!Rules::new(&["a/b"]).unwrap().reach_below("a", true));
    assert!(Rules::new(&["a/b"]).unwrap().reach_below("a", false));
}

#[test]
fn paths_are_cleaned_as_go_does() {
    let cases = [
        ("", "."),
        ("/", "/"),
        ("a//b/", "a/b"),
        ("./a/.", "a"),
        ("a/../..", ".."),
        ("/../a", "/a"),
        ("../../a", "../../a"),
        ("a/b/../../..", ".."),
        ("!./a", "!./a"),
    ];
    for (path, expected) in cases {
        assert_eq!(clean(path), expected, "{path}");
    }
}

#[test]
fn matching_time_is_proportional_to_path_and_pattern() {
    let rules = Rules::new(&["a**/**/**/**/**/*a*a*a*a*a*a*a*a*a*b"]).unwrap();
    assert!(!rules.matches(&"a/a".repeat(500)));
}
