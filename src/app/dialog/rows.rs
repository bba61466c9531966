//! What a dialog shows, row by row:
//!
//! ```text
//! now      rev 14  gateway:v1.3.0   25%   ✖ errors 1.8% > 1% for 3:12
//! after    rev 13  gateway:v1.2.9  all traffic, 10 pods ready, none to start
//! plan     1 abort rev 14: traffic to rev 13 at once
//! left     the template; stays Degraded on purpose. Argo CD syncs by itself …
//! others   Tab: restore rev 13 · copy the revert for Git
//! allowed  ✔ patch rollouts/status
//! reason   canary errors 1.8% > 1% for 3:12
//! ticket   owed (none yet)
//!                                     Esc cancel    [⏎ roll back]
//! ```

use ratatui::layout::Rect;
use unicode_segmentation::UnicodeSegmentation;

use super::super::edit::Edit;
use super::super::page::{Button, Focus, Page, Part, Row, Sign, Tone, drop_to, window};
use super::super::state::State;
use super::super::text;
use super::confirm::{self, Stop};
use super::{Dialog, gated, plans, policy};
use crate::config::Policy;
use crate::domain::action::{Plan, Ticket};

/// Cells of a dialog at most: longer lines are hard to read.
const WIDEST: u16 = 98;
/// Cells of the column of labels.
const LABELS: u16 = 9;
/// Rows that one sentence takes at most.
const MOST: usize = 3;
/// Rows that a field takes at most.
const FIELD: usize = 4;

/// Rows, and where they are in the area below the header.
pub(in crate::app) fn page(state: &State, dialog: &Dialog, body: Rect) -> Page {
    let width = WIDEST.min(body.width);
    let labels = if width < 60 { LABELS - 1 } else { LABELS };
    let room = width.saturating_sub(4 + labels);
    let stop = confirm::stop(state, dialog);
    let mut head = head(state, dialog, room);
    let mut foot = foot(state, dialog, room);
    let buttons = buttons(state, dialog, stop.as_ref(), width.saturating_sub(4));
    let taken: u16 = buttons.iter().map(|(_, cells, _)| cells + 3).sum();
    foot.extend(last(stop.as_ref(), (width.saturating_sub(4), taken), labels));
    let height = usize::from(body.height.saturating_sub(2));
    let hidden = fit(&mut head, &mut foot, height, dialog.scroll);
    let mut rows = head;
    rows.append(&mut foot);
    let (window, inside) = window(body, width, rows.len());
    let line = inside.y + u16::try_from(rows.len().saturating_sub(1)).unwrap_or_default().min(inside.height.saturating_sub(1));
    let buttons = place(buttons, Rect { y: line, height: 1.min(inside.height), ..inside }, dialog, stop.as_ref());
    Page { window, inside, labels, rows, hidden, buttons }
}

/// Makes rows fit: what matters least goes, or when somebody scrolls, all of the upper part passes by. Gives how many have no room.
fn fit(head: &mut Vec<Row>, foot: &mut Vec<Row>, height: usize, scroll: usize) -> usize {
    if head.len() + foot.len() <= height {
        return 0;
    }
    if scroll == 0 {
        let split = head.len();
        let mut all: Vec<Row> = head.drain(..).chain(foot.drain(..)).collect();
        // Of equal weight the upper rows stay longer, so the border between both is where the weightless fields begin.
        let gone = drop_to(&mut all, height);
        let border = all.iter().position(|row| matches!(row.part, Part::Field(_) | Part::Buttons)).unwrap_or(split.min(all.len()));
        *foot = all.split_off(border);
        *head = all;
        return gone;
    }
    head.retain(|row| !row.words.is_empty() || row.part == Part::Now);
    drop_to(foot, 3.max(height / 3));
    let room = height.saturating_sub(foot.len()).max(1);
    let hidden = head.len().saturating_sub(room);
    let offset = (scroll - 1).min(hidden);
    head.drain(..offset);
    head.truncate(room);
    hidden
}

