//! Watches: what was there, what changes, bookmarks, an end. A watcher reads the store's history at its own pace, so a
//! slow one never holds anybody up; it is told that its version has expired when it falls too far behind.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::Api;
use super::form::Form;
use super::list;
use super::reply::{self, Reply};
use super::route::{Asked, Target};
use super::selector::Selection;
use super::table;
use crate::demo::fault::Effect;
use crate::demo::history::Change;
use crate::demo::resource::Resource;
use crate::demo::status::Status;
use crate::demo::stored::Snapshot;
use crate::demo::world::{Told, lock};

/// How often a quiet watch is told how far it is.
const BOOKMARK: Duration = Duration::from_mins(1);
/// A watch without a time limit ends after this long, as a server's does.
const LONGEST: Duration = Duration::from_mins(30);
/// About how many bytes of events go out in one piece.
const PIECE: usize = 64 << 10;

/// Answers a watch.
pub fn answer(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Reply, Status> {
    let mut selection = list::selection(asked, target)?;
    if let Some(name) = &target.name {
        selection = Selection::new(target.resource, &target.namespace, "", &format!("metadata.name={name}"))?;
    }
    let streaming = asked.is_on("sendInitialEvents");
    if streaming && asked.get("resourceVersionMatch") != Some("NotOlderThan") {
        let why = "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        return Err(Status::new(422, "Invalid", format!("ListOptions.meta.k8s.io \"\" is invalid: {why}")));
    }
    let start = asked.get("resourceVersion").map(list::version).transpose()?.unwrap_or_default();
    let seconds = asked.get("timeoutSeconds").and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let (sender, receiver) = mpsc::channel(4);
    let watcher = Watcher {
        api: api.clone(),
        path: asked.path.clone(),
        resource: target.resource,
        selection,
        form: Form::of(asked, false),
        bookmarks: asked.is_on("allowWatchBookmarks"),
        cursor: start,
        columns_sent: false,
        end: Instant::now() + seconds.filter(|wait| !wait.is_zero()).unwrap_or(LONGEST),
        sender,
        told: Arc::new(Told { resource: target.resource, version: AtomicU64::new(u64::MAX) }),
    };
    lock(&api.place().watchers).push(Arc::downgrade(&watcher.told));
    tokio::spawn(watcher.run(streaming || (start == 0 && asked.get("sendInitialEvents") != Some("false")), streaming));
    let content_type = if matches!(Form::of(asked, false), Form::Object) { "application/json;stream=watch" } else { reply::JSON };
    Ok(reply::open_end(content_type, receiver))
}

/// A watch as a single event that says that its version has expired.
pub fn expired() -> Reply {
    let status = Status::new(410, "Expired", "The resourceVersion for the provided watch is too old.");
    reply::whole(200, reply::JSON, event("ERROR", &status.body()))
}

struct Watcher {
    api: Arc<Api>,
    path: String,
    resource: Resource,
    selection: Selection,
    form: Form,
    bookmarks: bool,
    cursor: u64,
    columns_sent: bool,
    end: Instant,
    sender: mpsc::Sender<io::Result<Bytes>>,
    told: Arc<Told>,
}

/// The watch is over: the client went, or it has been told everything.
struct Over;

impl Watcher {
    async fn run(mut self, from_the_start: bool, mark_the_end: bool) {
        drop(self.watch(from_the_start, mark_the_end).await);
    }

    async fn watch(&mut self, from_the_start: bool, mark_the_end: bool) -> Result<(), Over> {
        let (api, resource) = (self.api.clone(), self.resource);
        let (mut changes, mut faults) =
            api.world.with(api.place(), |store| (store.subscribe(resource), api.place().faults.subscribe()));
        if from_the_start {
            self.send_all(mark_the_end).await?;
        }
        let mut bookmark = Instant::now() + BOOKMARK;
        loop {
            self.send_changes().await?;
            let rest = tokio::time::sleep_until(bookmark.min(self.end));
            tokio::select! {
                () = self.sender.closed() => return Err(Over),
                changed = changes.changed() => changed.map_err(|_| Over)?,
                posted = faults.changed() => {
                    posted.map_err(|_| Over)?;
                    self.suffer(&mut faults).await?;
                }
                () = rest => {
                    bookmark = Instant::now() + BOOKMARK;
                    self.send_changes().await?;
                    self.send_bookmark(false).await?;
                    if Instant::now() >= self.end {
                        return Err(Over);
                    }
                }
            }
        }
    }

    /// A fault was posted: perhaps it is for this watch.
    async fn suffer(&mut self, faults: &mut watch::Receiver<u64>) -> Result<(), Over> {
        faults.mark_unchanged();
        match self.api.place().faults.hit_open_watch(&self.path) {
            Some(Effect::DropWatch) => Err(Over),
            Some(Effect::SilentWatch) => {
                self.told.version.store(u64::MAX, Ordering::Relaxed);
                self.sender.closed().await;
                Err(Over)
            }
            Some(Effect::Expired) => self.expire().await,
            _ => Ok(()),
        }
    }

