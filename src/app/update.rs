//! The only way in which state changes.

use super::effect::Effect;
use super::msg::Msg;
use super::state::{Env, State};
use super::{commands, look, mouse};
use crate::domain::fact::Fact;
use crate::domain::id::EnvironmentId;
use jiff::Timestamp;
use ratatui::layout::Size;

/// The only way state changes. No I/O, no clock, no randomness.
pub fn update(state: &mut State, env: &Env, msg: Msg) -> Vec<Effect> {
    let mut effects = match msg {
        Msg::Key(key) => commands::key(state, env, key),
        Msg::Paste(text) => commands::paste(state, &text),
        Msg::Mouse(mouse) => mouse::mouse(state, env, mouse),
        Msg::Resize { columns, rows } => resize(state, columns, rows),
        Msg::Facts(facts) => hear(state, env, facts),
        Msg::Tick(now) => tick(state, now),
        Msg::Log(lines) => {
            state.log = lines;
            Vec::new()
        }
    };
    reveal(state);
    effects.extend(look::look(state));
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

/// Keeps the cursor in the window, whatever changed.
fn reveal(state: &mut State) {
    let height = state.list_height();
    state.environment_mut().table.reveal(height);
}
