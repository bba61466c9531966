//! One look at one environment: can it be reached, as whom, and what may be done there. Asks only what changes nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Request;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use kube::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::client::{self, Connected};
use super::exchange::{ask, read};
use super::fault::{Cause, Fault};
use super::kubeconfig::Access;
use super::link::sample;
use super::pulse::{Skew, date_of};
use super::scope::{Place, group_of};
use super::{expiry, kubeconfig};
use crate::config::{Environment, Namespaces};
use crate::domain::fact::Reading;
use crate::domain::id::Kind;
use crate::source::Clock;

/// For every single question.
const PATIENCE: Duration = Duration::from_secs(5);
/// Everything that is read.
const KINDS: [Kind; 7] =
    [Kind::Rollout, Kind::Canary, Kind::ReplicaSet, Kind::Pod, Kind::AnalysisRun, Kind::Experiment, Kind::Event];
/// Everything that releasing changes.
const CHANGES: [(Kind, Option<&str>); 4] =
    [(Kind::Rollout, None), (Kind::Rollout, Some("status")), (Kind::Canary, None), (Kind::AnalysisRun, None)];

/// Everything that guards do with their Leases.
const LEASES: [&str; 7] = ["get", "list", "watch", "create", "update", "delete", "patch"];

/// What was found.
#[derive(Clone, Debug)]
pub struct Checkup {
    /// Name of the environment.
    pub environment: String,
    /// Context of the kubeconfig; None inside a cluster, or if it could not be read.
    pub context: Option<String>,
    /// Scheme, host and port of the server; None if the kubeconfig could not be read.
    pub server: Option<String>,
    /// How it answers, or why it does not.
    pub link: Result<Answer, String>,
    /// With what it is asked.
    pub credentials: Credentials,
    /// Whether each kind can be read, where it is wanted.
    pub kinds: Vec<(Kind, Reading)>,
    /// What may be done.
    pub rights: Vec<Right>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Round trip in milliseconds.
    pub millis: u32,
    /// Version of the server, such as `v1.34.4`.
    pub version: Option<String>,
    /// Cluster clock minus local clock in milliseconds, within about 1 s.
    pub clock_skew_ms: i64,
    /// As whom the server knows us.
    pub user: Option<String>,
}

/// Credentials, without the credentials.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `token`, `token file`, `client certificate`, `plugin`, `password` or `none`.
    pub kind: &'static str,
    /// When they end, if they say so.
    pub ends: Option<Timestamp>,
}

/// Whether one thing may be done.
#[derive(Clone, Debug)]
pub struct Right {
    /// `list`, `watch` or `patch`; for Leases more.
    pub verb: &'static str,
    /// To what.
    pub kind: Kind,
    /// To what part of it.
    pub subresource: Option<&'static str>,
    /// Where; None is everywhere.
    pub namespace: Option<String>,
    /// The server's answer; None if it gave none.
    pub allowed: Option<bool>,
}

/// Looks at one environment. Fails never: what cannot be found out is part of what was found.
pub async fn check(environment: &Environment, clock: &Clock) -> Checkup {
    let name = environment.name.clone();
    let failed = |fault: &Fault, context, server, credentials| {
        let (kinds, rights) = (Vec::new(), Vec::new());
        Checkup { environment: name.clone(), context, server, link: Err(fault.line()), credentials, kinds, rights }
    };
    let owned = environment.clone();
    let loaded = spawn_blocking(move || kubeconfig::load(&owned)).await.unwrap_or_else(|error| Err(super::crashed(&error)));
    let nothing = Credentials { kind: "none", ends: None };
    let access = match loaded {
        Ok(access) => access,
        Err(fault) => return failed(&fault, None, None, nothing),
    };
    let Access { context, config, .. } = &access;
    let (context, server) = (context.clone(), Some(address(&config.cluster_url)));
    let (kind, ends) = expiry::of(&config.auth_info);
    let mut credentials = Credentials { kind, ends };
    let built = timeout(PATIENCE * 6, spawn_blocking(move || client::build(access))).await;
    let built = built.map_err(|_| Fault::new(Cause::Credentials, "the credential plugin does not answer"));
    let built = built.and_then(|built| built.unwrap_or_else(|error| Err(super::crashed(&error))));
    let Connected { client, namespace, valid_until } = match built {
        Ok(connected) => connected,
        Err(fault) => return failed(&fault, context, server, credentials),
    };
    credentials.ends = credentials.ends.or(valid_until);
    let answer = match answer(&client, clock).await {
        Ok(answer) => answer,
        Err(fault) => return failed(&fault, context, server, credentials),
    };
    let namespaces = places(environment, &client, &namespace).await;
    let kinds = readings(&client, &namespaces).await;
    let rights = rights(&client, &namespaces).await;
    Checkup { environment: name, context, server, link: Ok(answer), credentials, kinds, rights }
}

/// Scheme, host and port: a path could hold a token.
fn address(server: &http::Uri) -> String {
    let scheme = server.scheme_str().unwrap_or("https");
    let authority = server.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}")
}

