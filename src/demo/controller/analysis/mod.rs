//! The analysis controller: takes the measurements of AnalysisRuns when they are due and says what they come to. It knows
//! nothing of what a rollout makes of that.

pub mod assess;
mod expression;
mod provider;
pub mod template;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::amount::{Amount, duration};
use super::desk::{At, Desk, controller_of, owned_by, stamp, text, time};
use super::rollout::is_final;
use crate::demo::Resource;
use assess::{Counters, Limits, Verdict};
use provider::Answer;

/// Measurements kept of each metric.
const KEPT: usize = 10;
/// An errored measurement is repeated after this.
const ERROR_AGAIN: SignedDuration = SignedDuration::from_secs(10);
/// How long a job runs.
const JOB_TAKES: SignedDuration = SignedDuration::from_secs(4);

/// One look at an AnalysisRun.
pub fn look(desk: &mut Desk<'_>, at: &At) {
    let Some(run) = desk.get(at.resource, &at.namespace, &at.name) else { return };
    let phase = run["status"]["phase"].as_str().unwrap_or_default();
    if is_final(phase) || !run["spec"].is_object() {
        return;
    }
    let started = time(run["status"]["startedAt"].as_str().unwrap_or_default()).unwrap_or(desk.now);
    let owner = owner_name(desk, &run);
    let mut work = Work { at, owner, run: &run, started, verdicts: Vec::new(), results: Vec::new(), ended: Vec::new() };
    let metrics = run["spec"]["metrics"].as_array().cloned().unwrap_or_default();
    let fault = metrics.iter().find_map(|metric| unresolved(metric, &run["spec"]["args"]));
    let terminated = run["spec"]["terminate"] == true;
    if fault.is_none() {
        for metric in &metrics {
            work.measure(desk, metric, terminated);
        }
        // One metric that ends badly ends the others.
        if !terminated && work.verdicts.iter().any(|v| !v.dry && is_final(&v.phase) && v.phase != "Successful") {
            work.stop_others(&metrics);
        }
    }
    let (phase, mut message) = match &fault {
        Some(fault) => ("Error".to_owned(), fault.clone()),
        None => assess::run(&work.verdicts),
    };
    if terminated && phase == "Successful" {
        "Run Terminated".clone_into(&mut message);
    }
    let status = work.status(desk.now, &phase, &message);
    let (ended, verdicts) = (work.ended, work.verdicts);
    desk.edit(at, |run| run["status"] = status);
    announce(desk, &run, &ended, &verdicts, &phase);
}

fn owner_name(desk: &Desk<'_>, run: &Value) -> String {
    match controller_of(run) {
        Some(("Experiment", name)) => {
            let experiment = desk.get(Resource::Experiment, text(run, "namespace"), name);
            let owner = experiment.as_deref().and_then(controller_of).map(|(_, name)| name.to_owned());
            owner.unwrap_or_else(|| name.to_owned())
        }
        Some((_, name)) => name.to_owned(),
        None => String::new(),
    }
}

fn announce(desk: &mut Desk<'_>, run: &Value, ended: &[String], verdicts: &[Verdict], phase: &str) {
    let severity = |phase: &str| if phase == "Successful" { "Normal" } else { "Warning" };
    for verdict in verdicts.iter().filter(|verdict| ended.contains(&verdict.name)) {
        let phase = verdict.phase.as_str();
        let message = format!("Metric '{}' Completed. Result: {phase}", verdict.name);
        desk.record(run, (severity(phase), "rollouts-controller"), &format!("Metric{phase}"), &message);
    }
    if is_final(phase) {
        let message = format!("Analysis Completed. Result: {phase}");
        desk.record(run, (severity(phase), "rollouts-controller"), &format!("AnalysisRun{phase}"), &message);
    }
}

/// The first argument that a metric uses and nobody gave.
fn unresolved(metric: &Value, args: &Value) -> Option<String> {
    let args = args.as_array().cloned().unwrap_or_default();
    let fault = template::fill(&metric.to_string(), &args).err()?;
    Some(format!("Unable to resolve metric arguments: {fault}"))
}

