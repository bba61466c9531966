//! Which pane has the keys.

use super::panes::{self, Pane};
use super::state::{Screen, State};

/// The pane that has the keys when a screen is entered.
pub(super) fn first(screen: &Screen) -> Pane {
    match screen {
        Screen::Bridge | Screen::Rollouts => Pane::Rollouts,
        Screen::Detail(_) => Pane::Steps,
        Screen::Signals => Pane::Matrix,
        Screen::Ledger => Pane::Ledger,
        Screen::Act(_) => Pane::Act,
        Screen::Contents(_) => Pane::Contents,
        Screen::Log => Pane::Log,
    }
}

/// Whether moving moves the cursor of the list: also beside it, where the selected release is shown.
pub(super) fn on_list(state: &State) -> bool {
    let lists = matches!(state.screen, Screen::Bridge | Screen::Rollouts);
    lists && matches!(state.focus, Pane::Rollouts | Pane::Release | Pane::Signals)
}

/// The same for the cursor of the ledger.
pub(super) fn on_ledger(state: &State) -> bool {
    state.screen == Screen::Ledger && state.focus == Pane::Ledger
}

/// The same for the cursor of what is measured.
pub(super) fn on_board(state: &State) -> bool {
    state.screen == Screen::Signals && matches!(state.focus, Pane::Matrix | Pane::Signals)
}

/// Whether the keys that move are the chart's: its signal, and where it is read.
pub(super) fn on_chart(state: &State) -> bool {
    matches!(state.screen, Screen::Detail(_)) && state.focus == Pane::Chart && state.overlay.is_none()
}

/// Gives the keys to the first pane where the focused one is not there any more.
pub(super) fn keep(state: &mut State) {
    if !panes::of_screen(&state.screen, state.environment().is_measured()).contains(&state.focus) {
        state.focus = first(&state.screen);
    }
}

/// To the next pane in the order of the screen, or the one before.
pub(super) fn turn(state: &mut State, by: isize) {
    if matches!(state.overlay, Some(super::state::Overlay::Marks(_))) {
        return super::acting::turn_marks(state, by);
    }
    if state.overlay.is_some() {
        return;
    }
    let all = panes::of_screen(&state.screen, state.environment().is_measured());
    let place = all.iter().position(|pane| *pane == state.focus).unwrap_or_default();
    let count = isize::try_from(all.len()).unwrap_or(1);
    let next = (isize::try_from(place).unwrap_or_default() + by).rem_euclid(count.max(1));
    if let Some(pane) = usize::try_from(next).ok().and_then(|next| all.get(next)) {
        state.focus = *pane;
    }
}

/// To the pane beside this one; where only one is shown, to the one before or after it.
pub(super) fn sideways(state: &mut State, by: isize) {
    let Some(layout) = state.layout().filter(|_| state.overlay.is_none()) else { return };
    if layout.panes.len() < 2 {
        return turn(state, by);
    }
    let Some(here) = layout.pane(state.focus) else { return };
    let beside = layout.panes.iter().filter(|(_, area)| {
        let touches = if by < 0 { area.right() == here.x } else { area.x == here.right() };
        touches && area.y < here.bottom() && here.y < area.bottom()
    });
    if let Some((pane, _)) = beside.min_by_key(|(_, area)| area.y) {
        state.focus = *pane;
    }
}

/// The focused pane alone, or all again.
pub(super) fn zoom(state: &mut State) {
    if state.overlay.is_none() && panes::of_screen(&state.screen, state.environment().is_measured()).len() > 1 {
        state.zoomed = !state.zoomed;
    }
}
