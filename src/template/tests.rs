//! Tests of the template language.

use std::collections::HashMap;

use proptest::prelude::*;

use super::rendered::Origin;
use super::{Rendered, Scope, Template, Value};
use crate::error::{Diagnostics, SourceFile};

fn scope() -> Scope {
    let mut scope = Scope::default();
    scope.set("os", "alpine");
    scope.set("version", "2.0.10");
    let properties = [("hack".into(), "hack_cn".into()), ("suffix".into(), "-cn".into())];
    scope.set("type", Value::Record { text: "cn".into(), properties: properties.into() });
    scope.set("packages", Value::List([Value::from("curl"), Value::from("tar")].into()));
    scope.set("nested", "<%os%> {%os%}");
    scope.set("latest", Value::Truth(true));
    scope
}

fn render_with(files: &[(&str, &str)], scope: &Scope) -> Result<Rendered, Diagnostics> {
    let mut templates = HashMap::new();
    for (name, text) in files {
        templates.insert(*name, Template::file(SourceFile::new(*name, *text))?);
    }
    templates[files[0].0].render(scope, &|name| templates.get(name))
}

fn render(text: &str) -> Result<Rendered, Diagnostics> {
    render_with(&[("Dockerfile", text)], &scope())
}

fn rendered(text: &str) -> String {
    render(text).unwrap_or_else(|errors| panic!("{text}: {errors}")).text().into_owned()
}

fn error(text: &str) -> String {
    render(text).expect_err(text).to_string()
}

#[test]
fn placeholders_become_values() {
    for (template, wanted) in [
        ("FROM <%os%>:<% version %>\n", "FROM alpine:2.0.10\n"),
        ("<%type%><%type.suffix%>", "cn-cn"),
        ("{%os%}{%version%}", "alpine2.0.10"),
        ("<%nested%>", "<%os%> {%os%}"),
        ("<%\"<%\"%>", "<%"),
        ("<%os|upper%> <%version|major%>.<%version|minor%>.<%version|patch%>", "ALPINE 2.0.10"),
        ("<%version|replace('.', '_')%>", "2_0_10"),
        ("<%missing|default('x')%> <%type.none|default(os)%>", "x alpine"),
        ("<%packages|join(' ')%>", "curl tar"),
        ("<%version|split('.')|join('-')%>", "2-0-10"),
        ("<%latest%> <%3.10|trim%> <%'x'|upper%>", "true 3.10 X"),
        ("<%'<%'%>os<%\"%>\"%> <%\"{%\"%>os%} <%'#%'%>", "<%os%> {%os%} #%"),
        ("größe <%os%> é", "größe alpine é"),
    ] {
        assert_eq!(rendered(template), wanted, "{template}");
    }
}

#[test]
fn text_without_placeholders_is_left_unchanged() {
    for text in [
        "",
        "\n",
        "\r\n",
        "${VAR} ${#a} ${a%b} {{.Go}} {# x #} {{ x }} <<EOF\n",
        "{% if x %}{% os %}{%os %}{%%}{%1%}{%os.x%}",
        "a < b % c > d %> {%",
        "#%PAM-1.0\n#%\n#% \n##% if\nRUN x #% if\n",
        "# %% else\n",
        "last line without an end",
        "\u{feff}FROM x\n",
    ] {
        assert_eq!(rendered(text), text);
    }
}

