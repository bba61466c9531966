//! What somebody says of a service's work: this version fails so often, that track is slow, nobody asks it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::pod::Track;

/// Whom a mark is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every pod.
    #[default]
    All,
    /// The pods of the canary, as long as they are that.
    Canary,
    /// The pods of the stable version.
    Stable,
    /// Every version that is a canary while the mark is there, also when it has become the stable one.
    Version,
}

/// How something is from now on; what is not said stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// Share of the requests that fail, 0 to 1.
    pub errors: Option<f64>,
    /// The 95th percentile of the durations, in seconds.
    pub p95: Option<f64>,
    /// Share of the processor in use, 0 to 1.
    pub saturation: Option<f64>,
    /// Times the usual traffic.
    pub traffic: Option<f64>,
}

impl Effect {
    /// Its numbers make sense.
    pub fn is_possible(&self) -> bool {
        let within = |value: Option<f64>, most: f64| value.is_none_or(|value| (0.0..=most).contains(&value));
        within(self.errors, 1.0) && within(self.p95, 1e4) && within(self.saturation, 1.0) && within(self.traffic, 1e4)
    }

    /// This one, and where it says nothing the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            errors: self.errors.or(other.errors),
            p95: self.p95.or(other.p95),
            saturation: self.saturation.or(other.saturation),
            traffic: self.traffic.or(other.traffic),
        }
    }
}

/// A mark on a service.
#[derive(Clone, Debug)]
pub struct Mark {
    /// By what it is replaced or taken away.
    pub name: String,
    /// Whom it is about.
    pub scope: Scope,
    /// What it does.
    pub effect: Effect,
    /// The versions that it is about, if it is about versions.
    pub versions: BTreeSet<Arc<str>>,
}

impl Mark {
    /// It is about a pod.
    pub fn hits(&self, track: Track, hash: &str) -> bool {
        match self.scope {
            Scope::All => true,
            Scope::Canary => track == Track::Canary,
            Scope::Stable => track == Track::Stable,
            Scope::Version => self.versions.contains(hash),
        }
    }
}

/// What the value of an analysis' metric says of a service: a rate of success, a duration or a saturation, by the
/// metric's name.
pub fn of_analysis(metric: &str, value: f64) -> Option<Effect> {
    let name = metric.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if says(&["success", "availab"]) {
        let share = if value > 1.0 { value / 100.0 } else { value };
        return Some(Effect { errors: Some((1.0 - share).clamp(0.0, 1.0)), ..Effect::default() });
    }
    if says(&["latency", "duration", "p95", "p99", "seconds"]) {
        // Flagger's own metric is in milliseconds.
        let seconds = if name.ends_with("request-duration") { value / 1000.0 } else { value };
        return Some(Effect { p95: Some(seconds.max(0.0)), ..Effect::default() });
    }
    says(&["saturation"]).then(|| Effect { saturation: Some(value.clamp(0.0, 1.0)), ..Effect::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_analyses_say_how_a_version_works() {
        let errors = |name: &str, value: f64| of_analysis(name, value).and_then(|effect| effect.errors).unwrap();
        assert!((errors("success-rate", 0.914) - 0.086).abs() < 1e-9);
        assert!((errors("request-success-rate", 98.5) - 0.015).abs() < 1e-9);
        assert_eq!(of_analysis("latency-p95", 0.91).unwrap().p95, Some(0.91));
        assert_eq!(of_analysis("request-duration", 640.0).unwrap().p95, Some(0.64));
        assert_eq!(of_analysis("queue-length", 3.0), None);
    }
}
