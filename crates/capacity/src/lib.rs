//! Where it saturates first: days of applications against AWS's quotas, simulated. Pure, seeded, and the same every time.

pub mod day;
pub mod plot;
pub mod quotas;
pub mod report;
pub mod stations;
