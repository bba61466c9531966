//! The keys in the first line and the last: what each does here, what it is about, and whether it does anything. The way back comes
//! first and goes last.

use std::borrow::Cow;
use std::sync::Arc;

use ratatui::layout::Rect;

use super::acting::Found;
use super::page::Focus;
use super::panes::Pane;
use super::state::{Overlay, Screen, State};
use super::{Dialog, text};
use crate::domain::action::{Either, Parameters, Verb};
use crate::input::{Code, Command, KeyPress};

/// From this width on the last line has room for a guard beside its keys.
const ROOMY: u16 = 100;
/// Cells that the name of a release takes in the last line at most.
const NAME: u16 = 24;

/// What pressing a hint with the mouse means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// A command, whatever its key is.
    Command(Command),
    /// A key, where keys are typed.
    Key(KeyPress),
}

/// A key and what it does here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// What pressing it means.
    pub press: Press,
    /// Its key as the screen shows it.
    pub key: Arc<str>,
    /// What it does, in a few words.
    pub words: Cow<'static, str>,
    /// Whether it does something now; else pressing it says why not.
    pub alive: bool,
    /// Whether a rule stands before it, where another kind of keys begins.
    pub ruled: bool,
    /// Its cells: key, a space, words.
    pub area: Rect,
}

/// A hint that wants a place.
struct Wanted {
    press: Press,
    key: Arc<str>,
    words: Cow<'static, str>,
    shorter: Option<Cow<'static, str>>,
    alive: bool,
    ruled: bool,
    /// Whether nothing after it in its group makes sense without it.
    leads: bool,
}

/// Name of the program and the screens, where the right half is left for environment, freshness and clock.
pub(super) fn tabs(state: &State, header: Rect) -> Vec<Hint> {
    if header.width < 100 {
        return Vec::new();
    }
    // " pilothouse  "
    place(
        commands(state, &[Command::Bridge, Command::Rollouts, Command::Signals, Command::Ledger]),
        Rect { x: 13, width: header.width / 2, ..header },
    )
}

/// The last line.
pub(super) fn hints(state: &State, footer: Rect) -> Vec<Hint> {
    use Command::{Back, Contents, Copy, Environments, Filter, FocusNext, Help, Palette, Quit, Reconnect, RolloutOpen, Sort, Zoom};
    use Command::{Browse, ChartIn, ChartOut, SignalNext, SignalView};
    let line = Rect { x: 1, width: footer.width.saturating_sub(2).saturating_sub(guard_room(state, footer.width)), ..footer };
    let of_others = |others: &[Command]| place(commands(state, others), line);
    let others: &[Command] = match (&state.overlay, &state.screen) {
        (Some(Overlay::Dialog(dialog)), _) => return place(of_dialog(state, dialog), line),
        (Some(Overlay::Marks(_)), _) => return place(of_marks(state), line),
        (Some(Overlay::Guard(_)), _) => return place(of_guard(state), line),
        (Some(Overlay::Filter | Overlay::Palette(_)), _) => return of_others(&[RolloutOpen, Back]),
        (Some(Overlay::Environments(_)), _) => return of_others(&[RolloutOpen, Back, Reconnect]),
        (Some(Overlay::Help), _) => return of_others(&[Back]),
        (None, Screen::Bridge | Screen::Rollouts) => {
            &[RolloutOpen, Contents, Filter, Palette, Help, Environments, Sort, Zoom, Copy, Quit]
        }
        (None, Screen::Detail(_)) if state.focus == Pane::Chart => {
            &[SignalNext, ChartIn, ChartOut, Browse, FocusNext, Back, Palette, Help, Zoom, Quit]
        }
        (None, Screen::Signals) => &[RolloutOpen, Contents, SignalView, Palette, Help, Environments, Zoom, Browse, Copy, Quit],
        (None, Screen::Detail(_)) => &[Back, FocusNext, Contents, Palette, Help, Zoom, Copy, Environments, Quit],
        (None, Screen::Ledger) => return of_others(&[RolloutOpen, Filter, Copy, Palette, Help, Back, Quit]),
        (None, Screen::Act(_)) => return of_others(&[Back, Copy, Palette, Help, Quit]),
        (None, Screen::Contents(_)) => &[Back, Contents, Palette, Help, Quit],
        (None, Screen::Log) => return of_others(&[Back, Palette, Help, Quit]),
    };
    let mut wanted = of_release(state);
    let mut others = commands(state, others);
    if let (Some(first), false) = (others.first_mut(), wanted.is_empty()) {
        first.ruled = true;
    }
    wanted.append(&mut others);
    place(wanted, line)
}

fn commands(state: &State, commands: &[Command]) -> Vec<Wanted> {
    let each = commands.iter().filter_map(|command| command_hint(state, *command, command.entry().short.into(), true));
    each.collect()
}

fn command_hint(state: &State, command: Command, words: Cow<'static, str>, alive: bool) -> Option<Wanted> {
    let key = state.keymap.label(command)?.clone();
    Some(Wanted { press: Press::Command(command), key, words, shorter: None, alive, ruled: false, leads: false })
}

