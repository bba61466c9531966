//! A guard as the cluster knows it: a Lease whose holder is the one guard that may act, with annotations that every cockpit shows.
//! What stands in them is for people and for other guards; names here are on clusters and do not change.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::id::{Key, Kind};
use crate::domain::object::Lease;

/// The annotation by which anybody forbids guards on a release, and the label by which their Leases are found.
pub const GUARD: &str = "pilothouse.dev/guard";
/// The value that forbids.
pub const OFF: &str = "off";

const RELEASE: &str = "pilothouse.dev/guard-rollout";
const HASH: &str = "pilothouse.dev/guard-hash";
const STATE: &str = "pilothouse.dev/guard-state";
const DEADLINE: &str = "pilothouse.dev/guard-deadline";
/// Who cancelled the guard: whoever writes this ends it.
pub const CANCELLED: &str = "pilothouse.dev/guard-cancelled-by";
const OWNER: &str = "pilothouse.dev/guard-owner";
const REASON: &str = "pilothouse.dev/guard-reason";
const EVIDENCE: &str = "pilothouse.dev/guard-evidence";
const HELD: &str = "pilothouse.dev/guard-held";
/// Longest text of an annotation, in characters.
const LONGEST: usize = 900;

/// What a guard posts about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Posted {
    /// Word of its state.
    pub state: Box<str>,
    /// When it acts, by the cluster's clock; only while it counts down.
    pub deadline: Option<Timestamp>,
    /// What speaks against the release.
    pub evidence: Box<str>,
    /// Whether it has held the release.
    pub held: bool,
    /// Who cancelled it.
    pub cancelled: Option<Box<str>>,
}

/// What does not change while a guard lives.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The release.
    pub key: Key,
    /// Pod hash of the version.
    pub hash: Box<str>,
    /// Which guard this is; another one never has the same.
    pub identity: Box<str>,
    /// Whose it is: `dana@laptop`.
    pub owner: Box<str>,
    /// Why it was armed.
    pub reason: Box<str>,
    /// Seconds for which it is taken for alive without a word.
    pub seconds: u32,
}

/// A guard as a Lease tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Guarding {
    /// The release.
    pub key: Key,
    /// Pod hash of the version.
    pub hash: Box<str>,
    /// Which guard holds it; empty if none does.
    pub identity: Box<str>,
    /// Whose it is.
    pub owner: Box<str>,
    /// Why it was armed.
    pub reason: Box<str>,
    /// Since when that guard is on watch, by the cluster's clock.
    pub since: Option<Timestamp>,
    /// Seconds for which it is taken for alive without a word.
    pub seconds: i64,
    /// What it posted last.
    pub posted: Posted,
}

impl Guarding {
    /// Reads a Lease; None if it is no guard's.
    pub fn of(lease: &Lease) -> Option<Self> {
        let meta = &lease.metadata;
        let text = |name: &str| meta.annotation(name).unwrap_or_default();
        let (kind, name) = text(RELEASE).split_once('/')?;
        let kind = [Kind::Rollout, Kind::Canary].into_iter().find(|one| one.name() == kind)?;
        let cancelled = text(CANCELLED);
        let posted = Posted {
            state: text(STATE).into(),
            deadline: text(DEADLINE).parse().ok(),
            evidence: text(EVIDENCE).into(),
            held: text(HELD) == "true",
            cancelled: (!cancelled.is_empty()).then(|| cancelled.into()),
        };
        Some(Self {
            key: Key::new(kind, meta.namespace.clone(), name),
            hash: text(HASH).into(),
            identity: lease.spec.holder_identity.clone(),
            owner: text(OWNER).into(),
            reason: text(REASON).into(),
            since: lease.spec.acquire_time,
            seconds: lease.spec.lease_duration_seconds,
            posted,
        })
    }

    /// Whether it is on watch, as far as the Lease says: somebody holds it and nobody cancelled it.
    pub fn is_held(&self) -> bool {
        !self.identity.is_empty() && self.posted.cancelled.is_none()
    }
}

/// Name of the Lease of a release.
pub fn lease_name(key: &Key) -> String {
    format!("pilothouse-guard.{}.{}", key.kind.name().to_lowercase(), key.name)
}

/// Path of the Leases of a namespace.
pub fn leases_path(namespace: &str) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")
}

/// Path of the Lease of a release.
pub fn lease_path(key: &Key) -> String {
    format!("{}/{}", leases_path(&key.namespace), lease_name(key))
}

