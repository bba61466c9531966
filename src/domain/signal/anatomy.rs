//! A query taken apart: which metrics it rests on, what it asks of their labels in so many words, and which labels it leaves to variables. For
//! finding out why a query finds nothing, without a rollout to try it on.

use promql_parser::label::Matcher;

use super::promql::visit;
use super::{Query, Template, Variables};
use crate::domain::duration::prometheus;

/// Stands for whatever a variable will be.
const OPEN: &str = "pilothouse_variable";

/// A query taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anatomy {
    /// The series that it rests on, each once.
    pub parts: Vec<Part>,
    /// The same query about everything that any value of its variables could find.
    pub relaxed: String,
    /// The dividend and divisor of that, if it is nothing but a quotient.
    pub quotient: Option<(String, String)>,
}

/// What a query asks of one metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The metric's name; empty if only labels are asked for.
    pub metric: String,
    /// What is asked of labels in so many words: `code=~"5.."`, with the label's name.
    pub literal: Vec<(String, String)>,
    /// Labels whose value a variable says.
    pub open: Vec<String>,
}

impl Anatomy {
    /// Takes a query apart that looks back over so many seconds.
    pub fn of(template: &Template, window: u32) -> Result<Self, String> {
        let open = template.names().into_iter().fold(Variables::default(), |all, name| all.with(name, OPEN));
        let mut query = Query::read(&template.fill(&open.with("window", &prometheus(window)))?)?;
        let (mut parts, mut wrong) = (Vec::new(), None);
        visit(&mut query.0, &mut |selector| {
            let metric = selector.name.clone().unwrap_or_default();
            if metric.contains(OPEN) {
                wrong = Some("the name of a metric is a variable".to_owned());
            }
            let is_open = |matcher: &Matcher| matcher.value.contains(OPEN);
            let of = |matcher: &Matcher| (matcher.name.clone(), matcher.to_string());
            let literal = selector.matchers.matchers.iter().filter(|one| !is_open(one)).map(of).collect();
            let open = selector.matchers.matchers.iter().filter(|one| is_open(one)).map(|one| one.name.clone()).collect();
            let part = Part { metric, literal, open };
            if !parts.contains(&part) {
                parts.push(part);
            }
            selector.matchers.matchers.retain(|matcher| !is_open(matcher));
        });
        let (relaxed, quotient) = (query.to_string(), query.quotient());
        wrong.map_or(Ok(Self { parts, relaxed, quotient }), Err)
    }
}

impl Part {
    /// A selector of its metric with what is asked in so many words, and `more`.
    pub fn selector(&self, more: &[String]) -> String {
        let all: Vec<&str> = self.literal.iter().map(|(_, text)| text.as_str()).chain(more.iter().map(String::as_str)).collect();
        if all.is_empty() && !self.metric.is_empty() {
            self.metric.clone()
        } else {
            format!("{}{{{}}}", self.metric, all.join(","))
        }
    }

    /// That its labels that are left to variables are there at all.
    pub fn present(&self) -> Vec<String> {
        self.open.iter().map(|label| format!("{label}!=\"\"")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_taken_apart() {
        let template = Template::read(
            "sum(rate(x_total{ns=\"{{namespace}}\",code=~\"5..\"}[{{window}}])) / sum(rate(x_total{ns=\"{{namespace}}\"}[{{window}}]))",
            &[],
        );
        let anatomy = Anatomy::of(&template.unwrap(), 300).unwrap();
        let [bad, total] = &*anatomy.parts else { panic!("{anatomy:?}") };
        assert_eq!(
            (bad.selector(&[]), bad.selector(&bad.present())),
            ("x_total{code=~\"5..\"}".into(), "x_total{code=~\"5..\",ns!=\"\"}".into())
        );
        assert_eq!((total.selector(&[]), &*total.open), ("x_total".into(), &["ns".to_owned()][..]));
        assert_eq!(anatomy.relaxed, "sum(rate(x_total{code=~\"5..\"}[5m])) / sum(rate(x_total[5m]))");
        assert_eq!(anatomy.quotient.unwrap().1, "sum(rate(x_total[5m]))");
        assert!(Anatomy::of(&Template::read("{{service}}:errors", &[]).unwrap(), 300).is_err());
    }
}
