//! The steps of a canary in time: done, current, upcoming, how long each took or will take. Says nothing about times that no object tells.

use jiff::Timestamp;

use super::analysis;
use super::belongings::Belongings;
use super::duration::go_seconds;
use super::object::{AnalysisRun, Experiment, Rollout, Step};
use super::phase::promoted;
use super::signs::{Sign, after, pause, signs};
use super::{step, weight};

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Done.
    Done,
    /// Was done before the abort took it back.
    Undone,
    /// Being executed.
    Current,
    /// Still to come.
    Upcoming,
}

/// A step in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineStep {
    /// The step in words.
    pub words: Box<str>,
    /// Where it stands.
    pub standing: Standing,
    /// Weight after it, 0 to 100.
    pub weight: i64,
    /// Seconds it took, if events tell.
    pub took: Option<i64>,
    /// Seconds it is meant to take: a timed pause, an experiment, the running analysis.
    pub takes: Option<i64>,
    /// When the current step ends by itself. May lie in the past: then it is due.
    pub ends: Option<Timestamp>,
    /// Whether a person has to end it.
    pub needs_person: bool,
    /// What its analysis or experiment came to so far, as an AnalysisRun's phase.
    pub verdict: Option<Box<str>>,
}

/// A background analysis, which lies across the steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Background {
    /// Step from which on it runs.
    pub from: usize,
    /// Its phase, if there is one by now.
    pub phase: Option<Box<str>>,
}

/// Steps of a canary in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The steps, in order.
    pub steps: Vec<TimelineStep>,
    /// Seconds until everything ahead is over, at least.
    pub remaining: Option<i64>,
    /// Whether nothing but pods' starting times is unknown about that: no person, no endless analysis, no plugin ahead.
    pub remaining_known: bool,
    /// The background analysis.
    pub background: Option<Background>,
}

/// The time line of a canary with steps; None for others.
pub fn timeline(rollout: &Rollout, belongings: &Belongings, now: Timestamp) -> Option<Timeline> {
    let canary = rollout.spec.strategy.canary.as_ref()?;
    let (steps, index) = (step::steps(rollout), step::index(rollout));
    if steps.is_empty() {
        return None;
    }
    let aborted = rollout.status.abort || signs(rollout).contains(&Sign::Aborted);
    let completed = completions(rollout, belongings, steps.len());
    let mut rows = Vec::with_capacity(steps.len());
    for (place, step) in steps.iter().enumerate() {
        let at = |place: usize| completed.get(place).copied().flatten();
        let standing = if promoted(rollout) {
            Standing::Done
        } else if aborted {
            if at(place + 1).is_some() { Standing::Undone } else { Standing::Upcoming }
        } else {
            match place.cmp(&index) {
                std::cmp::Ordering::Less => Standing::Done,
                std::cmp::Ordering::Equal => Standing::Current,
                std::cmp::Ordering::Greater => Standing::Upcoming,
            }
        };
        let past = matches!(standing, Standing::Done | Standing::Undone);
        let took = at(place).zip(at(place + 1)).map(|(start, end)| end.duration_since(start).as_secs());
        let (takes, verdict) = plan(rollout, belongings, step, standing);
        rows.push(TimelineStep {
            words: step::words(step).into(),
            standing,
            weight: (weight::cumulative(steps, place).saturating_mul(100) / weight::max(rollout)).clamp(0, 100),
            took: took.filter(|seconds| past && *seconds >= 0),
            takes,
            ends: if standing == Standing::Current { ends(rollout, belongings, step) } else { None },
            needs_person: matches!(step, Step::Pause(pause) if pause.duration.is_none()),
            verdict,
        });
    }
    let over = promoted(rollout) || aborted || index >= steps.len();
    let (remaining, remaining_known) = if over { (None, true) } else { remaining(&rows, steps, now) };
    let background = canary.analysis.as_ref().map(|analysis| Background {
        from: analysis.starting_step.and_then(|step| usize::try_from(step).ok()).unwrap_or_default(),
        phase: rollout.status.canary.current_background_analysis_run_status.as_ref().map(|run| run.status.clone()),
    });
    Some(Timeline { steps: rows, remaining, remaining_known, background })
}

