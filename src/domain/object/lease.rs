//! `coordination.k8s.io/v1` Lease.

use jiff::Timestamp;
use serde::Deserialize;

use super::Meta;

/// A Lease.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Lease {
    /// Metadata.
    pub metadata: Meta,
    /// Who holds it.
    pub spec: LeaseSpec,
    /// See [`super::Rollout::odd`].
    #[serde(skip)]
    pub odd: Option<Box<str>>,
}

/// `spec` of a Lease.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LeaseSpec {
    /// Who holds it; empty if nobody does.
    pub holder_identity: Box<str>,
    /// Seconds after which a holder that says nothing more is taken for dead.
    pub lease_duration_seconds: i64,
    /// Since when that holder has it, by its idea of the cluster's clock.
    pub acquire_time: Option<Timestamp>,
    /// When it last said that it lives.
    pub renew_time: Option<Timestamp>,
    /// How often it went from one to another.
    pub lease_transitions: i64,
}
