//! Intents that a process left open when it died: settled by reading the cluster, by whoever starts next. Nothing is ever sent.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::Shared;
use super::carry::{append, either, operator, seen};
use super::debt::paused_sync;
use super::desk::{Desk, Object, Read};
use crate::domain::action::until::{Stand, stand};
use crate::domain::action::{Position, Seen, Until, Verb};
use crate::domain::id::{Key, Kind};
use crate::domain::phase::is_final;
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
    if settle_syncs(&desks, &shared).await {
        done();
    }
}

/// A sync that was paused and runs again is owed no longer, whoever turned it on.
async fn settle_syncs(desks: &HashMap<Text, Arc<Desk>>, shared: &Shared) -> bool {
    let Ok(ledger) = shared.ledger.clone() else { return false };
    let owed = tokio::task::spawn_blocking(move || ledger.owed()).await.ok().and_then(Result::ok).unwrap_or_default();
    let mut settled = false;
    for debt in owed {
        let Some((namespace, application)) = paused_sync(&debt.what) else { continue };
        let Some(desk) = debt.intent.as_ref().and_then(|intent| desks.get(&intent.environment)) else { continue };
        let Ok(line) = desk.line().await else { continue };
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications/{application}");
        let Ok(application) = desk.get(&line, &path).await else { continue };
        if application.pointer("/spec/syncPolicy/automated").is_some_and(|automated| !automated.is_null()) {
            let right = ledger::Debt { act: debt.act, what: debt.what, operator: Some(operator(None)), ..ledger::Debt::default() };
            settled |= append(shared.ledger.clone(), shared.clock.now(), Body::Settled(right)).await.is_ok();
        }
    }
    settled
}

async fn judge(desk: &Desk, orphan: &Orphan) -> Option<(Ending, String)> {
    let intent = &orphan.intent;
    let began = format!("the process that meant to {} died", intent.verb);
    if intent.verb.starts_with("guard-") {
        // A guard lives in its process, and its Lease runs out.
        return Some((Ending::Undetermined, began));
    }
    let line = desk.line().await.ok()?;
    // While nobody has confirmed another cluster, this one may come back.
    let cluster = desk.known(&line).await.ok()?;
    if cluster != intent.cluster.as_str() {
        return Some((Ending::Undetermined, format!("{began}; the cluster it was about is not there any more")));
    }
    let (seen_then, until) = remembered(intent)?;
    if let Until::RunEnded(run) = &until {
        let run = desk.analysis_run(&line, &seen_then.key.namespace, run).await.ok()?;
        let ending = if is_final(&run.status.phase) { Ending::Observed } else { Ending::Undetermined };
        return Some((ending, format!("{began}; read afterwards: {} is {}", run.metadata.name, run.status.phase)));
    }
    let read = match desk.release(&line, &seen_then.key).await {
        Ok(read) => read,
        Err(fault) if fault.code == Some(404) => {
            return Some((Ending::Undetermined, format!("{began}; {} is gone since", seen_then.key)));
        }
        Err(_) => return None,
    };
    let now = seen(&read);
    if until == Until::Restarted && !is_restarted_as_asked(&read, intent) {
        return Some((Ending::Undetermined, format!("{began}; read afterwards: that restart was not written")));
    }
    Some(match stand(&until, either(&read.object), &seen_then) {
        Stand::Reached(words) => (Ending::Observed, format!("{began}; read afterwards: {words}")),
        Stand::Lost(words) if now.current == seen_then.stable => {
            (Ending::Observed, format!("{began}; read afterwards: stable's template is the wanted one ({words})"))
        }
        Stand::Under(words) if is_taken(&until, &read) => {
            (Ending::Accepted, format!("{began}; it was accepted, and read afterwards: {words}"))
        }
        Stand::Lost(words) | Stand::Under(words) => (Ending::Undetermined, format!("{began}; read afterwards: {words}")),
    })
}

/// Whether the restart that an object asks for is the one that was intended, and not an older one.
fn is_restarted_as_asked(read: &Read, intent: &Intent) -> bool {
    let Object::Rollout(rollout) = &read.object else { return true };
    let wanted: Option<Timestamp> = intent.target.as_ref().and_then(|time| time.parse().ok());
    wanted.is_some_and(|wanted| rollout.spec.restart_at.is_some_and(|asked| asked >= wanted))
}

/// Whether an object still shows that something was asked for whose effect has not come yet.
fn is_taken(until: &Until, read: &Read) -> bool {
    let Object::Rollout(rollout) = &read.object else { return false };
    match until {
        Until::Promoted => rollout.status.promote_full,
        Until::TrafficBack => rollout.status.abort,
        Until::Held(held) => rollout.spec.paused == *held,
        // Which one it is was compared before.
        Until::Restarted => true,
        _ => false,
    }
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
    let until = match (verb, &intent.target) {
        (Verb::TerminateAnalysis, Some(run)) => Until::RunEnded(run.as_str().into()),
        // The newest revision was stable then: that it is says nothing.
        (Verb::RollBack, Some(hash)) if !canary && seen.current == seen.stable => Until::Stable(hash.as_str().into()),
        _ => effect(verb, canary),
    };
    Some((seen, until))
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
