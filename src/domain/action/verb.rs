//! The verbs. Their names are those of the subcommands.

use std::fmt;

/// Something that can be done to a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// Past the wait at which it is: one step on.
    Promote,
    /// To 100 %, past all steps.
    PromoteFull,
    /// Stand still until resumed.
    Hold,
    /// Lift the hold.
    Resume,
    /// Traffic back to stable; the template stays.
    Abort,
    /// Begin an aborted release anew.
    Retry,
    /// Back to stable, or to an earlier revision.
    RollBack,
    /// Replace the pods.
    Restart,
    /// Past a step that is under way.
    SkipStep,
    /// Release another image.
    SetImage,
    /// End a running analysis.
    TerminateAnalysis,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Promote,
        Self::PromoteFull,
        Self::Hold,
        Self::Resume,
        Self::Abort,
        Self::Retry,
        Self::RollBack,
        Self::Restart,
        Self::SkipStep,
        Self::SetImage,
        Self::TerminateAnalysis,
    ];

    /// Its name, as on the command line and the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::PromoteFull => "promote-full",
            Self::Hold => "pause",
            Self::Resume => "resume",
            Self::Abort => "abort",
            Self::Retry => "retry",
            Self::RollBack => "rollback",
            Self::Restart => "restart",
            Self::SkipStep => "skip-step",
            Self::SetImage => "set-image",
            Self::TerminateAnalysis => "terminate-analysis",
        }
    }

    /// What it does, as a person says it: `roll back gateway`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::PromoteFull => "promote to 100 %",
            Self::Hold => "hold",
            Self::Resume => "resume",
            Self::Abort => "abort",
            Self::Retry => "retry",
            Self::RollBack => "roll back",
            Self::Restart => "restart",
            Self::SkipStep => "skip a step of",
            Self::SetImage => "set an image of",
            Self::TerminateAnalysis => "terminate an analysis of",
        }
    }

    /// Whether it takes a release back or holds it. Such an act is made easy: it waits for no fresh data, no permission check and no
    /// typed reason, and is bound to the release only.
    pub fn is_back(self) -> bool {
        matches!(self, Self::Hold | Self::Abort | Self::RollBack)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
