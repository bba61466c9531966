//! Queries with variables. A variable that nobody knows is an error where the query is read, never an empty place in a query that is sent.

use std::collections::BTreeMap;

/// Variables that every query may use.
pub const KNOWN: [&str; 9] =
    ["service", "namespace", "track", "pod_hash", "stable_hash", "window", "region", "workload", "track_service"];

/// A query with `{{variables}}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template(Box<str>);

/// What the variables stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<Box<str>, Box<str>>);

impl Template {
    /// Takes a query; the error names what in it is no variable. `own` are variables besides [`KNOWN`].
    pub fn read(text: &str, own: &[&str]) -> Result<Self, String> {
        for part in parts(text) {
            match part {
                Part::Variable(name) if KNOWN.contains(&name) || own.contains(&name) => {}
                Part::Variable(name) => return Err(format!("{{{{{name}}}}} is no variable: there is {}", KNOWN.join(", "))),
                Part::Open => return Err("a '{{' is not closed".to_owned()),
                Part::Text(_) => {}
            }
        }
        Ok(Self(text.trim().into()))
    }

    /// A query of our own, whose variables a test has looked at.
    pub(super) fn written(text: &str) -> Self {
        Self(text.into())
    }

    /// The query as it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The variables that stand in it, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for part in parts(&self.0) {
            if let Part::Variable(name) = part
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }

    /// The same query for what has no pod hash that is known, such as the workloads of Flagger: pods are told by the name of their workload, as
    /// Kubernetes builds it.
    #[must_use]
    pub fn by_workload(&self) -> Self {
        let text = self.0.replace("{{ pod_hash }}", "{{pod_hash}}");
        let mut query = String::with_capacity(text.len() + 64);
        let mut rest = &*text;
        while let Some((before, after)) = rest.split_once("=\"{{pod_hash}}\"") {
            let label = before.rfind(|letter: char| !(letter.is_alphanumeric() || letter == '_')).map_or(0, |at| at + 1);
            query.push_str(before.get(..label).unwrap_or(before));
            query.push_str("pod=~\"{{workload}}-[0-9a-z]+-[0-9a-z]+\"");
            rest = after;
        }
        query.push_str(rest);
        Self(query.replace("{{pod_hash}}", "[0-9a-z]+").into())
    }

    /// Whether a variable stands in it.
    pub fn uses(&self, name: &str) -> bool {
        parts(&self.0).any(|part| matches!(part, Part::Variable(found) if found == name))
    }

    /// The query with the variables filled in, each so that it can stand within a quoted label value; the error names one that has no value.
    pub fn fill(&self, variables: &Variables) -> Result<String, String> {
        let mut query = String::with_capacity(self.0.len() + 64);
        for part in parts(&self.0) {
            match part {
                Part::Text(text) => query.push_str(text),
                Part::Variable(name) => {
                    let value = variables.0.get(name).ok_or_else(|| format!("{{{{{name}}}}} has no value here"))?;
                    for letter in value.chars() {
                        match letter {
                            '\\' | '"' => query.extend(['\\', letter]),
                            '\n' => query.push_str("\\n"),
                            letter => query.push(letter),
                        }
                    }
                }
                Part::Open => return Err("a '{{' is not closed".to_owned()),
            }
        }
        Ok(query)
    }
}

impl Variables {
    /// The same with another variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// What a variable stands for.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| &**value)
    }
}

enum Part<'a> {
    Text(&'a str),
    Variable(&'a str),
    Open,
}

fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    let mut variable = None;
    std::iter::from_fn(move || {
        if let Some(name) = variable.take() {
            return Some(Part::Variable(name));
        }
        if rest.is_empty() {
            return None;
        }
        let Some((before, after)) = rest.split_once("{{") else {
            return Some(Part::Text(std::mem::take(&mut rest)));
        };
        let Some((name, after)) = after.split_once("}}") else {
            rest = "";
            return Some(Part::Open);
        };
        (rest, variable) = (after, Some(name.trim()));
        Some(Part::Text(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_stand_for_hashes() {
        let by_workload = |text: &str| Template::read(text, &[]).unwrap().by_workload().as_str().to_owned();
        let pods = "pod=~\"{{workload}}-[0-9a-z]+-[0-9a-z]+\"";
        assert_eq!(
            by_workload("sum(rate(x{job=\"a\",hash=\"{{pod_hash}}\"}[5m]))"),
            format!("sum(rate(x{{job=\"a\",{pods}}}[5m]))")
        );
        assert_eq!(by_workload("x{hash=\"{{ pod_hash }}\"} / y{hash=\"{{pod_hash}}\"}"), format!("x{{{pods}}} / y{{{pods}}}"));
        assert_eq!(by_workload("x{pod=~\"{{workload}}-{{pod_hash}}-.+\"}"), "x{pod=~\"{{workload}}-[0-9a-z]+-.+\"}");
        assert_eq!(by_workload("x{job=\"{{service}}\"}"), "x{job=\"{{service}}\"}");
    }

    #[test]
    fn variables_are_filled_in_and_unknown_ones_named() {
        let template = Template::read("rate(x{job=\"{{service}}\"}[{{ window }}])", &[]).unwrap();
        let variables = Variables::default().with("service", "a\"b").with("window", "5m");
        assert_eq!(template.fill(&variables).unwrap(), "rate(x{job=\"a\\\"b\"}[5m])");
        assert!(template.uses("window") && !template.uses("track"));
        assert_eq!(template.fill(&Variables::default()).unwrap_err(), "{{service}} has no value here");
        assert!(Template::read("x{job=\"{{servce}}\"}", &[]).unwrap_err().starts_with("{{servce}} is no variable"));
        assert!(Template::read("x{{", &[]).is_err() && Template::read("{{team}}", &["team"]).is_ok());
    }
}
