//! The ledger: who did what, why, and what came of it, newest first; above it what is owed.
//!
//! ```text
//! ╭ Ledger ───────────────────────────────────────────────────────────────── 1 owed · 128 ╮
//! │ ▲ ticket owed: roll back gateway by dana  3m ago        :ticket INC-123 settles it    │
//! │   time      who    environment  release   verb         outcome   reason               │
//! │ ▸ 14:03:22  dana   prod         gateway   ✔ roll back  observed  errors 1.8% > 1%     │
//! ╰───────────────────────────────────────────────────────────────────────────────────────╯
//! ```

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph::Mark;
use super::super::pen::{Pen, row, rows};
use super::super::pieces::Pieces;
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::frame::Frame;
use super::focused;
use super::says::{Saying, say};
use crate::app::{Layout, Overlay, Pane, State};
use crate::domain::ledger::{Ending, LedgerAct, OwedLine, TICKET};
use crate::input::Command;

/// A column, from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Time,
    Who,
    Environment,
    Release,
    Verb,
    Outcome,
    Reason,
}

/// In the order in which they come in as the room grows: column, least cells.
const BY_WEIGHT: [(Column, u16); 7] = [
    (Column::Time, 8),
    (Column::Verb, 11),
    (Column::Release, 8),
    (Column::Reason, 14),
    (Column::Who, 6),
    (Column::Outcome, 12),
    (Column::Environment, 10),
];
/// Where room that is left goes: column, most cells; one after the other.
const GROWING: [(Column, u16); 9] = [
    (Column::Release, 14),
    (Column::Verb, 14),
    (Column::Who, 10),
    (Column::Environment, 14),
    (Column::Reason, 40),
    (Column::Release, 24),
    (Column::Verb, 23),
    (Column::Environment, 20),
    (Column::Reason, u16::MAX),
];
/// Cells between columns.
const GAP: u16 = 2;
/// Cells of a time with its date.
const DATED: u16 = 11;

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Who => "who",
            Self::Environment => "environment",
            Self::Release => "release",
            Self::Verb => "  verb",
            Self::Outcome => "outcome",
            Self::Reason => "reason",
        }
    }
}

/// The mark of what came of an act.
pub fn mark(ending: Option<Ending>) -> Mark {
    match ending {
        Some(Ending::Observed) => Mark::Good,
        Some(Ending::Accepted) => Mark::Warning,
        Some(Ending::Refused) => Mark::Skipped,
        Some(Ending::Failed) => Mark::Bad,
        Some(Ending::Undetermined) => Mark::Unknown,
        None => Mark::Waiting,
    }
}

/// What came of an act, in a word.
pub fn word(act: &LedgerAct) -> &'static str {
    act.outcome.as_ref().map_or("under way", |outcome| outcome.ending.word())
}

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, layout: &Layout, buffer: &mut Buffer) {
    let (Some(area), Some(list)) = (layout.pane(Pane::Ledger), layout.rows) else { return };
    frame(state, theme, list.height).draw(theme, buffer, area);
    if let Some(lines) = layout.owed {
        owed(state, theme, padded(lines), buffer);
    }
    if let Some(line) = layout.filter {
        filter(state, theme, padded(line), buffer);
    }
    if state.ledger.count() == 0 {
        let above = Rect { y: list.y.saturating_sub(1), height: list.height + 1, ..list };
        return say(state, theme, &saying(state), above, buffer);
    }
    let today = state.now.strftime("%F").to_string();
    let dated = state.ledger.window(usize::from(list.height)).any(|act| act.at.strftime("%F").to_string() != today);
    let columns = columns(list.width.saturating_sub(4), dated);
    let titles = Rect { y: list.y.saturating_sub(1), height: 1, ..list };
    let mut pen = Pen::new(buffer, Rect { x: titles.x + 3, width: titles.width.saturating_sub(4), ..titles });
    for (column, cells) in &columns {
        pen.column(column.title(), *cells, theme.style(Role::Dim)).skip(GAP);
    }
    let selected = state.ledger.selected().map(|act| &*act.act);
    for (act, line) in state.ledger.window(usize::from(list.height)).zip(rows(list)) {
        let inside = Rect { x: line.x + 3, width: line.width.saturating_sub(4), ..line };
        let here = selected == Some(&*act.act);
        let pen = &mut Pen::new(buffer, inside);
        for (column, cells) in &columns {
            pen.within(*cells, |pen| cell(theme, act, *column, (here, dated), pen)).skip(GAP);
        }
        if here {
            theme.select(buffer, line.intersection(buffer.area));
            let role = if focused(state, Pane::Ledger) { Role::Accent } else { Role::Dim };
            Pen::new(buffer, Rect { x: line.x + 1, width: 1, ..line }).put("▸", theme.style(role));
        }
    }
}

