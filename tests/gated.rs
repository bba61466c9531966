//! What gates do to keys: they block what goes forward, never what goes back, and an override is one act's own.

use jiff::SignedDuration;
use pilothouse::app::Effect;
use pilothouse::config::{Freeze, When};
use pilothouse::domain::action::{Act, Gates, Outcome, Standing, Verb, What};
use pilothouse::domain::fact::{MetricsNews, News};
use pilothouse::domain::signal::MetricsLink;
use proptest::prelude::*;
use serde_json::json;

use crate::support::cockpit::{Cockpit, acts, allowed, analysed, canary, gateway, held, now};
use crate::support::signals::settings;

const GOOD: f32 = 0.002;
const BAD: f32 = 0.018;

fn blocked(cockpit: &mut Cockpit, keys: &str, words: &str) {
    assert_eq!(acts(cockpit.press(keys)), [], "{keys}");
    assert!(cockpit.window().contains(words), "{keys}: {}", cockpit.window());
}

#[test]
fn a_red_gate_blocks_forward_with_its_arithmetic() {
    for (key, mend) in
        [("P", "errors blocks it: Esc, then O overrides with a reason"), ("F", "errors blocks it; step by step, Esc")]
    {
        let mut cockpit = Cockpit::measured(BAD);
        cockpit.opens_allowed(key);
        blocked(&mut cockpit, "because<ctrl-s><enter><enter>", mend);
        let window = cockpit.window();
        assert!(window.contains("gates errors 1.8% > 1%") && window.contains("(canary, 6,000 requests)"), "{window}");
        assert!(window.contains(" p95 400ms < 1.5s") && window.contains(": not now]"), "{window}");
    }
}

#[test]
fn green_gates_let_through_and_go_along_as_evidence() {
    let mut cockpit = Cockpit::measured(GOOD);
    cockpit.opens_allowed("P");
    assert!(cockpit.window().contains("gates errors 0.2% < 1%"), "{}", cockpit.window());
    let act = cockpit.acts("gates green<ctrl-s>").remove(0);
    assert_eq!((act.gates.standing, act.gates.overridden, act.gates.judgements.len()), (Standing::Judged, false, 2));
    assert_eq!(act.gates.refuse(&act.plan, true), None);
}

#[test]
fn a_verdict_that_turns_red_blocks_at_once() {
    let mut cockpit = Cockpit::measured(GOOD);
    cockpit.opens_allowed("P");
    cockpit.press("gates green");
    cockpit.wait(1);
    cockpit.errors(BAD, GOOD);
    blocked(&mut cockpit, "<ctrl-s>", "errors blocks it");
    assert_eq!(cockpit.dialog().reason.text(), "gates green");
    cockpit.wait(1);
    cockpit.errors(GOOD, GOOD);
    assert_eq!(cockpit.acts("<ctrl-s>").len(), 1);
}

#[test]
fn nothing_configured_blocks_nothing_and_nothing_measured_blocks() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    cockpit.opens_allowed("P");
    assert!(cockpit.window().contains("gates none: no metrics are configured here"), "{}", cockpit.window());
    assert_eq!(cockpit.acts("why<ctrl-s>")[0].gates, Gates::no_metrics());
    let mut cockpit = Cockpit::with(&settings(), gateway(json!({})));
    cockpit.opens_allowed("P");
    blocked(&mut cockpit, "why<ctrl-s>", "errors, p95 block it");
    assert!(cockpit.window().contains("errors no data"), "{}", cockpit.window());
    assert_eq!(cockpit.acts("<esc>R<enter>")[0].reason, "operator decision, no data");
}

#[test]
fn a_dead_server_blocks_forward_and_never_back() {
    let mut cockpit = Cockpit::measured(GOOD);
    let since = cockpit.state.now;
    cockpit.hear(vec![News::Metrics(MetricsNews::Link(MetricsLink::Down { since, reason: "connection refused".into() }))]);
    cockpit.wait(120);
    cockpit.live();
    cockpit.opens_allowed("P");
    blocked(&mut cockpit, "why<ctrl-s>", "errors, p95 block it");
    for key in ["R", "A", "H"] {
        let mut cockpit = Cockpit::measured(BAD);
        cockpit.hear(vec![News::Metrics(MetricsNews::Link(MetricsLink::Down { since, reason: "connection refused".into() }))]);
        cockpit.wait(120);
        assert_eq!(cockpit.acts(&format!("{key}<enter>")).len(), 1, "{key}");
    }
}

