//! Signals from AnalysisTemplates: what the controller itself will judge by, as far as it asks Prometheus and its conditions are plain limits. What
//! is not understood is said, and never guessed. They stop no promotion: the controller does that by itself.

use regex::Regex;
use serde_json::Value;

use super::{Comparator, Limit, Origin, Signal, Template, imported};

/// What one template says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Understood {
    /// Its metrics as signals.
    pub signals: Vec<Signal>,
    /// What was not understood, each in one line that names the metric.
    pub odd: Vec<Box<str>>,
}

/// A template that a rollout names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Whether it is a ClusterAnalysisTemplate.
    pub cluster: bool,
    /// Arguments that the rollout gives it, as typed.
    pub arguments: Vec<Value>,
}

/// The templates that a Rollout names, as the API has it; each once, with the arguments of its first mention.
pub fn named(rollout: &Value) -> Vec<Named> {
    let strategy = rollout.pointer("/spec/strategy").unwrap_or(&Value::Null);
    let steps = strategy.pointer("/canary/steps").and_then(Value::as_array).into_iter().flatten();
    let blocks = [
        strategy.pointer("/canary/analysis"),
        strategy.pointer("/blueGreen/prePromotionAnalysis"),
        strategy.pointer("/blueGreen/postPromotionAnalysis"),
    ];
    let mut all: Vec<Named> = Vec::new();
    for block in blocks.into_iter().flatten().chain(steps.filter_map(|step| step.get("analysis"))) {
        let arguments = list(block, "args").to_vec();
        for template in list(block, "templates") {
            let Some(name) = template.get("templateName").and_then(Value::as_str) else { continue };
            let cluster = template.get("clusterScope").and_then(Value::as_bool).unwrap_or_default();
            if !all.iter().any(|known| known.name == name && known.cluster == cluster) {
                all.push(Named { name: name.to_owned(), cluster, arguments: arguments.clone() });
            }
        }
    }
    all
}

/// The metrics of a template that a rollout names; both as the API has them.
pub fn understand(template: &Value, named: &Named, rollout: &Value) -> Understood {
    let mut understood = Understood::default();
    for metric in template.pointer("/spec/metrics").and_then(Value::as_array).into_iter().flatten() {
        let name = metric.get("name").and_then(Value::as_str).unwrap_or("?");
        match signal(metric, name, template, named, rollout) {
            Ok(signal) => understood.signals.push(signal),
            Err(why) => understood.odd.push(format!("{} of {}: {why}", name, named.name).into()),
        }
    }
    understood
}

fn signal(metric: &Value, name: &str, template: &Value, named: &Named, rollout: &Value) -> Result<Signal, String> {
    let query = metric.pointer("/provider/prometheus/query").and_then(Value::as_str);
    let query = query.ok_or("it asks no Prometheus")?;
    let filled = fill(query, template, named, rollout)?;
    let limit = limit(metric)?;
    let template = Template::read(&filled, &[])?;
    let signal = imported(name, &template, limit, Origin::Template(named.name.as_str().into()), &[])?;
    Ok(Signal { gate: false, ..signal })
}

/// The limit that the conditions of a metric are. A condition for success is one; of one for failure only the other side is well.
fn limit(metric: &Value) -> Result<Limit, String> {
    let condition = |key: &str| metric.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    if let Some(success) = condition("successCondition") {
        return plain(success).ok_or_else(|| format!("'{}' is no plain limit", success.trim()));
    }
    let failure = condition("failureCondition").ok_or("it has no condition")?;
    let Limit { comparator, threshold } = plain(failure).ok_or_else(|| format!("'{}' is no plain limit", failure.trim()))?;
    let comparator = match comparator {
        Comparator::Less => Comparator::AtLeast,
        Comparator::AtMost => Comparator::Greater,
        Comparator::Greater => Comparator::AtMost,
        Comparator::AtLeast => Comparator::Less,
        Comparator::Equal => return Err("failing at exactly one value is no limit".to_owned()),
    };
    Ok(Limit { comparator, threshold })
}