fn padded(area: Rect) -> Rect {
    Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }
}

fn frame<'a>(state: &State, theme: &Theme, height: u16) -> Frame<'a> {
    let (ledger, dim) = (&state.ledger, theme.style(Role::Dim));
    let mut frame = Frame::titled(theme, "Ledger", focused(state, Pane::Ledger));
    frame.title.push(1, "all environments", dim);
    frame.right = Pieces::separated(" · ", theme.style(Role::Border));
    let owed = ledger.view().owed.len();
    if owed > 0 {
        frame.right.push(0, format!("{owed} owed"), theme.bold(Role::Warn));
    }
    let (count, all) = (ledger.count(), ledger.view().acts.len());
    if all > 0 {
        let words = match super::super::place_words(ledger.top(), count, height) {
            _ if count < all => format!("{count} of {all}"),
            Some(place) => place,
            None => all.to_string(),
        };
        frame.right.push(1, words, dim);
    }
    if let Some(problem) = ledger.view().problem.as_ref().filter(|_| count > 0) {
        frame.remark.push(0, format!("▲ {problem}"), theme.mark(Mark::Warning));
    }
    frame
}

/// The columns for so many cells.
fn columns(room: u16, dated: bool) -> Vec<(Column, u16)> {
    let width = |columns: &[(Column, u16)]| {
        let cells = columns.iter().map(|(_, cells)| cells.saturating_add(GAP)).fold(0, u16::saturating_add);
        cells.saturating_sub(GAP)
    };
    let mut chosen: Vec<(Column, u16)> = Vec::with_capacity(BY_WEIGHT.len());
    for (column, least) in BY_WEIGHT {
        chosen.push((column, if dated && column == Column::Time { DATED } else { least }));
        if width(&chosen) > room {
            chosen.pop();
            break;
        }
    }
    for (column, most) in GROWING {
        let left = room.saturating_sub(width(&chosen));
        if let Some((_, cells)) = chosen.iter_mut().find(|(known, _)| *known == column) {
            *cells += most.saturating_sub(*cells).min(left);
        }
    }
    chosen.sort_unstable();
    chosen
}

fn cell(theme: &Theme, act: &LedgerAct, column: Column, (selected, dated): (bool, bool), pen: &mut Pen<'_>) {
    let (plain, dim) = (theme.style(Role::Text), theme.style(Role::Dim));
    let room = pen.room();
    let ending = act.outcome.as_ref().map(|outcome| outcome.ending);
    match column {
        Column::Time => pen.put(&time(act.at, dated), dim),
        Column::Who => pen.put(&text::fit_name(&act.operator.local, room), plain),
        Column::Environment => pen.put(&text::fit_name(&act.environment, room), dim),
        Column::Release => {
            let style = if selected { theme.style(Role::Strong) } else { plain };
            pen.put(&text::fit_name(&act.object.name, room), style)
        }
        Column::Verb => {
            let mark = mark(ending);
            let words = act.words();
            let words = words.strip_suffix(" of").unwrap_or(words);
            pen.put(mark.glyph(), theme.mark(mark)).skip(1).put(words, plain)
        }
        Column::Outcome => {
            let style = if ending == Some(Ending::Observed) { dim } else { theme.mark(mark(ending)) };
            pen.put(word(act), style)
        }
        Column::Reason => {
            // That somebody went on in spite of a gate is read first.
            let pen = match act.overrides() {
                Some(names) => pen.put(&format!("overrode {names}: "), theme.style(Role::Warn)),
                None => pen,
            };
            pen.put(&act.reason.lines().collect::<Vec<_>>().join(" "), plain)
        }
    };
}

fn time(at: Timestamp, dated: bool) -> String {
    if dated { at.strftime("%m-%d %H:%M").to_string() } else { text::time_of_day(at) }
}