#[test]
fn a_sign_that_is_not_closed_in_its_line_is_plain_text() {
    for (template, wanted, signs) in [
        ("RUN git log --format='%aN <%aE>'\r\n", "RUN git log --format='%aN <%aE>'\r\n", 1),
        ("'<%aE>' <%os%>\n", "'<%aE>' alpine\n", 1),
        ("'<%aE>' '<%os%>' \"<%cE>\"", "'<%aE>' 'alpine' \"<%cE>\"", 2),
        ("<%aE> <%cE> \"<%os%>\" 'x'", "<%aE> <%cE> \"alpine\" 'x'", 2),
        ("<%os%> it's <%", "alpine it's <%", 1),
        ("<%<%os%>", "<%alpine", 1),
        ("<%os\n%>", "<%os\n%>", 1),
        ("{%os", "{%os", 0),
        ("<%\"<%\"%>", "<%", 0),
    ] {
        assert_eq!(rendered(template), wanted, "{template}");
        let parsed = Template::file(SourceFile::new("Dockerfile", template)).unwrap();
        let places: Vec<_> = parsed.plain_signs().collect();
        assert_eq!(places.len(), signs, "{template}");
        assert!(places.iter().all(|place| place.text() == "<%"), "{template}");
    }
}

#[test]
fn a_placeholder_without_a_name_is_an_error_that_names_the_raw_block() {
    for inner in [
        "'text'",
        "\"text\"",
        "\"\"",
        "''",
        "5",
        "-5",
        "1.10",
        "true",
        "false",
        "('x')",
        "['x']",
        "[]",
        "not true",
        "1 == 1",
        "'a' in 'b'",
        "'a' is defined",
        "true and false",
        "",
        " ",
        "= x",
        "if x",
        "@ x",
        "-- x --",
    ] {
        for template in [format!("<%{inner}%>\n"), format!("RUN a <% {inner} %> <%os%>\n")] {
            let shown = error(&template);
            assert!(shown.contains("between `#% raw` and `#% endraw`"), "{template}: {shown}");
            assert!(shown.contains("--> Dockerfile:1:"), "{template}: {shown}");
        }
    }
    let span = SourceFile::new("matrix.yaml", "tag: <%5%>").span(5..10);
    let shown = Template::inline("<%5%>", span).unwrap_err().to_string();
    assert!(shown.contains("--> matrix.yaml:1:8") && !shown.contains("raw"), "{shown}");
}

#[test]
fn a_sign_that_is_not_closed_in_a_key_is_an_error() {
    let span = SourceFile::new("matrix.yaml", "tag: <%os").span(5..9);
    let shown = Template::inline("<%os", span).unwrap_err().to_string();
    assert!(shown.contains("--> matrix.yaml:1:6"), "{shown}");
}

#[test]
fn a_raw_block_is_copied_byte_for_byte() {
    let raw = "<%os%> <%oss%> {%os%} <%\r\n#% if x\n#% raw\n  #% include \"y\"\n#% fi\n";
    for (template, wanted) in [
        (format!("#% raw\n{raw}#% endraw\n<%os%>"), format!("{raw}alpine")),
        (format!("a\n  #%raw\r\n{raw}\t#%  endraw  \r\n"), format!("a\n{raw}")),
        (format!("\u{feff}#% raw\n{raw}#% endraw"), raw.to_owned()),
        ("#% raw\n#% endraw\n#% raw\nx\n#% endraw".to_owned(), "x\n".to_owned()),
        (
            format!(
                "#% if latest\n#% for p in packages\n#% raw\n{raw}#% endraw\n#% endfor\n#% endif"
            ),
            raw.repeat(2),
        ),
    ] {
        assert_eq!(rendered(&template), wanted, "{template}");
        let parsed = Template::file(SourceFile::new("Dockerfile", template.as_str())).unwrap();
        assert_eq!(parsed.plain_signs().count(), 0, "{template}");
    }
    let rendered = render("1\n#% raw\n<%\n#% if\n#% endraw\n<%os%>\n").unwrap();
    let lines: Vec<u32> = (1..).map_while(|line| rendered.origin(line)).map(|o| o.line).collect();
    assert_eq!(lines, [1, 3, 4, 6]);
}

#[test]
fn line_ends_stay_as_they_are() {
    assert_eq!(rendered("A <%os%>\r\n#% if latest\r\nB\r\n#% endif\r\nC"), "A alpine\r\nB\r\nC");
}

