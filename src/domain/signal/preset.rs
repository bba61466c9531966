//! Signals for the usual ways in which services are measured, so that most need no query of their own. Plain data: the limits are those of
//! the canary checks that teams start from, and each can be laid over.

use std::sync::Arc;

use super::{Comparator, Expression, Limit, Origin, Signal, SignalKind, Template, Unit};

/// Names of all presets.
pub const PRESETS: [&str; 5] = ["otel", "classic", "istio", "nginx", "linkerd"];

/// What a preset says of its metrics, as PromQL between the lines of [`signals`].
struct Scheme {
    /// Requests of one track a second.
    total: String,
    /// Failed ones.
    bad: String,
    /// The 95th percentile of their time.
    p95: String,
    /// The same of all rollouts, grouped.
    fleet_total: String,
    fleet_bad: String,
    fleet_p95: String,
    /// What the time counts, and its limit.
    unit: Unit,
    limit: f64,
}

/// The signals of a preset; None if there is none of this name. `labels` are those by which grouped queries tell namespace, rollout and
/// track.
pub fn preset(name: &str, labels: [&str; 3]) -> Option<Vec<Signal>> {
    let scheme = match name {
        "otel" => otel(labels),
        "classic" => classic(labels),
        "istio" => istio(labels),
        "nginx" => nginx(labels),
        "linkerd" => linkerd(labels),
        _ => return None,
    };
    Some(signals(name, scheme, labels))
}

fn signals(preset: &str, scheme: Scheme, labels: [&str; 3]) -> Vec<Signal> {
    let [pods, all_pods] = saturation(labels);
    let written = Template::written;
    let below = |threshold| Limit { comparator: Comparator::Less, threshold };
    let signal = |name: &str, kind, expression, fleet, limit, unit| Signal {
        name: Arc::from(name),
        kind,
        expression,
        fleet: Some(fleet),
        traffic: None,
        limit,
        unit,
        window: 300,
        per_track: true,
        gate: kind != SignalKind::Traffic,
        min_traffic: 0.0,
        lasting: 0,
        hysteresis: 0.0,
        origin: Origin::Preset(preset.into()),
    };
    let value = |query: &str| Expression::Value(written(query));
    let ratio = |bad: &str, total: &str| Expression::Ratio { bad: written(bad), total: written(total) };
    let errors = ratio(&scheme.bad, &scheme.total);
    let fleet_errors = ratio(&scheme.fleet_bad, &scheme.fleet_total);
    let always = Limit { comparator: Comparator::AtLeast, threshold: 0.0 };
    let (p95, all_p95) = (value(&scheme.p95), value(&scheme.fleet_p95));
    let (total, all_total) = (value(&scheme.total), value(&scheme.fleet_total));
    vec![
        signal("p95", SignalKind::Latency, p95, all_p95, below(scheme.limit), scheme.unit),
        signal("errors", SignalKind::Errors, errors, fleet_errors, below(0.01), Unit::Ratio),
        signal("saturation", SignalKind::Saturation, value(&pods), value(&all_pods), below(0.8), Unit::Ratio),
        signal("traffic", SignalKind::Traffic, total, all_total, always, Unit::PerSecond),
    ]
}

/// What one track asks for by the labels that a scrape gives.
const POD: &str = r#"namespace="{{namespace}}",job="{{service}}",rollouts_pod_template_hash="{{pod_hash}}""#;

/// OpenTelemetry's HTTP server metrics, with seconds.
fn otel(labels: [&str; 3]) -> Scheme {
    let (count, bucket) = ("http_server_request_duration_seconds_count", "http_server_request_duration_seconds_bucket");
    let failed = r#"http_response_status_code=~"5..""#;
    let by = labels.join(", ");
    Scheme {
        total: format!("sum(rate({count}{{{POD}}}[{{{{window}}}}]))"),
        bad: format!("sum(rate({count}{{{POD},{failed}}}[{{{{window}}}}]))"),
        p95: format!("histogram_quantile(0.95, sum by (le) (rate({bucket}{{{POD}}}[{{{{window}}}}])))"),
        fleet_total: format!("sum by ({by}) (rate({count}[{{{{window}}}}]))"),
        fleet_bad: format!("sum by ({by}) (rate({count}{{{failed}}}[{{{{window}}}}]))"),
        fleet_p95: format!("histogram_quantile(0.95, sum by ({by}, le) (rate({bucket}[{{{{window}}}}])))"),
        unit: Unit::Seconds,
        limit: 1.5,
    }
}

