//! Every screen as a picture: letters and styles, at four sizes, in the states that a captain meets.
//! `LOOK=folder cargo test screens` writes each picture as a PNG too.

use std::sync::Arc;

use jiff::SignedDuration;
use pilothouse::app::{Env, Msg, State, update};
use pilothouse::config::{self, Settings, Tier};
use pilothouse::domain::contents::{Contents, NamedBy};
use pilothouse::domain::fact::{Fact, Link, News, Reading};
use pilothouse::domain::id::{EnvironmentId, Kind};
use pilothouse::domain::ledger::LedgerView;
use pilothouse::input::Keymap;
use pilothouse::log::Line;
use pilothouse::ui;
use pilothouse::ui::theme::{BUILT_IN, Depth, Theme, built_in};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::Color;
use tracing::Level;

use crate::support::company::{Company, Service, health, now};
use crate::support::picture::picture;
use crate::support::record::{contents, ledger};

pub const SIZES: [(u16, u16); 4] = [(200, 60), (140, 40), (80, 24), (40, 12)];

pub fn settings() -> Settings {
    let environment = |name: &str, tier| config::Environment {
        name: name.to_owned(),
        context: Some(name.to_owned()),
        tier,
        ..config::Environment::current()
    };
    let environments =
        vec![environment("prod-us-east-1", Tier::Prod), environment("stage", Tier::Stage), environment("sandbox", Tier::Dev)];
    Settings { environments, ..Settings::default() }
}

pub fn env() -> Env {
    Env { themes: vec!["harbor".to_owned()], bell: false }
}

fn start(size: (u16, u16)) -> State {
    let keymap = Keymap::built_in("default").unwrap().unwrap();
    State::new(&settings(), Arc::new(keymap), Size::new(size.0, size.1), now())
}

pub fn tell(state: &mut State, news: Vec<News>) {
    let facts = news.into_iter().map(|news| Fact { environment: EnvironmentId(0), epoch: 0, news }).collect();
    let _ = update(state, &env(), Msg::Facts(facts));
}

pub fn company(size: (u16, u16)) -> State {
    let mut state = start(size);
    let _ = update(&mut state, &env(), Msg::Facts(Company::all().facts(EnvironmentId(0))));
    let _ = update(&mut state, &env(), Msg::Facts(Company::fleet(3).facts(EnvironmentId(1))));
    state
}

/// Presses keys, written as `j`, `<enter>`, `<ctrl-d>`.
pub fn press(state: &mut State, keys: &str) {
    let mut rest = keys;
    while let Some(letter) = rest.chars().next() {
        let (key, tail) = match rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
            Some((name, tail)) => (name.to_owned(), tail),
            None if letter == ' ' => ("space".to_owned(), &rest[1..]),
            None => (letter.to_string(), &rest[letter.len_utf8()..]),
        };
        let _ = update(state, &env(), Msg::Key(key.parse().unwrap()));
        rest = tail;
    }
}

fn theme(name: &str) -> Theme {
    Theme::parse(name, built_in(name).unwrap(), Depth::True).unwrap()
}

pub fn drawn(state: &State, theme: &Theme) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.width, state.size.height));
    ui::draw(state, theme, &mut buffer);
    buffer
}

pub fn check(name: &str, state: &State, theme: &Theme) {
    let buffer = drawn(state, theme);
    if let Ok(folder) = std::env::var("LOOK") {
        let ground = ui::export::Ground::of(theme.mode);
        std::fs::write(format!("{folder}/{name}.png"), ui::export::png(&buffer, &ground).unwrap()).unwrap();
    }
    insta::assert_snapshot!(name, picture(&buffer));
}

fn everywhere(name: &str, keys: &str) {
    for size in SIZES {
        let mut state = company(size);
        press(&mut state, keys);
        check(&format!("{name}_{}x{}", size.0, size.1), &state, &Theme::default());
    }
}

fn on(name: &str, sizes: &[(u16, u16)], make: impl Fn((u16, u16)) -> State) {
    for size in sizes {
        check(&format!("{name}_{}x{}", size.0, size.1), &make(*size), &Theme::default());
    }
}

#[test]
fn bridge() {
    everywhere("bridge", "jjj");
}

#[test]
fn rollouts() {
    everywhere("rollouts", "3jj");
}

#[test]
fn detail_of_a_canary() {
    everywhere("detail", "jjj<enter>");
}

