//! A release with everything below it, as the detail screen and `status ROLLOUT` draw it: revisions, ReplicaSets, pods, AnalysisRuns,
//! Experiments, and one time line of events. Plain structs; drawing and ages are the drawer's.

use jiff::Timestamp;

use super::analysis::{Counts, counts, filled_in, next_measurement, wanted};
use super::belongings::{Belongings, revision};
use super::duration::go_seconds;
use super::object::{AnalysisRun, Event, Experiment, MetricResult, Pod, ReplicaSet, Rollout};
use super::pod::{PodState, state};
use super::release::Tag;
use super::signs::after;
use super::tag::{experiment_tag, failure, health, tags};

/// Annotation of a ReplicaSet that is to go: when it is scaled down.
const SCALE_DOWN: &str = "scale-down-deadline";

/// One revision and what runs for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// Its number; 0 where none is said.
    pub number: i64,
    /// ReplicaSets, by name.
    pub replica_sets: Vec<SetNode>,
    /// Experiments, oldest first.
    pub experiments: Vec<ExperimentNode>,
    /// AnalysisRuns, oldest first.
    pub runs: Vec<RunNode>,
}

/// A ReplicaSet.
#[derive(Clone, Debug, PartialEq)]
pub struct SetNode {
    /// Name.
    pub name: Box<str>,
    /// `Healthy`, `Progressing`, `ScaledDown` or `ReplicaFailure`.
    pub status: &'static str,
    /// Why it cannot create pods.
    pub failure: Option<Box<str>>,
    /// Roles.
    pub tags: Vec<Tag>,
    /// Images of its containers.
    pub images: Vec<Box<str>>,
    /// Pods that are wanted.
    pub desired: i64,
    /// Pods that are there.
    pub current: i64,
    /// Pods that are available.
    pub available: i64,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When it will be scaled down, if that is settled.
    pub scale_down: Option<Timestamp>,
    /// Its pods, as far as they are read, oldest first.
    pub pods: Vec<PodNode>,
}

/// A pod.
#[derive(Clone, Debug, PartialEq)]
pub struct PodNode {
    /// Name.
    pub name: Box<str>,
    /// How it is doing.
    pub state: PodState,
    /// When it was created.
    pub created: Option<Timestamp>,
}

/// An Experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentNode {
    /// Name.
    pub name: Box<str>,
    /// `Pending`, `Running`, `Successful`, `Failed`, `Error` or `Inconclusive`.
    pub status: Box<str>,
    /// Why.
    pub message: Box<str>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Its ReplicaSets.
    pub replica_sets: Vec<SetNode>,
    /// Its AnalysisRuns.
    pub runs: Vec<RunNode>,
}

/// An AnalysisRun.
#[derive(Clone, Debug, PartialEq)]
pub struct RunNode {
    /// Name.
    pub name: Box<str>,
    /// `Step`, `Background`, `PrePromotion`, `PostPromotion`; empty in an Experiment.
    pub kind: Box<str>,
    /// As an Experiment's.
    pub status: Box<str>,
    /// Why.
    pub message: Box<str>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Measurements over all metrics.
    pub counts: Counts,
    /// Its metrics, in the order of its spec.
    pub metrics: Vec<MetricNode>,
}

/// A metric of an AnalysisRun.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricNode {
    /// Name.
    pub name: Box<str>,
    /// As the run's; empty before its first measurement.
    pub status: Box<str>,
    /// Why.
    pub message: Box<str>,
    /// Measurements.
    pub counts: Counts,
    /// Measurements to be taken; None without end.
    pub wanted: Option<i64>,
    /// The expression that judges it.
    pub condition: Box<str>,
    /// Whether it cannot fail the run.
    pub dry_run: bool,
    /// When it is measured next.
    pub next: Option<Timestamp>,
    /// The newest measurements that were kept, oldest first: phase and value as text.
    pub measurements: Vec<(Box<str>, Box<str>)>,
}

/// One line of the time line.
#[derive(Clone, Debug, PartialEq)]
pub struct EventLine {
    /// When it last happened.
    pub at: Option<Timestamp>,
    /// What it is about: `Pod gateway-6f4c-x2`.
    pub about: Box<str>,
    /// One word.
    pub reason: Box<str>,
    /// A sentence.
    pub message: Box<str>,
    /// Whether it is a warning.
    pub warning: bool,
    /// How often it happened, at least 1.
    pub count: i64,
}