/// What can be done to the release: back and hold first, then forward. Nothing where nothing may be changed.
fn of_release(state: &State) -> Vec<Wanted> {
    if state.forbidden(state.shown).is_some() {
        return Vec::new();
    }
    let Some(found) = state.subject().and_then(|key| state.environment().found(key, state.now)) else { return Vec::new() };
    let name = text::fit_name(&found.release.key.name, NAME);
    let held = match found.object {
        Either::Rollout(rollout) => rollout.spec.paused,
        Either::Canary(canary) => canary.spec.suspend,
    };
    let (still, still_verb) = if held { (Command::Resume, Verb::Resume) } else { (Command::Hold, Verb::Hold) };
    let can = |verb| found.offer(verb, &Parameters::default()).is_ok();
    let mut all = Vec::with_capacity(12);
    if let Some(back) = command_hint(state, Command::RollBack, format!("roll back {name}").into(), can(Verb::RollBack)) {
        all.push(Wanted { shorter: Some("roll back".into()), ..back });
    }
    all.extend(command_hint(state, still, still.entry().short.into(), can(still_verb)));
    let promote = promotes(&found);
    let gates = found.gates();
    let alive = promote.is_some() && !gates.block();
    let overrides = promote.is_some() && gates.block();
    let words = promote.unwrap_or(Cow::Borrowed("promote"));
    if let Some(promote) = command_hint(state, Command::Promote, words, alive) {
        all.push(Wanted { ruled: true, leads: true, ..promote });
    }
    if overrides {
        all.extend(command_hint(state, Command::Override, format!("override {}", gates.names()).into(), true));
    }
    let full = can(Verb::PromoteFull) && !gates.block();
    all.extend(command_hint(state, Command::PromoteFull, Command::PromoteFull.entry().short.into(), full));
    all
}

/// `25→50 %`, as the plan says it.
fn promotes(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let offer = found.offer(Verb::Promote, &Parameters::default()).ok()?;
    let effect = &offer.plans.first()?.effect;
    Some(Cow::Owned(effect.strip_prefix("promote ").unwrap_or("promote").replace(" %", "%")))
}

/// Cells that the guard of the release takes at the right end: whoever is at the keys has to see it.
fn guard_room(state: &State, width: u16) -> u16 {
    let guard = state.subject().filter(|_| width >= ROOMY && state.overlay.is_none());
    let guard = guard.and_then(|key| state.guard(state.environment(), key));
    // "guard ● " before it, and room between.
    guard.map_or(0, |guard| (text::width(&guard.words()) + 14).min(width / 5 * 2))
}

fn of_guard(state: &State) -> Vec<Wanted> {
    let key = |key: KeyPress, words: &'static str| Wanted {
        press: Press::Key(key),
        key: state.keymap.written(key).into(),
        words: words.into(),
        shorter: None,
        alive: true,
        ruled: false,
        leads: false,
    };
    let plain = KeyPress::plain;
    vec![key(plain(Code::Enter), "next"), key(plain(Code::Esc), "cancel"), key(KeyPress::ctrl('s'), "confirm")]
}

fn of_marks(state: &State) -> Vec<Wanted> {
    let over = state.course().is_some_and(|(_, course)| course.ended.is_some());
    let several = state.environment().courses.newest_first().nth(1).is_some();
    let all =
        [(Command::Back, "hide", true), (Command::Copy, "copy the receipt", over), (Command::FocusNext, "another act", several)];
    let each = all.into_iter().filter(|(.., wanted)| *wanted);
    each.filter_map(|(command, words, _)| command_hint(state, command, words.into(), true)).collect()
}

fn of_dialog(state: &State, dialog: &Dialog) -> Vec<Wanted> {
    let on_button = matches!(dialog.focus, Focus::Confirm | Focus::Cancel);
    let key = |key: KeyPress, words: &'static str| Wanted {
        press: Press::Key(key),
        key: state.keymap.written(key).into(),
        words: words.into(),
        shorter: None,
        alive: true,
        ruled: false,
        leads: false,
    };
    let plain = KeyPress::plain;
    let mut all = vec![key(plain(Code::Enter), if on_button { "press" } else { "next" }), key(plain(Code::Esc), "cancel")];
    all.push(key(KeyPress::ctrl('s'), "confirm"));
    if dialog.plans.len() > 1 {
        all.push(key(plain(Code::Tab), if dialog.plan().is_some() { "other plan" } else { "choose" }));
    }
    if on_button && !dialog.copies() {
        all.push(key(plain(Code::Up), "edit"));
    }
    if dialog.focus == Focus::Reason {
        all.push(key(KeyPress { alt: true, ..plain(Code::Enter) }, "new line"));
    }
    all
}

/// Hints one after the other with two cells between, or a rule; what does not fit is left out.
fn place(wanted: Vec<Wanted>, line: Rect) -> Vec<Hint> {
    let mut hints: Vec<Hint> = Vec::with_capacity(wanted.len());
    let mut x = line.x;
    let mut without = false;
    for one in wanted {
        // "  " before a hint, " │ " before one that begins another kind.
        let gap = match (hints.is_empty(), one.ruled) {
            (true, _) => 0,
            (false, true) => 3,
            (false, false) => 2,
        };
        without &= !one.ruled;
        let width = |words: &str| text::width(&one.key).saturating_add(1).saturating_add(text::width(words));
        let fits = |words: &str| x.saturating_add(gap).saturating_add(width(words)) <= line.right();
        let words = [Some(&one.words), one.shorter.as_ref()].into_iter().flatten().find(|words| fits(words));
        let Some(words) = words.filter(|_| !without).cloned() else {
            without |= one.leads;
            continue;
        };
        let area = Rect { x: x + gap, width: width(&words), ..line };
        x = area.right();
        hints.push(Hint { press: one.press, key: one.key, words, alive: one.alive, ruled: one.ruled && gap > 0, area });
    }
    hints
}