/// The names that instrumented services mostly use. Some say `code`, some `status`: a series that says both counts once.
fn classic(labels: [&str; 3]) -> Scheme {
    let (count, bucket) = ("http_requests_total", "http_request_duration_seconds_bucket");
    let failed = |others: &str| {
        let one = |label: &str| format!("rate({count}{{{others}{label}=~\"5..\"}}[{{{{window}}}}])");
        format!("{} or {}", one("code"), one("status"))
    };
    let by = labels.join(", ");
    Scheme {
        total: format!("sum(rate({count}{{{POD}}}[{{{{window}}}}]))"),
        bad: format!("sum({})", failed(&format!("{POD},"))),
        p95: format!("histogram_quantile(0.95, sum by (le) (rate({bucket}{{{POD}}}[{{{{window}}}}])))"),
        fleet_total: format!("sum by ({by}) (rate({count}[{{{{window}}}}]))"),
        fleet_bad: format!("sum by ({by}) ({})", failed("")),
        fleet_p95: format!("histogram_quantile(0.95, sum by ({by}, le) (rate({bucket}[{{{{window}}}}])))"),
        unit: Unit::Seconds,
        limit: 1.5,
    }
}

/// Istio's proxies, as the server's side reports; a track is its own Service.
fn istio(labels: [&str; 3]) -> Scheme {
    let (count, bucket) = ("istio_requests_total", "istio_request_duration_milliseconds_bucket");
    let failed = r#"response_code=~"5..""#;
    let server = r#"reporter="destination""#;
    let track =
        r#"destination_workload_namespace="{{namespace}}",destination_service_name="{{track_service}}",reporter="destination""#;
    let by = ["destination_workload_namespace", "destination_service_name"];
    let all = |query: String| by_service(&query, by, labels);
    let by = by.join(", ");
    Scheme {
        total: format!("sum(rate({count}{{{track}}}[{{{{window}}}}]))"),
        bad: format!("sum(rate({count}{{{track},{failed}}}[{{{{window}}}}]))"),
        p95: format!("histogram_quantile(0.95, sum by (le) (rate({bucket}{{{track}}}[{{{{window}}}}])))"),
        fleet_total: all(format!("sum by ({by}) (rate({count}{{{server}}}[{{{{window}}}}]))")),
        fleet_bad: all(format!("sum by ({by}) (rate({count}{{{server},{failed}}}[{{{{window}}}}]))")),
        fleet_p95: all(format!("histogram_quantile(0.95, sum by ({by}, le) (rate({bucket}{{{server}}}[{{{{window}}}}])))")),
        unit: Unit::Milliseconds,
        limit: 1500.0,
    }
}

/// The nginx ingress controller; a track is its own Service. Depending on how it is scraped, the namespace is `exported_namespace`.
fn nginx(labels: [&str; 3]) -> Scheme {
    let (count, bucket) = ("nginx_ingress_controller_requests", "nginx_ingress_controller_request_duration_seconds_bucket");
    let track = |metric: &str, more: &str| {
        let one = |label: &str| {
            format!("rate({metric}{{{label}=\"{{{{namespace}}}}\",service=\"{{{{track_service}}}}\"{more}}}[{{{{window}}}}])")
        };
        format!("{} or {}", one("exported_namespace"), one("namespace"))
    };
    // Where there is an exported namespace, it is the one that counts.
    let everywhere = |metric: &str, more: &str| {
        let exported = format!("rate({metric}{{exported_namespace!=\"\"{more}}}[{{{{window}}}}])");
        let moved = format!("label_replace({exported}, \"namespace\", \"$1\", \"exported_namespace\", \"(.*)\")");
        format!("{moved} or rate({metric}{{exported_namespace=\"\"{more}}}[{{{{window}}}}])")
    };
    let failed = r#",status=~"5..""#;
    let by = ["namespace", "service"];
    let all = |query: String| by_service(&query, by, labels);
    let by = by.join(", ");
    Scheme {
        total: format!("sum({})", track(count, "")),
        bad: format!("sum({})", track(count, failed)),
        p95: format!("histogram_quantile(0.95, sum by (le) ({}))", track(bucket, "")),
        fleet_total: all(format!("sum by ({by}) ({})", everywhere(count, ""))),
        fleet_bad: all(format!("sum by ({by}) ({})", everywhere(count, failed))),
        fleet_p95: all(format!("histogram_quantile(0.95, sum by ({by}, le) ({}))", everywhere(bucket, ""))),
        unit: Unit::Seconds,
        limit: 1.5,
    }
}

/// Linkerd's proxies; a track is its own Deployment.
fn linkerd(labels: [&str; 3]) -> Scheme {
    let (count, bucket) = ("response_total", "response_latency_ms_bucket");
    let failed = r#"classification="failure""#;
    let inbound = r#"direction="inbound""#;
    let track = r#"namespace="{{namespace}}",deployment="{{workload}}",direction="inbound""#;
    let by = ["namespace", "deployment"];
    let all = |query: String| by_service(&query, by, labels);
    let by = by.join(", ");
    Scheme {
        total: format!("sum(rate({count}{{{track}}}[{{{{window}}}}]))"),
        bad: format!("sum(rate({count}{{{track},{failed}}}[{{{{window}}}}]))"),
        p95: format!("histogram_quantile(0.95, sum by (le) (rate({bucket}{{{track}}}[{{{{window}}}}])))"),
        fleet_total: all(format!("sum by ({by}) (rate({count}{{{inbound}}}[{{{{window}}}}]))")),
        fleet_bad: all(format!("sum by ({by}) (rate({count}{{{inbound},{failed}}}[{{{{window}}}}]))")),
        fleet_p95: all(format!("histogram_quantile(0.95, sum by ({by}, le) (rate({bucket}{{{inbound}}}[{{{{window}}}}])))")),
        unit: Unit::Milliseconds,
        limit: 1500.0,
    }
}

