//! The short form in which gates are typed: `apigw-p95<1500ms err<1%`. A claim takes a signal that is configured and holds its value against
//! another limit; it never makes up a query.

use std::fmt;

use super::{Comparator, Limit, Origin, Signal, SignalKind, Unit};

/// Names by which the golden signals are called, whatever the configuration calls them. The first of a row is what people type; those in the
/// second place stand for any signal of the kind.
const NAMES: [(SignalKind, &[&str], &[&str]); 5] = [
    (
        SignalKind::Errors,
        &["err", "errors", "error_rate", "error-rate", "error_ratio"],
        &["err", "errors", "error_rate", "error-rate"],
    ),
    (SignalKind::Latency, &["p95", "p95_latency", "latency_p95", "p95-latency"], &[]),
    (SignalKind::Latency, &["p99", "p99_latency", "latency_p99", "p99-latency"], &[]),
    (SignalKind::Saturation, &["sat", "saturation"], &["sat", "saturation"]),
    (SignalKind::Traffic, &["rps", "traffic"], &["rps", "traffic"]),
];
/// What stands for the one signal of its kind and has no other name.
const KINDS: [(&str, SignalKind); 1] = [("latency", SignalKind::Latency)];
/// Units that a claim may have.
const UNITS: [&str; 5] = ["ms", "s", "%", "ratio", "rps"];

/// `[SERVICE-]SIGNAL COMPARATOR NUMBER[UNIT]` as it was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Service and signal, not told apart yet: both may have dashes.
    pub name: Box<str>,
    /// How the value is to compare.
    pub comparator: Comparator,
    /// With what, in the unit that was typed.
    pub number: f64,
    /// One of `ms`, `s`, `%`, `ratio`, `rps`; empty if none was typed.
    pub unit: &'static str,
    /// Where it begins, in characters from 1.
    pub at: usize,
}

/// What is wrong with a claim, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {what}")]
pub struct GrammarError {
    /// In characters from 1.
    pub at: usize,
    /// What is wrong there, and what could stand there.
    pub what: String,
}

/// Reads claims, between which there are spaces or commas.
pub fn claims(text: &str) -> Result<Vec<Claim>, GrammarError> {
    let mut reader = Reader { letters: text.chars().collect(), at: 0 };
    let mut claims = Vec::new();
    loop {
        reader.skip(|letter| letter.is_whitespace() || letter == ',');
        if reader.peek().is_none() {
            break;
        }
        claims.push(reader.claim()?);
    }
    if claims.is_empty() {
        return Err(GrammarError { at: 1, what: "there is nothing; write, for example, 'p95<1500ms err<1%'".to_owned() });
    }
    Ok(claims)
}

impl Claim {
    /// The service that is named before the signal, if one is, and the signal among these, with the limit that was typed.
    pub fn resolve(&self, signals: &[Signal]) -> Result<(Option<&str>, Signal), GrammarError> {
        let (service, signal) = self.find(signals)?;
        let threshold = self.threshold(signal)?;
        let limit = Limit { comparator: self.comparator, threshold };
        Ok((service, Signal { limit, gate: true, origin: Origin::CommandLine, ..signal.clone() }))
    }

