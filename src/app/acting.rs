//! What may be done here, to what, and why not: the one place that keys, footer, help and header ask. It opens dialogs and never acts.

use std::borrow::Cow;

use jiff::Timestamp;

use super::course::Marks;
use super::dialog::Dialog;
use super::effect::Effect;
use super::environment::Environment;
use super::panes;
use super::state::{Overlay, State};
use crate::config::Write;
use crate::domain::action::offer::offer;
use crate::domain::action::{Either, Gates, Memory, Offer, Owner, Parameters, Seen, Subject, Sync, Verb};
use crate::domain::belongings::Belongings;
use crate::domain::id::{EnvironmentId, Key};
use crate::domain::object::Container;
use crate::domain::release::Release;

/// What is remembered of a release that nobody has asked about yet.
static NOTHING: Memory = Memory { stable_before: Vec::new(), owner: Owner { sync: Sync::Unknown, application: None } };

/// A release with everything that decides what can be done to it.
#[derive(Debug)]
pub struct Found<'a> {
    /// The object.
    pub object: Either<'a>,
    /// Its row.
    pub release: Release,
    belongings: Belongings,
    memory: &'a Memory,
    /// The cluster's time.
    now: Timestamp,
    environment: &'a Environment,
}

impl Found<'_> {
    /// What a verb would do to it, or in one clause why it cannot be done.
    pub fn offer(&self, verb: Verb, parameters: &Parameters) -> Result<Offer, String> {
        let (object, belongings, release, memory, now) = (self.object, &self.belongings, &self.release, self.memory, self.now);
        offer(verb, &Subject { object, belongings, release, memory, now }, parameters)
    }

    /// Whether a verb may be opened; else why not. Of a new image it is not asked which.
    pub fn may(&self, verb: Verb) -> Result<Offer, String> {
        let image = (verb == Verb::SetImage).then(|| ("*".to_owned(), "image".to_owned()));
        self.offer(verb, &Parameters { image, ..Parameters::default() })
    }

    /// What is seen of it now.
    pub fn seen(&self) -> Seen {
        match self.object {
            Either::Rollout(rollout) => Seen::of_rollout(rollout),
            Either::Canary(canary) => Seen::of_canary(canary),
        }
    }

    /// Kind and name of the object that its template is in, where that is another one.
    pub fn workload(&self) -> Option<(&str, &str)> {
        match self.object {
            Either::Rollout(rollout) => rollout.spec.workload_ref.as_ref().map(|target| (&*target.kind, &*target.name)),
            Either::Canary(canary) => Some((&canary.spec.target_ref.kind, &canary.spec.target_ref.name)),
        }
    }

    /// The first container of the wanted template, as far as it is read.
    pub fn container(&self) -> Option<&Container> {
        let Either::Rollout(rollout) = self.object else { return None };
        if let Some(template) = &rollout.spec.template {
            return template.spec.containers.first();
        }
        let set = self.belongings.replica_set_with(&rollout.metadata.uid, &rollout.status.current_pod_hash)?;
        set.spec.template.spec.containers.first()
    }

    /// What its gates say now.
    pub fn gates(&self) -> Gates {
        self.environment.gates(&self.release.key)
    }
}

impl Environment {
    /// A release of this environment with everything that decides; `local` is the local clock's time.
    pub fn found(&self, key: &Key, local: Timestamp) -> Option<Found<'_>> {
        let now = self.cluster_time(local);
        let rollout = self.cluster.rollout(key).map(|rollout| Either::Rollout(rollout));
        let object = rollout.or_else(|| self.cluster.canary(key).map(|canary| Either::Canary(canary)))?;
        let release = self.cluster.release(key, now)?;
        let memory = self.memories.get(&release.uid).unwrap_or(&NOTHING);
        Some(Found { object, release, belongings: self.cluster.belongings(key), memory, now, environment: self })
    }
}

impl State {
    /// An environment by its name.
    pub fn environment_named(&self, id: EnvironmentId) -> Option<&Environment> {
        self.environments.get(usize::from(id.0))
    }

    /// Why nothing may be changed in an environment; None if it may.
    pub fn forbidden(&self, id: EnvironmentId) -> Option<String> {
        if self.readonly {
            return Some("Pilothouse was started with --readonly".to_owned());
        }
        let settings = &self.environment_named(id)?.settings;
        (settings.write == Write::Never).then(|| format!("the configuration says write = \"never\" for {}", settings.name))
    }
}

/// A verb with what it is done to: `promote gateway to 100 %`.
pub fn words(verb: Verb, name: &str) -> String {
    match verb {
        Verb::PromoteFull => format!("promote {name} to 100 %"),
        verb => format!("{} {name}", verb.words()),
    }
}

