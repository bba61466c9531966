//! The only way in which state changes.

use super::effect::Effect;
use super::msg::Msg;
use super::state::{Env, State};
use super::{commands, contents, ledger, look, mouse};
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
        Msg::Tick(now) => tick(state, now),
        Msg::Log(lines) => {
            state.log = lines;
            Vec::new()
        }
        Msg::Ledger(view) => {
            state.ledger.take(*view);
            Vec::new()
        }
        Msg::Settled { ticket, done } => settled(state, &ticket, done),
        Msg::Inspected { number, contents } => {
            contents::answer(state, number, *contents);
            Vec::new()
        }
    };
    reveal(state);
    effects.extend(look::look(state));
    effects.extend(ledger::follow(state));
    effects.extend(contents::follow(state));
    effects
}

fn resize(state: &mut State, columns: u16, rows: u16) -> Vec<Effect> {
    state.size = Size::new(columns, rows);
    Vec::new()
}

fn tick(state: &mut State, now: Timestamp) -> Vec<Effect> {
    state.now = now;
    state.toast.take_if(|toast| now >= toast.until);
    for environment in &mut state.environments {
        environment.table.tick(&environment.cluster, now);
    }
    Vec::new()
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
        }
    }
    if rings && env.bell { vec![Effect::Bell] } else { Vec::new() }
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
    let (list, acts) = (state.list_height(), state.ledger_height());
    state.environment_mut().table.reveal(list);
    state.ledger.reveal(acts);
}
