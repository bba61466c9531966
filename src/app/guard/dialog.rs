//! The dialog of a guard: what arming it means, or ending it, and the reason for that. The only way from a key to a guard leads through here.

use ratatui::layout::Position;

use super::super::acting::Found;
use super::super::edit::Edit;
use super::super::effect::Effect;
use super::super::msg::MouseKind;
use super::super::page::Focus;
use super::super::panes;
use super::super::state::{Overlay, State};
use super::super::{commands, environment::Environment};
use super::Wish;
use crate::domain::action::{Either, Seen};
use crate::domain::guard::{Place, Standing};
use crate::domain::id::EnvironmentId;
use crate::input::{Code, Command, KeyPress};

/// Rows that a page goes.
const PAGE: usize = 5;
/// Rows that can be scrolled past at most.
const MOST: usize = 40;

/// What is to be done about a guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One is to be armed here. Who cancelled those of this version before, if somebody did.
    Arm {
        /// Who.
        over: Option<Box<str>>,
    },
    /// The one that was armed here is to be taken away.
    Disarm(u64),
    /// That of somebody is to be cancelled.
    Cancel {
        /// Whose.
        owner: String,
    },
}

/// The dialog.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Where.
    pub environment: EnvironmentId,
    /// What is to be done.
    pub kind: Kind,
    /// What was seen when it opened.
    pub seen: Seen,
    /// Why.
    pub reason: Edit,
    /// What has the keys.
    pub focus: Focus,
    /// Rows that are scrolled past where there is no room.
    pub scroll: usize,
}

/// What the button would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Something has to be typed.
    Missing(String),
    /// It cannot be done.
    Refused(String),
}

/// Opens the dialog about the selected release, or says why not. While a countdown runs, the key stops it instead.
pub(in super::super) fn open(state: &mut State) -> Vec<Effect> {
    if matches!(state.overlay, Some(Overlay::Environments(_) | Overlay::Dialog(_) | Overlay::Guard(_))) || !panes::fits(state) {
        return Vec::new();
    }
    if let Some(stopped) = super::banner::cancel(state) {
        return stopped;
    }
    match opened(state) {
        Ok(order) => state.overlay = Some(Overlay::Guard(Box::new(order))),
        Err(why) => commands::say(state, why),
    }
    Vec::new()
}

fn opened(state: &State) -> Result<Order, String> {
    if let Some(why) = state.forbidden(state.shown) {
        return Err(format!("No guard can be armed or ended here: {why}."));
    }
    let key = state.subject().ok_or("guard: nothing is selected.")?;
    let environment = state.environment();
    let found = environment.found(key, state.now).ok_or_else(|| format!("guard {}: it is gone from the cluster.", key.name))?;
    let (seen, guard) = (found.seen(), state.guard(environment, key));
    let mine = state.guards.of(environment.id, key);
    let kind = match (mine, guard) {
        (Some(mine), _) => Kind::Disarm(mine.number),
        (None, Some(guard)) => Kind::Cancel { owner: guard.owner },
        (None, None) => {
            may_arm(environment, &found).map_err(|why| format!("guard {}: {why}.", key.name))?;
            Kind::Arm { over: environment.guards.cancelled(key, &seen.current).map(Into::into) }
        }
    };
    Ok(Order { environment: state.shown, kind, seen, reason: Edit::lines(""), focus: Focus::Reason, scroll: 0 })
}

/// Whether a guard would have something to watch; else why not, in one clause.
fn may_arm(environment: &Environment, found: &Found<'_>) -> Result<(), String> {
    let standing = match found.object {
        Either::Rollout(rollout) => Standing::of_rollout(rollout),
        Either::Canary(canary) => Standing::of_canary(canary),
    };
    let gates = environment.metrics.judgements(&found.release.key).iter().any(|judgement| judgement.gate);
    match standing.place {
        _ if standing.off => {
            Err("the annotation pilothouse.dev/guard=off forbids it; kubectl annotate … pilothouse.dev/guard- takes that back"
                .to_owned())
        }
        Place::Unknown => Err("the controller has not seen its newest change yet".to_owned()),
        Place::Waiting => Err("it has not begun: arm one once its gate is open".to_owned()),
        Place::Stable => Err("nothing is on its way: there is nothing to guard".to_owned()),
        Place::Back => Err("it is aborted: there is nothing to guard".to_owned()),
        Place::UnderWay if !gates => Err("it has no signal that is a gate: a guard would be blind".to_owned()),
        Place::UnderWay => Ok(()),
    }
}

