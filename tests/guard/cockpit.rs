//! Guards in the cockpit without a terminal: the key, the dialog, what is shown, the countdown, and leaving.

use std::sync::Arc;

use jiff::SignedDuration;
use pilothouse::app::guard::Wish;
use pilothouse::app::{Effect, Msg, Overlay};
use pilothouse::config::{Files, Settings};
use pilothouse::domain::action::{Outcome, Verb};
use pilothouse::domain::fact::{MetricsNews, News, Object, Reading};
use pilothouse::domain::guard::{Claim, End, Posted, State, Status, Told, lease_body};
use pilothouse::domain::id::{Key, Kind};
use pilothouse::domain::object::{Lease, decode_value};
use pilothouse::domain::series::Series;
use pilothouse::domain::signal::{Measured, MetricsLink, Track, TrackSeries, Verdict};
use pilothouse::ui;
use pilothouse::ui::theme::{Depth, Theme, built_in};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use serde_json::json;

use crate::support::cockpit::{Cockpit, gateway, now};
use crate::support::picture::picture;

/// One environment with metrics and one gate.
pub fn settings() -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let text = r#"
        [[environment]]
        name = "prod"
        context = "prod"
        prometheus = { url = "http://prometheus:9090" }
        [[signal]]
        name = "errors"
        kind = "errors"
        bad = 'sum(rate(requests_total{code=~"5..",hash="{{pod_hash}}"}[{{window}}]))'
        total = 'sum(rate(requests_total{hash="{{pod_hash}}"}[{{window}}]))'
        threshold = 0.01
        comparator = "<"
        unit = "ratio"
        window = "1m"
        [guard]
        robots = ["auto-rollback.yml: every 5 min"]
    "#;
    std::fs::write(&file, text).unwrap();
    Files::find(Some(&file)).unwrap().settings().unwrap()
}

/// What was measured of gateway: the canary fails this often, and did so for ten minutes.
fn measured(canary: f32) -> News {
    let steps = 60;
    let start = now() - SignedDuration::from_secs(15 * (steps - 1));
    let track = |track, value: f32| {
        let series = |value| Series::new(start, 15, vec![value; usize::try_from(steps).unwrap()]);
        TrackSeries { track, value: series(value), traffic: Some(series(50.0)), sampled: Some(now()), pods: None, refused: None }
    };
    let tracks = vec![track(Track::Canary, canary), track(Track::Stable, 0.001)];
    let key = Key::new(Kind::Rollout, "shop", "gateway");
    News::Metrics(MetricsNews::Measured(Arc::new(Measured {
        key,
        uid: "uid-gateway".into(),
        hash: "bad".into(),
        asked: now(),
        signals: vec![("errors".into(), tracks)],
        notes: Vec::new(),
    })))
}

fn cockpit() -> Cockpit {
    let link = News::Metrics(MetricsNews::Link(MetricsLink::Up { at: now(), millis: 4, sampled: Some(now()) }));
    let mut news = gateway(json!({}));
    news.extend([link, measured(0.05)]);
    let mut cockpit = Cockpit::with(&settings(), news);
    cockpit.effects.clear();
    cockpit
}

fn wishes(effects: Vec<Effect>) -> Vec<Wish> {
    effects.into_iter().filter_map(|effect| if let Effect::Guard(wish) = effect { Some(*wish) } else { None }).collect()
}

/// Arms one; gives its number.
fn armed(cockpit: &mut Cockpit) -> u64 {
    let wishes = wishes(cockpit.press("Wnight release<enter><enter>"));
    let Some(Wish::Arm { number, .. }) = wishes.first() else { panic!("{wishes:?}, '{}'", cockpit.said()) };
    *number
}

fn told(cockpit: &mut Cockpit, number: u64, state: State) {
    let status = Status { state, evidence: "errors 5% over 1% for 10:00".into(), left: None, since: now() };
    cockpit.tell(Msg::Guard { number, told: Told::Now(status) });
}