    /// The longest end of the name that is a signal; what stands before it is the service.
    fn find<'a>(&self, signals: &'a [Signal]) -> Result<(Option<&str>, &'a Signal), GrammarError> {
        if let Some(signal) = self.named(&self.name, signals)? {
            return Ok((None, signal));
        }
        for (dash, _) in self.name.match_indices('-').filter(|(dash, _)| *dash > 0) {
            let (service, signal) = (self.name.get(..dash), self.name.get(dash + 1..).unwrap_or_default());
            if let Some(signal) = self.named(signal, signals)? {
                return Ok((service, signal));
            }
        }
        let names = signals.iter().map(|signal| &*signal.name).collect::<Vec<_>>();
        let known = if names.is_empty() { "none is configured".to_owned() } else { format!("there is {}", names.join(", ")) };
        Err(self.wrong(format!("'{}' is no signal: {known}", self.name)))
    }

    fn named<'a>(&self, name: &str, signals: &'a [Signal]) -> Result<Option<&'a Signal>, GrammarError> {
        if let Some(signal) = signals.iter().find(|signal| signal.name.eq_ignore_ascii_case(name)) {
            return Ok(Some(signal));
        }
        let name = name.to_ascii_lowercase();
        let row = NAMES.iter().find(|(_, names, _)| names.contains(&&*name));
        if let Some(signal) = row.and_then(|(kind, names, _)| {
            signals.iter().find(|signal| signal.kind == *kind && names.contains(&&*signal.name.to_ascii_lowercase()))
        }) {
            return Ok(Some(signal));
        }
        let whole = row.filter(|(_, _, whole)| whole.contains(&&*name)).map(|(kind, ..)| *kind);
        let Some(kind) = whole.or_else(|| KINDS.iter().find(|(word, _)| *word == name).map(|(_, kind)| *kind)) else {
            return Ok(None);
        };
        let mut of_kind = signals.iter().filter(|signal| signal.kind == kind);
        match (of_kind.next(), of_kind.next()) {
            (Some(first), Some(second)) => {
                let several =
                    of_kind.fold(format!("{}, {}", first.name, second.name), |text, signal| format!("{text}, {}", signal.name));
                Err(self.wrong(format!("'{name}' could be any of {several}")))
            }
            (only, _) => Ok(only),
        }
    }

    /// The number in the signal's own unit.
    fn threshold(&self, signal: &Signal) -> Result<f64, GrammarError> {
        let number = self.number;
        let scaled = match (&signal.unit, self.unit) {
            (Unit::Seconds, "s")
            | (Unit::Milliseconds, "ms")
            | (Unit::Percent, "%")
            | (Unit::Ratio | Unit::Plain, "ratio")
            | (Unit::PerSecond, "rps")
            | (Unit::PerSecond | Unit::Plain | Unit::Named(_), "") => Some(number),
            (Unit::Seconds, "ms") => Some(number / 1000.0),
            (Unit::Milliseconds, "s") => Some(number * 1000.0),
            (Unit::Ratio, "%") => Some(number / 100.0),
            (Unit::Percent, "ratio") => Some(number * 100.0),
            // Nothing is nothing in every unit.
            (_, "") if number == 0.0 => Some(number),
            _ => None,
        };
        scaled.ok_or_else(|| {
            let fitting = match signal.unit {
                Unit::Seconds | Unit::Milliseconds => "ms or s",
                Unit::Ratio | Unit::Percent => "% or ratio",
                Unit::PerSecond => "rps or nothing",
                Unit::Plain => "ratio or nothing",
                Unit::Named(_) => "nothing",
            };
            let name = &signal.name;
            self.wrong(match &*self.unit {
                "" => format!("'{name}' needs a unit after its number: {fitting}"),
                typed => format!("'{name}' cannot have '{typed}' after its number: it has {fitting}"),
            })
        })
    }

    fn wrong(&self, what: String) -> GrammarError {
        GrammarError { at: self.at, what }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}{}", self.name, self.comparator, self.number, self.unit)
    }
}

/// Goes through what was typed, letter by letter.
struct Reader {
    letters: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn skip(&mut self, skips: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&skips) {
            self.at += 1;
        }
    }

    fn take(&mut self, takes: impl Fn(char) -> bool) -> String {
        let start = self.at;
        self.skip(takes);
        self.letters.get(start..self.at).unwrap_or_default().iter().collect()
    }

    fn claim(&mut self) -> Result<Claim, GrammarError> {
        let start = self.at;
        let name = self.take(is_name);
        if name.is_empty() {
            let found = self.peek().map(String::from).unwrap_or_default();
            return wrong(start, format!("'{found}' begins no name of a signal, such as p95 in 'p95<1500ms'"));
        }
        self.skip(char::is_whitespace);
        let comparator = self.comparator(&name)?;
        self.skip(char::is_whitespace);
        let number = self.number()?;
        let unit = self.unit()?;
        Ok(Claim { name: name.into(), comparator, number, unit, at: start + 1 })
    }

    fn comparator(&mut self, name: &str) -> Result<Comparator, GrammarError> {
        let start = self.at;
        let sign = self.take(|letter| matches!(letter, '<' | '>' | '=' | '!' | '~'));
        Comparator::read(&sign).map_or_else(
            || {
                let found = if sign.is_empty() {
                    format!("after '{name}' there is no comparator")
                } else {
                    format!("'{sign}' is no comparator")
                };
                wrong(start, format!("{found}: write <, <=, >, >= or =="))
            },
            Ok,
        )
    }

    fn number(&mut self) -> Result<f64, GrammarError> {
        let start = self.at;
        let text = self.take(|letter| letter.is_ascii_digit() || matches!(letter, '.' | '-' | '+'));
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ if text.is_empty() => wrong(start, "there is no number after the comparator"),
            _ => wrong(start, format!("'{text}' is no number")),
        }
    }

    /// The unit right after the number, or after a blank. A word that a comparator follows is the next claim's name.
    fn unit(&mut self) -> Result<&'static str, GrammarError> {
        let after_number = self.at;
        self.skip(char::is_whitespace);
        let start = self.at;
        let word = if self.peek() == Some('%') {
            self.at += 1;
            "%".to_owned()
        } else {
            self.take(is_name)
        };
        let end = self.at;
        self.skip(char::is_whitespace);
        let is_next = start > after_number && self.peek().is_some_and(|letter| matches!(letter, '<' | '>' | '=' | '!' | '~'));
        if word.is_empty() || is_next {
            self.at = after_number;
            return Ok("");
        }
        self.at = end;
        let unit = UNITS.into_iter().find(|unit| word.eq_ignore_ascii_case(unit));
        unit.map_or_else(|| wrong(start, format!("'{word}' is no unit: there is {}", UNITS.join(", "))), Ok)
    }
}

