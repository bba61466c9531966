//! The ledger as it was last read, as a list: filtered, with the cursor on an act and never on a place. Asks for reading, reads nothing.

use super::effect::Effect;
use super::state::State;
use super::table::Move;
use crate::domain::ledger::{LedgerAct, LedgerView};

/// The list of acts.
#[derive(Debug)]
pub struct Ledger {
    view: LedgerView,
    /// Whether it was ever read.
    read: bool,
    /// Whether it is to be read again.
    wanted: bool,
    filter: String,
    /// Places among the acts of the view that the filter lets through.
    shown: Vec<usize>,
    selected: Option<Box<str>>,
    top: usize,
}

impl Default for Ledger {
    /// Not read yet. It is wanted from the start: *Now* tells what was done.
    fn default() -> Self {
        let (view, filter, shown) = (LedgerView::default(), String::new(), Vec::new());
        Self { view, read: false, wanted: true, filter, shown, selected: None, top: 0 }
    }
}

impl Ledger {
    /// What was read; the acts of it also stand while a newer reading fails.
    pub fn view(&self) -> &LedgerView {
        &self.view
    }

    /// Whether it was ever read, well or not.
    pub fn is_read(&self) -> bool {
        self.read
    }

    /// The filter as typed.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// How many acts the filter lets through.
    pub fn count(&self) -> usize {
        self.shown.len()
    }

    /// Place of the first visible act among those.
    pub fn top(&self) -> usize {
        self.top
    }

    /// The acts that are visible, newest first.
    pub fn window(&self, height: usize) -> impl Iterator<Item = &LedgerAct> {
        self.shown.iter().skip(self.top).take(height).filter_map(|place| self.view.acts.get(*place))
    }

    /// The selected act; None only while none is shown.
    pub fn selected(&self) -> Option<&LedgerAct> {
        self.at(self.position()?)
    }

    fn at(&self, place: usize) -> Option<&LedgerAct> {
        self.view.acts.get(*self.shown.get(place)?)
    }

    fn position(&self) -> Option<usize> {
        let selected = self.selected.as_deref()?;
        self.shown.iter().position(|place| self.view.acts.get(*place).is_some_and(|act| *act.act == *selected))
    }

    /// Takes in what was read. What could not be read leaves what was known before.
    pub(super) fn take(&mut self, view: LedgerView) {
        self.read = true;
        if view.problem.is_some() && view.acts.is_empty() && view.owed.is_empty() {
            self.view.problem = view.problem;
        } else {
            self.view = view;
        }
        self.list();
    }

    /// Lets it be read again.
    pub(super) fn read_again(&mut self) {
        self.wanted = true;
    }

    /// Filters anew; an empty text shows everything.
    pub(super) fn set_filter(&mut self, text: &str) {
        text.clone_into(&mut self.filter);
        self.list();
    }

    /// Moves the cursor.
    pub(super) fn go(&mut self, to: Move, height: usize) {
        let Some(last) = self.shown.len().checked_sub(1) else { return };
        let from = self.position().unwrap_or_default();
        let place = match to {
            Move::By(rows) => from.saturating_add_signed(rows).min(last),
            Move::First => 0,
            Move::Last => last,
        };
        self.selected = self.at(place).map(|act| act.act.clone());
        self.reveal(height);
    }

    /// Moves the cursor to a visible row, counted from the top of the window. Says whether there is one.
    pub(super) fn go_to_line(&mut self, line: usize) -> bool {
        let found = self.at(self.top.saturating_add(line)).map(|act| act.act.clone());
        let there = found.is_some();
        self.selected = found.or_else(|| self.selected.take());
        there
    }

    /// Moves the window so that it contains the cursor, and does not reach past the end. A list that is not shown stays as it is.
    pub(super) fn reveal(&mut self, height: usize) {
        if height == 0 {
            return;
        }
        let place = self.position().unwrap_or_default();
        self.top = self.top.min(self.shown.len().saturating_sub(height)).clamp((place + 1).saturating_sub(height), place);
    }

    /// Lists what the filter lets through; the cursor stays on its act, or goes to the first.
    fn list(&mut self) {
        let words: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        let mut scratch = String::new();
        let acts = self.view.acts.iter().enumerate();
        self.shown = acts.filter(|(_, act)| lets(&words, act, &mut scratch)).map(|(place, _)| place).collect();
        if self.position().is_none() {
            self.selected = self.at(0).map(|act| act.act.clone());
            self.top = 0;
        }
    }
}

