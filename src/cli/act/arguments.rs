//! What can be typed after each verb.

use crate::cli::target::Target;
use crate::domain::duration::go_seconds;

/// What every verb takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Shared {
    /// The rollout
    #[arg(value_name = "ROLLOUT", help = "[rollout/|canary/][NAMESPACE/]NAME")]
    pub rollout: Target,
    /// Why: it stands on the ledger, in an Event and on the object
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The ticket that it belongs to
    #[arg(long, value_name = "T")]
    pub ticket: Option<String>,
    /// Say what would happen, let the server check it, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How long to wait until the effect is seen; exit code 3 if it is not [default: 60s, and with Flagger two of its intervals]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub wait: Option<u32>,
    /// Only if it executes this step, counted from 0 as in status --json
    #[arg(long, value_name = "N")]
    pub expect_step: Option<i64>,
    /// Only if this revision is the newest
    #[arg(long, value_name = "N")]
    pub expect_revision: Option<i64>,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
    /// Take the cluster that the environment leads to now for the right one, although it was another one before
    #[arg(long)]
    pub trust_cluster: bool,
}

/// `promote`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  pilothouse promote gateway --reason 'error rate flat for 10 min'
  pilothouse promote shop/gateway --full --reason 'hotfix INC-7' --ticket INC-7
  pilothouse promote gateway --override-gates --reason 'the errors are those of the load test'
  pilothouse promote gateway --expect-step 3 --reason 'nightly job'   # a retried job cannot advance it twice")]
pub struct Promote {
    /// What every verb takes.
    #[command(flatten)]
    pub common: Shared,
    /// To 100 %, past all steps
    #[arg(long)]
    pub full: bool,
    /// Promote this one step although its gates block it; recorded with their values
    #[arg(long, conflicts_with = "full")]
    pub override_gates: bool,
}

/// `rollback`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  pilothouse rollback gateway --reason 'errors 4 % since 14:02'
  pilothouse rollback gateway --to-revision 12 --reason 'rev 13 and 14 leak'
  pilothouse rollback gateway --dry-run --reason test          # all ways back, numbered; take one with --way N")]
pub struct RollBack {
    /// What every verb takes.
    #[command(flatten)]
    pub back: Back,
    /// The revision to go back to [default: stable, or the last one known to have been stable]
    #[arg(long, value_name = "N")]
    pub to_revision: Option<i64>,
    /// Another way back than the first, as numbered by --dry-run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    pub way: u8,
}

/// `abort` and `pause`: steps back.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:
  pilothouse abort gateway --reason 'checkout errors'")]
pub struct Back {
    /// What every verb takes.
    #[command(flatten)]
    pub common: Shared,
    /// Go back even if it cannot be recorded
    #[arg(long)]
    pub unrecorded: bool,
}

/// Verbs without arguments of their own.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:
  pilothouse resume gateway --reason 'traffic is calm again'")]
pub struct Plain {
    /// What every verb takes.
    #[command(flatten)]
    pub common: Shared,
}

/// `set-image`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:
  pilothouse set-image gateway main=registry.example/gateway:v1.2.9 --reason 'back to 1.2.9'")]
pub struct SetImage {
    /// What every verb takes.
    #[command(flatten)]
    pub common: Shared,
    /// Container and image; * is every container
    #[arg(value_name = "CONTAINER=IMAGE", value_parser = image)]
    pub image: (String, String),
}

/// `terminate-analysis`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:
  pilothouse terminate-analysis gateway --reason 'the metric is broken, not the service'")]
pub struct Terminate {
    /// What every verb takes.
    #[command(flatten)]
    pub common: Shared,
    /// The AnalysisRun, where several are running
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
}

fn seconds(text: &str) -> Result<u32, String> {
    let seconds = go_seconds(text).and_then(|seconds| u32::try_from(seconds).ok());
    seconds.ok_or_else(|| "a time is written like 90s, 15m or 1h30m".to_owned())
}

fn image(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((container, image)) if !container.is_empty() && !image.is_empty() => Ok((container.to_owned(), image.to_owned())),
        _ => Err("write CONTAINER=IMAGE".to_owned()),
    }
}
