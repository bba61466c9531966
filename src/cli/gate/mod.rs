//! `pilothouse gate`: holds signals against limits for a time, for scripts that go on if they held. Judges as the cockpit does, from the same
//! series, and changes nothing. That nobody measured is never that it held.

mod answer;
mod progress;
mod subject;

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::live::Live;
use super::target::Target;
use super::{Common, Exit, Failure};
use crate::app::metrics::Definitions;
use crate::config::Settings;
use crate::domain::duration;
use crate::domain::signal::{Judgement, MetricsLink, Signal, Tally, Verdict, claims, judge, judged, tally};
use answer::{Answer, Outcome};
use progress::Progress;
use subject::Subject;

/// How long a metrics server may say nothing at all before it is given up.
const SILENCE: Duration = Duration::from_mins(2);
/// A look at least this often: time alone makes samples old.
const GLANCE: Duration = Duration::from_secs(1);
/// Part of the time that may go by without a value.
const MISSING: f64 = 0.1;
/// Part of a short time of which values may be missing all the same: one that is still to come is worth much of it.
const MISSING_AT_MOST: f64 = 0.5;

/// Arguments of `gate`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  pilothouse gate shop/gateway --for 15m            its configured gates
  pilothouse gate gateway --for 15m --slo 'p95<1500ms err<1%'
  pilothouse gate --service apigw -n shop --slo 'p95<1500ms' --json
  pilothouse -e stage gate --slo 'apigw-p95<1500ms err<1%' && ./promote

Held all the time: 0. Breached: 1, at once. No data, too little traffic or too early at the end: 3. No metrics server: 4.
Every query is refused by the metrics server: 2, at once.")]
pub struct Arguments {
    /// The rollout whose canary is judged
    #[arg(value_name = "ROLLOUT", help = "[rollout/|canary/][NAMESPACE/]NAME")]
    pub rollout: Option<Target>,
    /// A service instead of a rollout, all its versions together: only the metrics server is asked
    #[arg(long, value_name = "NAME", conflicts_with = "rollout", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub service: Option<String>,
    /// How long it has to hold
    #[arg(long = "for", value_name = "TIME", default_value = "15m", value_parser = length)]
    pub length: Duration,
    /// Limits instead of the configured ones: [SERVICE-]SIGNAL COMPARATOR NUMBER UNIT, with < <= > >= == and ms s % ratio rps
    #[arg(long, value_name = "LIMITS", num_args = 1..)]
    pub slo: Vec<String>,
    /// One JSON document at the end
    #[arg(long)]
    pub json: bool,
}

fn length(text: &str) -> Result<Duration, String> {
    let seconds = duration::go_seconds(text).and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    seconds.map(Duration::from_secs).ok_or_else(|| "a time is written like 90s, 15m or 1h30m".to_owned())
}

/// Judges until the time is over or a limit is breached.
pub fn run(arguments: &Arguments, common: &Common) -> Result<Exit, Failure> {
    let settings = common.settings()?;
    let definitions = definitions(&settings)?;
    let typed = (!arguments.slo.is_empty()).then(|| claims(&arguments.slo.join(" "))).transpose();
    let typed = typed.map_err(|error| Failure::Usage(format!("--slo is wrong {error}.")))?;
    let (mut live, subject) = subject::find(arguments, common, &settings, &definitions, typed.as_deref())?;
    let mut watch = Watch::begin(arguments, &live, subject);
    let outcome = watch.until_it_is_over(&mut live)?;
    let answer = Answer::of(&watch, &live, outcome);
    answer.say(arguments.json)?;
    Ok(outcome.exit())
}

/// What there is to judge by in the chosen environment.
fn definitions(settings: &Settings) -> Result<Definitions, Failure> {
    let Some(environment) = settings.environments.get(settings.start_environment) else {
        return Err(Failure::Usage("There is no environment to judge.".to_owned()));
    };
    let name = &environment.name;
    if environment.prometheus.is_none() {
        let advice = "Say where it is in the configuration: [prometheus] url, or prometheus.url of the environment.";
        return Err(Failure::Usage(format!("'{name}' has no metrics server. {advice}")));
    }
    let definitions = Definitions::of(settings, environment);
    if definitions.is_empty() {
        let advice = "Configure some: preset = \"otel\" in [prometheus], or [[signal]].";
        return Err(Failure::Usage(format!("'{name}' has no signals to judge by. {advice}")));
    }
    Ok(definitions)
}

