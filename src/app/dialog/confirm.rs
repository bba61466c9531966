//! The one way from a key to an act: what still keeps a dialog from being confirmed, and the act that a confirmation makes. Going
//! forward waits for data, permission and record; going back waits for none of them.

use super::super::course::{Course, Marks};
use super::super::effect::Effect;
use super::super::freshness::Freshness;
use super::super::panes;
use super::super::state::{Overlay, State};
use super::{Dialog, Focus, change, gated, policy, with_release};
use crate::config::{Confirm, Policy};
use crate::domain::action::{Act, Authority, Plan, Reviewed, Taken, Ticket, Verb};
use crate::domain::duration::clock;

/// Seconds for which the effect of each step is waited for.
const PATIENCE: u32 = 600;

/// What keeps a dialog from being confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Nothing may be changed here.
    Forbidden(String),
    /// The release is gone.
    Gone,
    /// It is not what was seen. Confirming looks again.
    Moved(String),
    /// There is no plan.
    NoPlan(String),
    /// None of the plans is certain enough: one has to be chosen.
    Choose,
    /// Something has to be typed.
    Missing(Focus, String),
    /// It is on its way.
    Waits(String),
    /// Its gates block it.
    Gated(String),
    /// It cannot be done like this.
    Refused(String),
    /// A question was not answered. Confirming asks again.
    Unasked(String),
}

impl Stop {
    /// What keeps it, in a few words.
    pub fn words(&self) -> String {
        match self {
            Self::Forbidden(why) => format!("nothing can be changed here: {why}"),
            Self::Gone => "it is gone from the cluster".to_owned(),
            Self::Moved(what) | Self::NoPlan(what) | Self::Missing(_, what) => what.clone(),
            Self::Choose => "choose one first: Tab, or its number".to_owned(),
            Self::Waits(what) => format!("waits for {what}"),
            Self::Gated(why) | Self::Refused(why) | Self::Unasked(why) => why.clone(),
        }
    }

    /// Whether the button does something all the same.
    pub fn has_way_on(&self) -> bool {
        matches!(self, Self::Moved(_) | Self::Unasked(_))
    }
}

/// What of the release is no longer as the dialog saw it, as far as its verb minds.
pub fn moved(state: &State, dialog: &Dialog) -> Option<String> {
    let now = state.environment_named(dialog.environment)?.found(dialog.key(), state.now)?.seen();
    if dialog.verb.is_back() {
        return dialog.seen.other_release(&now);
    }
    dialog.seen.moved(&now).or_else(|| gated::moved(state, dialog))
}

/// What keeps a dialog from being confirmed now; None if nothing does.
pub fn stop(state: &State, dialog: &Dialog) -> Option<Stop> {
    if let Some(why) = state.forbidden(dialog.environment) {
        return Some(Stop::Forbidden(why));
    }
    let environment = state.environment_named(dialog.environment);
    let Some(environment) = environment.filter(|environment| environment.cluster.glance(dialog.key()).is_some()) else {
        return Some(Stop::Gone);
    };
    if let Some(what) = moved(state, dialog) {
        return Some(Stop::Moved(what));
    }
    if let Some(why) = &dialog.problem {
        let missing = dialog.verb == Verb::SetImage;
        let why = why.clone();
        return Some(if missing { Stop::Missing(Focus::Image, why) } else { Stop::NoPlan(why) });
    }
    let Some(plan) = dialog.plan() else { return Some(Stop::Choose) };
    if dialog.verb.is_back() || !plan.writes() {
        return None;
    }
    gated::stop(state, dialog, plan)
        .or_else(|| missing(dialog, policy(environment)))
        .or_else(|| late(&environment.freshness(state.now)))
        .or_else(|| unreviewed(dialog, plan))
}

/// What has to be typed before going forward.
fn missing(dialog: &Dialog, policy: &Policy) -> Option<Stop> {
    if let Err(what) = policy.reason(dialog.reason.text()) {
        return Some(Stop::Missing(Focus::Reason, what));
    }
    if let Err(what) = ticket(dialog, policy) {
        return Some(Stop::Missing(Focus::Ticket, what));
    }
    let named = policy.confirm == Confirm::Enter || dialog.name.text().trim() == &*dialog.key().name;
    (!named).then(|| Stop::Missing(Focus::Name, format!("type its name to confirm: {}", dialog.key().name)))
}

/// The ticket of an act; the error says what is wrong with it on the way forward. On the way back what is missing is owed.
pub(super) fn ticket(dialog: &Dialog, policy: &Policy) -> Result<Ticket, String> {
    policy.ticket(dialog.ticket.text(), dialog.verb.is_back())
}

fn late(freshness: &Freshness) -> Option<Stop> {
    Some(Stop::Waits(match freshness {
        Freshness::Live { .. } => return None,
        Freshness::Connecting | Freshness::Empty => "the connection".to_owned(),
        Freshness::Late { seconds } => format!("live data: silent for {}", clock(*seconds)),
        Freshness::Down { seconds, .. } => format!("live data: down for {}", clock(*seconds)),
    }))
}

