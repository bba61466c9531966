//! What the look at a metrics server means: what is in order, what needs somebody, and what to do.

use serde::Serialize;

use super::{Check, Verdict};
use crate::domain::duration::age;
use crate::source::prometheus::checkup::{Answer, Checkup};

/// Clocks further apart than this are worth a word; below it the whole seconds of a `Date` header hide the difference.
const APART_MS: i64 = 2_000;

/// A metrics server as `--json` says it.
#[derive(Debug, Serialize)]
pub struct Server<'a> {
    environment: &'a str,
    address: &'a str,
    reachable: bool,
    latency_ms: Option<u32>,
    server_version: Option<&'a str>,
    clock_skew_seconds: Option<f64>,
    retention_seconds: Option<u32>,
    credentials: &'static str,
}

impl<'a> From<&'a Checkup> for Server<'a> {
    fn from(found: &'a Checkup) -> Self {
        let answer = found.link.as_ref().ok();
        #[expect(clippy::cast_precision_loss, reason = "a clock that is 285,000 years off may be said inexactly")]
        let skew = answer.and_then(|answer| answer.clock_skew_ms).map(|millis| millis as f64 / 1e3);
        Self {
            environment: &found.environment,
            address: &found.address,
            reachable: answer.is_some(),
            latency_ms: answer.map(|answer| answer.millis),
            server_version: answer.and_then(|answer| answer.version.as_deref()),
            clock_skew_seconds: skew,
            retention_seconds: answer.and_then(|answer| answer.retention),
            credentials: found.credentials,
        }
    }
}

/// The lines about one metrics server.
pub fn checks(found: &Checkup) -> Vec<Check> {
    let line = |name, verdict, text| Check { environment: Some(found.environment.clone()), name, verdict, text };
    let credentials = match found.credentials {
        "none" => "no credentials".to_owned(),
        kind => format!("credentials: {kind}"),
    };
    let answer = match &found.link {
        Err(reason) => {
            return vec![line("metrics", Verdict::Fail, format!("{} ({credentials}): {reason}", found.address))];
        }
        Ok(answer) => answer,
    };
    let version = answer.version.as_ref().map_or(String::new(), |version| format!(", version {version}"));
    let kept = answer.retention.map_or(String::new(), |seconds| format!(", keeps samples for {}", age(i64::from(seconds))));
    let text = format!("{} answers in {} ms{version}{kept}, {credentials}", found.address, answer.millis);
    vec![
        line("metrics", Verdict::Ok, text),
        clock(answer).map_or_else(
            || line("metrics clock", Verdict::Ok, AGREE.to_owned()),
            |text| line("metrics clock", Verdict::Warn, text),
        ),
    ]
}

/// Said where there is nothing to say about clocks.
const AGREE: &str = "the metrics server's clock and this one agree";

fn clock(answer: &Answer) -> Option<String> {
    let millis = match answer.clock_skew_ms {
        None => {
            return Some(
                "the metrics server does not say its time: samples are dated as if its clock and this one agreed".to_owned(),
            );
        }
        Some(millis) if millis.abs() < APART_MS => return None,
        Some(millis) => millis,
    };
    let way = if millis > 0 { "ahead of" } else { "behind" };
    Some(format!("the metrics server's clock is {} {way} this one; samples are dated by this one", age(millis.abs() / 1000)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::prometheus::Tally;

    fn found(skew: Option<i64>) -> Checkup {
        let answer = Answer { millis: 12, version: Some("2.42.0".into()), clock_skew_ms: skew, retention: Some(1_296_000) };
        Checkup {
            environment: "prod".into(),
            address: "http://prometheus:9090".into(),
            link: Ok(answer),
            credentials: "token",
            counted: Tally::default().read(),
        }
    }

    fn lines(found: &Checkup) -> Vec<String> {
        checks(found).iter().map(|check| format!("{:?} {}: {}", check.verdict, check.name, check.text)).collect()
    }

    #[test]
    fn a_metrics_server_is_said_in_two_lines() {
        assert_eq!(
            lines(&found(Some(0))),
            [
                "Ok metrics: http://prometheus:9090 answers in 12 ms, version 2.42.0, keeps samples for 15d, credentials: token",
                "Ok metrics clock: the metrics server's clock and this one agree",
            ]
        );
        assert_eq!(
            lines(&found(Some(-300_000)))[1],
            "Warn metrics clock: the metrics server's clock is 5m behind this one; samples are dated by this one"
        );
        let silent = Checkup { link: Err("connection refused".into()), credentials: "none", ..found(None) };
        assert_eq!(lines(&silent), ["Fail metrics: http://prometheus:9090 (no credentials): connection refused"]);
    }
}
