//! The command palette: a few letters find a command, a release, or both at once. It only chooses; what it runs is what the key would
//! have run, on a release that is on the screen by then.

mod search;
#[cfg(test)]
mod tests;

use super::commands::{self, run, say};
use super::edit::Edit;
use super::effect::Effect;
use super::state::{Env, Overlay, State};
use super::table::Move;
use crate::domain::action::Verb;
use crate::domain::id::{EnvironmentId, Key};
use crate::input::{Code, Command, Group, KeyPress};

/// Choices that are kept at most: nobody scrolls further, one types on.
const MOST: usize = 100;
/// What a ticket is settled with.
const TICKET: &str = "ticket";

/// The open palette.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    typed: Edit,
    choices: Vec<Choice>,
    selected: usize,
    more: bool,
}

/// Something that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What happens then.
    pub what: What,
    /// The same in words: `roll back gateway`.
    pub title: String,
    /// Letters (graphemes) of the title, counted from 0, that were typed.
    pub typed: Vec<u32>,
}

/// What happens when something is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A command; on this release, if it is about one.
    Run(Command, Option<Key>),
    /// The detail of a release.
    Open(Key),
    /// Another environment.
    Environment(EnvironmentId),
    /// A theme.
    Theme(String),
    /// A ticket for an act that owes one.
    Settle {
        /// Id of the act.
        act: Box<str>,
        /// The ticket.
        ticket: String,
    },
}

impl Palette {
    /// What is typed.
    pub fn text(&self) -> &str {
        self.typed.text()
    }

    /// Where the cursor is in it, in bytes.
    pub fn cursor(&self) -> usize {
        self.typed.cursor()
    }

    /// The choices, the best first.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// Place of the selected choice.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Whether there are more choices than are kept.
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// Place of the first choice in a window of so many rows.
    pub fn top(&self, height: usize) -> usize {
        (self.selected + 1).saturating_sub(height)
    }
}

/// Opens the palette with a text typed into it.
pub(super) fn open(state: &mut State, env: &Env, text: &str) {
    set(state, env, Edit::line(text));
}

/// A key while the palette is open.
pub(super) fn key(state: &mut State, env: &Env, key: KeyPress) -> Vec<Effect> {
    let Some(mut typed) = palette(state).map(|palette| palette.typed.clone()) else { return Vec::new() };
    match key {
        KeyPress { code: Code::Esc, .. } => state.overlay = None,
        KeyPress { code: Code::Backspace, .. } if typed.text().is_empty() => state.overlay = None,
        KeyPress { code: Code::Enter, .. } => return enter(state, env),
        KeyPress { code: Code::Tab, shift: false, .. } => complete(state, env),
        KeyPress { code: Code::Up, .. } | KeyPress { code: Code::Char('p'), ctrl: true, .. } => go(state, Move::By(-1)),
        KeyPress { code: Code::Down, .. } | KeyPress { code: Code::Char('n'), ctrl: true, .. } => go(state, Move::By(1)),
        key if typed.key(key) => set(state, env, typed),
        key => {
            let pages = |command: &Command| matches!(command, Command::MovePageUp | Command::MovePageDown | Command::Redraw);
            let command = state.keymap.command(key).filter(pages);
            return command.map(|command| run(state, env, command)).unwrap_or_default();
        }
    }
    Vec::new()
}

/// A text was pasted into it.
pub(super) fn paste(state: &mut State, env: &Env, text: &str) {
    if let Some(mut typed) = palette(state).map(|palette| palette.typed.clone()) {
        typed.paste(text.lines().next().unwrap_or_default());
        set(state, env, typed);
    }
}

/// Moves the cursor.
pub(super) fn go(state: &mut State, to: Move) {
    let Some(Overlay::Palette(palette)) = &mut state.overlay else { return };
    let last = palette.choices.len().saturating_sub(1);
    palette.selected = match to {
        Move::By(rows) => palette.selected.saturating_add_signed(rows).min(last),
        Move::First => 0,
        Move::Last => last,
    };
}

