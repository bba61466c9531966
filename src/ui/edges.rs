//! The first line and the last: where one is, how fresh it is, what time it is, and which keys do something.
//!
//! ```text
//!  pilothouse  1 Bridge  3 Rollouts  7 Ledger prod-us-east-1 ⬢ PROD   k8s ● live   14:03:22 UTC
//!  ⏎ open gateway  / filter  ? help  e environment  s sort  z zoom  y copy  q quit
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::glyph::Mark;
use super::overlay::page;
use super::pen::Pen;
use super::phrase;
use super::pieces::Pieces;
use super::text;
use super::theme::{Role, Theme};
use super::widget::{fresh, tier};
use crate::app::course::Line;
use crate::app::guard::Shown;
use crate::app::notice::Tone;
use crate::app::{Freshness, Hint, Layout, Pane, Press, Screen, State};
use crate::domain::signal::Verdict;
use crate::input::Command;

/// That no key acts here. The help says why.
const READ_ONLY: &str = "READ-ONLY";

/// Draws the first line.
pub fn header(state: &State, theme: &Theme, layout: &Layout, buffer: &mut Buffer) {
    let environment = state.environment();
    let settings = &environment.settings;
    let mut left = Pen::new(buffer, layout.header);
    let named = !layout.tabs.is_empty();
    if named {
        left.skip(1).put("pilothouse", theme.style(Role::Dim));
    } else {
        badge(&mut left, state, theme);
    }
    let start = layout.tabs.last().map_or(left.x(), |tab| tab.area.right());
    for tab in &layout.tabs {
        draw_tab(state, theme, tab, buffer);
    }
    let right = Rect { x: start + 1, width: layout.header.right().saturating_sub(start + 2), ..layout.header };
    let freshness = state.freshness();
    let dim = theme.style(Role::Dim);
    let mut line = Pieces::new();
    if named {
        line.push(0, tier::badge(&settings.name, settings.tier), tier::style(theme, settings.tier));
        if state.forbidden(state.shown).is_some() {
            line = line.after(2, 1, READ_ONLY, theme.bold(Role::Info));
        }
    }
    line = source(line, state, theme, ("k8s", &freshness));
    if let Some(freshness) = environment.metrics.freshness(state.now) {
        line = source(line, state, theme, ("prom", &freshness));
    }
    line = line.after(3, 2, text::time_of_day(state.now), theme.style(Role::Text)).after(1, 5, "UTC", dim);
    line.draw_right(&mut Pen::new(buffer, right));
}

fn badge(pen: &mut Pen<'_>, state: &State, theme: &Theme) {
    let settings = &state.environment().settings;
    let badge = tier::badge(&settings.name, settings.tier);
    // The rest of the line is needed to say how fresh all this is.
    let room = pen.room().saturating_sub(12).max(pen.room() / 2);
    let badge = if text::width(&badge) > room {
        let name = text::fit_name(&settings.name, room.saturating_sub(text::width(&badge) - text::width(&settings.name)));
        tier::badge(&name, settings.tier)
    } else {
        badge
    };
    pen.put(&badge, tier::style(theme, settings.tier));
    if state.forbidden(state.shown).is_some() {
        pen.skip(1).put(READ_ONLY, theme.bold(Role::Info));
    }
}

