//! The embedded controller acts out every recorded story: given what was there at the first snapshot and what was done
//! when, a rollout passes through the states that the real controller passed through.
//!
//! A state is (phase, message, step index, set weight). The rule of comparison: the distinct states of the snapshots, in
//! their order, are a subsequence of ours; and what the world shows for longer than [`TRANSIENT`] seconds between two
//! operations was seen by the recorder too. Shorter states of ours need no counterpart: snapshots are samples.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use pilothouse::demo::controller::Controller;
use pilothouse::demo::{Reconcile, Resource, Store};
use pilothouse::domain::belongings::Belongings;
use pilothouse::domain::object::{Rollout, decode_value};
use pilothouse::domain::release::of_rollout;
use serde_json::{Value, json};

/// Seconds that a state may last without the recorder having seen it.
const TRANSIENT: i64 = 4;

type State = (String, String, Option<i64>, Option<i64>);

fn captures() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let root = std::env::var_os("PILOTHOUSE_SHARED").map_or_else(beside, PathBuf::from).join("captures");
    if root.is_dir() {
        return Some(root);
    }
    assert!(std::env::var_os("CI_REQUIRE_REAL").is_none(), "the recordings are not at {}", root.display());
    println!("skipped: no recordings at {}", root.display());
    None
}

struct Snapshot {
    at: Timestamp,
    items: Vec<Value>,
    expected: State,
}

struct Story {
    name: String,
    snapshots: Vec<Snapshot>,
    operations: Vec<(Timestamp, Vec<String>)>,
}

/// A message without the hashes in names of ReplicaSets, which are the controller's own affair.
fn plain(message: &str) -> String {
    let parts = message.split('"').enumerate().map(|(place, part)| match part.rsplit_once('-') {
        Some((name, _)) if place % 2 == 1 && message.starts_with("ProgressDeadlineExceeded") => name,
        _ => part,
    });
    parts.collect::<Vec<_>>().join("\"")
}

fn read_story(folder: &Path) -> Story {
    let json = |path: PathBuf| serde_json::from_str::<Value>(&fs::read_to_string(path).unwrap()).unwrap();
    let mut snapshots = Vec::new();
    for number in 0.. {
        let path = |ending: &str| folder.join(format!("{number:03}{ending}"));
        let Ok(told) = fs::read_to_string(path(".txt")) else { break };
        let expected = json(path(".expected.json"));
        let text = |key: &str| expected[key].as_str().unwrap_or_default().to_owned();
        snapshots.push(Snapshot {
            at: told.split_whitespace().nth(1).unwrap().parse().unwrap(),
            items: json(path(".json"))["items"].as_array().unwrap().clone(),
            expected: (
                text("phase"),
                plain(&text("message")),
                expected["step"]["index"].as_i64(),
                expected["weight"]["set"].as_i64(),
            ),
        });
    }
    let day = snapshots[0].at.strftime("%Y-%m-%d").to_string();
    let told = fs::read_to_string(folder.join("story.txt")).unwrap();
    let operations = told.lines().filter(|line| !line.trim().is_empty()).map(|line| {
        let (time, rest) = line.split_once(' ').unwrap();
        let words = rest.split(" -> ").next().unwrap().split_whitespace().map(str::to_owned).collect();
        (format!("{day}T{time}").parse().unwrap(), words)
    });
    let mut operations: Vec<_> = operations.collect();
    operations.sort();
    Story { name: folder.file_name().unwrap().to_string_lossy().into_owned(), snapshots, operations }
}

/// A world in which one story is played.
struct Stage {
    store: Store,
    controller: Controller,
    now: Timestamp,
    wake: Option<Timestamp>,
    seen: u64,
    /// Every state, with when it began and whether it was there when everything had come to rest.
    states: Vec<(Timestamp, State)>,
    /// States at rest, with their beginning and end.
    rests: Vec<(Timestamp, State)>,
    namespace: String,
}

impl Stage {
    fn settle(&mut self) {
        self.wake = self.controller.settle(&mut self.store, self.now);
        let history = self.store.history(Resource::Rollout);
        let changes: Vec<_> = history.since(self.seen).unwrap().map(|change| (change.version, change.after.body.clone())).collect();
        for (version, body) in changes {
            self.seen = version;
            let state = self.state(&serde_json::from_slice(&body).unwrap());
            if self.states.last().is_none_or(|(_, last)| *last != state) {
                self.states.push((self.now, state));
            }
        }
        if let Some((_, state)) = self.states.last().cloned()
            && self.rests.last().is_none_or(|(_, last)| *last != state)
        {
            self.rests.push((self.now, state));
        }
    }

    fn state(&self, object: &Value) -> State {
        let rollout: Rollout = decode_value(object);
        let release = of_rollout(&rollout, &Belongings::default(), self.now);
        let index = release.step.map(|step| i64::try_from(step.index).unwrap());
        (format!("{:?}", release.phase), plain(&release.message), index, release.weight.map(|weight| weight.set))
    }

    fn pass_until(&mut self, target: Timestamp) {
        while let Some(wake) = self.wake.filter(|wake| *wake <= target) {
            self.now = wake.max(self.now);
            self.settle();
        }
        self.now = target;
        self.settle();
    }

