//! The axes of a chart: from where to where it goes, and which round values and times are named. Pure arithmetic.

use jiff::{SignedDuration, Timestamp};

use crate::domain::signal::{Comparator, Limit};

/// From where to where values go, and between which round values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// At the lower edge.
    pub low: f64,
    /// At the upper edge.
    pub high: f64,
    /// Between two values that are named.
    pub step: f64,
}

/// Times as large as the values up to which the limit is in the picture: beyond, they would be a flat line.
const REACHES: f64 = 8.0;

impl Scale {
    /// For values and the limit that they are held against, with about so many named values. From zero on, but for values that all lie
    /// far above it.
    pub fn fitting(values: impl Iterator<Item = f64>, limit: Limit, named: u16) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        let none = low > high;
        let upper = matches!(limit.comparator, Comparator::Less | Comparator::AtMost | Comparator::Equal);
        if none || (limit.threshold <= high.abs() * REACHES && (upper || limit.threshold >= low / REACHES)) {
            (low, high) = (low.min(limit.threshold), high.max(limit.threshold));
        }
        if !(low.is_finite() && high.is_finite()) {
            (low, high) = (0.0, 1.0);
        }
        if low > 0.0 && (low < high * 0.8 || low >= high) {
            low = 0.0;
        }
        if high <= low {
            high = low + if low == 0.0 { 1.0 } else { low.abs() };
        }
        let step = round((high - low) / f64::from(named.max(1)));
        let low = (low / step).floor() * step;
        // A little air above what is drawn.
        let high = ((high + (high - low) * 0.04) / step).ceil() * step;
        Self { low, high, step }
    }

    /// How far up a value lies, from 0 at the lower edge to 1 at the upper one.
    pub fn part(self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// The values that are named, from the lowest.
    pub fn named(self) -> impl Iterator<Item = f64> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a handful")]
        let count = ((self.high - self.low) / self.step).round() as u32;
        (0..=count.min(50)).map(move |place| self.low + f64::from(place) * self.step)
    }
}

/// The next round number: 1, 2, 2.5 or 5 times a power of ten.
fn round(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let digit = value / power;
    let rounded = [1.0, 2.0, 2.5, 5.0].into_iter().find(|round| digit <= round * 1.000_001).unwrap_or(10.0);
    rounded * power
}

/// Seconds between named times.
const STEPS: [i64; 16] = [10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800];

/// Round times of a span, so many at most, with their words: `14:05`, `14:05:30`, `Mar 2`.
pub fn times(start: Timestamp, end: Timestamp, most: usize) -> Vec<(Timestamp, String)> {
    let seconds = end.duration_since(start).as_secs().max(1);
    let most = i64::try_from(most.max(1)).unwrap_or(1);
    let step = STEPS.into_iter().find(|step| seconds / step <= most).unwrap_or(604_800);
    let form = match step {
        ..60 => "%H:%M:%S",
        60..43_200 => "%H:%M",
        43_200..86_400 => "%d %H:%M",
        _ => "%b %e",
    };
    let mut second = start.as_second().div_euclid(step) * step;
    let mut all = Vec::new();
    while second <= end.as_second() && all.len() < 64 {
        if let Ok(moment) = Timestamp::from_second(second)
            && moment >= start
        {
            all.push((moment, moment.strftime(form).to_string()));
        }
        second += step;
    }
    all
}

/// A length of time in one word: `30m`, `6h`, `3d`.
pub fn span(length: SignedDuration) -> String {
    let seconds = length.as_secs();
    match seconds {
        ..120 => format!("{seconds}s"),
        120..7_200 if seconds % 3_600 != 0 => format!("{}m", seconds / 60),
        120..172_800 if seconds % 86_400 != 0 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BELOW: Limit = Limit { comparator: Comparator::Less, threshold: 1.5 };

    fn scale(values: &[f64], limit: Limit) -> (f64, f64, f64) {
        let scale = Scale::fitting(values.iter().copied(), limit, 4);
        (scale.low, scale.high, scale.step)
    }

    #[test]
    fn scales_are_round_and_hold_the_limit_where_it_is_near() {
        assert_eq!(scale(&[0.3, 0.41], BELOW), (0.0, 2.0, 0.5));
        assert_eq!(scale(&[0.001, 0.002], BELOW), (0.0, 0.0025, 0.0005));
        assert_eq!(scale(&[], BELOW), (0.0, 2.0, 0.5));
        assert_eq!(scale(&[0.0], Limit { threshold: 0.0, ..BELOW }), (0.0, 1.25, 0.25));
        // What lies far above zero is not squeezed into a line.
        let above = Limit { comparator: Comparator::AtLeast, threshold: 99.0 };
        let (low, high, _) = scale(&[99.2, 99.9], above);
        assert!(low >= 98.5 && high <= 101.0, "{low} {high}");
        for values in [[f64::NAN, 1.0], [f64::INFINITY, 2.0], [-3.0, 5.0], [1e-9, 1e12]] {
            let scale = Scale::fitting(values.into_iter(), BELOW, 4);
            assert!(scale.low < scale.high && scale.named().count() <= 51, "{scale:?}");
        }
    }

    #[test]
    fn times_are_round_and_few() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let words =
            |start: &str, end: &str| times(at(start), at(end), 5).into_iter().map(|(_, words)| words).collect::<Vec<_>>().join(" ");
        assert_eq!(words("2026-03-02T13:33:22Z", "2026-03-02T14:03:22Z"), "13:40 13:50 14:00");
        assert_eq!(words("2026-03-02T14:01:22Z", "2026-03-02T14:03:22Z"), "14:01:30 14:02:00 14:02:30 14:03:00");
        assert_eq!(words("2026-02-27T14:01:22Z", "2026-03-02T14:03:22Z"), "Feb 28 Mar  1 Mar  2");
    }

    #[test]
    fn spans_have_one_unit() {
        let said = [90, 900, 1_800, 3_600, 21_600, 86_400, 259_200].map(|seconds| span(SignedDuration::from_secs(seconds)));
        assert_eq!(said, ["90s", "15m", "30m", "1h", "6h", "1d", "3d"]);
    }
}
