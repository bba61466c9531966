//! Answers of a metrics server, read leniently: what is no number is a gap, what is not known is left out, and nothing grows beyond its
//! bounds, whatever a server sends.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

pub use super::labels::Labels;
use super::trouble::{Trouble, is_page};
use crate::config::secret::mask;
use crate::source::kube::fault::one_line;

/// Most series of one answer.
const MOST_SERIES: usize = 60_000;
/// Most values of one series: what servers give at most, and one for either end.
const MOST_VALUES: usize = 11_002;
/// Most warnings that are kept of one answer.
const MOST_NOTES: usize = 16;

/// What a query returned.
#[derive(Debug, Default, PartialEq)]
pub struct Answer {
    /// Series with the moments (seconds of the server's clock) and values. At one moment each has one value.
    pub series: Vec<(Labels, Vec<(f64, f64)>)>,
    /// Warnings and infos, and what was left out.
    pub notes: Vec<Box<str>>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    status: String,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default)]
    infos: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    result_type: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Deserialize)]
struct Instant {
    #[serde(default)]
    metric: Labels,
    #[serde(default)]
    value: Option<(Number, Number)>,
}

#[derive(Deserialize)]
struct Range {
    #[serde(default)]
    metric: Labels,
    #[serde(default = "Many::none")]
    values: Many<(Number, Number), MOST_VALUES>,
}

/// What `/api/v1/rules` lists.
#[derive(Deserialize)]
pub struct Rules<R> {
    #[serde(default = "Vec::new")]
    groups: Vec<Group<R>>,
}

#[derive(Deserialize)]
struct Group<R> {
    #[serde(default = "Vec::new")]
    rules: Vec<R>,
}

impl<R> Rules<R> {
    /// The rules of all groups, in their order.
    pub fn all(self) -> impl Iterator<Item = R> {
        self.groups.into_iter().flat_map(|group| group.rules)
    }
}

/// What an endpoint says besides queries: the data of its envelope, and its warnings.
pub fn data<T: DeserializeOwned>(body: &[u8]) -> Result<(T, Vec<Box<str>>), Trouble> {
    let (data, notes) = open(body)?;
    serde_json::from_str(data.get()).map(|data| (data, notes)).map_err(|error| garbled(&error))
}

/// What a query returned.
pub fn query(body: &[u8]) -> Result<Answer, Trouble> {
    let (data, mut notes) = open(body)?;
    let data: Data<'_> = serde_json::from_str(data.get()).map_err(|error| garbled(&error))?;
    let result = data.result.get();
    let mut histograms = 0_usize;
    let mut series = Vec::new();
    match data.result_type.as_str() {
        "vector" => {
            let items: Many<Instant, MOST_SERIES> = serde_json::from_str(result).map_err(|error| garbled(&error))?;
            for item in items.0 {
                match item.value {
                    Some((at, value)) => series.push((item.metric, vec![(at.0, value.0)])),
                    None => histograms += 1,
                }
            }
        }
        "matrix" => {
            let items: Many<Range, MOST_SERIES> = serde_json::from_str(result).map_err(|error| garbled(&error))?;
            for item in items.0 {
                if item.values.0.is_empty() {
                    histograms += 1;
                } else {
                    series.push((item.metric, item.values.0.into_iter().map(|(at, value)| (at.0, value.0)).collect()));
                }
            }
        }
        "scalar" => {
            let (at, value): (Number, Number) = serde_json::from_str(result).map_err(|error| garbled(&error))?;
            series.push((Labels::new(), vec![(at.0, value.0)]));
        }
        other => return Err(Trouble::refused(&format!("the query returns a {other} and no numbers"))),
    }
    if histograms > 0 {
        notes.push(format!("{histograms} native histograms are left out: take a quantile or a count of them").into());
    }
    Ok(Answer { series, notes })
}

fn open(body: &[u8]) -> Result<(&RawValue, Vec<Box<str>>), Trouble> {
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(|error| {
        let text = String::from_utf8_lossy(body.get(..200).unwrap_or(body));
        if is_page(&text) {
            return Trouble::down("it answers with a web page: is this its address, or a login in front of it?");
        }
        garbled(&error)
    })?;
    if envelope.status != "success" {
        return Err(Trouble::down(&envelope.error.unwrap_or_else(|| "it says neither an answer nor an error".to_owned())));
    }
    let said = envelope.warnings.into_iter().flatten().chain(envelope.infos.into_iter().flatten());
    let mut notes: Vec<Box<str>> = Vec::new();
    for note in said.take(MOST_NOTES).map(|note| one_line(&mask(&note)).into_boxed_str()) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    envelope.data.map(|data| (data, notes)).ok_or_else(|| Trouble::down("its answer has no data"))
}

