//! The weight that is measured: which share of the requests really reaches the canary, beside the one that was asked for.

use jiff::{SignedDuration, Timestamp};

use super::Signal;
use super::requests::{Traffic, Z};
use crate::domain::series::Series;

/// Standard deviations beyond which chance is no explanation.
const DRIFTS: f64 = 3.0;
/// Less than one point off is nobody's concern, however many requests say so.
const LEAST: f64 = 0.01;

/// The canary's share of real requests over a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Share in percent, 0 to 100.
    pub percent: f64,
    /// How many points it may be off by chance: half of its 95 % interval.
    pub error: f64,
    /// Requests of both tracks that it rests on.
    pub requests: f64,
    /// Points by which it is off the weight that was asked for, if that is more than chance explains; above 0 the canary has too much.
    pub drift: Option<f64>,
}

/// What the weight is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Declared {
    /// Weight that was asked for in percent; None if nobody says.
    pub percent: Option<f64>,
    /// Since when, by the local clock; None: for long.
    pub since: Option<Timestamp>,
}

/// Counts both tracks' requests within the window that ends with the newest values of a signal's traffic. None where one of them is unknown
/// now, or where there are no requests.
///
/// A share `p` of `n` requests has the standard deviation `sqrt(p (1 - p) / n)`, as every binomial proportion; drift is held against that of
/// the weight that was asked for.
pub fn share(signal: &Signal, canary: &Series, stable: &Series, declared: Declared) -> Option<Share> {
    let end = canary.end()?.min(stable.end()?);
    let start = end.checked_sub(SignedDuration::from_secs(signal.window.into())).ok()?;
    let counted = |series| Traffic::of(signal, series).within(end);
    let (canary, stable) = (counted(canary)?, counted(stable)?);
    let requests = canary + stable;
    if requests < 1.0 {
        return None;
    }
    let part = canary / requests;
    let deviation = |part: f64| (part * (1.0 - part) / requests).max(0.0).sqrt();
    // While a window reaches back before the change it tells of both weights.
    let steady = declared.since.is_none_or(|since| since <= start);
    let drift = declared.percent.filter(|_| steady).map(|percent| percent / 100.0).and_then(|asked| {
        let off = part - asked;
        (off.abs() > (DRIFTS * deviation(asked)).max(LEAST)).then_some(off * 100.0)
    });
    Some(Share { percent: part * 100.0, error: Z * deviation(part) * 100.0, requests, drift })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signal::tests::errors;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    fn steady(rate: f32) -> Series {
        Series::new(at(0), 15, vec![rate; 41])
    }

    fn asked(percent: f64) -> Declared {
        Declared { percent: Some(percent), since: Some(at(0)) }
    }

    #[test]
    fn a_share_has_an_error_and_drift_is_more_than_that() {
        let near = share(&errors(), &steady(24.6), &steady(75.4), asked(25.0)).unwrap();
        assert!((near.percent - 24.6).abs() < 0.01 && (near.requests - 30_000.0).abs() < 1.0 && near.drift.is_none());
        assert!((near.error - 0.487).abs() < 0.01, "{}", near.error);
        let off = share(&errors(), &steady(10.0), &steady(90.0), asked(25.0)).unwrap();
        assert!((off.drift.unwrap() + 15.0).abs() < 0.01);
        // The same share of a hundredth of the requests could be chance.
        assert_eq!(share(&errors(), &steady(0.02), &steady(0.08), asked(25.0)).unwrap().drift, None);
        assert!(share(&errors(), &steady(0.3), &steady(99.7), asked(0.0)).unwrap().drift.is_none(), "less than a point");
    }

    #[test]
    fn no_drift_while_the_weight_is_new_and_no_share_of_what_is_unknown() {
        let declared = Declared { percent: Some(25.0), since: Some(at(400)) };
        assert_eq!(share(&errors(), &steady(10.0), &steady(90.0), declared).unwrap().drift, None);
        let gap = Series::new(at(0), 15, [vec![10.0; 40], vec![f32::NAN]].concat());
        assert_eq!(share(&errors(), &gap, &steady(90.0), asked(25.0)), None);
        assert_eq!(share(&errors(), &steady(0.0), &steady(0.0), asked(25.0)), None);
    }
}
