//! What keys do: first what lies over the screen has them, then the screen. Ctrl-C leaves from anywhere.

use jiff::SignedDuration;

use super::edit::Edit;
use super::effect::Effect;
use super::state::{Env, Overlay, Screen, State, Toast};
use super::table::Move;
use super::{acting, chart, dialog, focus, guard, links, palette, panes, scroll};
use crate::domain::id::{EnvironmentId, Key, Kind};
use crate::input::keymap::LEAVES;
use crate::input::{Code, Command, KeyPress};

/// How long a word to the user stays.
const TOAST: SignedDuration = SignedDuration::from_secs(4);

/// A key was pressed.
pub(super) fn key(state: &mut State, env: &Env, key: KeyPress) -> Vec<Effect> {
    let key = key.canonical();
    if key == LEAVES {
        return guard::leave(state);
    }
    match state.overlay {
        Some(Overlay::Filter) => return filter_key(state, env, key),
        Some(Overlay::Palette(_)) => return palette::key(state, env, key),
        Some(Overlay::Dialog(_)) => return dialog::keys::key(state, key),
        Some(Overlay::Guard(_)) => return guard::key(state, key),
        Some(Overlay::Environments(_) | Overlay::Help | Overlay::Marks(_)) | None => {}
    }
    match state.keymap.command(key) {
        Some(command) => run(state, env, command),
        None => Vec::new(),
    }
}

/// A text was pasted: into what is being typed, nowhere else. It is never taken for commands.
pub(super) fn paste(state: &mut State, env: &Env, text: &str) -> Vec<Effect> {
    match state.overlay {
        Some(Overlay::Filter) => {
            let mut typed = Edit::line(filter(state));
            typed.paste(text.lines().next().unwrap_or_default());
            set_filter(state, typed.text());
        }
        Some(Overlay::Palette(_)) => palette::paste(state, env, text),
        Some(Overlay::Dialog(_)) => dialog::keys::paste(state, text),
        Some(Overlay::Guard(_)) => guard::paste(state, text),
        Some(Overlay::Environments(_) | Overlay::Help | Overlay::Marks(_)) | None => {}
    }
    Vec::new()
}

/// Runs a command where the keys are now.
pub(super) fn run(state: &mut State, env: &Env, command: Command) -> Vec<Effect> {
    match command {
        Command::MoveUp | Command::MoveDown | Command::MoveLeft | Command::MoveRight if focus::on_chart(state) => {
            chart::along(state, command);
        }
        Command::MoveUp => go(state, Move::By(-1)),
        Command::MoveDown => go(state, Move::By(1)),
        Command::MoveFirst => go(state, Move::First),
        Command::MoveLast => go(state, Move::Last),
        Command::MovePageUp => page(state, -1, 1),
        Command::MovePageDown => page(state, 1, 1),
        Command::MoveHalfUp => page(state, -1, 2),
        Command::MoveHalfDown => page(state, 1, 2),
        Command::MoveLeft => focus::sideways(state, -1),
        Command::MoveRight => focus::sideways(state, 1),
        Command::FocusNext => focus::turn(state, 1),
        Command::FocusPrevious => focus::turn(state, -1),
        Command::Zoom => focus::zoom(state),
        Command::RolloutOpen => return open(state),
        Command::Back => return back(state),
        Command::Filter => begin_filter(state),
        Command::Sort => sort(state, false),
        Command::Reverse => sort(state, true),
        Command::Copy => return copy(state),
        Command::Contents => return contents(state),
        Command::Override => return acting::open_override(state),
        Command::Browse => return links::browse(state),
        Command::Promote
        | Command::PromoteFull
        | Command::Hold
        | Command::Resume
        | Command::Abort
        | Command::RollBack
        | Command::Retry
        | Command::Restart
        | Command::SkipStep
        | Command::SetImage
        | Command::TerminateAnalysis
        | Command::SignalView
        | Command::SignalPrevious
        | Command::SignalNext
        | Command::ChartIn
        | Command::ChartOut
        | Command::ChartEarlier
        | Command::ChartLater => return of_group(state, command),
        Command::Guard => return guard::open(state),
        Command::Bridge | Command::Rollouts | Command::Signals => base(state, screen_of(command)),
        Command::Ledger => ledger(state),
        Command::Palette => palette::open(state, env, ""),
        Command::Environments => environments(state),
        Command::Log => log(state),
        Command::Help => toggle_help(state),
        Command::Theme => return theme(state, env),
        Command::Reconnect => return reconnect(state),
        Command::Ticket => palette::open(state, env, "ticket "),
        Command::Redraw => return vec![Effect::Redraw],
        Command::Suspend => return vec![Effect::Suspend],
        Command::Trust => return vec![Effect::Trust(state.shown)],
        Command::Quit => return guard::leave(state),
    }
    Vec::new()
}

