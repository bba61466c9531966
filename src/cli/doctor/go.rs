//! `doctor --go`: whether this is a moment to begin a release in an environment, or a release of one rollout. Reads, asks and advises; what
//! the findings mean is worked out in the domain.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::Arguments;
use crate::app::cluster::Cluster;
use crate::app::metrics::Metrics;
use crate::cli::act::place;
use crate::cli::live::Live;
use crate::cli::{Common, Exit, Failure, colour};
use crate::config::{Environment, Settings};
use crate::domain::go::{Evidence, Finding, Known, Sign, go, verdict};
use crate::domain::id::Key;
use crate::domain::release::Release;
use crate::domain::signal::{AlertState, MetricsLink};
use crate::wire;

/// How long what is not measured with a rollout may take: alerts, and burn rates, for which a server reads a month.
const MORE: Duration = Duration::from_secs(30);
/// What there is to say where nothing is configured.
const NO_METRICS: &str = "no metrics are configured here";

#[derive(Serialize)]
struct Document<'a> {
    version: u8,
    environment: &'a str,
    rollout: Option<Named<'a>>,
    verdict: &'static str,
    findings: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    namespace: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'static str,
    verdict: &'static str,
    words: &'a str,
}

/// Looks, and says go or no-go.
pub(super) fn run(arguments: &Arguments, common: &Common) -> Result<Exit, Failure> {
    let settings = common.settings()?;
    place(&settings, common)?;
    let mut live = Live::start(&settings)?;
    live.read_all()?;
    let key = match &arguments.rollout {
        Some(target) => {
            let keys: Vec<Key> = live.cluster.keys().cloned().collect();
            Some(target.find(keys.iter())?.clone())
        }
        None => None,
    };
    live.look(key.as_ref());
    live.measure(key.as_ref());
    let asks_of_all = asks_of_all(&live.metrics);
    live.measured_until(MORE, |metrics| {
        let burns = metrics.standings().all(|(key, _)| metrics.burn(key).is_some());
        let MetricsLink::Up { sampled, .. } = metrics.link else { return true };
        metrics.has_asked_for_alerts() && burns && (sampled.is_some() || !asks_of_all)
    });
    let look = Look { settings: &settings, environment: &live.environment, cluster: &live.cluster, metrics: &live.metrics };
    let findings = look.findings(key.as_ref(), arguments.budget / 100.0, (live.now(), wire::now()));
    let answer = if arguments.json {
        json(&live.environment.name, key.as_ref(), &findings)?
    } else {
        text(&live.environment.name, key.as_ref(), &findings, colour::wanted())
    };
    std::io::stdout().write_all(answer.as_bytes())?;
    Ok(exit(&findings, &live.metrics.link))
}

/// What was read.
struct Look<'a> {
    settings: &'a Settings,
    environment: &'a Environment,
    cluster: &'a Cluster,
    metrics: &'a Metrics,
}

impl Look<'_> {
    /// The findings at a moment of the cluster's clock and of the local one.
    fn findings(&self, key: Option<&Key>, wanted: f64, (cluster, now): (Timestamp, Timestamp)) -> Vec<Finding> {
        let releases: Vec<Release> = self.cluster.keys().filter_map(|key| self.cluster.release(key, cluster)).collect();
        let alerts: Vec<_> = key.map_or_else(|| self.metrics.alerts.iter().collect(), |key| self.metrics.alerts_of(key));
        let fires = alerts.iter().any(|alert| alert.state == AlertState::Firing);
        let alerts = match self.metrics.alerts_unread() {
            // One that fires is enough, whatever else was not read.
            Some(why) if !fires => Known::Unknown(format!("whether any fires is not known here: {why}")),
            Some(_) | None => Known::Is(alerts),
        };
        go(&Evidence {
            subject: key.and_then(|key| releases.iter().find(|release| release.key == *key)),
            releases: &releases,
            alerts: self.asked(alerts),
            ruled: !self.metrics.alerts.is_empty(),
            budgets: self.budgets(key),
            wanted,
            frozen: self.settings.frozen(&self.environment.name, now),
            sampled: self.sampled(key, now),
            now,
        })
    }

    /// What a metrics server says, if there is one and it answers.
    fn asked<T>(&self, said: Known<T>) -> Known<T> {
        match &self.metrics.link {
            MetricsLink::None => Known::Absent(NO_METRICS),
            MetricsLink::Connecting => Known::Unknown("the metrics server has not answered in time".to_owned()),
            MetricsLink::Down { reason, .. } => Known::Unknown(format!("the metrics server does not answer: {reason}")),
            MetricsLink::Up { .. } => said,
        }
    }

    fn budgets(&self, key: Option<&Key>) -> Known<Vec<(String, f64)>> {
        let recorded = self.metrics.standings().any(|(_, standing)| standing.burn.is_some());
        if self.settings.slo.is_none() && !recorded {
            return Known::Absent("nothing is promised ([slo] in the configuration, or rules of Sloth or Pyrra)");
        }
        let measured = self.metrics.standings().filter(|(of, _)| key.is_none_or(|key| key == *of));
        let mut refused = None;
        let mut budgets = Vec::new();
        for (key, standing) in measured {
            match standing.burn.as_ref().and_then(|burn| burn.left) {
                Some(left) => budgets.push((key.name.to_string(), left)),
                None => refused = self.metrics.burn(key).and_then(|reading| reading.refused.clone()).or(refused),
            }
        }
        budgets.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.asked(match (budgets.is_empty(), refused, key) {
            (false, ..) => Known::Is(budgets),
            (true, Some(refused), _) => Known::Unknown(format!("the error ratio was refused: {refused}")),
            (true, None, Some(_)) => Known::Unknown("its error ratio was not measured".to_owned()),
            (true, None, None) => Known::Absent("none was measured: name a rollout to see its budget"),
        })
    }

    /// The newest sample of the subject; of an environment, of anything.
    fn sampled(&self, key: Option<&Key>, now: Timestamp) -> Known<(i64, i64)> {
        let stale = i64::from(self.metrics.definitions().stale_after);
        let measured = self.metrics.standings().filter(|(of, _)| key.is_none_or(|key| key == *of));
        let newest = measured.flat_map(|(_, standing)| standing.judgements.iter()).filter_map(|judgement| judgement.sampled).max();
        let of_all = match &self.metrics.link {
            MetricsLink::Up { sampled, .. } if key.is_none() => *sampled,
            _ => None,
        };
        self.asked(match (newest.max(of_all), key) {
            (Some(sampled), _) => Known::Is((now.duration_since(sampled).as_secs().max(0), stale)),
            (None, Some(_)) => Known::Unknown("it has no sample of any of its signals".to_owned()),
            (None, None) if asks_of_all(self.metrics) => Known::Unknown("the server has no sample of any signal".to_owned()),
            (None, None) => Known::Absent("nothing was measured: name a rollout"),
        })
    }
}

