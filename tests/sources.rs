//! The Kubernetes source against the embedded world, with faults.

use std::time::Duration;

use pilothouse::demo::{self, Files, Options, Running, Scenario};
use pilothouse::domain::fact::Reading;
use pilothouse::domain::id::Kind;
use serde_json::{Value, json};

use crate::support::admin::{Admin, in_namespace};
use crate::support::eyes::{Eyes, Seen};
use crate::support::source_stories::{self as stories, SOON, Stage, subject};

/// How soon the screen has to say that a server hangs.
const HUNG: Duration = Duration::from_secs(15);
/// How soon what was refused, or was not there, is found again.
const AGAIN: Duration = Duration::from_secs(20);
const SHOP: &str = "faulty";

/// A world of a test's own.
struct World {
    files: Files,
    admin: Admin,
    _running: Running,
}

impl World {
    fn start() -> Self {
        Self::with(&Options { scenario: Scenario::Empty, speed: 0.0, ..Options::default() })
    }

    fn with(options: &Options) -> Self {
        let running = demo::start(options).unwrap();
        let files = running.write_files().unwrap();
        let admin = Admin::new(&files.kubeconfig(), Some("prod"));
        Self { files, admin, _running: running }
    }

    fn stage(&self) -> Stage<'_> {
        Stage { admin: &self.admin, kubeconfig: self.files.kubeconfig(), context: Some("prod") }
    }

    /// With two rollouts that eyes see.
    fn seen() -> (Self, Eyes) {
        let world = Self::start();
        world.admin.namespace(SHOP);
        world.admin.create_rollout(SHOP, "web");
        world.admin.create_rollout(SHOP, "api");
        let mut eyes = world.stage().eyes();
        eyes.until(SOON, "two rollouts", |seen| both(seen) && seen.live(Kind::Rollout) && seen.live(Kind::ReplicaSet) && seen.up());
        (world, eyes)
    }

    fn fault(&self, fault: &Value) {
        self.admin.must("POST", "/_world/fault", Some(fault));
    }

    fn mend(&self) {
        self.admin.must("DELETE", "/_world/fault", None);
    }

    /// After a fault: everything is well again, and exactly what is there is seen, in the version in which it is there.
    fn is_well(&self, eyes: &mut Eyes, within: Duration) {
        self.admin.scale(SHOP, "web", 11);
        self.admin.create_rollout(SHOP, "new");
        self.admin.delete_rollout(SHOP, "api");
        eyes.until(within, "up and live again, with what has changed", |seen| {
            let changed = seen.replicas(SHOP, "web") == Some(11) && seen.names(Kind::Rollout, SHOP) == ["new", "web"];
            changed && seen.up() && [Kind::Rollout, Kind::ReplicaSet, Kind::Canary].iter().all(|kind| seen.live(*kind))
        });
        self.matches(eyes);
        let gone: Vec<_> = eyes.seen().gone.iter().filter(|key| key.kind == Kind::Rollout).map(|key| &*key.name).collect();
        assert_eq!(gone, ["api"], "nothing else was ever said to be gone");
    }

    /// What is seen is what is there.
    fn matches(&self, eyes: &mut Eyes) {
        eyes.until(SOON, "the very objects of the server", |seen| {
            let list = self.admin.must("GET", "/apis/argoproj.io/v1alpha1/rollouts", None);
            let mut there: Vec<(String, String)> = list["items"].as_array().unwrap().iter().map(name_and_version).collect();
            there.sort();
            there == seen.versions(Kind::Rollout)
        });
    }
}

fn name_and_version(object: &Value) -> (String, String) {
    let text = |field: &str| object["metadata"][field].as_str().unwrap();
    (format!("{}/{}", text("namespace"), text("name")), text("resourceVersion").to_owned())
}

fn both(seen: &Seen) -> bool {
    seen.has(Kind::Rollout, SHOP, "web") && seen.has(Kind::Rollout, SHOP, "api")
}

#[test]
fn it_follows() {
    stories::follows(&World::start().stage());
}

#[test]
fn it_reads_replica_sets_of_rollouts() {
    stories::reads_replica_sets_of_rollouts(&World::start().stage());
}

#[test]
fn it_looks_closely() {
    stories::looks_closely(&World::start().stage());
}

