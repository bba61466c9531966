//! What the gates say to a step forward: the judgements of a release's signals as an act carries them, and whether they were overridden.
//! Only what lets traffic go on asks them; a step back never does. Judges nothing: that is done where the signals are.

use std::sync::Arc;

use super::plan::Plan;
use super::verb::Verb;
use crate::domain::duration::clock;
use crate::domain::signal::{Judgement, Signal, Track, Verdict};

/// What was known of the gates when an act was decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gates {
    /// Whether there is anything to ask.
    pub standing: Standing,
    /// The judgements of all signals, those that stop nothing among them.
    pub judgements: Arc<[Judgement]>,
    /// Whether somebody goes on although they block, with a reason: for this act, its step and its pod hash only.
    pub overridden: bool,
}

/// Whether there is anything to ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nobody asked. Where there are gates, that lets nothing through.
    #[default]
    Unasked,
    /// No metrics server is configured.
    NoMetrics,
    /// None of the release's signals is a gate.
    NoGates,
    /// Its gates were judged.
    Judged,
}

impl Gates {
    /// Where no metrics server is configured.
    pub fn no_metrics() -> Self {
        Self { standing: Standing::NoMetrics, ..Self::default() }
    }

    /// The judgements of a release with these signals. A gate that nobody has judged is one without data.
    pub fn judged(signals: &[Signal], judgements: Arc<[Judgement]>) -> Self {
        let is_judged = |signal: &&Signal| judgements.iter().any(|judgement| judgement.name == signal.name);
        let missing: Vec<Judgement> = signals.iter().filter(|signal| signal.gate && !is_judged(signal)).map(unmeasured).collect();
        let judgements = if missing.is_empty() { judgements } else { judgements.iter().cloned().chain(missing).collect() };
        let gated = judgements.iter().any(|judgement| judgement.gate);
        Self { standing: if gated { Standing::Judged } else { Standing::NoGates }, judgements, overridden: false }
    }

    /// The gates that let nothing through: anything but *pass* and *warn* of a signal that is a gate.
    pub fn blocking(&self) -> impl Iterator<Item = &Judgement> {
        self.judgements.iter().filter(|judgement| judgement.gate && !judgement.verdict.lets_through())
    }

    /// Whether any of them blocks, overridden or not.
    pub fn block(&self) -> bool {
        self.blocking().next().is_some()
    }

    /// The names of those that block: `errors, p95`.
    pub fn names(&self) -> String {
        self.blocking().map(|judgement| &*judgement.name).collect::<Vec<_>>().join(", ")
    }

    /// The arithmetic of those that block: `errors 1.8% > 1% for 3:12 (canary, 2,130 requests)`; empty if none does.
    pub fn arithmetic(&self) -> String {
        self.blocking().map(arithmetic).collect::<Vec<_>>().join("; ")
    }

    /// What there is to say where nothing is judged; None where something is.
    pub fn absence(&self) -> Option<&'static str> {
        match self.standing {
            Standing::Unasked => Some("nobody asked"),
            Standing::NoMetrics => Some("none: no metrics are configured here"),
            Standing::NoGates => Some("none of its signals is a gate"),
            Standing::Judged => None,
        }
    }

    /// Why a plan may not be carried out on this evidence; None if it may. `expected` says that the configuration has metrics and gates,
    /// so that somebody has to have asked.
    pub fn refuse(&self, plan: &Plan, expected: bool) -> Option<String> {
        if !plan.is_gated() {
            return None;
        }
        if self.standing == Standing::Unasked && expected {
            return Some("its gates were not asked".to_owned());
        }
        if !self.block() {
            return None;
        }
        let why = self.arithmetic();
        match (self.overridden, plan.verb) {
            (false, _) => Some(why),
            (true, Verb::PromoteFull) => Some(format!("{why}; an override is for one step, and this leaves out all of them")),
            (true, _) => None,
        }
    }
}

impl Plan {
    /// Whether the gates have a say in it: whether it lets traffic go on to the new version.
    pub fn is_gated(&self) -> bool {
        !self.verb.is_back() && (self.advances || matches!(self.verb, Verb::Promote | Verb::PromoteFull | Verb::SkipStep))
    }
}

