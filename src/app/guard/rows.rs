//! The rows of a guard's dialog.

use ratatui::layout::Rect;

use super::super::dialog::field;
use super::super::page::{Button, Focus, Page, Part, Row, Sign, Tone, drop_to, window};
use super::super::state::State;
use super::super::text;
use super::dialog::{Kind, Order, Stop};
use crate::domain::action::gates::arithmetic;
use crate::domain::duration::clock;
use crate::domain::guard::Rules;
use crate::domain::signal::{Track, Verdict};

/// Cells of the window.
const WIDEST: u16 = 88;
/// Cells of the labels.
const LABELS: u16 = 9;

/// Rows, and where they are in the area below the header.
pub(in super::super) fn page(state: &State, order: &Order, body: Rect) -> Page {
    let width = WIDEST.min(body.width);
    let room = width.saturating_sub(4 + LABELS);
    let stop = order.stop(state);
    let mut rows = match &order.kind {
        Kind::Arm { over } => arm(state, order, over.as_deref(), room),
        Kind::Disarm(_) => disarm(room),
        Kind::Cancel { owner } => cancel(owner, room),
    };
    rows.push(Row::empty());
    rows.extend(reason(order, room));
    rows.push(Row::empty());
    let (sign, words) = match &stop {
        Some(Stop::Missing(what)) => (Some(Sign::Queued), what.clone()),
        Some(Stop::Refused(why)) => (Some(Sign::Bad), why.clone()),
        None => (None, String::new()),
    };
    let taken = 10 + 3 + text::width(order.button()) + 4;
    let stops = Row { sign, ..Row::words("", words).meant(Tone::Strong) };
    if text::width(&stops.words) + 2 + taken <= width.saturating_sub(4) {
        rows.push(Row { part: Part::Buttons, ..stops });
    } else {
        rows.extend(stops.wrapped(room, 2));
        rows.push(Row { part: Part::Buttons, ..Row::words("", "") });
    }
    let height = usize::from(body.height.saturating_sub(2));
    // Scrolled, the upper rows pass by and the lower ones come into sight; the reason and the buttons stay.
    let upper = rows.iter().position(|row| matches!(row.part, Part::Field(_))).unwrap_or_default();
    rows.drain(..order.scroll.min(rows.len().saturating_sub(height)).min(upper));
    let hidden = drop_to(&mut rows, height);
    let (window, inside) = window(body, width, rows.len());
    let line = inside.y + u16::try_from(rows.len().saturating_sub(1)).unwrap_or_default().min(inside.height.saturating_sub(1));
    let buttons = buttons(order, stop.is_none(), Rect { y: line, height: 1.min(inside.height), ..inside });
    Page { window, inside, labels: LABELS, rows, hidden, buttons }
}

fn arm(state: &State, order: &Order, over: Option<&str>, room: u16) -> Vec<Row> {
    let rules = &state.rules;
    let mut rows = vec![Row { part: Part::Now, ..Row::words("now", "").weighing(3) }];
    rows.extend(gates(state, order, room));
    rows.extend(Row::words("does", does(rules)).meant(Tone::Strong).wrapped(room, 4));
    let where_it_runs = "in this terminal, bound to this version; ends with it, and with this program";
    rows.extend(Row::words("runs", where_it_runs).weighing(2).wrapped(room, 2));
    let stops = "W or Esc here while it counts down, any cockpit, or kubectl annotate … pilothouse.dev/guard=off";
    rows.extend(Row::words("stops", stops).weighing(2).wrapped(room, 2));
    if let Some(by) = over {
        let words = format!("guards of this version were cancelled by {by}: arming one overrides that");
        rows.extend(Row::words("over", words).signed(Sign::Warning).wrapped(room, 2));
    }
    for robot in state.robots.iter() {
        let words = format!("{robot}: it rolls back by itself, too");
        rows.extend(Row::words("robot", words).signed(Sign::Warning).weighing(1).wrapped(room, 2));
    }
    rows
}

/// When it does what.
fn does(rules: &Rules) -> String {
    let span = |seconds: u32| clock(i64::from(seconds));
    format!(
        "a gate over its limit for {}: holds it; for {}, or {} of {} above stable's: takes it back {} later",
        span(rules.hold_after),
        span(rules.breach_after),
        span(rules.saturation_after),
        rules.saturation,
        span(rules.countdown)
    )
}

/// The signals by which it would go.
fn gates(state: &State, order: &Order, room: u16) -> Vec<Row> {
    let Some(environment) = state.environment_named(order.environment) else { return Vec::new() };
    let judgements = environment.metrics.judgements(&order.seen.key);
    let gates = judgements.iter().filter(|judgement| judgement.gate && judgement.track != Track::Stable);
    let mut rows = Vec::new();
    for judgement in gates {
        let sign = match judgement.verdict {
            Verdict::Pass => Sign::Good,
            Verdict::Warn => Sign::Warning,
            Verdict::Breach => Sign::Bad,
            Verdict::TooEarly | Verdict::LowTraffic | Verdict::NoData => Sign::Unknown,
        };
        let words = arithmetic(judgement);
        let label = if rows.is_empty() { "watches" } else { "" };
        rows.extend(Row::words(label, words).signed(sign).weighing(1).wrapped(room, 1));
    }
    rows
}

fn disarm(room: u16) -> Vec<Row> {
    let words = "this terminal watches it no longer; another guard that stands by takes over, if there is one";
    Row::words("does", words).meant(Tone::Strong).wrapped(room, 3)
}

fn cancel(owner: &str, room: u16) -> Vec<Row> {
    let words = format!("ends the guard of {owner} and all others of this version; nobody holds it or takes it back by itself");
    Row::words("does", words).meant(Tone::Strong).wrapped(room, 3)
}

fn reason(order: &Order, room: u16) -> Vec<Row> {
    let mut rows = field(&order.reason, Focus::Reason, order.focus == Focus::Reason, room, 1);
    if let Some(first) = rows.first_mut() {
        first.label = "reason";
        if order.reason.is_blank() && first.cursor.is_none() {
            (first.words, first.tone) = ("why, in your words".to_owned(), Tone::Dim);
        }
    }
    rows
}

fn buttons(order: &Order, alive: bool, line: Rect) -> Vec<Button> {
    let wanted = [(Focus::Cancel, "Esc", "cancel", 10), (Focus::Confirm, "⏎", order.button(), text::width(order.button()) + 4)];
    let mut right = line.right();
    let mut placed = Vec::with_capacity(2);
    for (focus, key, words, cells) in wanted.into_iter().rev() {
        let x = right.saturating_sub(cells).max(line.x);
        let area = Rect { x, width: right - x, ..line };
        let alive = alive || focus == Focus::Cancel;
        placed.push(Button { focus, key, words: words.to_owned(), area, alive });
        right = x.saturating_sub(3).max(line.x);
    }
    placed.reverse();
    placed
}
