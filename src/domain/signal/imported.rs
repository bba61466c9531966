//! Signals from checks that were written for others: a query, a limit, and a name that has to tell what kind it is.

use std::sync::Arc;

use super::{Expression, KNOWN, Limit, Origin, Query, Signal, SignalKind, Template, Unit, Variables};

/// Variables that each track has in its own way.
const PER_TRACK: [&str; 4] = ["pod_hash", "track", "track_service", "workload"];

/// A check as a signal; `own` are variables besides the known ones. The error says why its query is none.
pub fn imported(name: &str, template: &Template, limit: Limit, origin: Origin, own: &[&str]) -> Result<Signal, String> {
    let kind = kind_of(name, template.as_str());
    let sample = own.iter().chain(&KNOWN).fold(Variables::default(), |all, name| all.with(name, "5m"));
    let plain = template.fill(&sample)?;
    let query = Query::read(&plain)?;
    let uses = |template: &Template| PER_TRACK.iter().any(|name| template.uses(name));
    Ok(Signal {
        name: Arc::from(name.replace(char::is_whitespace, "_")),
        kind,
        expression: expression(template, kind, &plain, &query, own)?,
        fleet: None,
        traffic: None,
        limit,
        unit: unit_of(kind, name, plain.as_str(), limit.threshold),
        window: query.looks_back().unwrap_or(300),
        per_track: uses(template),
        gate: true,
        min_traffic: 0.0,
        lasting: 0,
        hysteresis: 0.0,
        origin,
    })
}

/// What is asked. A ratio of errors becomes bad and total where it is written as such and has no variables: then a service that never failed
/// has a ratio of 0, and not no data.
fn expression(template: &Template, kind: SignalKind, plain: &str, query: &Query, own: &[&str]) -> Result<Expression, String> {
    if kind == SignalKind::Errors
        && plain == template.as_str()
        && let Some((bad, total)) = query.quotient()
    {
        return Ok(Expression::Ratio { bad: Template::read(&bad, own)?, total: Template::read(&total, own)? });
    }
    Ok(Expression::Value(template.clone()))
}

/// Which of the golden signals a check is, by its name and else by what it asks.
fn kind_of(name: &str, query: &str) -> SignalKind {
    let name = name.to_ascii_lowercase();
    let named = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if named(&["p50", "p90", "p95", "p99", "latency", "duration"]) || query.trim_start().starts_with("histogram_quantile") {
        SignalKind::Latency
    } else if named(&["success", "availab"]) {
        SignalKind::Other
    } else if named(&["error", "fail", "5xx"]) {
        SignalKind::Errors
    } else if named(&["saturation", "cpu", "memory"]) {
        SignalKind::Saturation
    } else if named(&["rps", "traffic", "throughput"]) {
        SignalKind::Traffic
    } else {
        SignalKind::Other
    }
}

/// What a check counts, as far as its name, its query and its limit tell: better no unit than a wrong one. A request that may
/// take more than a minute is hardly counted in seconds, and no part of something is more than all of it.
fn unit_of(kind: SignalKind, name: &str, query: &str, threshold: f64) -> Unit {
    let says = |words: &[&str]| words.iter().any(|word| name.contains(word) || query.contains(word));
    let millis = says(&["milliseconds", "_ms_", "_ms{"]) || name.ends_with("_ms") || name.ends_with("-ms");
    match kind {
        SignalKind::Latency if millis => Unit::Milliseconds,
        SignalKind::Latency if threshold <= 60.0 => Unit::Seconds,
        SignalKind::Errors | SignalKind::Saturation if threshold <= 1.0 => Unit::Ratio,
        SignalKind::Other if (0.0..=1.0).contains(&threshold) && says(&["success", "availab"]) => Unit::Ratio,
        SignalKind::Traffic => Unit::PerSecond,
        _ => Unit::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_known_or_there_is_none() {
        use Unit::{Milliseconds, Plain, Ratio, Seconds};
        let units = [
            unit_of(SignalKind::Latency, "p95", "x_seconds_bucket", 1.5),
            unit_of(SignalKind::Latency, "p95", "x_duration_milliseconds_bucket", 500.0),
            unit_of(SignalKind::Latency, "p95_ms", "x", 5.0),
            unit_of(SignalKind::Latency, "p95", "1000 * x", 500.0),
            unit_of(SignalKind::Errors, "errors", "x / y", 0.01),
            unit_of(SignalKind::Errors, "errors", "100 * x / y", 5.0),
            unit_of(SignalKind::Other, "success-rate", "x / y", 0.99),
            unit_of(SignalKind::Other, "queue", "x", 0.5),
        ];
        assert_eq!(units, [Seconds, Milliseconds, Milliseconds, Plain, Ratio, Plain, Ratio, Plain]);
    }

    #[test]
    fn names_tell_the_kind() {
        let kinds = ["p95_latency", "error-rate", "success-rate", "cpu", "rps", "queue"].map(|name| kind_of(name, "x"));
        let expected = [
            SignalKind::Latency,
            SignalKind::Errors,
            SignalKind::Other,
            SignalKind::Saturation,
            SignalKind::Traffic,
            SignalKind::Other,
        ];
        assert_eq!(kinds, expected);
        assert_eq!(kind_of("slow", "histogram_quantile(0.9, x)"), SignalKind::Latency);
    }
}