/// What will happen.
fn head(state: &State, dialog: &Dialog, room: u16) -> Vec<Row> {
    let mut rows = vec![Row { part: Part::Now, ..Row::words("now", "").weighing(4) }];
    match dialog.plan() {
        Some(plan) => of_plan(dialog, plan, room, &mut rows),
        None => {
            for (place, plan) in dialog.plans.iter().enumerate() {
                let label = if place == 0 { "choose" } else { "" };
                let row = Row::words(label, format!("{} {}", place + 1, plans::name(plan)));
                rows.extend(row.weighing(u8::from(place > 0)).wrapped(room, 2));
            }
        }
    }
    rows.extend(gated::rows(state, dialog, room));
    if let Some(note) = &dialog.note {
        rows.extend(Row::words("", note.clone()).signed(Sign::Warning).weighing(2).wrapped(room, 2));
    }
    rows.extend(allowed(dialog, room));
    if let Some(refusal) = &dialog.refusal {
        let label = if dialog.unrecorded { "record" } else { "refused" };
        rows.extend(Row::words(label, refusal.clone()).signed(Sign::Bad).wrapped(room, MOST));
    }
    rows
}

fn of_plan(dialog: &Dialog, plan: &Plan, room: u16, rows: &mut Vec<Row>) {
    if !plan.after.is_empty() {
        rows.extend(Row::words("after", plan.after.to_string()).weighing(4).wrapped(room, 2));
    }
    for (place, words) in plan.lines().enumerate() {
        let row = Row::words(if place == 0 { "plan" } else { "" }, format!("{} {words}", place + 1)).meant(Tone::Strong);
        rows.extend(row.weighing(u8::from(place > 0)).wrapped(room, 2));
    }
    if let Some(draft) = &plan.draft {
        for (place, line) in draft.lines().filter(|line| !line.is_empty()).enumerate() {
            let label = if place == 0 { "text" } else { "" };
            rows.extend(Row::words(label, line).weighing(u8::from(place > 0)).wrapped(room, 2));
        }
        rows.push(Row::words("", "y copies it").meant(Tone::Dim).weighing(6));
    }
    if let Some(left) = &plan.left {
        rows.extend(Row::words("left", left.to_string()).weighing(3).wrapped(room, MOST));
    }
    if dialog.plans.len() > 1 {
        let others = dialog.plans.iter().filter(|other| *other != plan).map(plans::name);
        let words = format!("Tab: {}", others.collect::<Vec<_>>().join(" · "));
        rows.extend(Row::words("others", words).meant(Tone::Dim).weighing(5).wrapped(room, 2));
    }
}

/// Whether it may be done, may be recorded, and is done where one thinks.
fn allowed(dialog: &Dialog, room: u16) -> Vec<Row> {
    let mut rows = Vec::new();
    let needs = dialog.plan().map(|plan| dialog.needs(plan)).unwrap_or_default();
    let all = needs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let Some(review) = &dialog.review else {
        if !all.is_empty() {
            rows.push(Row::words("allowed", format!("being checked: {all}")).signed(Sign::Running).meant(Tone::Dim).weighing(5));
        }
        return rows;
    };
    if let Some(what) = confirm::other_cluster(review) {
        rows.extend(Row::words("cluster", what).signed(Sign::Bad).weighing(1).wrapped(room, MOST));
    }
    if let Some(why) = confirm::unrecordable(review) {
        let back = if dialog.verb.is_back() { " Going back asks once whether to do without." } else { "" };
        rows.extend(Row::words("record", format!("{why}{back}")).signed(Sign::Bad).weighing(1).wrapped(room, MOST));
    }
    let place = &dialog.key().namespace;
    for access in &needs {
        let answer = review.answer(access);
        let (sign, words) = match answer {
            Some(Ok(false)) => (Sign::Bad, format!("{} may not {access} in {place}", confirm::user(review))),
            Some(Err(why)) => (Sign::Unknown, format!("{access}: not known: {why}")),
            Some(Ok(true)) | None => continue,
        };
        rows.extend(Row::words("allowed", words).signed(sign).weighing(1).wrapped(room, 2));
    }
    let known = needs.iter().all(|access| review.answer(access).is_some());
    if rows.is_empty() && !needs.is_empty() {
        let row = Row::words("allowed", all);
        let row = if known { row.signed(Sign::Good) } else { row.signed(Sign::Running) };
        rows.push(row.meant(Tone::Dim).weighing(5));
    }
    rows
}

