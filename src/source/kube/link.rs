//! What all tasks of one connection share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Request;
use http::header::{ACCEPT, HeaderValue};
use kube::Client;
use kube::api::{ListParams, WatchParams};
use kube::core::Request as Calls;
use tokio::sync::{Notify, watch};

use super::fault::{Cause, Fault};
use super::known::{Registry, lock};
use super::readings::Readings;
use super::scope::Place;
use crate::source::Post;

/// Objects per page.
const PAGE: u32 = 500;

/// A call to all watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kick {
    /// Counts calls.
    count: u64,
    /// Counts those calls that said to list everything again.
    pub lists: u64,
}

/// One connection.
pub struct Link {
    /// The way out.
    pub client: Client,
    /// The way in.
    pub post: Post,
    /// Namespace of the context: read where all may not be.
    pub namespace: Arc<str>,
    /// What the core has been told.
    pub registry: Arc<Registry>,
    /// What the screen says about each kind.
    pub readings: Readings,
    /// Something broke: look at once whether the server is there.
    pub alarm: Notify,
    /// The credentials are no longer taken.
    pub rejected: Notify,
    /// Tells all watches to try again now.
    pub kicks: watch::Sender<Kick>,
    /// Where Rollouts are read instead of everywhere.
    narrowed: Mutex<Option<Arc<str>>>,
}

impl Link {
    /// A connection that has not been used.
    pub fn new(client: Client, post: Post, namespace: Arc<str>, registry: Arc<Registry>) -> Self {
        let readings = Readings::new(post.clone());
        let (alarm, rejected, kicks) = (Notify::new(), Notify::new(), watch::Sender::default());
        Self { client, post, namespace, registry, readings, alarm, rejected, kicks, narrowed: Mutex::default() }
    }

    /// Tells all watches to try again now, from where they are.
    pub fn kick(&self) {
        self.kicks.send_modify(|kick| kick.count += 1);
    }

    /// Tells all watches to list everything again now: what they said so far cannot be trusted.
    pub fn list_again(&self) {
        self.kicks.send_modify(|kick| kick.lists += 1);
    }

    /// Rollouts are read here instead of everywhere, or everywhere again.
    pub fn narrow(&self, to: Option<Arc<str>>) {
        *lock(&self.narrowed) = to;
    }

    /// Where Rollouts are read instead of everywhere.
    pub fn narrowed(&self) -> Option<Arc<str>> {
        lock(&self.narrowed).clone()
    }
}

/// A request for a page of a list.
pub fn page(place: &Place, next: Option<String>) -> Result<Request<Vec<u8>>, Fault> {
    let parameters = ListParams { continue_token: next, limit: Some(PAGE), ..selection(place) };
    finish(Calls::new(place.path()).list(&parameters))
}

/// A request for the metadata of the first object of a place, or of one by name: the cheapest thing that shows a server alive.
pub fn sample(place: &Place, name: Option<&str>) -> Result<Request<Vec<u8>>, Fault> {
    let field_selector = name.map(|name| format!("metadata.name={name}"));
    let parameters = ListParams { limit: Some(1), field_selector, ..selection(place) };
    Calls::new(place.path()).list_metadata(&parameters).map_err(|error| unspeakable(&error))
}

fn selection(place: &Place) -> ListParams {
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    ListParams { label_selector: text(&place.labels), field_selector: text(&place.fields), ..ListParams::default() }
}

/// A request for what changes from a version on; without one, for everything that is there and then what changes.
pub fn changes(place: &Place, version: Option<&str>, limit: Duration) -> Result<Request<Vec<u8>>, Fault> {
    let ListParams { label_selector, field_selector, .. } = selection(place);
    let timeout = u32::try_from(limit.as_secs()).ok();
    let parameters =
        WatchParams { label_selector, field_selector, timeout, bookmarks: true, send_initial_events: version.is_none() };
    finish(Calls::new(place.path()).watch(&parameters, version.unwrap_or_default()))
}

fn finish(request: Result<Request<Vec<u8>>, kube::core::request::Error>) -> Result<Request<Vec<u8>>, Fault> {
    let mut request = request.map_err(|error| unspeakable(&error))?;
    // Servers write indented JSON for whom they take for a person.
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    Ok(request)
}

/// A request that cannot even be written down, for example for a namespace with a space in its name.
fn unspeakable(error: &kube::core::request::Error) -> Fault {
    Fault::new(Cause::Refused, &format!("this cannot be asked for: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Kind;

    #[test]
    fn requests_ask_for_what_they_should() {
        let place = Place::new(Kind::ReplicaSet, Some("shop".into()));
        let uri = |request: Result<Request<Vec<u8>>, Fault>| request.unwrap().uri().to_string();
        let path = "/apis/apps/v1/namespaces/shop/replicasets?";
        let labels = "labelSelector=rollouts-pod-template-hash";
        assert_eq!(uri(page(&place, Some("t".into()))), format!("{path}&{labels}&limit=500&continue=t"));
        assert_eq!(uri(sample(&place, None)), format!("{path}&{labels}&limit=1"));
        let minute = Duration::from_mins(1);
        assert_eq!(
            uri(changes(&place, Some("7"), minute)),
            format!("{path}&watch=true&timeoutSeconds=60&{labels}&allowWatchBookmarks=true&resourceVersion=7")
        );
        assert!(
            uri(changes(&place, None, minute))
                .ends_with("&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=")
        );
    }
}