/// The Lease of somebody else's guard.
fn lease(posted: &Posted, version: &str) -> News {
    let claim = Claim {
        key: Key::new(Kind::Rollout, "shop", "gateway"),
        hash: "bad".into(),
        identity: "kim@desk/1/0".into(),
        owner: "kim@desk".into(),
        reason: "late".into(),
        seconds: 15,
    };
    let mut lease: Lease = decode_value(&lease_body(&claim, posted, None, now() - SignedDuration::from_secs(492)));
    lease.metadata.resource_version = version.into();
    News::Is(Object::Lease(Arc::new(lease)))
}

#[test]
fn arming_needs_a_reason_and_says_what_it_will_do() {
    let mut cockpit = cockpit();
    assert!(wishes(cockpit.press("W")).is_empty());
    let window = cockpit.window();
    for words in [
        "watches errors 5% > 1% for 14:45",
        "a gate over its limit for 1:00: holds it; for 10:00, or 5:00",
        "robot auto-rollback.yml: every 5 min",
        "say why",
        "[⏎ arm the guard: not now]",
    ] {
        assert!(window.contains(words), "{words}\n{window}");
    }
    assert!(wishes(cockpit.press("<enter><enter><ctrl-s>")).is_empty(), "without a reason");
    assert!(wishes(cockpit.press("<esc>")).is_empty() && cockpit.state.overlay.is_none());
    let wishes = wishes(cockpit.press("Wnight release<ctrl-s>"));
    let [Wish::Arm { reason, seen, over_cancel: false, .. }, Wish::Show(_, sight)] = &*wishes else { panic!("{wishes:?}") };
    assert_eq!((reason.as_str(), &*seen.current), ("night release", "bad"));
    let errors = &sight.signals[0];
    assert_eq!((errors.verdict, errors.breached >= 600, sight.stale.is_none()), (Verdict::Breach, true, true));
}

#[test]
fn a_guard_is_shown_what_is_seen_once_a_second_and_its_release_is_measured() {
    let mut cockpit = cockpit();
    let number = armed(&mut cockpit);
    cockpit.effects.clear();
    cockpit.wait(1);
    cockpit.tell(Msg::Tick(cockpit.state.now));
    let shown = wishes(std::mem::take(&mut cockpit.effects));
    assert!(matches!(&*shown, [Wish::Show(to, _)] if *to == number), "{shown:?}");
    // However long nothing is heard: that is for the guard to judge.
    cockpit.wait(120);
    let shown = wishes(std::mem::take(&mut cockpit.effects));
    let [Wish::Show(_, sight)] = &*shown else { panic!("{shown:?}") };
    assert!(sight.stale.as_ref().is_some_and(|why| why.contains("silent")) && sight.signals[0].verdict == Verdict::NoData);
}

/// That the cluster answers is not enough: what cannot be read is not seen, and that it is out of sight does not mean that it is gone.
#[test]
fn a_guard_is_told_when_its_release_cannot_be_read() {
    let shown = |reading: Reading, gone: bool| {
        let mut cockpit = cockpit();
        armed(&mut cockpit);
        cockpit.hear(vec![News::Reading(Kind::Rollout, reading)]);
        if gone {
            cockpit.hear(vec![News::Gone(Key::new(Kind::Rollout, "shop", "gateway"))]);
        }
        cockpit.wait(1);
        cockpit.live();
        cockpit.effects.clear();
        cockpit.wait(1);
        cockpit.tell(Msg::Tick(cockpit.state.now));
        let mut shown = wishes(std::mem::take(&mut cockpit.effects));
        let Some(Wish::Show(_, sight)) = shown.pop() else { panic!("{shown:?}") };
        sight.stale.unwrap_or_default()
    };
    assert_eq!(&*shown(Reading::Live, false), "");
    assert_eq!(&*shown(Reading::Denied("no".into()), false), "rollouts may not be read: no");
    assert_eq!(&*shown(Reading::Failing("broken".into()), false), "rollouts cannot be read: broken");
    assert_eq!(&*shown(Reading::NotInstalled, true), "the cluster says that it has no rollouts");
    assert_eq!(&*shown(Reading::Live, true), "");
}

