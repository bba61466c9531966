//! What stands in the cells of tables: ages, counts and states in kubectl's words. No column knows another.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::duration;

/// How long ago a time was.
pub fn age(since: &Value, now: Timestamp) -> Value {
    time(since).map_or("<unknown>".into(), |since| duration::age(now.duration_since(since).as_secs()).into())
}

/// A time of an object.
pub fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// `ready/all` of a pod.
pub fn ready_containers(pod: &Value) -> Value {
    let statuses = pod["status"]["containerStatuses"].as_array();
    let ready = statuses.into_iter().flatten().filter(|status| status["ready"] == true).count();
    format!("{ready}/{}", pod["spec"]["containers"].as_array().map_or(0, Vec::len)).into()
}

/// What ails a pod, else its phase.
pub fn pod_status(pod: &Value) -> Value {
    if pod["metadata"]["deletionTimestamp"].is_string() {
        return "Terminating".into();
    }
    let reason = |status: &Value| {
        let state = &status["state"];
        state["waiting"]["reason"].as_str().or_else(|| state["terminated"]["reason"].as_str()).map(str::to_owned)
    };
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    let own = pod["status"]["reason"].as_str().or_else(|| pod["status"]["phase"].as_str()).unwrap_or("Unknown");
    statuses.filter_map(reason).next_back().unwrap_or_else(|| own.to_owned()).into()
}

/// How often a pod's containers restarted.
pub fn restarts(pod: &Value) -> i64 {
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    statuses.map(|status| count(&status["restartCount"])).sum()
}

/// How far a job is.
pub fn job_status(job: &Value) -> &'static str {
    let conditions = job["status"]["conditions"].as_array();
    let is = |kind: &str| conditions.into_iter().flatten().any(|c| c["type"] == kind && c["status"] == "True");
    if is("Complete") {
        "Complete"
    } else if is("Failed") {
        "Failed"
    } else {
        "Running"
    }
}

/// One text of each container of a template.
pub fn containers(object: &Value, key: &str) -> Value {
    let containers = object["spec"]["template"]["spec"]["containers"].as_array().into_iter().flatten();
    joined(containers.filter_map(|container| container[key].as_str().map(str::to_owned)), "<none>")
}

/// Ports of a service.
pub fn ports(ports: &Value) -> Value {
    let port = |port: &Value| format!("{}/{}", port["port"], port["protocol"].as_str().unwrap_or("TCP"));
    joined(ports.as_array().into_iter().flatten().map(port), "<none>")
}

/// `key=value` of a map.
pub fn pairs(map: &Value) -> Value {
    let pair = |(key, value): (&String, &Value)| format!("{key}={}", value.as_str().unwrap_or_default());
    joined(map.as_object().into_iter().flatten().map(pair), "<none>")
}

/// Texts with commas between.
pub fn joined(parts: impl Iterator<Item = String>, none: &str) -> Value {
    let all: Vec<String> = parts.collect();
    if all.is_empty() { none.into() } else { all.join(",").into() }
}

/// How many entries a map or list has.
pub fn size(map: &Value) -> Value {
    map.as_object().map_or_else(|| map.as_array().map_or(0, Vec::len), serde_json::Map::len).into()
}

/// A number, 0 if it is not there.
pub fn count(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

/// A text, `<none>` if it is not there.
pub fn or_none(value: &Value) -> Value {
    value.as_str().filter(|text| !text.is_empty()).unwrap_or("<none>").into()
}

/// Anything as text.
pub fn written(value: &Value) -> Value {
    match value {
        Value::Null | Value::String(_) => value.clone(),
        other => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_kubectl_prints_them() {
        let cases = [
            (-5, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (11_100, "3h5m"),
            (28_800, "8h"),
            (172_800, "2d"),
            (180_000, "2d2h"),
            (691_200, "8d"),
            (63_072_000, "2y"),
            (63_158_400, "2y1d"),
        ];
        for (seconds, text) in cases {
            assert_eq!(duration::age(seconds), text);
        }
    }
}
