//! In which form a client wants its answer: the object, its metadata, or a row of a table.

use http::header::ACCEPT;

use super::route::Asked;

/// How much of an object a table's row carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objects {
    /// Its metadata.
    Metadata,
    /// All of it.
    Whole,
    /// Nothing.
    Nothing,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The object itself.
    Object,
    /// Only its metadata.
    Metadata,
    /// A table for people.
    Table {
        /// What comes with each row.
        objects: Objects,
    },
}

impl Form {
    /// The first form among those a request accepts; `many` for lists and watches.
    pub fn of(asked: &Asked, many: bool) -> Self {
        let metadata = if many { "PartialObjectMetadataList" } else { "PartialObjectMetadata" };
        for choice in asked.header(ACCEPT).split(',') {
            match choice.split(';').find_map(|part| part.trim().strip_prefix("as=")) {
                Some("Table") => return Self::Table { objects: objects(asked) },
                Some(form) if form == metadata || form == "PartialObjectMetadata" => return Self::Metadata,
                None if choice.contains("json") || choice.contains("*/*") => return Self::Object,
                _ => {}
            }
        }
        Self::Object
    }
}

fn objects(asked: &Asked) -> Objects {
    match asked.get("includeObject") {
        Some("Object") => Objects::Whole,
        Some("None") => Objects::Nothing,
        _ => Objects::Metadata,
    }
}
