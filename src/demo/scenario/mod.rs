//! What goes on in the world when its screen opens: the company's services with their past, and the script of the chosen
//! scenario. The same seed gives the same world. Nothing here decides how a release moves; the controllers do.

mod company;
mod director;
mod manifest;
mod script;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::metrics::Metrics;
use super::{Environment, Options, Resource, Scenario, Store};
use company::{Keeper, SERVICES, fleet_name, fleet_way};
use director::{Act, Director, tag};
use manifest::{Plan, load_tester};

/// When the company moved to this cluster.
const MOVED_IN: SignedDuration = SignedDuration::from_hours(41 * 24);
/// How long Flagger has been there: its canaries are looked at every few seconds, so its past is short.
const FLAGGER_CAME: SignedDuration = SignedDuration::from_mins(12);
/// Events are forgotten after this long.
const EVENTS_LIVE: SignedDuration = SignedDuration::from_hours(1);
/// How many rollouts production has in the scenario of a fleet.
const FLEET: usize = 300;

/// The environments of a scenario as they are at `now`, with everything that happened before.
pub fn build(options: &Options, now: Timestamp) -> Vec<Environment> {
    std::thread::scope(|threads| {
        // The past of one takes as long to make up as that of the other.
        let stage = threads.spawn(|| environment(options, now, "stage", 0));
        let prod = environment(options, now, "prod", 1);
        stage.join().ok().into_iter().chain([prod]).collect()
    })
}

fn environment(options: &Options, now: Timestamp, name: &str, place: u64) -> Environment {
    let seed = options.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ place;
    let start = if options.scenario == Scenario::Empty { now } else { now - MOVED_IN };
    let mut store = Store::new(seed, start);
    let plans = plans(options.scenario, name);
    ground(&mut store, &plans);
    let mut director = Director::new(plans, seed);
    write_past(&mut director, start, now);
    script::write(&mut director, options.scenario, name, now);
    let mut metrics = Metrics::new(name == "prod", start);
    director.run_up((&mut store, &mut metrics), start, now);
    store.expire_events(now - EVENTS_LIVE);
    store.compact();
    Environment { name: name.to_owned(), store, controller: Box::new(director), metrics }
}

fn plans(scenario: Scenario, environment: &str) -> Vec<Plan> {
    if scenario == Scenario::Empty {
        return Vec::new();
    }
    let production = environment == "prod";
    let mut plans: Vec<Plan> = SERVICES
        .iter()
        .map(|service| Plan {
            name: service.name.to_owned(),
            namespace: service.namespace.to_owned(),
            team: service.team.to_owned(),
            way: service.way,
            keeper: service.keeper,
            replicas: if production { service.replicas } else { (service.replicas + 1) / 2 },
            by_deployment: service.by_deployment,
            deadline: service.deadline,
            by_role: service.by_role,
            environment: environment.to_owned(),
            patience: if scenario == Scenario::Gitops { 45 } else { 3 },
            automated: scenario == Scenario::Gitops,
            gated: scenario == Scenario::FlaggerGate && production,
        })
        .collect();
    if scenario == Scenario::Fleet && production {
        let rollouts = plans.iter().filter(|plan| !plan.is_flagger()).count();
        plans.extend((0..FLEET - rollouts).map(|number| {
            let (name, namespace) = fleet_name(number);
            let team = namespace.trim_start_matches("team-").to_owned();
            let way = fleet_way(number);
            let keeper = if number % 3 == 0 { Keeper::Flux } else { Keeper::ArgoCd };
            let replicas = 2 + i64::from(number % 7 == 0);
            let environment = environment.to_owned();
            Plan { name, namespace, team, way, keeper, replicas, environment, ..Plan::plain() }
        }));
    }
    plans
}

/// Namespaces and machines.
fn ground(store: &mut Store, plans: &[Plan]) {
    let mut names: Vec<&str> = plans.iter().map(|plan| plan.namespace.as_str()).collect();
    names.extend(["default", "argo-rollouts", "argocd", "flagger-system"]);
    names.sort_unstable();
    names.dedup();
    // The first of all, so that by its uid one knows the cluster, whatever else is in it.
    for name in ["kube-system"].into_iter().chain(names) {
        let namespace = json!({
            "metadata": { "name": name, "labels": { "kubernetes.io/metadata.name": name } },
            "spec": { "finalizers": ["kubernetes"] }, "status": { "phase": "Active" },
        });
        drop(store.create(Resource::Namespace, namespace));
    }
    for number in 0..3 {
        let ready =
            json!({ "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status" });
        let node = json!({
            "metadata": { "name": format!("node-{number}"), "labels": { "kubernetes.io/os": "linux" } },
            "status": { "conditions": [ready], "capacity": { "cpu": "16", "memory": "64Gi", "pods": "250" } },
        });
        drop(store.create(Resource::Node, node));
    }
}

/// The version that a service runs when nothing special goes on.
fn version_of(plan: &Plan, number: usize) -> (u32, u32, u32) {
    let of_company = SERVICES.iter().find(|service| service.name == plan.name).map(|service| service.version);
    let (major, minor) =
        of_company.unwrap_or((1 + u32::try_from(number % 3).unwrap_or(0), 2 + u32::try_from(number % 23).unwrap_or(0)));
    (major, minor, u32::try_from(number % 4).unwrap_or(0))
}

/// Every service has been released a few times before.
fn write_past(director: &mut Director, start: Timestamp, now: Timestamp) {
    let long_ago = start.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    for service in 0..director.plans().len() {
        let plan = director.plans()[service].clone();
        let (major, minor, patch) = version_of(&plan, service);
        let versions = [(major, minor.saturating_sub(1), 2), (major, minor.saturating_sub(1), 3), (major, minor, patch)];
        let begin = start + SignedDuration::from_secs(30 * i64::try_from(service).unwrap_or(0));
        let objects = plan.objects(&tag(versions[0]));
        for (resource, object) in &objects {
            director.at(begin, Act::Create(*resource, object.clone(), plan.keeper.manager()));
        }
        // The Argo CD of a fleet is in another cluster.
        if plan.keeper == Keeper::ArgoCd && service < SERVICES.len() {
            director.at(begin, Act::Adopt(service, objects));
        }
        let first = now - SignedDuration::from_mins(director.random().i64(9 * 24 * 60..34 * 24 * 60));
        // A fleet is many enough without a long past.
        let long = service < SERVICES.len();
        let second = now - SignedDuration::from_mins(director.random().i64(3 * 60..8 * 24 * 60));
        for (time, version) in [(first, versions[1]), (second, versions[2])].into_iter().skip(usize::from(!long)) {
            director.at(time, Act::Ship { service, tag: tag(version), fast: true });
        }
        if plan.is_flagger() {
            let mut canary = plan.canary();
            canary["metadata"]["creationTimestamp"] = Value::from(long_ago.clone());
            director.at(now - FLAGGER_CAME, Act::Create(Resource::Canary, canary, plan.keeper.manager()));
        }
    }
    let flagger = director.plans().iter().filter(|plan| plan.is_flagger()).map(|plan| plan.namespace.clone());
    for namespace in flagger.collect::<std::collections::BTreeSet<_>>() {
        for (resource, object) in load_tester(&namespace) {
            director.at(start, Act::Create(resource, object, "helm"));
        }
    }
}