async fn answer(client: &Client, clock: &Clock) -> Result<Answer, Fault> {
    let (begun, sent) = (Instant::now(), clock.now());
    let request = Request::get("/version").body(Vec::new()).map_err(|error| Fault::new(Cause::Refused, &error.to_string()))?;
    // A server that shows its version to nobody is there all the same; one that knows nobody of our name is not for us.
    let response = match ask(client, request, PATIENCE).await {
        Ok(response) => Some(response),
        Err(Fault { cause: Cause::Forbidden | Cause::Missing, .. }) => None,
        Err(fault) => return Err(fault),
    };
    let millis = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
    let mut skew = Skew::default();
    if let Some(date) = response.as_ref().and_then(date_of) {
        skew.learn(sent, clock.now(), date);
    }
    let version = match response {
        Some(response) => serde_json::from_slice(&read(response).await?).ok().map(|Version { git_version }| git_version),
        None => None,
    };
    let user = match review::<UserReview>(client, "/apis/authentication.k8s.io/v1/selfsubjectreviews", json!({})).await {
        Ok(review) => Some(review.status.user_info.username),
        Err(fault) if fault.cause == Cause::Unauthorized => return Err(fault),
        Err(_) => None,
    };
    Ok(Answer { millis, version, clock_skew_ms: skew.millis(), user })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
}

#[derive(Deserialize)]
struct UserReview {
    status: UserStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserStatus {
    user_info: User,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize)]
struct AccessReview {
    status: AccessStatus,
}

#[derive(Deserialize)]
struct AccessStatus {
    #[serde(default)]
    allowed: bool,
}

/// Where the environment is read: as the source does, in the context's own namespace if everywhere is refused.
async fn places(environment: &Environment, client: &Client, own: &Arc<str>) -> Vec<Option<Arc<str>>> {
    match &environment.namespaces {
        Namespaces::Some(names) => names.iter().map(|name| Some(name.as_str().into())).collect(),
        Namespaces::All => match reading(client, Place::new(Kind::Rollout, None)).await {
            Reading::Denied(_) => vec![Some(own.clone())],
            _ => vec![None],
        },
    }
}

async fn readings(client: &Client, namespaces: &[Option<Arc<str>>]) -> Vec<(Kind, Reading)> {
    let each = |kind: Kind| namespaces.iter().map(move |namespace| (kind, Place::new(kind, namespace.clone())));
    let all = KINDS.into_iter().flat_map(each).map(|(kind, place)| async move { (kind, reading(client, place).await) });
    let mut found: Vec<(Kind, Reading)> = Vec::new();
    for (kind, reading) in futures::future::join_all(all).await {
        match found.iter_mut().find(|(known, _)| *known == kind) {
            // Of several namespaces the one that cannot be read is the one to tell of.
            Some((_, known)) if *known == Reading::Live => *known = reading,
            Some(_) => {}
            None => found.push((kind, reading)),
        }
    }
    found
}

async fn reading(client: &Client, place: Place) -> Reading {
    let asked = match sample(&place, None) {
        Ok(request) => ask(client, request, PATIENCE).await.map(drop),
        Err(fault) => Err(fault),
    };
    match asked {
        Ok(()) => Reading::Live,
        Err(Fault { cause: Cause::Missing, .. }) => Reading::NotInstalled,
        Err(Fault { cause: Cause::Forbidden, text, .. }) => Reading::Denied(text),
        Err(fault) => Reading::Failing(fault.line()),
    }
}

async fn rights(client: &Client, namespaces: &[Option<Arc<str>>]) -> Vec<Right> {
    let reads = KINDS.into_iter().flat_map(|kind| [("list", kind, None), ("watch", kind, None)]);
    let writes = CHANGES.into_iter().map(|(kind, part)| ("patch", kind, part));
    let leases = LEASES.into_iter().map(|verb| (verb, Kind::Lease, None));
    let asked = reads.chain(writes).chain(leases).flat_map(|(verb, kind, subresource)| {
        namespaces.iter().map(move |namespace| Right {
            verb,
            kind,
            subresource,
            namespace: namespace.as_deref().map(str::to_owned),
            allowed: None,
        })
    });
    futures::future::join_all(asked.map(|right| allowed(client, right))).await
}

async fn allowed(client: &Client, right: Right) -> Right {
    let group = group_of(right.kind).strip_prefix("/apis/").and_then(|path| path.split('/').next()).unwrap_or_default();
    let attributes = json!({
        "namespace": right.namespace.as_deref().unwrap_or_default(), "verb": right.verb, "group": group,
        "resource": right.kind.plural(), "subresource": right.subresource.unwrap_or_default(),
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let answer = review::<AccessReview>(client, path, json!({ "resourceAttributes": attributes })).await;
    Right { allowed: answer.ok().map(|review| review.status.allowed), ..right }
}

/// A question in the form of an object that is created but never kept.
async fn review<T: DeserializeOwned>(client: &Client, path: &str, spec: serde_json::Value) -> Result<T, Fault> {
    let kind = if path.ends_with("accessreviews") { "SelfSubjectAccessReview" } else { "SelfSubjectReview" };
    let group = path.strip_prefix("/apis/").and_then(|path| path.rsplit_once('/')).map_or("", |(group, _)| group);
    let body = json!({ "apiVersion": group, "kind": kind, "spec": spec }).to_string().into_bytes();
    let request = Request::post(path).header(CONTENT_TYPE, "application/json").body(body);
    let request = request.map_err(|error| Fault::new(Cause::Refused, &error.to_string()))?;
    let body = read(ask(client, request, PATIENCE).await?).await?;
    serde_json::from_slice(&body).map_err(|error| Fault::new(Cause::Garbled, &error.to_string()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_has_no_secrets() {
        let address = |uri: &str| super::address(&uri.parse().unwrap());
        assert_eq!(address("http://127.0.0.1:4711/token/abcdef"), "http://127.0.0.1:4711");
        assert_eq!(address("https://user:pass@api.example"), "https://api.example");
    }
}