#[test]
fn a_countdown_is_on_every_screen_and_one_key_stops_it() {
    let mut cockpit = cockpit();
    let number = armed(&mut cockpit);
    let until = cockpit.state.now + SignedDuration::from_secs(30);
    told(&mut cockpit, number, State::Countdown { until });
    for screen in ["1", "3", "7", "!"] {
        cockpit.press(screen);
        let words = cockpit.state.banner().unwrap().words();
        assert!(words.contains("the guard of gateway (this terminal) takes it back in 0:30: errors 5%"), "{words}");
        assert!(cockpit.state.layout().unwrap().banner.is_some());
    }
    assert_eq!(wishes(cockpit.press("<esc>")), [Wish::Cancel(number)]);
    told(&mut cockpit, number, State::Ended(End::Cancelled("dana@laptop".into())));
    assert!(cockpit.state.banner().is_none() && cockpit.said().contains("cancelled: dana@laptop"));
    cockpit.press("1");
    assert!(wishes(cockpit.press("<esc>")).is_empty());
}

#[test]
fn guards_of_others_are_seen_and_can_be_cancelled() {
    let mut cockpit = cockpit();
    cockpit.hear(vec![lease(&Posted { state: "watching".into(), ..Posted::default() }, "1")]);
    let key = Key::new(Kind::Rollout, "shop", "gateway");
    let shown = |cockpit: &Cockpit| cockpit.state.guard(cockpit.state.environment(), &key);
    assert_eq!(shown(&cockpit).unwrap().words(), "kim@desk 8:13");
    assert!(
        wishes(cockpit.press("Wwrong limit<ctrl-s>"))
            .iter()
            .any(|wish| matches!(wish, Wish::CancelOthers { reason, .. } if reason == "wrong limit"))
    );
    let deadline = Some(cockpit.state.now + SignedDuration::from_secs(20));
    cockpit.hear(vec![lease(&Posted { state: "countdown".into(), deadline, ..Posted::default() }, "2")]);
    let banner = cockpit.state.banner().unwrap();
    assert_eq!((banner.guard.left, banner.guard.here), (Some(20), false));
    let wishes = wishes(cockpit.press("W"));
    assert!(matches!(&*wishes, [Wish::CancelOthers { .. }]), "{wishes:?}");
    // A holder that says nothing more is dead.
    for _ in 0..21 {
        cockpit.wait(1);
        cockpit.live();
    }
    assert_eq!(shown(&cockpit), None);
    // One that was cancelled is shown no longer, and arming says so.
    let cancelled = Posted { cancelled: Some("kim@desk".into()), ..Posted::default() };
    cockpit.hear(vec![lease(&cancelled, "3"), measured(0.05)]);
    cockpit.press("W");
    assert!(cockpit.window().contains("were cancelled by kim@desk"), "{}", cockpit.window());
    let gone = Key::new(Kind::Lease, "shop", "pilothouse-guard.rollout.gateway");
    cockpit.press("<esc>");
    cockpit.hear(vec![News::Gone(gone)]);
    cockpit.press("W");
    assert!(!cockpit.window().contains("were cancelled by"));
}

#[test]
fn leaving_with_a_guard_armed_here_warns_once() {
    let mut cockpit = cockpit();
    assert_eq!(cockpit.press("q"), [Effect::Quit]);
    for keys in ["q", "<ctrl-c>"] {
        let number = armed(&mut cockpit);
        assert!(!cockpit.press(keys).contains(&Effect::Quit));
        assert!(cockpit.said().contains("a guard of gateway runs in this terminal and ends with it: once more leaves"));
        assert!(cockpit.press(keys).contains(&Effect::Quit));
        cockpit.wait(11);
        cockpit.live();
        cockpit.hear(vec![measured(0.05)]);
        assert!(!cockpit.press(keys).contains(&Effect::Quit), "long ago is no warning");
        told(&mut cockpit, number, State::Ended(End::Disarmed));
        cockpit.wait(11);
        cockpit.live();
    }
    assert!(cockpit.press("<ctrl-c>").contains(&Effect::Quit));
}

