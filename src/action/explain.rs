//! Why a write was refused, in one line: the server does not say which fence did not hold, so what is there now is compared with what
//! was seen, and whoever moved it is named where the object tells.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::action::request::LAST_ACTION;
use crate::domain::duration::age;
use crate::source::kube::fault::{Cause, Fault};

/// Managers that are no persons: what they write needs no name.
const MACHINES: [&str; 4] = ["rollouts-controller", "argo-rollouts", "flagger", "kube-controller-manager"];

/// What a server says of a JSON Patch whose tests do not hold.
const TEST_FAILED: &str = "the server rejected our request due to an error in our request";

/// A refusal of the server, with what it means and the mend.
pub fn refusal(fault: &Fault, what: &str) -> String {
    match fault.cause {
        Cause::Forbidden => format!("Not permitted: {}. Ask for it, or act as somebody who may.", fault.text),
        Cause::Unauthorized => {
            format!("The cluster does not take the credentials any more: {}. Log in again; nothing was changed.", fault.text)
        }
        Cause::Missing => format!("{what} is gone. Nothing was changed."),
        Cause::Busy => {
            let wait = fault.wait.map(|wait| format!(" in {} s", wait.as_secs())).unwrap_or_default();
            format!("The server has too many requests and took none of this one. Try again{wait}.")
        }
        Cause::Refused if fault.code == Some(422) && fault.text == TEST_FAILED => format!(
            "It is not what was read a moment before: somebody changed what it was to replace in {what}. \
             The server refused it, nothing was changed; look again and decide anew."
        ),
        _ => format!("The server refused it: {}. Nothing was changed.", fault.line().trim_end_matches('.')),
    }
}

/// Who wrote an object last, if it was a person or a tool of one: `dana (promote, 3s ago)`.
pub fn who(raw: &Value, now: Timestamp) -> Option<String> {
    let ago = |at: Timestamp| age(now.duration_since(at).as_secs().max(0));
    let note = raw.pointer("/metadata/annotations").and_then(|annotations| annotations.get(LAST_ACTION)).and_then(Value::as_str);
    let note: Option<Value> = note.and_then(|text| serde_json::from_str(text).ok());
    let noted = note.and_then(|note| {
        let text = |key: &str| note.get(key).and_then(Value::as_str).map(str::to_owned);
        let at: Timestamp = text("at")?.parse().ok()?;
        Some((at, format!("{} ({}, {} ago)", text("by")?, text("verb")?, ago(at))))
    });
    let fields = raw.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
    let managed = fields
        .filter_map(|entry| {
            let manager = entry.get("manager").and_then(Value::as_str)?;
            let at: Timestamp = entry.get("time").and_then(Value::as_str)?.parse().ok()?;
            (!MACHINES.iter().any(|machine| manager.starts_with(machine))).then(|| (at, format!("{manager} ({} ago)", ago(at))))
        })
        .max_by_key(|(at, _)| *at);
    // A note says more than the name of a program, if it is about the same write.
    let about_the_same = |noted: &Timestamp, managed: &Timestamp| managed.duration_since(*noted).as_secs() < 5;
    match (noted, managed) {
        (Some((at, words)), Some((later, _))) if about_the_same(&at, &later) => Some(words),
        (_, Some((_, words))) | (Some((_, words)), None) => Some(words),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whoever_moved_it_is_named() {
        let now: Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
        let note = json!({"by": "dana@laptop", "verb": "promote", "at": "2026-01-01T00:00:50Z"}).to_string();
        let fields = |manager: &str, time: &str| json!({"manager": manager, "time": time});
        let object = |fields: Value| json!({"metadata": {"annotations": {LAST_ACTION: note}, "managedFields": fields}});
        let ours =
            object(json!([fields("rollouts-controller", "2026-01-01T00:00:59Z"), fields("pilothouse", "2026-01-01T00:00:51Z")]));
        assert_eq!(who(&ours, now).as_deref(), Some("dana@laptop (promote, 10s ago)"));
        let later = object(json!([fields("kubectl-argo-rollouts", "2026-01-01T00:00:58Z")]));
        assert_eq!(who(&later, now).as_deref(), Some("kubectl-argo-rollouts (2s ago)"));
        assert_eq!(
            who(&json!({"metadata": {"managedFields": [fields("rollouts-controller", "2026-01-01T00:00:58Z")]}}), now),
            None
        );
    }
}