/// How full the fullest pod is: processor time used through what its limit allows. Containers are told from the sum that cAdvisor says
/// of the whole pod beside them. In a grouped query the rollout is read from the pod's name.
fn saturation(labels: [&str; 3]) -> [String; 2] {
    let (used, limit) = ("container_cpu_usage_seconds_total", "kube_pod_container_resource_limits");
    let pods = r#"namespace="{{namespace}}",pod=~"{{workload}}-{{pod_hash}}-.+""#;
    let containers = r#"container!="",container!="POD""#;
    let processor = r#"resource="cpu""#;
    let [namespace, rollout, track] = labels;
    let by = format!("{namespace}, pod, {track}");
    let all = format!("sum by ({by}) (rate({used}{{{containers}}}[{{{{window}}}}])) / sum by ({by}) ({limit}{{{processor}}})");
    let named = format!("label_replace({all}, \"{rollout}\", \"$1\", \"pod\", \"(.+)-[0-9a-z]+-[0-9a-z]+\")");
    [
        format!(
            "max(sum by (pod) (rate({used}{{{pods},{containers}}}[{{{{window}}}}])) / sum by (pod) ({limit}{{{pods},{processor}}}))"
        ),
        format!("max by ({namespace}, {rollout}, {track}) ({named})"),
    ]
}

/// A grouped query that tells rollouts by their Services: what stands before `-canary`, `-stable` or `-primary` is the rollout, and that
/// ending is the track.
fn by_service(query: &str, from: [&str; 2], to: [&str; 3]) -> String {
    let [namespace, service] = from;
    let mut query = query.to_owned();
    let mut relabel = |label: &str, taken: &str, source: &str, pattern: &str| {
        query = format!("label_replace({query}, \"{label}\", \"{taken}\", \"{source}\", \"{pattern}\")");
    };
    let [to_namespace, rollout, track] = to;
    if to_namespace != namespace {
        relabel(to_namespace, "$1", namespace, "(.*)");
    }
    relabel(track, "$1", service, ".+-(canary|stable|primary)");
    relabel(rollout, "$1", service, "(.+?)(-canary|-stable|-primary)?");
    query
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signal::{Query, Variables};

    const LABELS: [&str; 3] = ["namespace", "job", "track"];

    fn all_templates(signal: &Signal) -> Vec<Template> {
        let of = |expression: &Expression| match expression {
            Expression::Value(query) => vec![query.clone()],
            Expression::Ratio { bad, total } => vec![bad.clone(), total.clone()],
        };
        let mut all = of(&signal.expression);
        all.extend(signal.fleet.iter().flat_map(of));
        all
    }

    #[test]
    fn every_query_is_promql_with_known_variables() {
        let variables = ["service", "namespace", "pod_hash", "workload", "track_service"]
            .into_iter()
            .fold(Variables::default().with("window", "5m"), |variables, name| variables.with(name, "web"));
        for name in PRESETS {
            let signals = preset(name, LABELS).unwrap();
            assert_eq!(signals.iter().map(|signal| &*signal.name).collect::<Vec<_>>(), ["p95", "errors", "saturation", "traffic"]);
            for template in signals.iter().flat_map(all_templates) {
                Template::read(template.as_str(), &[]).unwrap();
                let filled = template.fill(&variables).unwrap();
                Query::read(&filled).unwrap_or_else(|error| panic!("{name}: {filled}: {error}"));
            }
        }
        assert_eq!(preset("otle", LABELS), None);
    }

    #[test]
    fn grouped_queries_need_no_variable_but_the_window() {
        for signal in PRESETS.iter().flat_map(|name| preset(name, ["ns", "app", "kind"]).unwrap()) {
            for template in all_templates(&Signal { expression: signal.fleet.clone().unwrap(), fleet: None, ..signal.clone() }) {
                let filled = template.fill(&Variables::default().with("window", "5m")).unwrap();
                assert!(filled.contains("app") && filled.contains("kind"), "{filled}");
            }
        }
    }

    #[test]
    fn the_first_preset_asks_as_teams_do() {
        let [p95, errors, ..] = &*preset("otel", LABELS).unwrap() else { panic!() };
        let Expression::Value(query) = &p95.expression else { panic!() };
        assert_eq!(
            query.as_str(),
            "histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket{namespace=\"{{namespace}}\",\
             job=\"{{service}}\",rollouts_pod_template_hash=\"{{pod_hash}}\"}[{{window}}])))"
        );
        assert_eq!((p95.limit.threshold, errors.limit.threshold, errors.gate), (1.5, 0.01, true));
    }
}
