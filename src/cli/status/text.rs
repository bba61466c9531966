//! `status` for people: a table of several releases, or one with everything below it. Times are ages as of the given moment.

use std::fmt::Write as _;

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use super::Known;
use super::json::{phase, waiting_for};
use crate::app::metrics::Metrics;
use crate::domain::duration::{age, clock};
use crate::domain::id::Key;
use crate::domain::release::{Phase, Release, Tag, WaitingFor, Way};
use crate::domain::signal::Verdict;
use crate::domain::tree::{ExperimentNode, Revision, RunNode, SetNode, revisions};

/// Renders one release in full, several as a table.
pub fn render_text(known: Known<'_>, keys: &[Key], now: Timestamp, coloured: bool) -> String {
    let cluster = known.cluster;
    if let [key] = keys
        && let Some(release) = cluster.release(key, now)
    {
        let mut text = header(&release, now, coloured);
        text.push_str(&gates(known, key));
        if let Some(rollout) = cluster.rollout(key) {
            let created = rollout.metadata.creation_timestamp;
            let root =
                [format!("⟳ {}", key.name), "Rollout".to_owned(), status(phase(release.phase)), since(created, now), String::new()];
            let tree = tree(&revisions(rollout, &cluster.belongings(key)), now);
            let _ =
                write!(text, "\n{}", aligned(&["NAME", "KIND", "STATUS", "AGE", "INFO"], std::iter::once(root).chain(tree), false));
        }
        return text;
    }
    let releases = keys.iter().filter_map(|key| cluster.release(key, now));
    if !known.metrics.is_configured() {
        let rows = releases.map(|release| row(&release, now));
        return aligned(&["NAMESPACE", "NAME", "STATE", "STEP", "SET", "ACTUAL", "READY", "WAITS FOR", "WHY"], rows, coloured);
    }
    let rows = releases.map(|release| {
        let [namespace, name, state, step, set, actual, ready, waits, why] = row(&release, now);
        [namespace, name, state, step, set, actual, ready, waits, worst(known, &release.key), why]
    });
    aligned(&["NAMESPACE", "NAME", "STATE", "STEP", "SET", "ACTUAL", "READY", "WAITS FOR", "GATES", "WHY"], rows, coloured)
}

/// The verdicts on a release's signals, each on a line.
fn gates(known: Known<'_>, key: &Key) -> String {
    let mut text = String::new();
    if let Some(share) = known.metrics.standing(key).and_then(|standing| standing.share) {
        let drift = share.drift.map_or(String::new(), |drift| format!(", {drift:+.1} points off"));
        let _ = writeln!(text, "{:<16} {:.1} ± {:.1}{drift}", "Measured:", share.percent, share.error);
    }
    for (place, (judgement, _)) in known.gates(key).iter().enumerate() {
        let label = if place == 0 { "Signals:" } else { "" };
        let stable = judgement.stable.map_or(String::new(), |value| format!(", stable {}", judgement.unit.show(value)));
        let shown = judgement.is_only_shown();
        let mark = if shown { '⊘' } else { verdict_mark(judgement.verdict) };
        let of_all = if shown { " of all versions, no limit" } else { "" };
        let _ = writeln!(text, "{label:<16} {mark} {}{of_all}{stable}", judgement.sentence());
    }
    text
}

/// The worst gate of a release in one cell.
fn worst(known: Known<'_>, key: &Key) -> String {
    let gates: Vec<_> = known.gates(key).into_iter().map(|(judgement, _)| judgement).collect();
    Metrics::worst(&gates).map_or_else(String::new, |worst| {
        let value = worst.value.filter(|_| worst.verdict != Verdict::Pass).map(|value| format!(" {}", worst.unit.show(value)));
        let word = if worst.verdict == Verdict::Pass { "ok" } else { &worst.name };
        let unknown = if worst.value.is_none() { format!(" {}", worst.verdict.words()) } else { String::new() };
        format!("{} {word}{}{unknown}", verdict_mark(worst.verdict), value.unwrap_or_default())
    })
}

/// The mark of a verdict, as the screens draw it.
pub(in crate::cli) fn verdict_mark(verdict: Verdict) -> char {
    match verdict {
        Verdict::Pass => '✔',
        Verdict::Warn => '▲',
        Verdict::TooEarly | Verdict::LowTraffic | Verdict::NoData => '?',
        Verdict::Breach => '✖',
    }
}

