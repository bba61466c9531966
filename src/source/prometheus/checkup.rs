//! One look at a metrics server: does it answer, how fast, which version it is, what time it thinks it is, how long it keeps samples.

use std::sync::Arc;

use serde::Deserialize;

use super::answer::data;
use super::batch::{When, send};
use super::burn::retention;
use super::server::Server;
use super::tally::Counted;
use crate::config::Environment;
use crate::config::metrics::{Address, Credentials, Prometheus};
use crate::source::Clock;

/// What was found.
#[derive(Clone, Debug)]
pub struct Checkup {
    /// Name of the environment.
    pub environment: String,
    /// Where the server is, in words.
    pub address: String,
    /// How it answers, or why it does not.
    pub link: Result<Answer, String>,
    /// `token`, `password`, `client certificate`, `those of the cluster` or `none`.
    pub credentials: &'static str,
    /// What this look cost.
    pub counted: Counted,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Round trip of a small query in milliseconds.
    pub millis: u32,
    /// Its version, if it says it.
    pub version: Option<String>,
    /// Its clock minus the local clock in milliseconds, within about 1 s; None if it does not say its time.
    pub clock_skew_ms: Option<i64>,
    /// For how many seconds it keeps samples, if it says so.
    pub retention: Option<u32>,
}

#[derive(Deserialize)]
struct BuildInfo {
    version: String,
}

/// Looks at the metrics server of an environment; None if it has none. Fails never: what cannot be found out is part of what was found.
pub async fn check(environment: &Environment, clock: &Clock) -> Option<Checkup> {
    let settings = environment.prometheus.as_ref()?;
    let server = Server::new(Arc::clone(settings), environment.clone(), clock.clone());
    let link = answer(&server).await;
    Some(Checkup {
        environment: environment.name.clone(),
        address: address(settings),
        link,
        credentials: credentials(settings),
        counted: server.tally().read(),
    })
}

async fn answer(server: &Server) -> Result<Answer, String> {
    // The first request also makes the connection, which says little about how fast it is.
    send(server, "vector(1)", When::At(None)).await.map_err(|trouble| trouble.to_string())?;
    let (_, millis) = send(server, "vector(1)", When::At(None)).await.map_err(|trouble| trouble.to_string())?;
    let build = server.get("/api/v1/status/buildinfo", &[], 1 << 20).await.ok();
    let version = build.and_then(|reply| data::<BuildInfo>(&reply.body).ok()).map(|(build, _)| build.version);
    let retention = retention(server).await.ok().flatten();
    let clock_skew_ms = server.skew().and_then(|skew| i64::try_from(skew.as_millis()).ok());
    Ok(Answer { millis, version, clock_skew_ms, retention })
}

/// Where a server is, in words.
pub fn address(settings: &Prometheus) -> String {
    match &settings.address {
        Address::Url(url) => url.clone(),
        Address::Service { namespace, name } => format!("service {name} in {namespace}, through the API server"),
    }
}

fn credentials(settings: &Prometheus) -> &'static str {
    match (&settings.credentials, &settings.address) {
        (Credentials::Token(_), _) => "token",
        (Credentials::Basic(..), _) => "password",
        (Credentials::None, Address::Service { .. }) => "those of the cluster",
        (Credentials::None, _) if settings.identity.is_some() => "client certificate",
        (Credentials::None, _) => "none",
    }
}
