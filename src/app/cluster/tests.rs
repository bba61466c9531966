//! What a cluster keeps, forgets and tells.

use serde_json::{Value, json};

use super::*;
use crate::domain::object::decode_value;

fn owned(kind: Kind, name: &str, uid: &str, (owner, of): (Kind, &str)) -> Value {
    let owner = json!([{"kind": owner.name(), "name": of, "uid": format!("uid-{of}"), "controller": true}]);
    json!({"kind": kind.name(), "metadata": {"namespace": "shop", "name": name, "uid": uid, "ownerReferences": owner}})
}

fn rollout(phase: &str, uid: &str) -> News {
    let steps = json!([{"setWeight": 20}, {"pause": {}}]);
    News::Is(Object::Rollout(Arc::new(decode_value(&json!({"metadata": {"namespace": "shop", "name": "gateway", "uid": uid},
        "spec": {"strategy": {"canary": {"steps": steps}}}, "status": {"phase": phase, "currentPodHash": "a", "stableRS": "a"}})))))
}

fn set(name: &str) -> News {
    News::Is(Object::ReplicaSet(Arc::new(decode_value(&owned(
        Kind::ReplicaSet,
        name,
        &format!("uid-{name}"),
        (Kind::Rollout, "gateway"),
    )))))
}

fn pod(name: &str, of: &str) -> News {
    News::Is(Object::Pod(Arc::new(decode_value(&owned(Kind::Pod, name, &format!("uid-{name}"), (Kind::ReplicaSet, of))))))
}

fn key(kind: Kind, name: &str) -> Key {
    Key::new(kind, "shop", name)
}

fn gateway() -> Key {
    key(Kind::Rollout, "gateway")
}

#[test]
fn belongings_are_found_in_whatever_order_they_come() {
    let mut cluster = Cluster::default();
    cluster.apply(pod("gateway-1-x", "gateway-1"));
    cluster.apply(set("gateway-1"));
    cluster.apply(set("gateway-2"));
    let experiment = owned(Kind::Experiment, "try", "uid-try", (Kind::Rollout, "gateway"));
    cluster.apply(News::Is(Object::Experiment(Arc::new(decode_value(&experiment)))));
    let of_experiment = owned(Kind::ReplicaSet, "try-canary", "uid-try-canary", (Kind::Experiment, "try"));
    cluster.apply(News::Is(Object::ReplicaSet(Arc::new(decode_value(&of_experiment)))));
    let event = json!({"metadata": {"namespace": "shop", "name": "e"}, "involvedObject": {"kind": "Pod", "name": "gateway-1-x", "uid": "uid-gateway-1-x"}});
    cluster.apply(News::Is(Object::Event(Arc::new(decode_value(&event)))));
    cluster.apply(rollout("Healthy", "uid-gateway"));
    let belongings = cluster.belongings(&gateway());
    assert_eq!((belongings.replica_sets.len(), belongings.pods.len()), (3, 1));
    assert_eq!((belongings.experiments.len(), belongings.events.len()), (1, 1));
}

#[test]
fn what_changes_replaces_and_what_is_gone_goes() {
    let mut cluster = Cluster::default();
    cluster.apply(rollout("Healthy", "uid-gateway"));
    for _ in 0..3 {
        cluster.apply(set("gateway-1"));
    }
    assert_eq!(cluster.belongings(&gateway()).replica_sets.len(), 1);
    cluster.apply(News::Gone(key(Kind::ReplicaSet, "gateway-1")));
    assert!(cluster.belongings(&gateway()).replica_sets.is_empty());
    assert!(cluster.owned.is_empty() && cluster.others.is_empty());
    cluster.apply(News::Gone(gateway()));
    assert!(cluster.is_empty() && cluster.release(&gateway(), Timestamp::UNIX_EPOCH).is_none());
    cluster.apply(News::Gone(gateway()));
}

#[test]
fn another_object_of_the_same_name_owns_nothing_of_the_old_one() {
    let mut cluster = Cluster::default();
    cluster.apply(rollout("Healthy", "uid-gateway"));
    cluster.apply(set("gateway-1"));
    cluster.apply(rollout("Healthy", "uid-of-another"));
    assert!(cluster.belongings(&gateway()).replica_sets.is_empty());
}

