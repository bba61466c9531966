//! Values of one query on the grid of its step, by the server's clock. The newest part is asked for again and again, and laid over what
//! was known.

use jiff::{SignedDuration, Timestamp};

use crate::domain::series::Series;

/// What the server itself said to be no number: a gap like any other, but not a series that does not exist.
const SAID: f32 = f32::from_bits(0x7fc0_0001);

/// Values at `first * step`, `(first + 1) * step`, …, in seconds of the server's clock; NaN where there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    step: u32,
    first: i64,
    values: Vec<f32>,
}

/// Places on a grid, the first and the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub first: i64,
    /// The last.
    pub last: i64,
}

impl Span {
    /// How many places there are.
    pub fn count(self) -> usize {
        usize::try_from(self.last - self.first + 1).unwrap_or(0)
    }
}

impl Strip {
    /// Nothing is known.
    pub fn new(step: u32) -> Self {
        Self { step: step.max(1), first: 0, values: Vec::new() }
    }

    /// The last place that was ever asked for; None if none was.
    pub fn last(&self) -> Option<i64> {
        (!self.values.is_empty()).then(|| self.first + place(self.values.len()) - 1)
    }

    /// The first place that is known; None if none is.
    pub fn first(&self) -> Option<i64> {
        (!self.values.is_empty()).then_some(self.first)
    }

    /// Keeps these places and no others; those that are new are gaps.
    pub fn frame(&mut self, span: Span) {
        let old = std::mem::replace(&mut self.values, vec![f32::NAN; span.count()]);
        let shift = self.first - span.first;
        self.first = span.first;
        for (index, value) in old.into_iter().enumerate() {
            if let Some(slot) = usize::try_from(place(index) + shift).ok().and_then(|index| self.values.get_mut(index)) {
                *slot = value;
            }
        }
    }

    /// Forgets the values from a place on: they are about to be said again.
    pub fn clear_from(&mut self, from: i64) {
        let index = usize::try_from(from - self.first).unwrap_or(0);
        self.values.iter_mut().skip(index).for_each(|value| *value = f32::NAN);
    }

    /// Sets the value at a moment of the server's clock, in seconds; gives whether there was one already. A moment off the grid goes to
    /// the nearest place; outside of the frame nothing is kept.
    pub fn set(&mut self, seconds: f64, value: f64) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "a moment in seconds; what is out of range is outside of the frame")]
        let at = (seconds / f64::from(self.step)).round() as i64;
        let Some(slot) = usize::try_from(at.saturating_sub(self.first)).ok().and_then(|index| self.values.get_mut(index)) else {
            return false;
        };
        let taken = !slot.is_nan();
        #[expect(clippy::cast_possible_truncation, reason = "seven digits are enough to judge by")]
        let narrow = value as f32;
        *slot = if narrow.is_nan() { SAID } else { narrow };
        taken
    }

    /// Its values.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// By the local clock; `skew` is how far the server's is ahead.
    pub fn series(&self, skew: SignedDuration) -> Series {
        self.with(self.values.clone(), skew)
    }

    /// Other values on the same grid, by the local clock.
    pub fn with(&self, values: Vec<f32>, skew: SignedDuration) -> Series {
        let start = Timestamp::from_second(self.first.saturating_mul(i64::from(self.step))).unwrap_or(Timestamp::MIN);
        Series::new(start.saturating_sub(skew).unwrap_or(start), self.step, values)
    }

    /// Bad ones through all, where both are on one grid. Where all has traffic and bad has no value, the ratio is 0: what never failed has no
    /// counter of failures. Where all has none, there is no ratio.
    pub fn ratio(bad: &Self, total: &Self) -> Vec<f32> {
        let ratio = |(bad, total): (&f32, &f32)| match (*bad, *total) {
            (_, total) if total.is_nan() || total <= 0.0 => f32::NAN,
            (bad, _) if bad.to_bits() == SAID.to_bits() => f32::NAN,
            (bad, _) if bad.is_nan() => 0.0,
            (bad, total) => bad / total,
        };
        if bad.values.len() != total.values.len() {
            return vec![f32::NAN; total.values.len()];
        }
        bad.values.iter().zip(&total.values).map(ratio).collect()
    }
}

fn place(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(first: i64, values: &[f32]) -> Strip {
        Strip { step: 15, first, values: values.to_vec() }
    }

    fn shown(values: &[f32]) -> Vec<Option<f32>> {
        values.iter().map(|value| (!value.is_nan()).then_some(*value)).collect()
    }

    #[test]
    fn the_frame_moves_and_what_was_known_stays() {
        let mut strip = Strip::new(15);
        assert_eq!((strip.first(), strip.last()), (None, None));
        strip.frame(Span { first: 10, last: 13 });
        for (seconds, value) in [(150.0, 1.0), (165.2, 2.0), (195.0, 4.0), (9999.0, 9.0)] {
            assert!(!strip.set(seconds, value));
        }
        strip.frame(Span { first: 11, last: 15 });
        assert_eq!(shown(strip.values()), [Some(2.0), None, Some(4.0), None, None]);
        strip.clear_from(13);
        assert_eq!((shown(strip.values()), strip.last()), (vec![Some(2.0), None, None, None, None], Some(15)));
        assert!(strip.set(165.0, 3.0), "there was a value");
        let series = strip.series(SignedDuration::from_secs(300));
        assert_eq!((series.start.as_second(), series.step), (165 - 300, 15));
    }

    #[test]
    fn what_never_failed_has_a_ratio_of_nothing() {
        let none = f32::NAN;
        let (bad, total) = (strip(0, &[1.0, none, none, 1.0, none]), strip(0, &[4.0, 4.0, none, 0.0, 0.0]));
        assert_eq!(shown(&Strip::ratio(&bad, &total)), [Some(0.25), Some(0.0), None, None, None]);
        assert_eq!(shown(&Strip::ratio(&strip(0, &[]), &total)), [None; 5]);
    }
}
