//! The Kubernetes source against the embedded world, with faults.