fn garbled(error: &serde_json::Error) -> Trouble {
    let text = match error.classify() {
        serde_json::error::Category::Eof => "its answer breaks off in the middle".to_owned(),
        _ => format!("its answer cannot be read: {error}"),
    };
    Trouble::down(&text)
}

/// A number, or a text with one; what is neither is not a number.
#[derive(Clone, Copy)]
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
                Ok(Number(value))
            }

            #[expect(clippy::cast_precision_loss, reason = "a moment or a count; none is that large")]
            fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "a moment or a count; none is that large")]
            fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            fn visit_str<E>(self, text: &str) -> Result<Number, E> {
                Ok(Number(text.parse().unwrap_or(f64::NAN)))
            }

            fn visit_unit<E>(self) -> Result<Number, E> {
                Ok(Number(f64::NAN))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// A list of at most so many.
struct Many<T, const MOST: usize>(Vec<T>);

impl<T, const MOST: usize> Many<T, MOST> {
    fn none() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Many<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Reader<T, MOST> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    if all.len() == MOST {
                        return Err(A::Error::custom(format!("more than {MOST} of them")));
                    }
                    all.push(item);
                }
                Ok(all)
            }

            fn visit_unit<E>(self) -> Result<Vec<T>, E> {
                Ok(Vec::new())
            }
        }
        deserializer.deserialize_any(Reader::<T, MOST>(PhantomData)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(result_type: &str, result: &str) -> Result<Answer, Trouble> {
        query(format!(r#"{{"status":"success","data":{{"resultType":"{result_type}","result":{result}}}}}"#).as_bytes())
    }

    fn values(answer: &Answer) -> Vec<f64> {
        answer.series.iter().flat_map(|(_, values)| values.iter().map(|(_, value)| *value)).collect()
    }

    #[test]
    fn numbers_come_as_texts_and_some_are_none() {
        let answer =
            read("vector", r#"[{"metric":{"a":"b"},"value":[1.5,"2"]},{"metric":{},"value":[1,"NaN"]},{"value":[1,"+Inf"]}]"#);
        let answer = answer.unwrap();
        assert_eq!(answer.series[0].0.get("a"), Some("b"));
        assert_eq!(format!("{:?}", values(&answer)), "[2.0, NaN, inf]");
        let answer = read("matrix", r#"[{"metric":{},"values":[[15,"-Inf"],[30,"x"],[45,3]]}]"#).unwrap();
        assert_eq!(answer.series[0].1[0], (15.0, f64::NEG_INFINITY));
        assert!(answer.series[0].1[1].1.is_nan() && answer.series[0].1[2] == (45.0, 3.0));
        assert_eq!(read("scalar", r#"[1,"7"]"#).unwrap().series, [(Labels::new(), vec![(1.0, 7.0)])]);
        assert!(read("vector", "[]").unwrap().series.is_empty() && read("vector", "null").unwrap().series.is_empty());
    }

    #[test]
    fn native_histograms_are_left_out_and_said() {
        let answer = read("vector", r#"[{"metric":{},"histogram":[1,{"count":"3","sum":"1","buckets":[]}]}]"#).unwrap();
        assert!(answer.series.is_empty() && answer.notes[0].starts_with("1 native histograms"), "{answer:?}");
    }

    #[test]
    fn warnings_are_kept_once() {
        let body = r#"{"status":"success","warnings":["a","a"],"infos":["b\u001b"],"data":{"resultType":"vector","result":[]}}"#;
        assert_eq!(query(body.as_bytes()).unwrap().notes, ["a".into(), Box::<str>::from("b")]);
    }

    #[test]
    fn what_is_no_answer_says_what_it_is() {
        let said = |body: &str| query(body.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            said("<!DOCTYPE html><title>Log in</title>"),
            "it answers with a web page: is this its address, or a login in front of it?"
        );
        assert_eq!(said(r#"{"status":"success","data":{"resultTy"#), "its answer breaks off in the middle");
        assert_eq!(said(r#"{"status":"error","error":"no"}"#), "no");
        assert_eq!(said(r#"{"status":"success"}"#), "its answer has no data");
        assert!(said("hello").starts_with("its answer cannot be read"));
        assert_eq!(read("string", r#"[1,"x"]"#).unwrap_err(), Trouble::refused("the query returns a string and no numbers"));
        let many = format!("[{}]", vec!["[1,\"1\"]"; MOST_VALUES + 1].join(","));
        assert!(read("matrix", &format!(r#"[{{"metric":{{}},"values":{many}}}]"#)).unwrap_err().to_string().contains("more than"));
    }
}
