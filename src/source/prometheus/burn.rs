//! How fast services use up what may fail: error ratios over several windows, all tracks together. What reaches back for days changes
//! slowly and is dear to ask, so it is asked less often.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::answer::data;
use super::batch::{Ask, Said, When, ask};
use super::server::Server;
use super::trouble::Trouble;
use crate::domain::duration::{length_millis, prometheus};
use crate::domain::id::Key;
use crate::domain::signal::{Expression, Origin, Query, Signal, SignalKind, Target, Template, Track, Variables, of_all_tracks};
use crate::domain::slo::{BurnReading, Slo};

/// Windows that burn rates are told by, in seconds.
const WINDOWS: [u32; 7] = [300, 1_800, 3_600, 7_200, 21_600, 86_400, 259_200];
/// Longer windows are asked for less often.
const SHORT: u32 = 21_600;
/// From one question about the longer windows to the next.
const SELDOM: Duration = Duration::from_mins(10);

/// What was learned of all services.
#[derive(Default)]
pub struct Burns {
    long: HashMap<Key, Long>,
    /// What the server said about how long it keeps samples, once it was asked.
    retention: Option<Kept>,
}

/// Seconds of a window, and the error ratio over it.
pub type Ratios = Vec<(u32, Option<f64>)>;

/// What was learned over the longer windows.
struct Long {
    since: Instant,
    /// What was asked.
    of: Box<str>,
    ratios: Ratios,
}

/// For how many seconds samples are kept, if somebody says.
#[derive(Clone, Copy)]
struct Kept(Option<u32>);

/// What is asked over one window.
enum Ratio {
    One(Ask),
    Two(Ask, Ask),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuntimeInfo {
    #[serde(default)]
    storage_retention: Option<String>,
}

impl Burns {
    /// Error ratios of one target over all windows.
    pub async fn read(&mut self, server: &Server, target: &Target, slo: &Slo) -> Result<BurnReading, Trouble> {
        let retention = self.retention(server).await?;
        let asked = server.now();
        let reading = |ratios, refused| {
            let (key, uid) = (target.key.clone(), target.uid.clone());
            BurnReading { key, uid, asked, ratios, retention, refused, recorded: None }
        };
        let mut windows: Vec<u32> = WINDOWS.into_iter().filter(|window| *window < slo.period).collect();
        windows.extend(slo.alerts.iter().flat_map(|alert| [alert.short, alert.long]).chain([slo.period]));
        windows.sort_unstable();
        windows.dedup();
        let (short, long): (Vec<u32>, Vec<u32>) = windows.into_iter().partition(|window| *window <= SHORT);
        let identity = identity(target, slo);
        let known = self.long.get(&target.key);
        let known = known.filter(|long| long.since.elapsed() < SELDOM && long.of == identity).map(|long| long.ratios.clone());
        let mut ratios = match ask_all(server, target, slo, &short).await? {
            Ok(ratios) => ratios,
            Err(text) => return Ok(reading(Vec::new(), Some(text))),
        };
        let of_long = match known {
            Some(ratios) => ratios,
            None => match ask_all(server, target, slo, &long).await? {
                Ok(ratios) => {
                    let long = Long { since: Instant::now(), of: identity, ratios: ratios.clone() };
                    self.long.insert(target.key.clone(), long);
                    ratios
                }
                Err(text) => return Ok(reading(ratios, Some(text))),
            },
        };
        ratios.extend(of_long);
        Ok(reading(ratios, None))
    }

    /// Forgets what is no longer wanted.
    pub fn keep(&mut self, targets: &[Target]) {
        self.long.retain(|key, _| targets.iter().any(|target| target.key == *key));
    }