    fn edit(&mut self, resource: Resource, name: &str, change: impl FnOnce(&mut Value)) {
        let namespace = self.namespace.clone();
        self.store.edit(resource, (&namespace, name), change).unwrap();
        self.settle();
    }

    fn patch(&mut self, name: &str, patch: &Value) {
        let namespace = self.namespace.clone();
        self.store.patch(Resource::Rollout, (&namespace, name), patch).unwrap();
        self.settle();
    }

    fn act(&mut self, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["plugin", "set", "image", name, image] => self.set_image(Resource::Rollout, name, image),
            ["kubectl", "set", "image", target, image] => {
                self.set_image(Resource::Deployment, target.strip_prefix("deploy/").unwrap(), image);
            }
            ["plugin", "promote", name] => self.promote(name),
            ["plugin", "promote", name, "--full"] => self.patch(name, &json!({ "status": { "promoteFull": true } })),
            ["plugin", "abort", name] => self.patch(name, &json!({ "status": { "abort": true } })),
            ["plugin", "retry", "rollout", name] => self.patch(name, &json!({ "status": { "abort": false } })),
            ["plugin", "pause", name] => self.patch(name, &json!({ "spec": { "paused": true } })),
            ["plugin", "undo", name] => self.undo(name),
            ["metric", name, "=", value] => self.controller.set_metric(name, serde_json::from_str(value).unwrap()),
            other => panic!("nobody knows how to do {other:?}"),
        }
    }

    fn set_image(&mut self, resource: Resource, name: &str, image: &str) {
        let (container, image) = image.split_once('=').unwrap();
        self.edit(resource, name, |object| {
            let containers = object["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
            containers.iter_mut().find(|c| c["name"] == container).unwrap()["image"] = image.into();
        });
    }

    /// The bodies that the reference plugin sends, in its order.
    fn promote(&mut self, name: &str) {
        let rollout = self.store.get(Resource::Rollout, &self.namespace, name).unwrap();
        let (spec, status) = (&rollout["spec"], &rollout["status"]);
        let paused = status["pauseConditions"].as_array().is_some_and(|conditions| !conditions.is_empty());
        let steps = spec["strategy"]["canary"]["steps"].as_array().map_or(0, Vec::len);
        let next = (status["currentStepIndex"].as_u64().unwrap_or(0) + 1).min(steps as u64);
        let inconclusive = status["canary"]["currentStepAnalysisRunStatus"]["status"] == "Inconclusive";
        let patch = if inconclusive && paused && status["controllerPause"] == true && steps > 0 {
            Some(json!({ "status": { "pauseConditions": null, "controllerPause": false, "currentStepIndex": next } }))
        } else if paused {
            Some(json!({ "status": { "pauseConditions": null } }))
        } else {
            (steps > 0).then(|| json!({ "status": { "pauseConditions": null, "currentStepIndex": next } }))
        };
        let held = spec["paused"] == true;
        if let Some(patch) = patch {
            self.patch(name, &patch);
        }
        if held {
            self.patch(name, &json!({ "spec": { "paused": false } }));
        }
    }

    fn undo(&mut self, name: &str) {
        let mut sets: Vec<_> = self.store.list(Resource::ReplicaSet, Some(&self.namespace)).collect();
        let revision = |set: &Value| -> i64 {
            set["metadata"]["annotations"]["rollout.argoproj.io/revision"].as_str().unwrap_or("0").parse().unwrap()
        };
        sets.sort_by_key(|set| -revision(set));
        let mut template = sets[1]["spec"]["template"].clone();
        template["metadata"]["labels"].as_object_mut().unwrap().remove("rollouts-pod-template-hash");
        self.edit(Resource::Rollout, name, |rollout| rollout["spec"]["template"] = template);
    }
}

fn resource(item: &Value) -> Option<Resource> {
    let kind = item["kind"].as_str()?;
    Resource::ALL.into_iter().find(|resource| resource.about().kind == kind)
}