/// What is typed.
fn foot(state: &State, dialog: &Dialog, room: u16) -> Vec<Row> {
    let Some(environment) = state.environment_named(dialog.environment) else { return Vec::new() };
    let policy = policy(environment);
    let mut rows = Vec::new();
    for focus in dialog.focuses(policy) {
        let (label, edit, hint, weight) = match focus {
            Focus::Image => ("image", &dialog.image, "container=image".to_owned(), 0),
            Focus::Reason => ("reason", &dialog.reason, reason_hint(dialog), 1),
            Focus::Ticket => ("ticket", &dialog.ticket, ticket_hint(dialog, policy), 3),
            Focus::Name => ("name", &dialog.name, format!("type {} to confirm", dialog.key().name), 1),
            Focus::Cancel | Focus::Confirm => continue,
        };
        let mut field = field(edit, focus, dialog.focus == focus, room, weight);
        if let Some(first) = field.first_mut() {
            first.label = label;
            if edit.is_blank() {
                first.words = if first.cursor.is_some() { String::new() } else { hint };
                first.tone = Tone::Dim;
            }
        }
        rows.append(&mut field);
    }
    if dialog.focus == Focus::Reason && !policy.presets.is_empty() {
        let words = policy.presets.iter().take(9).zip(1..).map(|(preset, number)| format!("Alt-{number} {preset}"));
        rows.push(Row::words("", words.collect::<Vec<_>>().join(" · ")).meant(Tone::Dim).weighing(6));
    }
    if !rows.is_empty() {
        rows.insert(0, Row::empty());
    }
    rows.push(Row::empty());
    rows
}

fn reason_hint(dialog: &Dialog) -> String {
    if dialog.verb.is_back() { dialog.evidence.clone() } else { "why, in your words".to_owned() }
}

fn ticket_hint(dialog: &Dialog, policy: &Policy) -> String {
    match confirm::ticket(dialog, policy) {
        Ok(Ticket::Owed) => "owed (none yet)".to_owned(),
        Ok(Ticket::None | Ticket::Given(_)) => "none".to_owned(),
        Err(what) => what,
    }
}

/// The rows of a field around its cursor. The row that is typed in stays, whatever the room.
pub(in crate::app) fn field(edit: &Edit, focus: Focus, focused: bool, room: u16, weight: u8) -> Vec<Row> {
    let lines = visual(edit.text(), room);
    let at = lines.iter().rposition(|(start, _)| *start <= edit.cursor()).unwrap_or_default();
    let most = if focused { FIELD } else { 2 };
    let first = if focused { at.saturating_sub(most - 1) } else { 0 };
    let shown = lines.into_iter().enumerate().skip(first).take(most);
    shown
        .map(|(place, (start, words))| {
            let here = focused && place == at;
            let before = edit.cursor().saturating_sub(start);
            let cursor = here.then(|| text::width(words.get(..before).unwrap_or(words)));
            let weight = if here { 0 } else { weight.saturating_add(u8::from(place > first) * 2) };
            Row { part: Part::Field(focus), cursor, ..Row::words("", words).weighing(weight) }
        })
        .collect()
}

