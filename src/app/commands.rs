//! What keys do: first what lies over the screen has them, then the screen. Ctrl-C leaves from anywhere.

use jiff::SignedDuration;

use super::effect::Effect;
use super::state::{Env, Overlay, Screen, State, Toast};
use super::table::Move;
use super::{focus, scroll};
use crate::domain::id::{EnvironmentId, Key, Kind};
use crate::input::keymap::LEAVES;
use crate::input::{Code, Command, KeyPress};

/// How long a word to the user stays.
const TOAST: SignedDuration = SignedDuration::from_secs(4);

/// A key was pressed.
pub(super) fn key(state: &mut State, env: &Env, key: KeyPress) -> Vec<Effect> {
    let key = key.canonical();
    if key == LEAVES {
        return vec![Effect::Quit];
    }
    if state.overlay == Some(Overlay::Filter) {
        return filter_key(state, env, key);
    }
    match state.keymap.command(key) {
        Some(command) => run(state, env, command),
        None => Vec::new(),
    }
}

/// A text was pasted: into the filter if one is being typed, nowhere else. It is never taken for commands.
pub(super) fn paste(state: &mut State, text: &str) -> Vec<Effect> {
    if state.overlay == Some(Overlay::Filter) {
        let line = text.lines().next().unwrap_or_default();
        let typed: String = line.chars().filter(|letter| !letter.is_control()).collect();
        let whole = format!("{}{typed}", state.table().filter());
        set_filter(state, &whole);
    }
    Vec::new()
}

/// Runs a command where the keys are now.
pub(super) fn run(state: &mut State, env: &Env, command: Command) -> Vec<Effect> {
    match command {
        Command::MoveUp => go(state, Move::By(-1)),
        Command::MoveDown => go(state, Move::By(1)),
        Command::MoveFirst => go(state, Move::First),
        Command::MoveLast => go(state, Move::Last),
        Command::MovePageUp => page(state, -1, 1),
        Command::MovePageDown => page(state, 1, 1),
        Command::MoveHalfUp => page(state, -1, 2),
        Command::MoveHalfDown => page(state, 1, 2),
        Command::MoveLeft => focus::sideways(state, -1),
        Command::MoveRight => focus::sideways(state, 1),
        Command::FocusNext => focus::turn(state, 1),
        Command::FocusPrevious => focus::turn(state, -1),
        Command::Zoom => focus::zoom(state),
        Command::RolloutOpen => return open(state),
        Command::Back => back(state),
        Command::Filter => begin_filter(state),
        Command::Sort => sort(state, false),
        Command::Reverse => sort(state, true),
        Command::Copy => return copy(state),
        Command::Bridge => base(state, Screen::Bridge),
        Command::Rollouts => base(state, Screen::Rollouts),
        Command::Environments => environments(state),
        Command::Log => log(state),
        Command::Help => toggle_help(state),
        Command::Theme => return theme(state, env),
        Command::Reconnect => return reconnect(state),
        Command::Redraw => return vec![Effect::Redraw],
        Command::Suspend => return vec![Effect::Suspend],
        Command::Quit => return vec![Effect::Quit],
    }
    Vec::new()
}

/// Goes to a screen.
pub(super) fn show(state: &mut State, screen: Screen) {
    state.overlay = None;
    state.zoomed = false;
    state.focus = focus::first(&screen);
    state.screen = screen;
}

/// Changes the environment. An opened release stays open where the other has one of the same name.
pub(super) fn switch(state: &mut State, to: EnvironmentId) {
    state.overlay = None;
    state.scroll = super::state::Scroll { help: state.scroll.help, log: state.scroll.log, ..Default::default() };
    state.shown = to;
    let missing = |screen: &Screen| matches!(screen, Screen::Detail(key) if state.environment().cluster.glance(key).is_none());
    if missing(&state.screen) {
        let next = state.behind.iter().rev().find(|screen| !missing(screen)).cloned();
        state.behind.clear();
        show(state, next.unwrap_or(Screen::Bridge));
    }
}

