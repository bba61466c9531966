//! Queries, and answers in the API's form: numbers are texts, times are seconds.

use serde_json::{Map, Value, json};

use super::form::{Form, bad};
use super::{Refusal, time};
use crate::demo::metrics::Snapshot;
use crate::demo::promql::labels::Labels;
use crate::demo::promql::number::written;
use crate::demo::promql::{self, Answer, Steps};

/// `query`.
pub fn instant(snapshot: &Snapshot, form: &Form) -> Result<Value, Refusal> {
    let at = form.time("time")?.unwrap_or_else(|| snapshot.now());
    form.span("timeout")?;
    let query = promql::parse(form.get("query").unwrap_or_default())?;
    Ok(shown(promql::instant(snapshot, &query, at)?, at))
}

/// `query_range`.
pub fn range(snapshot: &Snapshot, form: &Form) -> Result<Value, Refusal> {
    let (start, end) = (form.needed_time("start")?, form.needed_time("end")?);
    let step = form.span("step")?.ok_or_else(|| bad("step", "cannot parse \"\" to a valid duration"))?;
    form.span("timeout")?;
    let query = promql::parse(form.get("query").unwrap_or_default())?;
    Ok(shown(promql::range(snapshot, &query, Steps { start, end, step })?, end))
}

/// Labels as an object.
pub fn metric(labels: &Labels) -> Value {
    labels.pairs().map(|(key, value)| (key.to_owned(), Value::from(value))).collect::<Map<_, _>>().into()
}

fn shown(answer: Answer, at: i64) -> Value {
    match answer {
        Answer::Scalar(value) => json!({ "resultType": "scalar", "result": [time(at), written(value)] }),
        Answer::Text(text) => json!({ "resultType": "string", "result": [time(at), text] }),
        Answer::Vector(samples) => {
            let sample =
                |sample: promql::Sample| json!({ "metric": metric(&sample.labels), "value": [time(at), written(sample.value)] });
            json!({ "resultType": "vector", "result": samples.into_iter().map(sample).collect::<Vec<_>>() })
        }
        Answer::Matrix(mut lines) => {
            lines.sort_by(|a, b| a.labels.pairs().cmp(b.labels.pairs()));
            let line = |line: promql::Line| {
                let points: Vec<Value> = line.points.iter().map(|point| json!([time(point.at), written(point.value)])).collect();
                json!({ "metric": metric(&line.labels), "values": points })
            };
            json!({ "resultType": "matrix", "result": lines.into_iter().map(line).collect::<Vec<_>>() })
        }
    }
}