#[test]
fn an_override_is_one_act_of_one_dialog() {
    let mut cockpit = Cockpit::measured(BAD);
    cockpit.opens_allowed("O");
    let window = cockpit.window();
    assert!(window.contains("override errors: promote 25→50 %") && window.contains("say why: it is recorded"), "{window}");
    assert_eq!(cockpit.acts("<ctrl-s>"), []);
    let act = cockpit.acts("the errors are those of the load test<ctrl-s>").remove(0);
    assert_eq!((act.plan.verb, act.gates.overridden, act.gates.names().as_str()), (Verb::Promote, true, "errors"));
    assert_eq!(act.gates.refuse(&act.plan, true), None);
    cockpit.report(&act, What::Ended(Outcome::Refused("It moved.".into())));
    assert!(cockpit.window().contains("override errors"), "its own dialog is back: {}", cockpit.window());
    cockpit.press("<esc>");
    // Nothing of it is left for the next key.
    cockpit.opens_allowed("P");
    assert_eq!((cockpit.dialog().overrides.as_ref(), cockpit.dialog().reason.text()), (None, ""));
    blocked(&mut cockpit, "why<ctrl-s>", "errors blocks it");
}

#[test]
fn an_override_covers_only_the_gates_that_were_read() {
    let mut cockpit = Cockpit::measured(GOOD);
    cockpit.opens_allowed("O");
    assert!(cockpit.window().contains("nothing blocks it: this is a plain promotion"), "{}", cockpit.window());
    cockpit.press("why");
    cockpit.wait(1);
    cockpit.errors(BAD, GOOD);
    blocked(&mut cockpit, "", "this blocks it since: errors 1.8% > 1%");
    assert!(cockpit.window().contains("[⏎ look again]"), "{}", cockpit.window());
    assert_eq!(cockpit.acts("<ctrl-s>"), []);
    let act = cockpit.acts("<ctrl-s>").remove(0);
    assert!(act.gates.overridden);
    let mut cockpit = Cockpit::measured(GOOD);
    cockpit.opens_allowed("O");
    assert!(!cockpit.acts("why<ctrl-s>")[0].gates.overridden, "there was nothing to override");
}

#[test]
fn what_lets_traffic_go_on_is_gated_and_the_rest_is_not() {
    let with = |over| {
        let mut cockpit = Cockpit::with(&settings(), gateway(over));
        cockpit.errors(BAD, GOOD);
        cockpit.effects.clear();
        cockpit
    };
    // Held at a pause without an end: somebody has to promote it all the same.
    let mut still = with(held());
    still.opens_allowed("N");
    assert_eq!(still.acts("why<ctrl-s>").len(), 1);
    let running =
        json!({"spec": {"paused": true}, "status": {"controllerPause": null, "pauseConditions": null, "currentStepIndex": 2}});
    let mut moving = with(running.clone());
    moving.opens_allowed("N");
    blocked(&mut moving, "why<ctrl-s>", "block");
    let mut moving = with(running);
    moving.opens_allowed("O");
    assert_eq!(moving.acts("why<ctrl-s>")[0].plan.verb, Verb::Resume);
    for key in ["S", "E"] {
        let mut cockpit = with(analysed());
        let review = cockpit.opens(key);
        cockpit.answer(&review, allowed(&review));
        let choose = if cockpit.dialog().plan().is_none() { "2" } else { "" };
        blocked(&mut cockpit, &format!("<down><down><down>{choose}<up><up>why<ctrl-s>"), "block");
    }
    let mut restart = with(json!({}));
    restart.opens_allowed("X");
    assert_eq!(restart.acts("why<ctrl-s>").len(), 1);
}

#[test]
fn the_way_back_says_what_is_broken() {
    let reason = |over, keys: &str| {
        let mut cockpit = Cockpit::with(&settings(), gateway(over));
        cockpit.errors(BAD, GOOD);
        cockpit.acts(keys).remove(0).reason
    };
    for keys in ["R<enter>", "A<enter>", "H<enter>"] {
        assert!(reason(json!({}), keys).starts_with("canary errors 1.8% > 1% for "), "{}", reason(json!({}), keys));
    }
    let mut cockpit = Cockpit::measured(GOOD);
    assert_eq!(cockpit.acts("R<enter>")[0].reason, "operator decision, no signal over its limit");
}

#[test]
fn the_footer_offers_the_override_where_something_blocks() {
    let mut cockpit = Cockpit::measured(BAD);
    let footer = cockpit.footer();
    let first: Vec<&str> = footer.iter().take(5).map(String::as_str).collect();
    assert_eq!(first, ["R roll back gateway", "H hold", "P 25→50% (not now)", "O override errors", "F →100% (not now)"]);
    cockpit.wait(1);
    cockpit.errors(GOOD, GOOD);
    assert!(!cockpit.footer().iter().any(|hint| hint.contains("override")), "{:?}", cockpit.footer());
}