fn go(state: &mut State, to: Move) {
    match &state.overlay {
        Some(Overlay::Environments(selected)) => {
            let last = state.environments.len().saturating_sub(1);
            let place = match to {
                Move::By(rows) => usize::from(selected.0).saturating_add_signed(rows).min(last),
                Move::First => 0,
                Move::Last => last,
            };
            state.overlay = Some(Overlay::Environments(EnvironmentId(u16::try_from(place).unwrap_or_default())));
        }
        Some(Overlay::Help) => scroll::help(state, to),
        Some(Overlay::Filter) | None if focus::on_list(state) => {
            let (height, now) = (state.list_height(), state.now);
            state.environment_mut().table.go(to, height, now);
        }
        Some(Overlay::Filter) | None => scroll::pane(state, to),
    }
}

fn page(state: &mut State, direction: isize, part: usize) {
    let height = match &state.overlay {
        Some(Overlay::Help) => scroll::help_height(state),
        Some(Overlay::Environments(_)) => state.environments.len(),
        Some(Overlay::Filter) | None => scroll::height(state),
    };
    let rows = isize::try_from((height.saturating_sub(usize::from(part == 1)) / part).max(1)).unwrap_or(1);
    go(state, Move::By(direction * rows));
}

fn open(state: &mut State) -> Vec<Effect> {
    match state.overlay {
        Some(Overlay::Environments(chosen)) => switch(state, chosen),
        Some(Overlay::Help) => state.overlay = None,
        Some(Overlay::Filter) | None => {
            if let (Screen::Bridge | Screen::Rollouts, Some(key)) = (&state.screen, state.table().selected().cloned()) {
                state.scroll = super::state::Scroll { now: state.scroll.now, ..Default::default() };
                state.behind.push(state.screen.clone());
                show(state, Screen::Detail(key));
            }
        }
    }
    Vec::new()
}

fn back(state: &mut State) {
    if state.overlay.take().is_some() {
    } else if state.zoomed {
        state.zoomed = false;
    } else if matches!(state.screen, Screen::Bridge | Screen::Rollouts) && !state.table().filter().is_empty() {
        set_filter(state, "");
    } else if let Some(screen) = state.behind.pop() {
        show(state, screen);
    } else if state.screen == Screen::Rollouts {
        show(state, Screen::Bridge);
    }
}

fn base(state: &mut State, screen: Screen) {
    state.behind.clear();
    show(state, screen);
}

fn begin_filter(state: &mut State) {
    if !matches!(state.screen, Screen::Bridge | Screen::Rollouts) {
        base(state, Screen::Rollouts);
    }
    state.focus = super::panes::Pane::Rollouts;
    state.overlay = Some(Overlay::Filter);
}

fn filter_key(state: &mut State, env: &Env, key: KeyPress) -> Vec<Effect> {
    let filter = state.table().filter();
    if let Some(letter) = key.text() {
        set_filter(state, &format!("{filter}{letter}"));
        return Vec::new();
    }
    match key {
        KeyPress { code: Code::Enter | Code::Tab, .. } => state.overlay = None,
        KeyPress { code: Code::Esc, .. } => {
            state.overlay = None;
            set_filter(state, "");
        }
        KeyPress { code: Code::Backspace, ctrl: false, alt: false, .. } => {
            let mut letters = filter.chars();
            if letters.next_back().is_some() {
                let shorter = letters.as_str().to_owned();
                set_filter(state, &shorter);
            } else {
                state.overlay = None;
            }
        }
        KeyPress { code: Code::Char('w'), ctrl: true, .. } | KeyPress { code: Code::Backspace, .. } => {
            let kept = filter.trim_end().rfind(' ').and_then(|place| filter.get(..=place)).unwrap_or_default().to_owned();
            set_filter(state, &kept);
        }
        KeyPress { code: Code::Char('u'), ctrl: true, .. } => set_filter(state, ""),
        // Keys that type nothing may still move the cursor.
        key => {
            let command = state.keymap.command(key).filter(|command| {
                use Command::{MoveDown, MovePageDown, MovePageUp, MoveUp, Redraw};
                matches!(command, MoveUp | MoveDown | MovePageUp | MovePageDown | Redraw)
            });
            return command.map(|command| run(state, env, command)).unwrap_or_default();
        }
    }
    Vec::new()
}

