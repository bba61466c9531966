//! Processes that die at any moment of an act: nothing is written that is not on the ledger, and what they left open is settled by the next
//! that starts.

use std::collections::BTreeMap;
use std::process::Child;
use std::time::{Duration, Instant};

use pilothouse::domain::action::Verb;
use serde_json::{Value, json};

use super::stage::{Ran, Stage, canary, is_in, many_steps, path};
use super::states::{aborted, analysing, at_pause, held, in_analysis, paused, promoted};
use super::verbs::{all, command};

/// How many acts have to be on the ledger.
const ACTS: usize = 300;
/// How many are under way at a time.
const AT_ONCE: usize = 10;

/// Something that can be done in this state.
fn next(rollout: &Value, round: usize) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let one_of = |all: &[&[&str]]| words(all[fastrand::usize(..all.len())]);
    if rollout["status"]["abort"] == true {
        return one_of(&[&["retry"], &["rollback"], &["restart"]]);
    }
    if rollout["status"]["currentPodHash"] == rollout["status"]["stableRS"] {
        let image = format!("main=registry.example/shop/web:v{}", round + 3);
        return vec!["set-image".to_owned(), image];
    }
    if rollout["spec"]["paused"] == true {
        return one_of(&[&["resume"], &["promote"], &["abort"], &["rollback"]]);
    }
    if is_in(rollout, "Paused") {
        return one_of(&[&["promote"], &["promote"], &["pause"], &["abort"], &["rollback"], &["restart"]]);
    }
    one_of(&[&["skip-step"], &["pause"], &["abort"], &["rollback"]])
}

struct Doomed(Child, Instant, Duration);

