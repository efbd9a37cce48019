//! Every combination of the values of several axes.

/// A larger matrix is a mistake.
pub(crate) const MOST_CELLS: u128 = 100_000;

/// Every combination of one number from each list; the last list varies fastest.
pub(crate) struct Product {
    lists: Vec<Vec<usize>>,
    /// The next combination.
    at: Option<Vec<usize>>,
}

impl Product {
    pub(crate) fn of(lists: Vec<Vec<usize>>) -> Self {
        let at = lists.iter().all(|list| !list.is_empty()).then(|| vec![0; lists.len()]);
        Self { lists, at }
    }
}

impl Iterator for Product {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        let at = self.at.as_mut()?;
        let values = at.iter().zip(&self.lists).map(|(at, list)| list[*at]).collect();
        for (digit, list) in at.iter_mut().zip(&self.lists).rev() {
            *digit += 1;
            if *digit < list.len() {
                return Some(values);
            }
            *digit = 0;
        }
        self.at = None;
        Some(values)
    }
}
