//! The cockpit in a real pseudo terminal.
