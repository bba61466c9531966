//! What entries add up to: acts with what came of them, what is owed, and which versions were stable. Pure: entries in, answers
//! out.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Body, Debt, Ending, Entry, Intent, Object, Outcome, TICKET, Text, Write};

/// One act: an intent and everything that was said about it later.
#[derive(Clone, Debug)]
pub struct Act<'a> {
    /// The entry of the intent.
    pub entry: &'a Entry,
    /// What was intended.
    pub intent: &'a Intent,
    /// Its requests after the first one.
    pub writes: Vec<&'a Write>,
    /// When its outcome was written, and which; None as long as nobody knows. The last one said counts.
    pub outcome: Option<(Timestamp, &'a Outcome)>,
    /// What it still owes.
    pub owes: Vec<&'a Text>,
    /// Its ticket, given at once or later.
    pub ticket: Option<&'a Text>,
}

/// Something that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The act that owes it, if one does.
    pub act: Option<Text>,
    /// What, such as [`TICKET`].
    pub what: Text,
    /// Since when.
    pub since: Timestamp,
    /// The act as it was intended, if its intent is among the entries.
    pub intent: Option<Intent>,
}

/// A version of an object that was stable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stable {
    /// Hash of its pods.
    pub pod_hash: Text,
    /// Its revision, where an entry tells it.
    pub revision: Option<i64>,
    /// When it was last seen to be the stable one.
    pub seen: Timestamp,
}

/// The acts among entries, in the order of their intents.
pub fn acts(entries: &[Entry]) -> Vec<Act<'_>> {
    let mut acts: Vec<Act<'_>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for entry in entries {
        if let Body::Intent(intent) = &entry.body {
            places.insert(&intent.act, acts.len());
            let owes = intent.owed.iter().collect();
            acts.push(Act { entry, intent, writes: Vec::new(), outcome: None, owes, ticket: intent.ticket.as_ref() });
            continue;
        }
        let Some(act) = entry.body.act().and_then(|act| acts.get_mut(*places.get(act.as_str())?)) else { continue };
        match &entry.body {
            Body::Write(write) => act.writes.push(write),
            Body::Outcome(outcome) => {
                act.outcome = Some((entry.time, outcome));
                if outcome.result == Ending::Refused {
                    // Nothing was changed: there is nothing to have a ticket for.
                    act.owes.retain(|what| !act.intent.owed.contains(what));
                }
            }
            Body::Owed(debt) if !act.owes.contains(&&debt.what) => act.owes.push(&debt.what),
            Body::Settled(debt) => {
                act.owes.retain(|what| **what != debt.what);
                if debt.what.as_str() == TICKET {
                    act.ticket = debt.ticket.as_ref().or(act.ticket);
                }
            }
            _ => {}
        }
    }
    acts
}

/// What is owed and not settled, oldest first.
pub fn owed(entries: &[Entry]) -> Vec<Owed> {
    let mut since: HashMap<(Option<&str>, &str), Timestamp> = HashMap::new();
    let mut loose: Vec<(&Debt, Timestamp)> = Vec::new();
    let acts = acts(entries);
    let known: HashMap<&str, &Act<'_>> = acts.iter().map(|act| (act.intent.act.as_str(), act)).collect();
    for entry in entries {
        match &entry.body {
            Body::Owed(debt) => {
                since.insert((debt.act.as_deref(), &debt.what), entry.time);
                if debt.act.as_ref().is_none_or(|act| !known.contains_key(act.as_str())) {
                    loose.push((debt, entry.time));
                }
            }
            Body::Settled(debt) => loose.retain(|(owed, _)| (&owed.act, &owed.what) != (&debt.act, &debt.what)),
            _ => {}
        }
    }
    let of_acts = acts.iter().flat_map(|act| act.owes.iter().map(move |what| (act, *what))).map(|(act, what)| Owed {
        act: Some(act.intent.act.clone()),
        what: what.clone(),
        since: since.get(&(Some(act.intent.act.as_str()), what.as_str())).copied().unwrap_or(act.entry.time),
        intent: Some(act.intent.clone()),
    });
    let loose = loose.into_iter().map(|(debt, since)| Owed { act: debt.act.clone(), what: debt.what.clone(), since, intent: None });
    let mut owed: Vec<Owed> = of_acts.chain(loose).collect();
    owed.sort_by_key(|owed| owed.since);
    owed
}

/// The versions of an object that were stable at some time, as intents saw it, newest first, each once.
pub fn stable(entries: &[Entry], environment: &str, object: &Object) -> Vec<Stable> {
    let name = |object: &Object| [&object.uid, &object.kind, &object.namespace, &object.name].map(Clone::clone);
    let wanted = name(object);
    let seen = entries.iter().filter_map(|entry| match &entry.body {
        Body::Intent(intent) if intent.environment.as_str() == environment && name(&intent.object) == wanted => {
            Some((entry.time, &intent.object))
        }
        _ => None,
    });
    let mut revisions = HashMap::new();
    let mut found: Vec<Stable> = Vec::new();
    for (time, object) in seen {
        if let (Some(hash), Some(revision)) = (&object.pod_hash, object.revision) {
            revisions.insert(hash.clone(), revision);
        }
        if let Some(hash) = &object.stable_hash {
            found.retain(|stable| stable.pod_hash != *hash);
            found.push(Stable { pod_hash: hash.clone(), revision: None, seen: time });
        }
    }
    for stable in &mut found {
        stable.revision = revisions.get(&stable.pod_hash).copied();
    }
    found.reverse();
    found
}