#[test]
fn changes_below_count_as_changes_of_the_release() {
    let mut cluster = Cluster::default();
    cluster.apply(rollout("Healthy", "uid-gateway"));
    cluster.apply(set("gateway-1"));
    assert_eq!(cluster.take_changed().len(), 1);
    assert!(cluster.take_changed().is_empty());
    cluster.apply(pod("gateway-1-x", "gateway-1"));
    assert!(cluster.take_changed().contains(&gateway()));
    cluster.apply(News::Gone(key(Kind::Pod, "gateway-1-x")));
    assert!(cluster.take_changed().contains(&gateway()));
    cluster.apply(pod("stray", "nobody"));
    assert!(cluster.take_changed().is_empty());
}

#[test]
fn the_order_changes_only_with_what_it_goes_by() {
    let mut cluster = Cluster::default();
    cluster.apply(rollout("Healthy", "uid-gateway"));
    let first = cluster.order();
    cluster.apply(rollout("Healthy", "uid-gateway"));
    cluster.apply(set("gateway-1"));
    assert_eq!(cluster.order(), first);
    cluster.apply(rollout("Degraded", "uid-gateway"));
    assert!(cluster.order() > first);
    let glance = cluster.glance(&gateway()).unwrap();
    assert!(glance.needs_person && glance.rank == Rank::NeedsPerson);
    assert_eq!(cluster.reading(Kind::Rollout), &Reading::Loading);
}

/// A pod of the wanted revision in a state, and what a list says of its release then.
fn judged(cluster: &mut Cluster, state: &Value) -> (bool, u64) {
    let mut pod = owned(Kind::Pod, "gateway-1-x", "uid-pod", (Kind::ReplicaSet, "gateway-1"));
    pod["status"] = json!({"phase": "Running", "containerStatuses": [state]});
    cluster.apply(News::Is(Object::Pod(Arc::new(decode_value(&pod)))));
    (cluster.glance(&gateway()).unwrap().needs_person, cluster.order())
}

#[test]
fn pods_that_do_not_start_need_a_person_at_once() {
    let mut cluster = Cluster::default();
    cluster.apply(rollout("Progressing", "uid-gateway"));
    let mut set = owned(Kind::ReplicaSet, "gateway-1", "uid-gateway-1", (Kind::Rollout, "gateway"));
    set["metadata"]["labels"] = json!({"rollouts-pod-template-hash": "a"});
    cluster.apply(News::Is(Object::ReplicaSet(Arc::new(decode_value(&set)))));
    let waiting = |reason: &str| json!({"name": "main", "state": {"waiting": {"reason": reason}}});
    let (needs, order) = judged(&mut cluster, &waiting("ContainerCreating"));
    assert!(!needs);
    for reason in ["ErrImagePull", "CrashLoopBackOff", "CreateContainerConfigError"] {
        let (needs, changed) = judged(&mut cluster, &waiting(reason));
        assert!(needs && changed > order, "{reason}");
    }
    let crashed = |count: i64| json!({"name": "main", "restartCount": count, "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}});
    assert!(!judged(&mut cluster, &crashed(1)).0);
    assert!(judged(&mut cluster, &crashed(2)).0, "it runs only until the next crash");
    cluster.apply(rollout("Progressing", "uid-gateway"));
    assert!(cluster.glance(&gateway()).unwrap().needs_person, "news of the release itself does not change that");
    cluster.apply(News::Gone(key(Kind::Pod, "gateway-1-x")));
    assert!(!cluster.glance(&gateway()).unwrap().needs_person);
    judged(&mut cluster, &waiting("ErrImagePull"));
    cluster.apply(rollout("Healthy", "uid-gateway"));
    assert!(!cluster.glance(&gateway()).unwrap().needs_person);
}

#[test]
fn what_does_not_change_is_kept_once() {
    let mut cluster = Cluster::default();
    cluster.apply(rollout("Healthy", "uid-gateway"));
    let before = Arc::clone(cluster.rollout(&gateway()).unwrap());
    cluster.apply(rollout("Progressing", "uid-gateway"));
    let after = cluster.rollout(&gateway()).unwrap();
    assert_ne!(before.status.phase, after.status.phase);
    assert!(Arc::ptr_eq(&before.spec, &after.spec) && Arc::ptr_eq(&before.metadata.name, &after.metadata.name));
}
