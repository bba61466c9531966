//! What the company's ledger says, and what is in its gateway: for pictures of screens.

use jiff::{SignedDuration, Timestamp};
use pilothouse::domain::contents::{Contents, Difference, Named, NamedBy, ReferenceKind, Side};
use pilothouse::domain::ledger::{ActedOn, Ending, LedgerAct, LedgerOutcome, LedgerView, OwedLine, Person};

use super::company::now;

/// A moment before the pictures are taken.
fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

/// An act in a few words.
struct Told<'a> {
    seconds: i64,
    who: &'a str,
    environment: &'a str,
    release: (&'a str, &'a str),
    verb: &'a str,
    reason: &'a str,
    ending: Option<Ending>,
}

fn act(number: u64, told: &Told<'_>) -> LedgerAct {
    let at = ago(told.seconds);
    let outcome = told.ending.map(|ending| LedgerOutcome {
        at: at + SignedDuration::from_secs(4),
        ending,
        detail: match ending {
            Ending::Observed => "Traffic is where it should be.".into(),
            Ending::Refused => "rollouts.argoproj.io \"portal\" is forbidden: User \"kim@harbor.example\" cannot patch resource \"rollouts/status\" in API group \"argoproj.io\" in the namespace \"edge\". Ask for the role release-captain.".into(),
            _ => "The answer was lost, and reading the cluster did not show its effect.".into(),
        },
        observed: if ending == Ending::Observed { vec![(at + SignedDuration::from_secs(2), "traffic 10→25 %".into())] } else { Vec::new() },
        settled_by: None,
    });
    LedgerAct {
        act: format!("{number:032x}").into(),
        sequence: number,
        hash: "9ab3f0c2d4e6a8b01234567890abcdef9ab3f0c2d4e6a8b01234567890abcdef".into(),
        at,
        operator: Person {
            local: told.who.into(),
            kube: Some(format!("{}@harbor.example", told.who).into()),
            host: "console-2".into(),
        },
        authority: "dialog".into(),
        environment: told.environment.into(),
        cluster: "0f9d3c1e-77b5-4a55-9d0e-2f6d3c1e77b5".into(),
        object: ActedOn {
            kind: "Rollout".into(),
            namespace: told.release.0.into(),
            name: told.release.1.into(),
            uid: "5b9cd6b6-f000-4a55-9d0e-2f6d3c1e77b5".into(),
            revision: Some(14),
            pod_hash: Some("6f4c7d9b8".into()),
            stable_hash: Some("5b9cd6b6f".into()),
            step: Some(3),
            phase: Some("Paused".into()),
        },
        verb: told.verb.into(),
        plan: vec!["end the pause at step 4 of 8".into()],
        reason: told.reason.into(),
        ticket: None,
        owes: Vec::new(),
        gates: Vec::new(),
        overridden: Vec::new(),
        requests: vec!["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".into()],
        outcome,
    }
}

/// The ledger at the moment of the pictures.
pub fn ledger() -> LedgerView {
    let prod = "prod-us-east-1";
    let told = |seconds, who, environment, release, verb, reason, ending| Told {
        seconds,
        who,
        environment,
        release,
        verb,
        reason,
        ending,
    };
    let all = [
        told(20, "dana", prod, ("shop", "gateway"), "promote", "gates green", Some(Ending::Observed)),
        told(95, "kim", prod, ("edge", "portal"), "promote", "looks good to me", Some(Ending::Refused)),
        told(310, "dana", prod, ("data", "analytics"), "rollback", "canary errors 1.8% > 1% for 3:12", Some(Ending::Observed)),
        told(330, "dana", prod, ("data", "analytics"), "pause", "operator decision, no metrics", Some(Ending::Undetermined)),
        told(2_400, "sam", "stage", ("shop", "web"), "set-image", "reproduce INC-1201", None),
        told(
            90_000,
            "kim",
            "stage",
            ("edge", "intelgraph-enterprise-edition"),
            "terminate-analysis",
            "the metric is wrong, see the runbook",
            Some(Ending::Accepted),
        ),
        told(91_000, "guard on console-9", prod, ("shop", "gateway"), "abort", "errors 4% > 1% for 10:00", Some(Ending::Failed)),
    ];
    let mut acts: Vec<_> = (0..).zip(&all).map(|(place, told)| act(812 - place * 2, told)).collect();
    acts[0].plan.insert(0, "promote 10→25 %".into());
    acts[2].owes = vec!["ticket".into()];
    acts[2].plan = vec!["abort the canary: traffic to rev 13 at once".into(), "restore the template of rev 8: ends healthy".into()];
    acts[3].owes = vec!["ticket".into()];
    acts[4].ticket = Some("INC-1201".into());
    let owes = |place: usize, what: &str| OwedLine { act: Some(acts[place].act.clone()), what: what.into(), since: acts[place].at };
    let owed = vec![owes(3, "ticket"), owes(2, "ticket")];
    LedgerView { acts, owed, problem: None }
}

/// What is in the gateway: one of everything.
pub fn contents() -> Contents {
    let side = |revision, hash: &str, tag: &str, seconds| Side {
        revision: Some(revision),
        hash: hash.into(),
        images: vec![
            ("gateway".into(), format!("registry.harbor.example/shop/gateway:{tag}").into()),
            ("proxy".into(), "registry.harbor.example/mesh/proxy:1.8.2".into()),
        ],
        created: Some(ago(seconds)),
    };
    let difference = |path: &str, old: Option<&str>, new: Option<&str>| Difference {
        path: path.into(),
        old: old.map(Box::from),
        new: new.map(Box::from),
    };
    let named = |kind, name: &str, changed: Option<i64>| Named {
        kind,
        name: name.into(),
        by: NamedBy::Both,
        changed: changed.map(ago),
        after_stable: false,
        missing: false,
        optional: false,
    };
    Contents {
        stable: Some(side(13, "5b9cd6b6f", "v1.2.9", 3 * 86_400)),
        newest: side(14, "6f4c7d9b8", "v1.3.0", 1_200),
        differences: vec![
            difference("annotations[checksum/config]", Some("6f4c7d9b85b9cd6b"), Some("9ab3f0c2d4e6a8b0")),
            difference("containers[gateway].args[2]", Some("--timeout=5s"), Some("--timeout=2s --retry-budget=0.2")),
            difference("containers[gateway].env[DB_PASSWORD]", Some("***"), Some("***")),
            difference("containers[gateway].env[LOG_LEVEL]", Some("info"), Some("debug")),
            difference("containers[gateway].env[UPSTREAM]", None, Some("from ConfigMap gateway-settings, upstream")),
            difference("containers[gateway].resources.limits.memory", Some("512Mi"), Some("1Gi")),
            difference("volumes[scratch]", Some("emptyDir: {}"), None),
        ],
        references: vec![
            Named { missing: true, by: NamedBy::Newest, ..named(ReferenceKind::ConfigMap, "gateway-settings", None) },
            Named { after_stable: true, ..named(ReferenceKind::Secret, "gateway-tls", Some(3 * 3_600)) },
            named(ReferenceKind::ConfigMap, "gateway-routes", Some(40 * 86_400)),
            Named { missing: true, optional: true, ..named(ReferenceKind::Secret, "gateway-debug", None) },
            Named { by: NamedBy::Stable, ..named(ReferenceKind::Secret, "old-pull", Some(400 * 86_400)) },
        ],
        refused: vec!["Secret team-pull may not be looked at: secrets \"team-pull\" is forbidden.".to_owned()],
    }
}
