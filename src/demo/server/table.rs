//! Objects as tables and as bare metadata, the way a server renders them for `kubectl get`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::columns::{self, Column};
use super::form::Objects;
use crate::demo::resource::Resource;
use crate::demo::stored::Snapshot;

/// A table of rows; later events of a watch leave the columns out.
pub fn table(resource: Resource, metadata: &Value, rows: &[Value], with_columns: bool) -> Value {
    let definition = |column: &Column| {
        json!({
            "name": column.name, "type": column.type_name, "format": if column.name == "Name" { "name" } else { "" },
            "description": column.name, "priority": column.priority,
        })
    };
    let columns: Value = if with_columns { columns::of(resource).iter().map(definition).collect() } else { Value::Null };
    json!({ "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns, "rows": rows })
}

/// One object's row.
pub fn row(resource: Resource, item: &Snapshot, objects: Objects, now: Timestamp) -> Value {
    let mut tree = tree(item);
    let cells: Vec<Value> = columns::of(resource).iter().map(|column| (column.cell)(&tree, now)).collect();
    let mut row = json!({ "cells": cells });
    match objects {
        Objects::Metadata => row["object"] = partial(&mut tree),
        Objects::Whole => {
            tree["apiVersion"] = resource.api_version().into();
            tree["kind"] = resource.about().kind.into();
            row["object"] = tree;
        }
        Objects::Nothing => {}
    }
    row
}

/// An object's metadata, as an object of its own.
pub fn metadata_only(item: &Snapshot) -> Value {
    partial(&mut tree(item))
}

fn tree(item: &Snapshot) -> Value {
    serde_json::from_slice(&item.body).unwrap_or_else(|_| json!({}))
}

fn partial(tree: &mut Value) -> Value {
    json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": tree["metadata"].take() })
}
