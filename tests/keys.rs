//! Keys to effects.
