//! Parses arguments, runs, turns the result into an exit code.

fn main() {}
