//! Order, filter, selection and window under all kinds of changes.

use std::sync::Arc;

use jiff::ToSpan;
use proptest::prelude::*;

use super::*;
use crate::domain::fact::{News, Object};
use crate::domain::id::Kind;
use crate::domain::object::{Meta, Rollout, RolloutStatus};

/// A list with its cluster, as an environment has them.
#[derive(Default)]
struct World {
    cluster: Cluster,
    table: Table,
    second: i64,
}

impl World {
    fn new(rollouts: &[(&str, &str)]) -> Self {
        let mut world = Self::default();
        for (name, phase) in rollouts {
            world.put(name, phase);
        }
        world
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + self.second.seconds()
    }

    fn put(&mut self, name: &str, phase: &str) {
        let metadata = Meta { namespace: "shop".into(), name: name.into(), uid: name.into(), ..Meta::default() };
        let status =
            RolloutStatus { phase: phase.into(), current_pod_hash: "a".into(), stable_rs: "a".into(), ..RolloutStatus::default() };
        self.hear(News::Is(Object::Rollout(Arc::new(Rollout { metadata, status, ..Rollout::default() }))));
    }

    fn drop(&mut self, name: &str) {
        self.hear(News::Gone(key(name)));
    }

    fn hear(&mut self, news: News) {
        self.cluster.apply(news);
        let changed = self.cluster.take_changed();
        self.table.refresh(&self.cluster, changed, self.now());
    }

    fn rest(&mut self) {
        self.second += 4;
        self.table.tick(&self.cluster, self.now());
    }

    fn go(&mut self, to: Move) {
        let now = self.now();
        self.table.go(to, 3, now);
    }

    fn names(&self) -> Vec<&str> {
        self.table.shown().ids().iter().filter_map(|id| self.table.rows.key(*id)).map(|key| &*key.name).collect()
    }

    fn selected(&self) -> &str {
        self.table.selected().map_or("", |key| &key.name)
    }
}

fn key(name: &str) -> Key {
    Key::new(Kind::Rollout, "shop", name)
}

#[test]
fn those_in_need_come_first_then_those_that_move_then_by_name() {
    let world = World::new(&[("web", "Healthy"), ("api", "Progressing"), ("db", "Degraded"), ("app", "Healthy")]);
    assert_eq!(world.names(), ["db", "api", "app", "web"]);
    let counts = Counts { all: 4, need: 1, moving: 1, shown: 4, hidden_need: 0 };
    assert_eq!(world.table.counts(), counts);
}

#[test]
fn the_cursor_stays_on_its_release_when_the_order_changes() {
    let mut world = World::new(&[("a", "Healthy"), ("b", "Healthy"), ("c", "Healthy")]);
    world.go(Move::By(1));
    world.rest();
    world.put("c", "Degraded");
    assert_eq!((world.names(), world.selected()), (vec!["c", "a", "b"], "b"));
    world.drop("b");
    assert_eq!(world.selected(), "a");
}

#[test]
fn until_the_first_list_is_read_the_cursor_is_on_whatever_comes_first() {
    let mut world = World::new(&[("m", "Healthy")]);
    world.put("a", "Healthy");
    assert_eq!(world.selected(), "a");
    world.table.pin();
    world.put("z", "Degraded");
    assert_eq!(world.selected(), "a");
}

#[test]
fn rows_keep_their_places_while_the_cursor_moves() {
    let mut world = World::new(&[("a", "Healthy"), ("b", "Healthy"), ("c", "Healthy")]);
    world.go(Move::By(1));
    world.put("c", "Degraded");
    world.put("d", "Degraded");
    assert_eq!(world.names(), ["a", "b", "c"]);
    assert!(world.table.wakes().is_some());
    world.drop("a");
    assert_eq!(world.names(), ["b", "c"]);
    world.rest();
    assert_eq!((world.names(), world.table.wakes()), (vec!["c", "d", "b"], None));
}

#[test]
fn a_key_held_down_does_not_hold_rows_for_ever() {
    let mut world = World::new(&[("a", "Healthy"), ("b", "Healthy")]);
    for _ in 0..5 {
        world.go(Move::By(1));
        world.second += 1;
        world.table.tick(&world.cluster, world.now());
        world.put("c", "Degraded");
    }
    assert_eq!(world.names(), ["c", "a", "b"]);
}

#[test]
fn a_filter_says_what_in_need_it_hides_and_gives_the_cursor_back() {
    let mut world = World::new(&[("gateway", "Degraded"), ("web", "Healthy"), ("web-admin", "Degraded")]);
    world.go(Move::Last);
    assert_eq!(world.selected(), "web");
    world.table.set_filter(&world.cluster, "GATE");
    assert_eq!((world.names(), world.selected()), (vec!["gateway"], "gateway"));
    assert_eq!(world.table.counts().hidden_need, 1);
    world.table.set_filter(&world.cluster, "web shop/w");
    assert_eq!(world.names(), ["web-admin", "web"]);
    world.table.set_filter(&world.cluster, "nothing");
    assert_eq!((world.names().len(), world.table.selected()), (0, None));
    world.table.set_filter(&world.cluster, "");
    assert_eq!(world.selected(), "web");
}

