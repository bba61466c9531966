//! Calls of functions: their arguments, and which of the other modules works them out.

use promql_parser::label::MatchOp;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{Call, Expr};

use super::evaluate::{Evaluator, Value, matchers};
use super::labels::{Labels, NAME, Text};
use super::number::seconds;
use super::over_time::{Given, Way, extrapolated, way};
use super::series::{Rise, Series, Source};
use super::{Error, Sample, function, histogram};

impl<S: Source + ?Sized> Evaluator<'_, S> {
    /// The value of a call.
    pub fn call(&self, call: &Call, at: i64) -> Result<Value, Error> {
        let name = call.func.name;
        let argument = |index: usize| {
            call.args.args.get(index).map(|argument| &**argument).ok_or_else(|| Error::Bad(format!("{name} needs more arguments")))
        };
        if let Some(way) = way(name) {
            return self.over_time(call, way, at).map(Value::Vector);
        }
        if function::is_about_time(name) && call.args.is_empty() {
            let now = vec![Sample { labels: Labels::default(), value: seconds(at) }];
            return Ok(Value::Vector(function::of_number(name).map_or(Vec::new(), |function| function::each(now, function))));
        }
        if let Some(function) = function::of_number(name) {
            return Ok(Value::Vector(function::each(self.samples(argument(0)?, at)?, function)));
        }
        let samples = match name {
            "time" => return Ok(Value::Scalar(seconds(at))),
            "pi" => return Ok(Value::Scalar(std::f64::consts::PI)),
            "scalar" => {
                let samples = self.samples(argument(0)?, at)?;
                return Ok(Value::Scalar(if let [only] = samples.as_slice() { only.value } else { f64::NAN }));
            }
            "vector" => vec![Sample { labels: Labels::default(), value: self.number(argument(0)?, at)? }],
            "timestamp" => self.timestamps(argument(0)?, at)?,
            "absent" => function::absent(!self.samples(argument(0)?, at)?.is_empty(), wanted(argument(0)?)?),
            "absent_over_time" => function::absent(!self.windows(argument(0)?, at)?.1.is_empty(), wanted(argument(0)?)?),
            "histogram_quantile" => histogram::quantiles(self.number(argument(0)?, at)?, self.samples(argument(1)?, at)?),
            "sort" | "sort_desc" => function::sorted(self.samples(argument(0)?, at)?, name == "sort_desc"),
            "clamp" => {
                let (least, most) = (self.number(argument(1)?, at)?, self.number(argument(2)?, at)?);
                function::clamp(self.samples(argument(0)?, at)?, least, most)
            }
            "clamp_min" => function::at_least(self.samples(argument(0)?, at)?, self.number(argument(1)?, at)?),
            "clamp_max" => function::at_most(self.samples(argument(0)?, at)?, self.number(argument(1)?, at)?),
            "round" => {
                let to = if call.args.len() > 1 { self.number(argument(1)?, at)? } else { 1.0 };
                function::round(self.samples(argument(0)?, at)?, to)
            }
            "label_replace" | "label_join" => self.relabelled(call, at)?,
            _ => return Err(Error::Execution(format!("the function {name} is not supported here"))),
        };
        Ok(Value::Vector(samples))
    }

    /// A function of the samples in windows.
    fn over_time(&self, call: &Call, way: Way, at: i64) -> Result<Vec<Sample>, Error> {
        let mut number = 0.0;
        let mut range = None;
        for argument in &call.args.args {
            match argument.value_type() {
                ValueType::Matrix => range = Some(bare(argument)),
                _ => number = self.number(argument, at)?,
            }
        }
        let range = range.ok_or_else(|| Error::Bad(format!("{} needs a range", call.func.name)))?;
        let labels = |labels: Labels| if call.func.name == "last_over_time" { labels } else { labels.nameless() };
        let mut samples = Vec::new();
        match (way, range) {
            // The most frequent case by far: nobody needs the samples themselves.
            (Way::Rise { counter, per_second }, Expr::MatrixSelector(selector)) => {
                let (window, series) = self.range(selector, at)?;
                self.looks_at(series.len())?;
                for series in series.iter() {
                    let rise = series.rise(window.from, window.to);
                    samples.extend(rise.map(|rise| Sample {
                        labels: labels(series.labels()),
                        value: extrapolated(&rise, window, counter, per_second),
                    }));
                }
            }
            (way, range) => {
                let (window, windows) = self.windows(range, at)?;
                let given = Given { number, now: at };
                for (own, points) in windows {
                    let value = match way {
                        Way::Rise { counter, per_second } => {
                            Rise::of(&points).map(|rise| extrapolated(&rise, window, counter, per_second))
                        }
                        Way::Points(function) => function(&points, &given),
                    };
                    samples.extend(value.map(|value| Sample { labels: labels(own), value }));
                }
            }
        }
        Ok(samples)
    }

    /// When samples were taken; of anything but a selector, when they are evaluated.
    fn timestamps(&self, expr: &Expr, at: i64) -> Result<Vec<Sample>, Error> {
        if let Expr::VectorSelector(selector) = bare(expr) {
            let newest = self.newest(selector, at)?.into_iter();
            return Ok(newest.map(|(labels, point)| Sample { labels: labels.nameless(), value: seconds(point.at) }).collect());
        }
        Ok(function::each(self.samples(expr, at)?, |_| seconds(at)))
    }

    fn relabelled(&self, call: &Call, at: i64) -> Result<Vec<Sample>, Error> {
        let Some((samples, texts)) = call.args.args.split_first() else { return Ok(Vec::new()) };
        let samples = self.samples(samples, at)?;
        let texts = texts.iter().map(|text| self.text(text, at)).collect::<Result<Vec<String>, Error>>()?;
        match texts.as_slice() {
            [target, replacement, source, pattern] if call.func.name == "label_replace" => {
                function::label_replace(samples, [target, replacement, source, pattern])
            }
            [target, between, sources @ ..] if call.func.name == "label_join" => {
                function::label_join(samples, target, between, sources)
            }
            _ => Err(Error::Bad(format!("{} needs other arguments", call.func.name))),
        }
    }
}

/// An expression without its parentheses.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => bare(&inner.expr),
        expr => expr,
    }
}

/// The labels that a selector wants to be equal to something, each only once; other expressions say nothing of labels.
fn wanted(expr: &Expr) -> Result<Labels, Error> {
    let selector = match expr {
        Expr::VectorSelector(selector) => selector,
        Expr::MatrixSelector(selector) => &selector.vs,
        _ => return Ok(Labels::default()),
    };
    let matchers = matchers(selector)?;
    let mut pairs: Vec<(Text, Text)> = Vec::new();
    for matcher in matchers.iter().filter(|matcher| matcher.name != NAME) {
        let alone = matchers.iter().filter(|other| other.name == matcher.name).count() == 1;
        if alone && matches!(matcher.op, MatchOp::Equal) {
            pairs.push((matcher.name.as_str().into(), matcher.value.as_str().into()));
        }
    }
    Ok(Labels::new(pairs))
}