/// What is owed, until it is settled, the newest first, as tickets are settled; more than there is room for is counted.
fn owed(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let lines = &state.ledger.view().owed;
    let room = usize::from(area.height);
    let shown = if lines.len() > room { room.saturating_sub(1) } else { lines.len() };
    let warn = theme.mark(Mark::Warning);
    for (place, (line, owed)) in rows(area).zip(lines.iter().rev().take(shown)).enumerate() {
        let mut words = Pieces::new().add(0, Mark::Warning.glyph(), warn);
        words = owed_words(state, theme, owed, words);
        let hint = if place == 0 && *owed.what == *TICKET { ":ticket INC-123 settles it" } else { "" };
        let mut pen = Pen::new(buffer, line);
        let hint = Pieces::new().add(0, hint, theme.style(Role::Dim));
        words.within(pen.room()).draw(&mut pen);
        if pen.room() > hint.width() + 2 {
            pen.skip(2);
            hint.draw_right(&mut pen);
        }
    }
    if shown < lines.len() {
        let place = u16::try_from(shown).unwrap_or(u16::MAX);
        let words = format!("{} {} more are owed", Mark::Warning.glyph(), lines.len() - shown);
        Pen::new(buffer, row(area, place)).put(&words, warn);
    }
}

fn owed_words<'a>(state: &State, theme: &Theme, owed: &OwedLine, words: Pieces<'a>) -> Pieces<'a> {
    let (plain, dim) = (theme.style(Role::Strong), theme.style(Role::Dim));
    let words = words.after(1, 0, format!("{} owed:", owed.what), plain);
    let act = owed.act.as_deref().and_then(|act| state.ledger.view().act(act));
    let words = match act {
        Some(act) => words
            .after(1, 0, format!("{} {}", act.words(), act.object.name), theme.style(Role::Text))
            .after(1, 2, format!("in {}", act.environment), dim)
            .after(1, 3, format!("by {}", act.operator.local), dim),
        None => words,
    };
    words.after(2, 1, format!("{} ago", text::ago(owed.since, state.now)), dim)
}

fn filter(state: &State, theme: &Theme, line: Rect, buffer: &mut Buffer) {
    let typing = state.overlay == Some(Overlay::Filter);
    let mark = if typing { Role::Accent } else { Role::Dim };
    let mut pen = Pen::new(buffer, line);
    pen.put("/", theme.style(mark)).skip(1).put(state.ledger.filter(), theme.style(Role::Strong));
    if typing {
        pen.put("▏", theme.style(Role::Accent));
    }
}

/// Loading, empty, filtered away and not readable are different things.
fn saying(state: &State) -> Saying {
    let key = |command: Command| state.keymap.label(command).map_or("", |label| &**label);
    let (ledger, view) = (&state.ledger, state.ledger.view());
    let say = |mark, title: &str, detail: &str, advice: Vec<String>| Saying {
        mark,
        title: title.to_owned(),
        detail: detail.to_owned(),
        advice,
    };
    if !ledger.is_read() {
        return say(Mark::Running, "Reading the ledger.", "", Vec::new());
    }
    if !view.acts.is_empty() {
        let title = format!("No act matches '{}'.", ledger.filter());
        let detail = format!("{} are hidden by it.", view.acts.len());
        return say(Mark::Queued, &title, &detail, vec![format!("{} clears the filter.", key(Command::Back))]);
    }
    if let Some(problem) = &view.problem {
        let advice = vec![
            "Until it can be written, nothing goes forward; going back asks first.".to_owned(),
            format!("{} reads it again, {} shows what the program noted.", key(Command::Ledger), key(Command::Log)),
        ];
        return say(Mark::Bad, "The ledger cannot be read.", problem, advice);
    }
    say(
        Mark::Queued,
        "Nothing has been done yet.",
        "Every promotion, hold, abort and way back will stand here: who, when, why, and what came of it.",
        vec![format!("{} leads to the rollouts, {} to every command.", key(Command::Rollouts), key(Command::Palette))],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_in_by_weight_and_never_exceed_the_room() {
        for room in 0..240 {
            for dated in [false, true] {
                let columns = columns(room, dated);
                let width = columns.iter().map(|(_, cells)| cells + GAP).sum::<u16>();
                assert!(width.saturating_sub(GAP) <= room, "{room}: {columns:?}");
            }
        }
        let names = |room| columns(room, false).iter().map(|(column, _)| *column).collect::<Vec<_>>();
        assert_eq!(names(34), [Column::Time, Column::Release, Column::Verb]);
        assert_eq!(columns(34, true).len(), 3);
        assert_eq!(names(120).len(), 7);
    }
}
