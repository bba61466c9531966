//! What a Canary asks before it goes on: hooks and metrics. The answers are those of the world's model; no network is
//! asked.

use serde_json::Value;

use super::spec::Spec;
use crate::demo::controller::model::{Model, last_part, names};

/// The highest HTTP status with which a hook agrees.
const AGREES: u16 = 202;
const CLOSED: u16 = 403;

/// The HTTP status that a hook answers.
fn answer(model: &Model, spec: &Spec, hook: &Value) -> u16 {
    let url = hook["url"].as_str().unwrap_or_default();
    let own = hook["name"].as_str().unwrap_or_default();
    // The gates of Flagger's load tester are closed until somebody opens them; one gate serves all hooks of a canary.
    let (name, otherwise) = if url.ends_with("/gate/check") {
        ("gate", CLOSED)
    } else if url.ends_with("/rollback/check") {
        ("rollback", CLOSED)
    } else if url.ends_with("/gate/halt") {
        ("halt", CLOSED)
    } else {
        (last_part(url), 200)
    };
    model.gate(&names(&spec.namespace, &spec.name, &[name, own])).unwrap_or(otherwise)
}

/// A hook agrees.
pub fn agrees(model: &Model, spec: &Spec, hook: &Value) -> bool {
    answer(model, spec, hook) <= AGREES
}

/// Why a check of the running analysis fails, if one does: the hooks of every tick, then the metrics.
pub fn complaint(model: &Model, spec: &Spec) -> Option<String> {
    let hooks = spec.hooks("rollout");
    let against = hooks.iter().find(|hook| !agrees(model, spec, hook));
    against.map(|hook| refusal(model, spec, hook)).or_else(|| spec.metrics.iter().find_map(|metric| misses(model, spec, metric)))
}

/// The sentence about a hook that does not agree.
pub fn refusal(model: &Model, spec: &Spec, hook: &Value) -> String {
    let name = hook["name"].as_str().unwrap_or_default();
    let url = hook["url"].as_str().unwrap_or_default();
    let attempts = hook["retries"].as_i64().unwrap_or(0) + 1;
    match answer(model, spec, hook) {
        500.. => format!("external check {name} failed POST {url} giving up after {attempts} attempt(s)"),
        CLOSED => format!("external check {name} failed Forbidden"),
        status => format!("external check {name} failed {status}"),
    }
}

/// The sentence about a metric that is not what it should be.
fn misses(model: &Model, spec: &Spec, metric: &Value) -> Option<String> {
    let name = metric["name"].as_str().unwrap_or_default();
    let success = name == "request-success-rate";
    let well = match name {
        "request-success-rate" => 99.9,
        "request-duration" => 180.0,
        _ => 0.0,
    };
    let value = model.metric(&names(&spec.namespace, &spec.name, &[name])).and_then(Value::as_f64).unwrap_or(well);
    let (range, plain) = (&metric["thresholdRange"], metric["threshold"].as_f64());
    let low = range["min"].as_f64().or(plain.filter(|_| success)).filter(|least| value < *least);
    let high = range["max"].as_f64().or(plain.filter(|_| !success)).filter(|most| value > *most);
    match (name, low, high) {
        (_, None, None) => None,
        ("request-success-rate", Some(least), _) => Some(format!("success rate {value:.2}% < {least}%")),
        ("request-duration", _, Some(most)) => Some(format!("request duration {value}ms > {most}ms")),
        (_, Some(least), _) => Some(format!("{name} {value:.2} < {least}")),
        (_, None, Some(most)) => Some(format!("{name} {value:.2} > {most}")),
    }
}
