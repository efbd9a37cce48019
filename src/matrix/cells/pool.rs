//! Values that many cells share, stored once.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::sync::Arc;

use crate::template::Value;

/// A shorter string needs hardly more memory than an entry in the table of known strings.
const LONG: usize = 64;

/// Number of recent values that a new one is compared with: consecutive cells differ in few axes.
const RECENT: usize = 16;

/// The values of the cells created so far.
#[derive(Default)]
pub(crate) struct Pool {
    texts: RefCell<HashSet<Arc<str>>>,
    lists: Recent<Value>,
    size: Cell<usize>,
}

impl Pool {
    /// A string, shared with the other cells that have the same one.
    pub(crate) fn text(&self, text: String) -> Arc<str> {
        if text.len() < LONG {
            self.count(text.len());
            return text.into();
        }
        let mut texts = self.texts.borrow_mut();
        if let Some(known) = texts.get(&*text) {
            return known.clone();
        }
        self.count(text.len());
        let text: Arc<str> = text.into();
        texts.insert(text.clone());
        text
    }

    /// The same for a value.
    pub(crate) fn value(&self, value: Value) -> Value {
        match value {
            Value::Text(text) if text.len() < LONG => {
                self.count(text.len());
                Value::Text(text)
            }
            Value::Text(text) => {
                let mut texts = self.texts.borrow_mut();
                if let Some(known) = texts.get(&text) {
                    return Value::Text(known.clone());
                }
                self.count(text.len());
                texts.insert(text.clone());
                Value::Text(text)
            }
            Value::List(_) | Value::Record { .. } => {
                self.lists.shared(value, |value| self.count(size(value)))
            }
            Value::Truth(_) => value,
        }
    }

    /// Adds bytes that no other cell shares.
    pub(crate) fn count(&self, bytes: usize) {
        self.size.set(self.size.get().saturating_add(bytes));
    }

    /// The total size in bytes. Shared values count once.
    pub(crate) fn size(&self) -> usize {
        self.size.get()
    }
}

/// The last values of one kind.
pub(crate) struct Recent<T>(RefCell<Vec<T>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: Clone + PartialEq> Recent<T> {
    /// `value`, or an equal known value. Calls `new` if it is not known.
    pub(crate) fn shared(&self, value: T, new: impl FnOnce(&T)) -> T {
        let mut known = self.0.borrow_mut();
        if let Some(at) = known.iter().position(|one| *one == value) {
            // The most recently used value comes first.
            known[..=at].rotate_right(1);
            return known[0].clone();
        }
        new(&value);
        known.truncate(RECENT - 1);
        known.insert(0, value.clone());
        value
    }
}

fn size(value: &Value) -> usize {
    let own = size_of::<Value>();
    match value {
        Value::List(items) => own + items.iter().map(size).sum::<usize>(),
        other => own + other.as_text().map_or(0, str::len),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_and_lists_are_stored_once() {
        let pool = Pool::default();
        let long = "x".repeat(1000);
        let (one, other) = (pool.text(long.clone()), pool.text(long.clone()));
        assert!(Arc::ptr_eq(&one, &other));
        let Value::Text(third) = pool.value(Value::Text(long.into())) else { unreachable!() };
        assert!(Arc::ptr_eq(&one, &third));
        assert_eq!(pool.size(), 1000);
        let list = |number: usize| {
            Value::List([number.to_string(), "y".to_owned()].map(Value::from).to_vec().into())
        };
        let first = pool.value(list(0));
        let Value::List(first) = &first else { unreachable!() };
        for number in [1, 0, 2, 0] {
            let same = pool.value(list(number));
            let Value::List(same) = &same else { unreachable!() };
            assert_eq!(Arc::ptr_eq(first, same), number == 0);
        }
        // The most recently used values are kept.
        (3..40).for_each(|number| {
            pool.value(list(number));
            pool.value(list(0));
        });
        let Value::List(same) = pool.value(list(0)) else { unreachable!() };
        assert!(Arc::ptr_eq(first, &same));
    }
}
