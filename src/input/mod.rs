//! Keys in, commands out. Knows neither the terminal's library nor what a command does.

pub mod command;
pub mod key;
pub mod keymap;

pub use command::{COMMANDS, Command, Entry, Group};
pub use key::{Code, KeyPress};
pub use keymap::Keymap;
