//! The list of all that is measured: the worst first, with the cursor on a release and never on a place. Worked out while it is shown, at
//! most once a second, and where there are many once in five.

use jiff::{SignedDuration, Timestamp};

use super::state::{Screen, State};
use super::table::Move;
use crate::domain::id::{EnvironmentId, Key};
use crate::domain::signal::Verdict;

/// How often the order is worked out at most.
const PACE: SignedDuration = SignedDuration::from_secs(1);
/// How often where there are many: a key must not wait for ten thousand glances.
const SLOW: SignedDuration = SignedDuration::from_secs(5);
/// From here on there are many.
const MANY: usize = 1_000;

/// The list.
#[derive(Debug, Default)]
pub struct Board {
    rows: Vec<(Key, Verdict)>,
    selected: Option<Key>,
    top: usize,
    sorted: Option<(EnvironmentId, Timestamp)>,
}

/// How many there are, by their worst gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Over a limit.
    pub breached: usize,
    /// Without a usable verdict.
    pub unknown: usize,
    /// All.
    pub all: usize,
}

impl Board {
    /// The selected release; None only while none is measured.
    pub fn selected(&self) -> Option<&Key> {
        self.selected.as_ref()
    }

    /// The releases that are visible, the worst first.
    pub fn window(&self, height: usize) -> impl Iterator<Item = &Key> {
        self.rows.iter().skip(self.top).take(height).map(|(key, _)| key)
    }

    /// Place of the first visible release.
    pub fn top(&self) -> usize {
        self.top
    }

    /// How many there are.
    pub fn counts(&self) -> Counts {
        let of = |wanted: &dyn Fn(Verdict) -> bool| self.rows.iter().filter(|(_, verdict)| wanted(*verdict)).count();
        let breached = of(&|verdict| verdict == Verdict::Breach);
        Counts { breached, unknown: of(&|verdict| !verdict.lets_through()) - breached, all: self.rows.len() }
    }

    fn position(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.rows.iter().position(|(key, _)| key == selected)
    }

    fn put(&mut self, place: usize) -> bool {
        let key = self.rows.get(place).map(|(key, _)| key.clone());
        let there = key.is_some();
        self.selected = key.or_else(|| self.selected.take());
        there
    }

    /// Moves the cursor.
    pub(super) fn go(&mut self, to: Move, height: usize) {
        let Some(last) = self.rows.len().checked_sub(1) else { return };
        let place = match to {
            Move::By(rows) => self.position().unwrap_or_default().saturating_add_signed(rows).min(last),
            Move::First => 0,
            Move::Last => last,
        };
        self.put(place);
        self.reveal(height);
    }

    /// Moves the cursor to a visible row, counted from the top of the window. Says whether there is one.
    pub(super) fn go_to_line(&mut self, line: usize) -> bool {
        self.put(self.top.saturating_add(line))
    }

    /// Moves the window so that the cursor is in it.
    pub(super) fn reveal(&mut self, height: usize) {
        if height == 0 {
            return;
        }
        let place = self.position().unwrap_or_default();
        self.top = self.top.min(self.rows.len().saturating_sub(height)).clamp((place + 1).saturating_sub(height), place);
    }

    /// Takes in what is measured now. The cursor stays on its release while that is there.
    fn take(&mut self, mut rows: Vec<(Key, Verdict)>, prefer: Option<&Key>) {
        let by_name = |a: &Key, b: &Key| a.name.cmp(&b.name).then_with(|| a.namespace.cmp(&b.namespace));
        rows.sort_unstable_by(|(a, worse), (b, than)| than.cmp(worse).then_with(|| by_name(a, b)));
        let place = self.position();
        self.rows = rows;
        if self.position().is_none() {
            let wanted = prefer.and_then(|key| self.rows.iter().position(|(known, _)| known == key));
            let next = wanted.or(place).unwrap_or_default().min(self.rows.len().saturating_sub(1));
            self.selected = self.rows.get(next).map(|(key, _)| key.clone());
        }
    }
}

/// Works the list out anew while it is shown.
pub(super) fn follow(state: &mut State) {
    if state.screen != Screen::Signals {
        state.board.sorted = None;
        return;
    }
    let (shown, now) = (state.shown, state.now);
    let pace = if state.board.rows.len() > MANY { SLOW } else { PACE };
    let fresh = state.board.sorted.is_some_and(|(environment, at)| environment == shown && now.duration_since(at).abs() < pace);
    if fresh {
        return;
    }
    let environment = state.environment();
    let rows =
        environment.cluster.keys().filter_map(|key| Some((key.clone(), environment.metrics.mark(key, now)?.verdict))).collect();
    let prefer = environment.table.selected().cloned();
    if state.board.sorted.is_none_or(|(environment, _)| environment != shown) {
        (state.board.selected, state.board.top) = (None, 0);
    }
    state.board.sorted = Some((shown, now));
    state.board.take(rows, prefer.as_ref());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Kind;

    fn rows(all: &[(&str, Verdict)]) -> Vec<(Key, Verdict)> {
        all.iter().map(|(name, verdict)| (Key::new(Kind::Rollout, "shop", *name), *verdict)).collect()
    }

    fn names(board: &Board) -> Vec<&str> {
        board.window(9).map(|key| &*key.name).collect()
    }

    #[test]
    fn the_worst_comes_first_and_the_cursor_stays_on_its_release() {
        let mut board = Board::default();
        let preferred = Key::new(Kind::Rollout, "shop", "b");
        board.take(
            rows(&[("a", Verdict::Pass), ("b", Verdict::NoData), ("c", Verdict::Breach), ("d", Verdict::Pass)]),
            Some(&preferred),
        );
        assert_eq!((names(&board), board.selected()), (vec!["c", "b", "a", "d"], Some(&preferred)));
        assert_eq!(board.counts(), Counts { breached: 1, unknown: 1, all: 4 });
        board.go(Move::Last, 2);
        assert_eq!((&*board.selected().unwrap().name, board.top()), ("d", 2));
        board.take(rows(&[("a", Verdict::Pass), ("d", Verdict::Breach)]), None);
        board.reveal(2);
        assert_eq!((names(&board), &*board.selected().unwrap().name, board.top()), (vec!["d", "a"], "d", 0));
        assert!(board.go_to_line(1) && !board.go_to_line(5));
        board.take(Vec::new(), None);
        assert_eq!(board.selected(), None);
    }
}
