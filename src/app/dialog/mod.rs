//! A dialog: what will happen to one release, before it happens, and what somebody has to say for it. It holds what was seen when it
//! opened; the only way from a key to an act leads through `confirm.rs`.

pub(super) mod confirm;
mod gated;
mod image;
pub(super) mod keys;
mod plans;
mod rows;

use super::acting::Found;
use super::edit::Edit;
use super::effect::{Effect, Review};
use super::environment::Environment;
pub use super::page::Focus;
use super::state::{Overlay, State};
use crate::config::{Confirm, Policy};
use crate::domain::action::{Access, Parameters, Plan, Reviewed, Seen, Verb, accesses};
use crate::domain::id::{EnvironmentId, Key};

pub use confirm::Stop;
pub use gated::Override;
pub use plans::name as plan_name;
pub(super) use rows::{field, page};

/// A dialog.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialog {
    /// Tells it from others: answers for another one are dropped.
    pub number: u64,
    /// Where.
    pub environment: EnvironmentId,
    /// What is to be done.
    pub verb: Verb,
    /// What was seen when it opened, or when somebody last looked again.
    pub seen: Seen,
    /// The plans; empty only while something is missing that makes one.
    pub plans: Vec<Plan>,
    /// The plan that is taken.
    pub chosen: Option<usize>,
    /// Why there is no plan.
    pub problem: Option<String>,
    /// Container and image, of a new image.
    pub image: Edit,
    /// Why.
    pub reason: Edit,
    /// Its ticket.
    pub ticket: Edit,
    /// The name, where it has to be typed.
    pub name: Edit,
    /// What has the keys.
    pub focus: Focus,
    /// What the server and the ledger said.
    pub review: Option<Reviewed>,
    /// Why the act was refused when it was confirmed before.
    pub refusal: Option<String>,
    /// Whether going back without a record was asked about: then the next confirmation means it.
    pub unrecorded: bool,
    /// That it goes on in spite of the gates that were read.
    pub overrides: Option<Override>,
    /// A word about what changed in it.
    pub note: Option<String>,
    /// Rows that are scrolled past, from 1; 0 shows what matters most.
    pub scroll: usize,
    evidence: String,
    asked: Vec<Access>,
    workload: Option<(String, String)>,
    touched: bool,
}

impl Dialog {
    /// A dialog about a release as it is now.
    pub(super) fn new(number: u64, environment: EnvironmentId, verb: Verb, found: &Found<'_>) -> Self {
        let evidence = found.evidence();
        let image = if verb == Verb::SetImage { image::now(found) } else { String::new() };
        let mut dialog = Self {
            number,
            environment,
            verb,
            seen: found.seen(),
            plans: Vec::new(),
            chosen: None,
            problem: None,
            image: Edit::line(&image),
            reason: Edit::lines(if verb.is_back() { &evidence } else { "" }),
            ticket: Edit::line(""),
            name: Edit::line(""),
            focus: match verb {
                Verb::SetImage => Focus::Image,
                verb if verb.is_back() => Focus::Confirm,
                _ => Focus::Reason,
            },
            review: None,
            refusal: None,
            unrecorded: false,
            overrides: None,
            note: None,
            scroll: 0,
            evidence,
            asked: Vec::new(),
            workload: found.workload().map(|(kind, name)| (kind.to_owned(), name.to_owned())),
            touched: false,
        };
        dialog.plan_anew(found);
        dialog
    }

    /// It is to go on in spite of the gates that block now.
    pub(super) fn override_gates(&mut self, state: &State) {
        self.overrides = Some(Override::of(&gated::gates(state, self)));
    }

    /// The release.
    pub fn key(&self) -> &Key {
        &self.seen.key
    }

    /// The plan that is taken; None while there is none, or none is certain enough and nobody has chosen.
    pub fn plan(&self) -> Option<&Plan> {
        self.plans.get(self.chosen?)
    }

    /// Whether its plan is only something to copy.
    pub fn copies(&self) -> bool {
        self.plan().is_some_and(|plan| !plan.writes() && plan.draft.is_some())
    }

    /// What can have the keys, in the order of Enter.
    pub fn focuses(&self, policy: &Policy) -> Vec<Focus> {
        let mut all = Vec::with_capacity(6);
        if self.verb == Verb::SetImage {
            all.push(Focus::Image);
        }
        if !self.copies() {
            all.extend([Focus::Reason, Focus::Ticket]);
            if policy.confirm == Confirm::Name && !self.verb.is_back() {
                all.push(Focus::Name);
            }
        }
        all.extend([Focus::Cancel, Focus::Confirm]);
        all
    }

