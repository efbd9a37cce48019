use super::{cells, family, wrong};

#[test]
fn a_matrix_too_large_is_refused_before_it_is_made() {
    let axes: String = (0..10).map(|axis| format!("  a{axis}: 1..100\n")).collect();
    let text = format!("image: a\ntag: x\nplatforms: linux/amd64\naxes:\n{axes}");
    let started = std::time::Instant::now();
    let shown = wrong(&text);
    assert!(shown.contains("the matrix has 100000000000000000000 cells"), "{shown}");
    let more = format!("{}include:\n  - {{ {} }}\n", text.replace("1..100", "1..2"), {
        let lists: Vec<String> =
            (0..10).map(|axis| format!("a{axis}: [3,4,5,6,7,8,9,10,11,12]")).collect();
        lists.join(", ")
    });
    let shown = wrong(&more);
    assert!(shown.contains("this entry adds 10000000000 cells"), "{shown}");
    assert!(started.elapsed().as_secs() < 2);
}

#[test]
fn thousands_of_cells_named_one_by_one_cost_no_more_than_they_are() {
    let entries: String = (0..4_000)
        .map(|n| format!("  - {{ os: debian, version: 3.{n}, args: {{ A: x }} }}\n"))
        .collect();
    let started = std::time::Instant::now();
    assert_eq!(cells(&family(&format!("include:\n{entries}"))).len(), 9 + 4_000);
    assert!(started.elapsed().as_secs() < 4, "{:?}", started.elapsed());
}