#[test]
fn nothing_is_armed_where_nothing_may_be_changed_or_nothing_could_be_seen() {
    let refused = |settings: &Settings, news: Vec<News>, why: &str| {
        let mut cockpit = Cockpit::with(settings, news);
        let effects = cockpit.press("Wbecause<ctrl-s>");
        assert!(wishes(effects).is_empty() && cockpit.said().contains(why), "{why}: {}", cockpit.said());
    };
    refused(&Settings { readonly: true, ..settings() }, gateway(json!({})), "--readonly");
    let mut never = settings();
    never.environments[0].write = pilothouse::config::Write::Never;
    refused(&never, gateway(json!({})), "write = \"never\"");
    refused(&crate::support::cockpit::settings(), gateway(json!({})), "a guard would be blind");
    refused(&settings(), gateway(crate::support::cockpit::promoted()), "nothing is on its way");
    refused(&settings(), gateway(crate::support::cockpit::aborted()), "it is aborted");
    let off = json!({ "metadata": { "annotations": { "pilothouse.dev/guard": "off" } } });
    refused(&settings(), gateway(off), "pilothouse.dev/guard=off forbids it");
}

#[test]
fn what_a_guard_says_is_heard_and_its_end_ends_it() {
    let mut cockpit = cockpit();
    let number = armed(&mut cockpit);
    cockpit
        .tell(Msg::Guard { number, told: Told::Said("BLIND: no signal has data. it acts on nothing that it does not see".into()) });
    assert!(cockpit.said().contains("guard of gateway: BLIND"));
    assert!(cockpit.state.environment().notices.lines().next().unwrap().text.contains("guard here: BLIND"));
    told(&mut cockpit, number, State::Acting(Verb::RollBack));
    told(&mut cockpit, number, State::Ended(End::TookBack(Outcome::Observed("traffic is back".into()))));
    assert!(cockpit.said().contains("took it back: traffic is back") && cockpit.state.guards.mine().is_empty());
    let number = armed(&mut cockpit);
    cockpit.tell(Msg::Guard { number, told: Told::Failed("No guard was armed: leases is forbidden.".into()) });
    assert!(cockpit.said().contains("forbidden") && cockpit.state.guards.mine().is_empty());
    // That Leases cannot be read is said once, and quietly.
    for _ in 0..3 {
        cockpit.hear(vec![News::Reading(Kind::Lease, Reading::Denied("no".into()))]);
    }
    let said =
        cockpit.state.environment().notices.lines().filter(|line| line.text.contains("guards of others cannot be seen")).count();
    assert_eq!(said, 1);
}

fn check(name: &str, cockpit: &mut Cockpit, sizes: &[(u16, u16)]) {
    let theme = Theme::parse("harbor", built_in("harbor").unwrap(), Depth::True).unwrap();
    for (columns, rows) in sizes.iter().copied() {
        cockpit.state.size = Size::new(columns, rows);
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
        ui::draw(&cockpit.state, &theme, &mut buffer);
        insta::assert_snapshot!(format!("guard_{name}_{columns}x{rows}"), picture(&buffer));
    }
}

#[test]
fn pictures() {
    let sizes = [(140, 40), (80, 24), (40, 12)];
    let mut cockpit = cockpit();
    cockpit.press("Wnight release");
    check("dialog", &mut cockpit, &sizes);
    cockpit.press("<ctrl-s>");
    let number = cockpit.state.guards.mine()[0].number;
    told(&mut cockpit, number, State::Held);
    cockpit.state.toast = None;
    check("held", &mut cockpit, &sizes);
    let until = cockpit.state.now + SignedDuration::from_secs(23);
    told(&mut cockpit, number, State::Countdown { until });
    check("countdown", &mut cockpit, &sizes);
}