/// One metric's result, as it goes into the status.
struct MetricResult {
    counters: Counters,
    measurements: Vec<Value>,
    metadata: Value,
}

struct Work<'a> {
    at: &'a At,
    owner: String,
    run: &'a Value,
    started: Timestamp,
    verdicts: Vec<Verdict>,
    results: Vec<MetricResult>,
    ended: Vec<String>,
}

impl Work<'_> {
    fn known(&self, name: &str) -> Value {
        let results = self.run["status"]["metricResults"].as_array();
        results.into_iter().flatten().find(|result| result["name"] == name).cloned().unwrap_or_default()
    }

    fn measure(&mut self, desk: &mut Desk<'_>, metric: &Value, terminated: bool) {
        let name = metric["name"].as_str().unwrap_or_default().to_owned();
        let known = self.known(&name);
        let mut result = read_result(&known);
        let limits = limits(metric);
        let before = known["phase"].as_str().unwrap_or_default().to_owned();
        if !is_final(&before) {
            if terminated {
                end_running(&mut result, desk.now);
            } else {
                self.take(desk, metric, &mut result);
            }
        }
        let (phase, message) = if is_final(&before) {
            (before.clone(), known["message"].as_str().unwrap_or_default().to_owned())
        } else {
            let (phase, message) = assess::metric(result.counters, limits, terminated);
            (phase.to_owned(), message)
        };
        if is_final(&phase) && !is_final(&before) {
            self.ended.push(name.clone());
        } else if !is_final(&phase)
            && let Some(next) = self.next(metric, &result)
        {
            desk.wake(self.at, next);
        }
        result.metadata = known["metadata"].clone();
        let kept = retention(&self.run["spec"], &name);
        let surplus = result.measurements.len().saturating_sub(kept);
        result.measurements.drain(..surplus);
        let provider = result.measurements.last().and_then(|m| m["message"].as_str()).unwrap_or_default().to_owned();
        let dry = matches_name(&self.run["spec"]["dryRun"], &name);
        self.verdicts.push(Verdict { name, phase, message, provider, dry });
        self.results.push(result);
    }

    /// Takes a measurement if one is due, or ends the one that runs.
    fn take(&self, desk: &mut Desk<'_>, metric: &Value, result: &mut MetricResult) {
        if self.next(metric, result).is_none_or(|next| next > desk.now) {
            return;
        }
        let answer = provider::ask(desk.model, &self.at.namespace, &self.owner, metric);
        let now = stamp(desk.now);
        let running = result.measurements.last().is_some_and(|measurement| measurement["phase"] == "Running");
        let (phase, value, message) = match &answer {
            Answer::Job(_) if !running => {
                result.measurements.push(self.start_job(desk, metric));
                return;
            }
            Answer::Job(good) => (if *good { "Successful" } else { "Failed" }, String::new(), String::new()),
            Answer::Trouble(why) => ("Error", String::new(), why.clone()),
            Answer::Value(value) => {
                let condition = |key: &str| metric[key].as_str().filter(|text| !text.is_empty());
                let args = self.run["spec"]["args"].as_array().cloned().unwrap_or_default();
                let filled = |key: &str| condition(key).map(|text| template::fill(text, &args).unwrap_or_default());
                let (success, failure) = (filled("successCondition"), filled("failureCondition"));
                let (phase, message) = assess::measurement(value, success.as_deref(), failure.as_deref());
                (phase, provider::shown(value), message)
            }
        };
        let mut measurement = if running { result.measurements.pop().unwrap_or_default() } else { json!({ "startedAt": now }) };
        measurement["phase"] = phase.into();
        measurement["finishedAt"] = now.into();
        if !value.is_empty() {
            measurement["value"] = value.into();
        }
        if !message.is_empty() {
            measurement["message"] = message.into();
        }
        if running {
            finish_job(desk, &self.at.namespace, &measurement);
        }
        result.counters.add(phase);
        result.measurements.push(measurement);
    }

    /// When the next measurement of a metric is due; none if there is none to come.
    fn next(&self, metric: &Value, result: &MetricResult) -> Option<Timestamp> {
        let span = |key: &str| metric[key].as_str().and_then(duration);
        let Some(last) = result.measurements.last() else {
            return Some(self.started + span("initialDelay").unwrap_or(SignedDuration::ZERO));
        };
        if last["phase"] == "Running" {
            return time(last["startedAt"].as_str()?).map(|started| started + JOB_TAKES);
        }
        let finished = time(last["finishedAt"].as_str()?)?;
        let errored = last["phase"] == "Error";
        let wait = if errored {
            span("interval").unwrap_or(ERROR_AGAIN).max(ERROR_AGAIN)
        } else {
            span("interval").unwrap_or(ERROR_AGAIN)
        };
        Some(finished + wait)
    }

    fn start_job(&self, desk: &mut Desk<'_>, metric: &Value) -> Value {
        let spec = metric["provider"]["job"]["spec"].clone();
        let uid = text(self.run, "uid");
        let number = desk.owned(Resource::Job, self.run).len() + 1;
        let name = format!("{uid}.{}.{number}", metric["name"].as_str().unwrap_or_default());
        let now = stamp(desk.now);
        desk.create(
            Resource::Job,
            json!({
                "metadata": {
                    "name": name, "namespace": self.at.namespace, "ownerReferences": owned_by(self.run),
                    "labels": { "analysisrun.argoproj.io/uid": uid },
                    "annotations": { "analysisrun.argoproj.io/name": self.at.name },
                },
                "spec": spec, "status": { "active": 1, "startTime": now },
            }),
        );
        json!({ "phase": "Running", "startedAt": now, "metadata": { "job-name": name, "job-namespace": self.at.namespace } })
    }

    fn stop_others(&mut self, metrics: &[Value]) {
        for (verdict, result) in self.verdicts.iter_mut().zip(&self.results) {
            if is_final(&verdict.phase) {
                continue;
            }
            let metric = metrics.iter().find(|metric| metric["name"] == verdict.name.as_str()).cloned().unwrap_or_default();
            let (phase, message) = assess::metric(result.counters, limits(&metric), true);
            (verdict.phase, verdict.message) = (phase.to_owned(), message);
            self.ended.push(verdict.name.clone());
        }
    }

    fn status(&self, now: Timestamp, phase: &str, message: &str) -> Value {
        let mut results: Vec<Value> =
            self.verdicts.iter().zip(&self.results).map(|(verdict, result)| result_json(verdict, result)).collect();
        results.sort_by_key(|result| result["name"].as_str().unwrap_or_default().to_owned());
        let mut status = json!({ "phase": phase, "startedAt": stamp(self.started), "dryRunSummary": self.summary(true), "runSummary": self.summary(false) });
        if !results.is_empty() {
            status["metricResults"] = results.into();
        }
        if !message.is_empty() {
            status["message"] = message.into();
        }
        if is_final(phase) {
            status["completedAt"] = stamp(now).into();
        }
        status
    }

    fn summary(&self, dry: bool) -> Value {
        let mut summary = Map::new();
        let mut add = |key: &str| {
            let before = summary.get(key).and_then(Value::as_i64).unwrap_or(0);
            summary.insert(key.to_owned(), (before + 1).into());
        };
        for verdict in self.verdicts.iter().filter(|verdict| verdict.dry == dry) {
            add("count");
            if is_final(&verdict.phase) {
                add(&verdict.phase.to_lowercase());
            }
        }
        Value::Object(summary)
    }
}

