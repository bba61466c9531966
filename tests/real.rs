//! The Kubernetes source against a real API server.

use crate::support::api_server::{Cluster, cluster};
use crate::support::source_stories::{self as stories, Stage};

fn stage(cluster: &Cluster) -> Stage<'_> {
    Stage { admin: &cluster.admin, kubeconfig: cluster.kubeconfig("admin"), context: None }
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