fn set_filter(state: &mut State, text: &str) {
    let environment = state.environment_mut();
    environment.table.set_filter(&environment.cluster, text);
}

fn sort(state: &mut State, reverse: bool) {
    if !matches!(state.screen, Screen::Bridge | Screen::Rollouts) || state.overlay.is_some() {
        return;
    }
    let environment = state.environment_mut();
    let (sort, reversed) = environment.table.sort();
    let (sort, reversed) = if reverse { (sort, !reversed) } else { (sort.next(), false) };
    environment.table.set_sort(&environment.cluster, sort, reversed);
}

fn copy(state: &mut State) -> Vec<Effect> {
    let Some(key) = state.subject().cloned() else { return Vec::new() };
    let name = key.to_string();
    let said = format!("copied {name} · once more for the kubectl command");
    let again = state.toast.as_ref().is_some_and(|toast| toast.text == said);
    let (copied, said) = if again {
        let command = kubectl(state, &key);
        let said = format!("copied {command}");
        (command, said)
    } else {
        (name, said)
    };
    say(state, said);
    vec![Effect::Copy(copied)]
}

/// The kubectl command that shows what is on the screen.
fn kubectl(state: &State, key: &Key) -> String {
    let context = state.environment().settings.context.as_ref();
    let context = context.map(|context| format!(" --context {context}")).unwrap_or_default();
    let verb = match key.kind {
        Kind::Rollout => "argo rollouts get rollout",
        _ => "describe canary",
    };
    format!("kubectl {verb} {} -n {}{context}", key.name, key.namespace)
}

fn environments(state: &mut State) {
    match state.overlay {
        Some(Overlay::Environments(EnvironmentId(place))) => {
            let next = (usize::from(place) + 1) % state.environments.len().max(1);
            state.overlay = Some(Overlay::Environments(EnvironmentId(u16::try_from(next).unwrap_or_default())));
        }
        _ => state.overlay = Some(Overlay::Environments(state.shown)),
    }
}

fn log(state: &mut State) {
    if state.screen == Screen::Log {
        return back(state);
    }
    state.behind.push(state.screen.clone());
    state.scroll.log = 0;
    show(state, Screen::Log);
}

fn toggle_help(state: &mut State) {
    state.overlay = if state.overlay == Some(Overlay::Help) { None } else { Some(Overlay::Help) };
    state.scroll.help = 0;
}

fn theme(state: &mut State, env: &Env) -> Vec<Effect> {
    let place = env.themes.iter().position(|theme| *theme == state.theme);
    let next = place.map_or(0, |place| place + 1) % env.themes.len().max(1);
    let Some(theme) = env.themes.get(next) else { return Vec::new() };
    state.theme.clone_from(theme);
    say(state, format!("theme {theme}"));
    vec![Effect::Theme(theme.clone())]
}

fn reconnect(state: &mut State) -> Vec<Effect> {
    let environment = if let Some(Overlay::Environments(chosen)) = state.overlay { chosen } else { state.shown };
    let name = state.environments.get(usize::from(environment.0)).map_or("", |environment| &environment.settings.name);
    let text = format!("connecting to {name} anew");
    say(state, text);
    vec![Effect::Reconnect(environment)]
}

fn say(state: &mut State, text: String) {
    let until = state.now.checked_add(TOAST).unwrap_or(state.now);
    state.toast = Some(Toast { text, until });
}
