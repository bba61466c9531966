//! What is measured, on the screen: the signals of a release, the matrix of all, the chart, alerts and budgets, in all that can be the
//! matter with them; and the keys and the mouse there.

use std::sync::Arc;

use jiff::SignedDuration;
use pilothouse::app::{Effect, Mouse, MouseKind, Msg, Pane, Screen, State, update};
use pilothouse::config::Settings;
use pilothouse::domain::fact::{MetricsNews, News};
use pilothouse::domain::id::{EnvironmentId, Key, Kind};
use pilothouse::domain::signal::analysis_template::Understood;
use pilothouse::domain::signal::{Alerts, Measured, MetricsLink, Recorded, Track};
use pilothouse::domain::slo::RecordedSlo;
use pilothouse::input::Keymap;
use pilothouse::ui::theme::{Depth, Theme, built_in};
use proptest::prelude::*;
use ratatui::layout::Size;
use ratatui::style::Color;

use crate::screens::{SIZES, check, drawn, env, press, settings, tell};
use crate::support::company::{Company, now};
use crate::support::metrics::{self, Course};

fn gateway() -> Key {
    Key::new(Kind::Rollout, "shop", "gateway")
}

fn key(namespace: &str, name: &str) -> Key {
    Key::new(Kind::Rollout, namespace, name)
}

/// The company with a metrics server that has not said anything yet.
fn asked(size: (u16, u16)) -> State {
    let keymap = Keymap::built_in("default").unwrap().unwrap();
    let mut state = State::new(&metrics::measured(settings()), Arc::new(keymap), Size::new(size.0, size.1), now());
    let _ = update(&mut state, &env(), Msg::Facts(Company::all().facts(EnvironmentId(0))));
    state
}

fn found(state: &mut State, key: &Key, course: Course<'_>) {
    let measured = metrics::poll(&metrics::target(state, key), now(), course);
    say(state, measured);
}

fn say(state: &mut State, measured: Measured) {
    tell(state, vec![News::Metrics(MetricsNews::Measured(Arc::new(measured)))]);
}

/// All that moves is measured, and the gateway's signals went like this; the cursor is on it.
fn measured(size: (u16, u16), course: Course<'_>) -> State {
    let mut state = asked(size);
    tell(&mut state, vec![metrics::up()]);
    for (namespace, name) in [("shop", "orders"), ("insight", "intelgraph"), ("shop", "cart"), ("billing", "payments")] {
        found(&mut state, &key(namespace, name), &metrics::calm);
    }
    found(&mut state, &key("shop", "search"), &metrics::gone);
    found(&mut state, &gateway(), course);
    let target = metrics::target(&state, &gateway());
    let orders = metrics::target(&state, &key("shop", "orders"));
    tell(
        &mut state,
        vec![
            metrics::burn(&target, [0.0052, 0.0031, 0.0024, 0.0009, 0.0004, 0.000_009]),
            metrics::burn(&orders, [0.021, 0.02, 0.02, 0.009, 0.003, 0.001_12]),
            metrics::fleet("errors", &[("shop", "pricing", 0.001), ("identity", "auth", 0.04)]),
            metrics::fleet("p95", &[("shop", "pricing", 0.2), ("identity", "auth", 0.31)]),
        ],
    );
    press(&mut state, "gjjjj");
    let _ = update(&mut state, &env(), Msg::Tick(now()));
    state
}

/// Makes a state for a size.
type Make<'a> = &'a dyn Fn((u16, u16)) -> State;

fn pictures(name: &str, sizes: &[(u16, u16)], make: impl Fn((u16, u16)) -> State) {
    for size in sizes {
        check(&format!("signals_{name}_{}x{}", size.0, size.1), &make(*size), &Theme::default());
    }
}

#[test]
fn the_bridge_with_signals() {
    pictures("bridge", &SIZES, |size| measured(size, &metrics::errors));
    pictures("bridge", &[(100, 44)], |size| measured(size, &metrics::errors));
}

/// What the controller judges by and nothing here does is counted where there is little room, and told where there is more.
#[test]
fn what_only_the_controller_judges() {
    for (name, keys, size) in [("bridge", "", (140, 40)), ("bridge", "<tab><tab>", (80, 24)), ("screen", "4", (200, 60))] {
        pictures(&format!("unjudged_{name}"), &[size], |size| {
            let mut state = measured(size, &metrics::errors);
            let odd = ["smoke of release-checks: it asks no Prometheus", "all of golden: it may not be read"].map(Into::into);
            let understood = Understood { signals: Vec::new(), odd: odd.to_vec() };
            tell(&mut state, vec![News::Metrics(MetricsNews::Templates(gateway(), Arc::new(understood)))]);
            press(&mut state, keys);
            state
        });
    }
}

