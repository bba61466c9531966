//! The Lease of a release, as one guard holds it: read, taken, renewed, given back. Every write is bound to the version that was read, so of
//! several guards one gets it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

use crate::action::{Answer, Desk, Line, send};
use crate::domain::action::request::Request;
use crate::domain::guard::{Claim, Election, Legacy, Posted, Turn, lease_body, lease_path, leases_path};
use crate::domain::object::{Lease, decode_value};
use crate::source::kube::fault::{Cause, Fault};

/// For one write.
const PATIENCE: Duration = Duration::from_secs(5);

/// One guard's hold on a release.
pub struct Holder {
    desk: Arc<Desk>,
    claim: Claim,
    election: Election,
    begun: Instant,
    /// When the last write that was taken had been begun.
    renewed: Option<Instant>,
}

impl Holder {
    /// A guard that holds nothing yet.
    pub fn new(desk: Arc<Desk>, claim: Claim) -> Self {
        let election = Election::new(claim.identity.clone(), claim.hash.clone());
        Self { desk, claim, election, begun: Instant::now(), renewed: None }
    }

    /// How long the Lease lasts.
    pub fn life(&self) -> Duration {
        Duration::from_secs(self.claim.seconds.into())
    }

    /// Whether it holds the Lease for certain: nobody else can have taken it yet.
    pub fn holds(&self) -> bool {
        self.renewed.is_some_and(|renewed| renewed.elapsed() < self.life())
    }

    /// Takes the Lease if it is free, renews it if it is ours. `post` says what to post, knowing what a guard before it left, and gets the
    /// cluster's time; `over` takes it although its guards were cancelled.
    pub async fn turn(&mut self, over: bool, post: impl Fn(Legacy, Timestamp) -> Posted) -> Result<Turn, Fault> {
        let line = self.desk.line().await?;
        // Somebody may come in between: then what is there now decides.
        for _ in 0..3 {
            let before = self.read(&line).await?;
            let turn = match self.election.look(before.as_ref(), self.begun.elapsed()) {
                Turn::Cancelled { .. } if over => Turn::Free(Legacy::default()),
                turn => turn,
            };
            let legacy = match &turn {
                Turn::Mine => Legacy::default(),
                Turn::Free(legacy) => *legacy,
                Turn::Others { .. } | Turn::Cancelled { .. } => {
                    self.renewed = None;
                    return Ok(turn);
                }
            };
            let (asked, now) = (Instant::now(), self.desk.now(&line));
            let body = lease_body(&self.claim, &post(legacy, now), before.as_ref(), now);
            match self.write(&line, before.is_some(), body).await {
                Ok(()) => {
                    self.renewed = Some(asked);
                    let until = legacy.until.map(|until| Desk::local(&line, until));
                    return Ok(if turn == Turn::Mine { turn } else { Turn::Free(Legacy { until, ..legacy }) });
                }
                Err(fault) if matches!(fault.code, Some(409 | 404)) => {}
                Err(fault) => return Err(fault),
            }
        }
        Err(Fault::new(Cause::Busy, "others write the Lease all the time"))
    }

    /// Gives the Lease back if it is ours: it is gone then, or held by nobody.
    pub async fn give_back(&mut self) -> Result<(), Fault> {
        self.renewed = None;
        let line = self.desk.line().await?;
        let Some(before) = self.read(&line).await? else { return Ok(()) };
        if before.spec.holder_identity != self.claim.identity {
            return Ok(());
        }
        let meta = &before.metadata;
        let body = json!({
            "apiVersion": "v1", "kind": "DeleteOptions",
            "preconditions": {"uid": &*meta.uid, "resourceVersion": meta.resource_version.as_str()},
        });
        let request = request("DELETE", lease_path(&self.claim.key), body);
        took(send(&line.client, &request, false, PATIENCE).await).map(drop)
    }

    /// Leaves the Lease behind with the word that guards of this version are cancelled: those who stand by end too.
    pub async fn leave_cancelled(&mut self, by: &str) -> Result<(), Fault> {
        self.renewed = None;
        let line = self.desk.line().await?;
        for _ in 0..3 {
            let before = self.read(&line).await?;
            let posted = Posted { state: "cancelled".into(), cancelled: Some(by.into()), ..Posted::default() };
            let now = self.desk.now(&line);
            match self.write(&line, before.is_some(), lease_body(&self.claim, &posted, before.as_ref(), now)).await {
                Err(fault) if matches!(fault.code, Some(409 | 404)) => {}
                written => return written,
            }
        }
        Err(Fault::new(Cause::Busy, "others write the Lease all the time"))
    }

    async fn read(&self, line: &Line) -> Result<Option<Lease>, Fault> {
        match self.desk.get(line, &lease_path(&self.claim.key)).await {
            Ok(value) => Ok(Some(decode_value(&value))),
            Err(fault) if fault.cause == Cause::Missing => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn write(&self, line: &Line, there: bool, body: serde_json::Value) -> Result<(), Fault> {
        let key = &self.claim.key;
        let (method, path) = if there { ("PUT", lease_path(key)) } else { ("POST", leases_path(&key.namespace)) };
        took(send(&line.client, &request(method, path, body), false, PATIENCE).await).map(drop)
    }
}

pub(super) fn request(method: &'static str, path: String, body: serde_json::Value) -> Request {
    Request { method, path, content_type: "application/json", body, shows: Vec::new() }
}

/// The object as it is now, where the server took a request; None if it did not say.
pub(super) fn took(answer: Answer) -> Result<Option<serde_json::Value>, Fault> {
    match answer {
        Answer::Took(object) => Ok(object),
        Answer::Refused(fault) | Answer::NotSent(fault) | Answer::Lost(fault) => Err(fault),
    }
}
