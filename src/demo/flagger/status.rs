//! A Canary's status, and the one condition that says in a sentence what the phase says in a word.

use serde_json::{Value, json};

use crate::demo::controller::desk::{At, Desk};

/// A state that a Canary goes into.
#[derive(Clone, Copy, Debug)]
pub struct Next<'a> {
    pub phase: &'a str,
    pub weight: i64,
    pub iterations: i64,
}

/// Writes a new phase. `applied` is the hash of the template that it is about, if that is another one than before.
pub fn enter(desk: &mut Desk<'_>, at: &At, next: Next<'_>, applied: Option<&str>) {
    let now = desk.stamp();
    desk.edit(at, |canary| {
        let status = &mut canary["status"];
        let phase = next.phase;
        if !status.is_object() {
            *status = json!({ "failedChecks": 0, "trackedConfigs": {} });
        }
        // A success keeps the count of the checks that failed on its way.
        if matches!(phase, "Initialized" | "Waiting" | "Progressing" | "Failed") {
            status["failedChecks"] = 0.into();
        }
        status["phase"] = phase.into();
        status["canaryWeight"] = next.weight.into();
        status["iterations"] = next.iterations.into();
        if let Some(applied) = applied {
            status["lastAppliedSpec"] = applied.into();
        }
        if matches!(phase, "Initialized" | "Succeeded") {
            status["lastPromotedSpec"] = status["lastAppliedSpec"].clone();
        }
        status["lastTransitionTime"] = now.clone().into();
        status["conditions"] = json!([condition(&status["conditions"][0], phase, &now)]);
    });
}

/// Changes something of the status within a phase.
pub fn change(desk: &mut Desk<'_>, at: &At, what: &[(&str, Value)]) {
    let now = desk.stamp();
    desk.edit(at, |canary| {
        for (key, value) in what {
            canary["status"][*key] = value.clone();
        }
        canary["status"]["lastTransitionTime"] = now.into();
    });
}

fn condition(before: &Value, phase: &str, now: &str) -> Value {
    let (status, message) = match phase {
        "Initializing" => ("Unknown", "New Deployment detected, starting initialization."),
        "Initialized" => ("True", "Deployment initialization completed."),
        "Waiting" | "WaitingPromotion" => ("Unknown", "Waiting for approval."),
        "Progressing" => ("Unknown", "New revision detected, progressing canary analysis."),
        "Promoting" => ("Unknown", "Canary analysis completed, starting primary rolling update."),
        "Finalising" => ("Unknown", "Canary analysis completed, routing all traffic to primary."),
        "Succeeded" => ("True", "Canary analysis completed successfully, promotion finished."),
        _ => ("False", "Canary analysis failed, Deployment scaled to zero."),
    };
    let keep = |same: bool, key: &str| if same && before[key].is_string() { before[key].clone() } else { now.into() };
    json!({
        "type": "Promoted", "status": status, "reason": phase, "message": message,
        "lastUpdateTime": keep(before["reason"] == phase, "lastUpdateTime"),
        "lastTransitionTime": keep(before["status"] == status, "lastTransitionTime"),
    })
}
