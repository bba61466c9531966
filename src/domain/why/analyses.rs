//! What analyses, experiments and plugin steps say about a release that does not go on.

use crate::domain::analysis::filled_in;
use crate::domain::belongings::{Belongings, pod_hash};
use crate::domain::object::{AnalysisRun, Metric, MetricResult, Rollout, RunStatus, Step};
use crate::domain::signs::runs;
use crate::domain::step;

/// The analysis that brought the release down: which metric, what it measured, what was allowed. None if no analysis did.
pub fn failure(rollout: &Rollout, belongings: &Belongings, reason: &str) -> Option<String> {
    if !reason.contains("nalysis") {
        return None;
    }
    let failed = |phase: &str| matches!(phase, "Failed" | "Error");
    let named = runs(rollout).find(|run| failed(&run.status)).and_then(|run| find(belongings, &run.name));
    let hash = &rollout.status.current_pod_hash;
    let mine = belongings.analysis_runs.iter().map(|run| &**run);
    let newest = || {
        let fallen = mine.filter(|run| failed(&run.status.phase) && [&**hash, ""].contains(&pod_hash(&run.metadata)));
        fallen.max_by_key(|run| run.status.completed_at.or(run.metadata.creation_timestamp))
    };
    // The controller's own words name the metric; a run that says something else is not the one.
    let run = named.or_else(newest).filter(|run| run.status.message.is_empty() || reason.contains(&*run.status.message))?;
    let judged = if &*run.status.phase == "Error" { "could not be carried out" } else { "failed" };
    Some(format!("analysis {} {judged}{}", run.metadata.name, metric(run, &run.status.phase)))
}

/// The analysis that could not tell.
pub fn inconclusive(rollout: &Rollout, belongings: &Belongings) -> String {
    let status: Option<&RunStatus> = runs(rollout).find(|run| &*run.status == "Inconclusive");
    let newest = || {
        let unclear = belongings.analysis_runs.iter().map(|run| &**run).filter(|run| &*run.status.phase == "Inconclusive");
        unclear.max_by_key(|run| run.status.completed_at.or(run.metadata.creation_timestamp))
    };
    let run = status.map_or_else(newest, |status| find(belongings, &status.name));
    let said = match (run, status) {
        (Some(run), _) => format!("analysis {} could not tell{}", run.metadata.name, metric(run, "Inconclusive")),
        (None, Some(status)) if !status.message.is_empty() => {
            format!("analysis {} could not tell: {}", status.name, status.message)
        }
        (None, Some(status)) => format!("analysis {} could not tell", status.name),
        (None, None) => "an analysis could not tell".to_owned(),
    };
    said + "; a person has to decide"
}

/// The newest Experiment, with what it came to.
pub fn experiment(rollout: &Rollout, belongings: &Belongings, came_to: &str) -> String {
    let newest = belongings.experiments_of(&rollout.metadata.uid).into_iter().max_by_key(|one| one.metadata.creation_timestamp);
    let Some(one) = newest else { return format!("an experiment {came_to}") };
    let message = if one.status.message.is_empty() { String::new() } else { format!(": {}", one.status.message) };
    format!("experiment {} {came_to}{message}", one.metadata.name)
}

/// What the plugin of the current step complains about.
pub fn plugin(rollout: &Rollout) -> Option<String> {
    let Some(Step::Plugin(plugin)) = step::current(rollout) else { return None };
    let index = i64::try_from(step::index(rollout)).ok()?;
    let state = rollout.status.canary.step_plugin_statuses.iter().find(|state| state.index == index)?;
    let failed = matches!(&*state.phase, "Failed" | "Error");
    failed.then(|| format!("step plugin {} says {}: {}", plugin.name, state.phase.to_lowercase(), state.message))
}

fn find<'a>(belongings: &'a Belongings, name: &str) -> Option<&'a AnalysisRun> {
    belongings.analysis_runs.iter().map(|run| &**run).find(|run| &*run.metadata.name == name)
}

/// `: error-rate was 0.2 but has to be < 0.05, 2 failures where 1 is allowed`; nothing if no metric is to blame.
fn metric(run: &AnalysisRun, phase: &str) -> String {
    let to_blame = run.status.metric_results.iter().find(|result| &*result.phase == phase && !result.dry_run);
    let Some(result) = to_blame else {
        return if run.status.message.is_empty() { String::new() } else { format!(": {}", run.status.message) };
    };
    let none = Metric::default();
    let metric = run.spec.metrics.iter().find(|metric| metric.name == result.name).unwrap_or(&none);
    let last = result.measurements.iter().rev().find(|one| &*one.phase == phase);
    let measured = last.map(|one| if one.value.is_empty() { &one.message } else { &one.value }).filter(|text| !text.is_empty());
    let condition = if metric.success_condition.is_empty() { &metric.failure_condition } else { &metric.success_condition };
    let condition = filled_in(run, condition);
    let judged = match (measured, condition.is_empty(), metric.success_condition.is_empty()) {
        (Some(_), _, _) if phase == "Error" => String::new(),
        (Some(_), false, false) => format!(", asked for {condition}"),
        (Some(_), false, true) => format!(", fails on {condition}"),
        _ => String::new(),
    };
    let measured =
        measured.map(|value| if phase == "Error" { format!(": {value}") } else { format!(" was {value}") }).unwrap_or_default();
    format!(": {}{measured}{judged}{}", result.name, tally(result, phase))
}

/// How often, in whole words.
fn tally(result: &MetricResult, phase: &str) -> String {
    let measurements =
        [result.successful, result.failed, result.inconclusive, result.error].into_iter().fold(0, i64::saturating_add);
    let (count, word) = match phase {
        "Failed" => (result.failed, "failed"),
        "Inconclusive" => (result.inconclusive, "inconclusive"),
        _ => (result.error, "erred"),
    };
    if count > 0 { format!(" ({count} of {measurements} {word})") } else { String::new() }
}
