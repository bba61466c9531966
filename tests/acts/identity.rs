//! Another cluster behind the name of an environment is refused, until somebody says that it is the right one.

use pilothouse::demo::{Options, Scenario};
use serde_json::{Value, json};

use super::stage::{Stage, canary};

fn world(seed: u64) -> Stage {
    let stage = Stage::of(Options { scenario: Scenario::Empty, seed, ..Options::default() });
    stage.admin.namespace("shop");
    stage.released("shop", &canary("web", &json!([{ "setWeight": 20 }, { "pause": {} }])));
    stage.until_phase("shop", "web", "Paused: CanaryPauseStep");
    stage
}

fn uid(stage: &Stage) -> String {
    stage.get("/api/v1/namespaces/kube-system")["metadata"]["uid"].as_str().unwrap().to_owned()
}

#[test]
fn another_cluster_behind_the_same_name_is_refused_until_it_is_trusted() {
    let (ours, other) = (world(1), world(2));
    ours.act("pause", "shop/web", &[]).is(0, "held");
    std::fs::write(ours.kubeconfig(), other.world.kubeconfig()).unwrap();
    for (verb, more) in [("abort", &[][..]), ("rollback", &[]), ("promote", &["--full"])] {
        let ran = ours.act(verb, "shop/web", more);
        ran.is(1, "environment 'prod' led to the cluster kube-system");
        for words in [uid(&ours), uid(&other), "--trust-cluster".to_owned()] {
            assert!(ran.err.contains(&words), "{words}: {ran:?}");
        }
    }
    let sent = |stage: &Stage| stage.count("patch", "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web/status");
    // What `Stage` itself wrote is an image.
    assert_eq!((sent(&other), other.rollout("shop", "web")["status"]["abort"].clone()), (0, Value::Null));
    assert_eq!(ours.acts().len(), 1, "what was refused before it began is no act");
    let trusted = ours.act("abort", "shop/web", &["--trust-cluster"]);
    trusted.is(0, "traffic off the new revision");
    assert!(trusted.err.contains(&format!("'prod' is the cluster kube-system {} from now on", uid(&other))), "{trusted:?}");
    ours.act("retry", "shop/web", &[]).is(0, "observed");
    assert_eq!(other.rollout("shop", "web")["status"]["abort"], Value::Null);
}

#[test]
fn a_cluster_whose_name_may_not_be_read_is_known_by_its_address() {
    let stage = world(1);
    let forbid = json!({ "kind": "forbid", "verb": "get", "resource": "namespaces" });
    stage.admin.must("POST", "/_world/fault", Some(&forbid));
    stage.act("pause", "shop/web", &[]).is(0, "held");
    stage.act("resume", "shop/web", &[]).is(0, "no longer held");
    let acts = stage.acts();
    let cluster = acts[0]["cluster"].as_str().unwrap();
    let address = stage.world.urls.last().unwrap().trim_start_matches("http://").to_owned();
    assert!(cluster.starts_with(&format!("server {address}")) && cluster.contains(" CA "), "{cluster}");
    assert!(!cluster.contains(&stage.world.token), "a path may hold a token");
    stage.admin.must("DELETE", "/_world/fault", None);
    // A permission that comes back makes no other cluster of it, and from then on it is known by more.
    stage.act("pause", "shop/web", &[]).is(0, "held");
    assert!(stage.acts()[2]["cluster"].as_str().unwrap().starts_with("kube-system "));
}