#[test]
fn it_reads_some_namespaces() {
    stories::reads_some_namespaces(&World::start().stage());
}

#[test]
fn it_reconnects() {
    stories::reconnects(&World::start().stage());
}

#[test]
fn dead_environments_do_not_delay() {
    let folder = tempfile::tempdir().unwrap();
    stories::dead_ones_do_not_delay(&World::start().stage(), folder.path());
}

#[test]
fn a_server_that_goes_away_and_comes_back() {
    let (world, mut eyes) = World::seen();
    world.admin.must("POST", "/_world/outage?seconds=4", None);
    eyes.until(SOON, "down", |seen| seen.down() == Some("connection refused"));
    eyes.always(Duration::from_secs(1), "what was known stays", both);
    eyes.until(Duration::from_secs(8), "up", Seen::up);
    world.is_well(&mut eyes, SOON);
}

#[test]
fn a_server_that_hangs() {
    let (world, mut eyes) = World::seen();
    world.fault(&json!({ "kind": "hang", "path": "/api", "seconds": 12 }));
    let took = eyes.until(HUNG, "down", |seen| seen.down() == Some("no answer for 3 s"));
    eprintln!("a hung server is noticed after {took:?}");
    eyes.always(Duration::from_secs(2), "what was known stays", both);
    world.mend();
    eyes.until(SOON, "up", Seen::up);
    world.is_well(&mut eyes, SOON);
}

#[test]
fn versions_that_are_too_old() {
    let (world, mut eyes) = World::seen();
    world.fault(&json!({ "kind": "expired", "count": 40, "only": "watch" }));
    eyes.watch(Duration::from_secs(2));
    world.mend();
    world.is_well(&mut eyes, SOON);
}

#[test]
fn versions_that_are_too_old_say_so_with_the_status_of_the_watch() {
    let (world, mut eyes) = World::seen();
    world.fault(&json!({ "kind": "status", "code": 410, "only": "watch", "count": 9 }));
    world.fault(&json!({ "kind": "drop_watch", "count": 4 }));
    world.admin.must("POST", "/_world/compact", None);
    world.is_well(&mut eyes, SOON * 2);
}

#[test]
fn a_server_that_is_too_busy() {
    let (world, mut eyes) = World::seen();
    world.fault(&json!({ "kind": "drop_watch", "count": 4 }));
    world.fault(&json!({ "kind": "too_many_requests", "path": "/api", "retry_after": 2 }));
    eyes.until(SOON, "said", |seen| {
        seen.down().is_some_and(|reason| reason.starts_with("429 Too Many Requests"))
            && seen.failing(Kind::Rollout).is_some_and(|text| text.starts_with("429 Too Many Requests"))
    });
    eyes.always(Duration::from_secs(2), "what was known stays", both);
    world.mend();
    world.is_well(&mut eyes, SOON * 2);
}

#[test]
fn a_server_that_is_broken() {
    let (world, mut eyes) = World::seen();
    world.fault(&json!({ "kind": "drop_watch", "count": 4 }));
    world.fault(&json!({ "kind": "status", "code": 500, "path": "/api" }));
    eyes.until(SOON, "said", |seen| {
        seen.down().is_some_and(|reason| reason.starts_with("500 Internal Server Error")) && seen.failing(Kind::Rollout).is_some()
    });
    eyes.always(Duration::from_secs(1), "what was known stays", both);
    world.mend();
    world.is_well(&mut eyes, SOON * 2);
}

#[test]
fn answers_that_break_in_the_middle() {
    for kind in ["truncate", "reset"] {
        let (world, mut eyes) = World::seen();
        world.fault(&json!({ "kind": "drop_watch", "count": 4 }));
        world.fault(&json!({ "kind": kind, "path": "/api" }));
        eyes.until(SOON, "down", |seen| seen.down().is_some());
        eyes.always(Duration::from_secs(1), "what was known stays", both);
        world.mend();
        world.is_well(&mut eyes, SOON * 2);
    }
}

#[test]
fn watches_that_are_dropped_all_the_time() {
    let (world, mut eyes) = World::seen();
    world.fault(&json!({ "kind": "drop_watch" }));
    world.is_well(&mut eyes, SOON * 2);
    world.mend();
}

