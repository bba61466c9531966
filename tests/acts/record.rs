//! Where the ledger cannot be written: forward is refused and nothing sent, back is refused once, and goes when somebody says so.

use std::path::Path;
use std::process::Command;

use pilothouse::action::Patience;
use pilothouse::domain::action::{Outcome, Verb, What};
use serde_json::json;

use super::actor::{Actor, Heard, settings};
use super::stage::{Ran, Stage, canary, is_in, path, tag};

fn stage(names: &[&str]) -> Stage {
    let stage = Stage::empty(10.0);
    stage.admin.namespace("shop");
    for name in names {
        stage.released("shop", &canary(name, &json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "pause": {} }])));
        stage.until_phase("shop", name, "Paused: CanaryPauseStep");
    }
    stage
}

/// Puts something in the way of the ledger that no permission helps against.
fn break_ledger(state: &Path) {
    let ledger = state.join("ledger");
    let _ = std::fs::remove_dir_all(&ledger);
    std::fs::create_dir_all(state).unwrap();
    std::fs::write(ledger, "").unwrap();
}

/// Runs the program where no file may grow: a disk that is full.
fn on_a_full_disk(stage: &Stage, arguments: &[&str]) -> Ran {
    let program = stage.command(arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
    shell.env_clear().envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))));
    Ran::of(shell.output().unwrap())
}

fn forward_is_refused_and_back_goes_when_told(stage: &Stage, run: impl Fn(&[&str]) -> Ran) {
    let reason = ["--reason", "errors 4 %", "--wait", "30s"];
    stage.forget_requests();
    let promote = run(&[&["promote", "shop/web"], &reason[..]].concat());
    promote.is(1, "It cannot be recorded, so it was not sent: The ledger cannot be written.");
    assert!(!promote.err.contains("--unrecorded"), "{promote:?}");
    run(&[&["promote", "shop/web", "--unrecorded"], &reason[..]].concat()).is(2, "unexpected argument '--unrecorded'");
    run(&[&["rollback", "shop/web"], &reason[..]].concat()).is(1, "--unrecorded goes back all the same.");
    assert_eq!(stage.count("patch", ""), 0);
    let back = run(&[&["rollback", "shop/web", "--unrecorded"], &reason[..]].concat());
    back.is(0, "is stable and healthy");
    assert!(back.err.contains("NOT RECORDED: The ledger cannot be written."), "{back:?}");
    let after = stage.rollout("shop", "web");
    assert!(is_in(&after, "Healthy") && tag(&after) == "v1" && after["status"]["abort"].is_null());
}

#[test]
fn where_there_is_no_ledger() {
    let stage = stage(&["web"]);
    break_ledger(&stage.state());
    forward_is_refused_and_back_goes_when_told(&stage, |arguments| stage.run(arguments));
}

#[test]
fn on_a_disk_that_is_full() {
    let stage = stage(&["web", "other"]);
    // The cluster is known already: a disk that is full keeps nothing new.
    stage.act("pause", "shop/other", &[]).is(0, "held");
    forward_is_refused_and_back_goes_when_told(&stage, |arguments| on_a_full_disk(&stage, arguments));
    assert_eq!(stage.acts().len(), 1);
    stage.is_settled();
}

/// Breaks the ledger as soon as the first write was taken.
fn broken_in_the_middle(stage: &Stage, verb: Verb, name: &str) -> Heard {
    let actor = Actor::new(&settings(stage), Patience::default());
    let act = actor.decide(verb, "shop", name);
    let (sender, reports) = std::sync::mpsc::channel();
    let state = stage.state();
    let tell = move |report: pilothouse::domain::action::Report| {
        if report.what == What::Accepted(0) {
            break_ledger(&state);
        }
        drop(sender.send(report));
    };
    actor.runner.act(act, std::sync::Arc::new(tell));
    super::actor::hear(&reports)
}

#[test]
fn what_has_begun_goes_back_to_the_end_and_does_not_go_further_forward() {
    let stage = stage(&["back", "forward"]);
    let heard = broken_in_the_middle(&stage, Verb::RollBack, "back");
    assert!(matches!(heard.outcome, Outcome::Observed(_)), "{heard:?}");
    assert!(heard.reports.iter().any(|what| matches!(what, What::Unrecorded(_))), "{heard:?}");
    assert!(is_in(&stage.rollout("shop", "back"), "Healthy"));
    std::fs::remove_file(stage.state().join("ledger")).unwrap();
    stage.merge(&path("shop", "forward"), &json!({ "spec": { "paused": true } }));
    stage.until_phase("shop", "forward", "Paused: manually paused");
    let heard = broken_in_the_middle(&stage, Verb::Promote, "forward");
    assert!(matches!(&heard.outcome, Outcome::Accepted(text) if text.contains("It stopped before step 2")), "{heard:?}");
    assert_eq!(stage.rollout("shop", "forward")["spec"]["paused"], true, "a hold that is not lifted is the safe half");
}
