//! The only way in which state changes.

use super::effect::Effect;
use super::msg::Msg;
use super::state::{Env, State};
use super::{board, chart, commands, contents, course, dialog, focus, guard, ledger, links, look, metrics, mouse};
use crate::domain::action::{Report, What};
use crate::domain::fact::Fact;
use crate::domain::id::EnvironmentId;
use jiff::Timestamp;
use ratatui::layout::Size;

/// The only way state changes. No I/O, no clock, no randomness.
pub fn update(state: &mut State, env: &Env, msg: Msg) -> Vec<Effect> {
    let mut effects = match msg {
        Msg::Key(key) => commands::key(state, env, key),
        Msg::Paste(text) => commands::paste(state, env, &text),
        Msg::Mouse(mouse) => mouse::mouse(state, env, mouse),
        Msg::Resize { columns, rows } => resize(state, columns, rows),
        Msg::Facts(facts) => hear(state, env, facts),
        Msg::Tick(now) => tick(state, env, now),
        Msg::Acted(report) => acted(state, env, &report),
        Msg::Guard { number, told } => guard::hear(state, env, number, told),
        Msg::GuardCancelled(done) => guard::cancelled(state, done),
        Msg::Trusted(done) => trusted(state, done),
        Msg::Recorded => vec![Effect::ReadLedger],
        Msg::Reviewed { number, reviewed } => dialog::reviewed(state, number, *reviewed),
        Msg::Log(lines) => {
            state.log = lines;
            Vec::new()
        }
        Msg::Ledger(view) => {
            state.ledger.take(*view);
            Vec::new()
        }
        Msg::Settled { ticket, done } => settled(state, &ticket, done),
        Msg::Charted { number, measured } => {
            state.chart.answer(number, *measured, state.now);
            Vec::new()
        }
        Msg::Opened { page, done } => links::opened(state, page, done),
        Msg::Inspected { number, contents } => {
            contents::answer(state, number, *contents);
            Vec::new()
        }
    };
    board::follow(state);
    focus::keep(state);
    reveal(state);
    effects.extend(guard::follow(state));
    effects.extend(look::look(state));
    effects.extend(metrics::follow(state));
    effects.extend(ledger::follow(state));
    effects.extend(contents::follow(state));
    effects.extend(chart::follow(state));
    effects
}

fn resize(state: &mut State, columns: u16, rows: u16) -> Vec<Effect> {
    state.size = Size::new(columns, rows);
    Vec::new()
}

fn tick(state: &mut State, env: &Env, now: Timestamp) -> Vec<Effect> {
    state.now = now;
    state.toast.take_if(|toast| now >= toast.until);
    let mut rings = false;
    for environment in &mut state.environments {
        environment.table.tick(&environment.cluster, now);
        environment.tick(now);
        rings |= environment.watch(now);
        rings |= environment.tell_breaches(now);
    }
    dialog::follow(state);
    if rings && env.bell { vec![Effect::Bell] } else { Vec::new() }
}

fn hear(state: &mut State, env: &Env, facts: Vec<Fact>) -> Vec<Effect> {
    let mut heard: Vec<EnvironmentId> = Vec::new();
    let mut rings = false;
    for fact in facts {
        let id = fact.environment;
        let Some(environment) = state.environments.get_mut(usize::from(id.0)) else { continue };
        rings |= environment.apply(fact, state.now) && id == state.shown;
        if !heard.contains(&id) {
            heard.push(id);
        }
    }
    for id in heard {
        if let Some(environment) = state.environments.get_mut(usize::from(id.0)) {
            environment.settle(state.now);
            rings |= environment.watch(state.now);
            rings |= environment.tell_breaches(state.now);
        }
    }
    dialog::follow(state);
    if rings && env.bell { vec![Effect::Bell] } else { Vec::new() }
}

/// Something was heard of an act. What is on the ledger changed with its beginning and its end.
fn acted(state: &mut State, env: &Env, report: &Report) -> Vec<Effect> {
    let rings = course::hear(state, report) && env.bell;
    let recorded = matches!(report.what, What::Recorded(_) | What::Ended(_));
    rings.then_some(Effect::Bell).into_iter().chain(recorded.then_some(Effect::ReadLedger)).collect()
}

/// A cluster is trusted, or cannot be: a dialog that was refused for it asks again.
fn trusted(state: &mut State, done: Result<String, String>) -> Vec<Effect> {
    let said = match done {
        Ok(identity) => format!("trusted from now on: {identity}"),
        Err(why) => format!("it cannot be told which cluster this is: {why}"),
    };
    commands::say(state, said);
    Vec::new()
}

/// What became of a ticket is said, and the ledger is read again.
fn settled(state: &mut State, ticket: &str, done: Result<(), String>) -> Vec<Effect> {
    let said = match done {
        Ok(()) => format!("{ticket} is on the ledger"),
        Err(why) => format!("{ticket} is not on the ledger: {why}"),
    };
    commands::say(state, said);
    state.ledger.read_again();
    Vec::new()
}

/// Keeps the cursors in their windows, whatever changed.
fn reveal(state: &mut State) {
    let (list, acts, measured) = (state.list_height(), state.ledger_height(), state.board_height());
    state.environment_mut().table.reveal(list);
    state.ledger.reveal(acts);
    state.board.reveal(measured);
}
