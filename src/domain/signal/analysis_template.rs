//! Signals from AnalysisTemplates: what the controller itself will judge by, as far as it asks Prometheus and its conditions are plain limits. What
//! is not understood is said, and never guessed. They stop no promotion: the controller does that by itself.

use regex::Regex;
use serde_json::Value;

use super::{Comparator, Limit, Origin, Signal, Template, imported};

/// What the analyses of a rollout say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Understood {
    /// Their metrics as signals.
    pub signals: Vec<Signal>,
    /// What was not understood, each in one line that names metric and template. Nothing here judges by it.
    pub odd: Vec<Box<str>>,
}

impl Understood {
    /// Takes in what another analysis says. Of two metrics that differ and have one name, the first counts.
    pub fn add(&mut self, other: Self) {
        for signal in other.signals {
            match self.signals.iter().find(|known| known.name == signal.name) {
                Some(known) if *known == signal => {}
                Some(_) => self.note(format!("{}: another check has its name", of_template(&signal))),
                None => self.signals.push(signal),
            }
        }
        for odd in other.odd {
            self.note(odd);
        }
    }

    /// Says that something was not understood, once.
    pub fn note(&mut self, odd: impl Into<Box<str>>) {
        let odd = odd.into();
        if !self.odd.contains(&odd) {
            self.odd.push(odd);
        }
    }
}

/// `error-rate of success`: a metric with the template that it comes from.
pub fn of_template(signal: &Signal) -> String {
    match &signal.origin {
        Origin::Template(template) => format!("{} of {template}", signal.name),
        _ => signal.name.to_string(),
    }
}

/// A template that something names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Its name.
    pub name: String,
    /// Whether it is a ClusterAnalysisTemplate.
    pub cluster: bool,
}

/// An analysis that a rollout asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// The templates that it names.
    pub templates: Vec<Reference>,
    /// Arguments that the rollout gives it, as typed.
    pub arguments: Vec<Value>,
}

/// The analyses that a Rollout asks for, as the API has it.
pub fn analyses(rollout: &Value) -> Vec<Analysis> {
    let strategy = rollout.pointer("/spec/strategy").unwrap_or(&Value::Null);
    let steps = strategy.pointer("/canary/steps").and_then(Value::as_array).into_iter().flatten();
    let blocks = [
        strategy.pointer("/canary/analysis"),
        strategy.pointer("/blueGreen/prePromotionAnalysis"),
        strategy.pointer("/blueGreen/postPromotionAnalysis"),
    ];
    let all = blocks.into_iter().flatten().chain(steps.filter_map(|step| step.get("analysis")));
    all.map(|block| Analysis { templates: references(block), arguments: list(block, "args").to_vec() }).collect()
}

/// The templates that an analysis names, or the spec of a template, each once: a template may name others, whose metrics and arguments then
/// go with its own (Argo Rollouts 1.7).
pub fn references(from: &Value) -> Vec<Reference> {
    let mut all: Vec<Reference> = Vec::new();
    for template in list(from, "templates") {
        let Some(name) = template.get("templateName").and_then(Value::as_str) else { continue };
        let cluster = template.get("clusterScope").and_then(Value::as_bool).unwrap_or_default();
        let reference = Reference { name: name.to_owned(), cluster };
        if !all.contains(&reference) {
            all.push(reference);
        }
    }
    all
}

/// The metrics of an analysis of a rollout. `templates` are all that it names and that those name, as the API has them.
pub fn understand(analysis: &Analysis, templates: &[(Reference, Value)], rollout: &Value) -> Understood {
    let asked = Asked { analysis, templates, rollout };
    let mut understood = Understood::default();
    let mut seen: Vec<&str> = Vec::new();
    for (reference, template) in templates {
        for metric in list(spec(template), "metrics") {
            let name = metric.get("name").and_then(Value::as_str).unwrap_or("?");
            let signal = if seen.contains(&name) {
                Err("another metric of the analysis has its name, so the controller takes none of them".to_owned())
            } else {
                asked.signal(metric, name, reference)
            };
            seen.push(name);
            match signal {
                Ok(signal) => understood.signals.push(signal),
                Err(why) => understood.note(format!("{name} of {}: {why}", reference.name)),
            }
        }
    }
    understood
}

/// An analysis with everything that its metrics refer to.
struct Asked<'a> {
    analysis: &'a Analysis,
    templates: &'a [(Reference, Value)],
    rollout: &'a Value,
}

