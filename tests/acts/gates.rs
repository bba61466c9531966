//! The gates are kept below every screen and subcommand: what is handed to the runner past all of them is refused, and nothing is sent.

use std::sync::Arc;

use pilothouse::action::Patience;
use pilothouse::config::Settings;
use pilothouse::domain::action::{Act, Authority, Gates, Outcome, Verb};
use pilothouse::domain::signal::{Comparator, Judgement, Limit, SignalKind, Track, Unit, Verdict};
use serde_json::json;

use super::actor::{Actor, settings};
use super::stage::{Stage, canary};
use crate::support::signals;

fn stage() -> Stage {
    let stage = Stage::empty(1.0);
    stage.admin.namespace("shop");
    stage.released("shop", &canary("web", &json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 40 }, { "pause": {} }])));
    stage.until_phase("shop", "web", "Paused: CanaryPauseStep");
    stage.forget_requests();
    stage
}

/// The same user with a metrics server and gates, of which nobody is asked here.
fn gated(stage: &Stage) -> Settings {
    let with = signals::settings();
    let mut settings = settings(stage);
    for environment in &mut settings.environments {
        environment.prometheus.clone_from(&with.environments[0].prometheus);
    }
    Settings { signals: with.signals, ..settings }
}

fn errors(verdict: Verdict) -> Gates {
    Gates::judged(
        &[],
        Arc::new([Judgement {
            name: "errors".into(),
            kind: SignalKind::Errors,
            verdict,
            gate: true,
            track: Track::Canary,
            value: Some(0.018),
            stable: Some(0.002),
            limit: Limit { comparator: Comparator::Less, threshold: 0.01 },
            unit: Unit::Ratio,
            breached: 192,
            sampled: None,
            requests: Some(2130.0),
            resolution: None,
            usable_in: None,
            pods: None,
            why: None,
        }]),
    )
}

#[track_caller]
fn refused(actor: &Actor, act: Act, why: &str) {
    let verb = act.plan.verb;
    let heard = actor.carry(act);
    assert!(matches!(&heard.outcome, Outcome::Refused(text) if text.contains(why)), "{verb}: {heard:?}");
    assert!(heard.reports.is_empty(), "{heard:?}");
}

#[test]
fn no_act_goes_on_past_a_gate() {
    let stage = stage();
    let actor = Actor::new(&gated(&stage), Patience::default());
    let forward = |verb, gates: Gates| Act { gates, ..actor.decide(verb, "shop", "web") };
    for verb in [Verb::Promote, Verb::PromoteFull] {
        refused(&actor, forward(verb, Gates::default()), "its gates were not asked");
        for verdict in [Verdict::Breach, Verdict::TooEarly, Verdict::LowTraffic, Verdict::NoData] {
            refused(&actor, forward(verb, errors(verdict)), "Its gates block it (errors ");
        }
        let guard = Act { authority: Authority::Guard, ..forward(verb, errors(Verdict::Pass)) };
        refused(&actor, guard, "A guard only takes back and holds");
    }
    let full = Gates { overridden: true, ..errors(Verdict::Breach) };
    refused(&actor, forward(Verb::PromoteFull, full), "an override is for one step");
    assert_eq!(stage.count("patch", ""), 0);
    assert!(stage.acts().is_empty());
}

#[test]
fn an_override_goes_through_once_and_is_on_the_ledger_with_its_values() {
    let stage = stage();
    let actor = Actor::new(&gated(&stage), Patience::default());
    let overridden = Gates { overridden: true, ..errors(Verdict::Breach) };
    let act = Act { gates: overridden, ..actor.decide(Verb::Promote, "shop", "web") };
    let heard = actor.carry(act.clone());
    assert!(matches!(heard.outcome, Outcome::Observed(_)), "{heard:?}");
    // The step that it was for is past: the same act again is not what was seen.
    let again = actor.carry(act);
    assert!(matches!(&again.outcome, Outcome::Refused(text) if text.contains("It is not what you saw")), "{again:?}");
    let noted = stage.rollout("shop", "web")["metadata"]["annotations"]["pilothouse.dev/last-action"].to_string();
    assert!(noted.contains(r#"\"overridden\":\"errors\""#), "{noted}");
    let acts = stage.acts();
    let on_ledger = &acts.last().unwrap();
    assert_eq!(acts.len(), 1);
    assert_eq!((&on_ledger["overridden"], &on_ledger["gates"][0]["verdict"]), (&json!(["errors"]), &json!("breach")));
    assert_eq!((&on_ledger["gates"][0]["value"], &on_ledger["gates"][0]["limit"]), (&json!(0.018), &json!(0.01)));
    stage.is_settled();
}

#[test]
fn back_asks_no_gate() {
    let stage = stage();
    let actor = Actor::new(&gated(&stage), Patience::default());
    for verb in [Verb::Hold, Verb::Abort, Verb::RollBack] {
        for authority in [Authority::Dialog, Authority::Guard] {
            let act = Act { authority, gates: Gates::default(), dry_run: true, ..actor.decide(verb, "shop", "web") };
            let heard = actor.carry(act);
            assert!(matches!(heard.outcome, Outcome::WouldDo(_)), "{verb}: {heard:?}");
        }
    }
    let act = Act { authority: Authority::Guard, gates: errors(Verdict::Breach), ..actor.decide(Verb::Abort, "shop", "web") };
    let heard = actor.carry(act);
    assert!(matches!(heard.outcome, Outcome::Observed(_)), "{heard:?}");
    assert_eq!(stage.acts()[0]["gates"][0]["words"], "errors 1.8% > 1% for 3:12 (canary, 2,130 requests)");
}
