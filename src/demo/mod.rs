//! An embedded world on loopback. It speaks the real protocols, so that the clients of production run against it.
