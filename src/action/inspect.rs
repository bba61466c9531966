//! What is in a release, read when somebody asks: the templates of both revisions, and of the ConfigMaps and Secrets that they name
//! when each last changed. Of a Secret nothing but its metadata is ever asked for.

use futures::StreamExt;
use http::header::ACCEPT;
use jiff::Timestamp;
use serde_json::Value;

use super::desk::{Desk, Line, Object, Read};
use super::look::encoded;
use crate::config::secret::mask;
use crate::domain::action::template::{HASH_LABEL, written};
use crate::domain::belongings::REVISION;
use crate::domain::contents::{
    Contents, Difference, Known, Named, Reference, ReferenceKind, Side, as_target, compare, named, references,
};
use crate::domain::id::Key;
use crate::domain::object::{Canary, Rollout};
use crate::source::kube::exchange::{ask, read};
use crate::source::kube::fault::{Cause, Fault};

/// For one read.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
/// Reads at once.
const AT_ONCE: usize = 8;
/// What an object says of itself, without what it holds.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// A template and when it was first deployed.
struct Deployed {
    template: Value,
    side: Side,
}

/// Of both templates: what is compared, and what stable's own is.
struct Pair {
    stable: Option<Deployed>,
    newest: Deployed,
    /// What stable names itself, where its names are its own: what is renamed so has a copy that goes back with it.
    copies: Vec<Reference>,
}

impl Desk {
    /// What is in a release; else why that cannot be said, as a sentence.
    pub async fn inspect(&self, key: &Key, uid: &str) -> Result<Contents, String> {
        let name = &self.environment.name;
        let line = self.line().await.map_err(|fault| format!("{name} was not reached: {}.", fault.line()))?;
        let Read { raw, object } = self.release(&line, key).await.map_err(|fault| match fault.cause {
            Cause::Missing => "It is gone from the cluster.".to_owned(),
            _ => format!("{key} could not be read: {}.", fault.line()),
        })?;
        if !uid.is_empty() && raw.pointer("/metadata/uid").and_then(Value::as_str) != Some(uid) {
            return Err("It was deleted and made anew since it was shown.".to_owned());
        }
        let pair = match &object {
            Object::Rollout(rollout) => self.revisions(&line, key, rollout).await?,
            Object::Canary(canary) => self.workloads(&line, key, canary, &raw).await?,
        };
        Ok(self.contents(&line, key, pair).await)
    }

    /// Both revisions of a Rollout: the ReplicaSets with its hashes.
    async fn revisions(&self, line: &Line, key: &Key, rollout: &Rollout) -> Result<Pair, String> {
        let labels = encoded(&rollout.spec.selector);
        let labels = if labels.is_empty() { String::new() } else { format!(",{labels}") };
        let path = format!("/apis/apps/v1/namespaces/{}/replicasets?labelSelector={HASH_LABEL}{labels}", key.namespace);
        let sets = self.list(line, &path).await.map_err(|fault| format!("Its ReplicaSets could not be read: {}.", fault.line()))?;
        let status = &rollout.status;
        let find = |hash: &str| sets.iter().find(|set| is_owned(set, &rollout.metadata.uid) && hash_of(set) == hash);
        let newest = find(&status.current_pod_hash).filter(|_| !status.current_pod_hash.is_empty());
        let newest = newest.and_then(deployed);
        let newest =
            newest.ok_or("The ReplicaSet of the newest revision is not there yet: the controller makes it in a moment.")?;
        let stable = match &*status.stable_rs {
            "" => None,
            hash => {
                let set = find(hash).and_then(deployed);
                Some(set.ok_or("Stable's ReplicaSet is gone: there is nothing to compare with.")?)
            }
        };
        Ok(Pair { stable, newest, copies: Vec::new() })
    }

    /// What Flagger releases, and its copy that has the traffic.
    async fn workloads(&self, line: &Line, key: &Key, canary: &Canary, raw: &Value) -> Result<Pair, String> {
        let target = &canary.spec.target_ref;
        let plural = match &*target.kind {
            "Deployment" => "deployments",
            "DaemonSet" => "daemonsets",
            kind => return Err(format!("Flagger releases a {kind} here, which has no template of its own to look into.")),
        };
        let path = |name: &str| format!("/apis/apps/v1/namespaces/{}/{plural}/{name}", key.namespace);
        let unread = |name: &str, fault: &Fault| format!("{} {name} could not be read: {}.", target.kind, fault.line());
        let copy = format!("{}-primary", target.name);
        let (own, copied) = (path(&target.name), path(&copy));
        let (own, copied) = tokio::join!(self.get(line, &own), self.get(line, &copied));
        let own = own.map_err(|fault| unread(&target.name, &fault))?;
        let copied = match copied {
            Err(fault) if fault.cause == Cause::Missing => None,
            other => Some(other.map_err(|fault| unread(&copy, &fault))?),
        };
        let template = |workload: &Value| workload.pointer("/spec/template").cloned().unwrap_or_default();
        let hash = |field: &str| raw.pointer(&format!("/status/{field}")).and_then(Value::as_str).unwrap_or_default().into();
        let mut newest = of_template(template(&own), &own);
        newest.side.hash = hash("lastAppliedSpec");
        let copies = copied.as_ref().map(|copied| references(&template(copied))).unwrap_or_default();
        let stable = copied.map(|copied| {
            let mut stable = of_template(as_target(&template(&copied), &newest.template), &copied);
            stable.side.created = released(&copied).or(stable.side.created);
            stable.side.hash = hash("lastPromotedSpec");
            stable
        });
        Ok(Pair { stable, newest, copies })
    }