#[test]
fn a_named_release_is_selected_even_where_a_filter_hides_it() {
    let mut world = World::new(&[("gateway", "Degraded"), ("web", "Healthy")]);
    world.table.set_filter(&world.cluster, "web");
    let now = world.now();
    assert!(!world.table.select(&world.cluster, &key("ghost"), now));
    assert_eq!((world.names(), world.selected()), (vec!["web"], "web"));
    assert!(world.table.select(&world.cluster, &key("gateway"), now));
    assert_eq!((world.names().len(), world.table.filter(), world.selected()), (2, "", "gateway"));
}

#[test]
fn the_selected_row_stays_listed_when_the_filter_would_drop_it() {
    let mut world = World::new(&[("a", "Degraded"), ("b", "Degraded")]);
    world.table.set_filter(&world.cluster, "degraded");
    world.go(Move::By(0));
    world.rest();
    world.put("a", "Healthy");
    world.put("b", "Healthy");
    assert_eq!((world.names(), world.selected()), (vec!["a"], "a"));
}

#[test]
fn the_window_keeps_the_cursor_on_its_line() {
    let names: Vec<String> = (0..20).map(|number| format!("s{number:02}")).collect();
    let mut world = World::default();
    for name in &names {
        world.put(name, "Healthy");
    }
    world.go(Move::By(10));
    assert_eq!(world.table.top(), 8);
    world.rest();
    world.put("s19", "Degraded");
    assert_eq!((world.table.position(), world.table.top()), (Some(11), 9));
    let window: Vec<_> = world.table.window(3).map(|key| &*key.name).collect();
    assert_eq!(window, ["s08", "s09", "s10"]);
    world.table.reveal(100);
    assert_eq!(world.table.top(), 0);
}

#[test]
fn every_order_can_be_had_both_ways() {
    let mut world = World::new(&[("a", "Healthy"), ("b", "Degraded"), ("c", "Paused")]);
    let mut sorted = |sort, reversed| {
        world.table.set_sort(&world.cluster, sort, reversed);
        world.names().concat()
    };
    assert_eq!(sorted(Sort::Name, false), "abc");
    assert_eq!(sorted(Sort::Name, true), "cba");
    assert_eq!(sorted(Sort::Phase, false), "bca");
    assert_eq!(sorted(Sort::Need, false), "bca");
    let all: Vec<_> = std::iter::successors(Some(Sort::Need), |sort| Some(sort.next())).take(7).collect();
    assert_eq!((all[5], all[6]), (Sort::Age, Sort::Need));
}

#[derive(Clone, Debug)]
enum Act {
    Put(u8, usize),
    Drop(u8),
    Go(isize),
    Sort(usize, bool),
    Filter(&'static str),
    Rest,
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0_u8..12, 0_usize..4).prop_map(|(name, phase)| Act::Put(name, phase)),
        1 => (0_u8..12).prop_map(Act::Drop),
        2 => (-4_isize..5).prop_map(Act::Go),
        1 => (0_usize..6, any::<bool>()).prop_map(|(sort, reversed)| Act::Sort(sort, reversed)),
        1 => prop::sample::select(vec!["", "s1", "degraded", "s10", "zzz"]).prop_map(Act::Filter),
        1 => Just(Act::Rest),
    ]
}

proptest! {
    #[test]
    fn the_cursor_is_in_the_window_and_the_order_is_right(acts in prop::collection::vec(any_act(), 0..120)) {
        let mut world = World::default();
        for act in acts {
            let before = world.table.selected().cloned();
            let moved = matches!(act, Act::Go(_) | Act::Filter(_));
            match act {
                Act::Put(name, phase) => world.put(&format!("s{name}"), ["Healthy", "Degraded", "Paused", "Progressing"][phase]),
                Act::Drop(name) => world.drop(&format!("s{name}")),
                Act::Go(rows) => world.go(Move::By(rows)),
                Act::Sort(sort, reversed) => world.table.set_sort(&world.cluster, Sort::ALL[sort], reversed),
                Act::Filter(text) => world.table.set_filter(&world.cluster, text),
                Act::Rest => world.rest(),
            }
            world.table.reveal(3);
            let selected = world.table.selected().cloned();
            prop_assert_eq!(selected.is_none(), world.names().is_empty());
            if let Some(selected) = &selected {
                prop_assert!(world.table.window(3).any(|key| key == selected));
            }
            if let Some(before) = before.filter(|key| !moved && world.table.pinned && world.cluster.glance(key).is_some()) {
                prop_assert_eq!(selected, Some(before));
            }
            if world.table.waiting.is_empty() {
                let counts = world.table.counts();
                prop_assert_eq!(counts.all, world.cluster.len());
                prop_assert_eq!(counts.need, world.cluster.glances().filter(|(_, glance)| glance.needs_person).count());
                let ids = world.table.all.ids().to_vec();
                let mut sorted = Order::default();
                sorted.fill(&world.table.rows);
                sorted.sort(&world.table.rows);
                prop_assert_eq!(sorted.ids(), &ids[..]);
            }
        }
    }
}
