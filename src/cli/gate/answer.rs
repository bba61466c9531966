//! What a gate says at the end: a document for scripts, or a line for each signal, and the exit code.

use std::fmt::Write as _;
use std::io::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::{Exit, Failure, Watch};
use crate::cli::live::Live;
use crate::cli::status::verdict_mark;
use crate::domain::duration::clock;
use crate::domain::signal::{Judgement, MetricsLink, Tally, Unit, Verdict};

/// How a gate ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it held all the time.
    Held,
    /// A limit was breached.
    Breached,
    /// Too little is known.
    NoVerdict,
    /// The rollout has another version than when it began.
    Replaced,
    /// The rollout is gone.
    Gone,
    /// The metrics server takes none of the queries.
    Refused,
    /// The metrics server never answered.
    Unreachable,
}

impl Outcome {
    /// The exit code.
    pub fn exit(self) -> Exit {
        match self {
            Self::Held => Exit::Done,
            Self::Breached | Self::Gone => Exit::Refused,
            Self::NoVerdict | Self::Replaced => Exit::NotObserved,
            Self::Refused => Exit::Usage,
            Self::Unreachable => Exit::Unreachable,
        }
    }

    /// As JSON says it.
    fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Breached => "breached",
            Self::NoVerdict => "no_verdict",
            Self::Replaced => "replaced",
            Self::Gone => "gone",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
        }
    }
}

/// The document.
#[derive(Serialize)]
pub struct Answer {
    version: u8,
    environment: String,
    namespace: Option<String>,
    rollout: Option<String>,
    service: Option<String>,
    result: &'static str,
    why: String,
    for_seconds: u64,
    waited_seconds: u64,
    from: Timestamp,
    until: Timestamp,
    signals: Vec<Element>,
    /// What the metrics server warns of: that it had only a part, for instance.
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Element {
    name: String,
    verdict: &'static str,
    value: Option<f64>,
    worst: Option<f64>,
    limit: f64,
    comparator: &'static str,
    unit: String,
    samples: u32,
    gaps: u32,
    requests: Option<f64>,
    breached_seconds: u32,
    breached_at: Option<Timestamp>,
    why: Option<String>,
    #[serde(skip)]
    line: String,
}

impl Answer {
    pub(super) fn of(watch: &Watch, live: &Live, outcome: Outcome) -> Self {
        let key = &watch.subject.key;
        let name = Some(key.name.to_string());
        let is_service = watch.subject.is_service();
        let signals = watch.signals.iter().map(|(judgement, tally)| element(judgement, tally, missing(watch, tally)));
        Self {
            version: 1,
            environment: live.environment.name.clone(),
            namespace: (!key.namespace.is_empty()).then(|| key.namespace.to_string()),
            rollout: name.clone().filter(|_| !is_service),
            service: name.filter(|_| is_service),
            result: outcome.name(),
            why: why(watch, live, outcome),
            for_seconds: watch.length.as_secs(),
            waited_seconds: watch.elapsed().min(watch.length).as_secs(),
            from: seconds(watch.began),
            until: seconds(watch.until()),
            signals: signals.collect(),
            warnings: live.metrics.notes(Some(key)).into_iter().map(str::to_owned).collect(),
        }
    }

