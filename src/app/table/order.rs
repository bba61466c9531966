//! Rows by a small number that stays the same while a row is there, and orders of such numbers: moving one among 10,000 moves
//! 40 kB at most.

use std::cmp::Ordering;

use super::sort::Sort;
use crate::app::cluster::Cluster;
use crate::domain::id::Key;

/// All rows, in no order.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) sort: Sort,
    pub(super) reversed: bool,
    rows: Vec<Option<Row>>,
    /// All numbers by the names of their rows: a tenth of the memory of a map.
    names: Vec<u32>,
    free: Vec<u32>,
    need: usize,
    moving: usize,
}

#[derive(Debug)]
struct Row {
    key: Key,
    standing: u64,
    needs: bool,
    moves: bool,
}

impl Rows {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The number of a release.
    pub(super) fn id(&self, key: &Key) -> Option<u32> {
        self.place(key).ok().and_then(|place| self.names.get(place)).copied()
    }

    /// The release of a number.
    pub(super) fn key(&self, id: u32) -> Option<&Key> {
        self.row(id).map(|row| &row.key)
    }

    /// Where it stands in the order, as last put.
    pub(super) fn standing(&self, id: u32) -> u64 {
        self.row(id).map_or(u64::MAX, |row| row.standing)
    }

    /// Whether it needs a person, as last put.
    pub(super) fn needs(&self, id: u32) -> bool {
        self.row(id).is_some_and(|row| row.needs)
    }

    /// How many need a person, and how many are on their way and not in need.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.need, self.moving)
    }

    /// Puts a release in, or what it is like now. It must be in no order meanwhile if its standing changes.
    pub(super) fn put(&mut self, cluster: &Cluster, key: &Key) -> u32 {
        let glance = cluster.glance(key);
        let needs = glance.is_some_and(|glance| glance.needs_person);
        let moves = glance.is_some_and(|glance| glance.moving && !glance.needs_person);
        let standing = self.sort.standing(cluster, key);
        let place = self.place(key);
        let id = match place {
            Ok(place) => self.names.get(place).copied().unwrap_or(u32::MAX),
            Err(place) => {
                let id = self.vacant();
                self.names.insert(place, id);
                id
            }
        };
        self.need += usize::from(needs);
        self.moving += usize::from(moves);
        if let Some(row) = self.rows.get_mut(id as usize) {
            if let Some(row) = row {
                self.need -= usize::from(row.needs);
                self.moving -= usize::from(row.moves);
                (row.standing, row.needs, row.moves) = (standing, needs, moves);
            } else {
                *row = Some(Row { key: key.clone(), standing, needs, moves });
            }
        }
        id
    }

    /// A number that no row has.
    fn vacant(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            if self.rows.len() == self.rows.capacity() {
                // Twice the room would mostly stay empty.
                self.rows.reserve_exact(self.rows.len() / 8 + 64);
            }
            self.rows.push(None);
            u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// The place of a release among the names, or the one that it would have.
    fn place(&self, key: &Key) -> Result<usize, usize> {
        self.names.binary_search_by(|id| self.row(*id).map_or(Ordering::Less, |row| by_name(&row.key, key)))
    }

    /// Takes a release out. It must be in no order any more.
    pub(super) fn remove(&mut self, key: &Key) {
        if let Ok(place) = self.place(key) {
            let id = self.names.remove(place);
            if let Some(row) = self.rows.get_mut(id as usize).and_then(Option::take) {
                self.need -= usize::from(row.needs);
                self.moving -= usize::from(row.moves);
            }
            self.free.push(id);
        }
    }

    /// Works out where every row stands in another order. All orders have to be sorted afterwards.
    pub(super) fn sort_by(&mut self, cluster: &Cluster, sort: Sort, reversed: bool) {
        (self.sort, self.reversed) = (sort, reversed);
        for row in self.rows.iter_mut().flatten() {
            row.standing = sort.standing(cluster, &row.key);
        }
    }

    fn row(&self, id: u32) -> Option<&Row> {
        self.rows.get(id as usize)?.as_ref()
    }

    /// A total order: no two rows are equal.
    fn compare(&self, a: u32, b: u32) -> Ordering {
        let (Some(a), Some(b)) = (self.row(a), self.row(b)) else { return a.cmp(&b) };
        let (x, y) = (&a.key, &b.key);
        let order = a.standing.cmp(&b.standing).then_with(|| match self.sort {
            Sort::Namespace => x.namespace.cmp(&y.namespace).then_with(|| by_name(x, y)),
            _ => by_name(x, y),
        });
        if self.reversed { order.reverse() } else { order }
    }
}

/// By name, then namespace, then kind: no two are equal.
fn by_name(a: &Key, b: &Key) -> Ordering {
    a.name.cmp(&b.name).then_with(|| a.namespace.cmp(&b.namespace)).then_with(|| a.kind.cmp(&b.kind))
}

/// Numbers of rows, in order.
#[derive(Debug, Default)]
pub(super) struct Order(Vec<u32>);

impl Order {
    /// The numbers.
    pub(super) fn ids(&self) -> &[u32] {
        &self.0
    }

    /// The place of a row.
    pub(super) fn place(&self, rows: &Rows, id: u32) -> Option<usize> {
        self.0.binary_search_by(|other| rows.compare(*other, id)).ok()
    }

    /// Puts a row where it belongs.
    pub(super) fn insert(&mut self, rows: &Rows, id: u32) {
        if let Err(place) = self.0.binary_search_by(|other| rows.compare(*other, id)) {
            self.0.insert(place, id);
        }
    }

    /// Takes a row out; its standing must be the one with which it was put in.
    pub(super) fn remove(&mut self, rows: &Rows, id: u32) {
        if let Some(place) = self.place(rows, id) {
            self.0.remove(place);
        }
    }

    /// Takes all rows, in no order yet.
    pub(super) fn fill(&mut self, rows: &Rows) {
        self.0.clear();
        self.0.extend_from_slice(&rows.names);
    }

    /// Takes numbers that are in order already.
    pub(super) fn set(&mut self, ids: Vec<u32>) {
        self.0 = ids;
    }

    /// Keeps those rows only.
    pub(super) fn keep(&mut self, mut keeps: impl FnMut(u32) -> bool) {
        self.0.retain(|id| keeps(*id));
    }

    /// Sorts all of it.
    pub(super) fn sort(&mut self, rows: &Rows) {
        self.0.sort_unstable_by(|a, b| rows.compare(*a, *b));
    }
}
