//! What the list is sorted by, and the number that says where a release stands in that order.

use jiff::Timestamp;

use crate::app::cluster::{Cluster, Rank};
use crate::domain::id::Key;
use crate::domain::release::Phase;

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Those that need a person first, then those that move, then by name.
    #[default]
    Need,
    /// By name, then namespace.
    Name,
    /// By namespace, then name.
    Namespace,
    /// By phase, the worst first.
    Phase,
    /// By weight, the most first.
    Weight,
    /// By age, the youngest first.
    Age,
}

impl Sort {
    /// All of them, in the order in which the key goes through them.
    pub const ALL: [Self; 6] = [Self::Need, Self::Name, Self::Namespace, Self::Phase, Self::Weight, Self::Age];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Need => "need",
            Self::Name => "name",
            Self::Namespace => "namespace",
            Self::Phase => "phase",
            Self::Weight => "weight",
            Self::Age => "age",
        }
    }

    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        let mut all = Self::ALL.into_iter().cycle().skip_while(|sort| *sort != self);
        all.nth(1).unwrap_or_default()
    }

    /// Where a release stands; equal numbers are told apart by name.
    pub(super) fn standing(self, cluster: &Cluster, key: &Key) -> u64 {
        match self {
            Self::Need => match cluster.glance(key).map_or(Rank::Calm, |glance| glance.rank) {
                Rank::NeedsPerson => 0,
                Rank::Moving => 1,
                Rank::Calm => 2,
            },
            Self::Name | Self::Namespace => 0,
            Self::Phase => match cluster.glance(key).map(|glance| glance.phase) {
                Some(Phase::Degraded) => 0,
                Some(Phase::Paused) => 1,
                Some(Phase::Progressing) => 2,
                Some(Phase::Unknown) | None => 3,
                Some(Phase::Healthy) => 4,
            },
            Self::Weight => {
                let weight = cluster.release(key, Timestamp::UNIX_EPOCH).and_then(|release| release.shown_weight);
                weight.and_then(|weight| u64::try_from(weight).ok()).map_or(u64::MAX, |weight| u64::MAX - 1 - weight)
            }
            Self::Age => {
                let created = cluster.meta(key).and_then(|meta| meta.creation_timestamp);
                created.and_then(|at| u64::try_from(at.as_second()).ok()).map_or(u64::MAX, |second| u64::MAX - 1 - second)
            }
        }
    }
}
