//! AnalysisRuns: what was measured, what that came to, what comes next. Judges nothing that the controller has not judged, except
//! where a metric's counters stand against its limits.

use jiff::Timestamp;

use super::duration::go_seconds;
use super::object::{AnalysisRun, IntOrString, Measurement, Metric, MetricResult};
use super::phase::is_final;
use super::signs::after;

/// Seconds until a measurement that erred is tried again.
const RETRY_SECONDS: i64 = 10;
/// Errors in a row that are allowed unless the metric says otherwise.
const ERRORS_ALLOWED: i64 = 4;

/// How many measurements came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub successful: i64,
    /// Failed.
    pub failed: i64,
    /// Could not tell.
    pub inconclusive: i64,
    /// Could not be taken.
    pub error: i64,
}

/// A metric's word on itself: phase and, unless it is well, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// As an AnalysisRun's phase.
    pub phase: &'static str,
    /// `failed (1) > failureLimit (0)` and the like; empty when well.
    pub reason: Box<str>,
}

/// The sum over all metrics, dry runs included, as the plugin shows it.
pub fn counts(run: &AnalysisRun) -> Counts {
    run.status.metric_results.iter().fold(Counts::default(), |sum, result| Counts {
        successful: sum.successful.saturating_add(result.successful),
        failed: sum.failed.saturating_add(result.failed),
        inconclusive: sum.inconclusive.saturating_add(result.inconclusive),
        error: sum.error.saturating_add(result.error),
    })
}

impl Counts {
    /// The plugin's info column: `✔ 4,✖ 4,? 1,⚠ 1`, without zeros.
    pub fn info(self) -> String {
        let all = [('✔', self.successful), ('✖', self.failed), ('?', self.inconclusive), ('⚠', self.error)];
        let shown: Vec<_> = all.iter().filter(|(_, count)| *count > 0).map(|(mark, count)| format!("{mark} {count}")).collect();
        shown.join(",")
    }
}

/// How many measurements a metric takes; None without end, or while an argument stands in its place.
pub fn wanted(metric: &Metric) -> Option<i64> {
    match &metric.count {
        Some(IntOrString::Int(count)) => Some(*count).filter(|count| *count > 0),
        Some(IntOrString::Text(text)) => text.parse().ok().filter(|count| *count > 0),
        None => metric.interval.is_none().then_some(1),
    }
}

/// A limit of a metric; None while an argument stands in its place.
pub fn limit(limit: Option<&IntOrString>, unless_said: i64) -> Option<i64> {
    match limit {
        None => Some(unless_said),
        Some(IntOrString::Int(limit)) => Some(*limit),
        Some(IntOrString::Text(text)) => text.parse().ok(),
    }
}

/// What a metric's counters come to. `ending` is whether no more measurements will be taken (the run is terminated).
pub fn assess(metric: &Metric, result: &MetricResult, ending: bool) -> Assessment {
    let over = |count: i64, limit: Option<i64>| limit.filter(|limit| *limit >= 0 && count > *limit);
    let (failures, unclear) = (limit(metric.failure_limit.as_ref(), 0), limit(metric.inconclusive_limit.as_ref(), 0));
    let errors = limit(metric.consecutive_error_limit.as_ref(), ERRORS_ALLOWED);
    // The later of these outrank the earlier.
    if let Some(limit) = over(result.consecutive_error, errors) {
        let reason = format!("consecutiveErrors ({}) > consecutiveErrorLimit ({limit})", result.consecutive_error);
        return Assessment { phase: "Error", reason: reason.into() };
    }
    if let Some(limit) = over(result.inconclusive, unclear) {
        let reason = format!("inconclusive ({}) > inconclusiveLimit ({limit})", result.inconclusive);
        return Assessment { phase: "Inconclusive", reason: reason.into() };
    }
    if let Some(limit) = over(result.failed, failures) {
        return Assessment { phase: "Failed", reason: format!("failed ({}) > failureLimit ({limit})", result.failed).into() };
    }
    let complete = wanted(metric).is_some_and(|wanted| result.count >= wanted);
    Assessment { phase: if complete || ending { "Successful" } else { "Running" }, reason: "".into() }
}

/// When a metric is measured next; None when it is over or being measured now.
pub fn next_measurement(run: &AnalysisRun, metric: &Metric) -> Option<Timestamp> {
    if is_final(&run.status.phase) {
        return None;
    }
    let result = run.status.metric_results.iter().find(|result| result.name == metric.name);
    if result.is_some_and(|result| is_final(&result.phase)) {
        return None;
    }
    let Some(last) = result.and_then(|result| result.measurements.last()) else {
        return after(run.status.started_at?, metric.initial_delay.as_deref().map_or(Some(0), go_seconds)?);
    };
    let seconds = if &*last.phase == "Error" { RETRY_SECONDS } else { metric.interval.as_deref().and_then(go_seconds)? };
    after(last.finished_at?, seconds)
}

/// Seconds that a run takes from its start at least, by its own words; None if it may run without end.
pub fn seconds(run: &AnalysisRun) -> Option<i64> {
    let lengths = run.spec.metrics.iter().map(|metric| {
        let delay = metric.initial_delay.as_deref().map_or(Some(0), go_seconds)?;
        let interval = metric.interval.as_deref().map_or(Some(0), go_seconds)?;
        Some(delay.saturating_add(interval.saturating_mul(wanted(metric)? - 1)))
    });
    lengths.collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// A text of a run's spec with its arguments filled in, as far as they are known.
pub fn filled_in(run: &AnalysisRun, text: &str) -> String {
    let mut filled = text.to_owned();
    for argument in &run.spec.args {
        let Some(value) = &argument.value else { continue };
        for place in [format!("{{{{args.{}}}}}", argument.name), format!("{{{{ args.{} }}}}", argument.name)] {
            filled = filled.replace(&place, value);
        }
    }
    filled
}

/// The number that a measurement came to, if it is one: a plain number or a vector of one.
pub fn number(measurement: &Measurement) -> Option<f64> {
    let text = measurement.value.trim();
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    inner.trim().parse().ok().filter(|number: &f64| number.is_finite())
}
