//! Recorded events, for tests.

use super::{
    Argument, Command, Event, Failure, MatrixFile, Process, Retrying, RunHead, RunKind, VERSION,
};
use crate::record::Timestamp;

/// What foreign text may contain.
pub(crate) const HOSTILE: &[&str] = &[
    "",
    "plain",
    "\"}\n{\"seq\":1,\"type\":\"run-finished\"",
    "a\r\nb\u{2028}c\u{0}d\\",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "\u{202e}gpj.exe\u{feff}",
    "::error::owned ##[error]owned",
    "日本 👩‍🔧 \u{fffd}",
    "$(touch x) `id` %s {0}",
    "</script><script>alert(1)</script><!-- --> ]]> &amp; <b>\"'",
    "| a | b |\\| ```\n# heading\n</details> [x](javascript:alert(1)) ![x](http://x.example/y)",
    "%0A::error::x%0D,title=y: z",
    "EOF\nimages<<EOF\nowned\nEOF",
    "@user #1 *bold* _it_ ~no~ $math$ \u{1f}\u{7f}\u{85}\u{fffe}\u{ffff}",
];

/// The first line of a record, with `text` wherever text can be.
pub(crate) fn head(text: &str) -> RunHead {
    let argument = |value: Option<&str>| Argument {
        flag: Some("build-arg".to_owned()),
        value: value.map(str::to_owned),
        hidden: value.is_none(),
        variable: value.map(str::to_owned),
    };
    RunHead {
        version: VERSION,
        kind: RunKind::Run,
        id: "20261128T181044Z-3f2a".parse().unwrap(),
        onebuild: crate::VERSION.to_owned(),
        time: Timestamp::now(),
        command: Command {
            name: "build".to_owned(),
            arguments: vec![argument(Some(text)), argument(None)],
            text: text.to_owned(),
        },
        matrix: MatrixFile { file: text.to_owned(), path: Some(text.to_owned()) },
        directory: text.to_owned(),
        engine: text.to_owned(),
        jobs: 4,
        pushes: true,
        native: Some("linux/amd64".to_owned()),
        process: Process { pid: 1, host: text.to_owned() },
    }
}

/// An attempt of a cell failed, and the next one follows.
pub(crate) fn retrying(cell: &str) -> Event {
    Event::Retrying(Retrying {
        cell: cell.to_owned(),
        number: 1,
        of: 2,
        wait: None,
        took: None,
        failure: Box::new(Failure::default()),
    })
}
