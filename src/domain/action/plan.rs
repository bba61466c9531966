//! What will happen, in numbered steps, before it happens: the same plan is shown, carried out and written down.

use std::fmt;

use super::gates::Gates;
use super::seen::Seen;
use super::verb::Verb;
use crate::domain::id::EnvironmentId;

/// A plan: writes and waits in an order in which a crash between any two is safe.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The verb.
    pub verb: Verb,
    /// The effect in a few words, as on a button: `promote 25→50 %`.
    pub effect: Box<str>,
    /// The steps. Without a step it is something to copy, and nothing is sent: see [`Plan::draft`].
    pub steps: Vec<Step>,
    /// What is running afterwards.
    pub after: Box<str>,
    /// What stays as it is although one might think otherwise, and what may undo it.
    pub left: Option<Box<str>>,
    /// The revision that has the traffic afterwards, where it is another one than now.
    pub target: Option<Target>,
    /// Text to copy, such as the revert in Git.
    pub draft: Option<Box<str>>,
    /// Whether it lets traffic go on although its verb does not say so: lifting a hold after which nothing else waits. See [`Plan::is_gated`].
    pub advances: bool,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it does.
    pub does: Do,
    /// In words, without its number: `abort the canary: traffic to rev 13 at once`.
    pub words: Box<str>,
}

/// A revision to which a plan leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Revision number.
    pub revision: i64,
    /// Pod hash.
    pub hash: Box<str>,
    /// Its images, joined by `, `.
    pub images: Box<str>,
    /// Pods that are available now.
    pub available: i64,
    /// Pods that are wanted.
    pub desired: i64,
}

/// What a step does. All but [`Do::Await`] write once.
#[derive(Clone, Debug, PartialEq)]
pub enum Do {
    /// Ends the pauses at which a Rollout waits: `status.pauseConditions`.
    LiftPauses,
    /// Puts a Rollout at this step, from 0, whatever it does now.
    StepTo(i64),
    /// Takes a Rollout to 100 %: `status.promoteFull`.
    PromoteFull,
    /// Holds a Rollout, or lets it go on: `spec.paused`.
    Hold(bool),
    /// Aborts a Rollout, and ends a full promotion in the same request.
    Abort,
    /// Takes the abort back.
    Retry,
    /// Writes the pod template of the ReplicaSet with this pod hash into the Rollout, or into the workload that it refers to.
    Restore {
        /// Pod hash.
        hash: Box<str>,
        /// Name of the ReplicaSet.
        set: Box<str>,
    },
    /// Replaces the pods: `spec.restartAt` is the moment of sending.
    Restart,
    /// Writes another image into the template, or into that of the workload.
    SetImage {
        /// Name of the container; `*` for all.
        container: Box<str>,
        /// The image.
        image: Box<str>,
    },
    /// Ends an AnalysisRun.
    Terminate {
        /// Its name.
        run: Box<str>,
    },
    /// Makes Flagger roll back at its next tick: `status.failedChecks` at the threshold.
    FailChecks,
    /// Makes Flagger promote at its next tick: phase `Promoting`.
    Promoting,
    /// Suspends a Canary, or lets it go on: `spec.suspend`.
    Suspend(bool),
    /// Opens or closes a gate of Flagger's load tester, through the API server.
    Gate(Gate),
    /// Marks the target's pod template so that Flagger begins anew.
    Touch,
    /// Stops Argo CD's automatic sync of an Application.
    PauseSync {
        /// Its namespace.
        namespace: Box<str>,
        /// Its name.
        application: Box<str>,
    },
    /// Waits until something is seen.
    Await(Until),
}

/// A gate of Flagger's load tester.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Namespace of its Service.
    pub namespace: Box<str>,
    /// Its Service.
    pub service: Box<str>,
    /// Port of the Service.
    pub port: u16,
    /// Whether it is opened; else it is closed.
    pub open: bool,
}

/// What is waited for. Each says of what it is true in [`super::until`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// The wait that was seen is over.
    MovedOn,
    /// The revision that was on its way is stable.
    Promoted,
    /// It is held, or no longer.
    Held(bool),
    /// The abort is in force and all traffic is off the new version.
    TrafficBack,
    /// The release runs anew.
    Retried,
    /// The wanted template has this pod hash.
    Current(Box<str>),
    /// This pod hash is stable and everything is healthy.
    Stable(Box<str>),
    /// The wanted template is another one than was seen.
    AnotherTemplate,
    /// The restart is done.
    Restarted,
    /// This AnalysisRun has ended.
    RunEnded(Box<str>),
    /// Flagger has rolled back.
    FlaggerFailed,
    /// Flagger has promoted.
    FlaggerSucceeded,
    /// The Canary is suspended, or no longer.
    Suspended(bool),
    /// Flagger is past the phase that was seen.
    FlaggerMoved,
}

/// Who let an act happen. There is no fourth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// A confirmed dialog of the cockpit.
    Dialog,
    /// A command with its reason.
    Cli,
    /// An armed guard whose countdown ran out.
    Guard,
}

impl Authority {
    /// Its name on the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dialog => "dialog",
            Self::Cli => "cli",
            Self::Guard => "guard",
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The ticket of an act.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ticket {
    /// None is wanted.
    #[default]
    None,
    /// This one.
    Given(String),
    /// One is wanted and comes later.
    Owed,
}

/// Something that is to be done now, by somebody, for a reason. Only a confirmed dialog, a command or a guard makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// Tells its reports from those of others in this process.
    pub number: u64,
    /// Who let it happen.
    pub authority: Authority,
    /// Where.
    pub environment: EnvironmentId,
    /// What was seen when it was decided.
    pub seen: Seen,
    /// What will happen.
    pub plan: Plan,
    /// Why.
    pub reason: String,
    /// Its ticket.
    pub ticket: Ticket,
    /// What the gates said when it was decided.
    pub gates: Gates,
    /// Go back even if it cannot be recorded. Only acts back may ask for it.
    pub unrecorded: bool,
    /// Ask the server what would happen, and change nothing.
    pub dry_run: bool,
    /// Seconds to wait for each effect to be seen.
    pub patience: u32,
}

impl Plan {
    /// A plan of one write and the wait for its effect.
    pub fn simple(verb: Verb, effect: impl Into<Box<str>>, does: Do, words: impl Into<Box<str>>, until: Until) -> Self {
        let steps = vec![Step { does, words: words.into() }, Step::wait(until, "")];
        Self { verb, effect: effect.into(), steps, after: "".into(), left: None, target: None, draft: None, advances: false }
    }

    /// The steps that a person is shown: waits without words of their own belong to the write before.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| &*step.words).filter(|words| !words.is_empty())
    }

    /// Whether it writes anything.
    pub fn writes(&self) -> bool {
        self.steps.iter().any(|step| !matches!(step.does, Do::Await(_)))
    }
}

impl Step {
    /// A step that writes.
    pub fn new(does: Do, words: impl Into<Box<str>>) -> Self {
        Self { does, words: words.into() }
    }

    /// A step that waits.
    pub fn wait(until: Until, words: impl Into<Box<str>>) -> Self {
        Self { does: Do::Await(until), words: words.into() }
    }
}
