//! The pure core: `update(state, message) -> effects`. No I/O, no clock, no randomness.

pub mod cluster;
