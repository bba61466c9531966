//! Themes, keymaps, the example configuration.
