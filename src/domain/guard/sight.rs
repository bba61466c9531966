//! What a guard is shown: the release as it stands, and the verdicts on its signals, at one moment.

use jiff::Timestamp;

use super::lease::{GUARD, OFF};
use crate::domain::flagger::{Stage, stage};
use crate::domain::object::{Canary, Meta, Rollout};
use crate::domain::phase::promoted;
use crate::domain::signal::Judgement;
use crate::domain::signs::{Sign, signs, stale};

/// What is seen at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// When, by the local clock.
    pub at: Timestamp,
    /// The release; None if it is gone.
    pub release: Option<Standing>,
    /// Why what is known of the release may be old; None if it is live.
    pub stale: Option<Box<str>>,
    /// The verdicts on its signals, those of stable left out.
    pub signals: Vec<Judgement>,
    /// Seconds for which the canary has been saturated, and more than stable; 0 if it is not, None if nobody knows now.
    pub saturated: Option<u32>,
    /// Why there are no verdicts, where the metrics server itself says or nobody asked it.
    pub silent: Option<Box<str>>,
    /// Whether the newest question to the metrics server had no answer: nothing is done until there is one.
    pub away: bool,
}

/// How a release stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its uid.
    pub uid: Box<str>,
    /// Pod hash of the version that is judged; empty while no controller has looked at it.
    pub hash: Box<str>,
    /// Where it is in its course.
    pub place: Place,
    /// Whether somebody holds it.
    pub held: bool,
    /// Whether an annotation of the object forbids guards.
    pub off: bool,
}

/// Where a release is in its course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing is known: the controller has not seen the newest change.
    Unknown,
    /// It waits until somebody lets it begin: no version is on its way yet.
    Waiting,
    /// On its way.
    UnderWay,
    /// Taken back, or being taken back.
    Back,
    /// It is the stable version.
    Stable,
}

impl Standing {
    /// How a Rollout stands.
    pub fn of_rollout(rollout: &Rollout) -> Self {
        let place = if stale(rollout) || rollout.status.current_pod_hash.is_empty() {
            Place::Unknown
        } else if promoted(rollout) {
            Place::Stable
        } else if rollout.status.abort || signs(rollout).contains(&Sign::Aborted) {
            Place::Back
        } else {
            Place::UnderWay
        };
        let meta = &rollout.metadata;
        let hash = rollout.status.current_pod_hash.as_str().into();
        Self { uid: (*meta.uid).into(), hash, place, held: rollout.spec.paused, off: is_off(meta) }
    }

    /// How a Canary stands.
    pub fn of_canary(canary: &Canary) -> Self {
        let place = match stage(canary) {
            Stage::Idle => Place::Stable,
            Stage::Failed | Stage::Terminating => Place::Back,
            Stage::Initializing | Stage::Unknown => Place::Unknown,
            Stage::Waiting => Place::Waiting,
            Stage::Progressing | Stage::WaitingPromotion | Stage::Promoting | Stage::Finalising => Place::UnderWay,
        };
        let meta = &canary.metadata;
        let hash = canary.status.last_applied_spec.clone();
        Self { uid: (*meta.uid).into(), hash, place, held: canary.spec.suspend, off: is_off(meta) }
    }
}

/// Whether `pilothouse.dev/guard=off` stands on an object.
fn is_off(meta: &Meta) -> bool {
    meta.annotation(GUARD) == Some(OFF)
}