/// Whether every word occurs: in who, where, on what, the verb, the outcome, what was overridden, the reason or the ticket.
fn lets(words: &[String], act: &LedgerAct, scratch: &mut String) -> bool {
    if words.is_empty() {
        return true;
    }
    scratch.clear();
    let ending = act.outcome.as_ref().map_or("under way", |outcome| outcome.ending.word());
    let owes = if act.owes.is_empty() { "" } else { "owed" };
    let overrides = act.overrides().map_or_else(String::new, |names| format!("override {names}"));
    let parts = [
        &*overrides,
        &*act.operator.local,
        act.operator.kube.as_deref().unwrap_or_default(),
        &*act.environment,
        &*act.verb,
        act.words(),
        ending,
        owes,
        act.ticket.as_deref().unwrap_or_default(),
        &*act.reason,
    ];
    for part in parts {
        scratch.push_str(part);
        scratch.push('\n');
    }
    scratch.push_str(&act.object.namespace);
    scratch.push('/');
    scratch.push_str(&act.object.name);
    *scratch = scratch.to_lowercase();
    words.iter().all(|word| scratch.contains(word.as_str()))
}

/// Asks for reading, if that is wanted.
pub(super) fn follow(state: &mut State) -> Option<Effect> {
    std::mem::take(&mut state.ledger.wanted).then_some(Effect::ReadLedger)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ledger::{ActedOn, Ending, LedgerOutcome, Person};
    use jiff::Timestamp;

    fn act(id: &str, verb: &str, name: &str, reason: &str) -> LedgerAct {
        let outcome = LedgerOutcome {
            at: Timestamp::UNIX_EPOCH,
            ending: Ending::Observed,
            detail: "".into(),
            observed: Vec::new(),
            settled_by: None,
        };
        LedgerAct {
            act: id.into(),
            operator: Person { local: "dana".into(), kube: None, host: "h".into() },
            environment: "prod".into(),
            object: ActedOn { kind: "Rollout".into(), namespace: "shop".into(), name: name.into(), ..ActedOn::default() },
            verb: verb.into(),
            reason: reason.into(),
            outcome: Some(outcome),
            ..LedgerAct::default()
        }
    }

    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        let acts = vec![
            act("c", "rollback", "gateway", "Errors 1.8 %"),
            act("b", "promote", "web", "green"),
            act("a", "pause", "web", ""),
        ];
        ledger.take(LedgerView { acts, ..LedgerView::default() });
        ledger
    }

    fn ids(ledger: &Ledger) -> Vec<&str> {
        ledger.window(10).map(|act| &*act.act).collect()
    }

    #[test]
    fn a_filter_looks_everywhere() {
        let mut ledger = ledger();
        for (text, expected) in [
            ("", vec!["c", "b", "a"]),
            ("errors", vec!["c"]),
            ("shop/web", vec!["b", "a"]),
            ("DANA roll", vec!["c"]),
            ("hold", vec!["a"]),
            ("observed prod web promote", vec!["b"]),
            ("owed", vec![]),
        ] {
            ledger.set_filter(text);
            assert_eq!(ids(&ledger), expected, "{text}");
        }
        assert_eq!(ledger.selected(), None);
    }

    #[test]
    fn the_cursor_stays_on_its_act_when_others_come() {
        let mut ledger = ledger();
        assert_eq!(ledger.selected().map(|act| &*act.act), Some("c"));
        ledger.go(Move::By(1), 2);
        let mut acts = ledger.view.acts.clone();
        acts.insert(0, act("d", "abort", "web", "x"));
        ledger.take(LedgerView { acts, ..LedgerView::default() });
        ledger.reveal(2);
        assert_eq!((ledger.selected().map(|act| &*act.act), ledger.top()), (Some("b"), 1));
        ledger.go(Move::Last, 2);
        assert_eq!((ledger.selected().map(|act| &*act.act), ledger.top()), (Some("a"), 2));
        assert!(ledger.go_to_line(0) && !ledger.go_to_line(9));
        assert_eq!(ledger.selected().map(|act| &*act.act), Some("b"));
    }

    #[test]
    fn what_was_read_stands_while_reading_fails() {
        let mut ledger = ledger();
        ledger.take(LedgerView { problem: Some("no".into()), ..LedgerView::default() });
        assert_eq!((ids(&ledger).len(), ledger.view().problem.as_deref()), (3, Some("no")));
        ledger.take(LedgerView::default());
        assert_eq!((ids(&ledger).len(), ledger.view().problem.as_deref()), (0, None));
    }
}
