//! From AnalysisTemplates to the spec of an AnalysisRun: metrics of all templates, and arguments with their values.

use serde_json::{Value, json};

use super::super::desk::Desk;
use super::super::rollout::Analysis;
use crate::demo::Resource;

/// A run that a rollout asks for.
pub struct Wanted<'a> {
    pub analysis: &'a Analysis,
    pub rollout: &'a Value,
    /// Hash of the stable revision.
    pub stable: &'a str,
    /// Hash of the newest revision.
    pub latest: &'a str,
}

/// The spec of a run.
pub fn run_spec(desk: &Desk<'_>, namespace: &str, wanted: &Wanted<'_>) -> Value {
    let templates: Vec<(String, bool)> =
        wanted.analysis.templates.iter().map(|template| (template.template_name.clone(), template.cluster_scope)).collect();
    let given: Vec<(String, String)> = wanted
        .analysis
        .args
        .iter()
        .filter_map(|arg| Some((arg["name"].as_str()?.to_owned(), argument(arg, wanted.rollout, wanted.stable, wanted.latest)?)))
        .collect();
    let mut spec = spec_of(desk, namespace, &templates, &given);
    for (key, own) in [("dryRun", &wanted.analysis.dry_run), ("measurementRetention", &wanted.analysis.measurement_retention)] {
        if let Some(own) = own {
            spec[key] = own.clone();
        }
    }
    spec
}

/// The spec of a run of some templates (name, cluster-wide) with the given arguments.
pub fn spec_of(desk: &Desk<'_>, namespace: &str, templates: &[(String, bool)], given: &[(String, String)]) -> Value {
    let mut metrics: Vec<Value> = Vec::new();
    let mut args: Vec<Value> = Vec::new();
    let mut dry: Vec<Value> = Vec::new();
    let mut kept: Vec<Value> = Vec::new();
    let mut open: Vec<(String, bool)> = templates.to_vec();
    let mut place = 0;
    // Templates may name further templates.
    while let Some((name, cluster)) = open.get(place).cloned() {
        place += 1;
        let found = if cluster {
            desk.get(Resource::ClusterAnalysisTemplate, "", &name)
        } else {
            desk.get(Resource::AnalysisTemplate, namespace, &name)
        };
        let Some(template) = found else { continue };
        let list = |key: &str| template["spec"][key].as_array().cloned().unwrap_or_default();
        metrics.extend(list("metrics"));
        dry.extend(list("dryRun"));
        kept.extend(list("measurementRetention"));
        for declared in list("args") {
            let name = declared["name"].as_str().unwrap_or_default();
            if args.iter().any(|arg| arg["name"] == name) {
                continue;
            }
            let mut arg = declared.clone();
            if let Some((_, value)) = given.iter().find(|(given, _)| given == name) {
                arg = json!({ "name": name, "value": value });
            }
            args.push(arg);
        }
        for further in list("templates") {
            let next = (further["templateName"].as_str().unwrap_or_default().to_owned(), further["clusterScope"] == true);
            if !open.contains(&next) {
                open.push(next);
            }
        }
    }
    let mut spec = json!({ "metrics": metrics });
    for (key, list) in [("args", args), ("dryRun", dry), ("measurementRetention", kept)] {
        if !list.is_empty() {
            spec[key] = list.into();
        }
    }
    spec
}

/// The value of an argument of a rollout; none if its source has none.
pub fn argument(arg: &Value, rollout: &Value, stable: &str, latest: &str) -> Option<String> {
    if let Some(value) = arg["value"].as_str() {
        return Some(value.to_owned());
    }
    match arg["valueFrom"]["podTemplateHashValue"].as_str() {
        Some("Stable") => return Some(stable.to_owned()),
        Some("Latest") => return Some(latest.to_owned()),
        _ => {}
    }
    let path = arg["valueFrom"]["fieldRef"]["fieldPath"].as_str()?;
    field(rollout, path)
}

/// A field of an object by its path (`metadata.labels['app']`, `status.stableRS`).
fn field(object: &Value, path: &str) -> Option<String> {
    let mut value = object;
    let path = path.replace("['", "\u{0}").replace("']", "");
    for part in path.split('.').flat_map(|part| part.split('\u{0}')).filter(|part| !part.is_empty()) {
        value = value.get(part)?;
    }
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

/// A text with the values of its placeholders; the name of the first argument that has none is the error.
pub fn fill(text: &str, args: &[Value]) -> Result<String, String> {
    let (mut filled, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, tail)) = after.split_once("}}") else { break };
        filled.push_str(before);
        let name = name.trim();
        let Some(argument) = name.strip_prefix("args.") else {
            filled.extend(["{{", name, "}}"]);
            rest = tail;
            continue;
        };
        let value = args.iter().find(|arg| arg["name"] == argument).and_then(|arg| {
            let secret = arg["valueFrom"]["secretKeyRef"]["key"].as_str().map(|_| "redacted".to_owned());
            arg["value"].as_str().map(str::to_owned).or(secret)
        });
        filled.push_str(&value.ok_or_else(|| format!("failed to resolve {{{{args.{argument}}}}}"))?);
        rest = tail;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_and_fields_find_their_values() {
        let args = [json!({ "name": "service", "value": "web" })];
        assert_eq!(fill("rate({{args.service}}) > {{ args.service }}", &args).as_deref(), Ok("rate(web) > web"));
        assert_eq!(fill("{{args.none}}", &args), Err("failed to resolve {{args.none}}".to_owned()));
        let rollout = json!({ "metadata": { "labels": { "app.io/name": "web" } }, "status": { "stableRS": "abc" } });
        let from = |path: &str| argument(&json!({ "valueFrom": { "fieldRef": { "fieldPath": path } } }), &rollout, "s", "l");
        assert_eq!((from("status.stableRS").as_deref(), from("status.nothing")), (Some("abc"), None));
    }
}
