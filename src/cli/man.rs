//! `pilothouse man [COMMAND]`: the manual page, made from the same table as the parser.

use std::io::Write;

use super::{Exit, Failure};
use crate::config::error::{nearest, quoted};

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  pilothouse man | man -l -\n  pilothouse man status > pilothouse-status.1")]
pub struct Arguments {
    /// Command whose page is wanted; the whole program's without it
    pub command: Option<String>,
}

/// Prints the page in roff.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(subject(arguments.command.as_deref())?).render(&mut page)?;
    std::io::stdout().write_all(&page)?;
    Ok(Exit::Done)
}

fn subject(asked: Option<&str>) -> Result<clap::Command, Failure> {
    let mut all = super::command();
    all.build();
    let Some(asked) = asked else { return Ok(all) };
    all.find_subcommand(asked).cloned().ok_or_else(|| {
        let names = || all.get_subcommands().map(clap::Command::get_name);
        let meant = nearest(asked, names()).map_or(String::new(), |meant| format!(" Did you mean '{meant}'?"));
        Failure::Usage(format!("There is no command '{asked}'.{meant} Commands: {}.", quoted(names())))
    })
}
