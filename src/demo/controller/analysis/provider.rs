//! Where a metric's value comes from: the world's model, whatever provider the metric names. Unset metrics are those of a
//! service that is well. No network is asked, ever.

use serde_json::{Value, json};

use super::super::model::{Model, last_part, names};

/// What a provider returned.
pub enum Answer {
    /// A value for the conditions to judge.
    Value(Value),
    /// A job that has ended: well or badly.
    Job(bool),
    /// The provider could not answer.
    Trouble(String),
}

/// Asks for a metric of a run; `owner` is the rollout (or experiment) that it is about.
pub fn ask(model: &Model, namespace: &str, owner: &str, metric: &Value) -> Answer {
    let name = metric["name"].as_str().unwrap_or_default();
    let provider = &metric["provider"];
    let url = provider["web"]["url"].as_str().unwrap_or_default();
    let known = model.metric(&names(namespace, owner, &[last_part(url), name])).cloned();
    if let Some(trouble) = known.as_ref().and_then(|value| value["error"].as_str()) {
        return Answer::Trouble(trouble.to_owned());
    }
    if provider.get("job").is_some_and(|job| !job.is_null()) {
        let failed = known.is_some_and(|value| value == "failed" || value == false || value == 0);
        return Answer::Job(!failed);
    }
    let value = known.unwrap_or_else(|| healthy(name));
    let vector = provider.get("prometheus").is_some_and(|prometheus| !prometheus.is_null());
    // An instant query answers with a vector of one sample, if not told otherwise.
    Answer::Value(if vector && value.is_number() { json!([value]) } else { value })
}

/// What the metric of a healthy service says, by its name.
fn healthy(name: &str) -> Value {
    let name = name.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if says(&["success", "availab", "apdex", "uptime"]) {
        json!(0.998)
    } else if says(&["latency", "duration", "p9", "p50", "seconds"]) {
        json!(0.18)
    } else {
        json!(0.01)
    }
}

/// A value as measurements show it.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
