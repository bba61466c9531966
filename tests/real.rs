//! The Kubernetes source against a real API server.

use std::time::Duration;

use pilothouse::config::Namespaces;
use pilothouse::domain::fact::Reading;
use pilothouse::domain::id::Kind;
use serde_json::json;

use crate::support::admin::{Admin, in_namespace, rollout};
use crate::support::api_server::{Cluster, cluster};
use crate::support::eyes::{Eyes, environment};
use crate::support::source_stories::{self as stories, SOON, Stage};
use crate::support::write_stories as writes;

/// How soon what was refused, or was not there, is found again.
const AGAIN: Duration = Duration::from_secs(20);

fn stage(cluster: &Cluster) -> Stage<'_> {
    Stage { admin: &cluster.admin, kubeconfig: cluster.kubeconfig("admin", "default"), context: None }
}

#[test]
fn it_follows() {
    let Some(cluster) = cluster() else { return };
    stories::follows(&stage(cluster));
}

#[test]
fn it_reads_replica_sets_of_rollouts() {
    let Some(cluster) = cluster() else { return };
    stories::reads_replica_sets_of_rollouts(&stage(cluster));
}

#[test]
fn it_looks_closely() {
    let Some(cluster) = cluster() else { return };
    stories::looks_closely(&stage(cluster));
}

#[test]
fn it_reads_some_namespaces() {
    let Some(cluster) = cluster() else { return };
    stories::reads_some_namespaces(&stage(cluster));
}

#[test]
fn writes_are_answered_as_the_embedded_world_answers_them() {
    let Some(cluster) = cluster() else { return };
    writes::tests_fence(&cluster.admin);
    writes::halves_are_apart(&cluster.admin);
    writes::definitions_hold(&cluster.admin);
    writes::managers_are_kept(&cluster.admin);
    writes::events_are_taken(&cluster.admin);
}

#[test]
fn it_reconnects() {
    let Some(cluster) = cluster() else { return };
    stories::reconnects(&stage(cluster));
}

#[test]
fn dead_environments_do_not_delay() {
    let Some(cluster) = cluster() else { return };
    let folder = tempfile::tempdir().unwrap();
    stories::dead_ones_do_not_delay(&stage(cluster), folder.path());
}

#[test]
fn nobody_is_refused_and_told_so() {
    let Some(cluster) = cluster() else { return };
    let mut eyes = Eyes::on(&cluster.kubeconfig("nobody", "default"), None);
    eyes.until(SOON, "refused", |seen| seen.denied(Kind::Rollout).is_some() && seen.up());
    let text = eyes.seen().denied(Kind::Rollout).unwrap();
    assert!(text.contains("User \"nobody\" cannot") && text.contains("namespace \"default\""), "{text}");
    assert_eq!(eyes.seen().count(Kind::Rollout), 0);
}

#[test]
fn who_is_unknown_and_what_is_unverified_is_told_so() {
    let Some(cluster) = cluster() else { return };
    let change = |from: &str, to: &str| {
        let path = cluster.kubeconfig("viewer", "default");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        std::fs::write(&path, text.replace(from, to)).unwrap();
        Eyes::on(&path, None)
    };
    change("token-of-viewer", "token-of-a-stranger").until(SOON, "a stranger", |seen| seen.down() == Some("401 Unauthorized"));
    let unverified = Some("certificate signed by unknown authority");
    change("\"certificate-authority\"", "\"nothing\"").until(SOON, "unverified", |seen| seen.down() == unverified);
    let another = Some("the server's certificate is for another name");
    change("https://127.0.0.1", "https://localhost").until(SOON, "another name", |seen| seen.down() == another);
}

