//! What people do to a release: the verbs, which of them a state allows, the plan of each, the requests that a step of a plan
//! sends, and how its effect is seen. Pure: it builds requests and never sends one; whoever sends them carries the fences along.

pub mod access;
pub mod allowed;
mod flagger;
pub mod gates;
pub mod offer;
pub mod plan;
pub mod report;
pub mod request;
pub mod seen;
pub mod template;
pub mod until;
mod verb;
pub mod watch;
mod ways;

#[cfg(test)]
mod tests;

pub use access::{Access, Permission, Reviewed, accesses};
pub use gates::{Gates, Standing};
pub use offer::{Either, Memory, Offer, Owner, Parameters, StableBefore, Subject, Sync, offer};
pub use plan::{Act, Authority, Do, Plan, Step, Target, Ticket, Until};
pub use report::{Outcome, Report, What};
pub use seen::{Position, Seen};
pub use verb::Verb;
pub use watch::Taken;
