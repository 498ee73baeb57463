//! What an application costs on AWS: list prices, and what a recorded application used. Pure: reads nothing but what it is given.

pub mod bill;
pub mod deployment;
pub mod facts;
pub mod prices;
pub mod report;
