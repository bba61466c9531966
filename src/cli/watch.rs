//! `pilothouse watch ROLLOUT`: a line per change until the rollout is healthy or degraded, and an exit code that says which.
//! Gives up after a time and says what it still waited for. Changes nothing.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::live::Live;
use super::status::{self, Origin, paint, phase_word, waiting_word};
use super::target::Target;
use super::{Common, Exit, Failure, colour};
use crate::domain::duration;
use crate::domain::fact::Link;
use crate::domain::release::{Phase, Release, StepAt, WaitingFor};

/// A look at least this often: a timer that runs out makes no fact.
const GLANCE: Duration = Duration::from_secs(1);

/// Arguments of `watch`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  pilothouse watch gateway
  pilothouse watch shop/gateway --timeout 30m --json
  kubectl apply -f gateway.yaml && pilothouse watch gateway && ./announce")]
pub struct Arguments {
    /// The rollout to watch.
    #[arg(value_name = "ROLLOUT", help = "[rollout/|canary/][NAMESPACE/]NAME")]
    pub rollout: Target,
    /// Give up after this long, with exit code 3
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = length)]
    pub timeout: Duration,
    /// No colours
    #[arg(long)]
    pub plain: bool,
    /// One JSON document a line, as of status --json
    #[arg(long, conflicts_with = "plain")]
    pub json: bool,
}

fn length(text: &str) -> Result<Duration, String> {
    let seconds = duration::go_seconds(text).and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    seconds.map(Duration::from_secs).ok_or_else(|| "a time is written like 90s, 15m or 1h30m".to_owned())
}

/// Watches until it is over.
pub fn run(arguments: &Arguments, common: &Common) -> Result<Exit, Failure> {
    let deadline = Instant::now() + arguments.timeout;
    let mut live = Live::start(&common.settings()?)?;
    live.read_all()?;
    let key = status::find(&live.cluster, &arguments.rollout, common.namespace.as_deref())?;
    live.look(Some(&key));
    if arguments.json {
        live.measure(Some(&key));
    }
    let mut last = None;
    let mut was_up = true;
    loop {
        let now = live.now();
        let release = live.cluster.release(&key, now).ok_or_else(|| Failure::Refused(format!("{key} is gone.")))?;
        let seen = Some(Seen::from(&release));
        if seen != last {
            if arguments.json {
                live.aim(std::slice::from_ref(&key), |target| target);
            }
            say(arguments, &live, &release, now)?;
            last = seen;
        }
        match release.phase {
            Phase::Healthy => return Ok(Exit::Done),
            Phase::Degraded => return Err(Failure::Refused(format!("{key} is degraded: {}.", because(&release)))),
            Phase::Progressing | Phase::Paused | Phase::Unknown => {}
        }
        was_up = tell_link(&live, was_up)?;
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(late(&live, &release, arguments.timeout));
        }
        live.read_some(left.min(GLANCE));
    }
}

fn say(arguments: &Arguments, live: &Live, release: &Release, now: Timestamp) -> Result<(), Failure> {
    let text = if arguments.json {
        let origin = Origin { environment: Some(&live.environment.name), context: live.environment.context.as_deref() };
        status::render_json(live.known(), std::slice::from_ref(&release.key), now, origin)?
    } else {
        line(release, now, !arguments.plain && colour::wanted()) + "\n"
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Tells stderr when the connection goes and comes; the last known state stands meanwhile.
fn tell_link(live: &Live, was_up: bool) -> Result<bool, Failure> {
    let talk = match (&live.cluster.health().state, was_up) {
        (Link::Down { reason }, true) => format!("'{}' does not answer: {reason}. Still trying.", live.environment.name),
        (Link::Up { .. }, false) => format!("'{}' answers again.", live.environment.name),
        _ => return Ok(was_up),
    };
    writeln!(std::io::stderr().lock(), "pilothouse: {talk}")?;
    Ok(!was_up)
}

fn late(live: &Live, release: &Release, timeout: Duration) -> Failure {
    let waited = release.waiting_for.map_or(String::new(), |waiting| format!(", waiting for {}", waiting_word(waiting)));
    let silent = match &live.cluster.health().state {
        Link::Down { reason } => format!(" '{}' does not answer: {reason}.", live.environment.name),
        Link::Up { .. } | Link::Connecting => String::new(),
    };
    let state = phase_word(release.phase).to_lowercase();
    Failure::NotObserved(format!(
        "{} was still {state}{waited} after {}: {}.{silent}",
        release.key,
        duration::age(i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX)),
        because(release)
    ))
}

/// Why it is as it is, without a full stop at its end.
fn because(release: &Release) -> &str {
    let message = if release.message.is_empty() { "the controller says nothing" } else { &*release.message };
    release.why.as_deref().unwrap_or(message).trim_end_matches('.')
}

/// What makes a new line: everything of a release that a person would call a change.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    phase: Phase,
    message: Box<str>,
    step: Option<StepAt>,
    weight: Option<i64>,
    revision: Option<i64>,
    pods: (i64, i64, i64),
    waiting_for: Option<WaitingFor>,
    why: Option<Box<str>>,
}

