//! Signals from a Helm values file: the checks that a chart hands to its canary under `metrics.prometheus`. Reads text that somebody hands
//! in; which file it is from is only for people.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::domain::duration::prometheus;
use crate::domain::signal::{Comparator, Expression, Limit, Origin, Signal, SignalKind, Template, imported};

/// A values file, as far as it is looked at.
#[derive(Deserialize)]
struct Values {
    #[serde(default)]
    metrics: Option<Metrics>,
}

#[derive(Deserialize)]
struct Metrics {
    #[serde(default)]
    prometheus: Option<Checks>,
}

#[derive(Deserialize)]
struct Checks {
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    name: String,
    query: String,
    threshold: f64,
    #[serde(default)]
    comparator: Option<String>,
}

/// The checks of a values file as signals; `own` are variables besides the known ones. The error says which check is wrong and why.
pub fn checks(text: &str, file: &str, own: &[&str]) -> Result<Vec<Signal>, String> {
    let (_, checks) = read(text)?;
    let mut signals: Vec<Signal> = Vec::new();
    for check in checks {
        let signal = signal(&check, file, own).map_err(|error| format!("check '{}': {error}", check.name))?;
        if signals.iter().any(|other| other.name == signal.name) {
            return Err(format!("two checks are called '{}'", signal.name));
        }
        signals.push(signal);
    }
    Ok(signals)
}

/// The checks of a values file as `[[signal]]` tables of the configuration, with the server's address where the file says it.
pub fn import(text: &str, file: &str) -> Result<String, String> {
    let (address, _) = read(text)?;
    let mut toml = format!("# From {file}.\n");
    if let Some(address) = address {
        let _ = writeln!(toml, "[prometheus]\nurl = {}\npreset = \"\"\n", quoted(&address));
    }
    for signal in checks(text, file, &[])? {
        let _ = writeln!(toml, "[[signal]]\nname = {}\nkind = \"{}\"", quoted(&signal.name), kind_name(signal.kind));
        match &signal.expression {
            Expression::Value(query) => {
                let _ = writeln!(toml, "query = {}", quoted(query.as_str()));
            }
            Expression::Ratio { bad, total } => {
                let _ = writeln!(toml, "bad = {}\ntotal = {}", quoted(bad.as_str()), quoted(total.as_str()));
            }
        }
        let Limit { comparator, threshold } = signal.limit;
        let _ = writeln!(toml, "threshold = {threshold:?}\ncomparator = \"{comparator}\"\nunit = {}", quoted(signal.unit.name()));
        let _ = writeln!(toml, "window = \"{}\"\nper_track = {}\n", prometheus(signal.window), signal.per_track);
    }
    Ok(toml)
}

fn read(text: &str) -> Result<(Option<String>, Vec<Check>), String> {
    let values: Values = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.to_string();
        line.lines().next().unwrap_or("it cannot be read").trim_end_matches('.').to_owned()
    })?;
    let Some(found) = values.metrics.and_then(|metrics| metrics.prometheus) else {
        return Err("there is nothing under metrics.prometheus".to_owned());
    };
    if found.checks.is_empty() {
        return Err("there are no checks under metrics.prometheus.checks".to_owned());
    }
    Ok((found.address.filter(|address| !address.is_empty()), found.checks))
}

fn signal(check: &Check, file: &str, own: &[&str]) -> Result<Signal, String> {
    let template = Template::read(&check.query, own)?;
    let sign = check.comparator.as_deref().unwrap_or("<").trim();
    let comparator = Comparator::read(sign).ok_or_else(|| format!("'{sign}' compares nothing"))?;
    imported(&check.name, &template, Limit { comparator, threshold: check.threshold }, Origin::Values(file.into()), own)
}

fn kind_name(kind: SignalKind) -> &'static str {
    match kind {
        SignalKind::Latency => "latency",
        SignalKind::Errors => "errors",
        SignalKind::Saturation => "saturation",
        SignalKind::Traffic => "traffic",
        SignalKind::Other => "other",
    }
}

/// A text as TOML.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signal::Unit;

    const FILE: &str = r#"
rollout: { enabled: true }
metrics:
  prometheus:
    address: http://prometheus.monitoring:9090
    checks:
      - name: p95_latency
        query: histogram_quantile(0.95, sum(rate(http_server_request_duration_seconds_bucket{job="gateway"}[5m])) by (le))
        threshold: 1.5
        comparator: "<"
      - name: error_rate
        query: sum(rate(http_requests_total{job="gateway",status=~"5.."}[5m])) / sum(rate(http_requests_total{job="gateway"}[5m]))
        threshold: 0.01
"#;

    #[test]
    fn the_checks_of_a_chart_are_signals() {
        let signals = checks(FILE, "values.yaml", &[]).unwrap();
        let [latency, errors] = &*signals else { panic!("{signals:?}") };
        assert_eq!((latency.kind, latency.limit.threshold, &latency.unit), (SignalKind::Latency, 1.5, &Unit::Seconds));
        assert!(matches!(latency.expression, Expression::Value(_)) && !latency.per_track && latency.gate);
        let Expression::Ratio { bad, total } = &errors.expression else { panic!("{errors:?}") };
        assert_eq!(bad.as_str(), "sum(rate(http_requests_total{job=\"gateway\",status=~\"5..\"}[5m]))");
        assert_eq!(total.as_str(), "sum(rate(http_requests_total{job=\"gateway\"}[5m]))");
    }

    #[test]
    fn what_is_imported_can_be_read_again() {
        let toml = import(FILE, "values.yaml").unwrap();
        let settings = crate::config::resolve::resolve(std::path::Path::new("x.toml"), &toml, None).unwrap();
        let again: Vec<_> =
            settings.signals.iter().map(|signal| (&*signal.name, signal.kind, signal.limit, signal.expression.clone())).collect();
        let signals = checks(FILE, "values.yaml", &[]).unwrap();
        let first: Vec<_> =
            signals.iter().map(|signal| (&*signal.name, signal.kind, signal.limit, signal.expression.clone())).collect();
        assert_eq!(again, first);
    }

    #[test]
    fn what_is_wrong_is_said_with_the_check() {
        let said = |text: &str| checks(text, "values.yaml", &[]).unwrap_err();
        assert_eq!(said("rollout: {}"), "there is nothing under metrics.prometheus");
        let one = |rest: &str| format!("metrics: {{prometheus: {{checks: [{{name: a, {rest}}}]}}}}");
        assert_eq!(said(&one("query: 'x{', threshold: 1")), "check 'a': unexpected end of input inside braces");
        assert_eq!(said(&one("query: x, threshold: 1, comparator: '~'")), "check 'a': '~' compares nothing");
        assert!(said(&one("query: x")).contains("threshold"));
    }
}
