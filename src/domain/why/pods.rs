//! Pods that keep a release from going on, the worst first, with what their containers and their events say.

use jiff::Timestamp;

use crate::domain::belongings::Belongings;
use crate::domain::duration::age;
use crate::domain::object::{Condition, ContainerStatus, Pod, ReplicaSet, Rollout, StateDetail};
use crate::domain::pod::blocking;
use crate::domain::release::Tag;
use crate::domain::tag::{experiment_tag, tags};

/// Seconds that starting may take before it is worth a word.
const STARTING: i64 = 60;
/// Restarts after crashes from which on the next crash is only a matter of time.
const CRASHES: i64 = 2;

/// What kind of thing is wrong with a pod, the weightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Pull,
    Crash,
    Start,
    Unschedulable,
    Slow,
}

/// What is wrong with a pod, as the rest of a sentence that begins with its name.
struct Trouble {
    weight: Weight,
    text: String,
}

/// Whether a pod of the wanted revision cannot start, or crashes again and again: that does not mend itself.
pub fn cannot_start(rollout: &Rollout, belongings: &Belongings) -> bool {
    let set = belongings.replica_set_with(&rollout.metadata.uid, &rollout.status.current_pod_hash);
    set.is_some_and(|set| belongings.pods_of(&set.metadata.uid).into_iter().any(|pod| is_stuck(pod, belongings)))
}

fn is_stuck(pod: &Pod, belongings: &Belongings) -> bool {
    let ready = condition(pod, "Ready").is_some_and(|ready| *ready.status == *"True");
    if ready || pod.metadata.deletion_timestamp.is_some() {
        return false;
    }
    blocking(pod).is_some_and(|(container, init)| {
        // Between two crashes it runs for a moment.
        let ended = container.last_state.terminated.as_ref().and_then(|ended| ended.exit_code);
        let crashes = container.restart_count >= CRASHES && ended.is_some_and(|code| code != 0);
        let trouble = of_container(pod, container, init, belongings).map(|trouble| trouble.weight);
        crashes || matches!(trouble, Some(Weight::Pull | Weight::Start)) || waits_after_crash(container)
    })
}

fn waits_after_crash(container: &ContainerStatus) -> bool {
    container.state.waiting.as_ref().is_some_and(|waiting| &*waiting.reason == "CrashLoopBackOff")
}

/// The worst trouble of the pods of the wanted revision, of an Experiment, or else of any revision.
pub fn trouble(rollout: &Rollout, belongings: &Belongings, now: Timestamp) -> Option<String> {
    let uid = &rollout.metadata.uid;
    let mut sets: Vec<(String, &ReplicaSet)> = Vec::new();
    sets.extend(belongings.replica_set_with(uid, &rollout.status.current_pod_hash).map(|set| (role(&tags(rollout, set)), set)));
    for experiment in belongings.experiments_of(uid) {
        let own = belongings.replica_sets_of(&experiment.metadata.uid).into_iter();
        sets.extend(own.map(|set| (experiment_tag(set).map_or("experiment".to_owned(), |tag| role(&[tag])), set)));
    }
    sets.extend(belongings.replica_sets_of(uid).into_iter().map(|set| (role(&tags(rollout, set)), set)));
    sets.into_iter().find_map(|(role, set)| worst(&role, set, belongings, now))
}

fn role(tags: &[Tag]) -> String {
    tags.iter().find(|tag| !matches!(tag, Tag::Ping | Tag::Pong)).map_or_else(
        || "old".to_owned(),
        |tag| match tag {
            Tag::Experiment(template) => format!("experiment {template}"),
            tag => tag.to_string(),
        },
    )
}