/// The Lease by which a guard holds a release from `now` (the cluster's clock) on, in place of the one before. It carries that one's version:
/// the server refuses it if somebody came in between.
pub fn lease_body(claim: &Claim, posted: &Posted, before: Option<&Lease>, now: Timestamp) -> Value {
    let mine = before.filter(|before| before.spec.holder_identity == claim.identity);
    let since = mine.and_then(|before| before.spec.acquire_time).unwrap_or(now);
    let transitions = before.map_or(0, |before| before.spec.lease_transitions + i64::from(mine.is_none()));
    let mut annotations = json!({
        RELEASE: format!("{}/{}", claim.key.kind.name(), claim.key.name),
        HASH: claim.hash, STATE: posted.state, OWNER: cut(&claim.owner), REASON: cut(&claim.reason),
        EVIDENCE: cut(&posted.evidence), HELD: posted.held.to_string(),
    });
    if let (Some(deadline), Some(all)) = (posted.deadline, annotations.as_object_mut()) {
        all.insert(DEADLINE.to_owned(), deadline.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into());
    }
    if let (Some(by), Some(all)) = (&posted.cancelled, annotations.as_object_mut()) {
        all.insert(CANCELLED.to_owned(), cut(by).into());
    }
    // Whoever is done, or was cancelled, holds it no longer; what it posted stays for those who stand by.
    let holder = if posted.cancelled.is_some() { "" } else { &*claim.identity };
    let mut metadata = json!({
        "name": lease_name(&claim.key), "namespace": claim.key.namespace, "annotations": annotations,
        "labels": {GUARD: claim.key.kind.name().to_lowercase(), "app.kubernetes.io/managed-by": "pilothouse"},
    });
    if let (Some(before), Some(metadata)) = (before, metadata.as_object_mut()) {
        metadata.insert("uid".to_owned(), (*before.metadata.uid).into());
        metadata.insert("resourceVersion".to_owned(), before.metadata.resource_version.as_str().into());
    }
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata,
        "spec": {
            "holderIdentity": holder, "leaseDurationSeconds": claim.seconds, "acquireTime": micro(since), "renewTime": micro(now),
            "leaseTransitions": transitions,
        },
    })
}

/// A moment as Leases spell it.
fn micro(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST { text.to_owned() } else { text.chars().take(LONGEST).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::object::decode_value;

    fn claim(identity: &str) -> Claim {
        Claim {
            key: Key::new(Kind::Rollout, "shop", "gateway"),
            hash: "h2".into(),
            identity: identity.into(),
            owner: "dana@laptop".into(),
            reason: "night shift".into(),
            seconds: 15,
        }
    }

    #[test]
    fn what_is_posted_is_read_again() {
        let now: Timestamp = "2026-01-05T09:00:00.25Z".parse().unwrap();
        let deadline = "2026-01-05T09:00:30Z".parse().ok();
        let posted = Posted { state: "countdown".into(), deadline, evidence: "errors 4%".into(), held: true, cancelled: None };
        let body = lease_body(&claim("a"), &posted, None, now);
        assert_eq!(body["spec"]["renewTime"], "2026-01-05T09:00:00.250000Z");
        assert_eq!(body["metadata"]["name"], "pilothouse-guard.rollout.gateway");
        let mut first: Lease = decode_value(&body);
        assert_eq!(first.odd, None);
        first.metadata.resource_version = "7".into();
        let read = Guarding::of(&first).unwrap();
        assert_eq!((read.posted.clone(), &*read.identity, read.since), (posted.clone(), "a", Some(now)));
        assert_eq!(read.key, claim("a").key);

        let later = "2026-01-05T09:00:05Z".parse().unwrap();
        let again: Lease = decode_value(&lease_body(&claim("a"), &posted, Some(&first), later));
        assert_eq!((again.spec.acquire_time, again.spec.lease_transitions), (Some(now), 0), "renewed");
        assert_eq!(again.metadata.resource_version, "7", "bound to what was read");
        let other: Lease = decode_value(&lease_body(&claim("b"), &posted, Some(&first), later));
        assert_eq!((other.spec.acquire_time, other.spec.lease_transitions), (Some(later), 1), "taken over");
    }

    #[test]
    fn a_cancelled_one_is_held_by_nobody_and_other_leases_are_no_guards() {
        let posted = Posted { cancelled: Some("kim@desk".into()), ..Posted::default() };
        let lease: Lease = decode_value(&lease_body(&claim("a"), &posted, None, Timestamp::UNIX_EPOCH));
        let read = Guarding::of(&lease).unwrap();
        assert!(!read.is_held() && read.identity.is_empty());
        assert_eq!(Guarding::of(&Lease::default()), None);
    }
}
