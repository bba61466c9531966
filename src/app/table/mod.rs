//! The list of releases: order, filter, selection and window over keys. The selection is a key, so that no update, sort or filter can
//! move it to another release. A change costs a few comparisons; nothing sorts everything because one row changed.

mod filter;
mod order;
mod sort;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

pub use sort::Sort;

use self::filter::Filter;
use self::order::{Order, Rows};
use super::cluster::Cluster;
use crate::domain::id::Key;

/// How long rows keep their places after the cursor moved.
const HOLD: SignedDuration = SignedDuration::from_millis(1_000);
/// How long at most, however long a key is held down.
const LONGEST_HOLD: SignedDuration = SignedDuration::from_millis(3_000);

/// How many releases there are, by what one wants to know first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub all: usize,
    /// Those that need a person.
    pub need: usize,
    /// Those on their way, and not in need.
    pub moving: usize,
    /// Those that the filter lets through.
    pub shown: usize,
    /// Those that need a person and that the filter hides.
    pub hidden_need: usize,
}

/// Where the cursor is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// So many rows down, or up if negative.
    By(isize),
    /// To the first row.
    First,
    /// To the last row.
    Last,
}

/// The list of releases of one environment.
#[derive(Debug, Default)]
pub struct Table {
    rows: Rows,
    all: Order,
    filtered: Order,
    filter: Filter,
    selected: Option<Key>,
    /// Whether the selection stays on its release. Until the first list is read it is on whatever comes first.
    pinned: bool,
    /// The selection from before the filter, until the cursor moves.
    before_filter: Option<Key>,
    top: usize,
    held: Option<Hold>,
    waiting: HashSet<Key>,
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    since: Timestamp,
    until: Timestamp,
}

impl Table {
    /// The rows that are visible, top first: `height` of them from [`Table::top`] on.
    pub fn window(&self, height: usize) -> impl Iterator<Item = &Key> {
        self.shown().ids().iter().skip(self.top).take(height).filter_map(|id| self.rows.key(*id))
    }

    /// Place of the first visible row among those shown.
    pub fn top(&self) -> usize {
        self.top
    }

    /// The selected release; None only while no row is shown.
    pub fn selected(&self) -> Option<&Key> {
        self.selected.as_ref()
    }

    /// Place of the selected release among those shown.
    pub fn position(&self) -> Option<usize> {
        self.place(self.selected.as_ref()?)
    }

    /// How many there are.
    pub fn counts(&self) -> Counts {
        let (need, moving) = self.rows.counts();
        let shown = self.shown().ids();
        let hidden_need = if self.filter.is_empty() { 0 } else { need - shown.iter().filter(|id| self.rows.needs(**id)).count() };
        Counts { all: self.rows.len(), need, moving, shown: shown.len(), hidden_need }
    }

    /// What it is sorted by, and whether the other way round.
    pub fn sort(&self) -> (Sort, bool) {
        (self.rows.sort, self.rows.reversed)
    }

    /// The filter as typed; empty if there is none.
    pub fn filter(&self) -> &str {
        &self.filter.text
    }

    /// When rows that wait for the cursor to rest will take their places; None if none wait.
    pub fn wakes(&self) -> Option<Timestamp> {
        self.held.map(|hold| hold.until).filter(|_| !self.waiting.is_empty())
    }

    /// Takes in what changed: these releases appeared, vanished or changed.
    pub(super) fn refresh(&mut self, cluster: &Cluster, changed: HashSet<Key>, now: Timestamp) {
        for key in changed {
            if cluster.glance(&key).is_none() {
                self.remove(&key);
            } else {
                self.waiting.insert(key);
            }
        }
        if !self.is_held(now) {
            self.held = None;
            self.settle(cluster);
        }
    }

    /// Lets waiting rows take their places once the cursor rests.
    pub(super) fn tick(&mut self, cluster: &Cluster, now: Timestamp) {
        if self.held.is_some() && !self.is_held(now) {
            self.held = None;
            self.settle(cluster);
        }
    }