fn worst(role: &str, set: &ReplicaSet, belongings: &Belongings, now: Timestamp) -> Option<String> {
    let pods = belongings.pods_of(&set.metadata.uid).into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    let mut troubled: Vec<(Trouble, &Pod)> = pods.filter_map(|pod| Some((of_pod(pod, belongings, now)?, pod))).collect();
    // Stable: of equals the oldest pod speaks.
    troubled.sort_by_key(|(trouble, _)| trouble.weight);
    let (trouble, pod) = troubled.first()?;
    let alike = troubled.iter().filter(|(other, _)| other.weight == trouble.weight).count();
    let more = if alike > 1 { format!(" ({} of {} pods)", alike, set.status.replicas.max(1)) } else { String::new() };
    // A sentence for no moment in particular says no age.
    let start = since(pod).filter(|start| *start <= now);
    let long = start.map(|start| format!(", for {}", age(now.duration_since(start).as_secs()))).unwrap_or_default();
    Some(format!("{role} pod {} {}{long}{more}", pod.metadata.name, trouble.text))
}

/// Since when a pod is as it is: since it lost its readiness, else since it is there.
fn since(pod: &Pod) -> Option<Timestamp> {
    let ready = condition(pod, "Ready").and_then(|condition| condition.last_transition_time);
    ready.max(pod.metadata.creation_timestamp)
}

fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a Condition> {
    pod.status.conditions.iter().find(|condition| *condition.kind == *kind)
}

fn of_pod(pod: &Pod, belongings: &Belongings, now: Timestamp) -> Option<Trouble> {
    let trouble = |weight, text| Some(Trouble { weight, text });
    if let Some(refused) = condition(pod, "PodScheduled").filter(|scheduled| *scheduled.status == *"False") {
        return trouble(Weight::Unschedulable, format!("cannot be scheduled: {}", refused.message.trim_end_matches('.')));
    }
    let ready = condition(pod, "Ready").is_some_and(|ready| *ready.status == *"True");
    if ready || &*pod.status.phase == "Succeeded" {
        return None;
    }
    if &*pod.status.phase == "Failed" && !pod.status.reason.is_empty() {
        let message = if pod.status.message.is_empty() { String::new() } else { format!(": {}", pod.status.message) };
        return trouble(Weight::Slow, format!("failed, {}{message}", pod.status.reason));
    }
    if let Some((container, init)) = blocking(pod)
        && let Some(found) = of_container(pod, container, init, belongings)
    {
        return Some(found);
    }
    let waited = since(pod).map_or(0, |start| now.duration_since(start).as_secs());
    if waited < STARTING {
        return None;
    }
    let told = warning(pod, belongings).map(|message| format!(": {message}")).unwrap_or_default();
    let doing = match blocking(pod) {
        Some((container, true)) => format!("waits for init container {}", container.name),
        Some((container, false)) if container.state.running.is_some() => format!("is not ready{}", named(pod, container)),
        Some((_, false)) => "does not start".to_owned(),
        None => "is not ready".to_owned(),
    };
    trouble(Weight::Slow, format!("{doing}{told}"))
}

fn of_container(pod: &Pod, container: &ContainerStatus, init: bool, belongings: &Belongings) -> Option<Trouble> {
    let which = if init { format!(" in init container {}", container.name) } else { named(pod, container) };
    if let Some(waiting) = container.state.waiting.as_ref() {
        return match &*waiting.reason {
            "InvalidImageName" => {
                Some(Trouble { weight: Weight::Pull, text: format!("has an invalid image name, {}{which}", image(pod, container)) })
            }
            "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "RegistryUnavailable" | "ImageInspectError" => {
                Some(Trouble { weight: Weight::Pull, text: pull(pod, container, waiting, &which, belongings) })
            }
            "CrashLoopBackOff" => {
                Some(Trouble { weight: Weight::Crash, text: crash(container, container.last_state.terminated.as_ref(), &which) })
            }
            "" | "ContainerCreating" | "PodInitializing" => None,
            reason => {
                let message = if waiting.message.is_empty() { reason } else { &waiting.message };
                Some(Trouble { weight: Weight::Start, text: format!("cannot start{which}: {message}") })
            }
        };
    }
    let ended = container.state.terminated.as_ref().filter(|ended| ended.exit_code != Some(0))?;
    Some(Trouble { weight: Weight::Crash, text: crash(container, Some(ended), &which) })
}

