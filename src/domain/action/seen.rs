//! What was seen of a release when somebody decided to act on it. An act forward is bound to all of it, an act back only to the
//! release: a step that moved on meanwhile is one reason more to go back.

use jiff::Timestamp;

use crate::domain::belongings::REVISION;
use crate::domain::id::{Key, Kind};
use crate::domain::object::{Canary, PauseCondition, Rollout};
use crate::domain::step;

/// What was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The Rollout or Canary.
    pub key: Key,
    /// Its uid.
    pub uid: Box<str>,
    /// Pod hash of the wanted template; of a Canary, Flagger's hash of the template last applied.
    pub current: Box<str>,
    /// Pod hash of stable; of a Canary, Flagger's hash of the template last promoted.
    pub stable: Box<str>,
    /// Revision number of the wanted template.
    pub revision: Option<i64>,
    /// Where it was.
    pub position: Position,
}

/// Where a release was in its course.
#[derive(Clone, Debug, PartialEq)]
pub enum Position {
    /// A Rollout.
    Rollout {
        /// Step being executed, from 0.
        step: Option<i64>,
        /// Number of steps.
        steps: usize,
        /// Waits recorded by the controller.
        pauses: Vec<PauseCondition>,
        /// `spec.paused`.
        held: bool,
        /// `status.abort`.
        abort: bool,
        /// `status.promoteFull`.
        promote_full: bool,
    },
    /// A Flagger Canary.
    Canary {
        /// Flagger's word.
        phase: Box<str>,
        /// `spec.suspend`.
        suspended: bool,
        /// `status.canaryWeight`.
        weight: i64,
    },
}

impl Seen {
    /// What is seen of a Rollout.
    pub fn of_rollout(rollout: &Rollout) -> Self {
        let (meta, status) = (&rollout.metadata, &rollout.status);
        Self {
            key: Key { kind: Kind::Rollout, namespace: meta.namespace.clone(), name: meta.name.clone() },
            uid: (*meta.uid).into(),
            current: status.current_pod_hash.as_str().into(),
            stable: status.stable_rs.as_str().into(),
            revision: meta.annotation(REVISION).and_then(|text| text.parse().ok()),
            position: Position::Rollout {
                step: status.current_step_index,
                steps: step::steps(rollout).len(),
                pauses: status.pause_conditions.clone().unwrap_or_default(),
                held: rollout.spec.paused,
                abort: status.abort,
                promote_full: status.promote_full,
            },
        }
    }

    /// What is seen of a Canary.
    pub fn of_canary(canary: &Canary) -> Self {
        let (meta, status) = (&canary.metadata, &canary.status);
        Self {
            key: Key { kind: Kind::Canary, namespace: meta.namespace.clone(), name: meta.name.clone() },
            uid: (*meta.uid).into(),
            current: status.last_applied_spec.clone(),
            stable: status.last_promoted_spec.clone(),
            revision: None,
            position: Position::Canary {
                phase: status.phase.clone(),
                suspended: canary.spec.suspend,
                weight: status.canary_weight,
            },
        }
    }

    /// The waits of a Rollout.
    pub fn pauses(&self) -> &[PauseCondition] {
        match &self.position {
            Position::Rollout { pauses, .. } => pauses,
            Position::Canary { .. } => &[],
        }
    }

    /// What of this is no longer so, as an act back minds it; None if it is the same release.
    pub fn other_release(&self, now: &Self) -> Option<String> {
        if self.uid != now.uid {
            return Some(format!("{} was deleted and made anew since", self.key));
        }
        if self.current != now.current {
            let which = now.revision.map_or_else(|| "another version".to_owned(), |revision| format!("revision {revision}"));
            return Some(format!("{which} has begun since"));
        }
        (self.stable != now.stable).then(|| "another revision has become stable since".to_owned())
    }

    /// What of this is no longer so, as an act forward minds it; None if all of it still is.
    pub fn moved(&self, now: &Self) -> Option<String> {
        self.other_release(now).or_else(|| self.position.moved(&now.position))
    }
}

impl Position {
    fn moved(&self, now: &Self) -> Option<String> {
        match (self, now) {
            (
                Self::Rollout { step, steps, pauses, held, abort, promote_full },
                Self::Rollout {
                    step: step_now,
                    pauses: pauses_now,
                    held: held_now,
                    abort: abort_now,
                    promote_full: full_now,
                    steps: steps_now,
                },
            ) => {
                let number = |step: &Option<i64>| step.map_or(0, |step| step.saturating_add(1));
                let flag = |before: bool, now: bool, on: &str, off: &str| {
                    (before != now).then(|| format!("{} since", if now { on } else { off }))
                };
                flag(*abort, *abort_now, "it was aborted", "the abort was taken back")
                    .or_else(|| flag(*promote_full, *full_now, "a full promotion began", "the full promotion ended"))
                    .or_else(|| flag(*held, *held_now, "it was held", "the hold was lifted"))
                    .or_else(|| (steps != steps_now).then(|| "its steps were changed since".to_owned()))
                    .or_else(|| {
                        (step != step_now).then(|| {
                            format!("it moved from step {} to step {} of {steps_now} since", number(step), number(step_now))
                        })
                    })
                    .or_else(|| {
                        let words = if pauses_now.is_empty() {
                            "the pause was ended since"
                        } else {
                            "it is another pause than the one that was seen"
                        };
                        (pauses != pauses_now).then(|| words.to_owned())
                    })
            }
            (Self::Canary { phase, suspended, .. }, Self::Canary { phase: phase_now, suspended: suspended_now, .. }) => {
                let flag = if *suspended_now { "it was suspended since" } else { "it was let go on since" };
                (suspended != suspended_now)
                    .then(|| flag.to_owned())
                    .or_else(|| (phase != phase_now).then(|| format!("Flagger went from {phase} to {phase_now} since")))
            }
            (Self::Rollout { .. }, Self::Canary { .. }) | (Self::Canary { .. }, Self::Rollout { .. }) => {
                Some("it is another kind of object".to_owned())
            }
        }
    }

    /// When the newest wait began, if it waits.
    pub fn waits_since(&self) -> Option<Timestamp> {
        match self {
            Self::Rollout { pauses, .. } => pauses.iter().filter_map(|pause| pause.start_time).max(),
            Self::Canary { .. } => None,
        }
    }
}
