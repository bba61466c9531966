//! Reads from the objects how a service is: which pods take requests, which version is tried, how the traffic is split.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::pod::Track;
use super::service::{Scene, Schemes, Seen};
use crate::demo::controller::desk::{label, text};
use crate::demo::stored::INSTANCE;
use crate::demo::{Resource, Store};

/// The port that every service of the world serves its metrics on.
const PORT: u16 = 8080;
/// The metrics of a crowd's services reach back so far, at most, in milliseconds.
const CROWD_PAST: i64 = 35 * 24 * 3_600_000;
/// And what they release when they are first seen is so old, in milliseconds.
const RELEASE_PAST: i64 = 3_600_000;
/// Which of the company's services are in a mesh.
const ISTIO: [&str; 3] = ["media", "analytics", "catalog"];
const LINKERD: [&str; 3] = ["search", "inventory", "notifications"];

/// What of the world has metrics.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Its namespace.
    pub namespace: String,
    /// The name of its rollout, or of the Deployment that Flagger looks after.
    pub name: String,
}

/// The service that an object belongs to, if it is there and belongs to one.
pub fn owner(store: &Store, resource: Resource, namespace: &str, name: &str) -> Option<Named> {
    let named = |name: &str| Named { namespace: namespace.to_owned(), name: name.to_owned() };
    match resource {
        Resource::Rollout => Some(named(name)),
        Resource::Canary => {
            let canary = store.get(Resource::Canary, namespace, name)?;
            canary["spec"]["targetRef"]["name"].as_str().map(named)
        }
        Resource::Pod => {
            let pod = store.get(Resource::Pod, namespace, name)?;
            let set = store.get(Resource::ReplicaSet, namespace, controller(&pod, "ReplicaSet")?)?;
            let rollout = controller(&set, "Rollout").map(named);
            rollout.or_else(|| {
                let deployment = controller(&set, "Deployment")?;
                let name = deployment.strip_suffix("-primary").unwrap_or(deployment);
                (!name.contains("loadtester")).then(|| named(name))
            })
        }
        _ => None,
    }
}

fn controller<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|owner| owner["kind"] == kind)?["name"].as_str()
}

/// How a service is counted, and how it is now; none for one that is not there.
pub fn look(store: &Store, named: &Named) -> Option<(Schemes, Scene)> {
    let Named { namespace, name } = named;
    if let Some(stored) = store.stored(Resource::Rollout, namespace, name) {
        if stored.snapshot.label(INSTANCE).is_some() {
            let schemes = Schemes { crowd: true, ..Schemes::default() };
            return Some((schemes, crowd(name, &stored.snapshot.body, store.now())));
        }
        let rollout = stored.value(Resource::Rollout);
        let nginx = rollout["spec"]["strategy"]["canary"]["trafficRouting"]["nginx"].is_object();
        return Some((schemes(name, nginx), of_rollout(store, name, &rollout)));
    }
    let scene = of_deployment(store, namespace, name)?;
    Some((schemes(name, false), scene))
}

fn schemes(name: &str, nginx: bool) -> Schemes {
    Schemes { istio: ISTIO.contains(&name), nginx, linkerd: LINKERD.contains(&name), crowd: false }
}

fn of_rollout(store: &Store, name: &str, rollout: &Value) -> Scene {
    let (strategy, status) = (&rollout["spec"]["strategy"], &rollout["status"]);
    let hash = |value: &Value| value.as_str().filter(|hash| !hash.is_empty()).map(str::to_owned);
    let current = hash(&status["currentPodHash"]);
    let blue_green = strategy["blueGreen"].is_object();
    let active = &status["blueGreen"]["activeSelector"];
    let stable = hash(if blue_green { active } else { &status["stableRS"] }).or_else(|| current.clone());
    let version = current.filter(|current| stable.as_ref() != Some(current));
    let track = |hash: &str| match hash {
        hash if stable.as_deref() == Some(hash) => Some(Track::Stable),
        hash if version.as_deref() == Some(hash) => Some(Track::Canary),
        _ => None,
    };
    let sets = store.list_owned(Resource::ReplicaSet, text(rollout, "uid"));
    let pods = sets.iter().flat_map(|set| store.list_owned(Resource::Pod, text(set, "uid")));
    let pods = pods.map(|pod| seen(&pod, label(&pod, "rollouts-pod-template-hash"), track)).collect();
    let weight = status["canary"]["weights"]["canary"]["weight"].as_f64();
    let routed = strategy["canary"]["trafficRouting"].is_object();
    let canary = if blue_green { Some(0.0) } else { routed.then(|| weight.filter(|_| version.is_some()).unwrap_or(0.0) / 100.0) };
    let service = |key: &str, other: &str| {
        let way = if blue_green { &strategy["blueGreen"][other] } else { &strategy["canary"][key] };
        (way.as_str().unwrap_or(name).to_owned(), name.to_owned())
    };
    let names = [service("canaryService", "previewService"), service("stableService", "activeService")];
    Scene { pods, canary, version, names }
}