impl From<&Release> for Seen {
    fn from(release: &Release) -> Self {
        let pods = &release.replicas;
        Self {
            phase: release.phase,
            message: release.message.clone(),
            step: release.step.clone(),
            weight: release.shown_weight,
            revision: release.revision,
            pods: (pods.updated, pods.available, pods.desired),
            waiting_for: release.waiting_for,
            why: release.why.as_deref().map(without_ages),
        }
    }
}

/// A sentence without the age at its end (`…, for 3m`): that it grows older is no change.
fn without_ages(why: &str) -> Box<str> {
    why.rsplit_once(", for ").map_or(why, |(said, _)| said).into()
}

/// One line about a release: time, phase, weight, step, pods, what it waits for, and why.
fn line(release: &Release, now: Timestamp, coloured: bool) -> String {
    let word = phase_word(release.phase);
    let mut text = format!("{}  {}", now.strftime("%H:%M:%SZ"), paint(&format!("{word:11}"), word, coloured));
    if let Some(weight) = release.shown_weight {
        let _ = write!(text, "  {weight:3}%");
    }
    if let Some(step) = &release.step {
        let _ = write!(text, "  step {}/{}", step.index, step.count);
        if let Some(current) = &step.current {
            let _ = write!(text, " {current}");
        }
    }
    let pods = &release.replicas;
    let _ = write!(text, "  {}/{} pods available, {} new", pods.available, pods.desired, pods.updated);
    if let Some(waiting) = release.waiting_for {
        let left = release.until.map(|end| format!(" {}", duration::clock(end.duration_since(now).as_secs())));
        let _ = write!(text, "  waits for {}{}", waiting_word(waiting), left.unwrap_or_default());
    }
    let why = release.why.as_deref().unwrap_or(&release.message);
    if why.is_empty() { text } else { format!("{text}  {why}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Kind;
    use crate::domain::release::{Replicas, Way};

    fn release() -> Release {
        Release {
            key: crate::domain::id::Key::new(Kind::Rollout, "shop", "gateway"),
            uid: "u".into(),
            way: Way::Canary,
            phase: Phase::Paused,
            message: "CanaryPauseStep".into(),
            step: Some(StepAt { index: 3, count: 8, current: Some("pause: 10m".into()) }),
            weight: None,
            shown_weight: Some(25),
            revision: Some(14),
            stable_revision: Some(13),
            aborted: false,
            promoted: false,
            promoting_full: false,
            waiting_for: Some(WaitingFor::Time),
            until: Some("2026-11-23T07:44:31Z".parse().unwrap()),
            next_weight: Some(50),
            images: Vec::new(),
            replicas: Replicas { desired: 10, current: 12, updated: 3, ready: 12, available: 12 },
            since: None,
            managed_by: None,
            why: None,
            odd: None,
        }
    }

    #[test]
    fn a_line_says_where_it_is_and_what_it_waits_for() {
        let now = "2026-11-23T07:40:00Z".parse().unwrap();
        let expected =
            "07:40:00Z  Paused        25%  step 3/8 pause: 10m  12/10 pods available, 3 new  waits for time 4:31  CanaryPauseStep";
        assert_eq!(line(&release(), now, false), expected);
        assert!(line(&release(), now, true).contains("\u{1b}[33mPaused     \u{1b}[0m"));
    }

    #[test]
    fn growing_older_is_no_change_and_another_step_is() {
        let stuck = |why: &str| Release { why: Some(why.into()), ..release() };
        let same = "pod gateway-x2 cannot pull gateway:v1.3.0: not found, for 3m";
        assert_eq!(Seen::from(&stuck(same)), Seen::from(&stuck("pod gateway-x2 cannot pull gateway:v1.3.0: not found, for 4m")));
        assert_ne!(Seen::from(&stuck(same)), Seen::from(&release()));
        let next = Release { step: Some(StepAt { index: 4, count: 8, current: None }), ..release() };
        assert_ne!(Seen::from(&next), Seen::from(&release()));
    }

    #[test]
    fn times_are_written_as_go_writes_them() {
        assert_eq!(length("1h30m"), Ok(Duration::from_mins(90)));
        assert!(length("0s").is_err() && length("-5m").is_err() && length("15").is_err());
    }
}
