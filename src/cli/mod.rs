//! One file per subcommand, over the same core as the cockpit.
