//! The gates of a step forward on the command line: asked before anything is sent, said with their arithmetic, and overridden only by a flag
//! of its own. A step back comes by here and is asked nothing.

use serde_json::{Value, json};

use super::{Found, Wanted, say};
use crate::cli::Failure;
use crate::cli::gates;
use crate::config::Settings;
use crate::domain::action::gates::arithmetic;
use crate::domain::action::{Act, Gates, Verb};
use crate::domain::go::frozen;
use crate::domain::signal::{Judgement, Verdict};
use crate::wire;

/// What the gates say to an act, with the flag taken into account; nothing is asked where they have no say.
pub(super) fn ask(wanted: &Wanted<'_>, settings: &Settings, act: &Act, found: &Found) -> Result<Gates, Failure> {
    if wanted.verb.is_back() {
        return Ok(Gates::default());
    }
    let environment = settings.environments.get(usize::from(act.environment.0));
    let now = wire::now();
    for (name, until) in environment.map(|environment| settings.frozen(&environment.name, now)).unwrap_or_default() {
        say::talk(&format!("freeze: {}: nothing is to be started now.", frozen(name, until, now)))?;
    }
    if !act.plan.is_gated() {
        return Ok(Gates::default());
    }
    let gates = gates::ask(settings, act.environment, &found.key)?;
    if let Some(absence) = gates.absence() {
        say::talk(&format!("gates: {absence}."))?;
    }
    for judgement in gates.judgements.iter().filter(|judgement| judgement.gate) {
        say::talk(&format!("gates: {} {}", mark(judgement.verdict), arithmetic(judgement)))?;
    }
    if wanted.override_gates && !gates.block() {
        say::talk("nothing blocks it: --override-gates was not needed.")?;
    }
    Ok(Gates { overridden: wanted.override_gates && gates.block(), ..gates })
}

/// Why an act is not sent, with the mend; None if the gates let it through.
pub(super) fn refusal(act: &Act) -> Option<String> {
    let why = act.gates.refuse(&act.plan, false)?;
    let mend = match act.plan.verb {
        Verb::Promote => "--override-gates goes on all the same, for this step only",
        Verb::PromoteFull => "Step by step, promote --override-gates goes on all the same",
        _ => "Wait until they pass, or go back",
    };
    Some(format!("The gates block it: {why}. Nothing was sent. {mend}."))
}

/// The gates of an act as a document has them.
pub(super) fn document(gates: &Gates) -> Value {
    gates.judgements.iter().filter(|judgement| judgement.gate).map(line).collect()
}

/// The names of those that were overridden.
pub(super) fn overridden(gates: &Gates) -> Vec<&str> {
    gates.blocking().filter(|_| gates.overridden).map(|judgement| &*judgement.name).collect()
}

fn line(judgement: &Judgement) -> Value {
    json!({
        "name": &*judgement.name, "verdict": judgement.verdict.name(), "value": judgement.value, "limit": judgement.limit.threshold,
        "comparator": judgement.limit.comparator.sign(), "unit": judgement.unit.name(), "breached_seconds": judgement.breached,
        "words": arithmetic(judgement),
    })
}

fn mark(verdict: Verdict) -> char {
    match verdict {
        Verdict::Pass => '✔',
        Verdict::Warn => '▲',
        Verdict::Breach => '✖',
        Verdict::TooEarly | Verdict::LowTraffic | Verdict::NoData => '?',
    }
}
