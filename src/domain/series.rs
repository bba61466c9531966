//! Numbers at equal distances in time, with gaps. A gap is not a zero: what nobody measured stays unknown, however it is looked at.

use jiff::{SignedDuration, Timestamp};

/// Values at `start`, `start + step`, …; NaN where there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Time of the first value, by the local clock.
    pub start: Timestamp,
    /// Seconds from one value to the next; never 0.
    pub step: u32,
    /// The values, oldest first. NaN is a gap.
    pub values: Box<[f32]>,
}

impl Series {
    /// A series of these values; a step of 0 counts as 1 s.
    pub fn new(start: Timestamp, step: u32, values: impl Into<Box<[f32]>>) -> Self {
        Self { start, step: step.max(1), values: values.into() }
    }

    /// Time of the value at a place.
    pub fn at(&self, place: usize) -> Timestamp {
        let seconds = i64::from(self.step).saturating_mul(i64::try_from(place).unwrap_or(i64::MAX));
        self.start.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
    }

    /// Time of the last value; None if there is no place for one.
    pub fn end(&self) -> Option<Timestamp> {
        self.values.len().checked_sub(1).map(|place| self.at(place))
    }

    /// The value at or right before a moment; None before the first and after the step that follows the last, and in a gap.
    pub fn value_at(&self, moment: Timestamp) -> Option<f32> {
        let seconds = moment.duration_since(self.start).as_secs();
        let place = usize::try_from(seconds).ok()? / usize::try_from(self.step).ok()?;
        self.values.get(place).copied().filter(|value| !value.is_nan())
    }

    /// The last value; None if it is a gap.
    pub fn last(&self) -> Option<f32> {
        self.values.last().copied().filter(|value| !value.is_nan())
    }

    /// Each moment with its value, oldest first; None in a gap.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = (Timestamp, Option<f32>)> + ExactSizeIterator {
        self.values.iter().enumerate().map(|(place, value)| (self.at(place), (!value.is_nan()).then_some(*value)))
    }
}

/// A value of a series as it is written: `0.1`, where the bits of a short number would say 0.10000000149.
pub fn decimal(value: f32) -> f64 {
    // Rust writes the shortest text that reads back as the same number.
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn a_gap_is_no_value() {
        let series = Series::new(Timestamp::UNIX_EPOCH, 15, [1.0, f32::NAN, 3.0]);
        let at = |seconds: i64| series.value_at(Timestamp::UNIX_EPOCH + seconds.seconds());
        assert_eq!(
            [at(-1), at(0), at(14), at(15), at(30), at(44), at(45)],
            [None, Some(1.0), Some(1.0), None, Some(3.0), Some(3.0), None]
        );
        assert_eq!((series.end(), series.last()), (Some(Timestamp::UNIX_EPOCH + 30.seconds()), Some(3.0)));
        assert_eq!(series.points().filter(|(_, value)| value.is_some()).count(), 2);
    }
}