    /// Leaves the selection on the release where it is now.
    pub(super) fn pin(&mut self) {
        self.pinned |= self.selected.is_some();
    }

    /// Moves the cursor; rows keep their places for a moment.
    pub(super) fn go(&mut self, to: Move, height: usize, now: Timestamp) {
        let count = self.shown().ids().len();
        let Some(last) = count.checked_sub(1) else { return };
        let from = self.position().unwrap_or_default();
        let place = match to {
            Move::By(rows) => from.saturating_add_signed(rows).min(last),
            Move::First => 0,
            Move::Last => last,
        };
        self.select_place(place, now);
        self.reveal(height);
    }

    /// Moves the cursor to a visible row, counted from the top of the window. Says whether there is one.
    pub(super) fn go_to_line(&mut self, line: usize, now: Timestamp) -> bool {
        let place = self.top.saturating_add(line);
        let there = place < self.shown().ids().len();
        if there {
            self.select_place(place, now);
        }
        there
    }

    /// Moves the cursor to a release, and clears a filter that hides it. Says whether it is there.
    pub(super) fn select(&mut self, cluster: &Cluster, key: &Key, now: Timestamp) -> bool {
        self.settle(cluster);
        if self.rows.id(key).is_some() && self.place(key).is_none() {
            self.set_filter(cluster, "");
        }
        let place = self.place(key);
        if let Some(place) = place {
            self.select_place(place, now);
        }
        place.is_some()
    }

    /// Moves the window so that it contains the cursor, and does not reach past the end. A list that is not shown stays as it is.
    pub(super) fn reveal(&mut self, height: usize) {
        if height == 0 {
            return;
        }
        let count = self.shown().ids().len();
        let place = self.position().unwrap_or_default();
        self.top = self.top.min(count.saturating_sub(height)).clamp((place + 1).saturating_sub(height), place);
    }

    /// Sorts anew.
    pub(super) fn set_sort(&mut self, cluster: &Cluster, sort: Sort, reversed: bool) {
        self.settle(cluster);
        self.held = None;
        let listed = self.selected.as_ref().filter(|key| self.place(key).is_some()).and_then(|key| self.rows.id(key));
        self.rows.sort_by(cluster, sort, reversed);
        self.all.sort(&self.rows);
        self.refilter(cluster, listed);
        self.follow_first();
        self.top = 0;
    }

    /// Filters anew; an empty text shows everything.
    pub(super) fn set_filter(&mut self, cluster: &Cluster, text: &str) {
        self.settle(cluster);
        let old = std::mem::replace(&mut self.filter, Filter::new(text));
        if old.is_empty() {
            self.before_filter.clone_from(&self.selected);
        }
        if self.filter.is_empty() {
            self.filtered.set(Vec::new());
            self.selected = self.before_filter.take().or_else(|| self.selected.take());
        } else if old.is_empty() || !self.filter.narrows(&old) {
            self.refilter(cluster, None);
        } else {
            let mut scratch = String::new();
            let (rows, filter) = (&self.rows, &self.filter);
            self.filtered.keep(|id| rows.key(id).is_some_and(|key| filter.lets(cluster, key, &mut scratch)));
        }
        if self.selected.as_ref().is_none_or(|key| self.place(key).is_none()) {
            self.selected = self.key_at(0);
        }
        self.top = self.top.min(self.position().unwrap_or_default());
    }

    fn shown(&self) -> &Order {
        if self.filter.is_empty() { &self.all } else { &self.filtered }
    }

    fn place(&self, key: &Key) -> Option<usize> {
        self.shown().place(&self.rows, self.rows.id(key)?)
    }

    fn key_at(&self, place: usize) -> Option<Key> {
        self.shown().ids().get(place).and_then(|id| self.rows.key(*id)).cloned()
    }

