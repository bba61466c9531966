//! Functions of the samples in a window. A rate is extrapolated to the window's ends as Prometheus does it.

use super::number::{Mean, Spread, Sum, line, quantile, seconds};
use super::series::{Point, Rise};

/// The window that a function looks at, in milliseconds since 1970; both ends belong to it.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub from: i64,
    pub to: i64,
}

/// How a function of a window is worked out.
#[derive(Clone, Copy)]
pub enum Way {
    /// From what [`Rise`] says; the two switches: it is a counter, and per second.
    Rise { counter: bool, per_second: bool },
    /// From the samples.
    Points(fn(&[Point], &Given) -> Option<f64>),
}

/// The other arguments, and the time that is evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// The number that comes with the samples; 0 where there is none.
    pub number: f64,
    /// Milliseconds since 1970.
    pub now: i64,
}

/// How the function of this name is worked out; none for one that is not of this kind or not among the supported.
pub fn way(name: &str) -> Option<Way> {
    let way = match name {
        "rate" => return Some(Way::Rise { counter: true, per_second: true }),
        "increase" => return Some(Way::Rise { counter: true, per_second: false }),
        "delta" => return Some(Way::Rise { counter: false, per_second: false }),
        "irate" => |points: &[Point], _: &Given| last_change(points, true),
        "idelta" => |points: &[Point], _: &Given| last_change(points, false),
        "deriv" => |points: &[Point], _: &Given| {
            let first = points.first().filter(|_| points.len() > 1)?;
            Some(line(points, first.at).0)
        },
        "predict_linear" => |points: &[Point], given: &Given| {
            let (slope, now) = (points.len() > 1).then(|| line(points, given.now))?;
            Some(slope * given.number + now)
        },
        "changes" => |points: &[Point], _: &Given| {
            #[expect(clippy::float_cmp, reason = "a change is any difference")]
            let changed = |a: f64, b: f64| a != b && !(a.is_nan() && b.is_nan());
            Some(pairs(points, changed))
        },
        "resets" => |points: &[Point], _: &Given| Some(pairs(points, |before, after| after < before)),
        "avg_over_time" => |points: &[Point], _: &Given| {
            let mut mean = Mean::default();
            values(points).for_each(|value| mean.add(value));
            Some(mean.value())
        },
        "sum_over_time" => |points: &[Point], _: &Given| Some(Sum::of(values(points))),
        "count_over_time" => |points: &[Point], _: &Given| Some(count(points)),
        "last_over_time" => |points: &[Point], _: &Given| points.last().map(|point| point.value),
        "present_over_time" => |_: &[Point], _: &Given| Some(1.0),
        "max_over_time" => |points: &[Point], _: &Given| extreme(points, |new, old| new > old),
        "min_over_time" => |points: &[Point], _: &Given| extreme(points, |new, old| new < old),
        "stdvar_over_time" => |points: &[Point], _: &Given| Some(variance(points)),
        "stddev_over_time" => |points: &[Point], _: &Given| Some(variance(points).sqrt()),
        "quantile_over_time" => |points: &[Point], given: &Given| Some(quantile(given.number, values(points).collect())),
        _ => return None,
    };
    Some(Way::Points(way))
}

/// A change over a window from its samples, stretched to the window's ends where the series seems to go on there
/// (`extrapolatedRate` of Prometheus 2): by half the mean distance of two samples if an end is further away than 1.1 of
/// them, and never before the time at which a counter would have been zero.
pub fn extrapolated(rise: &Rise, window: Window, counter: bool, per_second: bool) -> f64 {
    let mut change = rise.last.value - rise.first.value;
    if counter {
        change += rise.resets;
    }
    let sampled = seconds(rise.last.at - rise.first.at);
    #[expect(clippy::cast_precision_loss, reason = "counts of samples are far below 2^52")]
    let between = sampled / (rise.count - 1) as f64;
    let mut before = seconds(rise.first.at - window.from);
    let after = seconds(window.to - rise.last.at);
    if counter && change > 0.0 && rise.first.value >= 0.0 {
        before = before.min(sampled * (rise.first.value / change));
    }
    let stretch = |end: f64| if end < between * 1.1 { end } else { between / 2.0 };
    let mut factor = (sampled + stretch(before) + stretch(after)) / sampled;
    if per_second {
        factor /= seconds(window.to - window.from);
    }
    change * factor
}

fn values(points: &[Point]) -> impl Iterator<Item = f64> {
    points.iter().map(|point| point.value)
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are far below 2^52")]
fn count(points: &[Point]) -> f64 {
    points.len() as f64
}

fn pairs(points: &[Point], counts: impl Fn(f64, f64) -> bool) -> f64 {
    let pairs = points.windows(2).filter(|pair| matches!(pair, [before, after] if counts(before.value, after.value)));
    pairs.fold(0.0, |sum, _| sum + 1.0)
}

fn extreme(points: &[Point], better: impl Fn(f64, f64) -> bool) -> Option<f64> {
    values(points).reduce(|old, new| if better(new, old) || old.is_nan() { new } else { old })
}

fn variance(points: &[Point]) -> f64 {
    let mut spread = Spread::default();
    values(points).for_each(|value| spread.add(value));
    spread.variance()
}

/// The change between the last two samples.
fn last_change(points: &[Point], rate: bool) -> Option<f64> {
    let [.., before, last] = points else { return None };
    let began_anew = rate && last.value < before.value;
    let change = if began_anew { last.value } else { last.value - before.value };
    let passed = seconds(last.at - before.at);
    (passed != 0.0).then_some(if rate { change / passed } else { change })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[f64]) -> Vec<Point> {
        values.iter().zip(0..).map(|(value, step)| Point { at: step * 15_000, value: *value }).collect()
    }

    #[test]
    fn a_rate_reaches_to_the_ends_of_its_window() {
        let rise = Rise::of(&points(&[10.0, 20.0, 30.0, 40.0])).unwrap();
        let window = Window { from: -5_000, to: 50_000 };
        // 30 in 45 s; 5 s more on both sides: as much again per second.
        assert!((extrapolated(&rise, window, true, false) - 30.0 * 55.0 / 45.0).abs() < 1e-12);
        let wide = Window { from: -300_000, to: 300_000 };
        assert!((extrapolated(&rise, wide, false, false) - 30.0 * 60.0 / 45.0).abs() < 1e-12);
    }

    #[test]
    fn a_counter_that_begins_anew_has_risen() {
        let points = points(&[10.0, 20.0, 5.0, 15.0]);
        let rise = Rise::of(&points).unwrap();
        let window = Window { from: 0, to: 45_000 };
        assert!((extrapolated(&rise, window, true, false) - 25.0).abs() < 1e-12);
        assert!((extrapolated(&rise, window, false, false) - 5.0).abs() < 1e-12);
        let Some(Way::Points(resets)) = way("resets") else { panic!() };
        assert_eq!(resets(&points, &Given { number: 0.0, now: 0 }), Some(1.0));
    }

    #[test]
    fn one_sample_has_no_rate() {
        assert_eq!(Rise::of(&points(&[1.0])), None);
        assert_eq!(last_change(&points(&[1.0]), true), None);
    }
}