/// ` in container proxy`, where there are several.
fn named(pod: &Pod, container: &ContainerStatus) -> String {
    if pod.spec.containers.len() > 1 { format!(" in container {}", container.name) } else { String::new() }
}

/// The image as the spec asks for it.
fn image<'a>(pod: &'a Pod, container: &'a ContainerStatus) -> &'a str {
    let all = pod.spec.containers.iter().chain(&pod.spec.init_containers);
    let asked = all.into_iter().find(|asked| asked.name == container.name).map(|asked| &*asked.image);
    asked.unwrap_or(&container.image)
}

fn pull(pod: &Pod, container: &ContainerStatus, waiting: &StateDetail, which: &str, belongings: &Belongings) -> String {
    let image = image(pod, container);
    // "Back-off pulling image" alone says nothing; then the event of the first try does.
    let said = if waiting.message.contains(": ") { Some(&*waiting.message) } else { None };
    let failed = |message: &&str| message.starts_with("Failed to pull image");
    let said = said.or_else(|| latest(pod, belongings, |message| failed(&message)));
    let cause = said.map(|said| format!(": {}", pull_cause(said, image))).unwrap_or_default();
    format!("cannot pull {image}{which}{cause}")
}

/// What a registry's long answer comes to.
fn pull_cause<'a>(said: &'a str, image: &str) -> &'a str {
    let lower = said.to_lowercase();
    let known: [(&[&str], &'static str); 6] = [
        (&["not found", "manifest unknown", "no such image", "name unknown"], "not found"),
        (&["unauthorized", "denied", "authorization failed", "no basic auth", "403 forbidden"], "the registry refuses access"),
        (&["toomanyrequests", "too many requests", "rate limit"], "the registry limits how often it is asked"),
        (&["x509", "certificate"], "the registry's certificate is not trusted"),
        (&["no such host", "server misbehaving"], "the registry's name cannot be resolved"),
        (&["timeout", "deadline exceeded", "connection refused", "i/o timeout", "unreachable"], "the registry does not answer"),
    ];
    let cause = known.iter().find(|(words, _)| words.iter().any(|word| lower.contains(word))).map(|(_, cause)| *cause);
    cause.unwrap_or_else(|| said.rsplit_once(image).map_or(said, |(_, rest)| rest).trim_start_matches(['"', ':', ' ']))
}

fn crash(container: &ContainerStatus, ended: Option<&StateDetail>, which: &str) -> String {
    let restarts = match container.restart_count {
        ..=0 => String::new(),
        1 => ", 1 restart".to_owned(),
        count => format!(", {count} restarts"),
    };
    let Some(ended) = ended else { return format!("crashes{which}{restarts}") };
    if &*ended.reason == "OOMKilled" {
        return format!("is killed{which} for using more memory than its limit{restarts}");
    }
    let code = ended.exit_code.map(|code| format!(" with exit code {code}")).unwrap_or_default();
    let message =
        ended.message.trim().lines().last().filter(|line| !line.is_empty()).map(|line| format!(": {line}")).unwrap_or_default();
    format!("crashes{which}{code}{message}{restarts}")
}

/// The latest warning about a pod, without the announcement that it is being tried again.
fn warning<'a>(pod: &Pod, belongings: &'a Belongings) -> Option<&'a str> {
    latest(pod, belongings, |message| !message.starts_with("Back-off"))
}

fn latest<'a>(pod: &Pod, belongings: &'a Belongings, wanted: impl Fn(&str) -> bool) -> Option<&'a str> {
    let mine =
        belongings.events.iter().filter(|event| event.involved_object.uid == pod.metadata.uid && &*event.severity == "Warning");
    let told = mine.filter(|event| wanted(&event.message)).max_by_key(|event| event.at());
    told.map(|event| event.message.trim())
}
