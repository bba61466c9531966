//! Two answers side by side: the same series with the same numbers, or refusals of one kind.

use std::collections::BTreeMap;

use pilothouse::demo::promql::{Answer, Error};
use serde_json::Value;

/// Labels as text, and the points.
type Lines = BTreeMap<String, Vec<(i64, f64)>>;

/// An answer in the form in which it is compared.
#[derive(Debug)]
pub enum Said {
    /// Its kind and its series.
    Lines(String, Lines),
    /// Its kind.
    Refused(String, String),
}

impl Said {
    fn shown(&self) -> String {
        match self {
            Self::Lines(kind, lines) => format!("{kind} {lines:?}"),
            Self::Refused(kind, text) => format!("{kind}: {text}"),
        }
    }

    /// There is something to compare.
    pub fn has_numbers(&self) -> bool {
        matches!(self, Self::Lines(_, lines) if lines.values().flatten().any(|(_, value)| value.is_finite()))
    }
}

/// A time as Prometheus takes it.
pub fn time(milliseconds: i64) -> String {
    format!("{}.{:03}", milliseconds.div_euclid(1000), milliseconds.rem_euclid(1000))
}

/// What the world says.
pub fn ours(answer: &Result<Answer, Error>) -> Said {
    let text = |labels: &pilothouse::demo::promql::labels::Labels| {
        let pairs: BTreeMap<&str, &str> = labels.pairs().collect();
        format!("{pairs:?}")
    };
    match answer {
        Err(Error::Bad(text)) => Said::Refused("bad_data".to_owned(), text.clone()),
        Err(Error::Execution(text)) => Said::Refused("execution".to_owned(), text.clone()),
        Ok(Answer::Scalar(value)) => Said::Lines("scalar".to_owned(), Lines::from([(String::new(), vec![(0, *value)])])),
        Ok(Answer::Text(text)) => Said::Lines("string".to_owned(), Lines::from([(text.clone(), Vec::new())])),
        Ok(Answer::Vector(samples)) => {
            let lines = samples.iter().map(|sample| (text(&sample.labels), vec![(0, sample.value)]));
            Said::Lines("vector".to_owned(), lines.collect())
        }
        Ok(Answer::Matrix(lines)) => {
            let points = |line: &pilothouse::demo::promql::Line| line.points.iter().map(|p| (p.at, p.value)).collect();
            Said::Lines("matrix".to_owned(), lines.iter().map(|line| (text(&line.labels), points(line))).collect())
        }
    }
}

/// What the real one says.
pub fn real((code, answer): &(u16, Value)) -> Said {
    if answer["status"] != "success" {
        let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        let codes = BTreeMap::from([("bad_data", 400), ("execution", 422)]);
        assert_eq!(codes.get(&*text("errorType")), Some(&i32::from(*code)), "{answer}");
        return Said::Refused(text("errorType"), text("error"));
    }
    let kind = answer["data"]["resultType"].as_str().unwrap().to_owned();
    let result = &answer["data"]["result"];
    let number = |point: &Value| -> f64 { point[1].as_str().unwrap().parse().unwrap() };
    let labels = |line: &Value| {
        let pairs: BTreeMap<&str, &str> =
            line["metric"].as_object().unwrap().iter().map(|(key, value)| (&**key, value.as_str().unwrap())).collect();
        format!("{pairs:?}")
    };
    let lines = match &*kind {
        "scalar" => Lines::from([(String::new(), vec![(0, number(result))])]),
        "string" => Lines::from([(result[1].as_str().unwrap().to_owned(), Vec::new())]),
        "vector" => result.as_array().unwrap().iter().map(|line| (labels(line), vec![(0, number(&line["value"]))])).collect(),
        _ => {
            #[expect(clippy::cast_possible_truncation, reason = "milliseconds")]
            let point = |point: &Value| ((point[0].as_f64().unwrap() * 1000.0).round() as i64, number(point));
            let points = |line: &Value| line["values"].as_array().unwrap().iter().map(point).collect();
            result.as_array().unwrap().iter().map(|line| (labels(line), points(line))).collect()
        }
    };
    Said::Lines(kind, lines)
}

/// What is different, if anything is.
pub fn difference(ours: &Said, real: &Said) -> Option<String> {
    let (our_kind, our_lines, kind, lines) = match (ours, real) {
        (Said::Refused(a, _), Said::Refused(b, _)) if a == b => return None,
        (Said::Lines(a, ours), Said::Lines(b, real)) => (a, ours, b, real),
        _ => return Some(format!("ours is {}\n    real is {}", ours.shown(), real.shown())),
    };
    if our_kind != kind {
        return Some(format!("ours is a {our_kind}, the real one a {kind}"));
    }
    if our_lines.keys().ne(lines.keys()) {
        return Some(format!("ours has {:?}\n    real has {:?}", our_lines.keys(), lines.keys()));
    }
    our_lines.iter().zip(lines).find_map(|((labels, ours), (_, real))| {
        let same = |(a, b): (&(i64, f64), &(i64, f64))| a.0 == b.0 && near(a.1, b.1);
        let all = ours.len() == real.len() && ours.iter().zip(real).all(same);
        let first = ours.iter().zip(real).find(|pair| !same(*pair));
        (!all).then(|| format!("{labels}: {} points, real {}, first unlike {first:?}", ours.len(), real.len()))
    })
}

#[expect(clippy::float_cmp, reason = "infinities")]
fn near(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()) || (a - b).abs() < 1e-12
}