/// A command that opens a dialog, or one about signals.
fn of_group(state: &mut State, command: Command) -> Vec<Effect> {
    match command.verb() {
        Some(verb) => acting::open(state, verb),
        None => chart::run(state, command),
    }
}

/// Goes to a screen.
pub(super) fn show(state: &mut State, screen: Screen) {
    state.overlay = None;
    state.zoomed = false;
    state.focus = focus::first(&screen);
    state.screen = screen;
}

/// Changes the environment. An opened release stays open where the other has one of the same name.
pub(super) fn switch(state: &mut State, to: EnvironmentId) {
    state.overlay = None;
    state.scroll = super::state::Scroll { help: state.scroll.help, log: state.scroll.log, ..Default::default() };
    state.shown = to;
    let gone = |key: &Key| state.environment().cluster.glance(key).is_none();
    let missing = |screen: &Screen| matches!(screen, Screen::Detail(key) | Screen::Contents(key) if gone(key));
    if missing(&state.screen) {
        let next = state.behind.iter().rev().find(|screen| !missing(screen)).cloned();
        state.behind.clear();
        show(state, next.unwrap_or(Screen::Bridge));
    }
    focus::keep(state);
}

fn go(state: &mut State, to: Move) {
    match &state.overlay {
        Some(Overlay::Environments(selected)) => {
            let last = state.environments.len().saturating_sub(1);
            let place = match to {
                Move::By(rows) => usize::from(selected.0).saturating_add_signed(rows).min(last),
                Move::First => 0,
                Move::Last => last,
            };
            state.overlay = Some(Overlay::Environments(EnvironmentId(u16::try_from(place).unwrap_or_default())));
        }
        Some(Overlay::Help) => scroll::help(state, to),
        Some(Overlay::Palette(_)) => palette::go(state, to),
        Some(Overlay::Filter) | None if focus::on_ledger(state) => {
            let height = state.ledger_height();
            state.ledger.go(to, height);
        }
        Some(Overlay::Filter) | None if focus::on_board(state) => {
            let height = state.board_height().max(1);
            state.board.go(to, height);
        }
        Some(Overlay::Marks(_)) => scroll::marks(state, to),
        Some(Overlay::Dialog(_) | Overlay::Guard(_)) => {}
        Some(Overlay::Filter) | None if focus::on_list(state) => {
            let (height, now) = (state.list_height(), state.now);
            state.environment_mut().table.go(to, height, now);
        }
        Some(Overlay::Filter) | None => scroll::pane(state, to),
    }
}

fn page(state: &mut State, direction: isize, part: usize) {
    let height = match &state.overlay {
        Some(Overlay::Help) => scroll::help_height(state),
        Some(Overlay::Palette(_)) => state.layout().and_then(|layout| layout.overlay).map_or(0, panes::palette_height),
        Some(Overlay::Environments(_)) => state.environments.len(),
        Some(Overlay::Marks(_)) => scroll::marks_height(state),
        Some(Overlay::Filter | Overlay::Dialog(_) | Overlay::Guard(_)) | None => scroll::height(state),
    };
    let rows = isize::try_from((height.saturating_sub(usize::from(part == 1)) / part).max(1)).unwrap_or(1);
    go(state, Move::By(direction * rows));
}

fn open(state: &mut State) -> Vec<Effect> {
    let on_now = matches!(state.overlay, Some(Overlay::Filter) | None) && state.focus == super::panes::Pane::Now;
    if on_now && acting::show_marks(state) {
        return Vec::new();
    }
    match state.overlay {
        Some(Overlay::Environments(chosen)) => switch(state, chosen),
        Some(Overlay::Help | Overlay::Palette(_) | Overlay::Marks(_)) => state.overlay = None,
        Some(Overlay::Dialog(_) | Overlay::Guard(_)) => {}
        Some(Overlay::Filter) | None => match &state.screen {
            Screen::Bridge | Screen::Rollouts => {
                if let Some(key) = state.table().selected().cloned() {
                    detail(state, key);
                }
            }
            Screen::Signals => {
                if let Some(key) = state.board.selected().cloned() {
                    detail(state, key);
                    focus_on_chart(state);
                }
            }
            Screen::Ledger => {
                if let Some(act) = state.ledger.selected().map(|act| act.act.clone()) {
                    state.scroll.act = 0;
                    state.behind.push(Screen::Ledger);
                    show(state, Screen::Act(act));
                }
            }
            Screen::Detail(_) | Screen::Act(_) | Screen::Contents(_) | Screen::Log => {}
        },
    }
    Vec::new()
}

