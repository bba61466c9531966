//! `pilothouse completions SHELL`: the completion script, made from the same table as the parser.

use std::io::Write;

use super::{Exit, Failure};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pilothouse completions bash > ~/.local/share/bash-completion/completions/pilothouse")]
pub struct Arguments {
    /// Shell to complete for
    pub shell: clap_complete::Shell,
}

/// Prints the script.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::command(), "pilothouse", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(Exit::Done)
}