/// No metrics, not answered yet, down, no data, too early, too little traffic, a refused query: each looks different and says what to do.
#[test]
fn signals_in_all_their_states() {
    let sizes = [(140, 40), (80, 24), (40, 12)];
    // On a small terminal the pane is the second one.
    let to_pane = |state: &mut State| {
        if state.size.width < 100 {
            press(state, "<tab><tab>");
        }
    };
    let cases: [(&str, Make<'_>); 9] = [
        ("connecting", &|size| {
            let mut state = asked(size);
            press(&mut state, "gjjjj");
            state
        }),
        ("down", &|size| {
            let mut state = measured(size, &metrics::errors);
            tell(&mut state, vec![metrics::down(130)]);
            let _ = update(&mut state, &env(), Msg::Tick(now() + SignedDuration::from_secs(70)));
            state
        }),
        ("late", &|size| {
            let mut state = measured(size, &metrics::errors);
            let _ = update(&mut state, &env(), Msg::Tick(now() + SignedDuration::from_secs(60)));
            state
        }),
        ("no_samples", &|size| {
            let mut state = asked(size);
            press(&mut state, "gjjjj");
            tell(&mut state, vec![News::Metrics(MetricsNews::Link(MetricsLink::Up { at: now(), millis: 12, sampled: None }))]);
            let nothing = metrics::poll(&metrics::target(&state, &gateway()), now(), &|_, _, _| f32::NAN);
            say(&mut state, nothing);
            state
        }),
        ("no_data", &|size| measured(size, &metrics::gone)),
        ("quiet", &|size| measured(size, &metrics::quiet)),
        ("refused", &|size| {
            let mut state = measured(size, &metrics::calm);
            let mut measured = metrics::poll(&metrics::target(&state, &gateway()), now(), &|_, _, _| f32::NAN);
            for (_, tracks) in measured.signals.iter_mut().take(1) {
                for track in tracks {
                    track.refused = Some("422: bad_data: 1:24: parse error: unexpected character: '|'".into());
                }
            }
            measured.notes.push("PromQL info: metric might not be a counter: 'http_requests' (1:6)".into());
            say(&mut state, measured);
            state
        }),
        ("recorded", &|size| {
            let only_errors = |settings: Settings| {
                let settings = metrics::measured(settings);
                let errors = settings.signals.iter().filter(|signal| &*signal.name == "errors").cloned().collect();
                Settings { signals: errors, slo: None, ..settings }
            };
            let keymap = Keymap::built_in("default").unwrap().unwrap();
            let mut state = State::new(&only_errors(settings()), Arc::new(keymap), Size::new(size.0, size.1), now());
            let _ = update(&mut state, &env(), Msg::Facts(Company::all().facts(EnvironmentId(0))));
            let rules = ["gateway:duration_p95", "gateway:err_rate"].iter().filter_map(|rule| Recorded::of(rule, "x"));
            tell(&mut state, vec![metrics::up(), News::Metrics(MetricsNews::Recorded(rules.collect()))]);
            press(&mut state, "gjjjj");
            let target = metrics::target(&state, &gateway());
            let mut measured = metrics::poll(&target, now(), &metrics::calm);
            for (_, tracks) in measured.signals.iter_mut().filter(|(name, _)| &**name == "p95") {
                tracks.truncate(1);
                tracks[0].track = Track::All;
            }
            say(&mut state, measured);
            let promise = RecordedSlo { source: "Sloth requests-availability".into(), objective: 0.99, period: 2_592_000 };
            let ratios = [0.0052, 0.0031, 0.0024, 0.0009, 0.0004, 0.000_9];
            tell(&mut state, vec![metrics::burn_of(&target, ratios, Some(promise))]);
            state
        }),
        ("early", &|size| {
            let mut state = measured(size, &metrics::calm);
            let web = key("shop", "web");
            found(&mut state, &web, &metrics::calm);
            press(&mut state, "jjj");
            state
        }),
    ];
    for (name, make) in cases {
        pictures(&format!("state_{name}"), &sizes, |size| {
            let mut state = make(size);
            to_pane(&mut state);
            state
        });
    }
}

#[test]
fn the_screen_of_signals() {
    pictures("screen", &SIZES, |size| {
        let mut state = measured(size, &metrics::errors);
        tell(&mut state, vec![metrics::alerts(), metrics::collector()]);
        press(&mut state, "4");
        state
    });
    pictures("screen_alerts_unread", &[(140, 40)], |size| {
        let mut state = measured(size, &metrics::errors);
        let unread = || News::Metrics(MetricsNews::Alerts(Alerts::Unread("503 Service Unavailable".into())));
        tell(&mut state, vec![metrics::alerts(), unread()]);
        press(&mut state, "4");
        state
    });
    pictures("screen_red_use", &[(140, 40)], |size| {
        let mut state = measured(size, &metrics::errors);
        press(&mut state, "4v");
        state
    });
    pictures("screen_unconfigured", &[(140, 40), (40, 12)], |size| {
        let mut state = crate::screens::company(size);
        press(&mut state, "4");
        state
    });
    pictures("screen_nothing", &[(140, 40), (80, 24)], |size| {
        let mut state = asked(size);
        tell(&mut state, vec![metrics::up()]);
        press(&mut state, "4");
        state
    });
    pictures("screen_alerts", &[(80, 24)], |size| {
        let mut state = measured(size, &metrics::errors);
        tell(&mut state, vec![metrics::alerts()]);
        press(&mut state, "4<tab><tab>");
        state
    });
}

#[test]
fn the_chart_of_a_release() {
    pictures("detail", &SIZES, |size| {
        let mut state = measured(size, &metrics::errors);
        press(&mut state, "<enter>");
        if size.0 < 100 {
            press(&mut state, "<tab><tab>");
        }
        state
    });
    pictures("detail_read", &[(140, 40), (80, 24)], |size| {
        let mut state = measured(size, &metrics::errors);
        press(&mut state, "<enter><tab><tab>");
        press(&mut state, &"<left>".repeat(20));
        state
    });
    pictures("detail_gap", &[(140, 40)], |size| {
        let mut state = measured(size, &|signal, track, ago| {
            if (600..900).contains(&ago) { f32::NAN } else { metrics::calm(signal, track, ago) }
        });
        press(&mut state, "<enter><tab><tab>");
        state
    });
}

#[test]
fn alerts_stand_above_everything_in_now() {
    pictures("alerts_now", &[(140, 40), (80, 24)], |size| {
        let mut state = measured(size, &metrics::errors);
        tell(&mut state, vec![metrics::alerts(), metrics::collector()]);
        if size.0 < 100 {
            press(&mut state, "<tab><tab><tab>");
        }
        state
    });
}

#[test]
fn signals_without_colour_and_in_ascii() {
    let plain = Theme::parse("harbor", built_in("harbor").unwrap(), Depth::None).unwrap();
    let mut ascii = plain.clone();
    ascii.ascii = true;
    for (name, keys) in [("bridge", ""), ("detail", "<enter><tab><tab><left><left>"), ("screen", "4")] {
        let mut state = measured((140, 40), &metrics::errors);
        tell(&mut state, vec![metrics::alerts(), metrics::collector()]);
        press(&mut state, keys);
        check(&format!("signals_colourless_{name}"), &state, &plain);
        check(&format!("signals_ascii_{name}"), &state, &ascii);
        let odd: String =
            drawn(&state, &ascii).content.iter().map(|cell| cell.symbol()).filter(|symbol| !symbol.is_ascii()).collect();
        assert!(odd.is_empty(), "{name}: {odd} have no ASCII form");
        let coloured = drawn(&state, &plain).content.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        assert!(!coloured, "{name}: something is coloured");
    }
}

/// What moved in a signal is told once, and that it is over; a gap ends nothing.
#[test]
fn breaches_are_told_in_now() {
    let mut state = measured((140, 40), &metrics::calm);
    let told = |state: &State| {
        let lines = state.environment().notices.lines();
        lines.filter(|line| line.about == Some(gateway())).map(|line| line.text.to_string()).collect::<Vec<_>>()
    };
    let before = told(&state).len();
    found(&mut state, &gateway(), &metrics::errors);
    found(&mut state, &gateway(), &metrics::errors);
    assert_eq!((told(&state)[0].as_str(), told(&state).len()), ("errors 1.91% over 1% (canary)", before + 1));
    found(&mut state, &gateway(), &metrics::gone);
    assert_eq!(told(&state).len(), before + 1);
    found(&mut state, &gateway(), &metrics::calm);
    assert!(told(&state)[0].starts_with("errors 0.31% within 1% again, after 4:"), "{:?}", told(&state));
    tell(&mut state, vec![metrics::down(1)]);
    tell(&mut state, vec![metrics::down(1)]);
    tell(&mut state, vec![metrics::up()]);
    let lines: Vec<_> = state.environment().notices.lines().take(2).map(|line| line.text.to_string()).collect();
    assert!(lines[0].starts_with("the metrics server answers again") && lines[1].contains("does not answer"), "{lines:?}");
}

fn effects(state: &mut State, keys: &[&str]) -> Vec<Effect> {
    keys.iter().flat_map(|key| update(state, &env(), Msg::Key(key.parse().unwrap()))).collect()
}

fn asked_chart(effects: Vec<Effect>) -> Option<pilothouse::app::Chart> {
    effects.into_iter().find_map(|effect| if let Effect::Chart(chart) = effect { Some(*chart) } else { None })
}

#[test]
fn a_longer_span_is_asked_for_once_it_rests() {
    let mut state = measured((140, 40), &metrics::errors);
    press(&mut state, "<enter><tab><tab>");
    assert_eq!(state.focus, Pane::Chart);
    // The canary is eleven minutes old.
    assert_eq!(state.chart.seconds(), 900);
    assert_eq!(asked_chart(effects(&mut state, &["minus", "minus", "minus"])), None);
    assert_eq!(state.chart.seconds(), 10_800);
    let wake = state.next_wake();
    let chart = asked_chart(update(&mut state, &env(), Msg::Tick(wake))).expect("a question");
    let seconds = chart.end.duration_since(chart.start).as_secs();
    assert!(
        chart.start <= wake - SignedDuration::from_secs(10_800) && seconds / i64::from(chart.step) < 11_000,
        "{seconds} by {}",
        chart.step
    );
    // It is not asked twice, and an answer to another question is none.
    assert_eq!(asked_chart(update(&mut state, &env(), Msg::Tick(wake + SignedDuration::from_secs(5)))), None);
    let answer = metrics::over(&chart.target, (chart.start, chart.end, chart.step), &metrics::calm);
    let _ = update(&mut state, &env(), Msg::Charted { number: chart.number + 1, measured: Box::new(Err("no".to_owned())) });
    assert_eq!(pilothouse::app::chart::known(&state), pilothouse::app::chart::Known::Asking);
    let _ = update(&mut state, &env(), Msg::Charted { number: chart.number, measured: Box::new(Ok(answer)) });
    assert_eq!(pilothouse::app::chart::known(&state), pilothouse::app::chart::Known::All);
    assert_eq!(asked_chart(effects(&mut state, &["]", "]"])), None);
    check("signals_detail_longer_140x40", &state, &Theme::default());
    // Further back than what was answered.
    assert_eq!(asked_chart(effects(&mut state, &["shift-left", "<", "<", "<"])), None);
    let wake = state.next_wake();
    assert!(asked_chart(update(&mut state, &env(), Msg::Tick(wake))).is_some());
    check("signals_detail_earlier_140x40", &state, &Theme::default());
}

#[test]
fn the_chart_is_read_with_keys_and_the_mouse() {
    let mut state = measured((140, 40), &metrics::errors);
    press(&mut state, "4<enter>");
    assert_eq!((&state.screen, state.focus), (&Screen::Detail(gateway()), Pane::Chart));
    let name = |state: &State| state.chart.signal(state, &gateway()).map(|name| name.to_string()).unwrap_or_default();
    // The one that is over its limit comes first.
    assert_eq!(name(&state), "errors");
    press(&mut state, "jj");
    assert_eq!(name(&state), "traffic");
    press(&mut state, "][");
    assert_eq!(name(&state), "traffic");
    press(&mut state, "<left><left><right>");
    let read = state.chart.cursor().expect("a moment");
    let area = state.layout().unwrap().pane(Pane::Chart).unwrap();
    let mouse = |state: &mut State, what, column, row| update(state, &env(), Msg::Mouse(Mouse { what, column, row }));
    let _ = mouse(&mut state, MouseKind::Press, area.x + 30, area.y + 8);
    assert!(state.chart.cursor().is_some_and(|moment| moment < read));
    let _ = mouse(&mut state, MouseKind::ScrollDown, area.x + 30, area.y + 8);
    assert!(state.chart.seconds() > 900);
    press(&mut state, "<esc>");
    assert_eq!((state.chart.cursor(), &state.screen), (None, &Screen::Detail(gateway())));
    press(&mut state, "<esc>");
    assert_eq!(state.screen, Screen::Signals);
}

#[test]
fn the_matrix_has_a_cursor_and_keys_are_about_what_is_under_it() {
    let mut state = measured((140, 40), &metrics::errors);
    press(&mut state, "4gj");
    assert_eq!(state.subject(), Some(&gateway()));
    let rows = state.layout().unwrap().rows.unwrap();
    let click = |state: &mut State, line: u16| {
        update(state, &env(), Msg::Mouse(Mouse { what: MouseKind::Press, column: rows.x + 5, row: rows.y + line }))
    };
    let _ = click(&mut state, 0);
    assert_eq!(state.subject(), Some(&key("identity", "auth")));
    let _ = click(&mut state, 1);
    let _ = click(&mut state, 1);
    assert_eq!(state.screen, Screen::Detail(gateway()));
    press(&mut state, "4R");
    assert!(state.dialog().is_some_and(|dialog| dialog.seen.key == gateway()));
}

#[test]
fn the_link_has_the_span_on_the_screen() {
    let mut state = measured((140, 40), &metrics::errors);
    press(&mut state, "<enter><tab><tab>");
    let link =
        effects(&mut state, &["o"]).into_iter().find_map(|effect| if let Effect::Open(link) = effect { Some(link) } else { None });
    let from = (now() - SignedDuration::from_secs(900)).as_millisecond();
    let expected = format!(
        "https://grafana.harbor.example/d/golden/signals?from={from}&to=now&var-namespace=shop&var-service=gateway&refresh=10s"
    );
    assert_eq!(link, Some(expected.clone()));
    // What nothing opens is copied, and why is said.
    let told = |state: &mut State, done| update(state, &env(), Msg::Opened { page: expected.clone(), done });
    assert_eq!(told(&mut state, Ok("xdg-open".to_owned())), []);
    assert_eq!(state.toast.as_ref().map(|toast| toast.text.clone()), Some(format!("xdg-open has {expected}")));
    assert_eq!(told(&mut state, Err("firefox failed: exit status: 1".to_owned())), [Effect::Copy(expected.clone())]);
    assert_eq!(state.toast.map(|toast| toast.text), Some(format!("firefox failed: exit status: 1: copied {expected}")));
    let mut state = crate::screens::company((140, 40));
    assert!(!effects(&mut state, &["o"]).iter().any(|effect| matches!(effect, Effect::Open(_))));
    assert!(state.toast.is_some_and(|toast| toast.text.starts_with("no link is configured")));
}

/// An environment without metrics takes the keys from panes that it does not have.
#[test]
fn the_focus_stays_where_there_is_a_pane() {
    let mut state = measured((140, 40), &metrics::errors);
    press(&mut state, "<tab><tab>");
    assert_eq!(state.focus, Pane::Signals);
    let _ = update(&mut state, &env(), Msg::Facts(Company::fleet(3).facts(EnvironmentId(1))));
    press(&mut state, "ej<enter>");
    assert_eq!((state.shown, state.focus), (EnvironmentId(1), Pane::Rollouts));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever is measured, pressed and asked: drawing draws, and the cursor is where it can be.
    #[test]
    fn drawing_what_is_measured_never_panics(width in 0_u16..260, height in 0_u16..80, keys in "[jkhlgG\\[\\]v+=o4z1-]{0,12}", opens: bool, late in 0_i64..400, odd in prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::MAX, -1.0, 0.0])) {
        let course = |signal: &str, track, ago: i64| if ago % 7 == 0 { odd } else { metrics::errors(signal, track, ago) };
        let mut state = measured((width, height), &course);
        tell(&mut state, vec![metrics::alerts(), metrics::collector()]);
        if opens {
            press(&mut state, "<enter><tab><tab>");
        }
        press(&mut state, &keys);
        let _ = update(&mut state, &env(), Msg::Tick(now() + SignedDuration::from_secs(late)));
        prop_assert!(state.next_wake() > state.now);
        drawn(&state, &Theme::default());
        let (start, end) = state.chart.window(state.now);
        prop_assert!(start < end && end <= state.now);
    }
}
