//! PromQL over anything that has series: parsed by `promql-parser`, evaluated as Prometheus 2 does it.
//!
//! Supported: selectors with `offset` and `@`, ranges (both ends belong to them, as in Prometheus 2) and subqueries; `rate`, `increase`,
//! `delta`, `irate`, `idelta`, `deriv`, `predict_linear`, `changes`, `resets`, every `…_over_time` of Prometheus 2.42; `sum`, `avg`,
//! `min`, `max`, `count`, `group`, `stddev`, `stdvar`, `quantile`, `topk`, `bottomk`, `count_values` with `by` and `without`; all
//! operators but `atan2`, with `on`, `ignoring`, `group_left`, `group_right` and `bool`; `histogram_quantile` of classic histograms, `absent`,
//! `absent_over_time`, `label_replace`, `label_join`, `vector`, `scalar`, `time`, `timestamp`, `sort`, `sort_desc`, `clamp…`,
//! `round`, `pi`, and the functions of one number or one time. Anything else is refused by name. It never gives a wrong
//! number, and it has no clock.

mod aggregate;
mod binary;
mod call;
mod evaluate;
mod function;
mod histogram;
pub mod labels;
pub mod number;
mod over_time;
pub mod series;

use std::collections::HashMap;

use promql_parser::label::Matcher;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, Expr};

use evaluate::{Evaluator, Value};
use labels::Labels;
use series::{Point, Source};

/// How old a sample may be to be seen by an instant selector, in milliseconds.
pub const LOOKBACK: i64 = 300_000;
/// The most points that a range query may ask for, as in Prometheus: so many steps, and one point more.
pub const MOST_STEPS: i64 = 11_000;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The query makes no sense, or its parameters do not.
    #[error("{0}")]
    Bad(String),
    /// It cannot be carried out.
    #[error("{0}")]
    Execution(String),
}

/// One sample of the answer to an instant query.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its labels.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// One series of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its labels.
    pub labels: Labels,
    /// Its points, oldest first.
    pub points: Vec<Point>,
}

/// The answer to a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A number.
    Scalar(f64),
    /// A text.
    Text(String),
    /// Samples at one time.
    Vector(Vec<Sample>),
    /// Series over a time.
    Matrix(Vec<Line>),
}

/// When a range query looks, in milliseconds: at the start, and every step until the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The first time.
    pub start: i64,
    /// No time is later.
    pub end: i64,
    /// Between two times.
    pub step: i64,
}

/// Reads a query.
///
/// # Errors
/// [`Error::Bad`] with what is wrong in it.
pub fn parse(query: &str) -> Result<Expr, Error> {
    let text = if query.trim().is_empty() { "no expression found in input".to_owned() } else { String::new() };
    if !text.is_empty() {
        return Err(Error::Bad(format!("invalid parameter \"query\": 1:1: parse error: {text}")));
    }
    parser::parse(query).map_err(|error| Error::Bad(format!("invalid parameter \"query\": parse error: {error}")))
}

/// Answers a query at one time.
///
/// # Errors
/// [`Error::Execution`] when it cannot be carried out.
pub fn instant<S>(source: &S, query: &Expr, at: i64) -> Result<Answer, Error>
where
    S: Source + ?Sized,
{
    let evaluator = Evaluator::new(source, at, at);
    Ok(match evaluator.value(query, at)? {
        Value::Scalar(number) => Answer::Scalar(number),
        Value::Text(text) => Answer::Text(text),
        Value::Vector(samples) => Answer::Vector(samples),
        Value::Matrix(windows) => {
            let lines = windows.into_iter().map(|(labels, points)| Line { labels, points });
            Answer::Matrix(lines.filter(|line| !line.points.is_empty()).collect())
        }
    })
}

/// Answers a query at many times.
///
/// # Errors
/// [`Error::Bad`] when a range makes no sense for it, [`Error::Execution`] when it cannot be carried out.
pub fn range<S>(source: &S, query: &Expr, steps: Steps) -> Result<Answer, Error>
where
    S: Source + ?Sized,
{
    let Steps { start, end, step } = steps;
    if end < start {
        return Err(Error::Bad("invalid parameter \"end\": end timestamp must not be before start time".to_owned()));
    }
    if step <= 0 {
        let text = "zero or negative query resolution step widths are not accepted. Try a positive integer";
        return Err(Error::Bad(format!("invalid parameter \"step\": {text}")));
    }
    if (end - start) / step > MOST_STEPS {
        let text = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)";
        return Err(Error::Bad(text.to_owned()));
    }
    if !matches!(query.value_type(), ValueType::Scalar | ValueType::Vector) {
        let kind = if query.value_type() == ValueType::Matrix { "range vector" } else { "string" };
        let text = format!("invalid expression type \"{kind}\" for range query, must be Scalar or instant Vector");
        return Err(Error::Bad(format!("invalid parameter \"query\": {text}")));
    }
    let evaluator = Evaluator::new(source, start, end);
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut lines: Vec<Line> = Vec::new();
    let mut at = start;
    while at <= end {
        let samples = match evaluator.value(query, at)? {
            Value::Scalar(value) => vec![Sample { labels: Labels::default(), value }],
            Value::Vector(samples) => samples,
            Value::Text(_) | Value::Matrix(_) => Vec::new(),
        };
        for Sample { labels, value } in samples {
            let place = *places.entry(labels).or_insert_with_key(|labels| {
                lines.push(Line { labels: labels.clone(), points: Vec::new() });
                lines.len() - 1
            });
            if let Some(line) = lines.get_mut(place) {
                line.points.push(Point { at, value });
            }
        }
        at += step;
    }
    Ok(Answer::Matrix(lines))
}

/// The matchers of a plain selector, as `match[]` takes it.
///
/// # Errors
/// [`Error::Bad`] for anything that is not one.
pub fn selector(text: &str) -> Result<Vec<Matcher>, Error> {
    match parse(text)? {
        Expr::VectorSelector(selector) if selector.offset.is_none() && selector.at.is_none() => evaluate::matchers(&selector),
        _ => Err(Error::Bad(format!("invalid parameter \"match[]\": '{text}' is no selector"))),
    }
}