fn wrong<T>(at: usize, what: impl Into<String>) -> Result<T, GrammarError> {
    Err(GrammarError { at: at + 1, what: what.into() })
}

/// Letters of a name. Comparators, blanks and commas end it.
fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | ':' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signal::tests::{errors, latency, named};

    fn read(text: &str) -> Result<Vec<(Option<String>, String, String)>, String> {
        let signals = [latency(), errors(), Signal { unit: Unit::Ratio, ..named("cpu-use", SignalKind::Saturation) }];
        let resolve = |claim: &Claim| {
            let (service, signal) = claim.resolve(&signals)?;
            let Limit { comparator, threshold } = signal.limit;
            Ok((service.map(str::to_owned), signal.name.to_string(), format!("{comparator}{threshold}")))
        };
        let claims = claims(text).map_err(|error| error.to_string())?;
        claims.iter().map(resolve).collect::<Result<_, GrammarError>>().map_err(|error| error.to_string())
    }

    fn term(service: Option<&str>, signal: &str, limit: &str) -> (Option<String>, String, String) {
        (service.map(str::to_owned), signal.to_owned(), limit.to_owned())
    }

    #[test]
    fn claims_as_people_type_them() {
        let seeds = Ok(vec![term(Some("apigw"), "p95", "<1.5"), term(None, "errors", "<0.01")]);
        for text in ["apigw-p95<1500ms err<1%", " apigw-p95 < 1.5s , err<1 % ", "apigw-p95<1500 ms,error_rate<0.01ratio"] {
            assert_eq!(read(text), seeds, "{text}");
        }
        let dashes =
            [("my-api-cpu-use>=0.5ratio", term(Some("my-api"), "cpu-use", ">=0.5")), ("sat==0", term(None, "cpu-use", "==0"))];
        let more = [("latency<=2s", term(None, "p95", "<=2")), ("P95_LATENCY>1ms", term(None, "p95", ">0.001"))];
        for (text, expected) in dashes.into_iter().chain(more) {
            assert_eq!(read(text), Ok(vec![expected]), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let cases = [
            ("", "at character 1: there is nothing"),
            ("p95<1500", "at character 1: 'p95' needs a unit after its number: ms or s"),
            ("err<1% p95<3rps", "at character 8: 'p95' cannot have 'rps' after its number: it has ms or s"),
            ("err<1%, p96<1s", "at character 9: 'p96' is no signal: there is p95, errors, cpu-use"),
            ("p99<1s", "at character 1: 'p99' is no signal"),
            ("rps>1", "at character 1: 'rps' is no signal"),
            ("p95=1s", "at character 4: '=' is no comparator: write <, <=, >, >= or =="),
            ("p95", "at character 4: after 'p95' there is no comparator"),
            ("p95<", "at character 5: there is no number after the comparator"),
            ("p95<1.5.2s", "at character 5: '1.5.2' is no number"),
            ("p95<15min", "at character 7: 'min' is no unit: there is ms, s, %, ratio, rps"),
            ("<1%", "at character 1: '<' begins no name"),
        ];
        for (text, expected) in cases {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
