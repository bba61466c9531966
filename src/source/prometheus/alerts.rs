//! Alerts and alerting rules of a metrics server, those that call somebody first.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::answer::{Rules, data};
use super::server::Server;
use super::trouble::Trouble;
use crate::config::secret::mask;
use crate::domain::signal::{Alert, AlertState, Alerts as Learned};
use crate::source::kube::fault::one_line;

/// Most alerts that are kept.
const MOST: usize = 1_000;
/// Longest answer, in bytes.
const LARGEST: usize = 16 << 20;
/// What there is to say of a server that has neither rules nor alerts.
const NOWHERE: &str = "this server has no API for alerts; vmalert, or the ruler of Thanos or Mimir, has one";

type Pairs = BTreeMap<Box<str>, Box<str>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    #[serde(default)]
    name: Box<str>,
    #[serde(default, rename = "type")]
    kind: Box<str>,
    #[serde(default)]
    query: Box<str>,
    #[serde(default)]
    labels: Pairs,
    #[serde(default)]
    annotations: Pairs,
    #[serde(default)]
    alerts: Option<Vec<Active>>,
    #[serde(default)]
    health: Box<str>,
    #[serde(default)]
    last_error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Active {
    #[serde(default)]
    labels: Pairs,
    #[serde(default)]
    annotations: Pairs,
    #[serde(default)]
    state: Box<str>,
    #[serde(default)]
    active_at: Option<String>,
}

#[derive(Deserialize)]
struct Alerts {
    #[serde(default)]
    alerts: Vec<Active>,
}

/// All alerts, or some with a warning. That the server has none of the endpoints is an error: whether anything fires is then not known.
pub async fn read(server: &Server) -> Result<Learned, Trouble> {
    let skew = server.skew().unwrap_or_default();
    match server.get("/api/v1/rules", &[("type", "alert".to_owned())], LARGEST).await {
        Ok(reply) => {
            let (rules, notes): (Rules<Rule>, _) = data(&reply.body)?;
            let alerts = rules.all().flat_map(|rule| of_rule(rule, skew));
            return Ok(learned(sorted(alerts), notes));
        }
        Err(Trouble::Missing(_) | Trouble::Refused(_)) => {}
        Err(trouble) => return Err(trouble),
    }
    match server.get("/api/v1/alerts", &[], LARGEST).await {
        Ok(reply) => {
            let (found, notes): (Alerts, _) = data(&reply.body)?;
            Ok(learned(sorted(found.alerts.into_iter().map(|active| alert(active, skew))), notes))
        }
        Err(Trouble::Missing(_)) => Err(Trouble::Missing(NOWHERE.into())),
        Err(trouble) => Err(trouble),
    }
}

fn learned(alerts: Vec<Alert>, notes: Vec<Box<str>>) -> Learned {
    match notes.into_iter().next() {
        Some(note) => Learned::Partly(alerts.into(), note),
        None => Learned::Read(alerts.into()),
    }
}

fn sorted(alerts: impl Iterator<Item = Alert>) -> Vec<Alert> {
    let mut all: Vec<Alert> = alerts.take(10 * MOST).collect();
    all.sort_by(|one, other| (one.state, &one.name, &one.labels).cmp(&(other.state, &other.name, &other.labels)));
    all.truncate(MOST);
    all
}

/// What a rule says: each alert that it raises, or itself if there is none.
fn of_rule(rule: Rule, skew: SignedDuration) -> Vec<Alert> {
    if !rule.kind.is_empty() && &*rule.kind != "alerting" {
        return Vec::new();
    }
    let problem = (&*rule.health == "err").then(|| {
        let said = rule.last_error.as_deref().unwrap_or("it cannot be evaluated");
        Box::<str>::from(one_line(&mask(said)))
    });
    let raised = rule.alerts.unwrap_or_default();
    if raised.is_empty() {
        let resting = Alert {
            name: one_line(&rule.name).into(),
            state: AlertState::Inactive,
            since: None,
            labels: pairs(rule.labels),
            summary: summary(&rule.annotations),
            query: rule.query,
            problem,
        };
        return vec![resting];
    }
    let raised = raised.into_iter().map(|active| {
        let alert = alert(active, skew);
        let name = if alert.name.is_empty() { one_line(&rule.name).into() } else { alert.name };
        Alert { name, query: rule.query.clone(), problem: problem.clone(), ..alert }
    });
    raised.collect()
}

fn alert(mut active: Active, skew: SignedDuration) -> Alert {
    let name = active.labels.remove("alertname").map_or_else(Box::default, |name| one_line(&name).into());
    let since = active.active_at.and_then(|at| at.parse::<Timestamp>().ok()).and_then(|at| at.checked_sub(skew).ok());
    let state = match &*active.state {
        "firing" => AlertState::Firing,
        "pending" => AlertState::Pending,
        _ => AlertState::Inactive,
    };
    let summary = summary(&active.annotations);
    Alert { name, state, since, labels: pairs(active.labels), summary, query: Box::default(), problem: None }
}

fn summary(annotations: &Pairs) -> Option<Box<str>> {
    let said =
        ["summary", "description", "message"].into_iter().find_map(|name| annotations.get(name).filter(|text| !text.is_empty()));
    said.map(|text| one_line(&mask(text)).into())
}

fn pairs(labels: Pairs) -> Vec<(Box<str>, Box<str>)> {
    labels.into_iter().map(|(name, value)| (one_line(&name).into(), one_line(&value).into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_call_somebody_come_first() {
        let rules = r#"{"groups":[{"rules":[
            {"type":"recording","name":"x","query":"y"},
            {"type":"alerting","name":"Quiet","query":"up == 0","labels":{"severity":"page"},"annotations":{"summary":"down"},"alerts":[],"health":"ok"},
            {"type":"alerting","name":"Burn","query":"burn > 14","health":"err","lastError":"vector\nmismatch","alerts":[
                {"labels":{"alertname":"Burn","service":"web"},"state":"pending","activeAt":"2026-11-24T01:22:23.5Z"},
                {"labels":{"alertname":"Burn","service":"api"},"state":"firing","activeAt":"never","annotations":{"description":"hot"}}]}]}]}"#;
        let rules: Rules<Rule> = serde_json::from_str(rules).unwrap();
        let all = sorted(rules.all().flat_map(|rule| of_rule(rule, SignedDuration::from_secs(60))));
        let shown: Vec<_> = all.iter().map(|alert| (&*alert.name, alert.state, alert.summary.as_deref())).collect();
        assert_eq!(
            shown,
            [
                ("Burn", AlertState::Firing, Some("hot")),
                ("Burn", AlertState::Pending, None),
                ("Quiet", AlertState::Inactive, Some("down"))
            ]
        );
        assert_eq!((all[0].problem.as_deref(), all[0].since), (Some("vector mismatch"), None));
        assert_eq!(all[1].since.unwrap().to_string(), "2026-11-24T01:21:23.5Z");
        assert_eq!((&*all[1].query, all[1].labels.len()), ("burn > 14", 1));
    }
}