fn read_result(known: &Value) -> MetricResult {
    let count = |key: &str| known[key].as_i64().unwrap_or_default();
    MetricResult {
        counters: Counters {
            count: count("count"),
            successful: count("successful"),
            failed: count("failed"),
            inconclusive: count("inconclusive"),
            error: count("error"),
            consecutive_error: count("consecutiveError"),
            consecutive_success: count("consecutiveSuccess"),
        },
        measurements: known["measurements"].as_array().cloned().unwrap_or_default(),
        metadata: Value::Null,
    }
}

fn result_json(verdict: &Verdict, result: &MetricResult) -> Value {
    let counters = result.counters;
    let mut made = json!({ "name": verdict.name, "phase": verdict.phase });
    let counts = [
        ("count", counters.count),
        ("successful", counters.successful),
        ("failed", counters.failed),
        ("inconclusive", counters.inconclusive),
        ("error", counters.error),
        ("consecutiveError", counters.consecutive_error),
        ("consecutiveSuccess", counters.consecutive_success),
    ];
    for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        made[key] = count.into();
    }
    if !result.measurements.is_empty() {
        made["measurements"] = result.measurements.clone().into();
    }
    if verdict.dry {
        made["dryRun"] = true.into();
    }
    if !result.metadata.is_null() {
        made["metadata"] = result.metadata.clone();
    }
    if !verdict.message.is_empty() {
        let said =
            if verdict.dry { format!("Metric assessed {} due to {}", verdict.phase, verdict.message) } else { String::new() };
        if verdict.dry {
            made["message"] = said.into();
        }
    }
    made
}

