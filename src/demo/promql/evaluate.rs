//! The way through an expression at one time. What a selector finds is looked up once for all times of a query.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{AggregateExpr, AtModifier, BinaryExpr, Expr, MatrixSelector, Offset, SubqueryExpr, VectorSelector};

use super::aggregate::{Parameter, aggregate};
use super::binary::Operator;
use super::labels::{Labels, NAME};
use super::over_time::Window;
use super::series::{Point, Series, Source};
use super::{Error, LOOKBACK, Sample};

/// The step of a subquery that says none, in milliseconds: Prometheus takes its evaluation interval, and that is a minute
/// unless somebody sets another.
const SUBQUERY_STEP: i64 = 60_000;
/// The most samples that a query may look at, as in Prometheus.
const MOST_SAMPLES: usize = 50_000_000;

/// What an expression is at one time.
pub enum Value {
    /// A number.
    Scalar(f64),
    /// A text.
    Text(String),
    /// Samples.
    Vector(Vec<Sample>),
    /// The samples of windows.
    Matrix(Windows),
}

/// Series with their samples in a window.
pub type Windows = Vec<(Labels, Vec<Point>)>;

/// The series that a selector has found.
pub type Found<S> = Rc<Vec<<S as Source>::Item>>;

/// One query at work.
pub struct Evaluator<'a, S: Source + ?Sized> {
    source: &'a S,
    start: i64,
    end: i64,
    found: RefCell<HashMap<*const VectorSelector, Found<S>>>,
    looked_at: Cell<usize>,
}

impl<'a, S: Source + ?Sized> Evaluator<'a, S> {
    /// One for a query between two times, which `start()` and `end()` mean.
    pub fn new(source: &'a S, start: i64, end: i64) -> Self {
        Self { source, start, end, found: RefCell::default(), looked_at: Cell::new(0) }
    }

    /// The value of an expression at a time.
    pub fn value(&self, expr: &Expr, at: i64) -> Result<Value, Error> {
        let samples = match expr {
            Expr::NumberLiteral(number) => return Ok(Value::Scalar(number.val)),
            Expr::StringLiteral(text) => return Ok(Value::Text(text.val.clone())),
            Expr::Paren(inner) => return self.value(&inner.expr, at),
            Expr::Unary(inner) => match self.value(&inner.expr, at)? {
                Value::Scalar(number) => return Ok(Value::Scalar(-number)),
                Value::Vector(samples) => super::function::each(samples, |value| -value),
                _ => return Err(Error::Execution("only numbers and samples have a sign".to_owned())),
            },
            Expr::Binary(binary) => match self.binary(binary, at)? {
                Value::Vector(samples) => samples,
                number => return Ok(number),
            },
            Expr::VectorSelector(selector) => {
                let newest = self.newest(selector, at)?;
                newest.into_iter().map(|(labels, point)| Sample { labels, value: point.value }).collect()
            }
            Expr::MatrixSelector(_) | Expr::Subquery(_) => return Ok(Value::Matrix(self.windows(expr, at)?.1)),
            Expr::Aggregate(aggregated) => self.aggregate(aggregated, at)?,
            Expr::Call(call) => match self.call(call, at)? {
                Value::Vector(samples) => samples,
                other => return Ok(other),
            },
            Expr::Extension(_) => return Err(Error::Execution("extensions are not supported here".to_owned())),
        };
        unlike(&samples)?;
        Ok(Value::Vector(samples))
    }

    /// The samples of an expression at a time; a number has none.
    pub fn samples(&self, expr: &Expr, at: i64) -> Result<Vec<Sample>, Error> {
        match self.value(expr, at)? {
            Value::Vector(samples) => Ok(samples),
            _ => Err(Error::Execution(format!("expected type instant vector, got {}", expr.value_type()))),
        }
    }

    /// The number that an expression is.
    pub fn number(&self, expr: &Expr, at: i64) -> Result<f64, Error> {
        match self.value(expr, at)? {
            Value::Scalar(number) => Ok(number),
            _ => Err(Error::Execution(format!("expected type scalar, got {}", expr.value_type()))),
        }
    }

    /// The text that an expression is.
    pub fn text(&self, expr: &Expr, at: i64) -> Result<String, Error> {
        match self.value(expr, at)? {
            Value::Text(text) => Ok(text),
            _ => Err(Error::Execution(format!("expected type string, got {}", expr.value_type()))),
        }
    }

    fn binary(&self, binary: &BinaryExpr, at: i64) -> Result<Value, Error> {
        let sign = binary.op.to_string();
        let operator = Operator { sign: &sign, modifier: binary.modifier.as_ref() };
        Ok(match (self.value(&binary.lhs, at)?, self.value(&binary.rhs, at)?) {
            (Value::Scalar(left), Value::Scalar(right)) => Value::Scalar(operator.numbers(left, right)?),
            (Value::Vector(left), Value::Scalar(right)) => Value::Vector(operator.with_number(left, right, false)?),
            (Value::Scalar(left), Value::Vector(right)) => Value::Vector(operator.with_number(right, left, true)?),
            (Value::Vector(left), Value::Vector(right)) => Value::Vector(operator.samples(left, right)?),
            _ => return Err(Error::Execution(format!("the operator {sign} takes numbers and samples only"))),
        })
    }

    fn aggregate(&self, aggregated: &AggregateExpr, at: i64) -> Result<Vec<Sample>, Error> {
        let parameter = match aggregated.param.as_deref().map(|param| self.value(param, at)).transpose()? {
            None => Parameter::None,
            Some(Value::Scalar(number)) => Parameter::Number(number),
            Some(Value::Text(text)) => Parameter::Label(text),
            Some(_) => return Err(Error::Execution("an aggregation's parameter is a number or a text".to_owned())),
        };
        let samples = self.samples(&aggregated.expr, at)?;
        aggregate(&aggregated.op.to_string(), aggregated.modifier.as_ref(), &parameter, &samples)
    }

