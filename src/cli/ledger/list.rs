//! `ledger list`: acts as a table or as JSON, or what is owed. The order is that of the record.

use std::io::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::{Failure, ListArgs, json};
use crate::cli::Common;
use crate::cli::status::aligned;
use crate::domain::id::{Key, Kind};
use crate::ledger::acts::{self, Act, Owed};
use crate::ledger::{Authority, Ending, Gate, Intent, Ledger, Object, Observed, Operator, TICKET, Text};
use crate::ui::text::fit;

/// Cells of a reason in a table; all of it is in the JSON.
const REASON: u16 = 80;

/// Answers `ledger list`.
pub(super) fn list(arguments: &ListArgs, common: &Common, ledger: &Ledger, now: Timestamp) -> Result<String, Failure> {
    let entries = ledger.read(None)?;
    let since = arguments.since.map_or(Timestamp::MIN, |since| since.time(now));
    let wanted = |intent: &Intent| wanted(arguments, common, intent);
    let answer = if arguments.owed {
        let chosen = |owed: &Owed| owed.since >= since && owed.intent.as_ref().map_or(is_open_to_all(arguments, common), wanted);
        let owed: Vec<Owed> = acts::owed(&entries).into_iter().filter(chosen).collect();
        if arguments.json { json(&OwedDocument::of(&owed))? } else { owed_table(&owed) }
    } else {
        let chosen = |act: &Act<'_>| act.entry.time >= since && wanted(act.intent) && !(arguments.open && act.outcome.is_some());
        let acts: Vec<Act<'_>> = acts::acts(&entries).into_iter().filter(chosen).collect();
        if arguments.json { json(&ActsDocument::of(&acts))? } else { table(&acts) }
    };
    if answer.is_empty() {
        writeln!(std::io::stderr().lock(), "pilothouse: there is nothing like that on the ledger.")?;
    }
    Ok(answer)
}

/// Whether nothing was asked that only an act can answer.
fn is_open_to_all(arguments: &ListArgs, common: &Common) -> bool {
    arguments.rollout.is_none() && common.environment.is_none() && common.namespace.is_none()
}

fn wanted(arguments: &ListArgs, common: &Common, intent: &Intent) -> bool {
    let object = &intent.object;
    let kind = if object.kind.as_str() == Kind::Canary.name() { Kind::Canary } else { Kind::Rollout };
    let key = Key::new(kind, object.namespace.as_str(), object.name.as_str());
    arguments.rollout.as_ref().is_none_or(|rollout| rollout.matches(&key))
        && common.environment.as_deref().is_none_or(|name| name == intent.environment.as_str())
        && common.namespace.as_deref().is_none_or(|name| name == object.namespace.as_str())
}

fn table(acts: &[Act<'_>]) -> String {
    let rows = acts.iter().map(|act| {
        let owes = act.owes.iter().any(|what| what.as_str() == TICKET);
        let ticket = act.ticket.map_or_else(|| if owes { "owed" } else { "-" }.to_owned(), ToString::to_string);
        let [who, environment, rollout] = about(act.intent);
        let [when, id] = [seconds(act.entry.time), short(&act.intent.act)];
        let verb = act.intent.verb.to_string();
        [
            when,
            id,
            who,
            environment,
            rollout,
            verb,
            ending(act.outcome.map(|(_, outcome)| outcome.result)),
            ticket,
            short_reason(act.intent),
        ]
    });
    let titles = ["TIME", "ACT", "WHO", "ENVIRONMENT", "ROLLOUT", "VERB", "RESULT", "TICKET", "REASON"];
    if acts.is_empty() { String::new() } else { aligned(&titles, rows, false) }
}

fn owed_table(owed: &[Owed]) -> String {
    let rows = owed.iter().map(|owed| {
        let dash = || "-".to_owned();
        let act = owed.act.as_ref().map_or_else(dash, short);
        let [who, environment, rollout] = owed.intent.as_ref().map_or_else(|| [dash(), dash(), dash()], about);
        [
            seconds(owed.since),
            act,
            who,
            environment,
            rollout,
            owed.what.to_string(),
            owed.intent.as_ref().map_or_else(dash, short_reason),
        ]
    });
    let titles = ["SINCE", "ACT", "WHO", "ENVIRONMENT", "ROLLOUT", "OWED", "REASON"];
    if owed.is_empty() { String::new() } else { aligned(&titles, rows, false) }
}

/// Who, where, to what.
pub(super) fn about(intent: &Intent) -> [String; 3] {
    let guard = if intent.authority == Authority::Guard { "guard of " } else { "" };
    let who = format!("{guard}{}@{}", intent.operator.local, intent.operator.host);
    [who, intent.environment.to_string(), format!("{}/{}", intent.object.namespace, intent.object.name)]
}

/// What came of an act, with a mark.
pub(super) fn ending(ending: Option<Ending>) -> String {
    let mark = match ending {
        None => return "◷ open".to_owned(),
        Some(Ending::Observed) => '✔',
        Some(Ending::Accepted) => '◌',
        Some(Ending::Refused | Ending::Failed) => '✖',
        Some(Ending::Undetermined) => '?',
    };
    format!("{mark} {}", ending.map_or("", Ending::word))
}

/// As much of an id as tells acts apart.
pub(super) fn short(id: &Text) -> String {
    id.chars().take(8).collect()
}

/// A time without fractions.
pub(super) fn seconds(time: Timestamp) -> String {
    format!("{time:.0}")
}

fn short_reason(intent: &Intent) -> String {
    fit(&reason(intent), REASON).into_owned()
}

/// What was overridden stands before the reason: nobody should have to look for it.
pub(super) fn reason(intent: &Intent) -> String {
    let overridden = intent.overridden.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let overridden = if overridden.is_empty() { overridden } else { format!("overrode {overridden}: ") };
    format!("{overridden}{}", intent.reason)
}

#[derive(Serialize)]
struct ActsDocument<'a> {
    version: u8,
    acts: Vec<Element<'a>>,
}

