//! The rules of an environment's Prometheus: what it records under names of its own, and when it raises an alert. What they say
//! is worked out from the other series whenever somebody asks, at the moments at which a real one would have evaluated them.

use std::fmt::Write as _;
use std::sync::LazyLock;

use promql_parser::label::Matcher;
use promql_parser::parser::Expr;

use super::snapshot::Snapshot;
use crate::demo::promql::labels::{Labels, NAME, Text};
use crate::demo::promql::series::{Point, Series, fits};
use crate::demo::promql::{self, Answer, Sample};

/// How often the rules are evaluated, in milliseconds.
pub const INTERVAL: i64 = 30_000;
/// So many evaluations back is it found out since when an alert is active.
const LONGEST: usize = 240;

/// What comes of a rule.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Series of this name.
    Record,
    /// Alerts, once they have lasted so long.
    Alert {
        /// Milliseconds.
        lasting: i64,
        /// What people are told.
        summary: String,
    },
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Name of the series or of the alert.
    pub name: String,
    /// What is evaluated.
    pub query: String,
    /// The same, read; none if it makes no sense.
    pub parsed: Option<Expr>,
    /// Labels that are added.
    pub labels: Vec<(String, String)>,
    /// What comes of it.
    pub outcome: Outcome,
}

/// Rules that are evaluated together.
#[derive(Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The file that it stands in.
    pub file: &'static str,
    /// Its rules, in their order.
    pub rules: Vec<Rule>,
}

/// An alert that is active.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Its labels, with its name.
    pub labels: Labels,
    /// The value that raised it.
    pub value: f64,
    /// Since when, in milliseconds since 1970.
    pub since: i64,
    /// It has lasted long enough.
    pub firing: bool,
}

fn rule(name: &str, query: &str, labels: &[(&str, &str)], outcome: Outcome) -> Rule {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Rule { name: name.to_owned(), parsed: promql::parse(query).ok(), query: query.to_owned(), labels, outcome }
}

fn alert(name: &str, query: &str, (minutes, severity): (i64, &str), summary: &str) -> Rule {
    let outcome = Outcome::Alert { lasting: minutes * 60_000, summary: summary.to_owned() };
    rule(name, query, &[("severity", severity)], outcome)
}

/// All rules.
pub static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| {
    let mut groups = vec![gateway(), resources()];
    groups.extend(
        [("edge", "gateway", 0.999), ("shop", "checkout", 0.995)]
            .map(|(namespace, job, objective)| sloth(namespace, job, objective)),
    );
    groups
});

fn gateway() -> Group {
    let ratio = "sum by (job) (rate(http_requests_total{job=\"gateway\",status=~\"5..\"}[5m])) / sum by (job) (rate(http_requests_total{job=\"gateway\"}[5m]))";
    let p95 = "histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket{job=\"gateway\"}[5m])))";
    let requests = "sum(rate(http_requests_total{job=\"gateway\"}[1m]))";
    let failures = "sum(rate(http_requests_total{job=\"gateway\",status=~\"5..\"}[1m]))";
    Group {
        name: "gateway".to_owned(),
        file: "/etc/prometheus/rules/gateway.yml",
        rules: vec![
            rule("job:http_request_error_rate:ratio_rate5m", ratio, &[], Outcome::Record),
            rule("gateway:req_rate", requests, &[], Outcome::Record),
            rule("gateway:err_rate", failures, &[], Outcome::Record),
            rule("gateway:duration_p95", p95, &[], Outcome::Record),
            alert(
                "GatewayErrorBudgetBurn",
                "job:http_request_error_rate:ratio_rate5m{job=\"gateway\"} > 0.01",
                (10, "critical"),
                "Gateway error budget burn above 1 %",
            ),
            alert("GatewayLatencyHigh", "gateway:duration_p95 > 1.5", (10, "warning"), "Gateway p95 latency above 1.5 s"),
        ],
    }
}