/// A gate of which nothing is known yet.
fn unmeasured(signal: &Signal) -> Judgement {
    Judgement {
        name: signal.name.clone(),
        kind: signal.kind,
        verdict: Verdict::NoData,
        gate: signal.gate,
        track: Track::Canary,
        value: None,
        stable: None,
        limit: signal.limit,
        unit: signal.unit.clone(),
        breached: 0,
        sampled: None,
        requests: None,
        resolution: None,
        usable_in: None,
        pods: None,
        why: Some("not measured yet".into()),
    }
}

/// A judgement with its arithmetic and what it was seen on, without its mark: `errors 1.8% > 1% for 3:12 (canary, 2,130 requests)`,
/// `p95 too early 0:40 of 5:00`.
pub fn arithmetic(judgement: &Judgement) -> String {
    let judged = matches!(judgement.verdict, Verdict::Pass | Verdict::Warn | Verdict::Breach);
    // That there are too few may be told by their number already.
    let told = judgement.why.as_deref().is_some_and(|why| why.ends_with(" requests"));
    let counted = judged || (judgement.verdict == Verdict::LowTraffic && !told);
    let track = (judged && judgement.track != Track::All).then(|| judgement.track.name().to_owned());
    let seen = track.into_iter().chain(requests(judgement).filter(|_| counted)).collect::<Vec<_>>().join(", ");
    let seen = if seen.is_empty() { seen } else { format!(" ({seen})") };
    let usable = judgement.usable_in.filter(|_| judgement.verdict == Verdict::LowTraffic);
    let usable = usable.map_or_else(String::new, |seconds| format!(", usable in {}", clock(i64::from(seconds))));
    format!("{}{seen}{usable}", judgement.sentence())
}

/// What speaks against a release, as the reason of a way back says it: `canary errors 1.8% > 1% for 3:12`. None if no signal is over its limit.
pub fn evidence(judgements: &[Judgement]) -> Option<String> {
    let broken = judgements.iter().filter(|judgement| judgement.verdict == Verdict::Breach);
    let words = broken.map(|judgement| {
        let track = if judgement.track == Track::All { String::new() } else { format!("{} ", judgement.track.name()) };
        format!("{track}{}", judgement.sentence())
    });
    let words = words.collect::<Vec<_>>().join("; ");
    (!words.is_empty()).then_some(words)
}

