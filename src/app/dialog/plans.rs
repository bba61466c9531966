//! The plans of a dialog: worked out anew when something is learned, without taking from under the finger what was read.

use super::super::acting::Found;
use super::{Dialog, Focus, image};
use crate::domain::action::{Do, Plan, Verb};

/// A plan in a few words, to tell it from the others.
pub fn name(plan: &Plan) -> String {
    let has = |wanted: fn(&Do) -> bool| plan.steps.iter().any(|step| wanted(&step.does));
    if plan.verb != Verb::RollBack || !plan.writes() {
        return plan.effect.to_string();
    }
    let restores = has(|does| matches!(does, Do::Restore { .. }));
    match &plan.target {
        Some(target) if restores => {
            let sync = if has(|does| matches!(does, Do::PauseSync { .. })) { "pause the automatic sync, " } else { "" };
            let steps = if has(|does| matches!(does, Do::PromoteFull)) {
                ", then to 100 %"
            } else if plan.effect.contains("through all steps") {
                ", through all steps"
            } else {
                ""
            };
            format!("{sync}restore rev {} ({}){steps}", target.revision, target.images)
        }
        _ if has(|does| matches!(does, Do::Abort)) => "abort only".to_owned(),
        _ => plan.effect.to_string(),
    }
}

/// Whether two plans do the same, whatever they say.
fn same(a: &Plan, b: &Plan) -> bool {
    a.steps.iter().map(|step| &step.does).eq(b.steps.iter().map(|step| &step.does)) && a.draft.is_some() == b.draft.is_some()
}

impl Dialog {
    /// Works the plans out and takes the one that is first, if one is certain enough.
    pub(super) fn plan_anew(&mut self, found: &Found<'_>) {
        let offer = if self.verb == Verb::SetImage && image::is_now(self.image.text(), found) {
            Err("that image runs already: change it".to_owned())
        } else {
            found.offer(self.verb, &self.parameters())
        };
        match offer {
            Ok(offer) => {
                self.chosen = (!offer.choose).then_some(0);
                self.plans = offer.plans;
                self.problem = None;
            }
            Err(why) => {
                self.chosen = None;
                self.plans.clear();
                self.problem = Some(why);
            }
        }
    }

    /// More is known of the release. Before a key was pressed the best plan is taken; afterwards the one that was read stays.
    pub(super) fn learn(&mut self, found: &Found<'_>) {
        let read = self.plan().cloned();
        let before = self.plans.clone();
        self.plan_anew(found);
        if self.plans.is_empty() {
            // An image that is not typed yet; what was offered otherwise stays until somebody looks again.
            if self.verb != Verb::SetImage {
                self.plans = before;
                self.problem = None;
                self.chosen = read.as_ref().and_then(|read| self.plans.iter().position(|plan| same(plan, read)));
            }
            return;
        }
        if self.touched {
            self.chosen = read.as_ref().and_then(|read| self.plans.iter().position(|plan| same(plan, read)));
            if read.is_some() && self.chosen.is_none() {
                self.note = Some("the plan that was shown is no longer offered: choose again".to_owned());
            }
        } else if let (Some(read), Some(taken)) = (&read, self.plan())
            && !same(read, taken)
        {
            self.note = Some(format!("more is known now: {}", name(taken)));
        }
    }

    /// The same plans in newer words: pods that are there by now, time that is left. On the way back also in other steps, as long as it
    /// is the same way: a hold that came meanwhile has to be lifted.
    pub(super) fn reword(&mut self, found: &Found<'_>) {
        let Ok(offer) = found.offer(self.verb, &self.parameters()) else { return };
        for plan in &mut self.plans {
            let alike = |new: &&Plan| same(new, plan) || (self.verb.is_back() && name(new) == name(plan));
            if let Some(new) = offer.plans.iter().find(alike) {
                *plan = new.clone();
            }
        }
    }

    /// The next plan, or the one before.
    pub(super) fn turn(&mut self, by: isize) {
        let count = isize::try_from(self.plans.len()).unwrap_or(1).max(1);
        let next = match self.chosen.and_then(|chosen| isize::try_from(chosen).ok()) {
            Some(chosen) => (chosen + by).rem_euclid(count),
            None if by > 0 => 0,
            None => count - 1,
        };
        self.choose(usize::try_from(next).unwrap_or_default());
    }

    /// This plan, if there is one at this place.
    pub(super) fn choose(&mut self, place: usize) {
        if place < self.plans.len() {
            self.chosen = Some(place);
            self.scroll = 0;
            self.note = None;
            if self.copies() {
                self.focus = Focus::Confirm;
            }
        }
    }
}