/// Revisions of a rollout, newest first: those of its ReplicaSets, Experiments and AnalysisRuns together.
pub fn revisions(rollout: &Rollout, belongings: &Belongings) -> Vec<Revision> {
    let uid = &rollout.metadata.uid;
    let mut revisions: Vec<Revision> = Vec::new();
    for set in belongings.replica_sets_of(uid) {
        let node = set_node(set, tags(rollout, set), belongings);
        at(&mut revisions, revision(&set.metadata)).replica_sets.push(node);
    }
    for experiment in belongings.experiments_of(uid) {
        at(&mut revisions, revision(&experiment.metadata)).experiments.push(experiment_node(experiment, belongings));
    }
    for run in belongings.runs_of(uid) {
        at(&mut revisions, revision(&run.metadata)).runs.push(run_node(run));
    }
    revisions.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    revisions
}

/// Events about a release and what belongs to it, newest first.
pub fn events(belongings: &Belongings) -> Vec<EventLine> {
    let mut lines: Vec<_> = belongings.events.iter().map(|event| event_line(event)).collect();
    lines.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.about.cmp(&b.about)).then_with(|| a.message.cmp(&b.message)));
    lines
}

fn at(revisions: &mut Vec<Revision>, number: i64) -> &mut Revision {
    let place = revisions.iter().position(|revision| revision.number == number).unwrap_or_else(|| {
        revisions.push(Revision { number, replica_sets: Vec::new(), experiments: Vec::new(), runs: Vec::new() });
        revisions.len() - 1
    });
    &mut revisions[place]
}

fn set_node(set: &ReplicaSet, tags: Vec<Tag>, belongings: &Belongings) -> SetNode {
    SetNode {
        name: (*set.metadata.name).into(),
        status: health(set),
        failure: failure(set).map(Box::from),
        tags,
        images: set.spec.template.spec.containers.iter().map(|container| container.image.clone()).collect(),
        desired: set.spec.replicas.unwrap_or(1),
        current: set.status.replicas,
        available: set.status.available_replicas,
        created: set.metadata.creation_timestamp,
        scale_down: set.metadata.annotation(SCALE_DOWN).and_then(|text| text.parse().ok()),
        pods: belongings.pods_of(&set.metadata.uid).into_iter().map(pod_node).collect(),
    }
}

fn pod_node(pod: &Pod) -> PodNode {
    PodNode { name: (*pod.metadata.name).into(), state: state(pod), created: pod.metadata.creation_timestamp }
}

fn experiment_node(experiment: &Experiment, belongings: &Belongings) -> ExperimentNode {
    let (meta, status) = (&experiment.metadata, &experiment.status);
    let seconds = experiment.spec.duration.as_deref().and_then(go_seconds);
    let sets = belongings.replica_sets_of(&meta.uid).into_iter();
    ExperimentNode {
        name: (*meta.name).into(),
        status: status.phase.clone(),
        message: status.message.clone(),
        created: meta.creation_timestamp,
        until: status.available_at.zip(seconds).and_then(|(start, seconds)| after(start, seconds)),
        replica_sets: sets.map(|set| set_node(set, experiment_tag(set).into_iter().collect(), belongings)).collect(),
        runs: belongings.runs_of(&meta.uid).into_iter().map(run_node).collect(),
    }
}

fn run_node(run: &AnalysisRun) -> RunNode {
    let (meta, status) = (&run.metadata, &run.status);
    let metrics = run.spec.metrics.iter().map(|metric| {
        let none = MetricResult::default();
        let result = status.metric_results.iter().find(|result| result.name == metric.name).unwrap_or(&none);
        let condition = if metric.success_condition.is_empty() { &metric.failure_condition } else { &metric.success_condition };
        MetricNode {
            name: metric.name.clone(),
            status: result.phase.clone(),
            message: result.message.clone(),
            counts: Counts {
                successful: result.successful,
                failed: result.failed,
                inconclusive: result.inconclusive,
                error: result.error,
            },
            wanted: wanted(metric),
            condition: filled_in(run, condition).into(),
            dry_run: result.dry_run,
            next: next_measurement(run, metric),
            measurements: result.measurements.iter().map(|one| (one.phase.clone(), one.value.clone())).collect(),
        }
    });
    RunNode {
        name: (*meta.name).into(),
        kind: meta.label("rollout-type").unwrap_or_default().into(),
        status: status.phase.clone(),
        message: status.message.clone(),
        created: meta.creation_timestamp,
        counts: counts(run),
        metrics: metrics.collect(),
    }
}

fn event_line(event: &Event) -> EventLine {
    let about = &event.involved_object;
    EventLine {
        at: event.at(),
        about: format!("{} {}", about.kind, about.name).into(),
        reason: event.reason.clone(),
        message: event.message.clone(),
        warning: &*event.severity == "Warning",
        count: event.series.as_ref().map_or(event.count, |series| series.count).max(1),
    }
}
