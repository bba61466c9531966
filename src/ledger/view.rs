//! The ledger as screens show it: entries put together to acts, the newest first. Pure but for [`Ledger::view`], which reads the files.

use super::acts::{acts, owed};
use super::{Act, Ending, Entry, Gate, Ledger, Operator, Outcome, Text};
use crate::domain::ledger as shown;
use crate::domain::ledger::{ActedOn, LedgerAct, LedgerGate, LedgerOutcome, LedgerView, OwedLine, Person};

/// Acts that are shown; older ones only while they owe something. All of them: `pilothouse ledger list`.
const MOST: usize = 5_000;

impl Ledger {
    /// Reads all of it for a screen. What cannot be read is said there and is no error.
    pub fn view(&self) -> LedgerView {
        match self.read(None) {
            Ok(entries) => view(&entries),
            Err(error) => LedgerView { problem: Some(error.to_string()), ..LedgerView::default() },
        }
    }
}

/// Entries in the order of the chain as screens show them.
pub fn view(entries: &[Entry]) -> LedgerView {
    let acts = acts(entries);
    let newest = acts.iter().rev().enumerate();
    let kept = newest.filter(|(place, act)| *place < MOST || !act.owes.is_empty()).map(|(_, act)| act_of(act));
    let owed = owed(entries).into_iter().map(|owed| OwedLine {
        act: owed.act.as_ref().map(plain),
        what: plain(&owed.what),
        since: owed.since,
    });
    LedgerView { acts: kept.collect(), owed: owed.collect(), problem: None }
}

fn plain(text: &Text) -> Box<str> {
    text.as_str().into()
}

fn gate(gate: &Gate) -> LedgerGate {
    LedgerGate { passed: matches!(gate.verdict.as_str(), "pass" | "warn"), words: plain(&gate.words) }
}

fn act_of(act: &Act<'_>) -> LedgerAct {
    let (intent, object) = (act.intent, &act.intent.object);
    let digests = std::iter::once(&intent.digest).chain(act.writes.iter().map(|write| &write.digest));
    LedgerAct {
        act: plain(&intent.act),
        sequence: act.entry.sequence,
        hash: plain(&act.entry.hash),
        at: act.entry.time,
        operator: person(&intent.operator),
        authority: intent.authority.word().into(),
        environment: plain(&intent.environment),
        cluster: plain(&intent.cluster),
        object: ActedOn {
            kind: plain(&object.kind),
            namespace: plain(&object.namespace),
            name: plain(&object.name),
            uid: plain(&object.uid),
            revision: object.revision,
            pod_hash: object.pod_hash.as_ref().map(plain),
            stable_hash: object.stable_hash.as_ref().map(plain),
            step: object.step,
            phase: object.phase.as_ref().map(plain),
        },
        verb: plain(&intent.verb),
        plan: intent.plan.iter().map(plain).collect(),
        reason: plain(&intent.reason),
        ticket: act.ticket.map(plain),
        owes: act.owes.iter().map(|owed| plain(owed)).collect(),
        gates: intent.gates.iter().map(gate).collect(),
        overridden: intent.overridden.iter().map(plain).collect(),
        requests: digests.filter(|digest| !digest.is_empty()).map(plain).collect(),
        outcome: act.outcome.map(|(at, outcome)| LedgerOutcome { at, ..outcome_of(outcome) }),
    }
}

fn person(operator: &Operator) -> Person {
    Person { local: plain(&operator.local), kube: operator.kube.as_ref().map(plain), host: plain(&operator.host) }
}

