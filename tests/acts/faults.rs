//! What goes wrong with the act's own write, at each point: it ends as done, refused or unknown, as is true, and nothing is sent twice.

use std::time::Duration;

use pilothouse::action::Patience;
use pilothouse::domain::action::{Outcome, Verb, What};
use serde_json::{Value, json};

use super::actor::{Actor, Heard, Held, hear, settings};
use super::fences;
use super::stage::{Stage, canary, is_in, path};

/// As long as tests wait: the proportions are the program's own.
const PATIENCE: Patience = Patience { answer: Duration::from_millis(800), settling: Duration::from_secs(7) };

/// How an act must end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    Done,
    /// The answer was lost, and reading showed that it was done.
    FoundOut,
    Refused(&'static str),
    Unknown,
}

/// Faults, whether the request is carried out all the same, and how the act ends.
fn cases() -> Vec<(&'static str, Value, bool, Ends)> {
    let status = |code: u16, after: bool| json!({ "kind": "status", "code": code, "after": after });
    let kind = |kind: &str, after: bool| json!({ "kind": kind, "after": after });
    vec![
        ("conflict", status(409, false), false, Ends::Refused("The server refused it: 409 Conflict")),
        ("invalid", status(422, false), false, Ends::Refused("The server refused it: 422 Unprocessable Entity")),
        ("forbidden", status(403, false), false, Ends::Refused("Not permitted")),
        ("unauthorized", status(401, false), false, Ends::Refused("does not take the credentials any more")),
        ("busy", json!({ "kind": "too_many_requests", "retry_after": 7 }), false, Ends::Refused("Try again in 7 s")),
        ("broken", status(500, false), false, Ends::Unknown),
        ("broken-after", status(500, true), true, Ends::FoundOut),
        ("unavailable-after", status(503, true), true, Ends::FoundOut),
        ("reset", kind("reset", false), false, Ends::Unknown),
        ("reset-after", kind("reset", true), true, Ends::FoundOut),
        ("hang", kind("hang", false), false, Ends::Unknown),
        ("hang-after", kind("hang", true), true, Ends::FoundOut),
        ("half", kind("truncate", false), true, Ends::Done),
        ("slow", json!({ "kind": "delay", "milliseconds": 300 }), true, Ends::Done),
        // Four times as long as an answer is waited for, as 40 s are.
        ("slower-after", json!({ "kind": "delay", "milliseconds": 3200, "after": true }), true, Ends::FoundOut),
    ]
}

/// A canary at its first pause for each case, all at once.
fn waiting(stage: &Stage, namespace: &str, names: &[&str]) {
    stage.admin.namespace(namespace);
    let steps = json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "pause": {} }]);
    std::thread::scope(|scope| {
        for name in names {
            let rollout = canary(name, &steps);
            scope.spawn(move || stage.released(namespace, &rollout));
        }
    });
    for name in names {
        stage.until_phase(namespace, name, "Paused: CanaryPauseStep");
    }
}

fn is_applied(verb: Verb, rollout: &Value) -> bool {
    match verb {
        Verb::Abort => is_in(rollout, "Degraded: RolloutAborted"),
        _ => rollout["status"]["currentStepIndex"].as_i64() > Some(1),
    }
}

#[track_caller]
fn check(stage: &Stage, verb: Verb, (name, applied, ends): (&str, bool, Ends), heard: &Heard) {
    let at = path(verb.name(), name);
    let lost = heard.reports.iter().any(|what| matches!(what, What::Unknown(..)));
    let said = format!("{verb} {name}: {heard:#?}");
    let holds = match (ends, &heard.outcome) {
        (Ends::Done, Outcome::Observed(_)) => !lost,
        (Ends::FoundOut, Outcome::Observed(_)) | (Ends::Unknown, Outcome::Undetermined(_)) => lost,
        (Ends::Refused(why), Outcome::Refused(text)) => !lost && text.contains(why) && text.len() < 400,
        _ => false,
    };
    assert!(holds, "{said}");
    assert_eq!(is_applied(verb, &stage.get(&at)), applied, "{said}");
    assert_eq!(stage.count("patch", &format!("{at}/status")), 1, "{said}");
}

