//! What the detail of one release lists, line by line: steps, tree, events. The same lines for drawing and for scrolling.

use super::state::State;
use crate::domain::flagger;
use crate::domain::id::Key;
use crate::domain::ledger::LedgerAct;
use crate::domain::timeline::{Timeline, timeline};
use crate::domain::tree::{self, EventLine, ExperimentNode, MetricNode, PodNode, Revision, RunNode, SetNode};

/// A line of the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeLine {
    /// How deep it is, from 0.
    pub depth: usize,
    /// For each depth above, whether that branch goes on below this line; and last, whether this one has a sibling below.
    pub continues: Vec<bool>,
    /// What it is about.
    pub node: Node,
}

/// What a line of the tree is about. What is below it has lines of its own, and is left out here.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A revision, by number; 0 where none is said.
    Revision(i64),
    /// A ReplicaSet.
    Set(Box<SetNode>),
    /// A pod.
    Pod(Box<PodNode>),
    /// An AnalysisRun.
    Run(Box<RunNode>),
    /// A metric of an AnalysisRun.
    Metric(Box<MetricNode>),
    /// An Experiment.
    Experiment(Box<ExperimentNode>),
}

/// The steps of a canary in time, at the cluster's time; None for others.
pub fn steps(state: &State, key: &Key) -> Option<Timeline> {
    let cluster = &state.environment().cluster;
    timeline(cluster.rollout(key)?, &cluster.belongings(key), state.cluster_time())
}

/// The tree below a release, newest revision first.
pub fn tree(state: &State, key: &Key) -> Vec<TreeLine> {
    let cluster = &state.environment().cluster;
    let Some(rollout) = cluster.rollout(key) else { return Vec::new() };
    let mut lines = Lines::default();
    lines.list(tree::revisions(rollout, &cluster.belongings(key)), Lines::revision);
    lines.lines
}

/// Something in the time line of a release.
#[derive(Clone, Debug)]
pub enum Moment<'a> {
    /// What Kubernetes says happened.
    Event(EventLine),
    /// What somebody did.
    Act(&'a LedgerAct),
}

/// Events about a release and what is below it, and what people did to it: one time line, newest first.
pub fn moments<'a>(state: &'a State, key: &'a Key) -> Vec<Moment<'a>> {
    let environment = state.environment();
    let name = &*environment.settings.name;
    let acts = state.ledger.view().acts_on(name, key).map(|act| (Some(environment.cluster_time(act.at)), Moment::Act(act)));
    let events = tree::events(&environment.cluster.belongings(key)).into_iter().map(|event| (event.at, Moment::Event(event)));
    let mut moments: Vec<_> = events.chain(acts).collect();
    // Stable: what was done comes before what came of it in the same second.
    moments.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    moments.into_iter().map(|(_, moment)| moment).collect()
}

/// How often a Flagger Canary is looked at, in seconds; None for others.
pub fn tick_seconds(state: &State, key: &Key) -> Option<i64> {
    state.environment().cluster.canary(key).map(|canary| flagger::interval_seconds(canary))
}

#[derive(Default)]
struct Lines {
    lines: Vec<TreeLine>,
    continues: Vec<bool>,
}

impl Lines {
    /// Adds a list of siblings.
    fn list<T>(&mut self, siblings: Vec<T>, mut add: impl FnMut(&mut Self, T)) {
        let count = siblings.len();
        for (place, sibling) in siblings.into_iter().enumerate() {
            self.continues.push(place + 1 < count);
            add(self, sibling);
            self.continues.pop();
        }
    }

    fn line(&mut self, node: Node) {
        self.lines.push(TreeLine { depth: self.continues.len().saturating_sub(1), continues: self.continues.clone(), node });
    }

    fn revision(&mut self, revision: Revision) {
        self.line(Node::Revision(revision.number));
        let sets = revision.replica_sets.into_iter().map(Child::Set);
        let experiments = revision.experiments.into_iter().map(Child::Experiment);
        let children: Vec<_> = sets.chain(experiments).chain(revision.runs.into_iter().map(Child::Run)).collect();
        self.list(children, Self::child);
    }

    fn child(&mut self, child: Child) {
        match child {
            Child::Set(mut set) => {
                let pods = std::mem::take(&mut set.pods);
                self.line(Node::Set(Box::new(set)));
                self.list(pods, |lines, pod| lines.line(Node::Pod(Box::new(pod))));
            }
            Child::Experiment(mut experiment) => {
                let sets = std::mem::take(&mut experiment.replica_sets).into_iter().map(Child::Set);
                let children: Vec<_> = sets.chain(std::mem::take(&mut experiment.runs).into_iter().map(Child::Run)).collect();
                self.line(Node::Experiment(Box::new(experiment)));
                self.list(children, Self::child);
            }
            Child::Run(mut run) => {
                let metrics = std::mem::take(&mut run.metrics);
                self.line(Node::Run(Box::new(run)));
                self.list(metrics, |lines, metric| lines.line(Node::Metric(Box::new(metric))));
            }
        }
    }
}

enum Child {
    Set(SetNode),
    Experiment(ExperimentNode),
    Run(RunNode),
}
