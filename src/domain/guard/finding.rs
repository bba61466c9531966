//! What in a sight speaks against a release, and for how long: the evidence on which a guard acts, in words for the record.

use super::rules::Rules;
use super::sight::Sight;
use crate::domain::duration::clock;
use crate::domain::signal::{Comparator, Judgement, Track, Verdict};

/// One signal that speaks against a release.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The signal.
    pub signal: Box<str>,
    /// Seconds for which it has done so, gaps not counted.
    pub lasted: u32,
    /// Seconds after which the release is taken back for it.
    pub needed: u32,
    /// In words: `errors 1.8% over 1% for 3:12 (stable 0.2%)`.
    pub words: Box<str>,
}

/// Everything that speaks against a release now, the nearest to its end first. A signal without data says nothing.
pub fn findings(sight: &Sight, rules: &Rules) -> Vec<Finding> {
    let breaches = judged(sight, rules).filter(|judgement| judgement.verdict == Verdict::Breach).map(|judgement| Finding {
        signal: (*judgement.name).into(),
        lasted: judgement.breached,
        needed: rules.breach_after,
        words: words(judgement, judgement.breached).into(),
    });
    let mut all: Vec<Finding> = breaches.collect();
    all.extend(saturation(sight, rules));
    all.sort_by_key(|finding| finding.needed.saturating_sub(finding.lasted));
    all
}

/// The signals that count as gates: saturation has a rule of its own, for a full cluster is no fault of the canary.
pub(super) fn judged<'a>(sight: &'a Sight, rules: &'a Rules) -> impl Iterator<Item = &'a Judgement> {
    sight
        .signals
        .iter()
        .filter(|judgement| judgement.gate && judgement.track != Track::Stable && *judgement.name != *rules.saturation)
}

fn saturation(sight: &Sight, rules: &Rules) -> Option<Finding> {
    let lasted = sight.saturated.filter(|lasted| *lasted > 0)?;
    let judgement = sight.signals.iter().find(|judgement| *judgement.name == *rules.saturation);
    let words = match judgement.and_then(|judgement| judgement.value.map(|value| (judgement, value))) {
        Some((judgement, value)) => {
            let show = |value| judgement.unit.show(value);
            let stable = judgement.stable.map(|stable| format!(" and stable's {}", show(stable))).unwrap_or_default();
            format!("{} {} over {}{stable} for {}", judgement.name, show(value), show(rules.saturation_limit), span(lasted))
        }
        None => format!("{} over its limit and over stable's for {}", rules.saturation, span(lasted)),
    };
    Some(Finding { signal: (*rules.saturation).into(), lasted, needed: rules.saturation_after, words: words.into() })
}

fn words(judgement: &Judgement, lasted: u32) -> String {
    let side = match judgement.limit.comparator {
        Comparator::Less | Comparator::AtMost => "over",
        Comparator::Greater | Comparator::AtLeast => "under",
        Comparator::Equal => "not",
    };
    let show = |value| judgement.unit.show(value);
    let value = judgement.value.map_or_else(|| "–".to_owned(), show);
    let stable = judgement.stable.map(|stable| format!(" (stable {})", show(stable))).unwrap_or_default();
    format!("{} {value} {side} {} for {}{stable}", judgement.name, show(judgement.limit.threshold), span(lasted))
}

pub(super) fn span(seconds: u32) -> String {
    clock(i64::from(seconds))
}