impl Doomed {
    /// Lets it live as long as it may. Whether it was still alive.
    fn end(mut self) -> bool {
        let alive = loop {
            let alive = self.0.try_wait().unwrap().is_none();
            if !alive || self.1.elapsed() >= self.2 {
                break alive;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        self.0.kill().unwrap();
        Ran::of(self.0.wait_with_output().unwrap());
        alive
    }
}

#[test]
fn killed_at_any_moment_they_leave_nothing_that_is_not_on_the_ledger() {
    let stage = Stage::empty(2.0);
    stage.admin.namespace("kill");
    let names: Vec<String> = (10..10 + AT_ONCE).map(|number| format!("web-{number}")).collect();
    std::thread::scope(|scope| {
        for name in &names {
            let rollout = canary(name, &many_steps(60, &json!({})));
            let stage = &stage;
            scope.spawn(move || stage.released("kill", &rollout));
        }
    });
    names.iter().for_each(|name| drop(stage.until_phase("kill", name, "Paused: CanaryPauseStep")));
    let generation = |name: &str| stage.rollout("kill", name)["metadata"]["generation"].as_u64().unwrap();
    let first: Vec<u64> = names.iter().map(|name| generation(name)).collect();
    stage.forget_requests();
    let (mut killed, mut rounds, mut recorded) = (0, 0, 0);
    // How long they live at most: the first ones to their end, later ones so long that about half of them are killed.
    let mut life = Duration::from_secs(20);
    while recorded < ACTS {
        rounds += 1;
        assert!(rounds < 120, "{recorded} acts are recorded, with {life:?} for each");
        let begun = Instant::now();
        let doomed = names.iter().map(|name| {
            let object = format!("kill/{name}");
            let mut words = next(&stage.rollout("kill", name), rounds);
            words.insert(1, object);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let child = stage.begin(&[&words[..], &["--reason", "to be killed", "--wait", "20s"]].concat());
            let life = if rounds == 1 { life } else { life.mul_f64(0.2 + 0.8 * fastrand::f64()) };
            Doomed(child, Instant::now(), life)
        });
        let doomed: Vec<Doomed> = doomed.collect();
        let died = doomed.into_iter().map(Doomed::end).filter(|alive| *alive).count();
        killed += died;
        life = match died {
            _ if rounds == 1 => begun.elapsed(),
            0..=3 => life.mul_f64(0.8),
            4..=6 => life,
            _ => life.mul_f64(1.2),
        };
        // Whoever starts next settles, whatever it was started for.
        stage.act("promote", "kill/nothing", &[]).is(1, "There is no rollout");
        let acts = stage.acts();
        assert!(acts.iter().all(|act| act["outcome"].is_object()), "open intents are left: {acts:?}");
        recorded = acts.len();
    }
    stage.is_settled();
    let entries = stage.run(&["ledger", "export", "--format", "json"]).json();
    let entries = entries["entries"].as_array().unwrap();
    let mut objects: BTreeMap<&str, &str> = BTreeMap::new();
    let (mut recorded, mut results) = (BTreeMap::<&str, u64>::new(), BTreeMap::<String, usize>::new());
    for entry in entries {
        let act = entry["act"].as_str().unwrap_or_default();
        match entry["kind"].as_str().unwrap() {
            "intent" => drop(objects.insert(act, entry["object"]["name"].as_str().unwrap())),
            "outcome" => {
                let settled = if entry["settled_by"].is_object() { ", settled by another" } else { "" };
                *results.entry(format!("{}{settled}", entry["result"].as_str().unwrap())).or_default() += 1;
            }
            _ => {}
        }
        if matches!(entry["kind"].as_str(), Some("intent" | "write")) {
            *recorded.entry(objects[act]).or_default() += 1;
        }
    }
    for (name, first) in names.iter().zip(first) {
        let at = path("kill", name);
        // An annotation, which is no act, changes no spec.
        let written = stage.count("patch", &format!("{at}/status")) + generation(name) - first;
        let recorded = recorded.get(name.as_str()).copied().unwrap_or_default();
        assert!(written <= recorded, "{name}: {written} writes, {recorded} on the ledger");
    }
    let settled: usize = results.iter().filter(|(result, _)| result.contains("settled")).map(|(_, count)| count).sum();
    println!("{} acts in {rounds} rounds, {killed} processes killed: {results:?}", objects.len());
    assert!(killed > 50 && settled > 20, "too few of them died in the middle");
}

/// An act of a process that dies right after its first request, which was carried out or not.
struct Broken {
    namespace: String,
    verb: Verb,
    make: fn(&Stage, &str, &str),
    is: fn(&Value) -> bool,
    carried_out: bool,
    /// What the next process has to say.
    result: &'static str,
}

fn broken() -> Vec<Broken> {
    let healthy = |rollout: &Value| is_in(rollout, "Healthy");
    type Case = (&'static str, Verb, fn(&Stage, &str, &str), fn(&Value) -> bool, &'static str);
    let cases: [Case; 11] = [
        ("promote", Verb::Promote, paused, at_pause, "observed"),
        ("full", Verb::PromoteFull, paused, at_pause, "observed"),
        ("pause", Verb::Hold, paused, at_pause, "observed"),
        ("resume", Verb::Resume, held, |rollout| is_in(rollout, "Paused: manually paused"), "observed"),
        ("abort", Verb::Abort, paused, at_pause, "observed"),
        ("retry", Verb::Retry, aborted, |rollout| is_in(rollout, "Degraded: RolloutAborted"), "observed"),
        ("rollback", Verb::RollBack, paused, at_pause, "observed"),
        // The template is back, and waits at its first pause.
        ("undo", Verb::RollBack, promoted, healthy, "undetermined"),
        ("restart", Verb::Restart, restarted, healthy, "observed"),
        ("image", Verb::SetImage, paused, at_pause, "observed"),
        ("terminate", Verb::TerminateAnalysis, in_analysis, analysing, "observed"),
    ];
    let both = cases.into_iter().flat_map(|(name, verb, make, is, done)| {
        [(false, "undetermined"), (true, done)].map(|(carried_out, result)| Broken {
            namespace: format!("{name}-{carried_out}"),
            verb,
            make,
            is,
            carried_out,
            result,
        })
    });
    both.collect()
}

/// Promoted, and restarted once already.
fn restarted(stage: &Stage, namespace: &str, name: &str) {
    promoted(stage, namespace, name);
    stage.act("restart", &format!("{namespace}/{name}"), &["--wait", "30s"]).is(0, "all pods are new");
}

#[test]
fn what_a_death_leaves_open_is_called_done_only_if_it_is() {
    let stage = Stage::empty(10.0);
    let cases = broken();
    all(&cases, |case| {
        stage.admin.namespace(&case.namespace);
        (case.make)(&stage, &case.namespace, "web");
        stage.until(&path(&case.namespace, "web"), &case.namespace, case.is);
        Ok(())
    });
    let before = stage.acts().len();
    all(&cases, |case| {
        let within = format!("/apis/argoproj.io/v1alpha1/namespaces/{}/", case.namespace);
        stage.fault(json!({ "kind": "hang", "after": case.carried_out }), &within);
        let [verb, rest @ ..] = command(case.verb) else { unreachable!() };
        let object = format!("{}/web", case.namespace);
        let mut child = stage.begin(&[&[*verb, &object, "--reason", "to be killed"], rest].concat());
        let hit = |faults: &Value| !faults["faults"].as_array().unwrap().iter().any(|fault| fault["path"] == *within);
        stage.until("/_world/fault", "hit", hit);
        child.kill().unwrap();
        child.wait().unwrap();
        Ok(())
    });
    // So long that what was asked for is there.
    std::thread::sleep(Duration::from_secs(3));
    stage.act("promote", "kill/nothing", &[]).is(1, "There is no rollout");
    stage.is_settled();
    let acts = stage.acts();
    assert_eq!(acts.len(), before + cases.len());
    let wrong = cases.iter().filter_map(|case| {
        let act = acts.iter().rev().find(|act| act["object"]["namespace"] == *case.namespace).unwrap();
        let outcome = &act["outcome"];
        // Whoever comes before the effect sees only that it was accepted.
        let right = outcome["result"] == case.result || case.result == "observed" && outcome["result"] == "accepted";
        (!right || !outcome["settled_by"].is_object()).then(|| format!("{}: {outcome}", case.namespace))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
