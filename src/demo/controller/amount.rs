//! Numbers as specs spell them (`25%`, `10s`, `"3"`), and how pods are split between two revisions.

use jiff::SignedDuration;
use serde::Deserialize;

/// A number, or a text that holds one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Amount {
    /// A plain number.
    Number(i64),
    /// `25%`, `10s`, `"3"`.
    Text(String),
}

/// Which way a share of pods is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// To the next higher number.
    Up,
    /// To the next lower number.
    Down,
}

impl Amount {
    /// The number, if the text holds nothing else.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }

    /// The number of pods this is of `total`; a percentage is rounded. None if it is neither.
    pub fn of(&self, total: i64, round: Round) -> Option<i64> {
        let Self::Text(text) = self else { return self.number() };
        let Some(percent) = text.strip_suffix('%') else { return self.number() };
        let share = percent.trim().parse::<i64>().ok()? * total;
        Some(match round {
            Round::Up => share.div_euclid(100) + i64::from(share.rem_euclid(100) != 0),
            Round::Down => share.div_euclid(100),
        })
    }

    /// Whole seconds of a pause: a number of seconds or a Go duration; -1 if it is neither.
    pub fn seconds(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Text(text) => match (text.parse::<i32>(), text.parse::<i128>()) {
                (Ok(number), _) => number.into(),
                // A plain number that does not fit is no duration either.
                (Err(_), Ok(_)) => -1,
                _ => duration(text).map_or(-1, |d| d.as_secs()),
            },
        }
    }

    /// As it stands in the spec.
    pub fn raw(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// A Go duration (`1h30m`, `300ms`, `1.5s`); there are no days.
pub fn duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let unit = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * unit;
        rest = tail;
    }
    SignedDuration::try_from_secs_f64(if negative { -seconds } else { seconds }).ok()
}

/// How a canary without a router splits its pods: (canary, stable). The split nearest to the wanted weight, with up to one
/// pod more than wanted where surging is allowed; both revisions keep a pod as long as the weight is neither 0 nor all.
/// Vectors: facts on Argo Rollouts, 7.5.
pub fn split(replicas: i64, weight: i64, max_weight: i64, max_surge: i64) -> (i64, i64) {
    if replicas <= 0 {
        return (0, 0);
    }
    let one_side_may_be_empty = weight <= 0 || weight >= max_weight || (replicas == 1 && max_surge == 0);
    let totals = [replicas, replicas + 1].into_iter().take(if max_surge > 0 { 2 } else { 1 });
    let candidates = totals.flat_map(|total| {
        let floor = (total * weight).div_euclid(max_weight);
        let exact = (total * weight).rem_euclid(max_weight) == 0;
        // The larger canary first: it wins where both are equally near.
        [floor + i64::from(!exact), floor].map(|canary| (canary, total))
    });
    let possible = candidates.filter(|(canary, total)| one_side_may_be_empty || (*canary > 0 && canary < total));
    // |canary/total - weight/max|, compared as fractions.
    let distance = |(canary, total): (i64, i64)| ((canary * max_weight - weight * total).abs(), total);
    let best = possible.reduce(|best, next| {
        let ((a, m), (b, n)) = (distance(best), distance(next));
        if b * m < a * n { next } else { best }
    });
    best.map_or((0, replicas), |(canary, total)| (canary, total - canary))
}

/// The share of `replicas` that a weight asks for, rounded up.
pub fn share(replicas: i64, weight: i64, max_weight: i64) -> i64 {
    let exact = replicas * weight;
    exact.div_euclid(max_weight) + i64::from(exact.rem_euclid(max_weight) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_split_as_the_vectors_say() {
        let vectors = [
            ((1, 1, 0), (0, 1)),
            ((1, 49, 0), (0, 1)),
            ((1, 50, 0), (1, 0)),
            ((1, 1, 1), (1, 1)),
            ((1, 99, 1), (1, 1)),
            ((1, 100, 1), (1, 0)),
            ((2, 1, 0), (1, 1)),
            ((2, 99, 0), (1, 1)),
            ((2, 1, 1), (1, 2)),
            ((2, 50, 1), (1, 1)),
            ((2, 99, 1), (2, 1)),
            ((3, 10, 0), (1, 2)),
            ((3, 49, 0), (1, 2)),
            ((3, 50, 0), (2, 1)),
            ((3, 25, 1), (1, 3)),
            ((3, 33, 1), (1, 2)),
            ((3, 49, 1), (2, 2)),
            ((10, 1, 0), (1, 9)),
            ((10, 14, 0), (1, 9)),
            ((10, 15, 0), (2, 8)),
            ((10, 99, 0), (9, 1)),
            ((10, 1, 1), (1, 10)),
            ((10, 18, 1), (2, 9)),
            ((10, 20, 1), (2, 8)),
            ((10, 24, 1), (3, 8)),
            ((10, 99, 1), (10, 1)),
            ((10, 100, 1), (10, 0)),
            ((0, 50, 1), (0, 0)),
        ];
        for ((replicas, weight, surge), wanted) in vectors {
            assert_eq!(split(replicas, weight, 100, surge), wanted, "{replicas} pods, weight {weight}, surge {surge}");
        }
    }

    #[test]
    fn pauses_are_read_as_the_vectors_say() {
        let text = |text: &str| Amount::Text(text.to_owned()).seconds();
        assert_eq!((Amount::Number(10).seconds(), text("10"), text("10s"), text("1h")), (10, 10, 10, 3600));
        assert_eq!((text("1ms"), text("1z"), text("20000000000"), text("1h30m")), (0, -1, -1, 5400));
    }

    #[test]
    fn percentages_round_as_asked() {
        let quarter = Amount::Text("25%".to_owned());
        assert_eq!((quarter.of(5, Round::Up), quarter.of(5, Round::Down)), (Some(2), Some(1)));
        assert_eq!((Amount::Number(3).of(5, Round::Up), Amount::Text("x".to_owned()).of(5, Round::Up)), (Some(3), None));
    }
}