#[test]
fn every_fault_ends_as_is_true_and_nothing_is_sent_twice() {
    let stage = Stage::empty(10.0);
    let cases = cases();
    let names: Vec<&str> = cases.iter().map(|case| case.0).collect();
    let verbs = [Verb::Promote, Verb::Abort];
    verbs.iter().for_each(|verb| waiting(&stage, verb.name(), &names));
    stage.forget_requests();
    let settings = settings(&stage);
    std::thread::scope(|scope| {
        for verb in verbs {
            for (name, fault, applied, ends) in &cases {
                let (stage, settings) = (&stage, &settings);
                scope.spawn(move || {
                    let actor = Actor::new(settings, PATIENCE);
                    let act = actor.decide(verb, verb.name(), name);
                    stage.fault(fault.clone(), &format!("{}/status", path(verb.name(), name)));
                    let heard = actor.carry(act);
                    check(stage, verb, (name, *applied, *ends), &heard);
                });
            }
        }
    });
    let results = |name: &str| {
        let acts = stage.acts();
        let own = acts.iter().filter(|act| act["object"]["name"] == name);
        own.map(|act| act["outcome"]["result"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(results("conflict"), ["refused", "refused"]);
    assert_eq!(results("reset"), ["undetermined", "undetermined"]);
    assert_eq!(results("hang-after"), ["observed", "observed"]);
    stage.is_settled();
}

/// A server that is slow may carry the request out long after nobody waits for it any more, or never: what is said is what is.
#[test]
fn a_request_that_is_carried_out_late_is_found_or_said_to_be_unknown() {
    let stage = Stage::empty(10.0);
    waiting(&stage, "abort", &["late"]);
    let actor = Actor::new(&settings(&stage), PATIENCE);
    let act = actor.decide(Verb::Abort, "abort", "late");
    stage.forget_requests();
    stage.fault(json!({ "kind": "delay", "milliseconds": 3200 }), &format!("{}/status", path("abort", "late")));
    let heard = actor.carry(act);
    let applied = is_applied(Verb::Abort, &stage.rollout("abort", "late"));
    println!("carried out although nobody waited: {applied}");
    check(&stage, Verb::Abort, ("late", applied, if applied { Ends::FoundOut } else { Ends::Unknown }), &heard);
}

/// Between the last read and the write the server goes away: nothing was sent, and that is what is said.
#[test]
fn a_server_that_is_gone_was_sent_nothing() {
    let stage = Stage::empty(10.0);
    waiting(&stage, "promote", &["gone"]);
    let actor = Actor::new(&settings(&stage), PATIENCE);
    let act = actor.decide(Verb::Promote, "promote", "gone");
    stage.forget_requests();
    let held = Held::new(&stage.state());
    let reports = actor.begin(act);
    held.until_waited_for();
    stage.admin.must("POST", "/_world/outage?seconds=1", None);
    std::thread::sleep(Duration::from_millis(100));
    drop(held);
    let heard = hear(&reports);
    let text = heard.outcome.text();
    assert!(matches!(heard.outcome, Outcome::NotSent(_)), "{heard:?}");
    assert!(text.contains("connection refused") && text.ends_with("Nothing was sent."), "{text}");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(stage.count("patch", ""), 0);
    assert!(is_in(&stage.rollout("promote", "gone"), "Paused"));
    assert_eq!(stage.acts()[0]["outcome"]["result"], "failed");
    stage.is_settled();
}

/// The same as scripts see it.
#[test]
fn exit_codes_say_what_became_of_a_write() {
    let stage = Stage::empty(10.0);
    let cases = cases();
    let quick = |name: &str| matches!(name, "conflict" | "busy" | "broken-after" | "reset-after" | "half" | "slow" | "forbidden");
    let cases: Vec<_> = cases.into_iter().filter(|case| quick(case.0)).collect();
    waiting(&stage, "abort", &cases.iter().map(|case| case.0).collect::<Vec<_>>());
    for (name, fault, applied, ends) in cases {
        stage.fault(fault, &format!("{}/status", path("abort", name)));
        let ran = stage.act("abort", &format!("abort/{name}"), &["--json", "--wait", "20s"]);
        let (code, outcome) = if let Ends::Refused(_) = ends { (1, "refused") } else { (0, "observed") };
        assert_eq!((ran.code, &ran.json()["outcome"], &ran.json()["changed"]), (code, &json!(outcome), &json!(applied)), "{ran:?}");
    }
    let unread = json!({ "kind": "status", "code": 500, "path": "/api/v1/namespaces/kube-system" });
    stage.admin.must("POST", "/_world/fault", Some(&unread));
    stage.act("promote", "abort/busy", &[]).is(4, "Which cluster 'prod' is cannot be read: 500 Internal Server Error");
    // That nobody says which cluster it is does not hold up who goes back; that it is another one would.
    stage.act("abort", "abort/busy", &[]).is(0, "traffic off the new revision");
    stage.admin.must("DELETE", "/_world/fault", None);
    stage.admin.must("POST", "/_world/outage?seconds=3", None);
    std::thread::sleep(Duration::from_millis(100));
    stage.act("abort", "abort/conflict", &[]).is(4, "Nothing was sent.");
}

#[test]
fn each_fence_refuses_when_its_field_moved() {
    let stage = Stage::empty(1.0);
    let scene = fences::Scene { admin: &stage.admin, settings: settings(&stage) };
    fences::forward(&scene);
    fences::back(&scene);
    fences::spec(&scene);
    stage.is_settled();
}
