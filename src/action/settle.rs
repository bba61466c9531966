//! Intents that a process left open when it died: settled by reading the cluster, by whoever starts next. Nothing is ever sent.

use std::collections::HashMap;
use std::sync::Arc;

use super::Shared;
use super::carry::{append, either, operator, seen};
use super::desk::Desk;
use crate::domain::action::until::{Stand, stand};
use crate::domain::action::{Position, Seen, Until, Verb};
use crate::domain::id::{Key, Kind};
use crate::ledger::{self, Body, Ending, Intent, Orphan, Text};

/// Settles what can be settled: what belongs to another environment is left to whoever has it.
pub(super) async fn settle(desks: HashMap<Text, Arc<Desk>>, shared: Arc<Shared>, done: impl Fn()) {
    let Ok(ledger) = shared.ledger.clone() else { return };
    let names: Vec<Text> = desks.keys().cloned().collect();
    let found = tokio::task::spawn_blocking(move || ledger.open_intents(|intent| names.contains(&intent.environment))).await;
    let orphans = match found {
        Ok(Ok(orphans)) => orphans,
        Ok(Err(error)) => return tracing::warn!("open intents cannot be read: {error}"),
        Err(error) => return tracing::warn!("open intents cannot be read: {error}"),
    };
    for orphan in orphans {
        let Some(desk) = desks.get(&orphan.intent.environment) else { continue };
        // A cluster that cannot be read now is read by the next start.
        if let Some((result, detail)) = judge(desk, &orphan).await {
            let settled_by = Some(operator(None));
            let outcome =
                ledger::Outcome { act: orphan.intent.act.clone(), result, detail: detail.into(), observed: Vec::new(), settled_by };
            if let Err(why) = append(shared.ledger.clone(), shared.clock.now(), Body::Outcome(outcome)).await {
                tracing::warn!("an intent of a process that died could not be settled: {why}");
            }
        }
        done();
    }
}

async fn judge(desk: &Desk, orphan: &Orphan) -> Option<(Ending, String)> {
    let intent = &orphan.intent;
    let began = format!("the process that meant to {} died", intent.verb);
    let line = desk.line().await.ok()?;
    let cluster = desk.known(&line).await;
    if cluster.as_deref() != Ok(intent.cluster.as_str()) {
        // Behind the same name is another cluster, or none that says which: nothing there tells about this act.
        return cluster.is_ok().then(|| (Ending::Undetermined, format!("{began}; the cluster it was about is not there any more")));
    }
    let (seen_then, until) = remembered(intent)?;
    let read = match desk.release(&line, &seen_then.key).await {
        Ok(read) => read,
        Err(fault) if fault.code == Some(404) => {
            return Some((Ending::Undetermined, format!("{began}; {} is gone since", seen_then.key)));
        }
        Err(_) => return None,
    };
    let now = seen(&read);
    Some(match stand(&until, either(&read.object), &seen_then) {
        Stand::Reached(words) => (Ending::Observed, format!("{began}; read afterwards: {words}")),
        Stand::Lost(words) if now.current == seen_then.stable => {
            (Ending::Observed, format!("{began}; read afterwards: stable's template is the wanted one ({words})"))
        }
        Stand::Lost(words) | Stand::Under(words) => (Ending::Undetermined, format!("{began}; read afterwards: {words}")),
    })
}

/// What was seen then, as far as it is on the ledger, and the effect that was to come.
fn remembered(intent: &Intent) -> Option<(Seen, Until)> {
    let object = &intent.object;
    let canary = object.kind.as_str() == Kind::Canary.name();
    let kind = if canary { Kind::Canary } else { Kind::Rollout };
    let verb = Verb::ALL.into_iter().find(|verb| verb.name() == intent.verb.as_str())?;
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.as_str().into()).unwrap_or_default();
    let position = if canary {
        Position::Canary { phase: text(&object.phase), suspended: false, weight: 100 }
    } else {
        let step = object.step.and_then(|step| i64::try_from(step).ok());
        Position::Rollout { step, steps: 0, pauses: Vec::new(), held: false, abort: false, promote_full: false }
    };
    let seen = Seen {
        key: Key::new(kind, object.namespace.as_str(), object.name.as_str()),
        uid: object.uid.as_str().into(),
        current: text(&object.pod_hash),
        stable: text(&object.stable_hash),
        revision: object.revision,
        position,
    };
    Some((seen, effect(verb, canary)))
}

fn effect(verb: Verb, canary: bool) -> Until {
    match (verb, canary) {
        (Verb::Promote | Verb::Retry, true) => Until::FlaggerMoved,
        (Verb::PromoteFull, true) => Until::FlaggerSucceeded,
        (Verb::Hold, true) => Until::Suspended(true),
        (Verb::Resume, true) => Until::Suspended(false),
        (Verb::Abort | Verb::RollBack, true) => Until::FlaggerFailed,
        (Verb::Promote | Verb::SkipStep, false) => Until::MovedOn,
        (Verb::PromoteFull, false) => Until::Promoted,
        (Verb::Hold, false) => Until::Held(true),
        (Verb::Resume, false) => Until::Held(false),
        (Verb::Abort | Verb::RollBack, false) => Until::TrafficBack,
        (Verb::Retry, false) => Until::Retried,
        (Verb::Restart, _) => Until::Restarted,
        (Verb::SetImage | Verb::SkipStep | Verb::TerminateAnalysis, _) => Until::AnotherTemplate,
    }
}