fn resources() -> Group {
    let query = "max by (namespace, job, track) (rate(container_cpu_usage_seconds_total{namespace=~\"edge|shop|payments|platform|content\"}[2m]) \
         / on (namespace, pod, container) group_left () kube_pod_container_resource_limits{resource=\"cpu\",namespace=~\"edge|shop|payments|platform|content\"}) > 0.9";
    Group {
        name: "resources".to_owned(),
        file: "/etc/prometheus/rules/resources.yml",
        rules: vec![alert("ContainerCpuHigh", query, (2, "warning"), "A container uses more than 90 % of its processor")],
    }
}

/// The rules that Sloth makes for an objective.
fn sloth(namespace: &str, job: &str, objective: f64) -> Group {
    let id = format!("{job}-requests-availability");
    let labels = [("sloth_id", id.as_str()), ("sloth_service", job), ("sloth_slo", "requests-availability")];
    let mut own = String::new();
    for (key, value) in labels {
        let _ = write!(own, "{}{key}=\"{value}\"", if own.is_empty() { "" } else { "," });
    }
    let mut rules: Vec<Rule> = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"]
        .into_iter()
        .map(|window| {
            let series = format!("http_server_request_duration_seconds_count{{namespace=\"{namespace}\",job=\"{job}\"");
            let query = format!(
                "(sum(rate({series},http_response_status_code=~\"5..\"}}[{window}])) or vector(0)) / sum(rate({series}}}[{window}]))"
            );
            let mut labels = labels.to_vec();
            labels.push(("sloth_window", window));
            rule(&format!("slo:sli_error:ratio_rate{window}"), &query, &labels, Outcome::Record)
        })
        .collect();
    let matching = "on (sloth_id, sloth_slo, sloth_service) group_left ()";
    let burn = |window: &str| format!("slo:sli_error:ratio_rate{window}{{{own}}} / {matching} slo:error_budget:ratio{{{own}}}");
    let one = |name: &str, query: &str| rule(name, query, &labels, Outcome::Record);
    rules.extend([
        one("slo:objective:ratio", &format!("vector({objective})")),
        one("slo:error_budget:ratio", &format!("vector(1 - {objective})")),
        one("slo:time_period:days", "vector(30)"),
        one("slo:current_burn_rate:ratio", &burn("5m")),
        one("slo:period_burn_rate:ratio", &burn("30d")),
        one("slo:period_error_budget_remaining:ratio", &format!("1 - slo:period_burn_rate:ratio{{{own}}}")),
    ]);
    let over = |window: &str, burn: f64| format!("slo:sli_error:ratio_rate{window}{{{own}}} > ({burn} * {:.4})", 1.0 - objective);
    let both =
        |short: &str, long: &str, burn: f64| format!("({}) and ignoring (sloth_window) ({})", over(short, burn), over(long, burn));
    let query = format!("({}) or ignoring (sloth_window) ({})", both("5m", "1h", 14.4), both("30m", "6h", 6.0));
    let mut page = alert("ErrorBudgetBurn", &query, (0, "page"), &format!("{job} burns its error budget too fast"));
    page.labels.extend(labels.map(|(key, value)| (key.to_owned(), value.to_owned())));
    rules.push(page);
    Group { name: format!("sloth-slo-{id}"), file: "/etc/prometheus/rules/sloth.yml", rules }
}

impl Rule {
    /// What the rule comes to at a time, with its labels.
    pub fn evaluate(&self, snapshot: &Snapshot, at: i64) -> Result<Vec<Sample>, String> {
        let Some(parsed) = &self.parsed else { return Ok(Vec::new()) };
        let samples = match promql::instant(snapshot, parsed, at).map_err(|error| error.to_string())? {
            Answer::Vector(samples) => samples,
            Answer::Scalar(value) => vec![Sample { labels: Labels::default(), value }],
            _ => Vec::new(),
        };
        let own = match self.outcome {
            Outcome::Record => NAME,
            Outcome::Alert { .. } => "alertname",
        };
        let labelled = samples.into_iter().map(|sample| {
            let start = sample.labels.nameless().with(own, &self.name);
            let labels = self.labels.iter().fold(start, |labels, (key, value)| labels.with(key, value));
            Sample { labels, value: sample.value }
        });
        Ok(labelled.collect())
    }

