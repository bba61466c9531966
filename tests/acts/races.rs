//! Several act at once: exactly one of them, or both one after the other, and never half.

use std::sync::Mutex;
use std::time::Duration;

use pilothouse::demo::Options;
use serde_json::{Value, json};

use super::stage::{Ran, Stage, canary, is_in, many_steps, path, tag};

const REASON: [&str; 2] = ["--reason", "a race"];

fn at_pause(rollout: &Value) -> bool {
    is_in(rollout, "Paused: CanaryPauseStep") && rollout["status"]["pauseConditions"].is_array()
}

fn step(rollout: &Value) -> i64 {
    rollout["status"]["currentStepIndex"].as_i64().unwrap()
}

/// Runs one round after the other on rollouts of their own, several at a time.
fn lanes(stage: &Stage, lanes: usize, rounds: usize, steps: &Value, round: impl Fn(&str, usize) + Sync) {
    stage.admin.namespace("race");
    let round = &round;
    std::thread::scope(|scope| {
        for lane in 0..lanes {
            scope.spawn(move || {
                let name = format!("lane-{lane}");
                stage.released("race", &canary(&name, steps));
                (0..rounds).for_each(|number| round(&name, number));
            });
        }
    });
}

/// Two processes that begin up to so many milliseconds apart.
fn two(stage: &Stage, apart: u64, first: &[&str], second: &[&str]) -> (Ran, Ran) {
    let mut commands = [first, second];
    let swapped = fastrand::bool();
    if swapped {
        commands.swap(0, 1);
    }
    let one = stage.begin(commands[0]);
    std::thread::sleep(Duration::from_micros(fastrand::u64(0..=apart * 1000)));
    let other = stage.begin(commands[1]);
    let ran = [one, other].map(|child| Ran::of(child.wait_with_output().unwrap()));
    let [one, other] = ran;
    if swapped { (other, one) } else { (one, other) }
}

#[test]
fn two_promotes_of_one_step_advance_it_once() {
    let stage = Stage::empty(1.0);
    let lost: Mutex<[usize; 3]> = Mutex::default();
    lanes(&stage, 4, 50, &many_steps(55, &json!({})), |name, number| {
        let seen = stage.until(&path("race", name), "at a pause", at_pause);
        let (object, expected) = (format!("race/{name}"), step(&seen).to_string());
        let promote = ["promote", &object, "--expect-step", &expected, "--wait", "20s", REASON[0], REASON[1]];
        let (one, other) = two(&stage, 60, &promote, &promote);
        let (winner, loser) = if one.code == 0 { (one, other) } else { (other, one) };
        assert_eq!((winner.code, loser.code), (0, 1), "round {number}: {winner:?} {loser:?}");
        let after = stage.until(&path("race", name), "at a pause", at_pause);
        assert_eq!(step(&after), step(&seen) + 2, "round {number}: {winner:?} {loser:?}");
        let places: [&[&str]; 3] = [
            &["not at the expected one"],
            &["cannot be done to", "Nothing was sent"],
            &["It is not what you saw", "The server refused it, nothing was changed"],
        ];
        let place = places.iter().rposition(|words| words.iter().all(|word| loser.err.contains(word)));
        let early = loser.err.contains("cannot be done to") || loser.err.contains("Nothing was sent");
        let place = place.or(early.then_some(1)).unwrap_or_else(|| panic!("it does not say what moved: {loser:?}"));
        lost.lock().unwrap()[place] += 1;
    });
    println!("lost when looking at the step, when deciding, at the server: {:?}", lost.lock().unwrap());
    let sent = stage.count("patch", "/apis/argoproj.io/v1alpha1/namespaces/race/rollouts") - stage.acts().len() as u64;
    assert!(sent <= 400, "no process sent more than one promote: {sent}");
    stage.is_settled();
}

