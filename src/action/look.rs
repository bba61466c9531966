//! One release and what belongs to it, read at once and without a watch: what a command needs to decide, in two round trips however
//! many releases there are.

use std::fmt::Write as _;

use http::header::ACCEPT;
use serde_json::Value;

use super::desk::{Desk, Line};
use crate::config::Namespaces;
use crate::domain::action::request::path;
use crate::domain::fact::Object;
use crate::domain::id::{Key, Kind};
use crate::domain::object::{Kept, decode_value};
use crate::source::kube::exchange::read;
use crate::source::kube::fault::{Cause, Fault};

/// For each list.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

impl Desk {
    /// The releases of this name, in one namespace or in all that the environment has.
    pub async fn named(&self, line: &Line, kind: Option<Kind>, namespace: Option<&str>, name: &str) -> Result<Vec<Object>, Fault> {
        let places: Vec<String> = match (namespace, &self.environment.namespaces) {
            (Some(namespace), _) => vec![format!("namespaces/{namespace}/")],
            (None, Namespaces::All) => vec![String::new()],
            (None, Namespaces::Some(names)) => names.iter().map(|name| format!("namespaces/{name}/")).collect(),
        };
        let kinds = [(Kind::Rollout, "argoproj.io/v1alpha1", "rollouts"), (Kind::Canary, "flagger.app/v1beta1", "canaries")];
        let mut found = Vec::new();
        let mut refused = None;
        for (kind, group, plural) in kinds.into_iter().filter(|(one, ..)| kind.is_none_or(|kind| kind == *one)) {
            for place in &places {
                let list = format!("/apis/{group}/{place}{plural}?fieldSelector=metadata.name%3D{name}");
                match self.list(line, &list).await {
                    Ok(items) => found.extend(items.iter().map(|item| match kind {
                        Kind::Canary => Object::Canary(of(item)),
                        _ => Object::Rollout(of(item)),
                    })),
                    // One of the two need not be installed, and one may be forbidden while the other is not.
                    Err(fault) if matches!(fault.cause, Cause::Missing) => {}
                    Err(fault) if matches!(fault.cause, Cause::Forbidden) => refused = Some(fault),
                    Err(fault) => return Err(fault),
                }
            }
        }
        match refused {
            Some(fault) if found.is_empty() => Err(fault),
            _ => Ok(found),
        }
    }

    /// What belongs to a release. What may not be read is left out: a plan says what it does not know.
    pub async fn belongings(&self, line: &Line, object: &Object) -> Vec<Object> {
        let key = object.key();
        let uid = &object.meta().uid;
        let events = format!("/api/v1/namespaces/{}/events?fieldSelector=involvedObject.uid%3D{uid}", key.namespace);
        let Object::Rollout(rollout) = object else {
            return self.list(line, &events).await.unwrap_or_default().iter().map(|item| Object::Event(of(item))).collect();
        };
        let labels = encoded(&rollout.spec.selector);
        let sets = format!("/apis/apps/v1/namespaces/{}/replicasets?labelSelector=rollouts-pod-template-hash", key.namespace);
        let sets = if labels.is_empty() { sets } else { format!("{sets},{labels}") };
        let pods = format!("/api/v1/namespaces/{}/pods?labelSelector=rollouts-pod-template-hash", key.namespace);
        let pods = if labels.is_empty() { pods } else { format!("{pods},{labels}") };
        let runs = format!(
            "/apis/argoproj.io/v1alpha1/namespaces/{}/analysisruns?labelSelector=rollouts-pod-template-hash",
            key.namespace
        );
        let (sets, pods, runs, events) =
            tokio::join!(self.list(line, &sets), self.list(line, &pods), self.list(line, &runs), self.list(line, &events));
        let mut all = Vec::new();
        all.extend(sets.unwrap_or_default().iter().map(|item| Object::ReplicaSet(of(item))));
        all.extend(pods.unwrap_or_default().iter().map(|item| Object::Pod(of(item))));
        all.extend(runs.unwrap_or_default().iter().map(|item| Object::AnalysisRun(of(item))));
        all.extend(events.unwrap_or_default().iter().map(|item| Object::Event(of(item))));
        all
    }

    /// Whether a release is there at all, by its whole name.
    pub async fn exists(&self, line: &Line, key: &Key) -> Result<bool, Fault> {
        match self.get(line, &path(key, "")).await {
            Ok(_) => Ok(true),
            Err(fault) if fault.cause == Cause::Missing => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    pub(super) async fn list(&self, line: &Line, path: &str) -> Result<Vec<Value>, Fault> {
        let request = http::Request::get(path).header(ACCEPT, "application/json").body(Vec::new());
        let body = read(self.ask(line, request, PATIENCE).await?).await?;
        let mut list: Value = serde_json::from_slice(&body).map_err(|_| Fault::new(Cause::Garbled, "the answer is no JSON"))?;
        match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(Fault::new(Cause::Garbled, "the answer is no list")),
        }
    }
}

fn of<T: Kept>(item: &Value) -> std::sync::Arc<T> {
    std::sync::Arc::new(decode_value(item))
}

pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~,".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