    /// How long the server keeps samples, in seconds; asked once.
    pub async fn retention(&mut self, server: &Server) -> Result<Option<u32>, Trouble> {
        if let Some(Kept(known)) = self.retention {
            return Ok(known);
        }
        let found = retention(server).await?;
        self.retention = Some(Kept(found));
        Ok(found)
    }
}

/// How long a server keeps samples, in seconds; None if it does not say so.
pub async fn retention(server: &Server) -> Result<Option<u32>, Trouble> {
    match server.get("/api/v1/status/runtimeinfo", &[], 1 << 20).await {
        Ok(reply) => Ok(data::<RuntimeInfo>(&reply.body).ok().and_then(|(info, _)| seconds_of(&info.storage_retention?))),
        Err(Trouble::Missing(_) | Trouble::Refused(_)) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// `15d`, or `15d or 10GiB`.
fn seconds_of(retention: &str) -> Option<u32> {
    retention.split(" or ").find_map(|part| u32::try_from(length_millis(part)? / 1000).ok())
}

/// Tells whether what was learned is about the same question.
fn identity(target: &Target, slo: &Slo) -> Box<str> {
    ratio(target, slo, 3_600)
        .map_or_else(
            |error| error,
            |ratio| match ratio {
                Ratio::One(ask) => ask.text.to_string(),
                Ratio::Two(bad, total) => format!("{} / {}", bad.text, total.text),
            },
        )
        .into()
}

async fn ask_all(server: &Server, target: &Target, slo: &Slo, windows: &[u32]) -> Result<Result<Ratios, Box<str>>, Trouble> {
    let mut asks = Vec::new();
    let mut places = Vec::new();
    for window in windows {
        match ratio(target, slo, *window) {
            Ok(Ratio::One(one)) => {
                places.push((*window, asks.len(), None));
                asks.push(one);
            }
            Ok(Ratio::Two(bad, total)) => {
                places.push((*window, asks.len(), Some(asks.len() + 1)));
                asks.extend([bad, total]);
            }
            Err(text) => return Ok(Err(text.into())),
        }
    }
    let heard = ask(server, &asks, When::At(None)).await?;
    if let Some(Err(text)) = heard.said.iter().find(|said| said.is_err()) {
        return Ok(Err(text.clone()));
    }
    let value = |place: usize| heard.said.get(place).and_then(newest);
    let ratios = places.into_iter().map(|(window, first, second)| {
        let ratio = match second {
            None => value(first).filter(|ratio| ratio.is_finite()),
            Some(total) => value(total).filter(|total| *total > 0.0).map(|total| value(first).unwrap_or(0.0) / total),
        };
        (window, ratio.filter(|ratio| ratio.is_finite()))
    });
    Ok(Ok(ratios.collect()))
}

/// The value of a query that returned one.
fn newest(said: &Said) -> Option<f64> {
    let series = said.as_ref().ok()?;
    series.first()?.1.last().map(|(_, value)| *value).filter(|value| !value.is_nan())
}

/// What is asked over one window, all tracks together.
fn ratio(target: &Target, slo: &Slo, window: u32) -> Result<Ratio, String> {
    let tracks: Vec<(Track, Variables)> =
        target.tracks.iter().map(|(track, variables)| (*track, variables.clone().with("window", &prometheus(window)))).collect();
    let one = |template: &Template| {
        let query: Query = of_all_tracks(template, &tracks)?;
        Ok::<_, String>(Ask { text: query.to_string().into(), scalar: query.is_scalar(), alone: false })
    };
    if let Some(template) = &slo.error_ratio {
        return one(template).map(Ratio::One);
    }
    let fits = |signal: &&Signal| signal.kind == SignalKind::Errors && !matches!(signal.origin, Origin::Recorded(_));
    let errors = target.signals.iter().find(fits);
    match errors.map(|signal| &signal.expression) {
        None => Err("it has no errors signal: say [slo] error_ratio".to_owned()),
        Some(Expression::Ratio { bad, total }) if bad.uses("window") && total.uses("window") => {
            Ok(Ratio::Two(one(bad)?, one(total)?))
        }
        Some(Expression::Value(query)) if query.uses("window") => one(query).map(Ratio::One),
        Some(_) => Err("the errors signal does not look back over {{window}}: say [slo] error_ratio".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_read_as_servers_write_it() {
        assert_eq!(
            [seconds_of("15d"), seconds_of("1w or 10GiB"), seconds_of("10GiB or 12h"), seconds_of("")],
            [Some(1_296_000), Some(604_800), Some(43_200), None]
        );
    }
}