/// `result[0] < 0.01`, also behind `len(result) == 0 ||` and the like, which say what is to be thought of no data.
fn plain(condition: &str) -> Option<Limit> {
    let pattern = r"^(?:(?:len\(result\)\s*==\s*0|isNaN\(result(?:\[0\])?\)|isInf\(result(?:\[0\])?\)|result\s*==\s*nil)\s*(?:\|\||or)\s*)*(?:result(?:\[0\])?|default\(result(?:\[0\])?,\s*[0-9.]+\))\s*(<=|>=|==|<|>)\s*(-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?)$";
    let mut text = condition.trim();
    while let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        text = inner.trim();
    }
    let found = Regex::new(pattern).ok()?.captures(text)?;
    let comparator = Comparator::read(found.get(1)?.as_str())?;
    Some(Limit { comparator, threshold: found.get(2)?.as_str().parse().ok()? })
}

/// A query with the arguments of the template put in. Which version is meant becomes a variable.
fn fill(query: &str, template: &Value, named: &Named, rollout: &Value) -> Result<String, String> {
    let mut filled = String::with_capacity(query.len());
    let mut rest = query;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").ok_or("a '{{' is not closed")?;
        filled.push_str(before);
        let name = name.trim();
        let argument = name.strip_prefix("args.").ok_or_else(|| format!("{{{{{name}}}}} is no argument"))?;
        filled.push_str(&value(argument, template, named, rollout)?);
        rest = after;
    }
    Ok(filled + rest)
}

fn value(argument: &str, template: &Value, named: &Named, rollout: &Value) -> Result<String, String> {
    let of = |given: &[Value]| given.iter().find(|given| given.get("name").and_then(Value::as_str) == Some(argument)).cloned();
    let given =
        of(&named.arguments).or_else(|| of(template.pointer("/spec/args").and_then(Value::as_array).map_or(&[], Vec::as_slice)));
    let given = given.ok_or_else(|| format!("nobody gives the argument {argument}"))?;
    if let Some(value) = given.get("value").and_then(Value::as_str) {
        return Ok(escaped(value));
    }
    if let Some(hash) = given.pointer("/valueFrom/podTemplateHashValue").and_then(Value::as_str) {
        return match hash {
            "Latest" => Ok("{{pod_hash}}".to_owned()),
            "Stable" => Ok("{{stable_hash}}".to_owned()),
            other => Err(format!("{argument} comes from the hash '{other}'")),
        };
    }
    if let Some(path) = given.pointer("/valueFrom/fieldRef/fieldPath").and_then(Value::as_str) {
        return field(path, rollout).ok_or_else(|| format!("{argument} comes from {path}, which is not there"));
    }
    if given.pointer("/valueFrom/secretKeyRef").is_some() {
        return Err(format!("{argument} comes from a Secret"));
    }
    Err(format!("nobody gives the argument {argument}"))
}

