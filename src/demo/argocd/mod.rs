//! A pretended Argo CD: it compares what stands in Git with what is there, says so in Application objects, and applies
//! Git again when it may. It knows nothing of releases: a template that somebody put back is a difference like any other,
//! and a status is none of its business.

mod compare;
mod git;
mod report;

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Resource;
use super::controller::desk::{At, Desk, text};
use super::strategic;
use compare::contains;
pub use git::{Git, Source};

/// The namespace of the Application objects.
pub const NAMESPACE: &str = "argocd";
/// The name under which it writes.
pub const MANAGER: &str = "argocd-controller";
/// How long a difference lasts before it is undone.
const SELF_HEAL: SignedDuration = SignedDuration::from_secs(5);
/// The annotation that asks for a fresh comparison.
const REFRESH: &str = "argocd.argoproj.io/refresh";

/// One object of an application.
struct Compared {
    /// Its kind, and how Git wants it.
    manifest: Arc<(Resource, Value)>,
    live: Option<Arc<Value>>,
    synced: bool,
}

/// Why Git is applied.
enum Cause {
    /// Somebody asked for it in `operation`.
    Asked(Value),
    /// Git has something new.
    Pushed,
    /// Something else than Git is there.
    Healed,
}

/// One look at an Application.
pub fn look(desk: &mut Desk<'_>, at: &At) {
    let Some(application) = desk.get(at.resource, &at.namespace, &at.name) else { return };
    let Some(source) = desk.git.source(&at.name).cloned() else { return };
    if !text(&application, "deletionTimestamp").is_empty() || !application["spec"].is_object() {
        return;
    }
    let compared = compare_all(desk, &source);
    let synced = compared.iter().all(|one| one.synced);
    match due(desk, at, &application, synced) {
        Some(cause) => apply(desk, at, &application, &source, (compared, cause)),
        None => report::write(desk, at, &source, &compared, None),
    }
}

fn compare_all(desk: &Desk<'_>, source: &Source) -> Vec<Compared> {
    let compare = |manifest: &Arc<(Resource, Value)>| {
        let (resource, wanted) = &**manifest;
        let live = desk.get(*resource, text(wanted, "namespace"), text(wanted, "name"));
        let synced = live.as_ref().is_some_and(|live| contains(live, wanted));
        Compared { manifest: manifest.clone(), live, synced }
    };
    source.manifests.iter().map(compare).collect()
}

/// Why Git is to be applied now, if it is; sets the alarm if it will be.
fn due(desk: &mut Desk<'_>, at: &At, application: &Value, synced: bool) -> Option<Cause> {
    if application["operation"].is_object() {
        return Some(Cause::Asked(application["operation"].clone()));
    }
    let source = desk.git.source_mut(&at.name)?;
    if synced {
        source.differs_since = None;
        return None;
    }
    let automated = &application["spec"]["syncPolicy"]["automated"];
    if !automated.is_object() || automated["enabled"] == false {
        source.differs_since = None;
        return None;
    }
    if application["status"]["operationState"]["syncResult"]["revision"] != *source.revision {
        return Some(Cause::Pushed);
    }
    if automated["selfHeal"] != true {
        return None;
    }
    let since = *source.differs_since.get_or_insert(desk.now);
    if desk.now >= since + SELF_HEAL {
        return Some(Cause::Healed);
    }
    desk.wake(at, since + SELF_HEAL);
    None
}

/// Lets everything be as it stands in Git.
fn apply(desk: &mut Desk<'_>, at: &At, application: &Value, source: &Source, (compared, cause): (Vec<Compared>, Cause)) {
    let by = match &cause {
        Cause::Asked(_) => "sync",
        Cause::Pushed | Cause::Healed => "automated sync",
    };
    let component = ("Normal", "argocd-application-controller");
    desk.record(application, component, "OperationStarted", &format!("Initiated {by} to '{}'", source.revision));
    let mut results = Vec::new();
    for one in compared.iter().filter(|one| !one.synced) {
        results.push(apply_one(desk, one));
    }
    if let Some(source) = desk.git.source_mut(&at.name) {
        source.differs_since = None;
    }
    desk.edit(at, |application| {
        if let Some(fields) = application.as_object_mut() {
            fields.remove("operation");
        }
    });
    let compared = compare_all(desk, source);
    let operation = operation(application, source, &cause);
    report::write(desk, at, source, &compared, Some((operation, results)));
    let done = format!("Sync operation to {} succeeded", source.revision);
    desk.record(application, component, "OperationCompleted", &done);
}

/// Applies one object; says how that went, as results of syncs do.
fn apply_one(desk: &mut Desk<'_>, one: &Compared) -> Value {
    let (resource, wanted) = &*one.manifest;
    let (about, name, namespace) = (resource.about(), text(wanted, "name"), text(wanted, "namespace"));
    let deed = if one.live.is_some() {
        let at = At::new(*resource, namespace, name);
        desk.edit_as(&at, MANAGER, |live| strategic::merge(live, wanted));
        "configured"
    } else {
        desk.create_as(*resource, MANAGER, wanted.clone());
        "created"
    };
    json!({
        "group": about.group, "version": about.version, "kind": about.kind, "namespace": namespace, "name": name,
        "status": "Synced", "hookPhase": "Running", "syncPhase": "Sync",
        "message": format!("{}/{name} {deed}", singular(*resource)),
    })
}

fn singular(resource: Resource) -> String {
    let about = resource.about();
    let dot = if about.group.is_empty() { "" } else { "." };
    format!("{}{dot}{}", about.singular(), about.group)
}

fn operation(application: &Value, source: &Source, cause: &Cause) -> Value {
    let mut sync = json!({ "revision": source.revision });
    if application["spec"]["syncPolicy"]["automated"]["prune"] == true {
        sync["prune"] = true.into();
    }
    match cause {
        Cause::Asked(operation) => {
            let mut operation = operation.clone();
            strategic::merge(&mut sync, &operation["sync"]);
            operation["sync"] = sync;
            operation
        }
        Cause::Pushed => json!({ "initiatedBy": { "automated": true }, "retry": { "limit": 5 }, "sync": sync }),
        Cause::Healed => {
            let healed = &application["status"]["operationState"]["operation"]["sync"]["selfHealAttemptsCount"];
            sync["selfHealAttemptsCount"] = (healed.as_i64().unwrap_or(0) + 1).into();
            json!({ "initiatedBy": { "automated": true }, "retry": { "limit": 5 }, "sync": sync })
        }
    }
}

#[cfg(test)]
mod tests;