#[test]
fn a_control_line_may_follow_a_byte_order_mark() {
    let text = "\u{feff}#% if latest\nA\n#% else\nB\n#% endif\n";
    assert_eq!(rendered(text), rendered(text.trim_start_matches('\u{feff}')));
}

#[test]
fn conditions_choose_lines() {
    for (condition, holds) in [
        ("os == \"alpine\"", true),
        ("os != 'alpine'", false),
        ("type == \"cn\" and type.suffix == \"-cn\"", true),
        ("version > 2.0.9", true),
        ("version >= \"2.0.10\" and version < 2.1", true),
        ("version > \"2.0.10-rc12\" and version < '2.0.10-1'", true),
        ("\"2.0.0-rc9\" < \"2.0.0-rc12\" and '8u92' < '8u412'", true),
        ("\"1.25-alpine\" >= 1.25 and not '1.25-alpine' > 1.25", true),
        // A string that is not a version is neither older nor newer.
        ("os < 1.0 or os > 1.0 or os <= 1.0 or os >= 1.0", false),
        ("os in [\"alpine\", 'ubuntu']", true),
        ("os not in packages", true),
        ("'curl' in packages", true),
        ("\"pin\" in os", true),
        ("not latest or false", false),
        ("not (latest and false)", true),
        ("not not latest", true),
        ("missing is defined", false),
        ("os is defined and missing is not defined", true),
        ("type.suffix is defined", true),
        ("latest == true", true),
    ] {
        let text = format!("#% if {condition}\nyes\n#% else\nno\n#% endif\n");
        assert_eq!(rendered(&text), if holds { "yes\n" } else { "no\n" }, "{condition}");
    }
}

#[test]
fn a_tested_name_may_be_undefined_in_the_guarded_lines() {
    let text = "#% if missing is defined\n<%missing%>\n#% else\nnone\n#% endif\n<%missing%>\n";
    let template = Template::file(SourceFile::new("Dockerfile", text)).unwrap();
    let optional: Vec<bool> = template.names().iter().map(|used| used.optional).collect();
    assert_eq!(optional, [true, true, false]);
}

#[test]
fn loops_repeat_lines() {
    let text = "#% for p in packages\nRUN <%p%>\n  #% for q in ['1','2']\n<%p%><%q%>\n  #%endfor\n#% endfor\n";
    assert_eq!(rendered(text), "RUN curl\ncurl1\ncurl2\nRUN tar\ntar1\ntar2\n");
}

#[test]
fn an_include_line_is_replaced_by_the_file() {
    let files = [
        ("Dockerfile", "A\n#% for p in packages\n#% include \"common/one\"\n#% endfor\nB\n"),
        ("common/one", "<%p%>\n#% include \"common/two\"\n"),
        ("common/two", "no end <%os%>"),
    ];
    let rendered = render_with(&files, &scope()).unwrap();
    assert_eq!(rendered.text(), "A\ncurl\nno end alpine\ntar\nno end alpine\nB\n");
    let places: Vec<String> = (1..=7)
        .map_while(|line| rendered.origin(line))
        .map(|Origin { file, line }| format!("{file}:{line}"))
        .collect();
    let wanted = [
        "Dockerfile:1",
        "common/one:1",
        "common/two:1",
        "common/one:1",
        "common/two:1",
        "Dockerfile:5",
    ];
    assert_eq!(places, wanted);
}

#[test]
fn every_rendered_line_has_its_origin() {
    let text = "1\n#% if latest\n3 <%os%>\n4\n#% else\n6\n#% endif\n#% for p in packages\n<%p%> 9\n10\n#% endfor\n12\n<%os%>\n\n15";
    let rendered = render(text).unwrap();
    let lines: Vec<u32> = (1..).map_while(|line| rendered.origin(line)).map(|o| o.line).collect();
    assert_eq!(lines, [1, 3, 4, 9, 10, 9, 10, 12, 13, 14, 15]);
    assert_eq!(rendered.text().lines().count(), lines.len());
    assert_eq!(rendered.origin(0), None);
}