/// Who comes from signals wants to see them.
fn focus_on_chart(state: &mut State) {
    state.focus = super::panes::Pane::Chart;
    focus::keep(state);
}

/// Opens the detail of a release.
pub(super) fn detail(state: &mut State, key: Key) {
    select(state, &key);
    if state.screen != Screen::Detail(key.clone()) {
        state.scroll = super::state::Scroll { now: state.scroll.now, ..Default::default() };
        state.behind.push(state.screen.clone());
        chart::reset(state);
        state.ledger.read_again();
        show(state, Screen::Detail(key));
    }
}

/// Makes a release the one that a command is about, on a screen that shows it. Says whether it is there.
pub(super) fn aim(state: &mut State, key: &Key) -> bool {
    if state.subject() == Some(key) {
        return true;
    }
    if matches!(state.screen, Screen::Bridge | Screen::Rollouts) {
        return select(state, key);
    }
    let there = state.environment().cluster.glance(key).is_some();
    if there {
        detail(state, key.clone());
    }
    there
}

/// Moves the cursor of the list to a release.
fn select(state: &mut State, key: &Key) -> bool {
    let now = state.now;
    let environment = state.environment_mut();
    environment.table.select(&environment.cluster, key, now)
}

fn back(state: &mut State) -> Vec<Effect> {
    if state.overlay.is_none()
        && let Some(stopped) = guard::cancel(state)
    {
        return stopped;
    }
    leave_screen(state);
    Vec::new()
}

/// One step back from what is on the screen.
fn leave_screen(state: &mut State) {
    if state.overlay.take().is_some() || (focus::on_chart(state) && chart::unread(state)) {
    } else if state.zoomed {
        state.zoomed = false;
    } else if has_filter(&state.screen) && !filter(state).is_empty() {
        set_filter(state, "");
    } else if let Some(screen) = state.behind.pop() {
        show(state, screen);
    } else if matches!(state.screen, Screen::Rollouts | Screen::Signals | Screen::Ledger) {
        show(state, Screen::Bridge);
    }
}

/// The screen to which a command leads from anywhere.
fn screen_of(command: Command) -> Screen {
    match command {
        Command::Rollouts => Screen::Rollouts,
        Command::Signals => Screen::Signals,
        _ => Screen::Bridge,
    }
}

fn base(state: &mut State, screen: Screen) {
    state.behind.clear();
    show(state, screen);
}

/// Whether a screen has a list that can be filtered.
fn has_filter(screen: &Screen) -> bool {
    matches!(screen, Screen::Bridge | Screen::Rollouts | Screen::Ledger)
}

/// The filter of the list on the screen.
fn filter(state: &State) -> &str {
    if state.screen == Screen::Ledger { state.ledger.filter() } else { state.table().filter() }
}

fn begin_filter(state: &mut State) {
    if !has_filter(&state.screen) {
        base(state, Screen::Rollouts);
    }
    state.focus = focus::first(&state.screen);
    state.overlay = Some(Overlay::Filter);
}

fn filter_key(state: &mut State, env: &Env, key: KeyPress) -> Vec<Effect> {
    let mut typed = Edit::line(filter(state));
    if typed.text().is_empty() && key == KeyPress::plain(Code::Backspace) {
        state.overlay = None;
        return Vec::new();
    }
    if typed.key(key) {
        set_filter(state, typed.text());
        return Vec::new();
    }
    match key {
        KeyPress { code: Code::Enter | Code::Tab, .. } => state.overlay = None,
        KeyPress { code: Code::Esc, .. } => {
            state.overlay = None;
            set_filter(state, "");
        }
        // Keys that type nothing may still move the cursor.
        key => {
            let command = state.keymap.command(key).filter(|command| {
                use Command::{MoveDown, MovePageDown, MovePageUp, MoveUp, Redraw};
                matches!(command, MoveUp | MoveDown | MovePageUp | MovePageDown | Redraw)
            });
            return command.map(|command| run(state, env, command)).unwrap_or_default();
        }
    }
    Vec::new()
}

fn set_filter(state: &mut State, text: &str) {
    if state.screen == Screen::Ledger {
        return state.ledger.set_filter(text);
    }
    let environment = state.environment_mut();
    environment.table.set_filter(&environment.cluster, text);
}

fn sort(state: &mut State, reverse: bool) {
    if !matches!(state.screen, Screen::Bridge | Screen::Rollouts) || state.overlay.is_some() {
        return;
    }
    let environment = state.environment_mut();
    let (sort, reversed) = environment.table.sort();
    let (sort, reversed) = if reverse { (sort, !reversed) } else { (sort.next(), false) };
    environment.table.set_sort(&environment.cluster, sort, reversed);
}

