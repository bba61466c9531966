//! Kubernetes as a source: one environment's connection, what is read over it, and how it is doing.

use tokio::sync::watch;

use super::{Clock, Post, Wish};
use crate::config::Environment;

/// Serves one environment for as long as the program runs.
pub async fn run(_environment: Environment, _post: Post, _clock: Clock, mut wish: watch::Receiver<Wish>) {
    while wish.changed().await.is_ok() {}
}
