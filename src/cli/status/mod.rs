//! `pilothouse status`: every release or one, as a table, as a tree or as JSON. The rendering works on a [`Cluster`], wherever
//! its objects come from. Works out nothing about releases itself.

mod json;
mod text;

use std::io::Write as _;
use std::path::PathBuf;

use jiff::Timestamp;

use super::live::Live;
use super::target::Target;
use super::{Common, Exit, Failure, colour, dump};
use crate::app::cluster::Cluster;
use crate::app::metrics::Metrics;
use crate::domain::id::Key;
use crate::domain::release::Phase;
use crate::domain::signal::Judgement;

pub use json::render_json;
pub(super) use json::{phase as phase_word, waiting_for as waiting_word};
pub use text::render_text;
pub(super) use text::{aligned, paint, verdict_mark};

/// Arguments of `status`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "Examples:
  pilothouse status                            every rollout of the environment
  pilothouse status shop/gateway --json        one of them, for scripts
  kubectl get ro,rs,po,ar -o yaml | pilothouse status -f -
  pilothouse status -f dump/ --at 2026-11-23T07:40:38Z gateway")]
pub struct StatusArgs {
    /// One rollout.
    #[arg(value_name = "ROLLOUT", help = "One rollout: [rollout/|canary/][NAMESPACE/]NAME")]
    pub rollout: Option<Target>,
    /// Dumped objects instead of a cluster: a file, a folder, or - for stdin
    #[arg(short = 'f', long = "file", value_name = "FILE|DIR|-")]
    pub files: Vec<PathBuf>,
    /// The moment as of which dumped objects are read [default: the newest time in them]
    #[arg(long, value_name = "TIME", requires = "files")]
    pub at: Option<Timestamp>,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// What is known: of objects, and of what was measured of them.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The objects.
    pub cluster: &'a Cluster,
    /// What was measured.
    pub metrics: &'a Metrics,
}

impl Known<'_> {
    /// The verdict on each signal of a release, and whether it is known for how long: of most there is only what the grouped queries say.
    fn gates(&self, key: &Key) -> Vec<(Judgement, bool)> {
        if self.metrics.standing(key).is_none()
            && let Some(glances) = self.metrics.glances(key, self.metrics.judged_at())
        {
            return glances.into_iter().map(|judgement| (judgement, false)).collect();
        }
        self.metrics.judgements(key).iter().map(|judgement| (judgement.clone(), true)).collect()
    }
}

/// Where objects come from, as `--json` says it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// Environment of the configuration; None for files.
    pub environment: Option<&'a str>,
    /// Context of the kubeconfig; None for files.
    pub context: Option<&'a str>,
}

/// Chooses releases: all of a namespace in order, or the one that is named. A name that fits several or none is an error.
pub fn select(cluster: &Cluster, target: Option<&Target>, namespace: Option<&str>) -> Result<Vec<Key>, Failure> {
    if let Some(target) = target {
        return Ok(vec![find(cluster, target, namespace)?]);
    }
    let mut keys = within(cluster, namespace);
    keys.sort_by(|a, b| (&a.namespace, &a.name, a.kind).cmp(&(&b.namespace, &b.name, b.kind)));
    Ok(keys.into_iter().cloned().collect())
}

/// The one release that is named.
pub fn find(cluster: &Cluster, target: &Target, namespace: Option<&str>) -> Result<Key, Failure> {
    target.find(within(cluster, namespace).into_iter()).cloned()
}

fn within<'a>(cluster: &'a Cluster, namespace: Option<&str>) -> Vec<&'a Key> {
    cluster.keys().filter(|key| namespace.is_none_or(|namespace| namespace == &*key.namespace)).collect()
}

/// The exit code of an answer: a release that was named and is degraded is a failure.
pub fn exit(cluster: &Cluster, keys: &[Key], named: bool) -> Exit {
    let degraded = keys.iter().filter_map(|key| cluster.glance(key)).any(|glance| glance.phase == Phase::Degraded);
    if named && degraded { Exit::Refused } else { Exit::Done }
}

/// Answers, from files if there are any, else from the chosen environment.
pub fn run(arguments: &StatusArgs, common: &Common) -> Result<Exit, Failure> {
    if arguments.files.is_empty() { run_live(arguments, common) } else { run_files(arguments, common) }
}

fn run_files(arguments: &StatusArgs, common: &Common) -> Result<Exit, Failure> {
    let dump = dump::read(&arguments.files)?;
    let mut talk = std::io::stderr().lock();
    for complaint in &dump.complaints {
        writeln!(talk, "pilothouse: {complaint}")?;
    }
    if dump.cluster.is_empty() {
        writeln!(talk, "pilothouse: there is no Rollout and no Canary among the {} objects read.", dump.objects)?;
    }
    // Without a single time in the objects nothing that is shown depends on the moment.
    let now = arguments.at.or(dump.newest).unwrap_or(Timestamp::UNIX_EPOCH);
    let keys = select(&dump.cluster, arguments.rollout.as_ref(), common.namespace.as_deref())?;
    let known = Known { cluster: &dump.cluster, metrics: &Metrics::default() };
    answer(arguments, known, &keys, (now, Origin::default()))
}

fn run_live(arguments: &StatusArgs, common: &Common) -> Result<Exit, Failure> {
    let mut live = Live::start(&common.settings()?)?;
    live.read_all()?;
    let keys = select(&live.cluster, arguments.rollout.as_ref(), common.namespace.as_deref())?;
    live.look(arguments.rollout.as_ref().and(keys.first()));
    live.measure(arguments.rollout.as_ref().and(keys.first()));
    let origin = Origin { environment: Some(&live.environment.name), context: live.environment.context.as_deref() };
    if keys.is_empty() {
        writeln!(std::io::stderr().lock(), "pilothouse: there are no rollouts in '{}'.", live.environment.name)?;
    }
    answer(arguments, live.known(), &keys, (live.now(), origin))
}

fn answer(arguments: &StatusArgs, known: Known<'_>, keys: &[Key], (now, origin): (Timestamp, Origin<'_>)) -> Result<Exit, Failure> {
    let text =
        if arguments.json { render_json(known, keys, now, origin)? } else { render_text(known, keys, now, colour::wanted()) };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(exit(known.cluster, keys, arguments.rollout.is_some()))
}