#[test]
fn watches_that_fall_silent() {
    let (world, mut eyes) = World::seen();
    world.fault(&json!({ "kind": "silent_watch" }));
    // The first of all rollouts is the one that the heartbeat sees; another one is seen because it is looked at.
    let web = world.admin.must("GET", &format!("{}/web", in_namespace(SHOP, "rollouts")), None);
    eyes.look(vec![subject(&web)]);
    world.admin.scale(SHOP, "web", 11);
    let took = eyes.until(HUNG, "the change all the same", |seen| seen.replicas(SHOP, "web") == Some(11));
    eprintln!("a silent watch is noticed after {took:?}");
    world.admin.delete_rollout(SHOP, "web");
    eyes.until(HUNG, "and the end", |seen| seen.names(Kind::Rollout, SHOP) == ["api"]);
}

#[test]
fn a_permission_goes_and_comes_back() {
    let (world, mut eyes) = World::seen();
    world.fault(&json!({ "kind": "forbid", "resource": "rollouts" }));
    eyes.until(SOON, "refused although the watch is open", |seen| seen.denied(Kind::Rollout).is_some() && seen.up());
    assert!(both(eyes.seen()) && eyes.seen().live(Kind::ReplicaSet), "what was known stays, other kinds are not concerned");
    world.mend();
    world.is_well(&mut eyes, AGAIN);
}

#[test]
fn who_may_read_one_namespace_reads_that() {
    let world = World::start();
    world.admin.namespace("default");
    world.admin.create_rollout("default", "web");
    world.admin.namespace(SHOP);
    world.admin.create_rollout(SHOP, "api");
    world.fault(&json!({ "kind": "forbid", "except": "default" }));
    let mut eyes = world.stage().eyes();
    eyes.until(SOON, "its own namespace", |seen| {
        let narrowed = matches!(seen.readings.get(&Kind::Rollout), Some(Reading::Narrowed(text)) if text.contains("default"));
        narrowed && seen.has(Kind::Rollout, "default", "web") && !seen.has(Kind::Rollout, SHOP, "api")
    });
}

#[test]
fn a_definition_that_goes_and_comes_back() {
    let (world, mut eyes) = World::seen();
    world.fault(&json!({ "kind": "status", "code": 404, "path": "/apis/argoproj.io" }));
    world.fault(&json!({ "kind": "drop_watch", "path": "/apis/argoproj.io", "count": 1 }));
    eyes.until(SOON, "not installed, so nothing is there", |seen| {
        seen.is(Kind::Rollout, &Reading::NotInstalled) && seen.count(Kind::Rollout) == 0 && seen.up()
    });
    world.mend();
    eyes.until(AGAIN, "installed again", |seen| both(seen) && seen.live(Kind::Rollout));
}

#[test]
fn whatever_happens_what_is_seen_is_what_is_there() {
    let world = World::with(&Options { scenario: Scenario::Calm, rollouts: 300, churn: 200, ..Options::default() });
    let mut eyes = world.stage().eyes();
    eyes.until(SOON, "all", |seen| seen.count(Kind::Rollout) >= 300 && seen.live(Kind::Rollout));
    let kinds = ["drop_watch", "reset", "truncate", "expired", "too_many_requests", "hang"];
    let mut random = fastrand::Rng::with_seed(7);
    world.admin.namespace(SHOP);
    for round in 0..16 {
        let mut fault = json!({ "kind": random.choice(kinds), "path": "/apis", "seconds": 0.4 });
        if round % 4 == 3 {
            fault = json!({ "kind": "status", "code": 503, "path": "/apis", "seconds": 0.6 });
        }
        world.fault(&fault);
        eyes.watch(Duration::from_millis(400));
        world.mend();
        world.admin.create_rollout(SHOP, &format!("svc-{round}"));
        if round % 2 == 1 {
            world.admin.delete_rollout(SHOP, &format!("svc-{}", round - 1));
        }
        eyes.watch(Duration::from_millis(200));
    }
    eyes.until(SOON * 3, "live and up in the end", |seen| seen.live(Kind::Rollout) && seen.up());
    let names: Vec<String> = (0..16).filter(|round| round % 2 == 1).map(|round| format!("svc-{round}")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    eyes.until(SOON * 2, "exactly what is there", |seen| seen.names(Kind::Rollout, SHOP) == names);
}
