//! Cancelling the guards of a release from elsewhere: a word in their Lease, which whoever holds it reads before it acts.

use serde_json::json;

use super::Means;
use super::holder::{request, took};
use crate::action::{Deed, Line, send};
use crate::domain::action::request::{MERGE_PATCH, Request};
use crate::domain::action::{Authority, Seen};
use crate::domain::guard::{ACTING, CANCELLED, Guarding, lease_path};
use crate::domain::id::EnvironmentId;
use crate::domain::object::decode_value;
use crate::ledger::operator::operator;

/// For one write.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// Cancels the guards of the version that was seen. Says who they belonged to, or why they are not cancelled, as a sentence.
pub async fn cancel(means: &Means, environment: EnvironmentId, seen: &Seen, reason: &str) -> Result<String, String> {
    let desk = means.runner.desk(environment).ok_or("There is no such environment.")?;
    let line = desk.line().await.map_err(|fault| format!("'{}' was not reached: {}.", desk.environment.name, fault.line()))?;
    if let Some(why) = means.runner.forbids_guards(environment, Some(&line.server)) {
        return Err(why);
    }
    let path = lease_path(&seen.key);
    let lease = desk.get(&line, &path).await.map_err(|fault| match fault.code {
        Some(404) => format!("There is no guard on {}.", seen.key),
        _ => format!("The guard of {} cannot be read: {}.", seen.key, fault.line()),
    })?;
    let guarding = Guarding::of(&decode_value(&lease)).ok_or_else(|| format!("There is no guard on {}.", seen.key))?;
    if guarding.hash != seen.current {
        return Err(format!("The guard of {} watches another version by now: look again.", seen.key));
    }
    let recorded = desk.record(&line, Deed::Cancel, (seen, reason, Authority::Dialog)).await;
    // Ending what acts by itself waits for no record: that it is missing is said.
    let unrecorded = recorded.as_ref().err().map(|why| format!(" It is not on the ledger: {why}")).unwrap_or_default();
    let cancelled = write(&line, path, &who()).await;
    let came = match &cancelled {
        Ok(acts) => {
            Ok(format!("the guard of {} is cancelled{}", guarding.owner, if *acts { "; it was acting already" } else { "" }))
        }
        Err(why) => Err(why.clone()),
    };
    if let Ok(recorded) = recorded {
        desk.conclude(recorded, came).await;
    }
    let acts = if cancelled? { " It was acting already, and what it does just now is done to its end: look." } else { "" };
    Ok(format!("The guard of {} is cancelled for this version.{acts}{unrecorded}", guarding.owner))
}

/// Says whether the guard was acting already when the word reached it.
async fn write(line: &Line, path: String, by: &str) -> Result<bool, String> {
    // Not bound to a version: a holder that renews at the same moment must not win.
    let body = json!({"metadata": {"annotations": {CANCELLED: by}}});
    let request = Request { content_type: MERGE_PATCH, ..request("PATCH", path, body) };
    let lease = took(send(&line.client, &request, false, PATIENCE).await);
    let lease = lease.map_err(|fault| format!("It was not cancelled: {}.", fault.line()))?;
    Ok(lease.and_then(|lease| Guarding::of(&decode_value(&lease))).is_some_and(|guarding| &*guarding.posted.state == ACTING))
}

/// Who sits here: `dana@laptop`.
pub(super) fn who() -> String {
    let operator = operator(None);
    format!("{}@{}", operator.local, operator.host)
}