fn row(release: &Release, now: Timestamp) -> [String; 9] {
    let dash = || "-".to_owned();
    let word = phase(release.phase);
    let number = release.revision.filter(|_| release.promoted && release.phase == Phase::Healthy);
    let state = number.map_or_else(|| word.to_owned(), |number| format!("{word} rev {number}"));
    let replicas = &release.replicas;
    let waits = match (release.waiting_for, release.until) {
        (Some(WaitingFor::Time), Some(end)) => format!("time {}", clock(end.duration_since(now).as_secs())),
        (Some(waiting), _) => waiting_for(waiting).to_owned(),
        (None, _) => dash(),
    };
    [
        if release.key.namespace.is_empty() { dash() } else { release.key.namespace.to_string() },
        release.key.name.to_string(),
        format!("{} {state}", mark(word)),
        release.step.as_ref().map_or_else(dash, |step| format!("{}/{}", step.index, step.count)),
        release.weight.map_or_else(dash, |weight| weight.set.to_string()),
        release.weight.and_then(|weight| weight.actual).map_or_else(dash, |actual| actual.to_string()),
        if release.key.kind == crate::domain::id::Kind::Canary {
            dash()
        } else {
            format!("{}/{}", replicas.ready, replicas.current)
        },
        waits,
        release
            .odd
            .as_ref()
            .map(|odd| format!("could not be read whole: {odd}"))
            .or(release.why.as_ref().map(ToString::to_string))
            .unwrap_or_default(),
    ]
}

fn header(release: &Release, now: Timestamp, coloured: bool) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "{}", format!("{label:<16} {value}").trim_end());
    };
    line("Name:", &release.key.name);
    line("Namespace:", &release.key.namespace);
    let word = phase(release.phase);
    line("Status:", &paint(&status(word), word, coloured));
    for (label, value) in [("Message:", Some(&release.message)), ("Why:", release.why.as_ref()), ("Odd:", release.odd.as_ref())] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            line(label, value);
        }
    }
    let way = match release.way {
        Way::Canary => "Canary",
        Way::BlueGreen => "BlueGreen",
        Way::Unknown => "unknown",
    };
    line("Strategy:", way);
    if let Some(step) = &release.step {
        line(
            "  Step:",
            &format!("{}/{}{}", step.index, step.count, step.current.as_ref().map_or(String::new(), |words| format!("  {words}"))),
        );
    }
    if let Some(weight) = &release.weight {
        line("  SetWeight:", &weight.set.to_string());
        if let Some(actual) = weight.actual {
            line("  ActualWeight:", &actual.to_string());
        }
    }
    if let Some(waiting) = release.waiting_for {
        let left = release.until.map(|end| format!("  {}", clock(end.duration_since(now).as_secs()))).unwrap_or_default();
        line("Waits for:", &format!("{}{left}", waiting_for(waiting)));
    }
    if let Some(by) = &release.managed_by {
        line("Managed by:", &format!("{} ({})", by.tool, by.name));
    }
    for (place, image) in release.images.iter().enumerate() {
        let tags: Vec<_> = image.tags.iter().map(Tag::to_string).collect();
        let tags = if tags.is_empty() { String::new() } else { format!(" ({})", tags.join(", ")) };
        line(if place == 0 { "Images:" } else { "" }, &format!("{}{tags}", image.image));
    }
    if release.key.kind == crate::domain::id::Kind::Rollout {
        let replicas = &release.replicas;
        line("Replicas:", "");
        let counts = [("Desired", replicas.desired), ("Current", replicas.current), ("Updated", replicas.updated)];
        for (label, count) in counts.into_iter().chain([("Ready", replicas.ready), ("Available", replicas.available)]) {
            line(&format!("  {label}:"), &count.to_string());
        }
    }
    text
}

type Line = [String; 5];

fn tree(revisions: &[Revision], now: Timestamp) -> Vec<Line> {
    let mut lines = Vec::new();
    for (place, revision) in revisions.iter().enumerate() {
        let (branch, below) = branches("", place + 1 == revisions.len());
        lines.push([format!("{branch}# revision:{}", revision.number), String::new(), String::new(), String::new(), String::new()]);
        let count = revision.replica_sets.len() + revision.experiments.len() + revision.runs.len();
        let mut left = count;
        let mut last = || {
            left -= 1;
            left == 0
        };
        for set in &revision.replica_sets {
            set_lines(&mut lines, &below, last(), set, now);
        }
        for experiment in &revision.experiments {
            experiment_lines(&mut lines, &below, last(), experiment, now);
        }
        for run in &revision.runs {
            run_line(&mut lines, &below, last(), run, now);
        }
    }
    lines
}

/// The lines that lead to a node and past it to what is below.
fn branches(indent: &str, last: bool) -> (String, String) {
    if last {
        (format!("{indent}└──"), format!("{indent}   "))
    } else {
        (format!("{indent}├──"), format!("{indent}│  "))
    }
}

