//! Functions of samples and numbers at one moment.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use regex::Regex;

use super::labels::Labels;
use super::number::{greater, lesser, rank};
use super::{Error, Sample};

/// What a function of one number makes of it; none for one that is not of this kind or not among the supported.
pub fn of_number(name: &str) -> Option<fn(f64) -> f64> {
    let function: fn(f64) -> f64 = match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "sqrt" => f64::sqrt,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "deg" => f64::to_degrees,
        "rad" => f64::to_radians,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sgn" => |value| if value == 0.0 || value.is_nan() { value } else { value.signum() },
        "minute" => |value| of_time(value, |time| f64::from(time.minute())),
        "hour" => |value| of_time(value, |time| f64::from(time.hour())),
        "day_of_week" => |value| of_time(value, |time| f64::from(time.weekday().to_sunday_zero_offset())),
        "day_of_month" => |value| of_time(value, |time| f64::from(time.day())),
        "day_of_year" => |value| of_time(value, |time| f64::from(time.day_of_year())),
        "days_in_month" => |value| of_time(value, |time| f64::from(time.days_in_month())),
        "month" => |value| of_time(value, |time| f64::from(time.month())),
        "year" => |value| of_time(value, |time| f64::from(time.year())),
        _ => return None,
    };
    Some(function)
}

/// The function is about a time, and about now where it is given none.
pub fn is_about_time(name: &str) -> bool {
    matches!(name, "minute" | "hour" | "day_of_week" | "day_of_month" | "day_of_year" | "days_in_month" | "month" | "year")
}

fn of_time(seconds: f64, part: impl Fn(DateTime) -> f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "what is no time is refused by the next line")]
    let time = Timestamp::from_second(seconds as i64).ok().filter(|_| seconds.is_finite());
    time.map_or(f64::NAN, |time| part(TimeZone::UTC.to_datetime(time)))
}

/// The function of each sample, which loses its metric's name.
pub fn each(samples: Vec<Sample>, function: impl Fn(f64) -> f64) -> Vec<Sample> {
    samples.into_iter().map(|sample| Sample { labels: sample.labels.nameless(), value: function(sample.value) }).collect()
}

/// `clamp`: bounds in the wrong order leave nothing.
pub fn clamp(samples: Vec<Sample>, least: f64, most: f64) -> Vec<Sample> {
    if most < least {
        return Vec::new();
    }
    each(samples, |value| greater(least, lesser(most, value)))
}

/// `clamp_min`.
pub fn at_least(samples: Vec<Sample>, least: f64) -> Vec<Sample> {
    each(samples, |value| greater(least, value))
}

/// `clamp_max`.
pub fn at_most(samples: Vec<Sample>, most: f64) -> Vec<Sample> {
    each(samples, |value| lesser(most, value))
}

/// `round` to a multiple, halves upwards.
pub fn round(samples: Vec<Sample>, to: f64) -> Vec<Sample> {
    let inverse = 1.0 / to;
    each(samples, |value| (value * inverse + 0.5).floor() / inverse)
}

/// By value, what is no number last.
pub fn sorted(mut samples: Vec<Sample>, descending: bool) -> Vec<Sample> {
    samples.sort_by(|a, b| {
        let (a, b) = (a.value, b.value);
        let ranked = if descending { rank(b, a) } else { rank(a, b) };
        if a.is_nan() == b.is_nan() { ranked } else { a.is_nan().cmp(&b.is_nan()) }
    });
    samples
}

/// `label_replace`: where the whole of the source label fits, the target becomes the replacement.
pub fn label_replace(samples: Vec<Sample>, texts: [&str; 4]) -> Result<Vec<Sample>, Error> {
    let [target, replacement, source, pattern] = texts;
    let wrong = |what: &str, text: &str| Error::Execution(format!("invalid {what} in label_replace(): {text}"));
    let regex = Regex::new(&format!("^(?:{pattern})$")).map_err(|_| wrong("regular expression", pattern))?;
    if !is_name(target) {
        return Err(wrong("destination label name", target));
    }
    let replaced = samples.into_iter().map(|sample| {
        let labels = match regex.captures(sample.labels.get(source)) {
            None => sample.labels,
            Some(found) => {
                let mut value = String::new();
                found.expand(replacement, &mut value);
                sample.labels.with(target, &value)
            }
        };
        Sample { labels, ..sample }
    });
    Ok(replaced.collect())
}

/// `label_join`: the target becomes the sources with something between them.
pub fn label_join(samples: Vec<Sample>, target: &str, between: &str, sources: &[String]) -> Result<Vec<Sample>, Error> {
    if let Some(bad) = sources.iter().map(String::as_str).chain([target]).find(|name| !is_name(name)) {
        let which = if bad == target { "destination" } else { "source" };
        return Err(Error::Execution(format!("invalid {which} label name in label_join(): {bad}")));
    }
    let joined = samples.into_iter().map(|sample| {
        let values: Vec<&str> = sources.iter().map(|name| sample.labels.get(name)).collect();
        let labels = sample.labels.with(target, &values.join(between));
        Sample { labels, ..sample }
    });
    Ok(joined.collect())
}

/// `absent`: a 1 where there is nothing, with the labels that the selector wants to be equal to something.
pub fn absent(found: bool, labels: Labels) -> Vec<Sample> {
    if found { Vec::new() } else { vec![Sample { labels, value: 1.0 }] }
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers come out exactly")]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_time() {
        let of = |name: &str, seconds: f64| of_number(name).unwrap()(seconds);
        // 2026-01-05T09:41:00Z, a Monday.
        let time = 1_767_606_060.0;
        assert_eq!(["minute", "hour", "day_of_week", "day_of_month"].map(|name| of(name, time)), [41.0, 9.0, 1.0, 5.0]);
        assert_eq!(["month", "year", "days_in_month", "day_of_year"].map(|name| of(name, time)), [1.0, 2026.0, 31.0, 5.0]);
        assert!(of("hour", f64::NAN).is_nan());
        assert_eq!((of("sgn", -3.0), of("sgn", 0.0)), (-1.0, 0.0));
    }
}
