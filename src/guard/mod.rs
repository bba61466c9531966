//! Guards at work: each watches one version of one release over what it is shown, holds the Lease by which several guards act once, and lets
//! [`crate::action::Runner`] carry out what its machine orders. Decides nothing itself, and writes nothing but Leases.

mod cancel;
mod carry;
mod holder;
mod watch;

use std::sync::Arc;

pub use cancel::cancel;
pub use watch::{Watch, arm};

use crate::action::Runner;
use crate::domain::action::{Authority, Seen};
use crate::domain::guard::Rules;
pub use crate::domain::guard::{Status, Told};
use crate::domain::id::EnvironmentId;
use crate::source::Clock;

/// What a guard is armed with.
#[derive(Clone, Debug)]
pub struct Armed {
    /// Where.
    pub environment: EnvironmentId,
    /// The release as it was seen, with the version that it is bound to.
    pub seen: Seen,
    /// When it acts.
    pub rules: Rules,
    /// Why it is armed.
    pub reason: String,
    /// Who lets it: a dialog or a command.
    pub authority: Authority,
    /// Whether it is armed although guards of this version were cancelled.
    pub over_cancel: bool,
    /// Whether it only says what it would do: it takes no Lease then.
    pub dry_run: bool,
    /// Go back even if it cannot be recorded.
    pub unrecorded: bool,
    /// Seconds to wait for each effect to be seen.
    pub patience: u32,
}

/// Where the words of guards go. Called from their tasks.
pub type Tell = Arc<dyn Fn(Told) + Send + Sync>;

/// What all guards of a process need.
#[derive(Clone)]
pub struct Means {
    /// Carries out what they order.
    pub runner: Runner,
    /// The time.
    pub clock: Clock,
}