/// Whether the server is asked for the signals of all rollouts at once.
fn asks_of_all(metrics: &Metrics) -> bool {
    metrics.definitions().all().iter().any(|signal| signal.fleet.is_some())
}

/// A no-go is one whatever else is not known; a metrics server that never answered is a source that is missing.
fn exit(findings: &[Finding], link: &MetricsLink) -> Exit {
    match verdict(findings) {
        Sign::NoGo => Exit::Refused,
        Sign::Unknown if matches!(link, MetricsLink::Connecting | MetricsLink::Down { .. }) => Exit::Unreachable,
        Sign::Unknown => Exit::NotObserved,
        Sign::Absent | Sign::Pass | Sign::Warn => Exit::Done,
    }
}

fn json(environment: &str, key: Option<&Key>, findings: &[Finding]) -> Result<String, Failure> {
    let lines = findings.iter().map(|finding| Line { name: finding.name, verdict: finding.sign.name(), words: &finding.words });
    let rollout = key.map(|key| Named { namespace: &key.namespace, name: &key.name });
    let document = Document { version: 1, environment, rollout, verdict: verdict(findings).name(), findings: lines.collect() };
    serde_json::to_string(&document)
        .map(|text| text + "\n")
        .map_err(|error| Failure::Refused(format!("The answer cannot be written as JSON: {error}.")))
}

fn text(environment: &str, key: Option<&Key>, findings: &[Finding], coloured: bool) -> String {
    let mut text = String::new();
    let mark = |sign| {
        let (mark, code) = match sign {
            Sign::Absent => ('⊘', 2),
            Sign::Pass => ('✔', 32),
            Sign::Warn => ('▲', 33),
            Sign::Unknown => ('?', 33),
            Sign::NoGo => ('✖', 31),
        };
        if coloured { format!("\u{1b}[{code}m{mark}\u{1b}[0m") } else { mark.to_string() }
    };
    for finding in findings {
        let _ = writeln!(text, "{} {:14} {}", mark(finding.sign), finding.name, finding.words);
    }
    let what = key.map_or_else(|| environment.to_owned(), |key| format!("{key} in {environment}"));
    let verdict = verdict(findings);
    let _ = writeln!(text, "\n{} {}: {what}", mark(verdict), verdict.words());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Kind;

    fn finding(name: &'static str, sign: Sign) -> Finding {
        Finding { name, sign, words: "said so".to_owned() }
    }

    #[test]
    fn exit_codes_tell_a_no_go_from_what_cannot_be_told() {
        let up = MetricsLink::Up { at: Timestamp::UNIX_EPOCH, millis: 1, sampled: None };
        let down = MetricsLink::Down { since: Timestamp::UNIX_EPOCH, reason: "refused".into() };
        let code = |sign, link| exit(&[finding("alerts", Sign::Pass), finding("budget", sign)], link).number();
        assert_eq!((code(Sign::Warn, &up), code(Sign::Absent, &MetricsLink::None), code(Sign::NoGo, &up)), (0, 0, 1));
        assert_eq!((code(Sign::Unknown, &up), code(Sign::Unknown, &down), code(Sign::NoGo, &down)), (3, 4, 1));
    }

    #[test]
    fn the_answer_is_a_line_each_and_the_verdict() {
        let key = Key::new(Kind::Rollout, "shop", "gateway");
        let findings = [finding("alerts", Sign::Pass), finding("freeze", Sign::NoGo)];
        let expected = "✔ alerts         said so\n✖ freeze         said so\n\n✖ no-go: shop/gateway in prod\n";
        assert_eq!(text("prod", Some(&key), &findings, false), expected);
        let document: serde_json::Value = serde_json::from_str(&json("prod", Some(&key), &findings).unwrap()).unwrap();
        assert_eq!((&document["verdict"], &document["rollout"]["name"]), (&"no_go".into(), &"gateway".into()));
        assert_eq!(document["findings"][1]["verdict"], "no_go");
    }
}
