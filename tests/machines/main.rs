//! Machine scenarios.
