//! How far panes are scrolled that can be longer than their area. Never past the last line.

use super::panes::Pane;
use super::state::{Overlay, Screen, State};
use super::table::Move;
use super::{act, contents, detail, help, now};

/// Lines that fit into the focused pane, without its border.
pub(super) fn height(state: &State) -> usize {
    if super::focus::on_list(state) {
        return state.list_height();
    }
    if super::focus::on_ledger(state) {
        return state.ledger_height();
    }
    if super::focus::on_board(state) {
        return state.board_height();
    }
    let area = state.layout().and_then(|layout| layout.pane(state.focus));
    area.map_or(0, |area| usize::from(area.height.saturating_sub(2)))
}

/// Lines of help that fit into its window.
pub(super) fn help_height(state: &State) -> usize {
    let area = state.layout().and_then(|layout| layout.overlay);
    area.map_or(0, |area| usize::from(area.height.saturating_sub(2)))
}

/// Scrolls the focused pane.
pub(super) fn pane(state: &mut State, to: Move) {
    let (lines, height) = (lines(state), height(state));
    let scroll = match state.focus {
        Pane::Steps => &mut state.scroll.steps,
        Pane::Tree => &mut state.scroll.tree,
        Pane::Events => &mut state.scroll.events,
        Pane::Now => &mut state.scroll.now,
        Pane::Log => &mut state.scroll.log,
        Pane::Act => &mut state.scroll.act,
        Pane::Contents => &mut state.scroll.contents,
        Pane::Alerts => &mut state.scroll.alerts,
        Pane::Budgets => &mut state.scroll.budgets,
        Pane::Rollouts | Pane::Release | Pane::Ledger | Pane::Matrix | Pane::Signals | Pane::Chart => return,
    };
    // The log grows at its end, and that is where it is read: its scroll counts upwards.
    let to = match to {
        Move::By(by) if state.focus == Pane::Log => Move::By(-by),
        Move::First if state.focus == Pane::Log => Move::Last,
        Move::Last if state.focus == Pane::Log => Move::First,
        to => to,
    };
    *scroll = scrolled(*scroll, to, lines, height);
}

/// Scrolls the help.
pub(super) fn help(state: &mut State, to: Move) {
    state.scroll.help = scrolled(state.scroll.help, to, help::lines(state).len(), help_height(state));
}

/// Rows of the marks that fit into their window.
pub(super) fn marks_height(state: &State) -> usize {
    state.layout().and_then(|layout| layout.page).map_or(0, |page| page.rows.len())
}

/// Scrolls the marks.
pub(super) fn marks(state: &mut State, to: Move) {
    let Some(page) = state.layout().and_then(|layout| layout.page) else { return };
    if let Some(Overlay::Marks(marks)) = &mut state.overlay {
        marks.scroll = scrolled(marks.scroll, to, page.rows.len() + page.hidden + usize::from(page.hidden > 0), page.rows.len());
    }
}

fn scrolled(from: usize, to: Move, lines: usize, height: usize) -> usize {
    let last = lines.saturating_sub(height);
    match to {
        Move::By(by) => from.min(last).saturating_add_signed(by).min(last),
        Move::First => 0,
        Move::Last => last,
    }
}

/// Cells across in the focused pane, inside its border and padding.
fn width(state: &State) -> u16 {
    state.layout().and_then(|layout| layout.pane(state.focus)).map_or(0, |area| area.width.saturating_sub(4))
}

/// Lines of the focused pane.
fn lines(state: &State) -> usize {
    match (state.focus, &state.screen) {
        (Pane::Steps, Screen::Detail(key)) => {
            detail::steps(state, key).map_or(0, |line| line.steps.len() + usize::from(line.background.is_some()))
        }
        (Pane::Tree, Screen::Detail(key)) => detail::tree(state, key).len(),
        (Pane::Events, Screen::Detail(key)) => detail::moments(state, key).len(),
        (Pane::Now, _) => now::lines(state).len(),
        (Pane::Act, _) => state.act().map_or(0, |act| act::lines(act, width(state)).len()),
        (Pane::Contents, _) => match contents::shown(state).and_then(|asked| asked.found.as_ref()) {
            Some(Ok(found)) => contents::lines(found, width(state)).len(),
            Some(Err(_)) | None => 0,
        },
        (Pane::Log, _) => state.log.len(),
        _ => 0,
    }
}
