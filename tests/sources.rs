//! The Kubernetes source against the embedded world, with faults.

use pilothouse::demo::{self, Files, Options, Running, Scenario};

use crate::support::admin::Admin;
use crate::support::source_stories::{self as stories, Stage};

/// A world of a test's own.
struct World {
    files: Files,
    admin: Admin,
    _running: Running,
}

impl World {
    fn start() -> Self {
        Self::with(&Options { scenario: Scenario::Calm, speed: 0.0, ..Options::default() })
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
