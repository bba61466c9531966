//! Every verb in every state of a Rollout: allowed ones reach their effect and leave the fields that they should, the others say why
//! and send nothing.

use std::sync::Mutex;

use pilothouse::domain::action::Verb;
use serde_json::{Value, json};

use super::stage::{Ran, Stage, path, tag};
use super::states::{State, states};

/// How many do something at once.
const HANDS: usize = 6;

/// The command line of a verb.
pub fn command(verb: Verb) -> &'static [&'static str] {
    match verb {
        Verb::PromoteFull => &["promote", "--full"],
        Verb::SetImage => &["set-image", "main=registry.example/shop/web:v9"],
        verb => std::slice::from_ref(match verb {
            Verb::Promote => &"promote",
            Verb::Hold => &"pause",
            Verb::Resume => &"resume",
            Verb::Abort => &"abort",
            Verb::Retry => &"retry",
            Verb::RollBack => &"rollback",
            Verb::Restart => &"restart",
            Verb::SkipStep => &"skip-step",
            _ => &"terminate-analysis",
        }),
    }
}

/// Runs a verb on an object.
pub fn act(stage: &Stage, verb: Verb, object: &str, more: &[&str]) -> Ran {
    let [name, rest @ ..] = command(verb) else { unreachable!() };
    stage.act(name, object, &[rest, more].concat())
}