/// Since when the canary has had its present weight, by the cluster's clock and as the events tell it: since the last `setWeight` before the
/// present step was done. None if they do not say, or while the weight is being set.
pub fn weighted_since(rollout: &Rollout, belongings: &Belongings) -> Option<Timestamp> {
    let (steps, index) = (step::steps(rollout), step::index(rollout));
    if matches!(steps.get(index), Some(Step::SetWeight(_))) {
        return None;
    }
    let completed = completions(rollout, belongings, steps.len());
    let place = steps.iter().take(index).rposition(|step| matches!(step, Step::SetWeight(_)));
    // Before the first one the weight is what the update began with.
    place.map_or_else(|| completed.first().copied().flatten(), |place| completed.get(place + 1).copied().flatten())
}

/// When each step of this update was completed, by the events: at place 0 the update's start, at place k the end of the k-th step.
fn completions(rollout: &Rollout, belongings: &Belongings, count: usize) -> Vec<Option<Timestamp>> {
    let uid = &rollout.metadata.uid;
    let mine = || belongings.events.iter().filter(|event| event.involved_object.uid == *uid);
    let start = mine().filter(|event| &*event.reason == "RolloutUpdated").filter_map(|event| event.at()).max();
    let mut completed = vec![None; count + 1];
    if let Some(first) = completed.first_mut() {
        *first = start;
    }
    for event in mine().filter(|event| &*event.reason == "RolloutStepCompleted") {
        let number = event.message.strip_prefix("Rollout step ").and_then(|rest| rest.split_once('/'));
        let place = number.and_then(|(number, _)| number.parse::<usize>().ok());
        let at = event.at().filter(|at| start.is_none_or(|start| *at >= start));
        if let (Some(known), Some(at)) = (place.and_then(|place| completed.get_mut(place)), at) {
            *known = (*known).max(Some(at));
        }
    }
    completed
}

/// Seconds that a step is meant to take, and what its analysis or experiment came to.
fn plan(rollout: &Rollout, belongings: &Belongings, step: &Step, standing: Standing) -> (Option<i64>, Option<Box<str>>) {
    let current = standing == Standing::Current;
    match step {
        Step::Analysis(_) if current => {
            let status = rollout.status.canary.current_step_analysis_run_status.as_ref();
            (step_run(rollout, belongings).and_then(analysis::seconds), status.map(|run| run.status.clone()))
        }
        Step::Experiment(_) if current => {
            (step::seconds(step), experiment(rollout, belongings).map(|experiment| experiment.status.phase.clone()))
        }
        step => (step::seconds(step), None),
    }
}

fn step_run<'a>(rollout: &Rollout, belongings: &'a Belongings) -> Option<&'a AnalysisRun> {
    let name = &rollout.status.canary.current_step_analysis_run_status.as_ref()?.name;
    belongings.analysis_runs.iter().map(|run| &**run).find(|run| *run.metadata.name == **name)
}

fn experiment<'a>(rollout: &Rollout, belongings: &'a Belongings) -> Option<&'a Experiment> {
    let name = &rollout.status.canary.current_experiment;
    belongings.experiments.iter().map(|experiment| &**experiment).find(|experiment| *experiment.metadata.name == **name)
}

fn ends(rollout: &Rollout, belongings: &Belongings, step: &Step) -> Option<Timestamp> {
    match step {
        Step::Pause(_) => after(pause(rollout, "CanaryPauseStep")?.start_time?, step::seconds(step)?),
        Step::Experiment(_) => {
            let experiment = experiment(rollout, belongings)?;
            after(experiment.status.available_at?, experiment.spec.duration.as_deref().and_then(go_seconds)?)
        }
        Step::Analysis(_) => {
            let run = step_run(rollout, belongings)?;
            after(run.status.started_at?, analysis::seconds(run)?)
        }
        Step::SetWeight(_)
        | Step::SetCanaryScale(_)
        | Step::SetHeaderRoute(_)
        | Step::SetMirrorRoute(_)
        | Step::Plugin(_)
        | Step::Invalid => None,
    }
}