fn copy(state: &mut State) -> Vec<Effect> {
    if matches!(state.overlay, Some(Overlay::Marks(_))) {
        return copy_receipt(state);
    }
    if let Some(act) = state.act() {
        let (text, said) = (act.markdown(), format!("copied {} {} as Markdown", act.words(), act.object.name));
        say(state, said);
        return vec![Effect::Copy(text)];
    }
    let Some(key) = state.subject().cloned() else { return Vec::new() };
    let name = key.to_string();
    let said = format!("copied {name} · once more for the kubectl command");
    let again = state.toast.as_ref().is_some_and(|toast| toast.text == said);
    let (copied, said) = if again {
        let command = kubectl(state, &key);
        let said = format!("copied {command}");
        (command, said)
    } else {
        (name, said)
    };
    say(state, said);
    vec![Effect::Copy(copied)]
}

/// The receipt of the act on the screen.
fn copy_receipt(state: &mut State) -> Vec<Effect> {
    let now = state.now;
    let receipt = state
        .course()
        .and_then(|(environment, course)| course.markdown(now, environment.cluster_time(now), &environment.settings.name));
    let Some(receipt) = receipt else {
        say(state, "there is no receipt yet: it is not over".to_owned());
        return Vec::new();
    };
    say(state, "copied the receipt".to_owned());
    vec![Effect::Copy(receipt)]
}

/// The kubectl command that shows what is on the screen.
fn kubectl(state: &State, key: &Key) -> String {
    let context = state.environment().settings.context.as_ref();
    let context = context.map(|context| format!(" --context {context}")).unwrap_or_default();
    let verb = match key.kind {
        Kind::Rollout => "argo rollouts get rollout",
        _ => "describe canary",
    };
    format!("kubectl {verb} {} -n {}{context}", key.name, key.namespace)
}

fn environments(state: &mut State) {
    match state.overlay {
        Some(Overlay::Environments(EnvironmentId(place))) => {
            let next = (usize::from(place) + 1) % state.environments.len().max(1);
            state.overlay = Some(Overlay::Environments(EnvironmentId(u16::try_from(next).unwrap_or_default())));
        }
        _ => state.overlay = Some(Overlay::Environments(state.shown)),
    }
}

fn ledger(state: &mut State) {
    base(state, Screen::Ledger);
    state.ledger.read_again();
}

/// What is in the release; on its screen, what is in it now.
fn contents(state: &mut State) -> Vec<Effect> {
    if matches!(state.screen, Screen::Contents(_)) {
        return super::contents::again(state).into_iter().collect();
    }
    if let Some(key) = state.subject().cloned() {
        state.scroll.contents = 0;
        state.behind.push(state.screen.clone());
        // What was found before may be old.
        state.inspection = None;
        show(state, Screen::Contents(key));
    }
    Vec::new()
}

fn log(state: &mut State) {
    if state.screen == Screen::Log {
        leave_screen(state);
        return;
    }
    state.behind.push(state.screen.clone());
    state.scroll.log = 0;
    show(state, Screen::Log);
}

fn toggle_help(state: &mut State) {
    state.overlay = if state.overlay == Some(Overlay::Help) { None } else { Some(Overlay::Help) };
    state.scroll.help = 0;
}

fn theme(state: &mut State, env: &Env) -> Vec<Effect> {
    let place = env.themes.iter().position(|theme| *theme == state.theme);
    let next = place.map_or(0, |place| place + 1) % env.themes.len().max(1);
    env.themes.get(next).map(|theme| take_theme(state, theme.clone())).unwrap_or_default()
}

/// Takes this theme.
pub(super) fn take_theme(state: &mut State, theme: String) -> Vec<Effect> {
    state.theme.clone_from(&theme);
    say(state, format!("theme {theme}"));
    vec![Effect::Theme(theme)]
}

fn reconnect(state: &mut State) -> Vec<Effect> {
    let environment = if let Some(Overlay::Environments(chosen)) = state.overlay { chosen } else { state.shown };
    let name = state.environments.get(usize::from(environment.0)).map_or("", |environment| &environment.settings.name);
    let text = format!("connecting to {name} anew");
    say(state, text);
    vec![Effect::Reconnect(environment)]
}

/// Says a word to the user.
pub(super) fn say(state: &mut State, text: String) {
    let until = state.now.checked_add(TOAST).unwrap_or(state.now);
    state.toast = Some(Toast { text, until });
}
