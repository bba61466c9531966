//! Rules and alerts in the API's form.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Refusal;
use super::form::Form;
use super::query::metric;
use crate::demo::metrics::Snapshot;
use crate::demo::metrics::rules::{Alert, GROUPS, INTERVAL, Outcome, Rule, evaluated};
use crate::demo::promql::number::seconds;

/// `rules`: the groups, without those in which nothing is left of what was asked for.
pub fn rules(snapshot: &Snapshot, form: &Form) -> Result<Value, Refusal> {
    let wanted = match form.get("type") {
        None => None,
        Some(kind @ ("alert" | "record")) => Some(kind),
        Some(other) => return Err(Refusal::Kind("bad_data", format!("not supported value {other:?}"))),
    };
    let evaluation = at(evaluated(snapshot.now()));
    let mut groups = Vec::new();
    for group in GROUPS.iter() {
        let kind = |rule: &Rule| if matches!(rule.outcome, Outcome::Record) { "record" } else { "alert" };
        let fits = |rule: &&Rule| wanted.is_none_or(|wanted| wanted == kind(rule));
        let shown: Vec<Value> = group.rules.iter().filter(fits).map(|rule| one(snapshot, rule, &evaluation)).collect();
        if !shown.is_empty() {
            groups.push(json!({
                "name": group.name, "file": group.file, "rules": shown, "interval": seconds(INTERVAL), "limit": 0,
                "evaluationTime": 0.001, "lastEvaluation": evaluation,
            }));
        }
    }
    Ok(json!({ "groups": groups }))
}

/// `alerts`: those that are pending or firing.
pub fn alerts(snapshot: &Snapshot) -> Result<Value, Refusal> {
    let mut all = Vec::new();
    for rule in GROUPS.iter().flat_map(|group| &group.rules) {
        let alerts = rule.alerts(snapshot).map_err(|why| Refusal::Kind("execution", why))?;
        all.extend(alerts.iter().map(|alert| shown(rule, alert)));
    }
    Ok(json!({ "alerts": all }))
}

fn one(snapshot: &Snapshot, rule: &Rule, evaluation: &Value) -> Value {
    let labels: Map<String, Value> = rule.labels.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
    let mut shown_rule = json!({
        "name": rule.name, "query": rule.query, "labels": labels, "health": "ok", "evaluationTime": 0.0005,
        "lastEvaluation": evaluation,
    });
    let Outcome::Alert { lasting, summary } = &rule.outcome else {
        shown_rule["type"] = "recording".into();
        return shown_rule;
    };
    let alerts = match rule.alerts(snapshot) {
        Ok(alerts) => alerts,
        Err(why) => {
            shown_rule["health"] = "err".into();
            shown_rule["lastError"] = why.into();
            Vec::new()
        }
    };
    let state = match alerts.iter().map(|alert| alert.firing).max() {
        None => "inactive",
        Some(false) => "pending",
        Some(true) => "firing",
    };
    shown_rule["type"] = "alerting".into();
    shown_rule["state"] = state.into();
    shown_rule["duration"] = seconds(*lasting).into();
    shown_rule["keepFiringFor"] = 0.into();
    shown_rule["annotations"] = json!({ "summary": summary });
    shown_rule["alerts"] = alerts.iter().map(|alert| shown(rule, alert)).collect();
    shown_rule
}

fn shown(rule: &Rule, alert: &Alert) -> Value {
    let summary = if let Outcome::Alert { summary, .. } = &rule.outcome { summary.as_str() } else { "" };
    json!({
        "labels": metric(&alert.labels), "annotations": { "summary": summary },
        "state": if alert.firing { "firing" } else { "pending" }, "activeAt": at(alert.since), "value": exponent(alert.value),
    })
}

/// A value as alerts carry it: with an exponent of two digits at least.
fn exponent(value: f64) -> String {
    let text = format!("{value:e}");
    let Some((digits, power)) = text.split_once('e') else { return text };
    let (sign, power) = power.strip_prefix('-').map_or(("+", power), |power| ("-", power));
    format!("{digits}e{sign}{power:0>2}")
}

fn at(milliseconds: i64) -> Value {
    json!(Timestamp::from_millisecond(milliseconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_alerts_have_exponents() {
        assert_eq!([6.7, 0.034, -120.0].map(exponent), ["6.7e+00", "3.4e-02", "-1.2e+02"]);
    }
}