#[derive(Serialize)]
struct Element<'a> {
    act: &'a Text,
    sequence: u64,
    time: Timestamp,
    operator: &'a Operator,
    authority: Authority,
    environment: &'a Text,
    cluster: &'a Text,
    object: &'a Object,
    verb: &'a Text,
    plan: &'a [Text],
    reason: &'a Text,
    gates: &'a [Gate],
    overridden: &'a [Text],
    ticket: Option<&'a Text>,
    owes: &'a [&'a Text],
    outcome: Option<Came<'a>>,
    hash: &'a Text,
}

#[derive(Serialize)]
struct Came<'a> {
    time: Timestamp,
    result: Ending,
    detail: &'a Text,
    observed: &'a [Observed],
    settled_by: Option<&'a Operator>,
}

impl<'a> ActsDocument<'a> {
    fn of(acts: &'a [Act<'a>]) -> Self {
        let element = |act: &'a Act<'a>| Element {
            act: &act.intent.act,
            sequence: act.entry.sequence,
            time: act.entry.time,
            operator: &act.intent.operator,
            authority: act.intent.authority,
            environment: &act.intent.environment,
            cluster: &act.intent.cluster,
            object: &act.intent.object,
            verb: &act.intent.verb,
            plan: &act.intent.plan,
            reason: &act.intent.reason,
            gates: &act.intent.gates,
            overridden: &act.intent.overridden,
            ticket: act.ticket,
            owes: &act.owes,
            outcome: act.outcome.map(|(time, outcome)| Came {
                time,
                result: outcome.result,
                detail: &outcome.detail,
                observed: &outcome.observed,
                settled_by: outcome.settled_by.as_ref(),
            }),
            hash: &act.entry.hash,
        };
        Self { version: 1, acts: acts.iter().map(element).collect() }
    }
}

#[derive(Serialize)]
struct OwedDocument<'a> {
    version: u8,
    owed: Vec<OwedElement<'a>>,
}

#[derive(Serialize)]
struct OwedElement<'a> {
    act: Option<&'a Text>,
    what: &'a Text,
    since: Timestamp,
    environment: Option<&'a Text>,
    object: Option<&'a Object>,
    verb: Option<&'a Text>,
    reason: Option<&'a Text>,
}

impl<'a> OwedDocument<'a> {
    fn of(owed: &'a [Owed]) -> Self {
        let element = |owed: &'a Owed| OwedElement {
            act: owed.act.as_ref(),
            what: &owed.what,
            since: owed.since,
            environment: owed.intent.as_ref().map(|intent| &intent.environment),
            object: owed.intent.as_ref().map(|intent| &intent.object),
            verb: owed.intent.as_ref().map(|intent| &intent.verb),
            reason: owed.intent.as_ref().map(|intent| &intent.reason),
        };
        Self { version: 1, owed: owed.iter().map(element).collect() }
    }
}
