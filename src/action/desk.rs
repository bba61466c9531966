//! One environment as acts see it: its connection, made when it is first needed, and the reads that acts are built from.

use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use http::header::ACCEPT;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::Shared;
use crate::config::Environment;
use crate::domain::action::request::path;
use crate::domain::id::{Key, Kind};
use crate::domain::object::{AnalysisRun, Canary, Rollout, decode_value};
use crate::source::kube::exchange::{ask, read};
use crate::source::kube::fault::{Cause, Fault};
use crate::source::kube::{Skew, client, date_of, kubeconfig};

/// For one read.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a read that failed for no reason of its own is tried again, and after how long.
const AGAIN: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

/// One environment.
pub struct Desk {
    /// What the configuration says about it.
    pub environment: Environment,
    /// What it has in common with others.
    pub(super) shared: Arc<Shared>,
    line: Mutex<Option<Arc<Line>>>,
}

/// A connection.
pub struct Line {
    /// The client.
    pub client: Client,
    /// Scheme, host and port of the server.
    pub server: String,
    /// Fingerprint of the server's address and CA: what it is known by where nothing better can be read.
    pub address: String,
    /// What the cluster was found to be over this connection.
    pub identity: tokio::sync::OnceCell<super::identity::Marks>,
    /// User of the cluster, where it says so.
    pub user: tokio::sync::OnceCell<Option<String>>,
    /// How far the cluster's clock is ahead of ours.
    skew: Lock<Skew>,
}

/// A release as it was read just now.
pub struct Read {
    /// As the server has it.
    pub raw: Value,
    /// As it is understood.
    pub object: Object,
}

/// The same, understood.
pub enum Object {
    /// A Rollout.
    Rollout(Box<Rollout>),
    /// A Canary.
    Canary(Box<Canary>),
}

impl Line {
    /// How far the cluster's clock is ahead of the local one.
    fn ahead(&self) -> SignedDuration {
        SignedDuration::from_millis(self.skew.lock().unwrap_or_else(PoisonError::into_inner).millis())
    }
}

impl Desk {
    /// A desk without a connection.
    pub(super) fn new(environment: Environment, shared: Arc<Shared>) -> Self {
        Self { environment, shared, line: Mutex::default() }
    }

    /// The connection; made if there is none.
    pub async fn line(&self) -> Result<Arc<Line>, Fault> {
        let mut line = self.line.lock().await;
        if let Some(line) = &*line {
            return Ok(Arc::clone(line));
        }
        let environment = self.environment.clone();
        let made = spawn_blocking(move || {
            let access = kubeconfig::load(&environment)?;
            let server = access.config.cluster_url.to_string();
            let address = super::identity::address(&access.config);
            Ok::<_, Fault>((client::build(access)?, server, address))
        });
        let made =
            made.await.map_err(|error| Fault::new(Cause::Credentials, &format!("reading the kubeconfig failed: {error}")))?;
        let (connected, server, address) = made?;
        let (identity, user, skew) = Default::default();
        let fresh = Arc::new(Line { client: connected.client, server, address, identity, user, skew });
        *line = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// Gives the connection up: the next act makes a new one, with new credentials.
    pub async fn hang_up(&self) {
        *self.line.lock().await = None;
    }

    /// The time by the cluster's clock, as far as its answers have told it.
    pub fn now(&self, line: &Line) -> Timestamp {
        let now = self.shared.clock.now();
        now.checked_add(line.ahead()).unwrap_or(now)
    }

    /// A moment of the cluster's clock by the local one.
    pub fn local(line: &Line, at: Timestamp) -> Timestamp {
        at.checked_sub(line.ahead()).unwrap_or(at)
    }

    /// Reads a release.
    pub async fn release(&self, line: &Line, key: &Key) -> Result<Read, Fault> {
        let raw = self.get(line, &path(key, "")).await?;
        let object = match key.kind {
            Kind::Canary => Object::Canary(Box::new(decode_value(&raw))),
            _ => Object::Rollout(Box::new(decode_value(&raw))),
        };
        Ok(Read { raw, object })
    }

    /// Reads an AnalysisRun.
    pub async fn analysis_run(&self, line: &Line, namespace: &str, name: &str) -> Result<AnalysisRun, Fault> {
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/analysisruns/{name}");
        Ok(decode_value(&self.get(line, &path).await?))
    }

    /// Reads one object. Reading changes nothing, so it is tried again where it may have been bad luck.
    pub async fn get(&self, line: &Line, path: &str) -> Result<Value, Fault> {
        let mut again = AGAIN.into_iter();
        loop {
            match self.once(line, path).await {
                Err(fault)
                    if matches!(fault.cause, Cause::Unreachable | Cause::Silent | Cause::Broken | Cause::Garbled | Cause::Busy) =>
                {
                    match again.next() {
                        Some(wait) => tokio::time::sleep(wait).await,
                        None => return Err(fault),
                    }
                }
                Err(fault) if fault.cause == Cause::Unauthorized => {
                    self.hang_up().await;
                    return Err(fault);
                }
                answered => return answered,
            }
        }
    }

    async fn once(&self, line: &Line, path: &str) -> Result<Value, Fault> {
        let request = Request::get(path).header(ACCEPT, "application/json").body(Vec::new());
        let body = read(self.ask(line, request, PATIENCE).await?).await?;
        serde_json::from_slice(&body).map_err(|_| Fault::new(Cause::Garbled, "the answer is no JSON"))
    }

    /// Asks, and learns from the answer what time it is there.
    pub(super) async fn ask(
        &self,
        line: &Line,
        request: http::Result<Request<Vec<u8>>>,
        patience: Duration,
    ) -> Result<Response<Body>, Fault> {
        let sent = self.shared.clock.now();
        let response = ask(&line.client, request.map_err(|error| Fault::connection(&error))?, patience).await?;
        if let Some(date) = date_of(&response) {
            line.skew.lock().unwrap_or_else(PoisonError::into_inner).learn(sent, self.shared.clock.now(), date);
        }
        Ok(response)
    }

    /// Sends something to be looked at, such as a review: nothing is changed by it.
    pub async fn post(&self, line: &Line, path: &str, body: &Value) -> Result<Value, Fault> {
        let request = Request::post(path)
            .header(ACCEPT, "application/json")
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body.to_string().into_bytes());
        let body = read(self.ask(line, request, PATIENCE).await?).await?;
        serde_json::from_slice(&body).map_err(|_| Fault::new(Cause::Garbled, "the answer is no JSON"))
    }
}