#[test]
fn a_promote_and_an_abort_end_aborted() {
    let stage = Stage::empty(1.0);
    let codes: Mutex<[usize; 4]> = Mutex::default();
    lanes(&stage, 4, 15, &many_steps(5, &json!({})), |name, number| {
        let seen = stage.until(&path("race", name), "at a pause", at_pause);
        let object = format!("race/{name}");
        let promote = ["promote", &object, "--wait", "20s", REASON[0], REASON[1]];
        let abort = ["abort", &object, "--wait", "20s", REASON[0], REASON[1]];
        let (promoted, aborted) = two(&stage, 60, &promote, &abort);
        assert_eq!(aborted.code, 0, "round {number}: {aborted:?}");
        assert!(matches!(promoted.code, 0 | 1 | 3), "round {number}: {promoted:?}");
        assert!(promoted.code != 3 || promoted.err.contains("it was aborted meanwhile"), "{promoted:?}");
        codes.lock().unwrap()[usize::try_from(promoted.code).unwrap()] += 1;
        let after = stage.rollout("race", name);
        let status = &after["status"];
        let whole = is_in(&after, "Degraded: RolloutAborted")
            && status["abort"] == true
            && status["abortedAt"].is_string()
            && status["pauseConditions"].is_null()
            && status["canary"]["weights"]["canary"]["weight"] == 0
            && status["currentPodHash"] == seen["status"]["currentPodHash"];
        assert!(whole, "round {number}: {promoted:?} {aborted:?}\n{status:#}");
        stage.merge(&format!("{}/status", path("race", name)), &json!({ "status": { "abort": false } }));
    });
    println!("the promote was done, refused, -, overtaken: {:?}", codes.lock().unwrap());
    stage.is_settled();
}

/// The abort has been decided when the full promotion begins, and reaches the server after it.
#[test]
fn an_abort_ends_a_full_promotion_that_it_has_not_seen() {
    let stage = Stage::empty(1.0);
    stage.admin.namespace("race");
    stage.healthy("race", &canary("web", &json!([{ "setWeight": 20 }, { "pause": {} }])));
    stage.release(&path("race", "web"), "v2-unready");
    stage.until_phase("race", "web", "Progressing");
    let status = format!("{}/status", path("race", "web"));
    stage.fault(json!({ "kind": "delay", "milliseconds": 700 }), &status);
    let abort = stage.begin(&["abort", "race/web", "--wait", "20s", REASON[0], REASON[1]]);
    let faults = |faults: &Value| faults["faults"].as_array().unwrap().is_empty();
    stage.until("/_world/fault", "hit", faults);
    stage.merge(&status, &json!({ "status": { "promoteFull": true } }));
    assert_eq!(stage.rollout("race", "web")["status"]["promoteFull"], true, "it has begun");
    Ran::of(abort.wait_with_output().unwrap()).is(0, "abort race/web: observed");
    let after = stage.rollout("race", "web");
    assert_eq!((&after["status"]["abort"], &after["status"]["promoteFull"]), (&json!(true), &Value::Null));
}

#[test]
fn a_rollback_is_never_refused_because_a_step_moved() {
    let stage = Stage::of(Options { speed: 20.0, scenario: pilothouse::demo::Scenario::Empty, ..Options::default() });
    let moved: Mutex<usize> = Mutex::default();
    lanes(&stage, 3, 8, &many_steps(90, &json!({ "duration": "1s" })), |name, number| {
        let at = path("race", name);
        if number > 0 {
            stage.release(&at, &format!("v{}", number + 2));
        }
        let begin = fastrand::i64(3..60);
        let before = stage.until(&at, "under way", |rollout| {
            rollout["status"]["currentPodHash"] != rollout["status"]["stableRS"] && step(rollout) >= begin
        });
        let ran = stage.act("rollback", &format!("race/{name}"), &["--wait", "20s", "--json"]);
        assert_eq!(ran.code, 0, "round {number}: {ran:?}");
        let aborted = ran.json()["marks"][1]["at"].as_str().map(str::to_owned);
        assert!(aborted.is_some(), "{ran:?}");
        let after = stage.rollout("race", name);
        let status = &after["status"];
        let back = tag(&after) == "v1" && status["currentPodHash"] == status["stableRS"] && is_in(&after, "Healthy");
        assert!(back && status["stableRS"] == before["status"]["stableRS"], "round {number}: {ran:?}\n{status:#}");
        // Its intent says at which step it was read: that is another one than this test had seen, or it is not much of a race.
        let acts = stage.acts();
        let own = acts.iter().rev().find(|act| act["object"]["name"] == name).unwrap();
        *moved.lock().unwrap() += usize::from(own["object"]["step"].as_i64() != Some(step(&before)));
    });
    let moved = *moved.lock().unwrap();
    println!("{moved} of 24 times a step was passed before the rollback had read the object");
    assert!(moved > 6, "no race");
    stage.is_settled();
}