/// A text in the lines in which it is shown, each with the byte at which it begins; a cell is left for the cursor. Never empty.
fn visual(whole: &str, room: u16) -> Vec<(usize, &str)> {
    let room = room.saturating_sub(1).max(1);
    let mut lines = Vec::new();
    let mut start = 0;
    for line in whole.split('\n') {
        let (mut rest, mut at) = (line, start);
        loop {
            let mut head = text::front(rest, room);
            if head.is_empty() {
                // A letter that is wider than the room.
                head = rest.graphemes(true).next().unwrap_or_default();
            }
            let broken = head.rfind(' ').map(|space| space + 1).filter(|_| head.len() < rest.len());
            let head = broken.and_then(|end| rest.get(..end)).unwrap_or(head);
            lines.push((at, head));
            at += head.len();
            rest = rest.get(head.len()..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
        }
        start += line.len() + 1;
    }
    lines
}

/// The buttons' row, with what keeps the dialog from being confirmed before it, or above it where there is no room.
fn last(stop: Option<&Stop>, (width, taken): (u16, u16), labels: u16) -> Vec<Row> {
    let buttons = Row { part: Part::Buttons, ..Row::words("", "") };
    let Some(stop) = stop else { return vec![buttons] };
    let sign = match stop {
        Stop::Waits(_) => Sign::Running,
        Stop::Missing(..) => Sign::Queued,
        Stop::Choose | Stop::Moved(_) => Sign::Warning,
        Stop::Unasked(_) => Sign::Unknown,
        Stop::Forbidden(_) | Stop::Gone | Stop::NoPlan(_) | Stop::Gated(_) | Stop::Refused(_) => Sign::Bad,
    };
    let words = Row { sign: Some(sign), ..Row::words("", stop.words()).meant(Tone::Strong) };
    if text::width(&words.words) + 2 + taken <= width {
        return vec![Row { part: Part::Buttons, ..words }];
    }
    let mut rows = words.wrapped(width.saturating_sub(labels), 2);
    rows.push(buttons);
    rows
}

type Laid = (Focus, u16, String);

/// Words of the buttons, and the cells of each.
fn buttons(state: &State, dialog: &Dialog, stop: Option<&Stop>, width: u16) -> Vec<Laid> {
    let words = match stop {
        Some(Stop::Moved(_)) => "look again".to_owned(),
        Some(Stop::Unasked(_)) => "ask again".to_owned(),
        _ if dialog.unrecorded => format!("{} without a record", dialog.verb.words()),
        _ if dialog.copies() => "copy the text".to_owned(),
        _ => dialog.plan().map_or_else(
            || dialog.verb.words().trim_end_matches(" of").to_owned(),
            |plan| gated::effect(&gated::gates(state, dialog), dialog, plan),
        ),
    };
    // "Esc cancel", three cells, and "[⏎ ", "]".
    let cancel = 10;
    let words = text::fit(&words, width.saturating_sub(cancel + 3 + 4)).into_owned();
    let cells = text::width(&words) + 4;
    vec![(Focus::Cancel, cancel, "cancel".to_owned()), (Focus::Confirm, cells, words)]
}

/// The buttons at the right end of their row.
fn place(buttons: Vec<Laid>, line: Rect, dialog: &Dialog, stop: Option<&Stop>) -> Vec<Button> {
    let alive = stop.is_none_or(Stop::has_way_on) && (dialog.plan().is_some() || stop.is_some());
    let mut right = line.right();
    let mut placed = Vec::with_capacity(buttons.len());
    for (focus, cells, words) in buttons.into_iter().rev() {
        let x = right.saturating_sub(cells).max(line.x);
        let area = Rect { x, width: right - x, ..line };
        let (key, alive) = if focus == Focus::Confirm { ("⏎", alive) } else { ("Esc", true) };
        placed.push(Button { focus, key, words, area, alive });
        right = x.saturating_sub(3).max(line.x);
    }
    placed.reverse();
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_shown_in_whole_words_around_its_cursor() {
        let edit = Edit::lines("errors rose\nafter the cut\n3\n4\n5");
        let words = |focused| {
            let rows = field(&edit, Focus::Reason, focused, 12, 1);
            rows.into_iter().map(|row| (row.words, row.cursor, row.weight)).collect::<Vec<_>>()
        };
        let row = |words: &str, cursor, weight| (words.to_owned(), cursor, weight);
        assert_eq!(words(true), [row("cut", None, 1), row("3", None, 3), row("4", None, 3), row("5", Some(1), 0)]);
        assert_eq!(words(false), [row("errors rose", None, 1), row("after the ", None, 3)]);
        assert_eq!(visual("", 5), [(0, "")]);
        assert_eq!(visual("港港", 2), [(0, "港"), (3, "港")]);
    }

    #[test]
    fn where_there_is_no_room_the_upper_part_can_be_scrolled() {
        let row = |words: &str, weight| Row::words("", words).weighing(weight);
        let field = Row { part: Part::Field(Focus::Reason), ..row("reason", 0) };
        let buttons = Row { part: Part::Buttons, ..row("", 0) };
        let shown = |scroll| {
            let mut head = vec![row("now", 4), row("plan 1", 0), row("plan 2", 1), row("left", 3)];
            let mut foot = vec![field.clone(), buttons.clone()];
            let hidden = fit(&mut head, &mut foot, 4, scroll);
            (hidden, head.into_iter().map(|row| row.words).collect::<Vec<_>>(), foot.len())
        };
        assert_eq!(shown(0), (2, vec!["plan 1".to_owned(), "plan 2".to_owned()], 2));
        assert_eq!(shown(1), (2, vec!["now".to_owned(), "plan 1".to_owned()], 2));
        assert_eq!(shown(9), (2, vec!["plan 2".to_owned(), "left".to_owned()], 2));
    }
}
