//! Values that many cells have, kept once.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::sync::Arc;

use crate::template::Value;

/// A shorter text needs hardly more memory than what is needed to find out that it is there already.
const LONG: usize = 64;

/// Larger values that are compared with a new one: cells that follow one another differ in few axes.
const RECENT: usize = 16;

/// What the cells made so far have.
#[derive(Default)]
pub(crate) struct Pool {
    texts: RefCell<HashSet<Arc<str>>>,
    lists: Recent<Value>,
    size: Cell<usize>,
}

impl Pool {
    /// A text, shared with the other cells that have the same.
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

    /// The bytes of all that is not shared, and of what is shared once.
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
    /// `value`, or an equal one that is known; `new` hears of one that is not.
    pub(crate) fn shared(&self, value: T, new: impl FnOnce(&T)) -> T {
        let mut known = self.0.borrow_mut();
        if let Some(at) = known.iter().position(|one| *one == value) {
            // The one that was used last comes first.
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
    fn equal_texts_and_lists_are_kept_once() {
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
        // Those that were used last are kept.
        (3..40).for_each(|number| {
            pool.value(list(number));
            pool.value(list(0));
        });
        let Value::List(same) = pool.value(list(0)) else { unreachable!() };
        assert!(Arc::ptr_eq(first, &same));
    }
}