/// A press on a visible row runs it.
pub(super) fn press(state: &mut State, env: &Env, line: usize, height: usize) -> Vec<Effect> {
    let Some(Overlay::Palette(palette)) = &mut state.overlay else { return Vec::new() };
    let place = palette.top(height).saturating_add(line);
    if place >= palette.choices.len() {
        return Vec::new();
    }
    palette.selected = place;
    enter(state, env)
}

fn palette(state: &State) -> Option<&Palette> {
    if let Some(Overlay::Palette(palette)) = &state.overlay { Some(palette) } else { None }
}

/// Takes what is typed now; looks again if it is another text.
fn set(state: &mut State, env: &Env, typed: Edit) {
    if let Some(Overlay::Palette(palette)) = &mut state.overlay
        && palette.text() == typed.text()
    {
        palette.typed = typed;
        return;
    }
    let (choices, more) = search::search(state, env, typed.text());
    state.overlay = Some(Overlay::Palette(Palette { typed, choices, selected: 0, more }));
}

/// Types the rest of the selected choice.
fn complete(state: &mut State, env: &Env) {
    let choice = palette(state).and_then(|palette| palette.choices.get(palette.selected));
    if let Some(title) = choice.map(|choice| choice.title.clone()) {
        set(state, env, Edit::line(&format!("{title} ")));
    }
}

/// Does what is selected. What is refused says why, and the palette stays as it is.
fn enter(state: &mut State, env: &Env) -> Vec<Effect> {
    let choice = palette(state).and_then(|palette| palette.choices.get(palette.selected)).cloned();
    let Some(choice) = choice else { return Vec::new() };
    if choice.what == What::Run(Command::Ticket, None) && state.ledger.view().owed_tickets().next().is_some() {
        set(state, env, Edit::line(&format!("{TICKET} ")));
        return Vec::new();
    }
    if let Some(reason) = refusal(state, &choice.what) {
        say(state, format!("{}: {reason}", choice.title));
        return Vec::new();
    }
    state.overlay = None;
    match choice.what {
        What::Run(command, None) => return run(state, env, command),
        What::Run(command, Some(key)) => {
            if commands::aim(state, &key) {
                return run(state, env, command);
            }
        }
        What::Open(key) => commands::detail(state, key),
        What::Environment(environment) => commands::switch(state, environment),
        What::Theme(theme) => return commands::take_theme(state, theme),
        What::Settle { act, ticket } => return vec![Effect::SettleTicket { act: act.into(), ticket }],
    }
    Vec::new()
}

/// Why something cannot be done now, in one clause; None if it can. Asked for what is visible, and before anything is done.
pub fn refusal(state: &State, what: &What) -> Option<String> {
    match what {
        What::Run(Command::Ticket, _) if state.ledger.view().owed_tickets().next().is_none() => {
            Some("no ticket is owed".to_owned())
        }
        What::Run(Command::Ticket, _) => Some("type the ticket after it: ticket INC-123".to_owned()),
        What::Run(command, None) if command.takes_release() => Some("no rollout is selected".to_owned()),
        What::Run(Command::Override, Some(key)) => {
            let found = |key| state.environment().found(key, state.now);
            state.forbidden(state.shown).or_else(|| found(key).map_or_else(|| gone(state, key), |found| found.overridable().err()))
        }
        What::Run(command, Some(key)) => match command.verb() {
            Some(verb) => forbidden(state, verb, key),
            None => gone(state, key),
        },
        What::Open(key) => gone(state, key),
        What::Run(_, None) | What::Environment(_) | What::Theme(_) | What::Settle { .. } => None,
    }
}

fn gone(state: &State, key: &Key) -> Option<String> {
    state.environment().cluster.glance(key).is_none().then(|| "it is gone from the cluster".to_owned())
}

/// Why a verb cannot be done to a release.
pub fn forbidden(state: &State, verb: Verb, key: &Key) -> Option<String> {
    if let Some(why) = state.forbidden(state.shown) {
        return Some(why);
    }
    let Some(found) = state.environment().found(key, state.now) else { return gone(state, key) };
    found.may(verb).err()
}

/// The commands that the palette offers: what only moves is easier done with its key.
fn is_offered(command: Command) -> bool {
    let moves = command.entry().group == Group::Moving && command != Command::Zoom;
    !moves && !matches!(command, Command::Palette)
}
