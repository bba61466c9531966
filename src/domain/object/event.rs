//! `v1` Event.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::Meta;

/// A Kubernetes Event.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// Metadata.
    pub metadata: Meta,
    /// What it is about.
    #[serde(alias = "regarding")]
    pub involved_object: Involved,
    /// One word.
    pub reason: Box<str>,
    /// A sentence.
    #[serde(alias = "note")]
    pub message: Box<str>,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub severity: Box<str>,
    /// How often.
    #[serde(alias = "deprecatedCount")]
    pub count: i64,
    /// First time.
    #[serde(alias = "deprecatedFirstTimestamp")]
    pub first_timestamp: Option<Timestamp>,
    /// Last time.
    #[serde(alias = "deprecatedLastTimestamp")]
    pub last_timestamp: Option<Timestamp>,
    /// Time in the newer form.
    pub event_time: Option<Timestamp>,
    /// Series in the newer form.
    pub series: Option<Series>,
    /// See [`super::Rollout::odd`].
    #[serde(skip)]
    pub odd: Option<Box<str>>,
}

/// What an Event is about.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Involved {
    /// Kind.
    pub kind: Box<str>,
    /// Name.
    pub name: Box<str>,
    /// Uid.
    pub uid: Arc<str>,
}

/// `series` of an Event.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Series {
    /// How often.
    pub count: i64,
    /// Last time.
    pub last_observed_time: Option<Timestamp>,
}

impl Event {
    /// When it last happened.
    pub fn at(&self) -> Option<Timestamp> {
        let series = self.series.as_ref().and_then(|series| series.last_observed_time);
        series.or(self.last_timestamp).or(self.event_time).or(self.first_timestamp).or(self.metadata.creation_timestamp)
    }
}