/// Does everything, several at a time; what fails is told together.
pub fn all<T: Sync>(jobs: &[T], one: impl Fn(&T) -> Result<(), String> + Sync) {
    let (next, failed) = (Mutex::new(jobs.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..HANDS {
            scope.spawn(|| {
                loop {
                    let Some(job) = next.lock().unwrap().next() else { break };
                    if let Err(why) = one(job) {
                        failed.lock().unwrap().push(why);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), jobs.len(), failed.join("\n"));
}

#[test]
fn every_verb_in_every_state_of_a_rollout() {
    let stage = Stage::empty(10.0);
    let states = states();
    let mut objects: Vec<(&State, String)> = Vec::new();
    for state in &states {
        stage.admin.namespace(state.name);
        objects.extend(state.allowed.iter().map(|verb| (state, verb.name().to_owned())));
        objects.push((state, "no".to_owned()));
    }
    all(&objects, |(state, name)| {
        (state.make)(&stage, state.name, name);
        Ok(())
    });
    all(&objects, |(state, name)| {
        stage.until(&path(state.name, name), state.name, state.is);
        Ok(())
    });
    stage.forget_requests();
    let forbidden = |state: &State| Verb::ALL.into_iter().filter(|verb| !state.allowed.contains(verb)).collect::<Vec<_>>();
    let no: Vec<(&State, Verb)> =
        states.iter().flat_map(|state| forbidden(state).into_iter().map(move |verb| (state, verb))).collect();
    all(&no, |(state, verb)| refused(&stage, state, *verb));
    assert_eq!(stage.count("patch", ""), 0, "something was sent for a verb that is forbidden");
    let yes: Vec<(&State, Verb)> = states.iter().flat_map(|state| state.allowed.iter().map(move |verb| (state, *verb))).collect();
    all(&yes, |(state, verb)| allowed(&stage, state, *verb));
    stage.is_settled();
}

fn refused(stage: &Stage, state: &State, verb: Verb) -> Result<(), String> {
    let ran = act(stage, verb, &format!("{}/no", state.name), &[]);
    let why = ran.err.lines().last().unwrap_or_default();
    let said = why.starts_with(&format!("pilothouse: {verb} cannot be done to {}/no: ", state.name)) && why.ends_with('.');
    if ran.code == 1 && said { Ok(()) } else { Err(format!("{verb} while {}: {ran:?}", state.name)) }
}

fn allowed(stage: &Stage, state: &State, verb: Verb) -> Result<(), String> {
    let path = path(state.name, verb.name());
    let before = stage.get(&path);
    let unseen = state.unseen.contains(&verb);
    let wait = if unseen { "1s" } else { "30s" };
    let ran = act(stage, verb, &format!("{}/{verb}", state.name), &["--wait", wait, "--json"]);
    let told = |what: &str| Err(format!("{verb} while {}: {what}: {ran:?}\n{:#}", state.name, stage.get(&path)["status"]));
    let (code, outcome) = if unseen { (3, "accepted") } else { (0, "observed") };
    if ran.code != code || ran.json()["outcome"] != outcome || ran.json()["changed"] != true {
        return told("another outcome");
    }
    let after = stage.get(&path);
    if verb == Verb::Hold {
        // After its switch a held blue-green does not come to rest: its controller calls it paused and progressed by turns.
        stage.merge(&path, &json!({ "spec": { "paused": false } }));
    }
    if unseen { asked(verb, &after) } else { done(stage, verb, &before, &after) }.or_else(|why| told(&why))
}

/// The fields that say that it was asked for.
fn asked(verb: Verb, after: &Value) -> Result<(), String> {
    let (pointer, wanted) = match verb {
        Verb::PromoteFull => ("/status/promoteFull", Value::Bool(true)),
        Verb::Hold => ("/spec/paused", Value::Bool(true)),
        Verb::Abort | Verb::RollBack => ("/status/abort", Value::Bool(true)),
        Verb::SetImage => return if tag(after) == "v9" { Ok(()) } else { Err("another image".to_owned()) },
        Verb::Restart => return after["spec"]["restartAt"].as_str().map(drop).ok_or("no restart".to_owned()),
        verb => return Err(format!("nothing is known of {verb}")),
    };
    if after.pointer(pointer) == Some(&wanted) { Ok(()) } else { Err(format!("no {pointer}")) }
}

/// The fields that say that it is done.
fn done(stage: &Stage, verb: Verb, before: &Value, after: &Value) -> Result<(), String> {
    let (was, is) = (&before["status"], &after["status"]);
    let blue_green = after["spec"]["strategy"]["blueGreen"].is_object();
    let promoted = is["stableRS"] == is["currentPodHash"];
    let step = |status: &Value| status["currentStepIndex"].as_i64().unwrap_or_default();
    let off = |status: &Value| {
        if blue_green {
            status["blueGreen"]["activeSelector"] == status["stableRS"]
        } else {
            status["canary"]["weights"]["canary"]["weight"] == 0
        }
    };
    let holds = match verb {
        Verb::Promote if blue_green => is["blueGreen"]["activeSelector"] == is["currentPodHash"],
        // Where a run in the background could not tell, the same step goes on with another run.
        Verb::Promote if was["canary"]["currentBackgroundAnalysisRunStatus"].is_object() => step(is) >= step(was),
        Verb::Promote => step(is) > step(was) && was["currentPodHash"] == is["currentPodHash"],
        Verb::PromoteFull => promoted && is["currentPodHash"] == was["currentPodHash"] && is["promoteFull"].is_null(),
        Verb::Hold => after["spec"]["paused"] == true && is["currentPodHash"] == was["currentPodHash"],
        Verb::Resume => after["spec"]["paused"] != true && is["currentPodHash"] == was["currentPodHash"],
        Verb::Abort => is["abort"] == true && is["abortedAt"].is_string() && off(is) && is["promoteFull"].is_null(),
        Verb::Retry => is["abort"].is_null() && is["currentPodHash"] == was["currentPodHash"] && !promoted,
        Verb::RollBack => {
            let back = if was["stableRS"] == was["currentPodHash"] {
                is["stableRS"] != was["stableRS"]
            } else {
                is["stableRS"] == was["stableRS"]
            };
            back && promoted && is["phase"] == "Healthy" && is["abort"].is_null() && after["spec"]["paused"] != true
        }
        Verb::Restart => {
            // By the world's clock, which is far ahead of ours: by ours no pod would be old enough.
            let before =
                was["conditions"].as_array().unwrap().iter().filter_map(|condition| condition["lastUpdateTime"].as_str()).max();
            let asked = after["spec"]["restartAt"].as_str();
            asked.is_some() && asked >= before && after["spec"]["restartAt"] == is["restartedAt"]
        }
        Verb::SkipStep => step(is) > step(was),
        Verb::SetImage => is["currentPodHash"] != was["currentPodHash"],
        Verb::TerminateAnalysis => {
            let metadata = &after["metadata"];
            let runs = format!("/apis/argoproj.io/v1alpha1/namespaces/{}/analysisruns", metadata["namespace"].as_str().unwrap());
            let runs = stage.get(&runs)["items"].as_array().unwrap().clone();
            let own = runs.iter().filter(|run| run["metadata"]["ownerReferences"][0]["uid"] == metadata["uid"]);
            own.filter(|run| run["spec"]["terminate"] == true && run["status"]["phase"] == "Successful").count() == 1
        }
    };
    if holds { Ok(()) } else { Err("the fields are not what they should be".to_owned()) }
}
