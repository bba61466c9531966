//! `status --json`: the contract with scripts. Keys, words and nulls do not change without a new version.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::{Failure, Known, Origin};
use crate::domain::id::Key;
use crate::domain::release::{Phase, Release, Tag, WaitingFor, Way};
use crate::domain::signal::Judgement;
use crate::domain::tree::{Revision, revisions};

/// Renders releases as one document.
pub fn render_json(known: Known<'_>, keys: &[Key], now: Timestamp, origin: Origin<'_>) -> Result<String, Failure> {
    let rollouts = keys.iter().filter_map(|key| element(known, key, now)).collect();
    let document = Document { version: 1, environment: origin.environment, context: origin.context, rollouts };
    serde_json::to_string(&document)
        .map(|text| text + "\n")
        .map_err(|error| Failure::Refused(format!("The answer cannot be written as JSON: {error}.")))
}

#[derive(Serialize)]
struct Document<'a> {
    version: u8,
    environment: Option<&'a str>,
    context: Option<&'a str>,
    rollouts: Vec<Element>,
}

#[derive(Serialize)]
struct Element {
    namespace: String,
    name: String,
    kind: &'static str,
    strategy: &'static str,
    phase: &'static str,
    message: Box<str>,
    step: Option<Step>,
    weight: Option<Weight>,
    revision: Option<i64>,
    stable_revision: Option<i64>,
    aborted: bool,
    promoted: bool,
    waiting_for: Option<&'static str>,
    images: Vec<Image>,
    replicas: Replicas,
    revisions: Vec<RevisionElement>,
    why: Option<Box<str>>,
    managed_by: Option<ManagedBy>,
    gates: Vec<Gate>,
}

/// A signal that stops a promotion. Of what was not measured in full nobody knows for how long it has been over its limit.
#[derive(Serialize)]
pub(in crate::cli) struct Gate {
    name: Arc<str>,
    verdict: &'static str,
    value: Option<f64>,
    limit: f64,
    comparator: &'static str,
    unit: Box<str>,
    breached_seconds: Option<u32>,
}

#[derive(Serialize)]
struct Step {
    index: usize,
    count: usize,
    current: Option<Box<str>>,
    remaining_seconds: Option<i64>,
}

#[derive(Serialize)]
struct Weight {
    set: i64,
    actual: Option<i64>,
    measured: Option<f64>,
    verified: Option<bool>,
}

#[derive(Serialize)]
struct Image {
    image: Box<str>,
    tags: Vec<String>,
}

#[derive(Serialize)]
struct Replicas {
    desired: i64,
    current: i64,
    updated: i64,
    ready: i64,
    available: i64,
}

#[derive(Serialize)]
struct ManagedBy {
    tool: &'static str,
    name: Box<str>,
}

#[derive(Serialize)]
struct RevisionElement {
    revision: i64,
    replicasets: Vec<SetElement>,
    analysisruns: Vec<Named>,
    experiments: Vec<Named>,
}

#[derive(Serialize)]
struct SetElement {
    name: Box<str>,
    status: &'static str,
    tags: Vec<String>,
    pods: i64,
}

#[derive(Serialize)]
struct Named {
    name: Box<str>,
    status: Box<str>,
}

fn element(known: Known<'_>, key: &Key, now: Timestamp) -> Option<Element> {
    let Known { cluster, metrics } = known;
    let release = cluster.release(key, now)?;
    let revisions = cluster.rollout(key).map(|rollout| revisions(rollout, &cluster.belongings(key))).unwrap_or_default();
    let remaining_seconds = remaining(&release, now);
    Some(Element {
        namespace: key.namespace.to_string(),
        name: key.name.to_string(),
        kind: key.kind.name(),
        strategy: way(release.way),
        phase: phase(release.phase),
        message: release.message,
        step: release.step.map(|step| Step { index: step.index, count: step.count, current: step.current, remaining_seconds }),
        weight: release.weight.map(|weight| Weight {
            set: weight.set,
            actual: weight.actual,
            measured: metrics.standing(key).and_then(|standing| standing.share).map(|share| (share.percent * 10.0).round() / 10.0),
            verified: weight.verified,
        }),
        revision: release.revision,
        stable_revision: release.stable_revision,
        aborted: release.aborted,
        promoted: release.promoted,
        waiting_for: release.waiting_for.map(waiting_for),
        images: release.images.into_iter().map(|image| Image { image: image.image, tags: sorted(&image.tags) }).collect(),
        replicas: Replicas {
            desired: release.replicas.desired,
            current: release.replicas.current,
            updated: release.replicas.updated,
            ready: release.replicas.ready,
            available: release.replicas.available,
        },
        revisions: revisions.into_iter().map(revision).collect(),
        why: release.why,
        managed_by: release.managed_by.map(|by| ManagedBy { tool: by.tool, name: by.name }),
        gates: gates(known, key),
    })
}

fn gates(known: Known<'_>, key: &Key) -> Vec<Gate> {
    let judgements = known.gates(key).into_iter().filter(|(judgement, _)| judgement.gate);
    judgements.map(|(judgement, history)| gate(&judgement, history)).collect()
}

/// A verdict as scripts know it. `history`: whether it is known for how long.
pub(in crate::cli) fn gate(judgement: &Judgement, history: bool) -> Gate {
    Gate {
        name: Arc::clone(&judgement.name),
        verdict: judgement.verdict.name(),
        value: judgement.value,
        limit: judgement.limit.threshold,
        comparator: judgement.limit.comparator.sign(),
        unit: judgement.unit.name().into(),
        breached_seconds: history.then_some(judgement.breached),
    }
}

fn revision(revision: Revision) -> RevisionElement {
    let sets = revision.replica_sets.into_iter();
    RevisionElement {
        revision: revision.number,
        replicasets: sets
            .map(|set| SetElement { name: set.name, status: set.status, tags: sorted(&set.tags), pods: set.current })
            .collect(),
        analysisruns: revision.runs.into_iter().map(|run| Named { name: run.name, status: run.status }).collect(),
        experiments: revision.experiments.into_iter().map(|one| Named { name: one.name, status: one.status }).collect(),
    }
}

/// Whole seconds until the present timer ends, 0 when it is due.
fn remaining(release: &Release, now: Timestamp) -> Option<i64> {
    release.until.map(|end| end.duration_since(now).as_secs().max(0))
}

fn sorted(tags: &[Tag]) -> Vec<String> {
    let mut names: Vec<_> = tags.iter().map(Tag::to_string).collect();
    names.sort();
    names
}

/// A phase as scripts know it.
pub(in crate::cli) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Healthy => "Healthy",
        Phase::Progressing => "Progressing",
        Phase::Paused => "Paused",
        Phase::Degraded => "Degraded",
        Phase::Unknown => "Unknown",
    }
}

fn way(way: Way) -> &'static str {
    match way {
        Way::Canary => "canary",
        Way::BlueGreen => "bluegreen",
        Way::Unknown => "unknown",
    }
}

/// Whom it waits for, as scripts know it.
pub(in crate::cli) fn waiting_for(waiting: WaitingFor) -> &'static str {
    match waiting {
        WaitingFor::Person => "person",
        WaitingFor::Time => "time",
        WaitingFor::Analysis => "analysis",
        WaitingFor::Experiment => "experiment",
        WaitingFor::Pods => "pods",
        WaitingFor::Weight => "weight",
        WaitingFor::Controller => "controller",
    }
}