#[test]
fn who_may_read_one_namespace_reads_that() {
    let Some(cluster) = cluster() else { return };
    let shop = "viewed";
    let _binding = cluster.let_read("viewer", shop);
    cluster.admin.create_rollout(shop, "web");
    let kubeconfig = cluster.kubeconfig("viewer", shop);
    let mut eyes = Eyes::on(&kubeconfig, None);
    let narrowed =
        |reading: Option<&Reading>| matches!(reading, Some(Reading::Narrowed(text)) if text.starts_with("only namespace viewed"));
    eyes.until(SOON, "its own namespace", |seen| {
        seen.has(Kind::Rollout, shop, "web") && narrowed(seen.readings.get(&Kind::Rollout)) && seen.up()
    });
    assert!(eyes.seen().objects.keys().all(|key| &*key.namespace == shop));
    cluster.admin.delete_rollout(shop, "web");
    eyes.until(SOON, "changes there", |seen| seen.count(Kind::Rollout) == 0);

    let two = Namespaces::Some(vec![shop.into(), "default".into()]);
    cluster.admin.create_rollout(shop, "api");
    let mut eyes = Eyes::open(vec![environment(&kubeconfig, None, two)]);
    eyes.until(SOON, "one may be read and one not", |seen| {
        seen.has(Kind::Rollout, shop, "api") && seen.denied(Kind::Rollout).is_some()
    });
    assert!(eyes.seen().denied(Kind::Rollout).unwrap().contains("namespace \"default\""));
}

#[test]
fn a_permission_goes_and_comes_back() {
    let Some(cluster) = cluster() else { return };
    let shop = "revoked";
    let binding = cluster.let_read("captain", shop);
    cluster.admin.create_rollout(shop, "web");
    let only = Namespaces::Some(vec![shop.into()]);
    let mut eyes = Eyes::open(vec![environment(&cluster.kubeconfig("captain", shop), None, only)]);
    eyes.until(SOON, "reading", |seen| {
        seen.has(Kind::Rollout, shop, "web") && seen.live(Kind::Rollout) && seen.live(Kind::ReplicaSet)
    });
    cluster.admin.must("DELETE", &binding, None);
    let took = eyes.until(SOON, "refused although the watch is open", |seen| seen.denied(Kind::Rollout).is_some());
    eprintln!("a revoked permission is noticed after {took:?}");
    assert!(eyes.seen().has(Kind::Rollout, shop, "web"), "what was known stays");
    cluster.let_read("captain", shop);
    cluster.admin.scale(shop, "web", 9);
    eyes.until(AGAIN, "reading again", |seen| seen.live(Kind::Rollout) && seen.replicas(shop, "web") == Some(9));
}

#[test]
fn a_definition_that_comes_later_is_found() {
    let Some(cluster) = cluster() else { return };
    let mut eyes = stage(cluster).eyes();
    eyes.until(SOON, "no Flagger here", |seen| seen.is(Kind::Canary, &Reading::NotInstalled) && seen.live(Kind::Rollout));
    cluster.install_flagger();
    cluster.admin.namespace("flagger");
    let canary = json!({
        "apiVersion": "flagger.app/v1beta1", "kind": "Canary", "metadata": { "name": "pay" },
        "spec": {
            "targetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "pay" }, "service": { "port": 80 },
            "analysis": { "interval": "1m", "threshold": 5, "maxWeight": 50, "stepWeight": 10 },
        },
    });
    cluster.admin.create(&in_namespace("flagger", "canaries"), &canary);
    let took = eyes.until(AGAIN, "and now there is", |seen| seen.has(Kind::Canary, "flagger", "pay") && seen.live(Kind::Canary));
    eprintln!("a new definition is noticed after {took:?}");
}

