//! The judgements of a customer onboarding: pure, without I/O, clock or AWS types
