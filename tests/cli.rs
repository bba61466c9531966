//! Subcommands, exit codes, output.
