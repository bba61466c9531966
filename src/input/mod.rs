//! Keys in, commands out. Knows neither state nor terminal.