/// What the review says against going forward. The details stand in rows of their own.
fn unreviewed(dialog: &Dialog, plan: &Plan) -> Option<Stop> {
    let Some(review) = &dialog.review else { return Some(Stop::Waits("the permission check".to_owned())) };
    if let Some(why) = &review.unasked {
        return Some(Stop::Unasked(format!("the cluster could not be asked: {why}")));
    }
    if other_cluster(review).is_some() {
        return Some(Stop::Refused("it is another cluster than before".to_owned()));
    }
    if unrecordable(review).is_some() {
        return Some(Stop::Refused("it cannot be recorded".to_owned()));
    }
    for access in dialog.needs(plan) {
        match review.answer(&access) {
            Some(Ok(true)) => {}
            Some(Ok(false)) => return Some(Stop::Refused("it is not allowed".to_owned())),
            Some(Err(_)) => return Some(Stop::Unasked("nobody said whether it is allowed".to_owned())),
            None => return Some(Stop::Waits("the permission check".to_owned())),
        }
    }
    None
}

/// That the cluster is another one than it was, and how to say that this is right.
pub(super) fn other_cluster(review: &Reviewed) -> Option<String> {
    review.other_cluster.as_deref().map(trust)
}

/// Why the act cannot be recorded.
pub(super) fn unrecordable(review: &Reviewed) -> Option<&str> {
    review.unrecordable.as_deref()
}

/// The mend for a cluster that is another one than it was.
pub(in crate::app) fn trust(what: &str) -> String {
    format!("{what} If that is right, say so in the palette: trust this cluster.")
}

/// Who one is to the server.
pub(super) fn user(review: &Reviewed) -> &str {
    review.user.as_deref().unwrap_or("you")
}

/// The button was pressed.
pub(super) fn confirm(state: &mut State) -> Vec<Effect> {
    // A dialog that the terminal has no room for is read by nobody.
    let Some(dialog) = state.dialog().filter(|_| panes::fits(state)) else { return Vec::new() };
    match stop(state, dialog) {
        None if dialog.copies() => copy(state),
        None => act(state),
        Some(Stop::Moved(_)) => look_again(state),
        Some(Stop::Unasked(_)) => ask_again(state),
        Some(Stop::Missing(field, _)) => {
            change(state, |_, dialog| dialog.focus = field);
            Vec::new()
        }
        Some(
            Stop::Forbidden(_) | Stop::Gone | Stop::NoPlan(_) | Stop::Choose | Stop::Waits(_) | Stop::Gated(_) | Stop::Refused(_),
        ) => Vec::new(),
    }
}

/// Takes the text of a plan that is only one.
pub(super) fn copy(state: &mut State) -> Vec<Effect> {
    let Some(text) = state.dialog().and_then(|dialog| dialog.plan()?.draft.clone()) else { return Vec::new() };
    state.overlay = None;
    super::super::commands::say(state, "copied the revert for Git; nothing was changed here".to_owned());
    vec![Effect::Copy(text.into())]
}

/// The release as it is now is what is acted on from here; what was typed stays.
fn look_again(state: &mut State) -> Vec<Effect> {
    let asks = change(state, |state, dialog| {
        with_release(state, dialog, |dialog, found| {
            let read = dialog.plan().map(super::plan_name);
            dialog.seen = found.seen();
            dialog.evidence = found.evidence();
            dialog.plan_anew(found);
            if let Some(place) = read.and_then(|read| dialog.plans.iter().position(|plan| super::plan_name(plan) == read)) {
                dialog.chosen = Some(place);
            }
            if dialog.overrides.is_some() {
                dialog.override_gates(state);
            }
            (dialog.refusal, dialog.note, dialog.unrecorded, dialog.scroll) = (None, None, false, 0);
        });
        dialog.ask(state)
    });
    asks.flatten().into_iter().collect()
}

fn ask_again(state: &mut State) -> Vec<Effect> {
    let asks = change(state, |state, dialog| {
        dialog.review = None;
        dialog.asked.clear();
        dialog.ask(state)
    });
    asks.flatten().into_iter().collect()
}

/// Nothing keeps it: this is the only place where the cockpit makes an act.
fn act(state: &mut State) -> Vec<Effect> {
    let number = state.number();
    let Some(Overlay::Dialog(dialog)) = state.overlay.take() else { return Vec::new() };
    let now = state.now;
    let Some(environment) = state.environments.get_mut(usize::from(dialog.environment.0)) else { return Vec::new() };
    let Some(plan) = dialog.plan().cloned() else { return Vec::new() };
    let act = Act {
        number,
        authority: Authority::Dialog,
        environment: dialog.environment,
        seen: dialog.seen.clone(),
        reason: reason(&dialog, policy(environment)),
        // Forward, a wrong ticket has kept it from coming here.
        ticket: ticket(&dialog, policy(environment)).unwrap_or_default(),
        gates: gated::evidence(environment.gates(dialog.key()), &dialog),
        unrecorded: dialog.unrecorded && dialog.verb.is_back(),
        plan,
        dry_run: false,
        patience: PATIENCE,
    };
    let taken = environment.found(dialog.key(), now).and_then(|found| Taken::by(&act.plan, &act.seen, found.object));
    let course = Course::new(act.clone(), now, taken, dialog);
    state.overlay = Some(Overlay::Marks(Marks::of(&course)));
    environment.courses.begin(course);
    vec![Effect::Act(Box::new(act))]
}

/// What goes on record: on the way back never nothing, and never without the ticket that was typed and is none.
fn reason(dialog: &Dialog, policy: &Policy) -> String {
    let typed = dialog.reason.text().trim();
    let reason = if typed.is_empty() && dialog.verb.is_back() { &dialog.evidence } else { typed };
    let owed = matches!(ticket(dialog, policy), Ok(Ticket::Owed)) && !dialog.ticket.is_blank();
    if owed { format!("{reason} (ticket: {})", dialog.ticket.text().trim()) } else { reason.to_owned() }
}
