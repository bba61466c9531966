//! What a signal's value is held against. A value that is no number holds against nothing.

use std::fmt;

/// Part of the limit from which on a value that still holds is a warning.
const WARNS: f64 = 0.8;

/// A threshold and on which side of it things are well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// `value COMPARATOR threshold` has to hold.
    pub comparator: Comparator,
    /// In the signal's own unit, as the query returns it: seconds and ratios, not milliseconds and percent.
    pub threshold: f64,
}

/// How a value is compared with its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparator {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
}

impl Comparator {
    /// All of them; those that begin with another one come first.
    pub const ALL: [Self; 5] = [Self::AtMost, Self::AtLeast, Self::Equal, Self::Less, Self::Greater];

    /// As it is typed.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
        }
    }

    /// The comparator that is typed like this.
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|comparator| comparator.sign() == text)
    }
}

impl fmt::Display for Comparator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sign())
    }
}

impl Limit {
    /// Whether a value is within it; NaN is not.
    pub fn holds(self, value: f64) -> bool {
        #[expect(clippy::float_cmp, reason = "that is what == asks for")]
        match self.comparator {
            Comparator::Less => value < self.threshold,
            Comparator::AtMost => value <= self.threshold,
            Comparator::Greater => value > self.threshold,
            Comparator::AtLeast => value >= self.threshold,
            Comparator::Equal => value == self.threshold,
        }
    }

    /// Whether every value that can be measured holds: what is shown and not judged.
    pub fn is_open(self) -> bool {
        self.comparator == Comparator::AtLeast && self.threshold <= 0.0
    }

    /// Where a value is that does not hold: `over`, `under` or `not`.
    pub fn beyond(self) -> &'static str {
        match self.comparator {
            Comparator::Less | Comparator::AtMost => "over",
            Comparator::Greater | Comparator::AtLeast => "under",
            Comparator::Equal => "not",
        }
    }

    /// Whether a value that holds is so near that it is worth a warning: four fifths of the way, or within a quarter above a lower limit.
    pub fn is_near(self, value: f64) -> bool {
        match self.comparator {
            Comparator::Less | Comparator::AtMost => self.threshold > 0.0 && value >= WARNS * self.threshold,
            Comparator::Greater | Comparator::AtLeast => self.threshold > 0.0 && value <= self.threshold / WARNS,
            Comparator::Equal => false,
        }
    }

    /// The same limit, as exact as values of a series are: so that 0.01 in a series equals the limit 0.01.
    #[must_use]
    pub fn of_series(self) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "values of a series are as short")]
        Self { threshold: f64::from(self.threshold as f32), ..self }
    }

    /// The same limit, drawn in by a fraction of itself: what a breach has to come back to before it is over.
    #[must_use]
    pub fn drawn_in(self, fraction: f64) -> Self {
        let by = (self.threshold * fraction).abs();
        let threshold = match self.comparator {
            Comparator::Less | Comparator::AtMost => self.threshold - by,
            Comparator::Greater | Comparator::AtLeast => self.threshold + by,
            Comparator::Equal => self.threshold,
        };
        Self { threshold, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_holds_against_nothing() {
        for comparator in Comparator::ALL {
            assert!(!Limit { comparator, threshold: 1.0 }.holds(f64::NAN), "{comparator}");
            assert_eq!(Comparator::read(comparator.sign()), Some(comparator));
        }
    }

    #[test]
    fn near_is_from_four_fifths_on() {
        let below = Limit { comparator: Comparator::Less, threshold: 1.0 };
        assert_eq!([0.79, 0.8, 0.99].map(|value| below.is_near(value)), [false, true, true]);
        assert!(!below.holds(1.0) && Limit { comparator: Comparator::AtMost, ..below }.holds(1.0));
        let above = Limit { comparator: Comparator::Greater, threshold: 1.0 };
        assert_eq!([1.2, 1.3].map(|value| above.is_near(value)), [true, false]);
        assert!(below.drawn_in(0.1).holds(0.89) && !below.drawn_in(0.1).holds(0.95));
    }
}
