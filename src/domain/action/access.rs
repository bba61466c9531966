//! Which permissions a plan needs, and what is known of them before anything is sent.

use super::offer::Memory;
use super::plan::{Do, Plan};
use crate::domain::id::{Key, Kind};

/// One permission: a verb of the API on a resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// `patch` or `create`.
    pub verb: &'static str,
    /// API group.
    pub group: &'static str,
    /// Resource with its subresource: `rollouts/status`.
    pub resource: &'static str,
    /// Namespace.
    pub namespace: Box<str>,
    /// Name of the object; empty for any.
    pub name: Box<str>,
}

/// Whether a permission is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Which one.
    pub access: Access,
    /// The server's answer; the error says why it gave none.
    pub allowed: Result<bool, String>,
}

/// What a dialog is told after it asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reviewed {
    /// The permissions that the plans need.
    pub permissions: Vec<Permission>,
    /// As whom the cluster knows us, where it says so.
    pub user: Option<String>,
    /// What is remembered of the release, and who manages it.
    pub memory: Memory,
    /// Why this is not the cluster that it was before; the text shows both.
    pub other_cluster: Option<String>,
    /// Why nothing can be recorded.
    pub unrecordable: Option<String>,
    /// Why the cluster could not be asked at all.
    pub unasked: Option<String>,
}

impl Reviewed {
    /// The first thing that is known to be refused: verb, resource and user in one clause.
    pub fn denied(&self) -> Option<String> {
        let denied = self.permissions.iter().find(|permission| permission.allowed == Ok(false))?;
        let who = self.user.as_deref().unwrap_or("this user");
        Some(format!("{who} may not {}", denied.access.words()))
    }
}

impl Access {
    /// `patch rollouts/status in shop`.
    pub fn words(&self) -> String {
        format!("{} {} in {}", self.verb, self.resource, self.namespace)
    }
}

/// The permissions that a plan needs, each once. `workload` is the kind of the workload whose template it may write.
pub fn accesses(plan: &Plan, key: &Key, workload: Option<&str>) -> Vec<Access> {
    let mut all: Vec<Access> = Vec::new();
    for step in &plan.steps {
        let Some(access) = access(&step.does, key, workload) else { continue };
        if !all.contains(&access) {
            all.push(access);
        }
    }
    all
}

fn access(does: &Do, key: &Key, workload: Option<&str>) -> Option<Access> {
    let canary = key.kind == Kind::Canary;
    let (group, main, status) =
        if canary { ("flagger.app", "canaries", "canaries/status") } else { ("argoproj.io", "rollouts", "rollouts/status") };
    let template = match workload {
        Some("Deployment") => ("apps", "deployments"),
        Some("ReplicaSet") => ("apps", "replicasets"),
        Some("DaemonSet") => ("apps", "daemonsets"),
        Some("PodTemplate") => ("", "podtemplates"),
        _ => (group, main),
    };
    let (group, resource, verb) = match does {
        Do::LiftPauses | Do::StepTo(_) | Do::PromoteFull | Do::Abort | Do::Retry | Do::FailChecks | Do::Promoting => {
            (group, status, "patch")
        }
        Do::Hold(_) | Do::Restart | Do::Suspend(_) => (group, main, "patch"),
        Do::Restore { .. } | Do::SetImage { .. } | Do::Touch => (template.0, template.1, "patch"),
        Do::Terminate { .. } => ("argoproj.io", "analysisruns", "patch"),
        Do::Gate(gate) => {
            let (namespace, name) = (gate.namespace.clone(), gate.service.clone());
            return Some(Access { verb: "create", group: "", resource: "services/proxy", namespace, name });
        }
        Do::PauseSync { namespace, application } => {
            let (namespace, name) = (namespace.clone(), application.clone());
            return Some(Access { verb: "patch", group: "argoproj.io", resource: "applications", namespace, name });
        }
        Do::Await(_) => return None,
    };
    let name =
        if resource == template.1 && workload.is_some() || resource == "analysisruns" { "".into() } else { (*key.name).into() };
    Some(Access { verb, group, resource, namespace: (*key.namespace).into(), name })
}
