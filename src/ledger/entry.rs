//! What stands on the ledger: entries and what they say. Names here are those in the files; they do not change without a new
//! version, and what a newer version adds is passed over.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Text;

/// One entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Version of its form.
    pub version: u8,
    /// Place in the chain, from 1, over all files.
    pub sequence: u64,
    /// When it was written, by the writer's clock.
    pub time: Timestamp,
    /// Hash of the entry before: SHA-256 of its line without the newline, in hex; of the first, 64 zeros.
    pub previous: Text,
    /// What it says.
    #[serde(flatten)]
    pub body: Body,
    /// Its own hash, worked out from its line; not in the line itself.
    #[serde(skip_deserializing)]
    pub hash: Text,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// What is about to be done. On the disk before the first request is sent.
    Intent(Box<Intent>),
    /// A later request of the same act, before it is sent.
    Write(Write),
    /// What came of an act.
    Outcome(Outcome),
    /// Something that is owed.
    Owed(Debt),
    /// Something that is owed no longer.
    Settled(Debt),
    /// A line that a crash left torn is sealed.
    Repair(Repair),
    /// Something that a reader of the ledger has to know.
    Note {
        /// What.
        text: Text,
    },
    /// Something that a newer version wrote.
    #[serde(other)]
    Unknown,
}

impl Body {
    /// The word for it in the files.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Intent(_) => "intent",
            Self::Write(_) => "write",
            Self::Outcome(_) => "outcome",
            Self::Owed(_) => "owed",
            Self::Settled(_) => "settled",
            Self::Repair(_) => "repair",
            Self::Note { .. } => "note",
            Self::Unknown => "unknown",
        }
    }

    /// The act that it belongs to.
    pub fn act(&self) -> Option<&Text> {
        match self {
            Self::Intent(intent) => Some(&intent.act),
            Self::Write(write) => Some(&write.act),
            Self::Outcome(outcome) => Some(&outcome.act),
            Self::Owed(debt) | Self::Settled(debt) => debt.act.as_ref(),
            Self::Repair(_) | Self::Note { .. } | Self::Unknown => None,
        }
    }
}

/// What is about to be done, to what, by whom, why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Id of the act; `append` draws one where it is empty.
    pub act: Text,
    /// The writing process, by its lock; `append` fills it in.
    pub writer: Text,
    /// Who.
    pub operator: Operator,
    /// By what right.
    pub authority: Authority,
    /// Environment of the configuration.
    pub environment: Text,
    /// Which cluster that was.
    pub cluster: Text,
    /// To what, as it was seen.
    pub object: Object,
    /// The verb as the command line spells it.
    pub verb: Text,
    /// Where it leads, for whoever has to find out whether it did: hash of the pods that are to have the traffic, the AnalysisRun that is
    /// to end, or the time of the restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Text>,
    /// What is going to happen, step by step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<Text>,
    /// Why.
    pub reason: Text,
    /// The ticket, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Text>,
    /// What this act owes from its beginning, such as [`TICKET`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<Text>,
    /// What the gates said, where they had a say and were judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Names of the gates that blocked and were overridden by whoever acted, for this act only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<Text>,
    /// The first request, as [`digest`](super::digest) makes it.
    pub digest: Text,
}

/// What one gate said when an act was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The signal.
    pub name: Text,
    /// The verdict, as `status --json` says it.
    pub verdict: Text,
    /// The value, as the query returned it; None if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Number>,
    /// What it was held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<serde_json::Number>,
    /// How: `<`.
    pub comparator: Text,
    /// What both count.
    pub unit: Text,
    /// Seconds for which it had been over its limit.
    #[serde(default)]
    pub breached_seconds: u32,
    /// Requests seen within the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// The same for people: `errors 1.8% > 1% for 3:12 (canary, 2,130 requests)`.
    pub words: Text,
}

/// The word for a ticket that is owed.
pub const TICKET: &str = "ticket";

/// Who acts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// User of the machine.
    pub local: Text,
    /// User that the cluster sees, where it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube: Option<Text>,
    /// Name of the machine.
    pub host: Text,
}

/// By what right something is done. There is no fourth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// A dialog that a person confirmed.
    #[default]
    Dialog,
    /// A command that was typed or scripted.
    Cli,
    /// A guard that a person armed.
    Guard,
}

impl Authority {
    /// The word for it in the files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dialog => "dialog",
            Self::Cli => "cli",
            Self::Guard => "guard",
        }
    }
}

/// An object of a cluster, as it was seen before the act.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Kind.
    pub kind: Text,
    /// Namespace.
    pub namespace: Text,
    /// Name.
    pub name: Text,
    /// The one of that name that it was.
    pub uid: Text,
    /// Revision that was going out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// Hash of the pods of that revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_hash: Option<Text>,
    /// Hash of the pods that were stable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable_hash: Option<Text>,
    /// Step that it stood at, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// Phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Text>,
}

/// A later request of an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The act.
    pub act: Text,
    /// Which step of its plan, from 1.
    pub step: u32,
    /// The request, as [`digest`](super::digest) makes it.
    pub digest: Text,
}

/// What came of an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The act.
    pub act: Text,
    /// In a word.
    pub result: Ending,
    /// In a sentence.
    pub detail: Text,
    /// What was seen to happen, and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed: Vec<Observed>,
    /// Who found it out, where the writer of the intent could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_by: Option<Operator>,
}

/// What came of an act, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The effect was seen.
    Observed,
    /// The server took it; the effect was not seen in time.
    Accepted,
    /// The server or a rule refused it: nothing was changed.
    Refused,
    /// It did not work.
    Failed,
    /// Nobody can tell.
    Undetermined,
}

impl Ending {
    /// The word for it in the files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Undetermined => "undetermined",
        }
    }
}

/// Something that was seen to happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// What.
    pub what: Text,
    /// When.
    pub at: Timestamp,
}

/// Something owed, or settled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debt {
    /// The act that owes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Text>,
    /// What, such as [`TICKET`]; the same words settle it.
    pub what: Text,
    /// The ticket that settles it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Text>,
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
}

/// A torn line that is sealed: from here on the chain vouches for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// File in which it stands, right before this entry.
    pub file: Text,
    /// Its bytes, as far as they are text, cut to 200.
    pub bytes: Text,
    /// SHA-256 of all of them, in hex.
    pub hash: Text,
}
