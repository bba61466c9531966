//! Every recorded snapshot reads as the reference tool printed it.