    /// The alerts that are active now.
    pub fn alerts(&self, snapshot: &Snapshot) -> Result<Vec<Alert>, String> {
        let Outcome::Alert { lasting, .. } = self.outcome else { return Ok(Vec::new()) };
        let now = evaluated(snapshot.now());
        let samples = self.evaluate(snapshot, now)?;
        let mut open: Vec<(Sample, i64)> = samples.into_iter().map(|sample| (sample, now)).collect();
        for back in 1..LONGEST {
            if open.iter().all(|(_, since)| *since > now - i64::try_from(back - 1).unwrap_or(0) * INTERVAL) {
                break;
            }
            let at = now - i64::try_from(back).unwrap_or(0) * INTERVAL;
            let before = self.evaluate(snapshot, at)?;
            for (sample, since) in &mut open {
                let went_on = *since == at + INTERVAL && before.iter().any(|known| known.labels == sample.labels);
                if went_on {
                    *since = at;
                }
            }
        }
        let alert = |(sample, since): (Sample, i64)| Alert {
            labels: sample.labels,
            value: sample.value,
            since,
            firing: now - since >= lasting,
        };
        Ok(open.into_iter().map(alert).collect())
    }
}

/// The last evaluation that is not after a time.
pub fn evaluated(at: i64) -> i64 {
    at - at.rem_euclid(INTERVAL)
}

/// One series that a rule records.
pub struct Recorded {
    snapshot: Snapshot,
    rule: &'static Rule,
    labels: Labels,
}

impl Series for Recorded {
    fn labels(&self) -> Labels {
        self.labels.clone()
    }

    fn points(&self, from: i64, to: i64, into: &mut Vec<Point>) {
        let mut at = from + (-from).rem_euclid(INTERVAL);
        while at <= to.min(self.snapshot.now()) {
            let samples = self.rule.evaluate(&self.snapshot, at).unwrap_or_default();
            into.extend(samples.iter().find(|sample| sample.labels == self.labels).map(|sample| Point { at, value: sample.value }));
            at += INTERVAL;
        }
    }

    fn newest(&self, after: i64, to: i64) -> Option<Point> {
        let mut at = evaluated(to.min(self.snapshot.now()));
        while at > after {
            let mut points = Vec::new();
            self.points(at, at, &mut points);
            if let Some(point) = points.pop() {
                return Some(point);
            }
            at -= INTERVAL;
        }
        None
    }
}

/// The series of rules with a wanted name whose labels fit, as far as there are any now.
pub fn select(
    snapshot: &Snapshot,
    wanted: impl Fn(&str) -> bool,
    matchers: &[Matcher],
    mut each: impl FnMut(Recorded),
) -> Result<(), String> {
    for rule in GROUPS.iter().flat_map(|group| &group.rules) {
        if !matches!(rule.outcome, Outcome::Record) || !wanted(&rule.name) {
            continue;
        }
        // Labels of the rule alone can tell already that it does not fit.
        let own: Vec<(Text, Text)> = rule.labels.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect();
        let own = Labels::new(own);
        if matchers.iter().any(|matcher| !own.get(&matcher.name).is_empty() && !matcher.is_match(own.get(&matcher.name))) {
            continue;
        }
        for sample in rule.evaluate(snapshot, evaluated(snapshot.now()))? {
            if fits(&sample.labels, matchers) {
                each(Recorded { snapshot: snapshot.clone(), rule, labels: sample.labels });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_be_read() {
        for rule in GROUPS.iter().flat_map(|group| &group.rules) {
            assert!(rule.parsed.is_some(), "{}: {}", rule.name, rule.query);
        }
    }
}
