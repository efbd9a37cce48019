use super::{family, matrix};
use crate::input::Inputs;
use crate::matrix::{Overrides, Pick, Selection, Source};

#[test]
fn every_value_of_a_cell_has_its_origin() {
    let text = family(
        "args: { A: a, B: b, C: c }\nlabels: auto\nvars: { v: <%os%>, w: x }\noverrides:\n  - { os: ubuntu, args: { B: <%tag%> }, target: t }\n",
    );
    let matrix = matrix(&text);
    let overrides = Overrides {
        images: vec!["you/app".parse().unwrap()],
        platforms: vec!["linux/arm64".parse().unwrap()],
        inputs: Inputs { args: [("C".into(), "flag".into())].into(), ..Inputs::default() },
        vars: [("w".into(), "y".into())].into(),
        environment: vec!["ONEBUILD_IMAGE".to_owned()],
        ..Default::default()
    };
    let add = vec![Pick::parse("version=9").unwrap()];
    let selection = Selection { add, ..Default::default() };
    let cells = matrix.select(&selection, &overrides).unwrap().expand().unwrap().cells;
    let origins = cells[0].origins();
    let shown: Vec<String> = origins
        .iter()
        .map(|origin| {
            let source = match &origin.source {
                Source::File(span) => span.to_string(),
                Source::Flag(flag) => flag.clone(),
                Source::Environment(variable) => variable.clone(),
                Source::Default => "default".to_owned(),
            };
            format!("{} {} {source}", origin.key, origin.value)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "axes.os ubuntu matrix.yaml:5:8",
            "axes.version 9 --add",
            "vars.v ubuntu matrix.yaml:9:12",
            "vars.w y --var",
            "image you/app ONEBUILD_IMAGE",
            "tag ubuntu-9 matrix.yaml:2:6",
            "platforms linux/arm64 --platform",
            "context . default",
            "dockerfile Dockerfile default",
            "target t matrix.yaml:11:49",
            "network default default",
            "args.A a matrix.yaml:7:12",
            "args.B ubuntu-9 matrix.yaml:11:30",
            "args.C flag --build-arg",
            "labels.org.opencontainers.image.title app matrix.yaml:8:9",
            "labels.org.opencontainers.image.version 9 matrix.yaml:8:9",
            "labels.org.opencontainers.image.ref.name ubuntu-9 matrix.yaml:8:9",
        ]
    );
}