    /// Puts it out: the answer on stdout, and what went wrong on stderr.
    pub fn say(&self, json: bool) -> Result<(), Failure> {
        let mut text = String::new();
        if json {
            let document = serde_json::to_string(self);
            text = document.map_err(|error| Failure::Refused(format!("The answer cannot be written as JSON: {error}.")))?;
            text.push('\n');
        } else {
            for signal in &self.signals {
                let _ = writeln!(text, "{}", signal.line);
            }
        }
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        let mut talk = std::io::stderr().lock();
        for warning in &self.warnings {
            writeln!(talk, "▲ The metrics server warns: {warning}")?;
        }
        Ok(writeln!(talk, "pilothouse: {}", self.why)?)
    }
}

fn element(judgement: &Judgement, tally: &Tally, gaps: u32) -> Element {
    let show = |value: f64| judgement.unit.show(value);
    let requests = tally.requests.map_or(String::new(), |requests| format!(", {requests:.0} requests"));
    let worst = tally.worst.map_or(String::new(), |worst| format!(", worst {}", show(worst)));
    let mark = verdict_mark(if tally.breach.is_some() { Verdict::Breach } else { judgement.verdict });
    Element {
        name: judgement.name.to_string(),
        verdict: if tally.breach.is_some() { Verdict::Breach } else { judgement.verdict }.name(),
        value: judgement.value,
        worst: tally.worst,
        limit: judgement.limit.threshold,
        comparator: judgement.limit.comparator.sign(),
        unit: judgement.unit.name().to_owned(),
        samples: tally.samples,
        gaps,
        requests: tally.requests.map(f64::round),
        breached_seconds: tally.breached.max(judgement.breached),
        breached_at: tally.breach.map(seconds),
        why: judgement.why.as_deref().map(str::to_owned),
        line: format!("{mark} {}{worst} ({} samples, {gaps} gaps{requests})", judgement.sentence(), tally.samples),
    }
}

fn why(watch: &Watch, live: &Live, outcome: Outcome) -> String {
    let name = &watch.subject.key.name;
    let length = clock(i64::try_from(watch.length.as_secs()).unwrap_or(i64::MAX));
    match outcome {
        Outcome::Held => format!("'{name}' held for {length}."),
        Outcome::Breached => {
            let breached =
                watch.signals.iter().filter(|(judgement, tally)| judgement.verdict == Verdict::Breach || tally.breach.is_some());
            let said: Vec<_> = breached.map(|(judgement, tally)| over(judgement, tally)).collect();
            format!("'{name}' did not hold: {}.", said.join("; "))
        }
        Outcome::NoVerdict => {
            let open = watch.signals.iter().filter(|(judgement, _)| !judgement.verdict.lets_through());
            let mut said: Vec<_> = open.map(|(judgement, _)| judgement.sentence()).collect();
            if said.is_empty() {
                said.push("too much of the time nobody measured".to_owned());
            }
            format!("Whether '{name}' held cannot be said: {}.", said.join("; "))
        }
        Outcome::Replaced => format!("'{name}' has another version than when this began: whether it held cannot be said."),
        Outcome::Gone => format!("'{name}' is gone."),
        Outcome::Refused => {
            let said: Vec<_> = watch.signals.iter().map(|(judgement, _)| judgement.sentence()).collect();
            let advice = "Mend the queries: pilothouse config check tells more.";
            format!("Whether '{name}' holds cannot be measured, the metrics server refuses to: {}. {advice}", said.join("; "))
        }
        Outcome::Unreachable => {
            let reason = match &live.metrics.link {
                MetricsLink::Down { reason, .. } => reason.to_string(),
                MetricsLink::None | MetricsLink::Connecting | MetricsLink::Up { .. } => "no answer".to_owned(),
            };
            format!("The metrics server of '{}' never answered ({reason}). See pilothouse doctor.", live.environment.name)
        }
    }
}

/// A breach in words; it may be over by now.
fn over(judgement: &Judgement, tally: &Tally) -> String {
    if judgement.verdict == Verdict::Breach {
        return judgement.sentence();
    }
    let show = |value: f64| judgement.unit.show(value);
    let worst = tally.worst.map_or_else(|| Unit::Plain.show(f64::NAN), show);
    let (sign, limit) = (judgement.limit.comparator.sign(), show(judgement.limit.threshold));
    format!("{} was {worst}, wanted {sign} {limit}", judgement.name)
}

/// Values that there should have been and were not.
fn missing(watch: &Watch, tally: &Tally) -> u32 {
    let expected =
        watch.elapsed().min(watch.length).as_secs() / u64::from(if tally.step > 0 { tally.step } else { watch.subject.interval() });
    u32::try_from(expected).unwrap_or(u32::MAX).saturating_sub(tally.samples).max(tally.gaps)
}

/// A moment in whole seconds.
fn seconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}
