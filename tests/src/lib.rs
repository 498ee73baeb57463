//! What the machine scenarios and the end-to-end runs share: a deployed local AWS, what it is told to answer, and what must hold of
//! everything that has run on it.

pub mod answers;
pub mod bench;
pub mod branches;
pub mod brought;
pub mod contracts;
pub mod coverage;
pub mod faces;
pub mod leaks;
pub mod marks;
pub mod share;