/// The sum of everything ahead whose length is known, and whether that is all of it.
fn remaining(rows: &[TimelineStep], steps: &[Step], now: Timestamp) -> (Option<i64>, bool) {
    let (mut sum, mut known) = (0_i64, true);
    let ahead = rows.iter().zip(steps).filter(|(row, _)| matches!(row.standing, Standing::Current | Standing::Upcoming));
    for (row, step) in ahead {
        let left = row.ends.map(|end| end.duration_since(now).as_secs().max(0)).or(row.takes);
        let timed = matches!(step, Step::Pause(_) | Step::Experiment(_) | Step::Analysis(_) | Step::Plugin(_));
        known &= left.is_some() || !timed;
        sum = sum.saturating_add(left.unwrap_or_default());
    }
    (Some(sum), known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::object::decode_value;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn line(status: &Value, events: &[(&str, &str, &str)], at: &str) -> Timeline {
        let steps = json!([{"setWeight": 10}, {"pause": {"duration": "5m"}}, {"setWeight": 50}, {"pause": {}}, {"analysis": {}}, {"pause": {"duration": 60}}]);
        let rollout = json!({"metadata": {"name": "web", "uid": "ro"}, "spec": {"strategy": {"canary": {"steps": steps, "analysis": {"startingStep": 2}}}}, "status": status});
        let event = |(time, reason, message): &(&str, &str, &str)| {
            Arc::new(decode_value(
                &json!({"involvedObject": {"uid": "ro"}, "reason": reason, "message": message, "lastTimestamp": time}),
            ))
        };
        let belongings = Belongings { events: events.iter().map(event).collect(), ..Belongings::default() };
        timeline(&decode_value(&rollout), &belongings, at.parse().unwrap()).unwrap()
    }

    fn standings(line: &Timeline) -> String {
        let letter = |step: &TimelineStep| match step.standing {
            Standing::Done => 'd',
            Standing::Undone => 'x',
            Standing::Current => 'c',
            Standing::Upcoming => '.',
        };
        line.steps.iter().map(letter).collect()
    }

    const HISTORY: [(&str, &str, &str); 4] = [
        // The update before this one.
        ("2026-01-01T09:00:00Z", "RolloutStepCompleted", "Rollout step 2/6 completed (pause: 5m)"),
        ("2026-01-01T10:00:00Z", "RolloutUpdated", "Rollout updated to revision 2"),
        ("2026-01-01T10:00:20Z", "RolloutStepCompleted", "Rollout step 1/6 completed (setWeight: 10)"),
        ("2026-01-01T10:05:20Z", "RolloutStepCompleted", "Rollout step 2/6 completed (pause: 5m)"),
    ];

    #[test]
    fn a_timed_pause_runs_down() {
        let status = json!({"currentPodHash": "b", "stableRS": "a", "currentStepIndex": 1, "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T10:00:20Z"}]});
        let line = line(&status, &HISTORY[..3], "2026-01-01T10:02:20Z");
        assert_eq!(standings(&line), "dc....");
        let took: Vec<_> = line.steps.iter().map(|step| step.took).collect();
        assert_eq!(took, [Some(20), None, None, None, None, None]);
        assert_eq!(line.steps.iter().map(|step| step.weight).collect::<Vec<_>>(), [10, 10, 50, 50, 50, 50]);
        // Three minutes here, one at the end, and a person and an analysis nobody knows the length of.
        assert_eq!((line.remaining, line.remaining_known), (Some(240), false));
        assert_eq!(line.background, Some(Background { from: 2, phase: None }));
    }

    #[test]
    fn an_abort_takes_back_what_was_done() {
        let status = json!({"currentPodHash": "b", "stableRS": "a", "currentStepIndex": 0, "abort": true, "abortedAt": "2026-01-01T10:06:00Z"});
        let line = line(&status, &HISTORY, "2026-01-01T10:06:00Z");
        assert_eq!(standings(&line), "xx....");
        assert_eq!((line.steps[1].took, line.remaining), (Some(300), None));
    }

    #[test]
    fn all_is_done_when_promoted() {
        let line = line(&json!({"currentPodHash": "b", "stableRS": "b", "currentStepIndex": 6}), &[], "2026-01-01T10:06:00Z");
        assert_eq!((standings(&line).as_str(), line.remaining, line.remaining_known), ("dddddd", None, true));
    }
}