#[test]
fn an_error_shows_its_place_and_a_suggestion() {
    for (template, place, words) in [
        ("a\né <%oss%>", "Dockerfile:2:5", "did you mean `os`?"),
        ("<%type.sufix%>", "Dockerfile:1:8", "did you mean `suffix`?"),
        ("<%type.zzz%>", "Dockerfile:1:8", "it has: hack, suffix"),
        ("<%os.x%>", "Dockerfile:1:6", "plain string"),
        ("{%oss%}", "Dockerfile:1:3", "did you mean `os`?"),
        ("#% raw\n", "Dockerfile:1:4", "`#% endraw` is missing"),
        ("#% if latest\n#% raw\n#% endif\n", "Dockerfile:2:4", "add `#% endraw`"),
        ("#% endraw\n", "Dockerfile:1:4", "no matching `#% raw`"),
        ("#% raw x\n#% endraw", "Dockerfile:1:7", "nothing may follow `raw`"),
        ("#% raw\n#% endraw x", "Dockerfile:2:10", "nothing may follow `endraw`"),
        ("#% endrow\n", "Dockerfile:1:4", "did you mean `endraw`?"),
        ("<%%>", "Dockerfile:1:3", "expected a name or a value"),
        ("<%os os%>", "Dockerfile:1:6", "expected the end"),
        ("<%os|%>", "Dockerfile:1:6", "name of a filter"),
        ("<%os|lowr%>", "Dockerfile:1:6", "did you mean `lower`?"),
        ("<%os|replace('a')%>", "Dockerfile:1:6", "requires 2 arguments, not 1"),
        ("<%os|major%>", "Dockerfile:1:3", "`alpine` has no major number"),
        ("<%packages%>", "Dockerfile:1:3", "is a list"),
        ("<%os = 'a'%>", "Dockerfile:1:6", "write `==`"),
        ("<%'a%>", "Dockerfile:1:1", "not closed"),
        ("#% if os\n#% endif", "Dockerfile:1:7", "not a condition"),
        ("#% if\n#% endif", "Dockerfile:1:6", "expected a name or a value"),
        ("#% if latest\n", "Dockerfile:1:4", "`#% endif` is missing"),
        ("#% endif\n", "Dockerfile:1:4", "no matching `#% if`"),
        ("#% if latest\n#% endfor\n", "Dockerfile:2:4", "`#% endif` is missing"),
        ("#% if latest\n#% else\n#% else\n#% endif", "Dockerfile:3:4", "the last branch"),
        ("#% fi latest\n", "Dockerfile:1:4", "not a control keyword"),
        ("#% if latest\n#% fi\n#% endif", "Dockerfile:2:4", "did you mean `endif`?"),
        ("#% for p in packages\n#% done\n#% endfor", "Dockerfile:2:4", "did you mean `endfor`?"),
        ("#% if latest\n#% elseif os\n#% endif", "Dockerfile:2:4", "did you mean `elif`?"),
        ("#% unless latest\n", "Dockerfile:1:4", "known: if, elif"),
        ("#%iff latest\n", "Dockerfile:1:3", "did you mean `if`?"),
        ("#% for in packages\n#% endfor", "Dockerfile:1:8", "a loop needs"),
        ("#% for p in os\n#% endfor", "Dockerfile:1:13", "not a list"),
        ("#% include labels\n", "Dockerfile:1:11", "in quotes"),
        ("#% include \"../x\"\n", "Dockerfile:1:11", "must stay inside"),
        ("#% include \"/etc/passwd\"\n", "Dockerfile:1:11", "must stay inside"),
        ("#% endif x\n", "Dockerfile:1:9", "nothing may follow"),
        ("#% if os < \"m\"\n#% endif", "Dockerfile:1:12", "`m` is not a version"),
        ("#% if '1.2-jdk' < '1.2-jre'\n#% endif", "Dockerfile:1:7", "no defined order"),
        ("<%packages < os%>", "Dockerfile:1:3", "cannot be ordered"),
    ] {
        let shown = error(template);
        assert!(shown.contains(&format!("--> {place}\n")), "{template}\n{shown}");
        assert!(shown.contains(words), "{template}\n{shown}");
    }
}

