//! Steps and requests that wait for a registry or an engine: how long they have waited, when the display
//! says so, and when a step is given up.

pub(crate) mod limit;
pub(crate) mod standstill;
pub(crate) mod waiting;