#[test]
fn what_goes_on_by_itself_is_said_with_the_key_against_it() {
    let timed = json!({"spec": {"strategy": {"canary": {"steps": [{"setWeight": 25}, {"pause": {"duration": "10m"}}, {"setWeight": 50}]}}}});
    let mut cockpit = Cockpit::with(&settings(), gateway(timed));
    cockpit.errors(BAD, GOOD);
    cockpit.opens("P");
    assert!(cockpit.window().contains("ahead goes to 50% BY ITSELF in 8:2"), "{}", cockpit.window());
    assert!(cockpit.window().contains("· H holds it"), "{}", cockpit.window());
}

#[test]
fn a_freeze_warns_who_goes_forward_and_holds_up_nobody() {
    let when = When::Between(now() - SignedDuration::from_hours(1), now() + SignedDuration::from_hours(2));
    let freeze = Freeze { name: "year end".into(), when, environments: vec!["prod".into()] };
    let frozen = pilothouse::config::Settings { freezes: vec![freeze], ..settings() };
    let mut cockpit = Cockpit::with(&frozen, gateway(json!({})));
    cockpit.errors(GOOD, GOOD);
    cockpit.opens_allowed("P");
    let words = "freeze year end until 2026-03-02 16:03 UTC (119m): nothing is to be started now";
    assert!(cockpit.window().contains(words), "{}", cockpit.window());
    assert_eq!(cockpit.acts("it was begun before<ctrl-s>").len(), 1);
    let mut cockpit = Cockpit::with(&frozen, gateway(json!({})));
    cockpit.opens("R");
    assert!(!cockpit.window().contains("freeze"), "{}", cockpit.window());
    assert_eq!(cockpit.acts("<enter>").len(), 1);
}

#[test]
fn after_a_way_back_it_is_said_when_what_was_broken_is_well_again() {
    let mut cockpit = Cockpit::measured(BAD);
    let act = cockpit.acts("A<enter>").remove(0);
    cockpit.succeeds(&act);
    assert!(cockpit.window().contains("recovered: errors"), "{}", cockpit.window());
    cockpit.wait(10);
    cockpit.errors(BAD, GOOD);
    cockpit.wait(1);
    assert!(cockpit.window().contains("recovered: errors inside its limit again"), "{}", cockpit.window());
    let copied = cockpit.press("y");
    let [Effect::Copy(text)] = copied.as_slice() else { panic!("{copied:?}") };
    assert!(text.contains("- recovered: errors inside its limit again after 0:1"), "{text}");
    assert!(text.contains("- failed: at least "), "{text}");
    assert!(text.contains("- reason: canary errors 1.8% > 1%"), "{text}");
}

/// What may not be: an act that lets traffic go on although a gate blocks, without an override that was opened for it.
fn is_sound(act: &Act, opened: bool) -> bool {
    let refused = act.gates.refuse(&act.plan, true).is_some();
    !refused && (!act.gates.overridden || opened) && (act.gates.standing == Standing::Judged || !act.plan.is_gated())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// In any order of keys, polls, changes and time no act goes forward past a gate unless its own dialog was an override.
    #[test]
    fn nothing_goes_forward_past_a_gate(moves in prop::collection::vec((0_usize..16, 0_u8..4), 1..40)) {
        let mut cockpit = Cockpit::with(&settings(), gateway(json!({})));
        for (what, much) in moves {
            let opened = cockpit.state.dialog().is_some_and(|dialog| dialog.overrides.is_some());
            let effects = match what {
                0 => cockpit.press("P"),
                1 => cockpit.press("O"),
                2 => cockpit.press("F"),
                3 => cockpit.press("R"),
                4 => cockpit.press("why"),
                5 => cockpit.press("<ctrl-s>"),
                6 => cockpit.press("<enter>"),
                7 => cockpit.press("<esc>"),
                8 => cockpit.press("N"),
                9 => { cockpit.errors([GOOD, BAD, f32::NAN, 0.0095][usize::from(much)], GOOD); Vec::new() }
                10 => { cockpit.wait(i64::from(much) * 40); cockpit.live(); Vec::new() }
                11 => { cockpit.hear(vec![canary(held())]); Vec::new() }
                12 => { cockpit.hear(vec![canary(json!({}))]); Vec::new() }
                13 => { cockpit.hear(vec![canary(json!({"status": {"currentStepIndex": 2, "pauseConditions": null, "controllerPause": null}}))]); Vec::new() }
                14 => cockpit.press("S"),
                _ => {
                    let review = cockpit.effects.iter().rev().find_map(|effect| match effect { Effect::Review(review) => Some(review.clone()), _ => None });
                    if let Some(review) = review { cockpit.answer(&review, allowed(&review)); }
                    Vec::new()
                }
            };
            if let Some(review) = effects.iter().find_map(|effect| match effect { Effect::Review(review) => Some(review.clone()), _ => None }) {
                cockpit.answer(&review, allowed(&review));
            }
            for act in acts(effects) {
                prop_assert!(is_sound(&act, opened), "{act:?}");
            }
        }
    }
}