    /// The newest sample of each series that a selector finds, if it is not too old and the series has not ended.
    pub fn newest(&self, selector: &VectorSelector, at: i64) -> Result<Vec<(Labels, Point)>, Error> {
        let at = self.moved(selector.at.as_ref(), selector.offset.as_ref(), at);
        let series = self.find(selector)?;
        self.looks_at(series.len())?;
        let newest = series.iter().filter_map(|series| {
            let point = series.newest(at - LOOKBACK, at).filter(|point| !point.is_stale())?;
            Some((series.labels(), point))
        });
        Ok(newest.collect())
    }

    /// The samples in the windows of a range, and the window.
    pub fn windows(&self, expr: &Expr, at: i64) -> Result<(Window, Windows), Error> {
        match expr {
            Expr::Paren(inner) => self.windows(&inner.expr, at),
            Expr::Subquery(subquery) => self.subquery(subquery, at),
            Expr::MatrixSelector(selector) => {
                let (window, series) = self.range(selector, at)?;
                let mut windows = Vec::with_capacity(series.len());
                for series in series.iter() {
                    let mut points = Vec::new();
                    series.points(window.from, window.to, &mut points);
                    points.retain(|point| !point.is_stale());
                    self.looks_at(points.len())?;
                    if !points.is_empty() {
                        windows.push((series.labels(), points));
                    }
                }
                Ok((window, windows))
            }
            _ => Err(Error::Execution(format!("expected type range vector, got {}", expr.value_type()))),
        }
    }

    /// The series that a range is about, and its window.
    pub fn range(&self, selector: &MatrixSelector, at: i64) -> Result<(Window, Found<S>), Error> {
        let to = self.moved(selector.vs.at.as_ref(), selector.vs.offset.as_ref(), at);
        let from = to - milliseconds(selector.range);
        Ok((Window { from, to }, self.find(&selector.vs)?))
    }

    fn subquery(&self, subquery: &SubqueryExpr, at: i64) -> Result<(Window, Windows), Error> {
        let to = self.moved(subquery.at.as_ref(), subquery.offset.as_ref(), at);
        let from = to - milliseconds(subquery.range);
        let step = subquery.step.map_or(SUBQUERY_STEP, milliseconds).max(1);
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut windows = Windows::new();
        // The first multiple of the step that is not before the window.
        let mut time = from.div_euclid(step) * step;
        if time < from {
            time += step;
        }
        while time <= to {
            let samples = match self.value(&subquery.expr, time)? {
                Value::Scalar(value) => vec![Sample { labels: Labels::default(), value }],
                Value::Vector(samples) => samples,
                _ => return Err(Error::Execution("a subquery is about numbers and samples only".to_owned())),
            };
            self.looks_at(samples.len())?;
            for Sample { labels, value } in samples {
                let place = *places.entry(labels).or_insert_with_key(|labels| {
                    windows.push((labels.clone(), Vec::new()));
                    windows.len() - 1
                });
                if let Some((_, points)) = windows.get_mut(place) {
                    points.push(Point { at: time, value });
                }
            }
            time += step;
        }
        Ok((Window { from, to }, windows))
    }

    /// The time at which a selector looks.
    fn moved(&self, fixed: Option<&AtModifier>, offset: Option<&Offset>, at: i64) -> i64 {
        let at = match fixed {
            None => at,
            Some(AtModifier::Start) => self.start,
            Some(AtModifier::End) => self.end,
            Some(AtModifier::At(time)) => since_1970(*time),
        };
        match offset {
            None => at,
            Some(Offset::Pos(back)) => at - milliseconds(*back),
            Some(Offset::Neg(ahead)) => at + milliseconds(*ahead),
        }
    }

    fn find(&self, selector: &VectorSelector) -> Result<Found<S>, Error> {
        // The expression lives as long as the query: its nodes do not move.
        let node = std::ptr::from_ref(selector);
        if let Some(known) = self.found.borrow().get(&node) {
            return Ok(known.clone());
        }
        let series = Rc::new(self.source.select(&matchers(selector)?).map_err(Error::Execution)?);
        self.found.borrow_mut().insert(node, series.clone());
        Ok(series)
    }

    /// Counts samples that are looked at.
    pub fn looks_at(&self, samples: usize) -> Result<(), Error> {
        let sum = self.looked_at.get() + samples;
        self.looked_at.set(sum);
        if sum > MOST_SAMPLES {
            return Err(Error::Execution("query processing would load too many samples into memory in query execution".to_owned()));
        }
        Ok(())
    }
}

/// The matchers of a selector, with that of its metric's name.
pub fn matchers(selector: &VectorSelector) -> Result<Vec<Matcher>, Error> {
    if !selector.matchers.or_matchers.is_empty() {
        return Err(Error::Bad("invalid parameter \"query\": parse error: unexpected \"or\" in label matching".to_owned()));
    }
    let name = selector.name.iter().map(|name| Matcher::new(MatchOp::Equal, NAME, name));
    Ok(name.chain(selector.matchers.matchers.iter().cloned()).collect())
}

/// No two samples of a result have the same labels.
fn unlike(samples: &[Sample]) -> Result<(), Error> {
    let mut seen = HashSet::with_capacity(samples.len());
    if samples.len() < 2 || samples.iter().all(|sample| seen.insert(&sample.labels)) {
        return Ok(());
    }
    Err(Error::Execution("vector cannot contain metrics with the same labelset".to_owned()))
}

/// A duration in milliseconds.
pub fn milliseconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn since_1970(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => milliseconds(after),
        Err(before) => -milliseconds(before.duration()),
    }
}
