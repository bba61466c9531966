//! Which alerts concern a release. A label that names another one rules it out; an alert that names none concerns it if its query does.

use super::Metrics;
use crate::domain::id::Key;
use crate::domain::signal::Alert;

/// Labels that say which namespace.
const NAMESPACES: [&str; 4] = ["namespace", "exported_namespace", "kubernetes_namespace", "destination_workload_namespace"];
/// Labels that say which service or workload.
const NAMES: [&str; 14] = [
    "rollout",
    "service",
    "job",
    "app",
    "app_kubernetes_io_name",
    "deployment",
    "workload",
    "service_name",
    "exported_service",
    "exported_job",
    "sloth_service",
    "destination_service_name",
    "destination_workload",
    "canary",
];
/// What stands behind a service's name where each track has a Service or a workload of its own.
const TRACKS: [&str; 3] = ["-canary", "-stable", "-primary"];

impl Metrics {
    /// Alerts and alerting rules that concern a release: firing first, then pending, then those that are well; within that by name.
    pub fn alerts_of(&self, key: &Key) -> Vec<&Alert> {
        let names = [&*key.name, self.definitions.query_name(key)];
        let mut alerts: Vec<_> = self.alerts.iter().filter(|alert| concerns(alert, &key.namespace, &names)).collect();
        alerts.sort_by(|a, b| (a.state, &a.name).cmp(&(b.state, &b.name)));
        alerts
    }
}

/// Whether an alert concerns a service that has one of these names.
fn concerns(alert: &Alert, namespace: &str, names: &[&str]) -> bool {
    let labels =
        |wanted: &'static [&str]| alert.labels.iter().filter(|(label, _)| wanted.contains(&&**label)).map(|(_, value)| &**value);
    if labels(&NAMESPACES).any(|other| other != namespace) {
        return false;
    }
    let is_ours = |value: &str| {
        let base = TRACKS.iter().find_map(|track| value.strip_suffix(track)).unwrap_or(value);
        names.iter().any(|name| value == *name || base == *name)
    };
    let mut said = labels(&NAMES).peekable();
    if said.peek().is_some() {
        return said.any(is_ours);
    }
    names.iter().any(|name| alert.query.contains(&format!("\"{name}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signal::AlertState;

    fn alert(labels: &[(&str, &str)], query: &str) -> Alert {
        let labels = labels.iter().map(|(label, value)| ((*label).into(), (*value).into())).collect();
        Alert {
            name: "A".into(),
            state: AlertState::Firing,
            since: None,
            labels,
            summary: None,
            query: query.into(),
            problem: None,
        }
    }

    #[test]
    fn alerts_are_told_by_labels_else_by_their_query() {
        let ours = |labels: &[(&str, &str)], query| concerns(&alert(labels, query), "shop", &["gateway", "gw"]);
        assert!(ours(&[("job", "gateway")], "") && ours(&[("service", "gw"), ("namespace", "shop")], ""));
        assert!(ours(&[("service", "gateway-canary")], "") && ours(&[("deployment", "gateway-primary")], ""));
        assert!(!ours(&[("job", "web")], "up{job=\"gateway\"}") && !ours(&[("job", "gateway"), ("namespace", "other")], ""));
        assert!(ours(&[("severity", "critical")], "sum(rate(x{job=\"gateway\"}[5m])) > 1"));
        assert!(!ours(&[("severity", "critical")], "sum(rate(x{job=\"gateway-api\"}[5m])) > 1"));
    }
}
