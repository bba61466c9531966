//! What the gates do to a dialog: their arithmetic, what they keep from being confirmed, and the override. An override belongs to the dialog
//! in which it was opened and to the gates that were read there; it is gone with the dialog, and no other act has it.

use std::sync::Arc;

use super::super::page::{Row, Sign, Tone};
use super::super::state::State;
use super::{Dialog, Stop};
use crate::domain::action::gates::arithmetic;
use crate::domain::action::{Gates, Plan, Verb};
use crate::domain::go::frozen;
use crate::domain::onward::onward;
use crate::domain::signal::{Judgement, Verdict};
use crate::input::Command;

/// Rows that one gate takes at most.
const MOST: usize = 2;

/// Somebody means to go on in spite of the gates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Override {
    /// The gates that blocked when it was opened, or last looked at, with their verdicts: no others are overridden.
    read: Vec<(Arc<str>, Verdict)>,
}

impl Override {
    /// Of the gates that block now.
    pub(super) fn of(gates: &Gates) -> Self {
        Self { read: gates.blocking().map(|judgement| (judgement.name.clone(), judgement.verdict)).collect() }
    }

    fn has_read(&self, judgement: &Judgement) -> bool {
        self.read.iter().any(|(name, verdict)| *name == judgement.name && *verdict == judgement.verdict)
    }
}

/// What the gates say now about the release of a dialog.
pub(super) fn gates(state: &State, dialog: &Dialog) -> Gates {
    let environment = state.environment_named(dialog.environment);
    environment.map(|environment| environment.gates(dialog.key())).unwrap_or_default()
}

/// What an act of this dialog carries: overridden only where there is something in the way.
pub(super) fn evidence(gates: Gates, dialog: &Dialog) -> Gates {
    let overridden = dialog.overrides.is_some() && gates.block();
    Gates { overridden, ..gates }
}

/// What of the gates has changed since an override was opened.
pub(super) fn moved(state: &State, dialog: &Dialog) -> Option<String> {
    let read = dialog.overrides.as_ref()?;
    let gates = gates(state, dialog);
    let other = gates.blocking().find(|judgement| !read.has_read(judgement))?;
    Some(format!("this blocks it since: {}", arithmetic(other)))
}

/// What the gates keep from being confirmed.
pub(super) fn stop(state: &State, dialog: &Dialog, plan: &Plan) -> Option<Stop> {
    if !plan.is_gated() {
        return None;
    }
    let gates = gates(state, dialog);
    if dialog.overrides.is_some() && plan.verb != Verb::PromoteFull || !gates.block() {
        return None;
    }
    let names = gates.names();
    let blocks = if gates.blocking().count() == 1 { "blocks" } else { "block" };
    let key = state.keymap.label(Command::Override).map_or_else(|| "override in the palette".to_owned(), ToString::to_string);
    Some(Stop::Gated(if plan.verb == Verb::PromoteFull {
        format!("{names} {blocks} it; step by step, Esc and {key} override with a reason")
    } else {
        format!("{names} {blocks} it: Esc, then {key} overrides with a reason")
    }))
}

/// The effect as the button says it: `override errors: promote 25→50 %`.
pub(super) fn effect(gates: &Gates, dialog: &Dialog, plan: &Plan) -> String {
    if dialog.overrides.is_some() && gates.block() {
        return format!("override {}: {}", gates.names(), plan.effect);
    }
    plan.effect.to_string()
}

/// The gates, the freeze, and what happens by itself. Nothing in a dialog that goes back.
pub(super) fn rows(state: &State, dialog: &Dialog, room: u16) -> Vec<Row> {
    let Some(environment) = state.environment_named(dialog.environment) else { return Vec::new() };
    let mut rows = Vec::new();
    if dialog.verb.is_back() {
        return rows;
    }
    if dialog.plan().is_some_and(Plan::is_gated) {
        rows.extend(of_gates(&gates(state, dialog), dialog, room));
        rows.extend(ahead(state, dialog, room));
    }
    for (place, (name, until)) in environment.frozen(state.now).enumerate() {
        let words = format!("{}: nothing is to be started now", frozen(name, until, state.now));
        let label = if place == 0 { "freeze" } else { "" };
        rows.extend(Row::words(label, words).signed(Sign::Warning).weighing(2).wrapped(room, MOST));
    }
    rows
}

fn of_gates(gates: &Gates, dialog: &Dialog, room: u16) -> Vec<Row> {
    if let Some(absence) = gates.absence() {
        return Row::words("gates", absence).meant(Tone::Dim).weighing(5).wrapped(room, MOST);
    }
    let mut rows = Vec::new();
    for judgement in gates.blocking() {
        let label = if rows.is_empty() { "gates" } else { "" };
        let weight = u8::from(!rows.is_empty());
        let row = Row::words(label, arithmetic(judgement)).signed(sign(judgement.verdict)).meant(Tone::Strong);
        rows.extend(row.weighing(weight).wrapped(room, MOST));
    }
    let blocked = !rows.is_empty();
    for judgement in gates.judgements.iter().filter(|judgement| judgement.gate && judgement.verdict.lets_through()) {
        let label = if rows.is_empty() { "gates" } else { "" };
        let row = Row::words(label, arithmetic(judgement)).signed(sign(judgement.verdict));
        let row = if judgement.verdict == Verdict::Pass { row.meant(Tone::Dim) } else { row };
        rows.extend(row.weighing(if blocked { 6 } else { 5 }).wrapped(room, MOST));
    }
    if dialog.overrides.is_some() {
        let words = if blocked {
            "overridden for this one promotion of this step and revision; it is recorded with these values"
        } else {
            "nothing blocks it: this is a plain promotion"
        };
        let sign = if blocked { Sign::Warning } else { Sign::Good };
        rows.extend(Row::words("", words).signed(sign).weighing(2).wrapped(room, MOST));
    }
    rows
}

/// What the controller does whatever the gates say, and the key against it.
fn ahead(state: &State, dialog: &Dialog, room: u16) -> Vec<Row> {
    let Some(environment) = state.environment_named(dialog.environment) else { return Vec::new() };
    let cluster = environment.cluster_time(state.now);
    let found = environment.found(dialog.key(), state.now);
    let Some(words) = found.and_then(|found| onward(&found.release, cluster)) else { return Vec::new() };
    let hold = state.keymap.label(Command::Hold).map_or_else(String::new, |key| format!(" · {key} holds it"));
    Row::words("ahead", format!("{words}{hold}")).signed(Sign::Waiting).weighing(3).wrapped(room, MOST)
}

/// The mark of a verdict.
fn sign(verdict: Verdict) -> Sign {
    match verdict {
        Verdict::Pass => Sign::Good,
        Verdict::Warn => Sign::Warning,
        Verdict::Breach => Sign::Bad,
        Verdict::TooEarly | Verdict::LowTraffic | Verdict::NoData => Sign::Unknown,
    }
}