fn limits(metric: &Value) -> Limits {
    let number = |key: &str| Amount::deserialize(&metric[key]).ok().and_then(|amount| amount.number());
    let count = number("count").or_else(|| metric["interval"].is_null().then_some(1));
    Limits {
        count,
        failure: number("failureLimit").unwrap_or(0),
        inconclusive: number("inconclusiveLimit").unwrap_or(0),
        consecutive_error: number("consecutiveErrorLimit").unwrap_or(4),
        consecutive_success: number("consecutiveSuccessLimit").unwrap_or(0),
    }
}

fn end_running(result: &mut MetricResult, now: Timestamp) {
    if let Some(last) = result.measurements.last_mut().filter(|last| last["phase"] == "Running") {
        last["phase"] = "Successful".into();
        last["finishedAt"] = stamp(now).into();
        last["message"] = "metric terminated".into();
        result.counters.add("Successful");
    }
}

fn finish_job(desk: &mut Desk<'_>, namespace: &str, measurement: &Value) {
    let Some(name) = measurement["metadata"]["job-name"].as_str() else { return };
    let (good, now) = (measurement["phase"] == "Successful", desk.stamp());
    desk.edit(&At::new(Resource::Job, namespace, name), |job| {
        let outcome = if good { "Complete" } else { "Failed" };
        job["status"] = json!({ "startTime": measurement["startedAt"], "conditions": [{ "type": outcome, "status": "True", "lastTransitionTime": now }] });
        job["status"][if good { "succeeded" } else { "failed" }] = 1.into();
        if good {
            job["status"]["completionTime"] = now.into();
        }
    });
}

/// Whether a list of `{metricName}` patterns names a metric. Patterns are anchored nowhere, as in Go; only `.*`, `^`, `$`
/// and plain names occur.
fn matches_name(patterns: &Value, name: &str) -> bool {
    patterns.as_array().into_iter().flatten().filter_map(|p| p["metricName"].as_str()).any(|pattern| fits(pattern, name))
}

fn fits(pattern: &str, name: &str) -> bool {
    let (start, end) = (pattern.starts_with('^'), pattern.ends_with('$'));
    let plain = pattern.trim_start_matches('^').trim_end_matches('$');
    let parts: Vec<&str> = plain.split(".*").collect();
    let mut rest = name;
    for (place, part) in parts.iter().enumerate() {
        let Some(found) = rest.find(part) else { return false };
        if place == 0 && start && found != 0 {
            return false;
        }
        rest = rest.split_at(found + part.len()).1;
    }
    !end || rest.is_empty() || parts.last().is_some_and(|last| last.is_empty())
}

fn retention(spec: &Value, name: &str) -> usize {
    let all = spec["measurementRetention"].as_array().into_iter().flatten();
    let found =
        all.filter(|entry| fits(entry["metricName"].as_str().unwrap_or_default(), name)).find_map(|entry| entry["limit"].as_u64());
    found.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(KEPT)
}
