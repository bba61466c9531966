//! The parameters of a request, from its query and from a form in its body; a name may come more than once.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use jiff::Timestamp;

use super::Refusal;
use crate::demo::server::route::decoded;

/// The parameters.
#[derive(Debug)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads them; a body counts if it is a form.
    pub fn read(parts: &Parts, body: &Bytes) -> Self {
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let body = if kind.starts_with("application/x-www-form-urlencoded") { String::from_utf8_lossy(body) } else { "".into() };
        let pairs = [&*body, parts.uri.query().unwrap_or_default()];
        let pairs = pairs.iter().flat_map(|text| text.split('&')).filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key), decoded(value))
        };
        Self(pairs.map(pair).collect())
    }

    /// A parameter that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next().filter(|value| !value.is_empty())
    }

    /// All values of a parameter.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A time, in milliseconds since 1970: seconds, or RFC 3339.
    pub fn time(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.abs() < 1e12);
        let wrong = || bad(name, &format!("cannot parse {text:?} to a valid timestamp"));
        seconds.map(milliseconds).or_else(|| Some(text.parse::<Timestamp>().ok()?.as_millisecond())).ok_or_else(wrong).map(Some)
    }

    /// A span of time, in milliseconds: seconds, or a duration as PromQL writes it.
    pub fn span(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.abs() < 1e10);
        let written = || {
            let span = promql_parser::util::parse_duration(text).ok()?;
            i64::try_from(span.as_millis()).ok()
        };
        let wrong = || bad(name, &format!("cannot parse {text:?} to a valid duration"));
        seconds.map(milliseconds).or_else(written).ok_or_else(wrong).map(Some)
    }

    /// A time that has to be there.
    pub fn needed_time(&self, name: &str) -> Result<i64, Refusal> {
        self.time(name)?.ok_or_else(|| bad(name, "cannot parse \"\" to a valid timestamp"))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "callers allow no larger numbers")]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// The refusal of a parameter.
pub fn bad(name: &str, why: &str) -> Refusal {
    Refusal::Kind("bad_data", format!("invalid parameter {name:?}: {why}"))
}
