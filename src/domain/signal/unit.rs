//! What a signal's value counts, and how it is written for people. Values stay as the query returns them; only their writing changes.

/// A unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Seconds; shown as `412ms` below one.
    Seconds,
    /// Milliseconds, where a metric counts those.
    Milliseconds,
    /// A part of 1, shown in percent.
    Ratio,
    /// Already in percent.
    Percent,
    /// Requests a second.
    PerSecond,
    /// None, or another one in its own words.
    #[default]
    Plain,
    /// In its own words.
    Named(Box<str>),
}

impl Unit {
    /// The unit that is typed like this.
    pub fn read(text: &str) -> Self {
        match text {
            "s" => Self::Seconds,
            "ms" => Self::Milliseconds,
            "ratio" => Self::Ratio,
            "%" => Self::Percent,
            "rps" => Self::PerSecond,
            "" => Self::Plain,
            other => Self::Named(other.into()),
        }
    }

    /// As it is typed, and as JSON says it.
    pub fn name(&self) -> &str {
        match self {
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Ratio => "ratio",
            Self::Percent => "%",
            Self::PerSecond => "rps",
            Self::Plain => "",
            Self::Named(name) => name,
        }
    }

    /// A value with its unit, in about three digits: `412ms`, `1.24s`, `1.8%`, `212/s`. What is no number is `–`.
    pub fn show(&self, value: f64) -> String {
        if value.is_nan() {
            return "–".to_owned();
        }
        match self {
            Self::Seconds if value.abs() < 1.0 => format!("{}ms", digits(value * 1000.0)),
            Self::Seconds => format!("{}s", digits(value)),
            Self::Milliseconds if value.abs() >= 1000.0 => format!("{}s", digits(value / 1000.0)),
            Self::Milliseconds => format!("{}ms", digits(value)),
            Self::Ratio => format!("{}%", digits(value * 100.0)),
            Self::Percent => format!("{}%", digits(value)),
            Self::PerSecond => format!("{}/s", digits(value)),
            Self::Plain => digits(value),
            Self::Named(name) => format!("{} {name}", digits(value)),
        }
    }
}

/// About three digits, without zeros at the end.
fn digits(value: f64) -> String {
    let size = value.abs();
    if size.is_infinite() {
        return if value > 0.0 { "∞".to_owned() } else { "-∞".to_owned() };
    }
    if size >= 1e6 {
        return format!("{value:.2e}");
    }
    let decimals = if size >= 100.0 || size == 0.0 {
        0
    } else if size >= 10.0 {
        1
    } else if size >= 0.01 {
        2
    } else {
        4
    };
    let text = format!("{value:.decimals$}");
    if decimals == 0 {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short_and_say_their_unit() {
        let show = |unit: &str, value: f64| Unit::read(unit).show(value);
        let shown = [show("s", 0.412), show("s", 1.5), show("ratio", 0.018), show("%", 61.0), show("rps", 212.4), show("", 0.0)];
        assert_eq!(shown, ["412ms", "1.5s", "1.8%", "61%", "212/s", "0"]);
        assert_eq!(
            [show("s", f64::NAN), show("ratio", f64::INFINITY), show("ms", 1500.0), show("jobs", 3.0)],
            ["–", "∞%", "1.5s", "3 jobs"]
        );
    }
}
