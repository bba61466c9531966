//! Parses arguments, runs, turns the result into an exit code.

use std::io::Write;
use std::process::ExitCode;

use pilothouse::cli;

fn main() -> color_eyre::Result<ExitCode> {
    color_eyre::config::HookBuilder::default().display_env_section(false).install()?;
    // More than one provider may be compiled in by a dependency; rustls refuses to guess. An error means one is set.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match cli::run(std::env::args_os()) {
        Ok(exit) => Ok(exit.into()),
        Err(failure) => {
            if !failure.is_silent() {
                // With stderr gone there is nobody left to tell.
                let _ = writeln!(std::io::stderr(), "pilothouse: {failure}");
            }
            Ok(failure.exit().into())
        }
    }
}
