//! Lengths of time: as Go writes them, as Kubernetes shows ages, and as a countdown shows them.
//! Never rounds a time up to something that has not happened yet, except a countdown, which ends when it says 0:00.

use super::object::IntOrString;

/// Units of a Go duration, longest spelling first, in nanoseconds.
const UNITS: [(&str, f64); 8] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("h", 3.6e12), ("m", 6e10), ("s", 1e9)];

/// Parses a Go duration (`1h30m`, `300ms`) to whole seconds, fractions cut off. None if it is not one; Go has no days.
pub fn go_seconds(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanoseconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(end)?;
        let (unit, length) = UNITS.iter().find(|(unit, _)| tail.starts_with(unit))?;
        nanoseconds += number.parse::<f64>().ok()? * length;
        rest = tail.strip_prefix(unit)?;
    }
    // Go holds durations in 63 bits of nanoseconds.
    if nanoseconds > 9.223_372_036_854_775e18 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "cutting off the fraction is what is wanted, and the range is checked above"
    )]
    let seconds = (nanoseconds / 1e9) as i64;
    Some(if negative { -seconds } else { seconds })
}

/// Units of a length of time as Prometheus and people write it, longest spelling first, in milliseconds.
const LENGTHS: [(&str, f64); 7] =
    [("ms", 1.0), ("y", 31_536_000_000.0), ("w", 604_800_000.0), ("d", 86_400_000.0), ("h", 3.6e6), ("m", 6e4), ("s", 1e3)];

/// Parses a length of time as Prometheus and Go write it (`5m`, `1m30s`, `1d`, `1.5h`) to milliseconds, fractions cut off. None if it is
/// none, is negative, or is longer than some hundred years.
pub fn length_millis(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut millis = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(end)?;
        let (unit, length) = LENGTHS.iter().find(|(unit, _)| tail.starts_with(unit))?;
        millis += number.parse::<f64>().ok()? * length;
        rest = tail.strip_prefix(unit)?;
    }
    #[expect(clippy::cast_possible_truncation, reason = "cutting off the fraction is what is wanted, and the range is checked")]
    (millis <= 3.2e12).then_some(millis as i64)
}

/// Seconds as Prometheus writes them: `5m`, `1h30m`, `1d`.
pub fn prometheus(seconds: u32) -> String {
    let mut text = String::new();
    let mut rest = seconds;
    for (unit, length) in [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)] {
        if rest >= length {
            text.push_str(&(rest / length).to_string());
            text.push(unit);
            rest %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Seconds of a pause step's duration: a number, a number as text, or a Go duration; −1 for what Argo Rollouts refuses.
pub fn pause_seconds(duration: &IntOrString) -> i64 {
    match duration {
        IntOrString::Int(seconds) => *seconds,
        IntOrString::Text(text) => match text.parse::<i32>() {
            Ok(seconds) => i64::from(seconds),
            Err(_) => go_seconds(text).unwrap_or(-1),
        },
    }
}

/// An age as kubectl shows it (`45s`, `2m5s`, `3h59m`, `7d`). Negative seconds are shown as `0s`.
pub fn age(seconds: i64) -> String {
    const DAY: i64 = 86_400;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / DAY);
    let two = |large: i64, name: char, small: i64, rest: char| {
        if small == 0 { format!("{large}{name}") } else { format!("{large}{name}{small}{rest}") }
    };
    match seconds {
        ..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, 'y', days % 365, 'd'),
        _ => format!("{}y", days / 365),
    }
}

/// A countdown or a span as the screen shows it (`0:09`, `4:31`, `1:02:03`). Negative seconds are shown as `0:00`.
pub fn clock(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations() {
        let cases =
            [("10s", 10), ("1h30m", 5400), ("300ms", 0), ("1.5h", 5400), ("1500ms", 1), ("0", 0), ("-2m", -120), ("1m0.5s", 60)];
        for (text, seconds) in cases {
            assert_eq!(go_seconds(text), Some(seconds), "{text}");
        }
        for text in ["", "10", "1d", "1z", "s", ".", "1h 2m", "9999999999h", "-"] {
            assert_eq!(go_seconds(text), None, "{text}");
        }
    }

    #[test]
    fn lengths() {
        let cases = [
            ("5m", 300_000),
            ("1m30s", 90_000),
            ("1d", 86_400_000),
            ("1w", 604_800_000),
            ("1.5h", 5_400_000),
            ("500ms", 500),
            ("0", 0),
        ];
        for (text, millis) in cases {
            assert_eq!(length_millis(text), Some(millis), "{text}");
        }
        for text in ["", "5", "m", "5 m", "-5m", "5x", "102y", "1h-2m"] {
            assert_eq!(length_millis(text), None, "{text}");
        }
        assert_eq!([prometheus(300), prometheus(5400), prometheus(86_400), prometheus(0)], ["5m", "1h30m", "1d", "0s"]);
    }

    #[test]
    fn pause_durations() {
        let text = |text: &str| pause_seconds(&IntOrString::Text(text.into()));
        assert_eq!(pause_seconds(&IntOrString::Int(10)), 10);
        assert_eq!((text("10"), text("10s"), text("1h"), text("1ms")), (10, 10, 3600, 0));
        assert_eq!((text("1z"), text("20000000000")), (-1, -1));
    }

    #[test]
    fn ages() {
        let cases = [
            (-5, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (599, "9m59s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (14_399, "3h59m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (176_400, "2d1h"),
            (691_200, "8d"),
            (63_071_999, "729d"),
            (63_072_000, "2y"),
            (63_158_400, "2y1d"),
            (252_288_000, "8y"),
        ];
        for (seconds, shown) in cases {
            assert_eq!(age(seconds), shown, "{seconds}");
        }
    }

    #[test]
    fn countdowns() {
        assert_eq!((clock(-1), clock(9), clock(271), clock(3723)), ("0:00".into(), "0:09".into(), "4:31".into(), "1:02:03".into()));
    }
}