impl Order {
    /// What keeps it from being confirmed; None if nothing does.
    pub fn stop(&self, state: &State) -> Option<Stop> {
        if let Some(why) = state.forbidden(self.environment) {
            return Some(Stop::Refused(format!("nothing can be changed here: {why}")));
        }
        let environment = state.environment_named(self.environment)?;
        let Some(found) = environment.found(&self.seen.key, state.now) else {
            return Some(Stop::Refused("it is gone from the cluster".to_owned()));
        };
        let now = found.seen();
        if self.seen.uid != now.uid || self.seen.current != now.current {
            return Some(Stop::Refused("another version has begun since: open it again".to_owned()));
        }
        let may = match &self.kind {
            Kind::Arm { .. } => may_arm(environment, &found),
            Kind::Disarm(number) if state.guards.mine.iter().all(|mine| mine.number != *number) => Err("it is over".to_owned()),
            Kind::Disarm(_) | Kind::Cancel { .. } => Ok(()),
        };
        if let Err(why) = may {
            return Some(Stop::Refused(why));
        }
        environment.settings.policy.reason(self.reason.text()).err().map(Stop::Missing)
    }

    /// What the button says.
    pub fn button(&self) -> &'static str {
        match self.kind {
            Kind::Arm { .. } => "arm the guard",
            Kind::Disarm(_) => "disarm it",
            Kind::Cancel { .. } => "cancel it",
        }
    }
}

/// A key was pressed.
pub(in super::super) fn key(state: &mut State, key: KeyPress) -> Vec<Effect> {
    if key.text().is_none() && state.keymap.command(key) == Some(Command::Redraw) {
        return vec![Effect::Redraw];
    }
    let Some(Overlay::Guard(order)) = &mut state.overlay else { return Vec::new() };
    match (key.code, key.ctrl, key.alt) {
        (Code::Esc, ..) => state.overlay = None,
        (Code::Char('s'), true, false) => return confirm(state),
        (Code::Enter, false, false) => match order.focus {
            Focus::Confirm => return confirm(state),
            Focus::Cancel => state.overlay = None,
            _ => order.focus = Focus::Confirm,
        },
        (Code::PageDown, ..) => order.scroll = (order.scroll + PAGE).min(MOST),
        (Code::PageUp, ..) => order.scroll = order.scroll.saturating_sub(PAGE),
        (Code::Tab, ..) => {
            order.focus = match order.focus {
                Focus::Reason => Focus::Confirm,
                Focus::Confirm => Focus::Cancel,
                _ => Focus::Reason,
            };
        }
        (Code::Down, ..) if order.focus == Focus::Reason => order.focus = Focus::Confirm,
        (Code::Up, ..) => order.focus = Focus::Reason,
        (Code::Left | Code::Right, ..) if order.focus != Focus::Reason => {
            order.focus = if order.focus == Focus::Confirm { Focus::Cancel } else { Focus::Confirm };
        }
        _ if order.focus == Focus::Reason => {
            order.reason.key(key);
        }
        _ => {}
    }
    Vec::new()
}

/// A text was pasted: into the reason, nowhere else.
pub(in super::super) fn paste(state: &mut State, text: &str) {
    if let Some(Overlay::Guard(order)) = &mut state.overlay
        && order.focus == Focus::Reason
    {
        order.reason.paste(text);
    }
}

/// The mouse did something in the window or beside it.
pub(in super::super) fn mouse(state: &mut State, what: MouseKind, at: Position) -> Vec<Effect> {
    let pressed = state.layout().and_then(|layout| layout.page).and_then(|page| page.at(at));
    let Some(Overlay::Guard(order)) = &mut state.overlay else { return Vec::new() };
    match pressed.filter(|_| what == MouseKind::Press) {
        Some(Focus::Confirm) => {
            order.focus = Focus::Confirm;
            return confirm(state);
        }
        Some(Focus::Cancel) => state.overlay = None,
        Some(focus) => order.focus = focus,
        None => {}
    }
    Vec::new()
}

/// The button was pressed: this is the only place where the cockpit arms, disarms and cancels, but for a countdown that is stopped.
fn confirm(state: &mut State) -> Vec<Effect> {
    // A dialog that the terminal has no room for is read by nobody.
    let fits = panes::fits(state);
    let Some(Overlay::Guard(order)) = state.overlay.take_if(|_| fits) else { return Vec::new() };
    if let Some(stop) = order.stop(state) {
        let missing = matches!(stop, Stop::Missing(_));
        let focus = if missing { Focus::Reason } else { order.focus };
        state.overlay = Some(Overlay::Guard(Box::new(Order { focus, ..*order })));
        return Vec::new();
    }
    let (environment, reason) = (order.environment, order.reason.text().trim().to_owned());
    let wish = match order.kind {
        Kind::Arm { over } => {
            let number = state.number();
            state.guards.begin(number, environment, order.seen.clone(), state.now);
            Wish::Arm { number, environment, seen: Box::new(order.seen), reason, over_cancel: over.is_some() }
        }
        Kind::Disarm(number) => Wish::Disarm(number),
        Kind::Cancel { .. } => Wish::CancelOthers { environment, seen: Box::new(order.seen), reason },
    };
    vec![Effect::Guard(Box::new(wish))]
}