    fn select_place(&mut self, place: usize, now: Timestamp) {
        self.selected = self.key_at(place);
        self.pinned = true;
        self.before_filter = None;
        let since = self.held.map_or(now, |hold| hold.since);
        let (soon, latest) = (now.checked_add(HOLD), since.checked_add(LONGEST_HOLD));
        self.held = soon.ok().zip(latest.ok()).map(|(soon, latest)| Hold { since, until: soon.min(latest) });
    }

    fn is_held(&self, now: Timestamp) -> bool {
        // A clock that was set back must not hold rows for longer.
        self.held.is_some_and(|hold| now < hold.until && now >= hold.since)
    }

    /// Lets every waiting row take its place.
    fn settle(&mut self, cluster: &Cluster) {
        let line = self.line();
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.len() > self.rows.len() / 8 + 64 {
            let listed = self.selected.as_ref().filter(|key| self.place(key).is_some()).and_then(|key| self.rows.id(key));
            for key in &waiting {
                self.rows.put(cluster, key);
            }
            self.all.fill(&self.rows);
            self.all.sort(&self.rows);
            self.refilter(cluster, listed);
        } else {
            let mut scratch = String::new();
            for key in &waiting {
                self.settle_one(cluster, key, &mut scratch);
            }
        }
        self.follow_first();
        self.keep_line(line);
    }

    /// Lets one row take its place. The selected row stays listed when the filter would no longer let it through: the cursor must
    /// not fall on another release because this one changed.
    fn settle_one(&mut self, cluster: &Cluster, key: &Key, scratch: &mut String) {
        let stays = self.selected.as_ref() == Some(key) && self.place(key).is_some();
        let known = self.rows.id(key);
        let moves = known.is_none_or(|id| self.rows.standing(id) != self.rows.sort.standing(cluster, key));
        if let Some(id) = known {
            self.filtered.remove(&self.rows, id);
            if moves {
                self.all.remove(&self.rows, id);
            }
        }
        let id = self.rows.put(cluster, key);
        if moves {
            self.all.insert(&self.rows, id);
        }
        if !self.filter.is_empty() && (stays || self.filter.lets(cluster, key, scratch)) {
            self.filtered.insert(&self.rows, id);
        }
    }

    fn remove(&mut self, key: &Key) {
        self.waiting.remove(key);
        let Some(id) = self.rows.id(key) else { return };
        let place = self.place(key);
        self.all.remove(&self.rows, id);
        self.filtered.remove(&self.rows, id);
        self.rows.remove(key);
        if place.is_some_and(|place| place < self.top) {
            self.top -= 1;
        }
        if self.selected.as_ref() == Some(key) {
            let last = self.shown().ids().len().saturating_sub(1);
            self.selected = self.key_at(place.unwrap_or_default().min(last));
        }
        if self.before_filter.as_ref() == Some(key) {
            self.before_filter = None;
        }
    }

    /// Lists anew what the filter lets through, and `always` in any case.
    fn refilter(&mut self, cluster: &Cluster, always: Option<u32>) {
        let mut listed = Vec::new();
        if !self.filter.is_empty() {
            let mut scratch = String::new();
            for id in self.all.ids() {
                let lets = |key| self.filter.lets(cluster, key, &mut scratch);
                if always == Some(*id) || self.rows.key(*id).is_some_and(lets) {
                    listed.push(*id);
                }
            }
        }
        self.filtered.set(listed);
    }

    fn follow_first(&mut self) {
        if !self.pinned || self.selected.is_none() {
            self.selected = self.key_at(0);
        }
    }

    /// The line of the window on which the cursor is, unless the window is at the top: there new rows may push it down.
    fn line(&self) -> Option<usize> {
        self.position().filter(|_| self.top > 0).and_then(|place| place.checked_sub(self.top))
    }

    fn keep_line(&mut self, line: Option<usize>) {
        if let Some((line, place)) = line.zip(self.position()) {
            self.top = place.saturating_sub(line);
        }
    }
}
