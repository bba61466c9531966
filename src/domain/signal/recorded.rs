//! Recording rules of a metrics server as signals of the service in whose name they are written: `gateway:duration_p95`. They tell of all its
//! versions together and nobody says what is too much: they are shown, and judge nothing.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Comparator, Expression, Limit, Origin, Query, Signal, SignalKind, Template, Unit};

/// A signal that a rule records.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The service, as it stands before the colon: see [`Recorded::service_of`].
    pub service: Box<str>,
    /// What is shown.
    pub signal: Signal,
}

impl Recorded {
    /// Reads a rule by its name and, where that leaves it open, by its query. None if its name does not say of which service it tells, and what.
    pub fn of(name: &str, query: &str) -> Option<Self> {
        let (service, what) = name.split_once(':')?;
        let (label, kind, unit) = meaning(what, query)?;
        let signal = Signal {
            name: Arc::from(label),
            kind,
            expression: Expression::Value(Template::written(name)),
            fleet: None,
            traffic: None,
            limit: Limit { comparator: Comparator::AtLeast, threshold: 0.0 },
            unit,
            window: 300,
            per_track: false,
            gate: false,
            min_traffic: 0.0,
            lasting: 0,
            hysteresis: 0.0,
            origin: Origin::Recorded(name.into()),
        };
        Some(Self { service: Self::service_of(service).into(), signal })
    }

    /// How rules write the name of a service: metrics cannot be called `api-gateway`, theirs is `api_gateway`.
    pub fn service_of(name: &str) -> Cow<'_, str> {
        if name.contains('-') { name.replace('-', "_").into() } else { name.into() }
    }
}

/// What stands behind the colon: a name, a kind and a unit.
fn meaning(what: &str, query: &str) -> Option<(String, SignalKind, Unit)> {
    let begins = |words: &[&str]| words.iter().any(|word| what.starts_with(word));
    for latency in ["duration_p", "latency_p"] {
        let Some(rest) = what.strip_prefix(latency) else { continue };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let unit = if rest.contains("_ms") || rest.contains("_milliseconds") { Unit::Milliseconds } else { Unit::Seconds };
        return (!digits.is_empty()).then(|| (format!("p{digits}"), SignalKind::Latency, unit));
    }
    let errors = |unit| Some(("errors".to_owned(), SignalKind::Errors, unit));
    if begins(&["err_ratio", "error_ratio", "errors_ratio"]) {
        return errors(Unit::Ratio);
    }
    if begins(&["err_rate", "error_rate", "errors_rate"]) {
        // Some call the failures a second so, and some the part of the requests that fails.
        let is_ratio = Query::read(query).is_ok_and(|query| query.quotient().is_some());
        return errors(if is_ratio { Unit::Ratio } else { Unit::PerSecond });
    }
    begins(&["req_rate", "request_rate", "requests_rate"]).then(|| ("traffic".to_owned(), SignalKind::Traffic, Unit::PerSecond))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, query: &str) -> Option<(String, SignalKind, Unit)> {
        Recorded::of(name, query).map(|one| (one.signal.name.to_string(), one.signal.kind, one.signal.unit))
    }

    #[test]
    fn a_rule_is_read_by_its_name() {
        let said = |name: &str, kind, unit| Some((name.to_owned(), kind, unit));
        assert_eq!(read("gateway:duration_p95", "x"), said("p95", SignalKind::Latency, Unit::Seconds));
        assert_eq!(read("gateway:latency_p99_ms", "x"), said("p99", SignalKind::Latency, Unit::Milliseconds));
        assert_eq!(read("gateway:err_rate", "sum(rate(x[1m]))"), said("errors", SignalKind::Errors, Unit::PerSecond));
        assert_eq!(read("gateway:error_rate", "sum(bad) / sum(all)"), said("errors", SignalKind::Errors, Unit::Ratio));
        assert_eq!(read("gateway:req_rate", "x"), said("traffic", SignalKind::Traffic, Unit::PerSecond));
        for name in ["up", "gateway:duration_px", "job:http_request_error_rate:ratio_rate5m", "slo:objective:ratio"] {
            assert_eq!(read(name, "x"), None, "{name}");
        }
    }

    #[test]
    fn it_judges_nothing_and_is_of_one_service() {
        let one = Recorded::of("api_gateway:duration_p95", "x").unwrap();
        assert!(!one.signal.gate && !one.signal.per_track && one.signal.limit.is_open());
        let is_of = |name| *one.service == *Recorded::service_of(name);
        assert!(is_of("api-gateway") && is_of("api_gateway") && !is_of("gateway"));
    }
}