/// What is judged, and what came of it so far.
struct Watch {
    subject: Subject,
    length: Duration,
    /// When it began, by the local clock and by the machine's steady one.
    began: Timestamp,
    started: Instant,
    stale_after: u32,
    signals: Vec<(Judgement, Tally)>,
    progress: Progress,
}

impl Watch {
    fn begin(arguments: &Arguments, live: &Live, subject: Subject) -> Self {
        Self {
            subject,
            length: arguments.length,
            began: live.local_now(),
            started: Instant::now(),
            stale_after: live.metrics.definitions().stale_after,
            signals: Vec::new(),
            progress: Progress::default(),
        }
    }

    fn until_it_is_over(&mut self, live: &mut Live) -> Result<Outcome, Failure> {
        loop {
            self.subject.aim(live, self.length);
            live.read_some(if self.left().is_zero() { GLANCE } else { GLANCE.min(self.left()) });
            if let Some(outcome) = self.subject.over(live) {
                return Ok(outcome);
            }
            self.judge(live);
            self.progress.tell(&self.signals, (self.elapsed(), self.length), live)?;
            let breached = |(judgement, tally): &(Judgement, Tally)| judgement.verdict == Verdict::Breach || tally.breach.is_some();
            if self.signals.iter().any(breached) {
                return Ok(Outcome::Breached);
            }
            if self.is_refused(live) {
                return Ok(Outcome::Refused);
            }
            let silent = !live.metrics.has_answered();
            if silent && self.elapsed() >= SILENCE.min(self.length) {
                return Ok(Outcome::Unreachable);
            }
            if self.left().is_zero() {
                let verdict = self.verdict();
                // A server that is away at the very end may say a moment later how it was.
                let patience = self.length + Duration::from_secs(self.stale_after.into());
                let patient = !silent && self.elapsed() < patience && self.may_come(live);
                if verdict == Outcome::Held || !patient || !self.lacks_data() {
                    return Ok(verdict);
                }
            }
        }
    }

    fn judge(&mut self, live: &Live) {
        let context = self.subject.context(live);
        let judged = self.subject.gates.iter().map(|signal| {
            let series = live.metrics.series(&self.subject.key, &signal.name);
            (judge(signal, series, &context), tally(signal, series, &context, self.began))
        });
        self.signals = judged.collect();
    }

    /// Whether the server refuses everything that is judged: time mends no query. While one is answered, it can still be breached.
    fn is_refused(&self, live: &Live) -> bool {
        let refused = |signal: &Signal| {
            let series = live.metrics.series(&self.subject.key, &signal.name);
            judged(series).is_some_and(|judged| judged.refused.is_some())
        };
        self.subject.gates.iter().all(refused)
    }

    /// What it came to when the time is over.
    fn verdict(&self) -> Outcome {
        let length = self.length.as_secs_f64();
        let allowed = f64::from(self.stale_after).clamp(length * MISSING, length * MISSING_AT_MOST);
        let held = |(judgement, tally): &(Judgement, Tally)| judgement.verdict.lets_through() && self.missing(tally) <= allowed;
        let held = self.signals.iter().all(held);
        if held { Outcome::Held } else { Outcome::NoVerdict }
    }

    /// Whether what is missing is data, and not requests or time.
    fn lacks_data(&self) -> bool {
        let unknown = |(judgement, _): &(Judgement, Tally)| judgement.verdict == Verdict::NoData;
        let open = |(judgement, _): &(Judgement, Tally)| matches!(judgement.verdict, Verdict::LowTraffic | Verdict::TooEarly);
        self.signals.iter().any(unknown) || !self.signals.iter().any(open)
    }

    /// Whether what is missing may still be told: not where the server answers all the time and has no value now and never had one.
    fn may_come(&self, live: &Live) -> bool {
        let away = matches!(live.metrics.link, MetricsLink::Down { .. });
        let asked = |name: &str| !live.metrics.series(&self.subject.key, name).is_empty();
        let has = |(judgement, tally): &(Judgement, Tally)| tally.samples > 0 || judgement.verdict.lets_through();
        away || self.signals.iter().any(|one| has(one) || !asked(&one.0.name))
    }

    /// Seconds of the time for which there is no value.
    fn missing(&self, tally: &Tally) -> f64 {
        self.elapsed().min(self.length).as_secs_f64() - f64::from(tally.samples) * f64::from(tally.step)
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn left(&self) -> Duration {
        self.length.saturating_sub(self.elapsed())
    }

    fn until(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.elapsed().min(self.length)).unwrap_or(SignedDuration::ZERO);
        self.began.checked_add(elapsed).unwrap_or(self.began)
    }
}