/// What can happen to a cockpit with guards in it.
#[derive(Clone, Debug)]
enum Event {
    Keys(&'static str),
    Wait(i64),
    Live,
    Measured(f32),
    Release(u8),
    Told(u8),
    Lease(u8),
    Size(u16, u16),
}

fn event() -> impl Strategy<Value = Event> {
    let keys = ["W", "<enter>", "<ctrl-s>", "<esc>", "x", "<tab>", "<up>", "q", "<ctrl-c>", "1", "R", "H", "<down>"];
    prop_oneof![
        6 => prop::sample::select(keys.to_vec()).prop_map(Event::Keys),
        2 => (0_i64..40).prop_map(Event::Wait),
        2 => Just(Event::Live),
        1 => prop_oneof![Just(0.0), Just(0.05), Just(f32::NAN)].prop_map(Event::Measured),
        1 => (0_u8..4).prop_map(Event::Release),
        2 => (0_u8..6).prop_map(Event::Told),
        1 => (0_u8..4).prop_map(Event::Lease),
        1 => prop_oneof![Just((140, 40)), Just((30, 8))].prop_map(|(columns, rows)| Event::Size(columns, rows)),
    ]
}

fn happens(cockpit: &mut Cockpit, event: &Event) {
    match event {
        Event::Keys(keys) => cockpit.effects = cockpit.press(keys),
        Event::Wait(seconds) => cockpit.wait(*seconds),
        Event::Live => cockpit.live(),
        Event::Measured(value) => cockpit.hear(vec![measured(*value)]),
        Event::Release(which) => {
            let over = [
                json!({}),
                crate::support::cockpit::promoted(),
                crate::support::cockpit::aborted(),
                crate::support::cockpit::held(),
            ];
            cockpit.hear(gateway(over[usize::from(*which)].clone()));
        }
        Event::Told(which) => {
            let Some(number) = cockpit.state.guards.mine().first().map(|mine| mine.number) else { return };
            let until = cockpit.state.now + SignedDuration::from_secs(30);
            let states = [
                State::Watching,
                State::Countdown { until },
                State::Acting(Verb::RollBack),
                State::Standby { holder: "kim@desk".into() },
                State::Blind { since: now(), why: "no data".into() },
                State::Ended(End::Disarmed),
            ];
            told(cockpit, number, states[usize::from(*which)].clone());
        }
        Event::Lease(which) => {
            let deadline = Some(cockpit.state.now + SignedDuration::from_secs(20));
            let states = ["watching", "countdown", "held", "cancelled"];
            let state = states[usize::from(*which)];
            let posted = Posted {
                state: state.into(),
                deadline: deadline.filter(|_| state == "countdown"),
                cancelled: (state == "cancelled").then(|| "kim".into()),
                ..Posted::default()
            };
            let version = cockpit.state.now.as_millisecond().to_string();
            cockpit.hear(vec![lease(&posted, &version)]);
        }
        Event::Size(columns, rows) => cockpit.tell(Msg::Resize { columns: *columns, rows: *rows }),
    }
}

proptest! {
    /// A guard is armed by a confirmed dialog with a reason only, and the core never acts by a guard's right; whatever ends one or cancels a
    /// countdown is a key.
    #[test]
    fn guards_come_from_confirmed_dialogs_only(events in prop::collection::vec(event(), 1..80)) {
        let mut cockpit = cockpit();
        for event in &events {
            let (open, counts) = match &cockpit.state.overlay {
                Some(Overlay::Guard(order)) => (Some(order.clone()), false),
                _ => (None, cockpit.state.banner().is_some()),
            };
            let fits = cockpit.state.layout().is_some();
            cockpit.effects.clear();
            happens(&mut cockpit, event);
            let pressed = matches!(event, Event::Keys(_));
            for effect in std::mem::take(&mut cockpit.effects) {
                match effect {
                    Effect::Act(act) => prop_assert_eq!(act.authority, pilothouse::domain::action::Authority::Dialog),
                    Effect::Guard(wish) => match *wish {
                        Wish::Show(..) => {}
                        Wish::Arm { reason, seen, .. } => {
                            let order = open.clone();
                            prop_assert!(pressed && fits && !reason.trim().is_empty());
                            prop_assert!(order.is_some_and(|order| order.seen == *seen));
                        }
                        Wish::Disarm(_) => prop_assert!(pressed && open.is_some()),
                        Wish::Cancel(_) => prop_assert!(pressed && counts),
                        Wish::CancelOthers { .. } => prop_assert!(pressed && (counts || open.is_some())),
                    },
                    _ => {}
                }
            }
        }
    }
}
