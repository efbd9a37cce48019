//! Kinds of errors, their exit codes, and the rendering of source spans.
