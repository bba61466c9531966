//! What a dialog asks when it opens: may this be done, who else manages the object, what is remembered of it. Asks only; going back
//! waits for none of it.

use serde_json::{Value, json};

use super::desk::{Desk, Line};
use super::identity::Stranger;
use crate::domain::action::{Access, Memory, Owner, Permission, Reviewed, StableBefore, Sync};
use crate::domain::id::{EnvironmentId, Key};
use crate::domain::managed::managed_by;
use crate::domain::object::Meta;
use crate::ledger;

/// Where Argo CD keeps its Applications, unless a tracking mark says otherwise.
const ARGO_CD: &str = "argocd";

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Where.
    pub environment: EnvironmentId,
    /// The release.
    pub key: Key,
    /// Its uid.
    pub uid: Box<str>,
    /// The permissions that are needed.
    pub accesses: Vec<Access>,
}

impl Desk {
    /// Asks everything at once.
    pub async fn review(&self, asked: &Asked) -> Reviewed {
        let mut reviewed = Reviewed { unrecordable: self.unrecordable().await, ..Reviewed::default() };
        reviewed.memory.stable_before = self.stable_before(asked).await;
        let line = match self.line().await {
            Ok(line) => line,
            Err(fault) => {
                reviewed.unasked = Some(fault.line());
                return reviewed;
            }
        };
        let permissions = async {
            let all = asked.accesses.iter().map(|access| self.may(&line, access));
            futures::future::join_all(all).await
        };
        let (permissions, user, owner, known) =
            tokio::join!(permissions, self.user(&line), self.owner(&line, &asked.key), self.known(&line));
        reviewed.permissions = permissions;
        reviewed.user = user;
        reviewed.memory.owner = owner;
        match known {
            Ok(_) => {}
            Err(Stranger::Another(both)) => reviewed.other_cluster = Some(both),
            Err(Stranger::Unread(fault)) => reviewed.unasked = Some(fault.line()),
        }
        reviewed
    }

    /// As whom the cluster knows us; asked once for a connection. Old servers have no such review.
    pub async fn user(&self, line: &Line) -> Option<String> {
        let ask = || async {
            let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
            let answer = self.post(line, "/apis/authentication.k8s.io/v1/selfsubjectreviews", &body).await.ok()?;
            answer.pointer("/status/userInfo/username").and_then(Value::as_str).map(str::to_owned)
        };
        line.user.get_or_init(ask).await.clone()
    }

    async fn may(&self, line: &Line, access: &Access) -> Permission {
        let (resource, subresource) = access.resource.split_once('/').unwrap_or((access.resource, ""));
        let attributes = json!({
            "verb": access.verb, "group": access.group, "resource": resource, "subresource": subresource,
            "namespace": access.namespace, "name": access.name,
        });
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes},
        });
        let answer = self.post(line, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &body).await;
        let allowed = answer.map_err(|fault| fault.line()).and_then(|answer| {
            answer.pointer("/status/allowed").and_then(Value::as_bool).ok_or_else(|| "the server did not say".to_owned())
        });
        Permission { access: access.clone(), allowed }
    }

    /// Whether the tool that manages an object syncs by itself, where that can be read.
    async fn owner(&self, line: &Line, key: &Key) -> Owner {
        let Ok(read) = self.release(line, key).await else { return Owner::default() };
        let meta: Meta = read.raw.get("metadata").and_then(|meta| serde_json::from_value(meta.clone()).ok()).unwrap_or_default();
        let Some(by) = managed_by(&meta).filter(|by| by.tool == "argocd") else { return Owner::default() };
        // An Application outside Argo CD's own namespace is tracked as `namespace_name`.
        let (namespace, name) = by.name.split_once('_').unwrap_or((ARGO_CD, &*by.name));
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications/{name}");
        let Ok(application) = self.get(line, &path).await else { return Owner::default() };
        let automated = application.pointer("/spec/syncPolicy/automated").filter(|policy| !policy.is_null());
        let switched_off = automated.and_then(|policy| policy.get("enabled")) == Some(&Value::Bool(false));
        let sync = if automated.is_some() && !switched_off { Sync::Automatic } else { Sync::Manual };
        Owner { sync, application: Some((namespace.into(), name.into())) }
    }

    async fn stable_before(&self, asked: &Asked) -> Vec<StableBefore> {
        let Ok(ledger) = self.shared.ledger.clone() else { return Memory::default().stable_before };
        let environment = self.environment.name.clone();
        let object = ledger::Object {
            kind: asked.key.kind.name().into(),
            namespace: (&*asked.key.namespace).into(),
            name: (&*asked.key.name).into(),
            uid: (&*asked.uid).into(),
            ..ledger::Object::default()
        };
        let read = tokio::task::spawn_blocking(move || ledger.stable_hashes(&environment, &object)).await;
        let found = read.ok().and_then(Result::ok).unwrap_or_default();
        found.into_iter().map(|stable| StableBefore { hash: stable.pod_hash.as_str().into(), at: stable.seen }).collect()
    }

    /// Why the ledger cannot be written.
    async fn unrecordable(&self) -> Option<String> {
        let ledger = match &self.shared.ledger {
            Ok(ledger) => ledger.clone(),
            Err(why) => return Some(why.clone()),
        };
        let tried = tokio::task::spawn_blocking(move || ledger.writable()).await;
        tried.map_or_else(|error| Some(error.to_string()), |tried| tried.err().map(|error| error.to_string()))
    }
}
