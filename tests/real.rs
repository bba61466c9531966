//! The Kubernetes source against a real API server.
