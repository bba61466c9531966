//! What somebody needs to be allowed so that a plan can be carried out, and what is learned of that before it is. Says what to ask;
//! whoever asks is somewhere else.

use std::fmt;

use super::offer::Memory;
use super::plan::{Do, Plan};
use crate::domain::id::{Key, Kind};

/// One thing to be allowed, as a SelfSubjectAccessReview asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Access {
    /// `patch`, `get` or `create`.
    pub verb: &'static str,
    /// API group; empty for the core one.
    pub group: &'static str,
    /// Resource, with its subresource: `rollouts/status`.
    pub resource: &'static str,
    /// Namespace.
    pub namespace: Box<str>,
    /// Name of the object.
    pub name: Box<str>,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)
    }
}

/// Whether one thing is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// What was asked.
    pub access: Access,
    /// The answer; the error says why there is none.
    pub allowed: Result<bool, String>,
}

/// What was learned before an act is confirmed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reviewed {
    /// An answer to each question.
    pub permissions: Vec<Permission>,
    /// Who the server says one is.
    pub user: Option<String>,
    /// What is remembered of the release.
    pub memory: Memory,
    /// Why this is not the cluster that it was before; the text shows both.
    pub other_cluster: Option<String>,
    /// Why nothing can be recorded.
    pub unrecordable: Option<String>,
    /// Why the cluster could not be asked at all.
    pub unasked: Option<String>,
}

impl Reviewed {
    /// The answer to a question; None if it was not asked.
    pub fn answer(&self, access: &Access) -> Option<&Result<bool, String>> {
        self.permissions.iter().find(|permission| permission.access == *access).map(|permission| &permission.allowed)
    }

    /// The first thing that is known to be refused: user, verb, resource and namespace in one clause.
    pub fn denied(&self) -> Option<String> {
        let denied = &self.permissions.iter().find(|permission| permission.allowed == Ok(false))?.access;
        let who = self.user.as_deref().unwrap_or("this user");
        Some(format!("{who} may not {denied} in {}", denied.namespace))
    }
}

/// Everything that a plan needs, each once, in the order of its steps. `workload` is kind and name of the object whose template is
/// written: that to which a Rollout refers, or the one that Flagger releases.
pub fn accesses(plan: &Plan, key: &Key, workload: Option<(&str, &str)>) -> Vec<Access> {
    let mut all = Vec::new();
    for step in &plan.steps {
        for access in of_step(&step.does, key, workload) {
            if !all.contains(&access) {
                all.push(access);
            }
        }
    }
    all
}

fn of_step(does: &Do, key: &Key, workload: Option<(&str, &str)>) -> Vec<Access> {
    let patch = |group, resource, name: &str| Access {
        verb: "patch",
        group,
        resource,
        namespace: key.namespace.as_ref().into(),
        name: name.into(),
    };
    let (group, whole, status) = match key.kind {
        Kind::Canary => ("flagger.app", "canaries", "canaries/status"),
        _ => ("argoproj.io", "rollouts", "rollouts/status"),
    };
    let template = || match workload {
        Some((kind, name)) => of_kind(kind).map(|(group, resource)| patch(group, resource, name)),
        None => Some(patch(group, whole, &key.name)),
    };
    match does {
        Do::Await(_) => Vec::new(),
        Do::LiftPauses | Do::StepTo(_) | Do::PromoteFull | Do::Abort | Do::Retry | Do::FailChecks | Do::Promoting => {
            vec![patch(group, status, &key.name)]
        }
        Do::Hold(_) | Do::Restart | Do::Suspend(_) => vec![patch(group, whole, &key.name)],
        Do::Restore { set, .. } => {
            let read = Access { verb: "get", ..patch("apps", "replicasets", set) };
            std::iter::once(read).chain(template()).collect()
        }
        Do::SetImage { .. } | Do::Touch => template().into_iter().collect(),
        Do::Terminate { run } => vec![patch("argoproj.io", "analysisruns", run)],
        Do::Gate(gate) => vec![Access {
            verb: "create",
            group: "",
            resource: "services/proxy",
            namespace: gate.namespace.clone(),
            name: format!("{}:{}", gate.service, gate.port).into(),
        }],
        Do::PauseSync { namespace, application } => {
            vec![Access { namespace: namespace.clone(), ..patch("argoproj.io", "applications", application) }]
        }
    }
}

/// API group and resource of a workload's kind; None for one that this program does not write.
fn of_kind(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "Deployment" => ("apps", "deployments"),
        "ReplicaSet" => ("apps", "replicasets"),
        "DaemonSet" => ("apps", "daemonsets"),
        "PodTemplate" => ("", "podtemplates"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::action::plan::{Gate, Step, Until};
    use crate::domain::action::verb::Verb;

    fn asked(kind: Kind, steps: Vec<Do>, workload: Option<(&str, &str)>) -> Vec<String> {
        let mut plan = Plan::simple(Verb::RollBack, "roll back", Do::Await(Until::TrafficBack), "", Until::TrafficBack);
        plan.steps = steps.into_iter().map(|does| Step::new(does, "")).collect();
        let all = accesses(&plan, &Key::new(kind, "shop", "gateway"), workload);
        all.iter().map(|access| format!("{access} {} {}/{}", access.group, access.namespace, access.name)).collect()
    }

    fn restore() -> Do {
        Do::Restore { hash: "6f4c".into(), set: "gateway-6f4c".into() }
    }

    #[test]
    fn a_plan_asks_for_each_thing_once() {
        let steps = vec![Do::Abort, Do::Hold(false), Do::Await(Until::TrafficBack), restore(), Do::PromoteFull];
        let expected = [
            "patch rollouts/status argoproj.io shop/gateway",
            "patch rollouts argoproj.io shop/gateway",
            "get replicasets apps shop/gateway-6f4c",
        ];
        assert_eq!(asked(Kind::Rollout, steps, None), expected);
    }

    #[test]
    fn a_template_is_written_where_it_belongs() {
        let expected = ["get replicasets apps shop/gateway-6f4c", "patch deployments apps shop/web"];
        assert_eq!(asked(Kind::Rollout, vec![restore()], Some(("Deployment", "web"))), expected);
        assert_eq!(asked(Kind::Canary, vec![Do::Touch], Some(("DaemonSet", "web"))), ["patch daemonsets apps shop/web"]);
        assert_eq!(asked(Kind::Canary, vec![Do::FailChecks], None), ["patch canaries/status flagger.app shop/gateway"]);
    }

    #[test]
    fn gates_and_applications_have_namespaces_of_their_own() {
        let gate = Do::Gate(Gate { namespace: "test".into(), service: "tester".into(), port: 80, open: true });
        let sync = Do::PauseSync { namespace: "argocd".into(), application: "shop".into() };
        let expected = ["create services/proxy  test/tester:80", "patch applications argoproj.io argocd/shop"];
        assert_eq!(asked(Kind::Canary, vec![gate, sync], None), expected);
    }
}
