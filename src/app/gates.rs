//! The gates and freezes of an environment, as those who go forward are asked them, and the evidence of those who go back.

use jiff::Timestamp;

use super::acting::Found;
use super::environment::Environment;
use crate::config::Freeze;
use crate::domain::action::gates::evidence;
use crate::domain::action::{Gates, Parameters, Plan, Standing, Verb};
use crate::domain::id::Key;
use crate::domain::signal::{Judgement, Verdict};

/// What an override can be for, the first that is offered: each lets a release go on by one step.
const OVERRIDES: [Verb; 3] = [Verb::Promote, Verb::Resume, Verb::SkipStep];

impl Environment {
    /// What the gates of a release say now.
    pub fn gates(&self, key: &Key) -> Gates {
        if self.settings.prometheus.is_none() {
            return Gates::no_metrics();
        }
        Gates::judged(&self.metrics.signals(key), self.metrics.judgements(key))
    }

    /// With these freezes, as far as they are about it.
    pub(super) fn frozen_by(mut self, freezes: &[Freeze]) -> Self {
        let here = |freeze: &&Freeze| freeze.is_about(&self.settings.name);
        self.freezes = freezes.iter().filter(here).cloned().collect();
        self
    }

    /// The freezes that hold here at this moment of the local clock, each with its end.
    pub fn frozen(&self, now: Timestamp) -> impl Iterator<Item = (&str, Timestamp)> {
        let name = &self.settings.name;
        self.freezes.iter().filter_map(move |freeze| Some((&*freeze.name, freeze.until(name, now)?)))
    }
}

impl Found<'_> {
    /// What a record of going back says if nobody says more: the evidence on the screen.
    pub fn evidence(&self) -> String {
        let gates = self.gates();
        let broken = evidence(&gates.judgements);
        match (broken, self.release.why.as_deref()) {
            (Some(broken), Some(why)) => format!("{broken}; {why}"),
            (Some(words), None) => words,
            (None, Some(why)) => why.to_owned(),
            (None, None) => format!("operator decision, {}", calm(&gates)),
        }
    }

    /// What an override of its gates would be for, or in one clause why it cannot go on at all.
    pub fn overridable(&self) -> Result<Verb, String> {
        let offered = |verb: Verb| self.offer(verb, &Parameters::default());
        let gated = |verb: Verb| offered(verb).is_ok_and(|offer| offer.plans.iter().any(Plan::is_gated));
        match OVERRIDES.into_iter().find(|verb| gated(*verb)) {
            Some(verb) => Ok(verb),
            None => offered(Verb::Promote).and(Err("there is nothing to override".to_owned())),
        }
    }
}

/// That no signal speaks against it, or that none speaks at all.
fn calm(gates: &Gates) -> &'static str {
    let told = |judgement: &Judgement| judgement.verdict != Verdict::NoData;
    match gates.standing {
        Standing::Unasked | Standing::NoMetrics => "no metrics",
        Standing::NoGates | Standing::Judged if gates.judgements.is_empty() => "no metrics",
        Standing::NoGates | Standing::Judged if gates.judgements.iter().any(told) => "no signal over its limit",
        Standing::NoGates | Standing::Judged => "no data",
    }
}