#[test]
fn detail_of_what_is_stuck_or_aborted() {
    for (name, keys) in [
        ("aborted", "jj<enter>"),
        ("stuck", "/search<enter><enter>"),
        ("bluegreen", "<enter>"),
        ("flagger", "/podinfo<enter><enter>"),
    ] {
        let mut state = company((140, 40));
        press(&mut state, keys);
        check(&format!("detail_{name}_140x40"), &state, &Theme::default());
    }
}

#[test]
fn panes_alone() {
    on("zoomed_tree", &[(80, 24)], |size| {
        let mut state = company(size);
        press(&mut state, "jjj<enter><tab>z");
        state
    });
    on("zoomed_release", &[(140, 40), (80, 24)], |size| {
        let mut state = company(size);
        press(&mut state, "jjj<tab>z");
        state
    });
}

#[test]
fn windows() {
    for (name, keys) in [("help", "?"), ("environments", "e"), ("filter", "/ga")] {
        on(name, &[(140, 40), (80, 24), (40, 12)], |size| {
            let mut state = company(size);
            press(&mut state, keys);
            state
        });
    }
}

/// The company with its ledger read.
fn recorded(size: (u16, u16)) -> State {
    let mut state = company(size);
    let _ = update(&mut state, &env(), Msg::Ledger(Box::new(ledger())));
    state
}

#[test]
fn the_palette() {
    for (name, keys) in
        [("empty", ":"), ("typed", ":open ga"), ("nothing", ":zzz"), ("ticket", ":ticket INC-123"), ("others", ":st")]
    {
        let sizes: &[_] = if name == "typed" { &SIZES } else { &[(140, 40), (40, 12)] };
        on(&format!("palette_{name}"), sizes, |size| {
            let mut state = recorded(size);
            press(&mut state, &format!("jjj{keys}"));
            state
        });
    }
}

#[test]
fn the_ledger() {
    for (name, keys) in [("list", "7"), ("act", "7jj<enter>")] {
        on(&format!("ledger_{name}"), &SIZES, |size| {
            let mut state = recorded(size);
            press(&mut state, keys);
            state
        });
    }
    on("ledger_filter", &[(140, 40), (40, 12)], |size| {
        let mut state = recorded(size);
        press(&mut state, "7/dana roll");
        state
    });
}

/// Loading, empty, filtered away and not readable are different things.
#[test]
fn a_ledger_without_acts() {
    let problem = "/home/dana/.local/state/pilothouse/ledger: Permission denied (os error 13).";
    let views = [
        ("loading", None, "7"),
        ("empty", Some(LedgerView::default()), "7"),
        ("hidden", Some(ledger()), "7/nobody"),
        ("unreadable", Some(LedgerView { problem: Some(problem.to_owned()), ..LedgerView::default() }), "7"),
        ("old", Some(LedgerView { problem: Some(problem.to_owned()), ..ledger() }), "7"),
    ];
    for (name, view, keys) in views {
        on(&format!("ledger_{name}"), &[(140, 40), (40, 12)], |size| {
            let mut state = company(size);
            if let Some(view) = &view {
                let _ = update(&mut state, &env(), Msg::Ledger(Box::new(view.clone())));
            }
            press(&mut state, keys);
            state
        });
    }
}

/// What people did stands in *Now* and in the time line of the release.
#[test]
fn acts_where_things_happen() {
    on("acts_now", &[(140, 40), (80, 24)], |size| {
        let mut state = recorded(size);
        press(&mut state, if size.0 == 80 { "<tab><tab>" } else { "jjj" });
        state
    });
    on("acts_detail", &[(140, 40)], |size| {
        let mut state = recorded(size);
        press(&mut state, "jjj<enter>");
        state
    });
}

#[test]
fn what_is_in_a_release() {
    let first = Contents { stable: None, differences: Vec::new(), references: Vec::new(), refused: Vec::new(), ..contents() };
    let both = contents().references.into_iter().filter(|named| named.by == NamedBy::Both).collect();
    let settled = Contents { stable: Some(contents().newest), differences: Vec::new(), references: both, ..contents() };
    let same = Contents { differences: Vec::new(), refused: Vec::new(), ..contents() };
    let refused = "replicasets.apps is forbidden: User \"dana\" cannot list resource \"replicasets\" in API group \"apps\" in the namespace \"shop\".";
    let cases = [
        ("whole", Some(Ok(contents())), &SIZES[..]),
        ("loading", None, &[(140, 40), (40, 12)]),
        ("refused", Some(Err(refused.to_owned())), &[(140, 40), (40, 12)]),
        ("first", Some(Ok(first)), &[(140, 40)]),
        ("settled", Some(Ok(settled)), &[(140, 40)]),
        ("same", Some(Ok(same)), &[(140, 40)]),
    ];
    for (name, found, sizes) in cases {
        on(&format!("contents_{name}"), sizes, |size| {
            let mut state = company(size);
            press(&mut state, "jjjd");
            if let Some(found) = found.clone() {
                let _ = update(&mut state, &env(), Msg::Inspected { number: 1, contents: Box::new(found) });
            }
            state
        });
    }
}