/// `2,130 requests`, where they were counted.
fn requests(judgement: &Judgement) -> Option<String> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a number of requests, rounded for people")]
    let count = judgement.requests.filter(|count| count.is_finite() && *count >= 0.0)?.round() as u64;
    let digits = count.to_string();
    let mut words = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    Some(format!("{words} request{}", if count == 1 { "" } else { "s" }))
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Do, Until};
    use super::*;
    use crate::domain::signal::{Comparator, Limit, SignalKind, Unit};

    fn errors(verdict: Verdict, value: f64) -> Judgement {
        Judgement {
            name: "errors".into(),
            kind: SignalKind::Errors,
            verdict,
            gate: true,
            track: Track::Canary,
            value: Some(value),
            stable: Some(0.002),
            limit: Limit { comparator: Comparator::Less, threshold: 0.01 },
            unit: Unit::Ratio,
            breached: if verdict == Verdict::Breach { 192 } else { 0 },
            sampled: None,
            requests: Some(2130.4),
            resolution: None,
            usable_in: None,
            pods: None,
            why: None,
        }
    }

    fn p95(verdict: Verdict, why: &str) -> Judgement {
        let limit = Limit { comparator: Comparator::Less, threshold: 1.5 };
        let base = errors(verdict, 0.412);
        Judgement { name: "p95".into(), unit: Unit::Seconds, limit, why: Some(why.into()), requests: None, value: None, ..base }
    }

    fn plan(verb: Verb) -> Plan {
        Plan::simple(verb, "it", Do::LiftPauses, "do it", Until::MovedOn)
    }

    #[test]
    fn the_arithmetic_is_shown() {
        assert_eq!(arithmetic(&errors(Verdict::Breach, 0.018)), "errors 1.8% > 1% for 3:12 (canary, 2,130 requests)");
        assert_eq!(arithmetic(&errors(Verdict::Pass, 0.002)), "errors 0.2% < 1% (canary, 2,130 requests)");
        assert_eq!(arithmetic(&p95(Verdict::TooEarly, "0:40 of 5:00")), "p95 too early 0:40 of 5:00");
        assert_eq!(arithmetic(&p95(Verdict::NoData, "last sample 2:10 ago")), "p95 no data last sample 2:10 ago");
        let quiet = Judgement { usable_in: Some(130), requests: Some(1.0), ..errors(Verdict::LowTraffic, 0.0) };
        assert_eq!(arithmetic(&quiet), "errors low traffic (1 request), usable in 2:10");
        let few = Judgement { why: Some("1 of 50 requests".into()), ..quiet.clone() };
        assert_eq!(arithmetic(&few), "errors low traffic 1 of 50 requests, usable in 2:10");
        let near = Judgement { why: Some("over for 0:20 of 1:00".into()), track: Track::All, ..errors(Verdict::Warn, 0.012) };
        assert_eq!(arithmetic(&near), "errors 1.2% > 1%, over for 0:20 of 1:00 (2,130 requests)");
        assert_eq!(requests(&Judgement { requests: Some(1_234_567.0), ..quiet }).as_deref(), Some("1,234,567 requests"));
    }

    #[test]
    fn only_pass_and_warn_of_a_gate_let_through() {
        for (verdict, through) in [
            (Verdict::Pass, true),
            (Verdict::Warn, true),
            (Verdict::Breach, false),
            (Verdict::TooEarly, false),
            (Verdict::LowTraffic, false),
            (Verdict::NoData, false),
        ] {
            let gates = Gates::judged(&[], Arc::new([errors(verdict, 0.005)]));
            assert_eq!(gates.refuse(&plan(Verb::Promote), true).is_none(), through, "{verdict:?}");
            let no_gate = Gates::judged(&[], Arc::new([Judgement { gate: false, ..errors(verdict, 0.005) }]));
            assert_eq!((no_gate.standing, no_gate.refuse(&plan(Verb::Promote), true)), (Standing::NoGates, None), "{verdict:?}");
        }
    }

    #[test]
    fn back_and_what_moves_no_traffic_are_never_refused() {
        let red = Gates::judged(&[], Arc::new([errors(Verdict::Breach, 0.018)]));
        for verb in Verb::ALL {
            let gated = matches!(verb, Verb::Promote | Verb::PromoteFull | Verb::SkipStep);
            assert_eq!(red.refuse(&plan(verb), true).is_some(), gated, "{verb}");
            assert_eq!(Gates::default().refuse(&plan(verb), true).is_some(), gated, "{verb}: nobody asked");
            assert_eq!(Gates::default().refuse(&plan(verb), false), None, "{verb}");
            let advances = Plan { advances: true, ..plan(verb) };
            assert_eq!(red.refuse(&advances, true).is_some(), !verb.is_back(), "{verb} that lets it go on");
        }
    }

    #[test]
    fn an_override_is_for_one_step() {
        let red = Gates { overridden: true, ..Gates::judged(&[], Arc::new([errors(Verdict::Breach, 0.018)])) };
        assert_eq!(red.refuse(&plan(Verb::Promote), true), None);
        assert!(red.refuse(&plan(Verb::PromoteFull), true).is_some_and(|why| why.contains("an override is for one step")));
        assert_eq!((red.names().as_str(), red.block()), ("errors", true));
    }

    #[test]
    fn evidence_is_what_is_broken() {
        assert_eq!(evidence(&[errors(Verdict::Breach, 0.018)]).as_deref(), Some("canary errors 1.8% > 1% for 3:12"));
        assert_eq!(evidence(&[errors(Verdict::Pass, 0.002), p95(Verdict::NoData, "x")]), None);
    }
}
