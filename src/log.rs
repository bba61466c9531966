//! Tracing to a file, and the ring of lines that the log page shows.
