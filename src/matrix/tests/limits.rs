use super::{cells, family, matrix, select, wrong};

#[test]
fn a_matrix_that_is_too_large_is_rejected_before_its_cells_are_created() {
    let axes: String = (0..10).map(|axis| format!("  a{axis}: 1..100\n")).collect();
    let text = format!("image: a\ntag: x\nplatforms: linux/amd64\naxes:\n{axes}");
    let shown = wrong(&text);
    assert!(shown.contains("the matrix has 100000000000000000000 cells"), "{shown}");
    let more = format!("{}include:\n  - {{ {} }}\n", text.replace("1..100", "1..2"), {
        let lists: Vec<String> =
            (0..10).map(|axis| format!("a{axis}: [3,4,5,6,7,8,9,10,11,12]")).collect();
        lists.join(", ")
    });
    let shown = wrong(&more);
    assert!(shown.contains("this entry adds 10000000000 cells"), "{shown}");
}

#[test]
fn thousands_of_explicit_cells_take_linear_time() {
    let entries: String = (0..4_000)
        .map(|n| format!("  - {{ os: debian, version: 3.{n}, args: {{ A: x }} }}\n"))
        .collect();
    let started = std::time::Instant::now();
    assert_eq!(cells(&family(&format!("include:\n{entries}"))).len(), 9 + 4_000);
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

#[test]
fn a_thousand_rules_over_ten_thousand_cells_are_fast() {
    let axes = "axes:\n  os: 1..10\n  version: 1..1000\n";
    let rules: String =
        (1..=1_000).map(|n| format!("  - {{ version: {n}, args: {{ N: \"{n}\" }} }}\n")).collect();
    let head = "image: me/app\ntag: <%os%>-<%version%>\nplatforms: linux/amd64\n";
    let matrix = matrix(&format!("{head}{axes}overrides:\n{rules}"));
    let started = std::time::Instant::now();
    let cells = select(&matrix, &[]).unwrap();
    assert_eq!((cells.len(), &*cells[9_999].inputs.args["N"]), (10_000, "1000"));
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

#[test]
fn too_many_tags_are_rejected_with_their_count() {
    let tags: String = (0..1_000).map(|n| format!("  - <%a%>-<%b%>-{n}\n")).collect();
    let axes = "axes: { a: 1..1000, b: 1..100 }\n";
    let images: String = (0..20).map(|n| format!("i{n}, ")).collect();
    let shown = wrong(&format!("image: [{images}]\nplatforms: linux/amd64\n{axes}tags:\n{tags}"));
    assert!(shown.contains("51 of 100000 cells have 1020000 tags; the maximum is"), "{shown}");
}