    /// The field that is typed into; None on a button.
    pub fn field(&self) -> Option<&Edit> {
        match self.focus {
            Focus::Image => Some(&self.image),
            Focus::Reason => Some(&self.reason),
            Focus::Ticket => Some(&self.ticket),
            Focus::Name => Some(&self.name),
            Focus::Cancel | Focus::Confirm => None,
        }
    }

    fn field_mut(&mut self) -> Option<&mut Edit> {
        match self.focus {
            Focus::Image => Some(&mut self.image),
            Focus::Reason => Some(&mut self.reason),
            Focus::Ticket => Some(&mut self.ticket),
            Focus::Name => Some(&mut self.name),
            Focus::Cancel | Focus::Confirm => None,
        }
    }

    /// What was typed beyond the verb.
    fn parameters(&self) -> Parameters {
        let image = (self.verb == Verb::SetImage).then(|| image::split(self.image.text()));
        Parameters { image, ..Parameters::default() }
    }

    /// What its plan needs to be allowed.
    pub fn needs(&self, plan: &Plan) -> Vec<Access> {
        let workload = self.workload.as_ref().map(|(kind, name)| (kind.as_str(), name.as_str()));
        accesses(plan, self.key(), workload)
    }

    /// Asks what has not been asked yet about any of the plans.
    pub(super) fn ask(&mut self, state: &State) -> Option<Effect> {
        let mut needed: Vec<Access> = Vec::new();
        let probe = || state.environment_named(self.environment)?.found(self.key(), state.now)?.may(self.verb).ok();
        // Before an image is typed, what is needed is known already.
        let plans = if self.plans.is_empty() { probe().map(|offer| offer.plans).unwrap_or_default() } else { self.plans.clone() };
        for access in plans.iter().flat_map(|plan| self.needs(plan)) {
            if !needed.contains(&access) {
                needed.push(access);
            }
        }
        if !self.asked.is_empty() && needed.iter().all(|access| self.asked.contains(access)) {
            return None;
        }
        self.asked.clone_from(&needed);
        Some(self.review(needed))
    }

    fn review(&self, accesses: Vec<Access>) -> Effect {
        Effect::Review(Box::new(Review {
            number: self.number,
            environment: self.environment,
            key: self.key().clone(),
            uid: self.seen.uid.clone(),
            accesses,
        }))
    }
}

impl State {
    /// The dialog that is open.
    pub fn dialog(&self) -> Option<&Dialog> {
        match &self.overlay {
            Some(Overlay::Dialog(dialog)) => Some(dialog),
            Some(
                Overlay::Filter
                | Overlay::Environments(_)
                | Overlay::Palette(_)
                | Overlay::Help
                | Overlay::Marks(_)
                | Overlay::Guard(_),
            )
            | None => None,
        }
    }
}

/// Takes the open dialog out, lets somebody change it who may look at the state, and puts it back.
pub(super) fn change<T>(state: &mut State, change: impl FnOnce(&State, &mut Dialog) -> T) -> Option<T> {
    let overlay = state.overlay.take();
    let Some(Overlay::Dialog(mut dialog)) = overlay else {
        state.overlay = overlay;
        return None;
    };
    let result = change(state, &mut dialog);
    state.overlay = Some(Overlay::Dialog(dialog));
    Some(result)
}

/// An answer came: heard by the dialog that asked, and by nobody else.
pub(super) fn reviewed(state: &mut State, number: u64, reviewed: Reviewed) -> Vec<Effect> {
    let Some(dialog) = state.dialog().filter(|dialog| dialog.number == number) else { return Vec::new() };
    let (place, uid) = (usize::from(dialog.environment.0), dialog.seen.uid.clone());
    if let Some(environment) = state.environments.get_mut(place) {
        environment.memories.insert(uid, reviewed.memory.clone());
    }
    let asks = change(state, |state, dialog| {
        dialog.review = Some(reviewed);
        if confirm::moved(state, dialog).is_none() {
            with_release(state, dialog, Dialog::learn);
        }
        dialog.ask(state)
    });
    asks.flatten().into_iter().collect()
}

/// Time passed or facts came: the words of the plans follow.
pub(super) fn follow(state: &mut State) {
    change(state, |state, dialog| {
        if confirm::moved(state, dialog).is_none() {
            with_release(state, dialog, Dialog::reword);
        }
    });
}

/// Runs something with the release of a dialog, if it is still there.
fn with_release(state: &State, dialog: &mut Dialog, run: impl FnOnce(&mut Dialog, &Found<'_>)) {
    let key = dialog.key().clone();
    if let Some(found) = state.environment_named(dialog.environment).and_then(|environment| environment.found(&key, state.now)) {
        run(dialog, &found);
    }
}

/// What an environment asks of those who act there.
fn policy(environment: &Environment) -> &Policy {
    &environment.settings.policy
}