/// An outcome; when it was written is the entry's to say.
fn outcome_of(outcome: &Outcome) -> LedgerOutcome {
    let ending = match outcome.result {
        Ending::Observed => shown::Ending::Observed,
        Ending::Accepted => shown::Ending::Accepted,
        Ending::Refused => shown::Ending::Refused,
        Ending::Failed => shown::Ending::Failed,
        Ending::Undetermined => shown::Ending::Undetermined,
    };
    LedgerOutcome {
        at: jiff::Timestamp::UNIX_EPOCH,
        ending,
        detail: plain(&outcome.detail),
        observed: outcome.observed.iter().map(|seen| (seen.at, plain(&seen.what))).collect(),
        settled_by: outcome.settled_by.as_ref().map(person),
    }
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, ToSpan};

    use super::*;
    use crate::ledger::{Body, Debt, Intent, Object, Observed, TICKET, Write};

    fn at(seconds: i64) -> Timestamp {
        "2026-03-02T13:58:02Z".parse::<Timestamp>().unwrap() + seconds.seconds()
    }

    fn intent(act: &str, name: &str) -> Body {
        let object = Object {
            kind: "Rollout".into(),
            namespace: "shop".into(),
            name: name.into(),
            revision: Some(14),
            step: Some(3),
            stable_hash: Some("5b9c".into()),
            ..Object::default()
        };
        let operator = Operator { local: "dana".into(), kube: Some("captain".into()), host: "laptop".into() };
        let (owed, plan) = (vec![TICKET.into()], vec!["abort the canary".into(), "restore".into()]);
        let intent = Intent {
            act: act.into(),
            operator,
            object,
            verb: "rollback".into(),
            plan,
            owed,
            digest: "d1".into(),
            ..Intent::default()
        };
        Body::Intent(intent.into())
    }

    fn outcome(act: &str, result: Ending) -> Body {
        let observed = vec![Observed { what: "traffic 25→0 %".into(), at: at(2) }];
        Body::Outcome(Outcome { act: act.into(), result, detail: "all traffic is back".into(), observed, settled_by: None })
    }

    #[test]
    fn acts_are_put_together_newest_first() {
        let home = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(home.path().join("ledger")).unwrap();
        assert_eq!(ledger.view(), LedgerView::default());
        ledger.append(at(0), intent("a1", "gateway")).unwrap();
        ledger.append(at(1), Body::Write(Write { act: "a1".into(), step: 2, digest: "d2".into() })).unwrap();
        ledger.append(at(4), outcome("a1", Ending::Observed)).unwrap();
        ledger.append(at(9), intent("b2", "web")).unwrap();
        ledger
            .append(at(9), Body::Owed(Debt { what: "automatic sync of web".into(), act: Some("b2".into()), ..Debt::default() }))
            .unwrap();
        let view = ledger.view();
        let [web, gateway] = view.acts.as_slice() else { panic!("{view:#?}") };
        assert_eq!((&*web.act, web.outcome.as_ref(), web.sequence), ("b2", None, 4));
        assert_eq!(web.owes, ["ticket".into(), "automatic sync of web".into()]);
        let came = gateway.outcome.as_ref().unwrap();
        assert_eq!(
            (came.ending, came.at, &came.observed[..]),
            (shown::Ending::Observed, at(4), &[(at(2), "traffic 25→0 %".into())][..])
        );
        assert_eq!(gateway.requests, ["d1".into(), "d2".into()]);
        assert_eq!((gateway.hash.len(), &*gateway.operator.words()), (64, "dana on laptop, known to the cluster as captain"));
        assert_eq!(gateway.sentence("gateway"), "dana rolled back gateway 25→0%");
        assert_eq!(view.owed.iter().map(|owed| &*owed.what).collect::<Vec<_>>(), ["ticket", "ticket", "automatic sync of web"]);
        assert_eq!(view.owed_tickets().map(|act| &*act.act).collect::<Vec<_>>(), ["b2", "a1"]);
        ledger.settle_ticket(at(20), "a1", "INC-7".into(), Operator::default()).unwrap();
        let view = ledger.view();
        assert_eq!((view.acts[1].ticket.as_deref(), view.owed.len()), (Some("INC-7"), 2));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let home = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(home.path().join("ledger")).unwrap();
        std::fs::create_dir(home.path().join("ledger/2026-03.jsonl")).unwrap();
        let view = ledger.view();
        assert!(view.problem.unwrap().starts_with("The ledger cannot be read. ") && view.acts.is_empty());
    }
}
