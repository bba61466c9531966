//! What the mouse does: it selects, opens, scrolls, focuses and presses hints. It never does more than the keys can.

use ratatui::layout::{Position, Rect};

use super::commands::{self, run};
use super::effect::Effect;
use super::hints::Press;
use super::msg::{Mouse, MouseKind};
use super::palette;
use super::panes::{self, Layout, Pane};
use super::state::{Env, Overlay, Screen, State};
use super::{chart, dialog, guard};
use crate::domain::id::EnvironmentId;
use crate::input::{Code, Command, KeyPress};

/// Rows that one notch of the wheel goes.
const NOTCH: usize = 3;

/// The mouse did something.
pub(super) fn mouse(state: &mut State, env: &Env, mouse: Mouse) -> Vec<Effect> {
    let Some(layout) = state.layout() else { return Vec::new() };
    let at = Position::new(mouse.column, mouse.row);
    if let Some(Overlay::Dialog(_)) = state.overlay {
        let hint = layout.hints.iter().find(|hint| mouse.what == MouseKind::Press && hint.area.contains(at));
        return match hint.map(|hint| hint.press) {
            Some(Press::Key(key)) => dialog::keys::key(state, key),
            Some(Press::Command(_)) | None => dialog::keys::mouse(state, mouse.what, at),
        };
    }
    if let Some(Overlay::Guard(_)) = state.overlay {
        let hint = layout.hints.iter().find(|hint| mouse.what == MouseKind::Press && hint.area.contains(at));
        return match hint.map(|hint| hint.press) {
            Some(Press::Key(key)) => guard::key(state, key),
            Some(Press::Command(_)) | None => guard::mouse(state, mouse.what, at),
        };
    }
    match mouse.what {
        MouseKind::Press => press(state, env, &layout, at),
        MouseKind::ScrollUp => scroll(state, env, &layout, at, Command::MoveUp),
        MouseKind::ScrollDown => scroll(state, env, &layout, at, Command::MoveDown),
    }
}

fn press(state: &mut State, env: &Env, layout: &Layout, at: Position) -> Vec<Effect> {
    let hints = layout.tabs.iter().chain(&layout.hints);
    if let Some(hint) = hints.into_iter().find(|hint| hint.area.contains(at)) {
        return match hint.press {
            Press::Command(command) => press_hint(state, env, command),
            Press::Key(_) => Vec::new(),
        };
    }
    if let (Some(window), Some(_)) = (layout.overlay, &state.overlay) {
        return press_overlay(state, env, window, at);
    }
    if let Some(rows) = layout.rows.filter(|rows| rows.contains(at)) {
        return press_row(state, env, usize::from(at.y - rows.y));
    }
    focus_at(state, layout, at);
    // In the chart, values are read where it is pressed.
    if let Some(column) = layout.pane(Pane::Chart).and_then(|area| panes::plot_column(area, at)) {
        chart::read_at(state, column);
    }
    Vec::new()
}

/// While a filter is typed, the footer's Enter and Esc mean the filter's.
fn press_hint(state: &mut State, env: &Env, command: Command) -> Vec<Effect> {
    match (&state.overlay, command) {
        (Some(Overlay::Filter), Command::RolloutOpen) => state.overlay = None,
        (Some(Overlay::Palette(_)), Command::RolloutOpen) => {
            return commands::key(state, env, KeyPress::plain(Code::Enter));
        }
        (Some(Overlay::Filter), Command::Back) => {
            state.overlay = None;
            return run(state, env, Command::Back);
        }
        _ => return run(state, env, command),
    }
    Vec::new()
}

/// A press on a row selects it; one on the selected row opens it.
fn press_row(state: &mut State, env: &Env, line: usize) -> Vec<Effect> {
    match state.screen {
        Screen::Ledger => return press_act(state, env, line),
        Screen::Signals => return press_measured(state, env, line),
        _ => {}
    }
    let (before, now) = (state.table().selected().cloned(), state.now);
    let focused = state.focus == Pane::Rollouts;
    state.focus = Pane::Rollouts;
    if !state.environment_mut().table.go_to_line(line, now) {
        return Vec::new();
    }
    let again = focused && state.overlay.is_none() && before.as_ref() == state.table().selected();
    if again { run(state, env, Command::RolloutOpen) } else { Vec::new() }
}

/// The same in the ledger.
fn press_act(state: &mut State, env: &Env, line: usize) -> Vec<Effect> {
    let id = |state: &State| state.ledger.selected().map(|act| act.act.clone());
    let (before, focused) = (id(state), state.focus == Pane::Ledger);
    state.focus = Pane::Ledger;
    let again = state.ledger.go_to_line(line) && focused && state.overlay.is_none() && before == id(state);
    if again { run(state, env, Command::RolloutOpen) } else { Vec::new() }
}

/// The same among what is measured.
fn press_measured(state: &mut State, env: &Env, line: usize) -> Vec<Effect> {
    let (before, focused) = (state.board.selected().cloned(), state.focus == Pane::Matrix);
    state.focus = Pane::Matrix;
    let again = state.board.go_to_line(line) && focused && state.overlay.is_none() && before.as_ref() == state.board.selected();
    if again { run(state, env, Command::RolloutOpen) } else { Vec::new() }
}

/// A press beside the window closes it; one on an environment goes there, and one on a choice of the palette runs it.
fn press_overlay(state: &mut State, env: &Env, window: Rect, at: Position) -> Vec<Effect> {
    if !window.contains(at) {
        state.overlay = None;
    } else if let Some(Overlay::Palette(_)) = state.overlay {
        let rows = panes::palette_rows(window);
        if rows.contains(at) {
            return palette::press(state, env, usize::from(at.y - rows.y), usize::from(rows.height));
        }
    } else if let Some(Overlay::Environments(_)) = state.overlay {
        // Border and an empty line, then the environments.
        let line = at.y.checked_sub(window.y + 2).filter(|line| usize::from(*line) < state.environments.len());
        if let Some(line) = line {
            commands::switch(state, EnvironmentId(line));
        }
    }
    Vec::new()
}

fn scroll(state: &mut State, env: &Env, layout: &Layout, at: Position, command: Command) -> Vec<Effect> {
    if state.overlay.is_none() {
        focus_at(state, layout, at);
        if state.focus == Pane::Chart {
            return run(state, env, if command == Command::MoveUp { Command::ChartIn } else { Command::ChartOut });
        }
    }
    (0..NOTCH).flat_map(|_| run(state, env, command)).collect()
}

fn focus_at(state: &mut State, layout: &Layout, at: Position) {
    if let Some((pane, _)) = layout.panes.iter().find(|(_, area)| area.contains(at)) {
        state.focus = *pane;
    }
}
