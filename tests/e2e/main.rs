//! Whole onboardings.
