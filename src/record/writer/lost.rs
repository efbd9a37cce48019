//! Why a record is not complete.

use std::sync::{Arc, Mutex, PoisonError};

/// Why recording stopped.
#[derive(Debug, Clone, Default)]
pub(super) struct Lost(Arc<Mutex<Option<String>>>);

impl Lost {
    /// Only the first reason counts.
    pub(super) fn set(&self, why: impl FnOnce() -> String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(why);
    }

    pub(super) fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
