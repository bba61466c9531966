//! Series brought to so many columns: in each the worst value of its part of the time, so that no peak is lost. A gap stays a gap; only
//! where a column is narrower than the distance of two values does a line go from one to the other.

use jiff::{SignedDuration, Timestamp};

use crate::domain::series::Series;
use crate::domain::signal::{Comparator, Limit};

/// A span of time in columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Where it begins.
    pub start: Timestamp,
    /// Its length in milliseconds; at least one a column.
    pub millis: i64,
    /// How many columns it has; at least one.
    pub columns: usize,
}

impl Span {
    /// From one moment to another.
    pub fn between(start: Timestamp, end: Timestamp, columns: usize) -> Self {
        let columns = columns.max(1);
        let least = i64::try_from(columns).unwrap_or(i64::MAX);
        let millis = i64::try_from(end.duration_since(start).as_millis()).unwrap_or(i64::MAX);
        Self { start, millis: millis.max(least), columns }
    }

    /// So many seconds that end at a moment, which is in the last column.
    pub fn before(end: Timestamp, seconds: u32, columns: usize) -> Self {
        let after = end.checked_add(SignedDuration::from_millis(1)).unwrap_or(end);
        let start = after.checked_sub(SignedDuration::from_secs(seconds.into())).unwrap_or(after);
        Self::between(start, after, columns)
    }

    /// The column of a moment; None if it is outside.
    pub fn column(self, moment: Timestamp) -> Option<usize> {
        let past = moment.duration_since(self.start).as_millis();
        let columns = i128::try_from(self.columns).unwrap_or(1);
        let column = (past * columns).div_euclid(i128::from(self.millis));
        usize::try_from(column).ok().filter(|column| *column < self.columns)
    }

    /// The moment at which a column begins.
    pub fn at(self, column: usize) -> Timestamp {
        let column = i64::try_from(column).unwrap_or(i64::MAX);
        let columns = i64::try_from(self.columns).unwrap_or(1);
        let past = SignedDuration::from_millis(column.saturating_mul(self.millis) / columns);
        self.start.checked_add(past).unwrap_or(self.start)
    }
}

/// The worst value of each column, with a straight line over columns that are narrower than the distance of values. A later part
/// begins where the one before it ends.
pub fn line(parts: &[&Series], span: Span, limit: Limit) -> Vec<Option<f32>> {
    let columns = gather(parts, span, limit);
    let widest = parts.iter().map(|part| i64::from(part.step) * 1_000).max().unwrap_or(1_000);
    let column_millis = (span.millis / i64::try_from(span.columns).unwrap_or(1)).max(1);
    let most = usize::try_from(widest / column_millis + 1).unwrap_or(1);
    let mut values: Vec<_> = columns.iter().map(|column| column.value).collect();
    let mut last: Option<(usize, f32)> = None;
    for (place, column) in columns.iter().enumerate() {
        match (column.value, column.asked) {
            (Some(value), _) => {
                if let Some((from, before)) = last.filter(|(from, _)| place - from <= most) {
                    fill(&mut values, (from, before), (place, value));
                }
                last = Some((place, value));
            }
            // A place for a value and none there: what comes next is not joined to what was before.
            (None, true) => last = None,
            (None, false) => {}
        }
    }
    values
}

#[derive(Clone, Copy, Default)]
struct Column {
    value: Option<f32>,
    asked: bool,
}

/// What falls into each column.
fn gather(parts: &[&Series], span: Span, limit: Limit) -> Vec<Column> {
    let lower = matches!(limit.comparator, Comparator::Greater | Comparator::AtLeast);
    let mut columns = vec![Column::default(); span.columns];
    let mut end: Option<Timestamp> = None;
    for part in parts {
        for (moment, value) in part.points().filter(|(moment, _)| end.is_none_or(|end| *moment > end)) {
            let Some(column) = span.column(moment).and_then(|column| columns.get_mut(column)) else { continue };
            column.asked = true;
            if let Some(value) = value.filter(|value| value.is_finite()) {
                let worse = |old: f32| if lower { old.min(value) } else { old.max(value) };
                column.value = Some(column.value.map_or(value, worse));
            }
        }
        end = part.end().max(end);
    }
    columns
}

fn fill(values: &mut [Option<f32>], (from, before): (usize, f32), (to, after): (usize, f32)) {
    let steps = to - from;
    for step in 1..steps {
        #[expect(clippy::cast_precision_loss, reason = "columns of a screen")]
        let part = step as f32 / steps as f32;
        if let Some(value) = values.get_mut(from + step) {
            *value = Some(before + (after - before) * part);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    fn worst(parts: &[&Series], span: Span, limit: Limit) -> Vec<Option<f32>> {
        gather(parts, span, limit).into_iter().map(|column| column.value).collect()
    }

    const BELOW: Limit = Limit { comparator: Comparator::Less, threshold: 1.0 };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + seconds.seconds()
    }

    #[test]
    fn peaks_stay_and_gaps_stay_gaps() {
        let series = Series::new(at(0), 10, [1.0, 5.0, 2.0, f32::NAN, f32::NAN, f32::NAN, 3.0, f32::INFINITY]);
        let span = Span::between(at(0), at(80), 4);
        assert_eq!(worst(&[&series], span, BELOW), [Some(5.0), Some(2.0), None, Some(3.0)]);
        let above = Limit { comparator: Comparator::Greater, ..BELOW };
        assert_eq!(worst(&[&series], span, above)[0], Some(1.0));
    }

    #[test]
    fn a_line_joins_neighbours_and_never_crosses_a_gap() {
        let series = Series::new(at(0), 10, [0.0, 4.0, f32::NAN, 4.0]);
        let values = line(&[&series], Span::between(at(0), at(40), 16), BELOW);
        let all: Vec<_> = values.iter().map(|value| value.unwrap_or(-1.0)).collect();
        assert_eq!(all, [0.0, 1.0, 2.0, 3.0, 4.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, 4.0, -1.0, -1.0, -1.0]);
    }

    #[test]
    fn a_part_that_is_newer_goes_on_where_the_older_one_ends() {
        let coarse = Series::new(at(0), 20, [1.0, 1.0]);
        let fine = Series::new(at(0), 10, [9.0, 9.0, 9.0, 2.0]);
        assert_eq!(worst(&[&coarse, &fine], Span::between(at(0), at(40), 4), BELOW), [Some(1.0), None, Some(1.0), Some(2.0)]);
    }

    #[test]
    fn moments_and_columns_agree() {
        let span = Span::before(at(100), 100, 10);
        assert_eq!((span.column(at(100)), span.column(at(0)), span.column(at(101))), (Some(9), None, None));
        for column in 0..10 {
            assert_eq!(span.column(span.at(column)), Some(column));
        }
    }
}
