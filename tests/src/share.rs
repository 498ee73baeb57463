//! The part of an exhaustive matrix that a run takes. `cargo xtask test` derives it from the commit, so that another part runs with each
//! commit; `--whole`, or no variable, means everything.

use std::env;

use anyhow::{Context as _, Result};

/// A number; the parts of a matrix are counted modulo their own number.
const VARIABLE: &str = "BONAFIDE_SHARE";

/// How much of each matrix this run takes.
#[derive(Debug, Clone, Copy)]
pub struct Share(Option<usize>);

impl Share {
    /// Of this process.
    ///
    /// # Errors
    /// When the variable holds something else than a number.
    pub fn of_this_run() -> Result<Self> {
        let number = env::var(VARIABLE).ok().map(|number| number.parse()).transpose();
        Ok(Self(number.with_context(|| format!("{VARIABLE} is no number"))?))
    }

    /// Whether it takes everything.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.0.is_none()
    }

    /// Of `parts` parts, whether it takes the one at this position. Positions may exceed their number: row plus column of a matrix
    /// gives each row one column, and another one in the next part.
    #[must_use]
    pub fn takes(self, position: usize, parts: usize) -> bool {
        self.0.is_none_or(|number| position % parts == number % parts)
    }

    /// Those of a list that it takes.
    #[must_use]
    pub fn of<Item>(self, items: impl IntoIterator<Item = Item>, parts: usize) -> Vec<Item> {
        let items = items.into_iter().enumerate();
        items.filter(|(position, _)| self.takes(*position, parts)).map(|(_, item)| item).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_together_are_the_whole() {
        let mut all: Vec<_> = (0..5).flat_map(|number| Share(Some(number)).of(0..13, 5)).collect();
        all.sort_unstable();
        assert_eq!(all, (0..13).collect::<Vec<_>>());
        assert_eq!(Share(None).of(0..13, 5).len(), 13);
    }

    #[test]
    fn gives_each_row_one_column() {
        for number in 0..6 {
            for row in 0..9 {
                assert_eq!((0..6).filter(|column| Share(Some(number)).takes(row + column, 6)).count(), 1);
            }
        }
    }
}