#[test]
fn an_error_in_foreign_text_names_both_ways_out() {
    for (template, foreign) in [
        ("<%title%>", true),
        ("<%= title %>", true),
        ("<%@ page %>", true),
        ("<% os do %>", true),
        ("<%%>", true),
        ("<%it's%>", true),
        ("#% unless latest\n", true),
        ("#% for each item\n#% endfor\n", true),
        ("#% include <stdio.h>\n", true),
        ("#% if title == 'x'\n#% endif\n", true),
        ("<%oss%>", false),
        ("<%os|lowr%>", false),
        ("<%type.none%>", false),
        ("#% iff latest\n", false),
    ] {
        let shown = error(template);
        let both = shown.contains("`#% raw`") && shown.contains("`template: false`");
        assert_eq!(both, foreign, "{template}\n{shown}");
    }
}

#[test]
fn all_errors_of_a_template_come_at_once() {
    let errors = render("<%a1%>\n<%b1%>\n#% if c1\n#% endif\n").unwrap_err();
    assert_eq!(errors.len(), 3, "{errors}");
}

#[test]
fn an_error_in_an_included_file_shows_the_include() {
    let files = [("Dockerfile", "\n#% include \"one\"\n"), ("one", "<%oss%>\n")];
    let shown = render_with(&files, &scope()).unwrap_err().to_string();
    assert!(shown.contains("--> one:1:3"), "{shown}");
    assert!(shown.contains("included from Dockerfile:2:11"), "{shown}");
}

#[test]
fn a_file_that_includes_itself_is_an_error() {
    let files = [("Dockerfile", "#% include \"one\"\n"), ("one", "#% include \"one\"\n")];
    assert!(render_with(&files, &scope()).unwrap_err().to_string().contains("includes itself"));
}

#[test]
fn a_value_never_becomes_an_instruction() {
    for bad in ["a\nRUN evil", "a\rb", "a\0b", "a\u{1b}[2J", "a\u{85}b", "a\u{2028}b"] {
        let mut scope = scope();
        scope.set("bad", bad);
        let errors = render_with(&[("Dockerfile", "x <%bad%>")], &scope).expect_err(bad);
        assert!(errors.to_string().contains("--> Dockerfile:1:5"), "{errors}");
    }
}

#[test]
fn memory_is_bounded() {
    let many: Value = Value::List(vec![Value::from("x"); 2000].into());
    let mut scope = Scope::default();
    scope.set("many", many);
    let large = format!("#% for a in many\n{}\n#% endfor", "y".repeat(1000));
    let slow =
        "#% for a in many\n#% for b in many\n#% for c in many\n#% endfor\n#% endfor\n#% endfor";
    let filters = format!("<%'a'{}%>", "|replace('a','aaaaaaaaaa')".repeat(30));
    let nested = "#% if true\n".repeat(5000) + &"#% endif\n".repeat(5000);
    let brackets = format!("<%{}%>", "(".repeat(1500));
    let expression = format!("<%{}%>", "a".repeat(2001));
    for (template, word) in [
        (large.as_str(), "larger than 1 MiB"),
        (&expression, "longer than 2000 bytes"),
        (slow, "too many steps"),
        (&filters, "longer than 64 KiB"),
        (&nested, "nested more than"),
        (&brackets, "brackets"),
    ] {
        let shown = render_with(&[("Dockerfile", template)], &scope).unwrap_err().to_string();
        assert!(shown.contains(word), "{shown}");
    }
}