impl Asked<'_> {
    fn signal(&self, metric: &Value, name: &str, from: &Reference) -> Result<Signal, String> {
        let query = metric.pointer("/provider/prometheus/query").and_then(Value::as_str);
        let filled = self.fill(query.ok_or("it asks no Prometheus")?)?;
        let limit = self.limit(metric)?;
        let template = Template::read(&filled, &[])?;
        let signal = imported(name, &template, limit, Origin::Template(from.name.as_str().into()), &[])?;
        Ok(Signal { gate: false, ..signal })
    }

    /// The limit that the conditions of a metric are. A condition for success is one; of one for failure only the other side is well.
    fn limit(&self, metric: &Value) -> Result<Limit, String> {
        let condition = |key: &str| metric.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let read = |condition: &str| plain(&self.fill(condition)?).ok_or_else(|| format!("'{condition}' is no plain limit"));
        if let Some(success) = condition("successCondition") {
            return read(success);
        }
        let Limit { comparator, threshold } = read(condition("failureCondition").ok_or("it has no condition")?)?;
        let comparator = match comparator {
            Comparator::Less => Comparator::AtLeast,
            Comparator::AtMost => Comparator::Greater,
            Comparator::Greater => Comparator::AtMost,
            Comparator::AtLeast => Comparator::Less,
            Comparator::Equal => return Err("failing at exactly one value is no limit".to_owned()),
        };
        Ok(Limit { comparator, threshold })
    }

    /// A text with the arguments put in. Which version is meant becomes a variable.
    fn fill(&self, text: &str) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or("a '{{' is not closed")?;
            filled.push_str(before);
            let name = name.trim();
            let argument = name.strip_prefix("args.").ok_or_else(|| format!("{{{{{name}}}}} is no argument"))?;
            filled.push_str(&self.value(argument)?);
            rest = after;
        }
        Ok(filled + rest)
    }

    fn value(&self, argument: &str) -> Result<String, String> {
        let declared = self.declared(argument)?;
        let given = self.analysis.arguments.iter().find(|given| is_named(given, argument));
        let given = given.filter(|given| ["value", "valueFrom"].iter().any(|key| given.get(key).is_some())).unwrap_or(declared);
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
            return field(path, self.rollout).ok_or_else(|| format!("{argument} comes from {path}, which is not there"));
        }
        if given.pointer("/valueFrom/secretKeyRef").is_some() {
            return Err(format!("{argument} comes from a Secret"));
        }
        Err(format!("nobody gives the argument {argument}"))
    }

    /// What the templates say of an argument. As the controller has it, they share theirs: what has a value goes before what has none, two
    /// values are a mistake, and what none of them declares is not there, whatever the rollout gives.
    fn declared(&self, argument: &str) -> Result<&Value, String> {
        let all = self.templates.iter().flat_map(|(_, template)| list(spec(template), "args"));
        let mut found: Option<&Value> = None;
        for one in all.filter(|one| is_named(one, argument)) {
            let before = found.and_then(|before| before.get("value"));
            match (before, one.get("value")) {
                (Some(before), Some(value)) if before != value => {
                    return Err(format!("templates give the argument {argument} different values"));
                }
                (Some(_), _) => {}
                (None, _) => found = Some(one),
            }
        }
        found.ok_or_else(|| format!("no template declares the argument {argument}"))
    }
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

fn spec(template: &Value) -> &Value {
    template.get("spec").unwrap_or(&Value::Null)
}

fn is_named(argument: &Value, name: &str) -> bool {
    argument.get("name").and_then(Value::as_str) == Some(name)
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
        let declared = ["service", "hash", "app", "none"].map(|name| json!({ "name": name }));
        let declared: Vec<Value> = declared.into_iter().chain([json!({ "name": "window", "value": "2m" })]).collect();
        understood_of(&[("errors", json!({ "args": declared, "metrics": [metric] }))])
    }

    /// What the first analysis of the rollout says if these are its templates.
    fn understood_of(specs: &[(&str, Value)]) -> Understood {
        let reference = |name: &str| Reference { name: name.to_owned(), cluster: false };
        let templates: Vec<_> = specs.iter().map(|(name, spec)| (reference(name), json!({ "spec": spec }))).collect();
        understand(&analyses(&rollout())[0], &templates, &rollout())
    }

    fn metric(name: &str, condition: (&str, &str), query: &str) -> Value {
        json!({ "name": name, condition.0: condition.1, "provider": { "prometheus": { "address": "http://p", "query": query } } })
    }

    #[test]
    fn a_rollout_names_its_templates_once() {
        let all = analyses(&rollout());
        let names = |one: &Analysis| one.templates.iter().map(|one| (one.name.clone(), one.cluster)).collect::<Vec<_>>();
        assert_eq!(names(&all[0]), [("errors".to_owned(), false)]);
        assert_eq!(names(&all[1]), [("slow".to_owned(), true)]);
        assert_eq!((all[0].arguments.len(), all[1].arguments.len(), analyses(&json!({})).len()), (3, 0, 0));
    }

    #[test]
    fn templates_of_an_analysis_share_their_arguments() {
        let query = "x{s=\"{{args.service}}\",w=\"{{args.window}}\"}";
        let well = metric("errors", ("successCondition", "result[0] < {{args.limit}}"), query);
        let window = |value: &str| json!([{ "name": "window", "value": value }]);
        let declares =
            json!([{ "name": "service", "value": "nobody" }, { "name": "limit", "value": "0.05" }, { "name": "window" }]);
        let first = ("a", json!({ "metrics": [well], "args": declares }));
        let found = understood_of(&[first.clone(), ("b", json!({ "args": window("5m") }))]);
        let Expression::Value(asked) = &found.signals[0].expression else { panic!() };
        assert_eq!((asked.as_str(), found.signals[0].limit.threshold), ("x{s=\"web.shop\",w=\"5m\"}", 0.05));
        let said = |specs: &[(&str, Value)]| understood_of(specs).odd[0].to_string();
        let both = [first.clone(), ("b", json!({ "args": window("5m") })), ("c", json!({ "args": window("2m") }))];
        assert_eq!(said(&both), "errors of a: templates give the argument window different values");
        let undeclared = [("a", json!({ "metrics": [well], "args": window("5m") }))];
        assert_eq!(said(&undeclared), "errors of a: no template declares the argument service");
        let twice = [first.clone(), ("b", json!({ "metrics": [well], "args": window("5m") }))];
        assert_eq!(said(&twice), "errors of b: another metric of the analysis has its name, so the controller takes none of them");
    }

    #[test]
    fn what_analyses_have_in_common_is_taken_once() {
        let of = |condition: &str| understood(&metric("errors", ("successCondition", condition), "x"));
        let mut all = of("result[0] < 1");
        all.add(of("result[0] < 1"));
        assert_eq!((all.signals.len(), all.odd.len()), (1, 0));
        for _ in 0..2 {
            all.add(of("result[0] < 2"));
        }
        assert_eq!((all.signals.len(), &*all.odd), (1, &["errors of errors: another check has its name".into()][..]));
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
