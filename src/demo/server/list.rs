//! Lists: whole, in pages of one consistent moment, as tables, as bare metadata. Objects are shared, not copied.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde_json::{Value, json};

use super::Api;
use super::form::Form;
use super::reply::{self, Reply};
use super::route::{Asked, Target};
use super::selector::Selection;
use super::table;
use crate::demo::resource::Resource;
use crate::demo::status::Status;
use crate::demo::stored::Snapshot;
use crate::demo::world::lock;

/// How many lists that were begun in pages are kept to be gone on with.
const BEGUN: usize = 16;
/// About how many bytes of a list go out in one piece.
const PIECE: usize = 128 << 10;

/// Lists that somebody reads in pages, each as of one moment.
#[derive(Debug, Default)]
pub struct Pages(Mutex<VecDeque<(u64, Arc<Begun>)>>);

#[derive(Debug)]
struct Begun {
    version: u64,
    resource: Resource,
    items: Vec<Arc<Snapshot>>,
}

impl Pages {
    /// Lists begun earlier cannot be gone on with.
    pub fn forget(&self) {
        lock(&self.0).clear();
    }

    /// Keeps a list, under a number.
    fn keep(&self, begun: &Arc<Begun>) -> u64 {
        let mut lists = lock(&self.0);
        let number = lists.back().map_or(1, |(last, _)| last + 1);
        lists.push_back((number, begun.clone()));
        if lists.len() > BEGUN {
            lists.pop_front();
        }
        number
    }

    fn find(&self, number: u64, resource: Resource) -> Option<Arc<Begun>> {
        let lists = lock(&self.0);
        lists.iter().find(|(n, begun)| *n == number && begun.resource == resource).map(|(_, begun)| begun.clone())
    }
}

/// Answers a list.
pub fn answer(api: &Api, asked: &Asked, target: &Target) -> Result<Reply, Status> {
    let selection = selection(asked, target)?;
    let limit = asked.get("limit").and_then(|limit| limit.parse::<usize>().ok()).filter(|limit| *limit > 0);
    let (begun, number, start) = match asked.get("continue") {
        Some(token) => resume(api, target.resource, token)?,
        None => (begin(api, asked, target.resource, &selection)?, 0, 0),
    };
    // A list of any age may be answered from memory, which knows no pages.
    let limit = limit.filter(|_| asked.get("resourceVersion") != Some("0") || asked.get("continue").is_some());
    let end = limit.map_or(begun.items.len(), |limit| (start + limit).min(begun.items.len()));
    let mut metadata = json!({ "resourceVersion": begun.version.to_string() });
    if end < begun.items.len() {
        let number = if number == 0 { api.pages.keep(&begun) } else { number };
        metadata["continue"] = format!("{number}.{end}").into();
        metadata["remainingItemCount"] = (begun.items.len() - end).into();
    }
    let now = api.world.now();
    Ok(match Form::of(asked, true) {
        Form::Table { objects } => {
            let rows =
                begun.items[start..end].iter().map(|item| table::row(target.resource, item, objects, now)).collect::<Vec<_>>();
            reply::json(200, &table::table(target.resource, &metadata, &rows, true))
        }
        Form::Metadata => {
            let items: Vec<Value> = begun.items[start..end].iter().map(|item| table::metadata_only(item)).collect();
            let list = json!({
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items,
            });
            reply::json(200, &list)
        }
        Form::Object => whole(target.resource, &metadata, begun, start..end),
    })
}

/// Which objects a request is about.
pub fn selection(asked: &Asked, target: &Target) -> Result<Selection, Status> {
    let text = |key: &str| asked.get(key).unwrap_or_default();
    Selection::new(target.resource, &target.namespace, text("labelSelector"), text("fieldSelector"))
}

fn begin(api: &Api, asked: &Asked, resource: Resource, selection: &Selection) -> Result<Arc<Begun>, Status> {
    let wanted = asked.get("resourceVersion").map(version).transpose()?.unwrap_or_default();
    let exact = asked.get("resourceVersionMatch") == Some("Exact");
    api.world.with(api.place(), |store| {
        let now = store.version();
        if wanted > now {
            return Err(Status::new(504, "Timeout", format!("Too large resource version: {wanted}, current: {now}")));
        }
        if exact && wanted < now {
            return Err(Status::expired(wanted, now));
        }
        let items = store.all(resource, selection.namespace());
        let items = items.map(|stored| &stored.snapshot).filter(|item| selection.takes(item)).cloned().collect();
        Ok(Arc::new(Begun { version: now, resource, items }))
    })
}

fn resume(api: &Api, resource: Resource, token: &str) -> Result<(Arc<Begun>, u64, usize), Status> {
    let invalid = || Status::bad_request("continue key is not valid");
    let (number, start) = token.split_once('.').ok_or_else(invalid)?;
    let number: u64 = number.parse().map_err(|_| invalid())?;
    let start: usize = start.parse().map_err(|_| invalid())?;
    let expired = "The provided continue parameter is too old to display a consistent list result. \
                   You can start a new list without the continue parameter.";
    let begun = api.pages.find(number, resource).ok_or_else(|| Status::new(410, "Expired", expired))?;
    let start = start.min(begun.items.len());
    Ok((begun, number, start))
}

/// Reads a version.
pub fn version(text: &str) -> Result<u64, Status> {
    text.parse().map_err(|_| Status::bad_request(format!("invalid resource version \"{text}\"")))
}

fn whole(resource: Resource, metadata: &Value, begun: Arc<Begun>, range: std::ops::Range<usize>) -> Reply {
    let about = resource.about();
    let head = format!(
        "{{\"apiVersion\":\"{}\",\"kind\":\"{}List\",\"metadata\":{metadata},\"items\":[",
        resource.api_version(),
        about.kind
    );
    let mut next = Some(range.start);
    let mut buffer = head.into_bytes();
    let pieces = std::iter::from_fn(move || {
        let mut at = next?;
        while at < range.end && buffer.len() < PIECE {
            if at > range.start {
                buffer.push(b',');
            }
            let item = &begun.items[at];
            // Items of built-in kinds carry no type in a list.
            if about.built_in {
                buffer.extend_from_slice(&item.body);
            } else {
                item.write_typed(resource, &mut buffer);
            }
            at += 1;
        }
        next = (at < range.end).then_some(at);
        if next.is_none() {
            buffer.extend_from_slice(b"]}\n");
        }
        Some(Bytes::from(std::mem::replace(&mut buffer, Vec::with_capacity(PIECE + 8192))))
    });
    reply::pieces(reply::JSON, pieces)
}
