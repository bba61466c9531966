//! What holds a Flagger release up. Flagger keeps no reasons in its status; they are in its events, as long as those last.

use jiff::Timestamp;

use crate::domain::belongings::Belongings;
use crate::domain::flagger::{Stage, stage};
use crate::domain::object::{Canary, Event};

/// The sentence for a Canary. `now` is the cluster's clock.
pub fn of_canary(canary: &Canary, belongings: &Belongings, _now: Timestamp) -> Option<Box<str>> {
    let stage = stage(canary);
    let idle = matches!(stage, Stage::Idle | Stage::Failed | Stage::Unknown | Stage::Terminating);
    let why = if canary.spec.suspend && !idle {
        Some("suspended: nothing moves until spec.suspend is lifted".to_owned())
    } else {
        match stage {
            Stage::Failed => Some(failed(canary, belongings)),
            Stage::Waiting => Some(gate(canary, belongings, "confirm-rollout", "start")),
            Stage::WaitingPromotion => Some(gate(canary, belongings, "confirm-promotion", "be promoted")),
            Stage::Progressing => halted(canary, belongings),
            Stage::Initializing | Stage::Promoting | Stage::Finalising => not_ready(canary, belongings),
            Stage::Idle | Stage::Terminating | Stage::Unknown => None,
        }
    };
    why.map(String::into)
}

/// The hook that holds the weight where it is, if the last thing Flagger said is that one does. No phase tells.
pub fn held_traffic_increase<'a>(canary: &Canary, belongings: &'a Belongings) -> Option<&'a str> {
    if stage(canary) != Stage::Progressing || canary.spec.suspend {
        return None;
    }
    let last = last(&events(canary, belongings))?;
    last.message.split_once("waiting for traffic increase approval ").map(|(_, hook)| hook.trim())
}

fn failed(canary: &Canary, belongings: &Belongings) -> String {
    let events = events(canary, belongings);
    let latest = |head: &str| events.iter().rev().find(|event| event.message.starts_with(head)).map(|event| &*event.message);
    let cause = latest("Promotion of").or_else(|| latest("Rolling back"));
    let about = format!("{}.{} ", canary.metadata.name, canary.metadata.namespace);
    let check = latest("Halt").and_then(|text| text.split_once(" advancement ")).map(|(_, check)| check);
    match cause {
        Some(text) if text.starts_with("Promotion") => format!("the promotion failed, the traffic stays on the canary: {text}"),
        Some(text) => {
            let reason = text.split_once(&*about).map_or(text, |(_, reason)| reason);
            let reason = reason
                .strip_prefix("failed checks threshold reached ")
                .map_or_else(|| reason.to_owned(), |count| format!("{count} checks failed"));
            let last =
                check.filter(|_| reason.ends_with("checks failed")).map(|check| format!(", the last: {check}")).unwrap_or_default();
            format!("rolled back: {reason}{last}")
        }
        None if canary.status.canary_weight >= 100 => "the promotion failed, the traffic stays on the canary".to_owned(),
        None => "rolled back; Flagger's events about it are gone".to_owned(),
    }
}

fn gate(canary: &Canary, belongings: &Belongings, kind: &str, what: &str) -> String {
    let events = events(canary, belongings);
    let said = events.iter().rev().find_map(|event| event.message.split_once("approval ").map(|(_, hook)| hook.trim()));
    let declared = || canary.spec.analysis.webhooks.iter().find(|hook| &*hook.kind == kind).map(|hook| &*hook.name);
    match said.or_else(declared) {
        Some(hook) => format!("the gate '{hook}' has not let it {what} yet"),
        None => format!("a gate has not let it {what} yet"),
    }
}

fn halted(canary: &Canary, belongings: &Belongings) -> Option<String> {
    if let Some(hook) = held_traffic_increase(canary, belongings) {
        return Some(format!("the gate '{hook}' holds its traffic at {} %", canary.status.canary_weight));
    }
    let last = last(&events(canary, belongings))?;
    let (_, check) = last.message.strip_prefix("Halt ")?.split_once(" advancement ")?;
    let (failed, allowed) = (canary.status.failed_checks, canary.spec.analysis.threshold);
    let count = if failed > 0 && allowed > 0 { format!(" ({failed} of {allowed} failed checks)") } else { String::new() };
    Some(format!("halted: {check}{count}"))
}

fn not_ready(canary: &Canary, belongings: &Belongings) -> Option<String> {
    let last = events(canary, belongings).into_iter().last()?;
    (&*last.severity == "Warning").then(|| last.message.trim().to_owned())
}

/// What Flagger said last. It says several things in one second, and its times are no finer: that it halts is what comes of them.
fn last<'a>(events: &[&'a Event]) -> Option<&'a Event> {
    let newest = events.last()?.at();
    let mut together = events.iter().rev().take_while(|event| event.at() == newest);
    let halt = together.clone().find(|event| event.message.starts_with("Halt "));
    halt.or_else(|| together.next()).copied()
}

/// Flagger's own events about a Canary, oldest first.
fn events<'a>(canary: &Canary, belongings: &'a Belongings) -> Vec<&'a Event> {
    let mine = |event: &&Event| event.involved_object.uid == canary.metadata.uid;
    let mut events: Vec<_> = belongings.events.iter().map(|event| &**event).filter(mine).collect();
    events.sort_by_key(|event| event.at());
    events
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::domain::object::decode_value;

    #[test]
    fn that_it_halts_comes_of_what_is_said_in_the_same_second() {
        let canary: Canary = decode_value(
            &json!({"metadata": {"name": "media", "namespace": "content", "uid": "f"}, "status": {"phase": "Progressing"}}),
        );
        let event = |name: &str, second: u32, message: &str| {
            let object = json!({"metadata": {"name": name}, "involvedObject": {"uid": "f"}, "type": "Normal", "message": message,
                "lastTimestamp": format!("2026-01-01T00:00:{second:02}Z")});
            Arc::new(decode_value::<Event>(&object))
        };
        let halt = "Halt media.content advancement waiting for traffic increase approval gate";
        let events = vec![event("a", 10, halt), event("b", 10, "Starting canary analysis for media.content")];
        let mut belongings = Belongings { events, ..Belongings::default() };
        assert_eq!(held_traffic_increase(&canary, &belongings), Some("gate"));
        belongings.events.push(event("c", 20, "Advance media.content canary weight 10"));
        assert_eq!(held_traffic_increase(&canary, &belongings), None);
    }
}