#[test]
fn a_server_dies_and_comes_back_and_history_is_gone() {
    let Some(cluster) = cluster() else { return };
    let (admin, shop) = (&cluster.admin, "restart");
    admin.namespace(shop);
    for name in ["gone", "stays", "changes"] {
        admin.create_rollout(shop, name);
    }
    let mut server = cluster.another(&[]);
    let mut eyes = Eyes::on(&server.kubeconfig(cluster), None);
    eyes.until(SOON, "all three", |seen| seen.names(Kind::Rollout, shop).len() == 3 && seen.live(Kind::Rollout));
    server.kill();
    let took = eyes.until(SOON, "down", |seen| seen.down() == Some("connection refused"));
    eprintln!("a dead server is noticed after {took:?}");
    assert_eq!(eyes.seen().names(Kind::Rollout, shop).len(), 3, "what was known stays");
    admin.delete_rollout(shop, "gone");
    admin.scale(shop, "changes", 5);
    admin.create_rollout(shop, "comes");
    cluster.compact();
    cluster.revive(&mut server);
    let took = eyes.until(SOON, "up", super::support::eyes::Seen::up);
    eprintln!("it is noticed to be back after {took:?}");
    eyes.until(SOON, "what happened in between", |seen| {
        seen.names(Kind::Rollout, shop) == ["changes", "comes", "stays"] && seen.replicas(shop, "changes") == Some(5)
    });
    eyes.until(SOON, "live", |seen| seen.live(Kind::Rollout));
    let gone: Vec<_> = eyes.seen().gone.iter().filter(|key| key.kind == Kind::Rollout && &*key.namespace == shop).collect();
    assert_eq!(gone.len(), 1, "nothing else is gone: {gone:?}");
}

#[test]
fn a_server_without_streams_is_read_in_pages() {
    let Some(cluster) = cluster() else { return };
    let shop = "pages";
    cluster.admin.namespace(shop);
    fill(cluster, shop, 1_100);
    let server = cluster.another(&["--feature-gates=WatchList=false"]);
    let mut eyes = Eyes::on(&server.kubeconfig(cluster), None);
    eyes.until(SOON, "all of them", |seen| seen.names(Kind::Rollout, shop).len() == 1_100 && seen.live(Kind::Rollout));
    cluster.admin.delete_rollout(shop, "svc-0007");
    eyes.until(SOON, "and changes", |seen| seen.names(Kind::Rollout, shop).len() == 1_099);
    let states: Vec<_> = eyes.seen().readings.values().filter(|reading| matches!(reading, Reading::Failing(_))).collect();
    assert!(states.is_empty(), "{states:?}");
}

/// Makes many rollouts with several hands.
fn fill(cluster: &Cluster, namespace: &str, count: usize) {
    std::thread::scope(|scope| {
        for hand in 0..8 {
            scope.spawn(move || {
                let admin = Admin::new(&cluster.kubeconfig("admin", "default"), None);
                for number in (hand..count).step_by(8) {
                    admin.create(&in_namespace(namespace, "rollouts"), &rollout(&format!("svc-{number:04}")));
                }
            });
        }
    });
}

#[test]
fn what_a_real_server_lets_through_is_not_odd() {
    let Some(cluster) = cluster() else { return };
    let (admin, shop) = (&cluster.admin, "odd");
    admin.namespace(shop);
    let mut web = rollout("web");
    web["metadata"]["annotations"] = json!({ "kubectl.kubernetes.io/last-applied-configuration": "x".repeat(200_000) });
    web["spec"]["template"]["metadata"]["creationTimestamp"] = json!(null);
    web["spec"]["restartAt"] = "2026-11-24T03:00:00+02:00".into();
    web["spec"]["replicas"] = json!(2_147_483_647);
    web["spec"]["strategy"]["canary"]["steps"] = json!([{ "pause": { "duration": 30 } }, { "pause": { "duration": "1h" } }, {}]);
    admin.create(&in_namespace(shop, "rollouts"), &web);
    let status = json!({ "status": { "pauseConditions": null, "conditions": [], "observedGeneration": "abc123", "canary": {} } });
    admin.must("PATCH", &format!("{}/web/status", in_namespace(shop, "rollouts")), Some(&status));
    let mut eyes = stage(cluster).eyes();
    eyes.until(SOON, "it", |seen| seen.has(Kind::Rollout, shop, "web") && seen.live(Kind::Rollout));
    assert_eq!((eyes.seen().odd(shop, "web"), eyes.seen().replicas(shop, "web")), (None, Some(2_147_483_647)));
}