#[test]
fn log_page() {
    let line = |seconds, level, target: &str, text: &str| Line {
        at: now() - SignedDuration::from_secs(seconds),
        level,
        target: target.into(),
        text: text.into(),
    };
    on("log", &[(140, 40), (80, 24), (40, 12)], |size| {
        let mut state = company(size);
        press(&mut state, "!");
        let lines = vec![
            line(95, Level::INFO, "pilothouse::wire", "reading prod-us-east-1, stage, sandbox"),
            line(94, Level::DEBUG, "pilothouse::source::kube::watch", "prod-us-east-1: streaming list of rollouts"),
            line(
                61,
                Level::WARN,
                "pilothouse::source::kube::watch",
                "stage: the watch of analysisruns ended: too old resource version; reading it anew",
            ),
            line(
                3,
                Level::ERROR,
                "pilothouse::source::kube::connect",
                "sandbox: connection refused (127.0.0.1:6443), again in 4 s",
            ),
        ];
        let _ = update(&mut state, &env(), Msg::Log(lines));
        state
    });
}

/// Loading, empty, not installed, denied, one namespace only, unreachable: each says what to do.
#[test]
fn lists_without_rows() {
    let readings = |reading: Reading| {
        vec![
            health(Link::Up { millis: 7 }, now()),
            News::Reading(Kind::Rollout, reading.clone()),
            News::Reading(Kind::Canary, reading),
        ]
    };
    let refused = "rollouts.argoproj.io is forbidden: User \"dana\" cannot list resource \"rollouts\" in API group \"argoproj.io\" at the cluster scope";
    let down = Link::Down { reason: "connect to https://10.20.0.1:6443: connection refused".to_owned() };
    let cases = [
        ("connecting", vec![]),
        ("loading", readings(Reading::Loading)),
        ("empty", readings(Reading::Live)),
        ("not_installed", readings(Reading::NotInstalled)),
        ("denied", readings(Reading::Denied(refused.to_owned()))),
        ("narrowed", readings(Reading::Narrowed(format!("only namespace shop: {refused}")))),
        ("failing", readings(Reading::Failing("the server answered 500: etcdserver: request timed out".to_owned()))),
        ("unreachable", vec![health(down, now())]),
    ];
    for (name, news) in cases {
        for size in [(140, 40), (80, 24), (40, 12)] {
            let mut state = start(size);
            let _ = update(&mut state, &env(), Msg::Tick(now() + SignedDuration::from_secs(5)));
            tell(&mut state, news.clone());
            check(&format!("says_{name}_{}x{}", size.0, size.1), &state, &Theme::default());
        }
    }
}

/// What is old stays, dimmed, with its age; a list of which only a part may be read says so beside its rows.
#[test]
fn old_data_looks_old() {
    on("late", &[(140, 40), (80, 24), (40, 12)], |size| {
        let mut state = company(size);
        let _ = update(&mut state, &env(), Msg::Tick(now() + SignedDuration::from_secs(14)));
        state
    });
    on("down", &[(140, 40), (80, 24), (40, 12)], |size| {
        let mut state = company(size);
        let later = now() + SignedDuration::from_secs(125);
        let _ = update(&mut state, &env(), Msg::Tick(later));
        tell(&mut state, vec![health(Link::Down { reason: "connection refused".to_owned() }, later)]);
        state
    });
    on("narrowed", &[(140, 40)], |size| {
        let mut state = company(size);
        tell(
            &mut state,
            vec![News::Reading(
                Kind::Rollout,
                Reading::Narrowed("only namespace shop is read: listing all is forbidden".to_owned()),
            )],
        );
        state
    });
}

