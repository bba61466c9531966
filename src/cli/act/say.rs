//! What a verb says: the plan before, what is heard meanwhile on stderr, the outcome on stdout.

use std::fmt::Write as _;
use std::io::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Found, gated};
use crate::cli::Failure;
use crate::domain::action::{Gates, Offer, Outcome, Plan, Report, Verb, What};
use crate::domain::id::Key;

/// One line for people, on stderr.
pub(super) fn talk(text: &str) -> Result<(), Failure> {
    Ok(writeln!(std::io::stderr().lock(), "pilothouse: {text}")?)
}

/// The answer, on stdout.
pub(super) fn answer(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", text.trim_end())?;
    Ok(out.flush()?)
}

/// All plans, numbered; on stderr if a document follows on stdout.
pub(super) fn plans(offer: &Offer, key: &Key, json: bool) -> Result<(), Failure> {
    let several = offer.plans.len() > 1;
    let mut text = String::new();
    for (number, plan) in offer.plans.iter().enumerate() {
        let way = if several { format!("way {}: ", number + 1) } else { String::new() };
        let _ = writeln!(text, "{way}{} {key}", plan.effect);
        for (number, line) in plan.lines().enumerate() {
            let _ = writeln!(text, "  {} {line}", number + 1);
        }
        for (label, words) in [("after", Some(&plan.after)), ("left", plan.left.as_ref())] {
            if let Some(words) = words.filter(|words| !words.is_empty()) {
                let _ = writeln!(text, "  {label}: {words}");
            }
        }
    }
    if json {
        return Ok(write!(std::io::stderr().lock(), "{text}")?);
    }
    answer(&text)
}

/// One thing heard, with the seconds since the beginning.
pub(super) fn report(plan: &Plan, report: &Report, begun: Timestamp) -> Result<(), Failure> {
    let seconds = report.at.duration_since(begun).as_secs_f64().max(0.0);
    let words =
        |place: usize| plan.steps.get(place).map(|step| &*step.words).filter(|words| !words.is_empty()).unwrap_or("its effect");
    let text = match &report.what {
        What::Recorded(act) => format!("recorded as {act}"),
        What::Unrecorded(why) => format!("NOT RECORDED: {why}"),
        What::Sent(place) => format!("sent: {}", words(*place)),
        What::Accepted(_) => "accepted".to_owned(),
        What::Unknown(_, why) => format!("unknown: {why}"),
        What::Progress(_, words) => words.clone(),
        What::Stuck(_, check) => format!("no progress for a while. {check}"),
        What::Observed(_) => "observed".to_owned(),
        What::Ended(_) => return Ok(()),
    };
    Ok(writeln!(std::io::stderr().lock(), "{seconds:7.2}s  {text}")?)
}

/// What an act came to.
#[derive(Clone, Copy)]
pub(super) struct Ended<'a> {
    /// The verb.
    pub verb: Verb,
    /// The outcome.
    pub outcome: &'a Outcome,
    /// What was heard before.
    pub reports: &'a [Report],
    /// What the gates said.
    pub gates: &'a Gates,
}

/// How it ended.
pub(super) fn outcome(found: &Found, ended: &Ended<'_>, json: bool) -> Result<(), Failure> {
    let Ended { verb, outcome, reports, gates } = *ended;
    if !json {
        let text = format!("{} {}: {}: {}", verb, found.key, outcome.name(), outcome.text());
        return if matches!(outcome, Outcome::Observed(_) | Outcome::WouldDo(_)) { answer(&text) } else { talk(&text) };
    }
    let act = reports.iter().find_map(|report| if let What::Recorded(act) = &report.what { Some(act.clone()) } else { None });
    let accepted = reports.iter().any(|report| matches!(report.what, What::Accepted(_)));
    let marks: Vec<Value> = reports.iter().filter_map(mark).collect();
    let document = json!({
        "version": 1, "verb": verb.name(), "kind": found.key.kind.name(), "namespace": found.key.namespace, "name": found.key.name,
        "revision": found.release.revision, "stable_revision": found.release.stable_revision,
        "outcome": outcome.name(), "detail": outcome.text(), "changed": accepted, "act": act, "marks": marks,
        "gates": gated::document(gates), "overridden": gated::overridden(gates),
    });
    answer(&document.to_string())
}

fn mark(report: &Report) -> Option<Value> {
    let (what, step, text) = match &report.what {
        What::Recorded(_) => ("recorded", None, None),
        What::Unrecorded(why) => ("unrecorded", None, Some(why)),
        What::Sent(step) => ("sent", Some(step), None),
        What::Accepted(step) => ("accepted", Some(step), None),
        What::Unknown(step, why) => ("unknown", Some(step), Some(why)),
        What::Observed(step) => ("observed", Some(step), None),
        What::Stuck(step, check) => ("stuck", Some(step), Some(check)),
        What::Progress(..) | What::Ended(_) => return None,
    };
    Some(json!({"what": what, "step": step.map(|step| step + 1), "text": text, "at": report.at}))
}
