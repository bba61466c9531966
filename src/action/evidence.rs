//! What the gates said, as it stands on the ledger beside the act that was decided on it.

use serde_json::Number;

use crate::domain::action::gates::arithmetic;
use crate::domain::action::{Act, Gates};
use crate::domain::signal::Judgement;
use crate::ledger::{Gate, Text};

/// The gates of an act in which they had a say or which goes back from what they said, and the names of those that were overridden.
pub(super) fn of(act: &Act) -> (Vec<Gate>, Vec<Text>) {
    let (gated, back) = (act.plan.is_gated(), act.plan.verb.is_back());
    if !gated && !back {
        return (Vec::new(), Vec::new());
    }
    let overridden =
        act.gates.blocking().filter(|_| gated && act.gates.overridden).map(|judgement| Text::from(&*judgement.name)).collect();
    (lines(&act.gates), overridden)
}

fn lines(gates: &Gates) -> Vec<Gate> {
    gates.judgements.iter().filter(|judgement| judgement.gate).map(line).collect()
}

fn line(judgement: &Judgement) -> Gate {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a number of requests")]
    let requests = judgement.requests.filter(|count| count.is_finite() && *count >= 0.0).map(|count| count.round() as u64);
    Gate {
        name: (&*judgement.name).into(),
        verdict: judgement.verdict.name().into(),
        value: judgement.value.and_then(Number::from_f64),
        limit: Number::from_f64(judgement.limit.threshold),
        comparator: judgement.limit.comparator.sign().into(),
        unit: judgement.unit.name().into(),
        breached_seconds: judgement.breached,
        requests,
        words: arithmetic(judgement).into(),
    }
}