    async fn contents(&self, line: &Line, key: &Key, pair: Pair) -> Contents {
        let Pair { stable, newest, copies } = pair;
        let mut wanted = references(&newest.template);
        wanted.extend(stable.iter().flat_map(|stable| references(&stable.template)));
        wanted.sort();
        wanted.dedup_by(|a, b| a.kind == b.kind && a.name == b.name);
        let looked = futures::stream::iter(wanted)
            .map(|reference| async { (self.changed(line, key, &reference).await, reference) })
            .buffered(AT_ONCE)
            .collect::<Vec<_>>();
        let looked = looked.await;
        let known = |reference: &Reference| {
            let found = looked.iter().find(|(_, other)| other.kind == reference.kind && other.name == reference.name);
            found.map_or(Known::Refused, |(found, _)| found.as_ref().map_or(Known::Refused, |known| *known))
        };
        let before = stable.as_ref().map(|stable| (&stable.template, stable.side.created));
        let mut references = named(before, &newest.template, known);
        for named in &mut references {
            let copy = format!("{}-primary", named.name);
            named.after_stable &= !copies.iter().any(|own| own.kind == named.kind && *own.name == *copy);
        }
        let differences = stable.as_ref().map(|stable| compare(&stable.template, &newest.template)).unwrap_or_default();
        Contents {
            stable: stable.map(|stable| stable.side),
            newest: newest.side,
            differences: differences.into_iter().map(masked).collect(),
            refused: refused(&references, &looked),
            references,
        }
    }

    /// When a ConfigMap or Secret last changed.
    async fn changed(&self, line: &Line, key: &Key, reference: &Reference) -> Result<Known, Fault> {
        let name = encoded(&reference.name);
        let path = format!("/api/v1/namespaces/{}/{}/{name}", key.namespace, reference.kind.plural());
        let request = http::Request::get(path).header(ACCEPT, METADATA).body(Vec::new());
        let request = request.map_err(|error| Fault::connection(&error))?;
        let body = match ask(&line.client, request, PATIENCE).await {
            Err(fault) if fault.cause == Cause::Missing => return Ok(Known::Missing),
            answer => read(answer?).await?,
        };
        let object: Value = serde_json::from_slice(&body).map_err(|_| Fault::new(Cause::Garbled, "the answer is no JSON"))?;
        let times = object.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
        let newest = times.filter_map(|entry| time(entry, "/time")).max();
        Ok(Known::Changed(newest.or_else(|| time(&object, "/metadata/creationTimestamp"))))
    }
}

/// What could not be looked at, a sentence for each kind.
fn refused(references: &[Named], looked: &[(Result<Known, Fault>, Reference)]) -> Vec<String> {
    let of_kind = |kind: ReferenceKind| {
        let faults = looked.iter().filter(|(_, reference)| reference.kind == kind);
        let faults: Vec<_> = faults.filter_map(|(found, reference)| found.as_ref().err().map(|fault| (fault, reference))).collect();
        let (fault, reference) = faults.first()?;
        let all = references.iter().filter(|named| named.kind == kind).count();
        Some(match faults.len() {
            1 => format!("{kind} {} could not be looked at: {}.", reference.name, fault.line()),
            count => format!("{count} of {all} {kind}s could not be looked at: {}.", fault.line()),
        })
    };
    ReferenceKind::ALL.into_iter().filter_map(of_kind).collect()
}

/// Values that look like credentials are nobody's business, wherever in a template they stand.
fn masked(one: Difference) -> Difference {
    let mask = |text: Box<str>| mask(&text).into();
    Difference { old: one.old.map(mask), new: one.new.map(mask), ..one }
}

/// A ReplicaSet's template as a person wrote it.
fn deployed(set: &Value) -> Option<Deployed> {
    let mut deployed = of_template(written(set)?, set);
    let annotations = set.pointer("/metadata/annotations");
    let revision = annotations.and_then(|annotations| annotations.get(REVISION)).and_then(Value::as_str);
    deployed.side.revision = revision.and_then(|text| text.parse().ok());
    deployed.side.hash = hash_of(set).into();
    Some(deployed)
}

fn of_template(template: Value, of: &Value) -> Deployed {
    let side = Side { created: time(of, "/metadata/creationTimestamp"), ..Side::of(&template) };
    Deployed { template, side }
}

fn is_owned(set: &Value, uid: &str) -> bool {
    let owners = set.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| owner.get("uid").and_then(Value::as_str) == Some(uid))
}

fn hash_of(set: &Value) -> &str {
    set.pointer("/metadata/labels").and_then(|labels| labels.get(HASH_LABEL)).and_then(Value::as_str).unwrap_or_default()
}

/// When a Deployment last finished rolling out.
fn released(workload: &Value) -> Option<Timestamp> {
    let conditions = workload.pointer("/status/conditions").and_then(Value::as_array)?;
    let done = conditions.iter().find(|one| one.get("reason").and_then(Value::as_str) == Some("NewReplicaSetAvailable"))?;
    time(done, "/lastUpdateTime")
}

fn time(of: &Value, pointer: &str) -> Option<Timestamp> {
    of.pointer(pointer)?.as_str()?.parse().ok()
}
