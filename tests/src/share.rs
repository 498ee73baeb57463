//! The part of an exhaustive matrix that a run covers. `cargo xtask test` derives it from the commit, so each commit runs another part;
//! `--whole`, or an unset variable, means everything.

use std::env;

use anyhow::{Context as _, Result};

/// Contains a number, which each matrix takes modulo its number of parts.
const VARIABLE: &str = "BONAFIDE_SHARE";

/// The part of each matrix that this run covers.
#[derive(Debug, Clone, Copy)]
pub struct Share(Option<usize>);

impl Share {
    /// The share of this process.
    ///
    /// # Errors
    /// When the variable is not a number.
    pub fn of_this_run() -> Result<Self> {
        let number = env::var(VARIABLE).ok().map(|number| number.parse()).transpose();
        Ok(Self(number.with_context(|| format!("{VARIABLE} is not a number"))?))
    }

    /// Whether the run covers everything.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.0.is_none()
    }

    /// Whether this run covers this position of a matrix with so many parts. Positions may exceed the number of parts: with row plus column
    /// as the position, each row gets one column, and another one in the next part.
    #[must_use]
    pub fn takes(self, position: usize, parts: usize) -> bool {
        self.0.is_none_or(|number| position % parts == number % parts)
    }

    /// The items of a list that this run covers.
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
