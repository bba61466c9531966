//! What the tests share: fixtures, servers, scripts of keys.

pub mod admin;
pub mod api_server;
pub mod cockpit;
pub mod company;
pub mod ears;
pub mod eyes;
pub mod liar;
pub mod metrics;
pub mod metrics_server;
pub mod picture;
pub mod prometheus;
pub mod record;
pub mod signals;
pub mod source_stories;
pub mod tls;
pub mod write_stories;