#[test]
fn long_names_and_wide_letters() {
    on("odd_names", &SIZES, |size| {
        let mut state = start(size);
        let mut company = Company::default();
        company.calm(
            "team-with-a-namespace-as-long-as-kubernetes-allows-it-to-be-really",
            "a-service-whose-name-is-sixty-three-letters-long-which-is-legal",
            3,
        );
        company.calm("港口", "港口控制塔導航服務", 4);
        company.calm("x", "y", 5);
        let service = Service {
            namespace: "出荷",
            name: "注文管理サービス本番環境用",
            replicas: 1000,
            stable: (998, "2026.03.02-1403-build-98213-g0a1b2c3d4e5f"),
            canary: Some((999, "2026.03.02-1630-build-98240-g6a7b8c9d0e1f")),
            pods: (3, 1),
        };
        company.add(&service, serde_json::json!({}), 40);
        let _ = update(&mut state, &env(), Msg::Facts(company.facts(EnvironmentId(0))));
        state
    });
}

#[test]
fn without_colour_and_in_ascii() {
    for size in [(140, 40), (80, 24)] {
        let mut state = company(size);
        press(&mut state, "jjj");
        let plain = Theme::parse("harbor", built_in("harbor").unwrap(), Depth::None).unwrap();
        check(&format!("colourless_{}x{}", size.0, size.1), &state, &plain);
        let mut ascii = plain.clone();
        ascii.ascii = true;
        check(&format!("ascii_{}x{}", size.0, size.1), &state, &ascii);
        assert!(drawn(&state, &ascii).content.iter().all(|cell| cell.symbol().is_ascii()), "something has no ASCII form");
        assert!(
            drawn(&state, &plain).content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset),
            "something is coloured"
        );
    }
}

#[test]
fn every_screen_has_an_ascii_form() {
    let mut ascii = Theme::default();
    ascii.ascii = true;
    for keys in [":open ga", ":ticket INC-123", "7", "7j<enter>", "7/zzz", "jjjd", "!", "?", "jjj<enter>"] {
        let mut state = recorded((140, 40));
        press(&mut state, keys);
        let _ = update(&mut state, &env(), Msg::Inspected { number: 1, contents: Box::new(Ok(contents())) });
        let odd: String =
            drawn(&state, &ascii).content.iter().map(|cell| cell.symbol()).filter(|symbol| !symbol.is_ascii()).collect();
        assert!(odd.is_empty(), "{keys}: {odd} have no ASCII form");
    }
}

#[test]
fn themes() {
    for (name, _) in BUILT_IN {
        let mut state = company((140, 40));
        press(&mut state, "jjj");
        check(&format!("theme_{name}"), &state, &theme(name));
    }
}

#[test]
fn production_is_named_at_every_size() {
    let mut state = company((80, 24));
    for columns in 20..200 {
        for rows in [8, 12, 24, 40] {
            let _ = update(&mut state, &env(), Msg::Resize { columns, rows });
            let text = ui::export::plain(&drawn(&state, &Theme::default()));
            assert!(text.contains("PROD"), "{columns}x{rows}:\n{text}");
        }
    }
}

/// Only the window is worked out: ten thousand releases cost a frame no more than a hundred.
#[test]
fn a_large_fleet_is_drawn_by_its_window() {
    let mut state = start((200, 60));
    let _ = update(&mut state, &env(), Msg::Facts(Company::fleet(10_000).facts(EnvironmentId(0))));
    press(&mut state, "3G");
    let text = ui::export::plain(&drawn(&state, &Theme::default()));
    assert!(text.contains("service-09999") && text.contains("of 10000"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever the size, the keys pressed and the state of the source: drawing draws.
    #[test]
    fn drawing_never_panics(width in 0_u16..300, height in 0_u16..100, read: bool, keys in "[jkhlGgsrez?!/137td:]{0,6}", enter in 0_usize..3, late in 0_i64..400, ascii: bool) {
        let mut state = if read { recorded((width, height)) } else { company((width, height)) };
        press(&mut state, &keys);
        press(&mut state, &"<enter>".repeat(enter));
        let _ = update(&mut state, &env(), Msg::Inspected { number: 1, contents: Box::new(Ok(contents())) });
        press(&mut state, "<tab>");
        let _ = update(&mut state, &env(), Msg::Tick(now() + SignedDuration::from_secs(late)));
        let mut theme = Theme::default();
        theme.ascii = ascii;
        drawn(&state, &theme);
        // A frame of another size than the core knows of yet: a resize is under way.
        let mut other = Buffer::empty(Rect::new(0, 0, height, width.min(60)));
        ui::draw(&state, &theme, &mut other);
    }
}
