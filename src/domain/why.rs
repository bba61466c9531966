//! Why a release is stuck or was aborted, in one plain sentence. Says only what the objects say; where they say nothing, nothing.

use jiff::Timestamp;

use super::belongings::Belongings;
use super::object::{Canary, Rollout};
use super::phase::phase_and_message;
use super::release::Phase;

/// The sentence for a Rollout.
pub fn of_rollout(rollout: &Rollout, _belongings: &Belongings, _now: Timestamp) -> Option<Box<str>> {
    let (phase, message) = phase_and_message(rollout);
    (phase == Phase::Degraded).then_some(message)
}

/// The sentence for a Canary.
pub fn of_canary(canary: &Canary, _belongings: &Belongings, _now: Timestamp) -> Option<Box<str>> {
    let (phase, message) = super::flagger::phase_and_message(canary);
    (phase == Phase::Degraded).then_some(message)
}
