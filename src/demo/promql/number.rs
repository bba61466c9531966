//! Arithmetic as Prometheus does it, and numbers as it writes them.

use super::series::Point;

/// A number as the API writes it: shortest decimal form, never with an exponent.
pub fn written(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}

/// Reads the same form, as the label `le` carries it.
pub fn read(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// A sum that loses little when large and small numbers meet (Neumaier's form of Kahan's).
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    /// Adds a number.
    pub fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
    }

    /// The sum.
    pub fn total(self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.lost }
    }

    /// The sum of some numbers.
    pub fn of(values: impl IntoIterator<Item = f64>) -> f64 {
        let mut sum = Self::default();
        values.into_iter().for_each(|value| sum.add(value));
        sum.total()
    }
}

/// Mean and sum of squared distances from it, in one pass (Welford).
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    /// That of one number alone: nothing, even if it is infinite or none.
    pub fn of_one(value: f64) -> Self {
        Self { count: 1.0, mean: value, squares: 0.0 }
    }

    /// Adds a number.
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    /// The variance of the whole.
    pub fn variance(self) -> f64 {
        self.squares / self.count
    }
}

/// A mean that does not overflow; infinities stay as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean {
    count: f64,
    mean: f64,
}

impl Mean {
    /// Adds a number.
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        let same = value.is_infinite() && (self.mean > 0.0) == (value > 0.0);
        if self.mean.is_infinite() && (same || value.is_finite()) {
            return;
        }
        self.mean += value / self.count - self.mean / self.count;
    }

    /// The mean.
    pub fn value(self) -> f64 {
        self.mean
    }
}

/// The quantile of some numbers, linear between ranks; NaN counts as the smallest.
pub fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&q) {
        return if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    values.sort_by(|a, b| rank(*a, *b));
    #[expect(clippy::cast_precision_loss, reason = "counts of samples are far below 2^52")]
    let last = (values.len() - 1) as f64;
    let rank = q * last;
    let (low, weight) = (rank.floor(), rank - rank.floor());
    let at = |rank: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the last index")]
        let index = rank as usize;
        values.get(index).copied().unwrap_or(f64::NAN)
    };
    at(low) * (1.0 - weight) + at((low + 1.0).min(last)) * weight
}

/// Ascending, NaN first.
pub fn rank(a: f64, b: f64) -> std::cmp::Ordering {
    b.is_nan().cmp(&a.is_nan()).then(a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal))
}

/// The greater of two numbers: infinity is greater even than what is no number.
pub fn greater(a: f64, b: f64) -> f64 {
    let infinite = a == f64::INFINITY || b == f64::INFINITY;
    if infinite {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}

/// The lesser of two numbers, likewise.
pub fn lesser(a: f64, b: f64) -> f64 {
    -greater(-a, -b)
}

/// Slope per second, and the value at `at`, of the line of least squares through some samples.
pub fn line(points: &[Point], at: i64) -> (f64, f64) {
    let Some(first) = points.first() else { return (f64::NAN, f64::NAN) };
    #[expect(clippy::float_cmp, reason = "a constant series has exactly one value")]
    if points.iter().all(|point| point.value == first.value) {
        return if first.value.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first.value) };
    }
    let x = |point: &Point| seconds(point.at - at);
    let count = Sum::of(points.iter().map(|_| 1.0));
    let (sum_x, sum_y) = (Sum::of(points.iter().map(x)), Sum::of(points.iter().map(|point| point.value)));
    let products = Sum::of(points.iter().map(|point| x(point) * point.value));
    let squares = Sum::of(points.iter().map(|point| x(point) * x(point)));
    let slope = (products - sum_x * sum_y / count) / (squares - sum_x * sum_x / count);
    (slope, sum_y / count - slope * sum_x / count)
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "times of this age are far below 2^52 milliseconds")]
pub fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers come out exactly")]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_without_exponents() {
        let text = [1.0, 0.1, 1e21, 1e-7, -0.0, f64::NAN, f64::INFINITY].map(written);
        assert_eq!(text, ["1", "0.1", "1000000000000000000000", "0.0000001", "-0", "NaN", "+Inf"]);
        assert_eq!(read("+Inf"), Some(f64::INFINITY));
    }

    #[test]
    fn little_is_lost_in_sums() {
        assert_eq!(Sum::of([1e100, 1.0, -1e100]), 1.0);
        let mut mean = Mean::default();
        for value in [f64::INFINITY, 3.0] {
            mean.add(value);
        }
        assert_eq!(mean.value(), f64::INFINITY);
    }

    #[test]
    fn quantiles_lie_between_ranks() {
        assert_eq!(quantile(0.5, vec![4.0, 1.0]), 2.5);
        assert_eq!(quantile(1.0, vec![4.0, 1.0]), 4.0);
        assert_eq!((quantile(-0.1, vec![1.0]), quantile(2.0, vec![1.0])), (f64::NEG_INFINITY, f64::INFINITY));
        assert!(quantile(0.5, Vec::new()).is_nan());
    }
}
