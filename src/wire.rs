//! Settings to running parts. The cockpit and the subcommands both start here.
