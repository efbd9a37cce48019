//! Steps and requests that wait for a registry or an engine: how long they have waited, when the display
//! reports it, and when a step times out.

pub(crate) mod limit;
pub(crate) mod standstill;
pub(crate) mod waiting;