/// A Deployment that Flagger looks after, with the primary that it made; before it came, the Deployment alone.
fn of_deployment(store: &Store, namespace: &str, name: &str) -> Option<Scene> {
    let primary = format!("{name}-primary");
    let pods_of = |name: &str| {
        let deployment = store.get(Resource::Deployment, namespace, name)?;
        let sets = store.list_owned(Resource::ReplicaSet, text(&deployment, "uid"));
        Some(sets.iter().flat_map(|set| store.list_owned(Resource::Pod, text(set, "uid"))).collect::<Vec<_>>())
    };
    let own = pods_of(name)?;
    let serving = pods_of(&primary);
    let of_own = if serving.is_some() { Track::Canary } else { Track::Stable };
    let each = |pods: &[std::sync::Arc<Value>], track: Track| {
        pods.iter().map(|pod| seen(pod, label(pod, "pod-template-hash"), |_| Some(track))).collect::<Vec<_>>()
    };
    let mut pods = each(&own, of_own);
    let version = serving.is_some().then(|| pods.iter().find(|pod| pod.ready).map(|pod| pod.hash.clone())).flatten();
    pods.extend(each(serving.as_deref().unwrap_or_default(), Track::Stable));
    let canary = store.get(Resource::Canary, namespace, name);
    let weight = canary.as_ref().and_then(|canary| canary["status"]["canaryWeight"].as_f64()).unwrap_or(0.0);
    let split = |part: &str, workload: &str| match &serving {
        Some(_) => (format!("{name}-{part}"), workload.to_owned()),
        None => (name.to_owned(), name.to_owned()),
    };
    let names = [split("canary", name), split("primary", &primary)];
    Some(Scene { pods, canary: serving.is_some().then_some(weight / 100.0), version, names })
}

fn seen(pod: &Value, hash: &str, track: impl Fn(&str) -> Option<Track>) -> Seen {
    let ends = pod["metadata"]["deletionTimestamp"].is_string();
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    let address = pod["status"]["podIP"].as_str().unwrap_or_else(|| text(pod, "name"));
    Seen {
        name: text(pod, "name").to_owned(),
        hash: hash.to_owned(),
        track: track(hash),
        instance: format!("{address}:{PORT}"),
        ready: ready && !ends,
        since: None,
    }
}

/// What is read of a crowd's rollout, of which there are many.
#[derive(Deserialize)]
struct Crowded {
    metadata: Metadata,
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    creation_timestamp: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    current_pod_hash: String,
    #[serde(default, rename = "stableRS")]
    stable: String,
    canary: Option<Canary>,
}

#[derive(Deserialize)]
struct Canary {
    weights: Weights,
}

#[derive(Deserialize)]
struct Weights {
    canary: Weight,
}

#[derive(Deserialize)]
struct Weight {
    weight: f64,
}

/// A rollout of the crowd has no pods: one is thought of for each version.
fn crowd(name: &str, body: &[u8], now: Timestamp) -> Scene {
    let Ok(Crowded { metadata, status }) = serde_json::from_slice(body) else { return Scene::default() };
    let now = now.as_millisecond();
    let since = metadata.creation_timestamp.map_or(now, Timestamp::as_millisecond).max(now - CROWD_PAST);
    // What is under way has not been so for long.
    let began = |track: Track| if track == Track::Canary { since.max(now - RELEASE_PAST) } else { since };
    let pod = |hash: &str, track: Track| Seen {
        name: format!("{name}-{hash}-0"),
        hash: hash.to_owned(),
        track: Some(track),
        instance: format!("{name}-{hash}-0:{PORT}"),
        ready: true,
        since: Some(began(track)),
    };
    let moving = status.current_pod_hash != status.stable;
    let pods = [(&status.stable, Track::Stable, true), (&status.current_pod_hash, Track::Canary, moving)];
    let pods = pods.into_iter().filter(|(hash, _, there)| *there && !hash.is_empty()).map(|(hash, track, _)| pod(hash, track));
    let weight = status.canary.map_or(0.0, |canary| canary.weights.canary.weight / 100.0);
    let both = || [("canary".to_owned(), name.to_owned()), ("stable".to_owned(), name.to_owned())];
    Scene { pods: pods.collect(), canary: Some(weight), version: moving.then_some(status.current_pod_hash), names: both() }
}
