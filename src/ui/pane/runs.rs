//! AnalysisRuns in lines: the run, and under it each metric with its condition and its newest measurements.

use jiff::Timestamp;

use super::super::glyph::Mark;
use super::super::pieces::Pieces;
use super::super::text;
use super::super::theme::{Role, Theme};
use crate::domain::analysis::Counts;
use crate::domain::duration::clock;
use crate::domain::tree::{MetricNode, RunNode};

/// Measurements that are shown of a metric.
const SHOWN: usize = 6;

/// The mark of an AnalysisRun's, a metric's, an Experiment's or a measurement's phase.
pub fn mark(phase: &str) -> Mark {
    match phase {
        "Successful" => Mark::Good,
        "Failed" | "Error" => Mark::Bad,
        "Inconclusive" => Mark::Unknown,
        "Running" => Mark::Running,
        _ => Mark::Queued,
    }
}

/// The word of such a phase.
pub fn word(phase: &str) -> &str {
    match phase {
        "Successful" => "passed",
        "Failed" => "failed",
        "Error" => "error",
        "Inconclusive" => "inconclusive",
        "Running" => "running",
        "Pending" | "" => "not begun",
        other => other,
    }
}

/// The line of a run and those of its metrics.
pub fn lines<'a>(theme: &Theme, run: &RunNode, now: Timestamp) -> Vec<Pieces<'a>> {
    let mut lines = vec![head(theme, run, now)];
    let indent = || Pieces::new().add(0, "  ", theme.style(Role::Dim));
    lines.extend(run.metrics.iter().map(|metric| indent().joined(metric_line(theme, metric, now))));
    lines
}

/// The line of a run.
pub fn head<'a>(theme: &Theme, run: &RunNode, now: Timestamp) -> Pieces<'a> {
    let mark = mark(&run.status);
    let kind = match &*run.kind {
        "Background" => "background analysis",
        "PrePromotion" => "analysis before promotion",
        "PostPromotion" => "analysis after promotion",
        _ => "analysis",
    };
    let words = format!("{kind} {}", word(&run.status));
    let line = Pieces::new().add(0, theme.glyph(mark, now), theme.mark(mark)).after(1, 0, words, theme.style(Role::Text));
    let line = counted(line, theme, run.counts);
    if run.message.is_empty() { line } else { line.after(2, 0, run.message.to_string(), theme.style(Role::Dim)) }
}

/// `✔ 4  ✖ 1`, without zeros.
pub fn counted<'a>(mut line: Pieces<'a>, theme: &Theme, counts: Counts) -> Pieces<'a> {
    let all = [
        (Mark::Good, counts.successful),
        (Mark::Bad, counts.failed),
        (Mark::Unknown, counts.inconclusive),
        (Mark::Warning, counts.error),
    ];
    for (mark, count) in all.into_iter().filter(|(_, count)| *count > 0) {
        line = line.after(2, 1, format!("{} {count}", mark.glyph()), theme.mark(mark));
    }
    line
}

/// A metric: what it is, what it has to be, what it was.
pub fn metric_line<'a>(theme: &Theme, metric: &MetricNode, now: Timestamp) -> Pieces<'a> {
    let mark = mark(&metric.status);
    let dim = theme.style(Role::Dim);
    let mut line = Pieces::new().add(0, theme.glyph(mark, now), theme.mark(mark));
    line = line.after(1, 0, metric.name.to_string(), theme.style(Role::Text));
    if metric.dry_run {
        line = line.after(1, 2, "(dry run)", dim);
    }
    for (phase, value) in metric.measurements.iter().rev().take(SHOWN).rev() {
        let value = shorten(value);
        line = line.after(2, 3, value, theme.mark(super::runs::mark(phase)));
    }
    if !metric.condition.is_empty() {
        line = line.after(2, 2, text::fit(&metric.condition, 40).into_owned(), dim);
    }
    if let Some(wanted) = metric.wanted {
        let taken = metric.counts.successful + metric.counts.failed + metric.counts.inconclusive;
        line = line.after(2, 4, format!("{taken} of {wanted}"), dim);
    }
    if let Some(left) = metric.next.map(|next| next.duration_since(now).as_secs()).filter(|left| *left > 0) {
        line = line.after(2, 4, format!("next in {}", clock(left)), dim);
    }
    line
}

/// A measured value: brackets of a vector of one number off, four digits of it.
fn shorten(value: &str) -> String {
    let bare = value.trim().trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<f64>() {
        Ok(number) if number.is_finite() => {
            let digits = match number.abs() {
                100.0.. => 0,
                10.0..100.0 => 1,
                1.0..10.0 => 2,
                _ => 3,
            };
            let text = format!("{number:.digits$}");
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
        _ => text::fit(bare, 16).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn measured_values_are_short_and_true() {
        let values = ["[0.9871234]", "412.4", "0.0182", "1", "[\"a\"]", "", "NaN", "100"];
        assert_eq!(values.map(shorten), ["0.987", "412", "0.018", "1", "\"a\"", "", "NaN", "100"]);
    }
}