    async fn expire(&mut self) -> Result<(), Over> {
        let status = Status::new(410, "Expired", "The resourceVersion for the provided watch is too old.");
        self.send(event("ERROR", &status.body())).await?;
        Err(Over)
    }

    /// Everything that is there, as additions.
    async fn send_all(&mut self, mark_the_end: bool) -> Result<(), Over> {
        let (selection, resource) = (self.selection.clone(), self.resource);
        let (version, items) = self.api.world.with(self.api.place(), |store| {
            let items = store.all(resource, selection.namespace()).map(|stored| stored.snapshot.clone());
            (store.version(), items.filter(|item| selection.takes(item)).collect::<Vec<_>>())
        });
        self.cursor = version;
        let mut buffer = Vec::with_capacity(PIECE);
        for item in items {
            self.write("ADDED", &item, &mut buffer);
            if buffer.len() >= PIECE {
                self.send(std::mem::replace(&mut buffer, Vec::with_capacity(PIECE))).await?;
            }
        }
        self.send(buffer).await?;
        if mark_the_end { self.send_bookmark(true).await } else { Ok(()) }
    }

    async fn send_changes(&mut self) -> Result<(), Over> {
        let (cursor, resource) = (self.cursor, self.resource);
        let changes = self.api.world.with(self.api.place(), |store| {
            // A version from the future is one of another world, in which everything was different.
            if cursor > store.version() {
                return Err(store.version());
            }
            let changes = store.history(resource).since(cursor).map(|changes| changes.cloned().collect::<Vec<Change>>());
            changes.map(|changes| (store.version(), changes))
        });
        let Ok((version, changes)) = changes else { return self.expire().await };
        let mut buffer = Vec::new();
        for change in changes {
            if let Some((kind, item)) = self.seen(&change) {
                self.write(kind, item, &mut buffer);
            }
            if buffer.len() >= PIECE {
                self.send(std::mem::take(&mut buffer)).await?;
            }
        }
        self.cursor = version;
        self.send(buffer).await?;
        self.told.version.store(version, Ordering::Relaxed);
        Ok(())
    }

    /// How a change looks from here: an object that begins or ceases to be selected comes or goes.
    fn seen<'a>(&self, change: &'a Change) -> Option<(&'static str, &'a Snapshot)> {
        let before = change.before.as_ref().is_some_and(|before| self.selection.takes(before));
        let after = !change.gone && self.selection.takes(&change.after);
        match (before, after) {
            (false, true) => Some(("ADDED", &change.after)),
            (true, true) => Some(("MODIFIED", &change.after)),
            (true, false) => Some(("DELETED", &change.after)),
            (false, false) => None,
        }
    }

    async fn send_bookmark(&mut self, end_of_initial: bool) -> Result<(), Over> {
        if !self.bookmarks {
            return Ok(());
        }
        let mut metadata = json!({ "resourceVersion": self.cursor.to_string(), "creationTimestamp": null });
        if end_of_initial {
            metadata["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let about = self.resource.about();
        let object = match self.form {
            Form::Table { .. } => {
                let row = json!({ "cells": [], "object": {
                    "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
                } });
                table::table(self.resource, &json!({ "resourceVersion": self.cursor.to_string() }), &[row], false)
            }
            Form::Metadata => json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata }),
            Form::Object => json!({ "kind": about.kind, "apiVersion": self.resource.api_version(), "metadata": metadata }),
        };
        self.send(event("BOOKMARK", &object)).await
    }

    fn write(&mut self, kind: &str, item: &Snapshot, buffer: &mut Vec<u8>) {
        match self.form {
            Form::Object => {
                buffer.extend_from_slice(format!("{{\"type\":\"{kind}\",\"object\":").as_bytes());
                item.write_typed(self.resource, buffer);
                buffer.extend_from_slice(b"}\n");
            }
            Form::Metadata => buffer.extend_from_slice(&event(kind, &table::metadata_only(item))),
            Form::Table { objects } => {
                let rows = [table::row(self.resource, item, objects, self.api.world.now())];
                let metadata = json!({ "resourceVersion": item.version.to_string() });
                buffer.extend_from_slice(&event(kind, &table::table(self.resource, &metadata, &rows, !self.columns_sent)));
                self.columns_sent = true;
            }
        }
    }

    async fn send(&mut self, piece: Vec<u8>) -> Result<(), Over> {
        if piece.is_empty() {
            return Ok(());
        }
        self.sender.send(Ok(piece.into())).await.map_err(|_| Over)
    }
}

fn event(kind: &str, object: &Value) -> Vec<u8> {
    let mut line = json!({ "type": kind, "object": object }).to_string().into_bytes();
    line.push(b'\n');
    line
}