proptest! {
    #[test]
    fn text_without_placeholders_comes_out_byte_for_byte(
        text in "([a-z$ \t\r\n<{}#%>\"']|\\PC){0,200}",
    ) {
        // A character between the two turns these markers into plain text. Without a `%>`, a `<%` is too.
        let text = ["%>", "{%", "#%"].iter().fold(text, |text, marker| {
            text.replace(marker, &format!("{}.{}", &marker[..1], &marker[1..]))
        });
        prop_assert_eq!(rendered(&text), text);
    }

    #[test]
    fn a_raw_block_with_any_text_comes_out_byte_for_byte(
        text in "(<%|%>|\\{%|%\\}|#% ?| if | for |os|\"|é|\r?\n|[a-z <=]){0,60}",
    ) {
        prop_assume!(!text.contains("endraw"));
        prop_assert_eq!(rendered(&format!("#% raw\n{text}\n#% endraw\n")), text + "\n");
    }

    #[test]
    fn no_template_causes_a_panic(
        text in "(<%|%>|\\{%|#%| if | for | in |os|endif|include|\"|\\||\\.|\\(|\\[|é|\r?\n|[a-z <=]){0,40}"
    ) {
        if let Ok(rendered) = render(&text) {
            let count = rendered.text().split_inclusive('\n').count() as u32;
            prop_assert!(rendered.origin(count + 1).is_none());
            prop_assert!((1..=count).all(|line| rendered.origin(line).is_some()));
        }
    }
}

#[test]
fn sharing_stretches_of_a_large_template_changes_nothing() {
    let stretch = "RUN echo onebuild and sixty more characters that no value ever changes, é\n";
    let large = format!("FROM a:<%x%>\n{}RUN <%x%> end", stretch.repeat(100));
    let template = Template::file(SourceFile::new("Dockerfile", large.clone())).unwrap();
    let with = |value: &str| {
        let mut scope = Scope::default();
        scope.set("x", value);
        template.render(&scope, &|_| None).unwrap()
    };
    let rendered = with("1.0");
    let text = large.replace("<%x%>", "1.0");
    assert_eq!(rendered.text(), text);
    assert_eq!(rendered.parts().collect::<String>(), text);
    assert!(rendered.size() < 200, "{}", rendered.size());
    for line in 1..=u32::try_from(text.lines().count()).unwrap() {
        assert_eq!(rendered.origin(line).map(|origin| origin.line), Some(line));
    }
    assert_eq!(rendered, with("1.0"));
    assert_ne!(rendered, with("1.1"));
    for (word, holds) in
        [("FROM", true), (":1.0\nRUN echo one", true), ("é\nRUN 1.0 end", true), ("1.1", false)]
    {
        assert_eq!(rendered.mentions(word), holds, "{word}");
    }
    let shape = |rendered: &Rendered| {
        use std::hash::Hasher as _;
        let mut state = std::hash::DefaultHasher::new();
        rendered.shape(&mut state, |state, text| state.write_usize(text.len()));
        state.finish()
    };
    assert_eq!(shape(&rendered), shape(&with("2.0")));
    assert_ne!(shape(&rendered), shape(&with("10.0")));
}

#[test]
fn a_long_value_is_shared_by_its_uses() {
    let template = Template::file(SourceFile::new("Dockerfile", "A <%v%> B <%v%>\n<%v%>")).unwrap();
    let value: std::sync::Arc<str> = "x".repeat(5000).into();
    let mut scope = Scope::default();
    scope.set("v", Value::Text(value.clone()));
    let rendered = template.render(&scope, &|_| None).unwrap();
    assert_eq!(rendered.text(), format!("A {value} B {value}\n{value}"));
    assert!(rendered.size() < 300, "{}", rendered.size());
    assert_eq!(rendered.origin(2).map(|origin| origin.line), Some(2));
    assert_eq!(&*rendered.origin(1).unwrap().file, "Dockerfile");
    assert_eq!(rendered, template.render(&scope, &|_| None).unwrap());
    scope.set("v", "y".repeat(5000).as_str());
    assert_ne!(rendered, template.render(&scope, &|_| None).unwrap());
}