fn set_lines(lines: &mut Vec<Line>, indent: &str, last: bool, set: &SetNode, now: Timestamp) {
    let (branch, below) = branches(indent, last);
    // The plugin names stable first here, unlike among images.
    let mut tags: Vec<&Tag> = set.tags.iter().filter(|tag| !matches!(tag, Tag::Experiment(_))).collect();
    tags.sort_by_key(|tag| **tag != Tag::Stable);
    let mut info: Vec<String> = tags.into_iter().map(Tag::to_string).collect();
    if let Some(deadline) = set.scale_down {
        let left = deadline.duration_since(now).as_secs();
        info.push(if left < 0 { "delay:passed".to_owned() } else { format!("delay:{}", age(left)) });
    }
    lines.push([
        format!("{branch}⧉ {}", set.name),
        "ReplicaSet".to_owned(),
        status(set.status),
        since(set.created, now),
        info.join(","),
    ]);
    for (place, pod) in set.pods.iter().enumerate() {
        let (branch, _) = branches(&below, place + 1 == set.pods.len());
        let state = &pod.state;
        let restarts = if state.restarts > 0 { format!(",restarts:{}", state.restarts) } else { String::new() };
        let info = format!("ready:{}/{}{restarts}", state.ready, state.containers);
        lines.push([format!("{branch}□ {}", pod.name), "Pod".to_owned(), status(&state.status), since(pod.created, now), info]);
    }
}

fn experiment_lines(lines: &mut Vec<Line>, indent: &str, last: bool, experiment: &ExperimentNode, now: Timestamp) {
    let (branch, below) = branches(indent, last);
    let age = since(experiment.created, now);
    lines.push([
        format!("{branch}Σ {}", experiment.name),
        "Experiment".to_owned(),
        run_status(&experiment.status),
        age,
        String::new(),
    ]);
    let mut left = experiment.replica_sets.len() + experiment.runs.len();
    for set in &experiment.replica_sets {
        left -= 1;
        set_lines(lines, &below, left == 0, set, now);
    }
    for run in &experiment.runs {
        left -= 1;
        run_line(lines, &below, left == 0, run, now);
    }
}

fn run_line(lines: &mut Vec<Line>, indent: &str, last: bool, run: &RunNode, now: Timestamp) {
    let (branch, _) = branches(indent, last);
    lines.push([
        format!("{branch}α {}", run.name),
        "AnalysisRun".to_owned(),
        run_status(&run.status),
        since(run.created, now),
        run.counts.info(),
    ]);
}

fn since(start: Option<Timestamp>, now: Timestamp) -> String {
    start.map(|start| age(now.duration_since(start).as_secs())).unwrap_or_default()
}

fn status(word: &str) -> String {
    if word.is_empty() { String::new() } else { format!("{} {word}", mark(word)) }
}

/// The same for AnalysisRuns and Experiments: running is the way there, not the goal.
fn run_status(word: &str) -> String {
    match word {
        "Running" => "◌ Running".to_owned(),
        "Error" => "⚠ Error".to_owned(),
        word => status(word),
    }
}

/// The mark of a status word, as the plugin draws it.
fn mark(word: &str) -> char {
    match word {
        "Healthy" | "Successful" | "Running" | "Completed" => '✔',
        "Degraded" | "Failed" | "ReplicaFailure" | "CrashLoopBackOff" | "InvalidImageName" => '✖',
        "Paused" => '॥',
        "ScaledDown" => '•',
        "Progressing" | "Terminating" | "ContainerCreating" | "PodInitializing" => '◌',
        "Pending" => '◷',
        "Unknown" | "Inconclusive" => '?',
        word if word.starts_with("Init:") => '◌',
        word if word.starts_with("Signal:") || word.starts_with("ExitCode:") => '✖',
        _ => '⚠',
    }
}

/// Lines up columns, two blanks apart, without trailing blanks. The third is painted in the colour of its state.
pub(in crate::cli) fn aligned<const N: usize>(
    titles: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
    coloured: bool,
) -> String {
    let rows: Vec<_> = std::iter::once(titles.map(str::to_owned)).chain(rows).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (place, (cell, width)) in row.iter().zip(widths).enumerate() {
            let blanks = " ".repeat(width - cell.width() + 2);
            let word = cell.split(' ').nth(1).unwrap_or_default();
            let cell = if place == 2 { paint(cell, word, coloured) } else { cell.clone() };
            let _ = write!(line, "{cell}{blanks}");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// A text in the colour of its state.
pub(in crate::cli) fn paint(text: &str, word: &str, coloured: bool) -> String {
    let code = match word {
        "Healthy" => 32,
        "Progressing" => 36,
        "Paused" => 33,
        "Degraded" => 31,
        _ => return text.to_owned(),
    };
    if coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}
