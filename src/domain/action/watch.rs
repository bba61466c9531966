//! The watch after a way back: whether what was taken off the traffic has come again, whoever brought it. Reads the newest object
//! only, so that it says so as soon as a fact does.

use super::offer::Either;
use super::plan::Plan;
use super::seen::Seen;
use super::verb::Verb;
use super::ways::{images, tool_words};
use crate::domain::flagger::{Stage, stage};
use crate::domain::managed::managed_by;
use crate::domain::object::{Canary, Rollout};

/// How long a way back stays on watch, in seconds.
pub const WATCH: i64 = 300;

/// What was taken off the traffic.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// What was seen when it was.
    pub seen: Seen,
    /// Its images, joined by `, `; empty where they are not known, or are those of what runs now.
    pub images: Box<str>,
}

impl Taken {
    /// What a plan takes off the traffic; None if it takes nothing back, or only holds it.
    pub fn by(plan: &Plan, seen: &Seen, now: Either<'_>) -> Option<Self> {
        if !matches!(plan.verb, Verb::RollBack | Verb::Abort) || !plan.writes() {
            return None;
        }
        let bad = match now {
            Either::Rollout(rollout) => written_images(rollout),
            Either::Canary(_) => String::new(),
        };
        let same = plan.target.as_ref().is_some_and(|target| *target.images == *bad);
        Some(Self { seen: seen.clone(), images: if same { "".into() } else { bad.into() } })
    }

    /// How people call it: `gateway:v1.3.0`, else `rev 14`.
    pub fn name(&self) -> String {
        if !self.images.is_empty() {
            return self.images.to_string();
        }
        self.seen.revision.map_or_else(|| "the version that was taken back".to_owned(), |revision| format!("rev {revision}"))
    }

    /// Whether it is back; then how, and who writes the object.
    pub fn is_back(&self, now: Either<'_>) -> Option<String> {
        let (how, meta) = match now {
            Either::Rollout(rollout) => (self.rollout_is_back(rollout)?, &rollout.metadata),
            Either::Canary(canary) => (self.canary_is_back(canary)?, &canary.metadata),
        };
        Some(match managed_by(meta) {
            Some(owner) => format!("{how}; {} ({}) writes this object", tool_words(owner.tool), owner.name),
            None => how,
        })
    }

    fn rollout_is_back(&self, rollout: &Rollout) -> Option<String> {
        let status = &rollout.status;
        if status.abort {
            return None;
        }
        let now = Seen::of_rollout(rollout);
        let which = now.revision.map_or_else(|| "a new canary".to_owned(), |revision| format!("rev {revision}"));
        if !self.seen.current.is_empty() && status.current_pod_hash == self.seen.current {
            return Some(format!("{which} is on its way again, not aborted"));
        }
        let same = !self.images.is_empty() && written_images(rollout) == *self.images;
        same.then(|| format!("{which} has the same images, not aborted"))
    }

    fn canary_is_back(&self, canary: &Canary) -> Option<String> {
        let same = !self.seen.current.is_empty() && canary.status.last_applied_spec == self.seen.current;
        let off = matches!(stage(canary), Stage::Failed | Stage::Terminating | Stage::Unknown);
        (same && !off).then(|| format!("Flagger says {}", canary.status.phase))
    }
}

fn written_images(rollout: &Rollout) -> String {
    rollout.spec.template.as_ref().map(|template| images(&template.spec.containers)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::plan::{Do, Target, Until};
    use super::*;

    fn rollout(image: &str, hash: &str, abort: bool) -> Rollout {
        serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": "gateway", "uid": "u",
                "labels": {"argocd.argoproj.io/instance": "shop"}, "annotations": {"rollout.argoproj.io/revision": "14"}},
            "spec": {"template": {"spec": {"containers": [{"name": "app", "image": format!("registry.example/gateway:{image}")}]}}},
            "status": {"currentPodHash": hash, "stableRS": "a", "abort": abort},
        }))
        .unwrap()
    }

    fn plan(verb: Verb, target: &str) -> Plan {
        let mut plan = Plan::simple(verb, "", Do::Abort, "", Until::TrafficBack);
        plan.target = Some(Target { revision: 13, hash: "a".into(), images: target.into(), available: 1, desired: 1 });
        plan
    }

    fn taken(target: &str) -> Taken {
        let bad = rollout("v2", "b", false);
        Taken::by(&plan(Verb::RollBack, target), &Seen::of_rollout(&bad), Either::Rollout(&bad)).unwrap()
    }

    #[test]
    fn it_is_back_as_the_same_template_or_with_the_same_images_but_not_while_aborted() {
        let taken = taken("gateway:v1");
        let back = |image, hash, abort| taken.is_back(Either::Rollout(&rollout(image, hash, abort)));
        assert_eq!(taken.name(), "gateway:v2");
        assert_eq!(back("v2", "b", true), None);
        assert_eq!(back("v1", "a", false), None);
        let owner = "; Argo CD (shop) writes this object";
        assert_eq!(back("v2", "b", false), Some(format!("rev 14 is on its way again, not aborted{owner}")));
        // The controller has not looked at the template that was written: its hash is still the old one.
        assert_eq!(back("v2", "a", false), Some(format!("rev 14 has the same images, not aborted{owner}")));
        assert_eq!(back("v2", "c", true), None);
    }

    #[test]
    fn images_say_nothing_where_they_are_those_of_stable() {
        let taken = taken("gateway:v2");
        assert_eq!((taken.name(), taken.is_back(Either::Rollout(&rollout("v2", "a", false)))), ("rev 14".to_owned(), None));
        assert!(taken.is_back(Either::Rollout(&rollout("v2", "b", false))).is_some());
    }

    #[test]
    fn only_what_takes_back_is_watched() {
        let bad = rollout("v2", "b", false);
        let by = |plan: &Plan| Taken::by(plan, &Seen::of_rollout(&bad), Either::Rollout(&bad)).is_some();
        let verbs = [Verb::RollBack, Verb::Abort, Verb::Hold, Verb::Promote];
        assert_eq!(verbs.map(|verb| by(&plan(verb, "x"))), [true, true, false, false]);
        let draft = Plan { steps: Vec::new(), ..plan(Verb::RollBack, "x") };
        assert!(!by(&draft));
    }

    #[test]
    fn a_canary_is_back_when_flagger_takes_the_same_template_up_again() {
        let canary = |phase: &str, hash: &str| -> Canary {
            let value: Value = json!({"metadata": {"namespace": "edge", "name": "podinfo", "uid": "u"},
                "status": {"phase": phase, "lastAppliedSpec": hash}});
            serde_json::from_value(value).unwrap()
        };
        let bad = canary("Progressing", "x");
        let plan = Plan::simple(Verb::Abort, "", Do::FailChecks, "", Until::FlaggerFailed);
        let taken = Taken::by(&plan, &Seen::of_canary(&bad), Either::Canary(&bad)).unwrap();
        let back = |phase, hash| taken.is_back(Either::Canary(&canary(phase, hash)));
        assert_eq!((back("Failed", "x"), back("Progressing", "y")), (None, None));
        assert_eq!(back("Progressing", "x").as_deref(), Some("Flagger says Progressing"));
    }
}