/// `k8s ● live`, or what is wrong with it. Where there is little room, a mark is enough for what is well.
fn source<'a>(line: Pieces<'a>, state: &State, theme: &Theme, (name, freshness): (&'static str, &Freshness)) -> Pieces<'a> {
    let mark = fresh::mark(freshness);
    let style = theme.mark(mark);
    let dim = theme.style(Role::Dim);
    // Without a cluster nothing else counts.
    let rank = if name == "k8s" { 0 } else { 3 };
    let line = line.after(2, 1, name, dim).after(1, 0, theme.glyph(mark, state.now), style);
    match freshness {
        Freshness::Connecting => line.after(1, 4, "connecting", dim),
        Freshness::Live { .. } => line.after(1, 4, "live", dim),
        Freshness::Empty => line.after(1, rank, "no samples", style),
        Freshness::Late { seconds } => line.after(1, rank, text::age(*seconds), style),
        Freshness::Down { seconds, reason, .. } => {
            let line = line.after(1, rank, format!("down {}", text::age(*seconds)), style);
            if reason.is_empty() { line } else { line.add(6, format!(": {}", text::fit(reason, 32)), style) }
        }
    }
}

fn draw_tab(state: &State, theme: &Theme, tab: &Hint, buffer: &mut Buffer) {
    let here = matches!(
        (tab.press, &state.screen),
        (Press::Command(Command::Bridge), Screen::Bridge)
            | (Press::Command(Command::Rollouts), Screen::Rollouts | Screen::Detail(_) | Screen::Contents(_))
            | (Press::Command(Command::Signals), Screen::Signals)
            | (Press::Command(Command::Ledger), Screen::Ledger | Screen::Act(_))
    );
    let words = if here { theme.bold(Role::Accent) } else { theme.style(Role::Text) };
    let key = if here { Role::Accent } else { Role::Dim };
    Pen::new(buffer, tab.area).put(&tab.key, theme.style(key)).skip(1).put(&tab.words, words);
}

/// The countdown of a guard: it stands out on every screen, with the key that stops it.
pub fn banner(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let Some(banner) = state.banner() else { return };
    let style = theme.bold(Role::Bad).add_modifier(Modifier::REVERSED);
    buffer.set_style(area.intersection(buffer.area), style);
    let back = state.keymap.label(Command::Back).cloned();
    let key = back.filter(|_| state.can_cancel(&banner)).map(|key| format!(" {key} stops it ")).unwrap_or_default();
    let words = format!(" {} {}", theme.glyph(Mark::Warning, state.now), banner.words());
    let room = area.width.saturating_sub(text::width(&key));
    Pen::new(buffer, area).put(&text::fit(&words, room), style);
    let right = Rect { x: area.right().saturating_sub(text::width(&key)), width: text::width(&key), ..area };
    Pen::new(buffer, right).put(&key, style);
}

/// Draws the last line: the keys, or a word to the user.
pub fn footer(state: &State, theme: &Theme, layout: &Layout, buffer: &mut Buffer) {
    if let Some(toast) = &state.toast {
        let mut pen = Pen::new(buffer, layout.footer);
        pen.skip(1).put("▸", theme.style(Role::Accent)).skip(1).put(&toast.text, theme.style(Role::Strong));
        return;
    }
    for hint in &layout.hints {
        draw_hint(theme, hint, layout.footer, buffer);
    }
    // What is being done, where there is room for it; else the name of what the keys are about.
    let used = layout.hints.last().map_or(layout.footer.x, |hint| hint.area.right());
    let rest = Rect { x: used + 2, width: layout.footer.right().saturating_sub(used + 3), ..layout.footer };
    let act = state.act_lines().into_iter().next().filter(|_| rest.width > 30 && state.overlay.is_none());
    let subject = state.subject().map(|key| &*key.name);
    let guard = state.subject().and_then(|key| state.guard(state.environment(), key));
    let guard = guard.map(|guard| guard_line(theme, &guard, rest.width)).filter(|line| line.width() + 2 <= rest.width);
    if let Some(act) = act {
        act_line(state, theme, &act, rest.width).draw_right(&mut Pen::new(buffer, rest));
    } else if let Some(line) = guard.filter(|_| state.overlay.is_none()) {
        line.draw_right(&mut Pen::new(buffer, rest));
    } else if let Some(name) = subject.filter(|name| text::width(name) + 2 <= rest.width) {
        let line = Pieces::new().add(0, "▸ ", theme.style(Role::Dim)).add(0, name, theme.style(Role::Text));
        line.draw_right(&mut Pen::new(buffer, rest));
    }
}

/// `guard ● this terminal 8:12`.
pub(super) fn guard_line<'a>(theme: &Theme, guard: &Shown, room: u16) -> Pieces<'a> {
    let mark = match (&*guard.state, guard.left) {
        (_, Some(_)) => Mark::Bad,
        ("blind", None) => Mark::Unknown,
        ("breached" | "held" | "acting", None) => Mark::Warning,
        _ => Mark::Good,
    };
    let words = text::fit(&guard.words(), room.saturating_sub(8)).into_owned();
    let style = if mark == Mark::Good { theme.style(Role::Text) } else { theme.mark(mark) };
    Pieces::new().add(0, "guard ", theme.style(Role::Dim)).add(0, "● ", theme.mark(mark)).add(0, words, style)
}

fn draw_hint(theme: &Theme, hint: &Hint, footer: Rect, buffer: &mut Buffer) {
    if hint.ruled {
        let before = Rect { x: hint.area.x.saturating_sub(2).max(footer.x), width: 1, ..hint.area };
        Pen::new(buffer, before).put("│", theme.style(Role::Border));
    }
    // A key that acts stands out; one that would not act now is there, for it says why.
    let acts = matches!(hint.press, Press::Command(command) if command.acts());
    let (key, words) = match (hint.alive, acts) {
        (true, true) => (theme.bold(Role::Accent), theme.style(Role::Text)),
        (true, false) => (theme.style(Role::Accent), theme.style(Role::Dim)),
        (false, _) => (theme.style(Role::Border), theme.style(Role::Border)),
    };
    Pen::new(buffer, hint.area).put(&hint.key, key).skip(1).put(&hint.words, words);
}

/// `◐ gateway: rolling back · traffic 25→10 %`.
pub fn act_line<'a>(state: &State, theme: &Theme, line: &Line, room: u16) -> Pieces<'a> {
    let mark = page::mark(line.sign);
    let glyph = theme.glyph(mark, state.now);
    let words = text::fit(&format!("{}: {}", line.name, line.words), room.saturating_sub(2)).into_owned();
    Pieces::new().add(0, glyph, theme.mark(mark)).after(1, 0, words, theme.style(Role::Strong))
}

/// What is wrong with what is measured of the release: an alert that fires, else a gate that is over its limit.
fn wrong(line: &mut Pieces<'_>, state: &State, theme: &Theme) {
    if matches!(state.focus, Pane::Signals | Pane::Chart | Pane::Matrix) {
        return;
    }
    if let Some(alert) = state.firing().first() {
        line.push(0, format!("{} {} firing", Mark::Bad.glyph(), alert.name), theme.mark(Mark::Bad));
    }
    let standing = state.subject().and_then(|key| state.environment().metrics.standing(key));
    let worst = standing.and_then(|standing| standing.worst()).filter(|worst| worst.verdict == Verdict::Breach);
    if let Some((worst, value)) = worst.and_then(|worst| Some((worst, worst.value?))) {
        let (value, limit) = (worst.unit.show(value), worst.unit.show(worst.limit.threshold));
        let beyond = worst.limit.beyond();
        line.push(0, format!("{} {} {value} {beyond} {limit}", Mark::Bad.glyph(), worst.name), theme.mark(Mark::Bad));
    }
}

/// Draws the line about what is not shown because the terminal is small.
pub fn summary(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let dim = theme.style(Role::Dim);
    let mut line = Pieces::separated(" · ", theme.style(Role::Border));
    if let Some(act) = state.act_lines().first() {
        let mark = page::mark(act.sign);
        line.push(0, format!("{} {}: {}", theme.glyph(mark, state.now), act.name, act.words), theme.mark(mark));
    }
    wrong(&mut line, state, theme);
    // The pane of the release says it itself.
    let subject = state.subject().filter(|_| state.focus != Pane::Release);
    if let Some(release) = subject.and_then(|key| state.release(key)) {
        let now = state.cluster_time();
        let sentence = phrase::sentence(&release, now);
        let name = release.key.name.clone();
        let glyph = theme.glyph(sentence.mark, state.now);
        line.push(0, format!("{glyph} {name}"), theme.mark(sentence.mark));
        let words = release.why.as_deref().map_or(sentence.words, |why| why.to_owned().into());
        line.push(0, words, theme.style(Role::Text));
    }
    let counts = state.table().counts();
    if counts.need > 0 {
        line.push(1, phrase::need(counts.need), theme.mark(Mark::Warning));
    }
    if counts.moving > 0 {
        line.push(2, format!("{} moving", counts.moving), dim);
    }
    let mut notices = state.environment().notices.lines();
    if let Some(notice) = notices.find(|notice| matches!(notice.tone, Tone::Bad)) {
        let about = notice.about.as_ref().map_or_else(String::new, |key| format!("{} ", key.name));
        line.push(3, format!("{} {about}{}", text::time_of_day(notice.at), notice.text), theme.mark(Mark::Bad));
    }
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    line.within(area.width).draw(&mut Pen::new(buffer, area));
}
