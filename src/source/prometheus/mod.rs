//! A metrics server as a source: any that speaks Prometheus' HTTP API. It is asked for the signals of all rollouts at once, and for those
//! of targets in full; what comes back are facts with times by the local clock, and never a verdict. A dead, slow, hanging or lying server
//! costs freshness and nothing else: every request has a limit in time and size, and every environment its own tasks.

mod aim;
mod alerts;
mod answer;
mod batch;
mod burn;
pub mod checkup;
mod collector;
mod fleet;
mod labels;
mod plan;
mod polls;
pub mod preflight;
mod recorded;
mod server;
mod slow;
mod standing;
mod strip;
mod tally;
mod trouble;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use self::aim::Aim;
use self::polls::{Polls, positive};
pub use self::server::Server;
use self::standing::Standing;
pub use self::tally::{Counted, Tally};
pub use self::trouble::Trouble;
use super::{Post, Wish};
use crate::config::Environment;
use crate::domain::signal::{Measured, Target};
use crate::domain::slo::Slo;

/// Serves one environment's metrics until nobody wishes anything of it any more.
pub async fn run(server: Arc<Server>, environment: Environment, slo: Option<Slo>, post: Post, wish: watch::Receiver<Wish>) {
    let standing = Standing::new(post.clone());
    let interval = positive(server.settings().interval);
    let polls = Polls { server, post, standing, interval };
    tokio::join!(
        polls.fleet(&environment.signals, environment.region.as_deref(), wish.clone()),
        polls.targets(wish.clone()),
        polls.alerts(wish.clone()),
        polls.collectors(wish.clone()),
        polls.recorded(wish.clone()),
        polls.burns(slo.as_ref(), wish),
    );
}

/// Measures a target between two moments, once.
pub async fn chart(server: &Server, target: Target, start: Timestamp, end: Timestamp, step: u32) -> Result<Measured, String> {
    server.greet().await;
    let look = Aim::new(target, step).between(server, start, end, step).await;
    look.map(|look| look.measured).map_err(|trouble| trouble.to_string())
}
