//! The embedded world over HTTP.