/// Words that begin a line.
pub fn capital(words: &str) -> Cow<'_, str> {
    let mut letters = words.chars();
    match letters.next() {
        Some(first) if first.is_lowercase() => first.to_uppercase().chain(letters).collect::<String>().into(),
        _ => words.into(),
    }
}

/// An acting command: opens its dialog, brings back the marks of one that is under way, or says in one clause why neither.
pub(super) fn open(state: &mut State, verb: Verb) -> Vec<Effect> {
    show(state, |state| opened(state, verb, false))
}

/// The same for one step on in spite of what the gates say.
pub(super) fn open_override(state: &mut State) -> Vec<Effect> {
    show(state, |state| {
        let key = state.subject().cloned().ok_or("override: nothing is selected.")?;
        let found = state.environment().found(&key, state.now).map(|found| found.overridable());
        match found {
            None => Err(format!("override gates of {}: it is gone from the cluster.", key.name)),
            Some(Err(why)) => Err(format!("override gates of {}: {why}.", key.name)),
            Some(Ok(verb)) => opened(state, verb, true),
        }
    })
}

fn show(state: &mut State, opened: impl FnOnce(&mut State) -> Result<(Overlay, Vec<Effect>), String>) -> Vec<Effect> {
    // Nobody acts on what is not shown.
    if matches!(state.overlay, Some(Overlay::Environments(_) | Overlay::Dialog(_) | Overlay::Guard(_))) || !panes::fits(state) {
        return Vec::new();
    }
    match opened(state) {
        Ok((overlay, effects)) => {
            state.overlay = Some(overlay);
            effects
        }
        Err(why) => {
            super::commands::say(state, why);
            Vec::new()
        }
    }
}

fn opened(state: &mut State, verb: Verb, overrides: bool) -> Result<(Overlay, Vec<Effect>), String> {
    if let Some(why) = state.forbidden(state.shown) {
        return Err(format!("Nothing can be changed here: {why}."));
    }
    let key = state.subject().cloned().ok_or_else(|| format!("{}: nothing is selected.", verb.words()))?;
    if let Some(pressed) = again(state, (verb, overrides), &key) {
        return Ok((pressed, Vec::new()));
    }
    let offered = state.environment().found(&key, state.now).map(|found| found.may(verb));
    match offered {
        None => Err(format!("{}: it is gone from the cluster.", words(verb, &key.name))),
        Some(Err(why)) => match state.environment().courses.newest(&key, verb) {
            // What was just done explains why it cannot be done again.
            Some(course) => Ok((Overlay::Marks(Marks::of(course)), Vec::new())),
            None => Err(format!("{}: {why}.", words(verb, &key.name))),
        },
        Some(Ok(_)) => {
            let number = state.number();
            let found = state.environment().found(&key, state.now);
            let mut dialog = found.map(|found| Dialog::new(number, state.shown, verb, &found)).ok_or_else(String::new)?;
            if overrides {
                dialog.override_gates(state);
            }
            let effects = dialog.ask(state).into_iter().collect();
            Ok((Overlay::Dialog(Box::new(dialog)), effects))
        }
    }
}

/// The marks of the act that *Now* tells of first. Says whether there is one.
pub(super) fn show_marks(state: &mut State) -> bool {
    let line = state.act_lines().into_iter().next();
    let marks = line.and_then(|line| state.environment().courses.get(line.act)).map(Marks::of);
    let found = marks.is_some();
    if let Some(marks) = marks {
        state.overlay = Some(Overlay::Marks(marks));
    }
    found
}

/// The marks of the next act of the environment, or of the one before.
pub(super) fn turn_marks(state: &mut State, by: isize) {
    let Some(Overlay::Marks(marks)) = &state.overlay else { return };
    let all: Vec<Marks> = state.environment().courses.newest_first().map(Marks::of).collect();
    let count = isize::try_from(all.len()).unwrap_or(1).max(1);
    let place = all.iter().position(|other| other.act == marks.act).and_then(|place| isize::try_from(place).ok());
    let next = (place.unwrap_or_default() + by).rem_euclid(count);
    if let Some(next) = usize::try_from(next).ok().and_then(|next| all.get(next)) {
        state.overlay = Some(Overlay::Marks(*next));
    }
}

/// The same verb on the same release while the first is under way, or was refused with its text still there.
fn again(state: &mut State, (verb, overrides): (Verb, bool), key: &Key) -> Option<Overlay> {
    let courses = &mut state.environment_mut().courses;
    if let Some(form) = courses.take_form(key, verb, overrides) {
        return Some(Overlay::Dialog(form));
    }
    courses.newest(key, verb).filter(|course| course.ended.is_none()).map(|course| Overlay::Marks(Marks::of(course)))
}
