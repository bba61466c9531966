//! What the evaluator asks of those who have series. It neither knows nor cares whether samples were kept or are worked out.

use promql_parser::label::Matcher;

use super::labels::Labels;

/// The value by which a series says that it has ended: a NaN of its own, which no computation gives.
pub const STALE: u64 = 0x7ff0_0000_0000_0002;

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Milliseconds since 1970.
    pub at: i64,
    /// The value; [`STALE`] by its bits where the series has ended.
    pub value: f64,
}

impl Point {
    /// It only says that the series has ended.
    pub fn is_stale(&self) -> bool {
        self.value.to_bits() == STALE
    }
}

/// What a rate needs to know of the samples in a window: at least two, none of them stale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rise {
    /// The first sample.
    pub first: Point,
    /// The last sample.
    pub last: Point,
    /// How many there are.
    pub count: usize,
    /// The sum of the values that were there right before the counter began anew.
    pub resets: f64,
}

impl Rise {
    /// The rise within these samples.
    pub fn of(points: &[Point]) -> Option<Self> {
        let (first, last) = (points.first()?, points.last()?);
        let resets = points.windows(2).filter_map(|pair| match pair {
            [before, after] => (after.value < before.value).then_some(before.value),
            _ => None,
        });
        (points.len() > 1).then(|| Self { first: *first, last: *last, count: points.len(), resets: resets.sum() })
    }
}

/// One series.
pub trait Series {
    /// Its labels.
    fn labels(&self) -> Labels;

    /// Adds its samples with `from <= at <= to`, oldest first, with those that say that it has ended.
    fn points(&self, from: i64, to: i64, into: &mut Vec<Point>);

    /// Its newest sample with `after < at <= to`.
    fn newest(&self, after: i64, to: i64) -> Option<Point> {
        let mut points = Vec::new();
        self.points(after + 1, to, &mut points);
        points.pop()
    }

    /// As [`Rise::of`] all samples of a window; for those who can say it without making them.
    fn rise(&self, from: i64, to: i64) -> Option<Rise> {
        let mut points = Vec::new();
        self.points(from, to, &mut points);
        points.retain(|point| !point.is_stale());
        Rise::of(&points)
    }
}

/// Who has series.
pub trait Source {
    /// The series.
    type Item: Series;

    /// Those whose labels fit all matchers, in the order of their labels or not; one that is not there is an empty text.
    ///
    /// # Errors
    /// With the reason, where they cannot be had.
    fn select(&self, matchers: &[Matcher]) -> Result<Vec<Self::Item>, String>;
}

/// Labels fit all matchers.
pub fn fits(labels: &Labels, matchers: &[Matcher]) -> bool {
    matchers.iter().all(|matcher| matcher.is_match(labels.get(&matcher.name)))
}

/// A series with kept samples.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its labels.
    pub labels: Labels,
    /// Its samples, oldest first.
    pub points: std::sync::Arc<[Point]>,
}

impl Series for Kept {
    fn labels(&self) -> Labels {
        self.labels.clone()
    }

    fn points(&self, from: i64, to: i64, into: &mut Vec<Point>) {
        let begin = self.points.partition_point(|point| point.at < from);
        into.extend(self.points.iter().skip(begin).take_while(|point| point.at <= to));
    }
}

impl Source for [Kept] {
    type Item = Kept;

    fn select(&self, matchers: &[Matcher]) -> Result<Vec<Kept>, String> {
        Ok(self.iter().filter(|series| fits(&series.labels, matchers)).cloned().collect())
    }
}