/// What was there: all objects of a snapshot in which nothing moves yet, else only what a person had written, with the
/// template that was stable.
fn set_up(story: &Story) -> Stage {
    let first = &story.snapshots[0];
    let at_rest = first.expected.0 == "Healthy" && story.operations.first().is_none_or(|(at, _)| *at >= first.at);
    let begin = story.operations.first().map_or(first.at, |(at, _)| (*at).min(first.at));
    let begin = begin - SignedDuration::from_secs(if at_rest { 0 } else { 60 });
    let rollout = first.items.iter().find(|item| item["kind"] == "Rollout").unwrap().clone();
    let namespace = rollout["metadata"]["namespace"].as_str().unwrap().to_owned();
    let mut store = Store::new(7, begin);
    store.create(Resource::Namespace, json!({ "metadata": { "name": namespace } })).unwrap();
    for template in templates(story, &namespace) {
        store.create(Resource::AnalysisTemplate, template).unwrap();
    }
    let mut uids: HashMap<String, Value> = HashMap::new();
    let order = ["Service", "Deployment", "Ingress", "Rollout", "ReplicaSet", "Pod"];
    for kind in order {
        for item in first.items.iter().filter(|item| item["kind"] == kind) {
            let owned = item["metadata"]["ownerReferences"].is_array();
            if !at_rest && owned {
                continue;
            }
            let mut item = item.clone();
            for owner in item["metadata"]["ownerReferences"].as_array_mut().into_iter().flatten() {
                owner["uid"] = uids.get(owner["uid"].as_str().unwrap()).cloned().unwrap_or_default();
            }
            if kind == "Rollout" {
                // The hash of a list of steps is the controller's own affair.
                item["status"].as_object_mut().unwrap().remove("currentStepHash");
            }
            if !at_rest {
                fresh(&mut item, first);
            }
            let uid = item["metadata"]["uid"].as_str().unwrap().to_owned();
            let created = store.create(resource(&item).unwrap(), item).unwrap();
            uids.insert(uid, created["metadata"]["uid"].clone());
        }
    }
    let seen = store.version();
    let mut stage = Stage {
        store,
        controller: Controller::new(),
        now: begin,
        wake: None,
        seen: if at_rest { seen } else { 1000 },
        states: Vec::new(),
        rests: Vec::new(),
        namespace,
    };
    if at_rest {
        let state = stage.state(&rollout);
        stage.states.push((begin, state));
    }
    stage.settle();
    stage
}

/// As a person wrote it, before the update of the story.
fn fresh(item: &mut Value, first: &Snapshot) {
    let object = item.as_object_mut().unwrap();
    let status = object.remove("status").unwrap_or_default();
    let metadata = object["metadata"].as_object_mut().unwrap();
    for key in ["creationTimestamp", "generation", "annotations"] {
        metadata.remove(key);
    }
    if let Some(selector) = item["spec"]["selector"].as_object_mut() {
        selector.remove("rollouts-pod-template-hash");
    }
    let stable = first
        .items
        .iter()
        .find(|set| set["kind"] == "ReplicaSet" && set["metadata"]["labels"]["rollouts-pod-template-hash"] == status["stableRS"]);
    if item["kind"] == "Rollout"
        && let Some(stable) = stable
    {
        let mut template = stable["spec"]["template"].clone();
        template["metadata"]["labels"].as_object_mut().unwrap().remove("rollouts-pod-template-hash");
        item["spec"]["template"] = template;
    }
}

/// The AnalysisTemplates are not in the snapshots, but the runs that were made of them are.
fn templates(story: &Story, namespace: &str) -> Vec<Value> {
    let items = || story.snapshots.iter().flat_map(|snapshot| &snapshot.items);
    let Some(run) = items().find(|item| item["kind"] == "AnalysisRun") else { return Vec::new() };
    let text = items().find(|item| item["kind"] == "Rollout").unwrap()["spec"].to_string();
    let mut names: Vec<&str> = text.split("\"templateName\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    names.sort_unstable();
    names.dedup();
    let made = |name: &&str| json!({ "metadata": { "name": name, "namespace": namespace }, "spec": { "metrics": run["spec"]["metrics"] } });
    names.iter().map(made).collect()
}

fn play(story: &Story) -> Result<(), String> {
    let mut stage = set_up(story);
    for (at, words) in &story.operations {
        stage.pass_until(*at);
        stage.act(words);
    }
    let end = story.snapshots.last().unwrap().at + SignedDuration::from_secs(3);
    stage.pass_until(end.max(stage.now));
    let mut wanted: Vec<&State> = story.snapshots.iter().map(|snapshot| &snapshot.expected).collect();
    wanted.dedup();
    let told = || {
        let ours: Vec<String> = stage.states.iter().map(|(at, state)| format!("  {at} {state:?}")).collect();
        let theirs: Vec<String> = story.snapshots.iter().map(|s| format!("  {} {:?}", s.at, s.expected)).collect();
        format!("ours:\n{}\nrecorded:\n{}", ours.join("\n"), theirs.join("\n"))
    };
    let mut ours = stage.states.iter();
    for state in &wanted {
        if !ours.any(|(_, own)| own == *state) {
            return Err(format!("{}: {state:?} does not come, or not in its place\n{}", story.name, told()));
        }
    }
    let begin = story.operations.first().map_or(story.snapshots[0].at, |(at, _)| *at);
    for (place, (since, state)) in stage.rests.iter().enumerate() {
        let until = stage.rests.get(place + 1).map_or(stage.now, |(until, _)| *until);
        let lasted = until.duration_since((*since).max(begin)).as_secs();
        if lasted >= TRANSIENT && until > begin && !wanted.contains(&state) {
            return Err(format!("{}: the world rests for {lasted} s in {state:?}, which nobody saw\n{}", story.name, told()));
        }
    }
    Ok(())
}

#[test]
fn the_controller_acts_out_every_recorded_story() {
    let Some(root) = captures() else { return };
    let mut folders: Vec<PathBuf> =
        fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    let stories = folders.iter().filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with("flagger-"));
    let faults: Vec<String> = stories.filter_map(|folder| play(&read_story(folder)).err()).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}
