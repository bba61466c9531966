//! House rules: layering, sizes, headers.
