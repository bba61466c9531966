//! What is wrong with an API on purpose. Faults are data: which requests they hit, how often or how long.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::world::lock;

/// What a fault does to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Effect {
    /// Answers with this HTTP status and a `Status` body.
    Status {
        /// The HTTP status code.
        code: u16,
    },
    /// Answers that much later.
    Delay {
        /// Milliseconds of the wall clock.
        milliseconds: u64,
    },
    /// Never answers.
    Hang,
    /// Resets the connection.
    Reset,
    /// Sends half of the answer and closes the connection.
    Truncate,
    /// Ends the watches that are open, and every new one.
    DropWatch,
    /// Open watches and new ones stay open and say nothing any more.
    SilentWatch,
    /// Watches end with the event of an expired version; other requests are answered 410.
    Expired,
    /// Answers 429.
    TooManyRequests {
        /// Seconds of the `Retry-After` header.
        #[serde(default = "one")]
        retry_after: u64,
    },
    /// Forbids what matches, as missing permissions do; self subject access reviews say so too.
    Forbid {
        /// The verb; every verb if absent.
        #[serde(default)]
        verb: Option<String>,
        /// The resource (`rollouts`, `rollouts/status`); every one if absent.
        #[serde(default)]
        resource: Option<String>,
        /// The only namespace in which it stays allowed; forbidden everywhere if absent.
        #[serde(default)]
        except: Option<String>,
    },
}

/// One fault with its aim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// What it does.
    #[serde(flatten)]
    pub effect: Effect,
    /// Only requests whose path starts so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Only this verb (`get`, `list`, `watch`, `patch`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// The request is carried out first: what goes wrong is only its answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after: bool,
    /// It hits one of so many requests that it is for, beginning with the first: with 2 it is half of them; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
    /// How many more requests it hits; without limit if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How many seconds of the wall clock it lasts; without limit if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// The faults in force.
#[derive(Debug)]
pub struct Faults {
    active: Mutex<Vec<Active>>,
    posted: watch::Sender<u64>,
}

/// A fault in force.
#[derive(Debug)]
struct Active {
    fault: Fault,
    since: Instant,
    /// Requests that it was for.
    met: u32,
}

impl Default for Faults {
    fn default() -> Self {
        Self { active: Mutex::default(), posted: watch::Sender::new(0) }
    }
}

impl Faults {
    /// Adds a fault; open watches feel it at once.
    pub fn add(&self, fault: Fault) {
        lock(&self.active).push(Active { fault, since: Instant::now(), met: 0 });
        self.posted.send_modify(|posted| *posted += 1);
    }

    /// Ends all faults.
    pub fn clear(&self) {
        lock(&self.active).clear();
    }

    /// The faults in force, oldest first.
    pub fn list(&self) -> Vec<Fault> {
        let mut active = lock(&self.active);
        expire(&mut active);
        active.iter().map(|active| active.fault.clone()).collect()
    }

    /// Wakes when a fault is added.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.posted.subscribe()
    }

    /// The first fault that hits this request, counted, and whether it only hits its answer. Missing permissions are asked
    /// with [`Faults::forbids`].
    pub fn hit(&self, verb: &str, path: &str) -> Option<(Effect, bool)> {
        self.take(verb, path, |effect| match effect {
            Effect::Forbid { .. } => false,
            Effect::DropWatch | Effect::SilentWatch => verb == "watch",
            _ => true,
        })
    }

    /// The first fault that hits a watch which is open already, counted.
    pub fn hit_open_watch(&self, path: &str) -> Option<Effect> {
        let fits = |effect: &Effect| matches!(effect, Effect::DropWatch | Effect::SilentWatch | Effect::Expired);
        self.take("watch", path, fits).map(|(effect, _)| effect)
    }

    /// What is asked for is forbidden. `resource` is `plural` or `plural/subresource`; `namespace` empty for all.
    pub fn forbids(&self, verb: &str, resource: &str, namespace: &str) -> bool {
        let mut active = lock(&self.active);
        expire(&mut active);
        active.iter().any(|active| match &active.fault.effect {
            Effect::Forbid { verb: v, resource: r, except } => {
                let matches = |wanted: &Option<String>, given: &str| wanted.as_ref().is_none_or(|w| w == given || w == "*");
                matches(v, verb) && matches(r, resource) && except.as_ref().is_none_or(|except| except != namespace)
            }
            _ => false,
        })
    }

    fn take(&self, verb: &str, path: &str, fits: impl Fn(&Effect) -> bool) -> Option<(Effect, bool)> {
        let mut active = lock(&self.active);
        expire(&mut active);
        let hit = |fault: &Fault| {
            fits(&fault.effect) && path.starts_with(&fault.path) && fault.only.as_ref().is_none_or(|only| only == verb)
        };
        let fault = active.iter_mut().filter(|active| hit(&active.fault)).find_map(|active| {
            let turn = active.met % active.fault.every.unwrap_or(1).max(1) == 0;
            active.met = active.met.wrapping_add(1);
            turn.then_some(&mut active.fault)
        })?;
        if let Some(count) = &mut fault.count {
            *count = count.saturating_sub(1);
        }
        Some((fault.effect.clone(), fault.after))
    }
}

fn expire(active: &mut Vec<Active>) {
    active.retain(|Active { fault, since, .. }| {
        let lasts = fault.seconds.is_none_or(|seconds| since.elapsed() < Duration::from_secs_f64(seconds.clamp(0.0, 1e6)));
        lasts && fault.count != Some(0)
    });
}

fn one() -> u64 {
    1
}