/// `metadata.namespace`, `metadata.labels['app']`, `spec.replicas`: a field of the rollout.
fn field(path: &str, rollout: &Value) -> Option<String> {
    let mut at = rollout;
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("['") {
            let (key, after) = quoted.split_once("']")?;
            (at, rest) = (at.get(key)?, after);
        } else {
            let plain = rest.strip_prefix('.').unwrap_or(rest);
            let end = plain.find(['.', '[']).unwrap_or(plain.len());
            let (key, after) = plain.split_at_checked(end)?;
            (at, rest) = (at.get(key)?, after);
        }
    }
    match at {
        Value::String(text) => Some(escaped(text)),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A value as it can stand within a quoted text. What looks like one of our variables is none.
fn escaped(value: &str) -> String {
    value.replace("{{", "").replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::signal::{Expression, SignalKind};

    fn rollout() -> Value {
        json!({
            "metadata": { "name": "web", "namespace": "shop", "labels": { "app": "front" } },
            "spec": { "strategy": { "canary": {
                "analysis": { "templates": [{ "templateName": "errors" }], "args": [
                    { "name": "service", "value": "web.shop" },
                    { "name": "hash", "valueFrom": { "podTemplateHashValue": "Latest" } },
                    { "name": "app", "valueFrom": { "fieldRef": { "fieldPath": "metadata.labels['app']" } } },
                ] },
                "steps": [{ "setWeight": 10 }, { "analysis": { "templates": [{ "templateName": "slow", "clusterScope": true }, { "templateName": "slow", "clusterScope": true }] } }],
            } } },
        })
    }

    fn understood(metric: &Value) -> Understood {
        let template =
            json!({ "spec": { "args": [{ "name": "window", "value": "2m" }, { "name": "none" }], "metrics": [metric] } });
        understand(&template, &named(&rollout())[0], &rollout())
    }

    fn metric(name: &str, condition: (&str, &str), query: &str) -> Value {
        json!({ "name": name, condition.0: condition.1, "provider": { "prometheus": { "address": "http://p", "query": query } } })
    }

    #[test]
    fn a_rollout_names_its_templates_once() {
        let all = named(&rollout());
        assert_eq!(all.iter().map(|one| (one.name.as_str(), one.cluster)).collect::<Vec<_>>(), [("errors", false), ("slow", true)]);
        assert_eq!((all[0].arguments.len(), named(&json!({})).len()), (3, 0));
    }

    #[test]
    fn metrics_become_signals_with_their_arguments() {
        let query = "sum(rate(bad{s=\"{{args.service}}\",h=\"{{ args.hash }}\",a=\"{{args.app}}\"}[{{args.window}}]))";
        let found = understood(&metric("error-rate", ("successCondition", "result[0] < 0.01"), query));
        let [signal] = &*found.signals else { panic!("{found:?}") };
        let Expression::Value(asked) = &signal.expression else { panic!() };
        assert_eq!(asked.as_str(), "sum(rate(bad{s=\"web.shop\",h=\"{{pod_hash}}\",a=\"front\"}[2m]))");
        assert_eq!((signal.kind, signal.window, signal.per_track, signal.gate), (SignalKind::Errors, 120, true, false));
        assert_eq!((signal.limit.comparator, signal.limit.threshold), (Comparator::Less, 0.01));
        let ratio = understood(&metric("error-rate", ("failureCondition", "result[0] >= 0.05"), "sum(bad) / sum(all)"));
        assert!(matches!(ratio.signals[0].expression, Expression::Ratio { .. }) && !ratio.signals[0].per_track);
        assert_eq!(ratio.signals[0].limit, Limit { comparator: Comparator::Less, threshold: 0.05 });
    }

    #[test]
    fn conditions_are_plain_limits_or_said_to_be_none() {
        let read = |text: &str| plain(text).map(|limit| format!("{}{}", limit.comparator, limit.threshold));
        for (text, expected) in [
            ("result[0] < 0.01", "<0.01"),
            ("(result >= 0.95)", ">=0.95"),
            ("len(result)==0 || result[0] <= 500", "<=500"),
            ("isNaN(result[0]) || isInf(result[0]) || result[0] > 1e-3", ">0.001"),
            ("default(result, 0) < 5", "<5"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["all(result, # < 0.5)", "result[0] < 0.01 && result[1] < 2", "result[0] < asFloat(x)", ""] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let said = |metric: &Value| understood(metric).odd[0].to_string();
        assert_eq!(said(&json!({ "name": "web", "provider": { "web": {} } })), "web of errors: it asks no Prometheus");
        let condition = ("successCondition", "all(result, # < 1)");
        assert_eq!(said(&metric("a", condition, "x")), "a of errors: 'all(result, # < 1)' is no plain limit");
        let well = ("successCondition", "result[0] < 1");
        assert_eq!(said(&metric("a", well, "x{a=\"{{args.none}}\"}")), "a of errors: nobody gives the argument none");
        assert_eq!(said(&metric("a", well, "x{a=\"{{inputs.x}}\"}")), "a of errors: {{inputs.x}} is no argument");
        assert_eq!(said(&metric("a", well, "x{")), "a of errors: unexpected end of input inside braces");
    }
}
