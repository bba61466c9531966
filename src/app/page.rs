//! Rows of a window, in words and meanings: what they say, which of them go first where there is no room, and where the mouse can
//! press. How a meaning looks is for whoever draws it.

use ratatui::layout::{Position, Rect};

use super::text;

/// What a mark before words means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Done.
    Good,
    /// Under way.
    Running,
    /// On watch.
    Waiting,
    /// Needs an eye.
    Warning,
    /// Wrong.
    Bad,
    /// Nobody knows.
    Unknown,
    /// Not begun.
    Queued,
}

/// How words are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// To be read.
    #[default]
    Plain,
    /// To be read first.
    Strong,
    /// To be read last.
    Dim,
    /// As bad as their mark.
    Loud,
}

/// What the mouse can press in a window, and what has the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// The image to release.
    Image,
    /// The reason.
    Reason,
    /// The ticket.
    Ticket,
    /// The name that confirms.
    Name,
    /// The button that goes back to the screen.
    Cancel,
    /// The button that acts.
    Confirm,
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Words.
    Words,
    /// The release as it is now: drawn from the release itself.
    Now,
    /// A line of a field that can be typed into.
    Field(Focus),
    /// The buttons.
    Buttons,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub part: Part,
    /// Its name, in a column of its own.
    pub label: &'static str,
    /// Free cells before the words.
    pub indent: u16,
    /// The mark before the words.
    pub sign: Option<Sign>,
    /// The mark of the row that it goes on from.
    pub after: Option<Sign>,
    /// The words, cut to the room.
    pub words: String,
    /// How they are meant.
    pub tone: Tone,
    /// What stands at the right end.
    pub right: String,
    /// Where the cursor is, in cells from the words' begin; only in the field that has the keys.
    pub cursor: Option<u16>,
    /// How soon it goes where there is no room; 0 stays.
    pub weight: u8,
}

impl Row {
    /// Words.
    pub fn words(label: &'static str, words: impl Into<String>) -> Self {
        Self {
            part: Part::Words,
            label,
            indent: 0,
            sign: None,
            after: None,
            words: words.into(),
            tone: Tone::Plain,
            right: String::new(),
            cursor: None,
            weight: 0,
        }
    }

    /// Nothing: room to breathe.
    pub fn empty() -> Self {
        Self { weight: 9, ..Self::words("", "") }
    }

    /// With a mark.
    #[must_use]
    pub fn signed(self, sign: Sign) -> Self {
        let tone = if matches!(sign, Sign::Bad | Sign::Warning) { Tone::Loud } else { self.tone };
        Self { sign: Some(sign), tone, ..self }
    }

    /// Meant like this.
    #[must_use]
    pub fn meant(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// Going so soon.
    #[must_use]
    pub fn weighing(self, weight: u8) -> Self {
        Self { weight, ..self }
    }

    /// The same in as many rows as it takes, at most so many: label and mark stand before the first only.
    pub fn wrapped(self, room: u16, most: usize) -> Vec<Self> {
        let before = self.indent + if self.sign.is_some() { 2 } else { 0 };
        let lines = text::wrap(&self.words, room.saturating_sub(before), most.max(1));
        let mut rows: Vec<Self> = Vec::with_capacity(lines.len());
        for line in lines {
            rows.push(match rows.first() {
                None => Self { words: line.into_owned(), ..self.clone() },
                Some(_) => Self {
                    label: "",
                    sign: None,
                    after: self.sign,
                    indent: before,
                    words: line.into_owned(),
                    right: String::new(),
                    weight: self.weight.saturating_add(1),
                    ..self.clone()
                },
            });
        }
        if rows.is_empty() { vec![self] } else { rows }
    }
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// Which one.
    pub focus: Focus,
    /// Its key as the screen shows it.
    pub key: &'static str,
    /// What it does.
    pub words: String,
    /// Its cells.
    pub area: Rect,
    /// Whether pressing it does something.
    pub alive: bool,
}

/// What a window shows, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The window, with its border.
    pub window: Rect,
    /// Where the rows are.
    pub inside: Rect,
    /// Cells of the column of labels.
    pub labels: u16,
    /// The rows that are shown.
    pub rows: Vec<Row>,
    /// Rows that have no room.
    pub hidden: usize,
    /// The buttons, in the last row.
    pub buttons: Vec<Button>,
}

impl Page {
    /// What is at a place.
    pub fn at(&self, at: Position) -> Option<Focus> {
        if let Some(button) = self.buttons.iter().find(|button| button.area.contains(at)) {
            return Some(button.focus);
        }
        let row = self.rows.get(usize::from(at.y.checked_sub(self.inside.y)?)).filter(|_| self.inside.contains(at))?;
        match row.part {
            Part::Field(focus) => Some(focus),
            Part::Words | Part::Now | Part::Buttons => None,
        }
    }
}

/// A window of so many cells in the middle of an area, and what is inside of its border.
pub fn window(area: Rect, width: u16, rows: usize) -> (Rect, Rect) {
    let height = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
    let width = width.min(area.width);
    let window = Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height);
    let inside = Rect::new(window.x + 2.min(width), window.y + 1.min(height), width.saturating_sub(4), height.saturating_sub(2));
    (window, inside)
}

/// Drops rows until they fit, the weightless ones never; gives how many went.
pub fn drop_to(rows: &mut Vec<Row>, height: usize) -> usize {
    let before = rows.len();
    while rows.len() > height {
        let most = rows.iter().map(|row| row.weight).max().unwrap_or_default();
        let Some(place) = rows.iter().rposition(|row| row.weight == most && most > 0) else { break };
        rows.remove(place);
    }
    before - rows.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_take_rows_and_the_first_stays_longest() {
        let row = Row::words("plan", "1 abort the canary: traffic to rev 13 at once").signed(Sign::Bad).weighing(0);
        let rows = row.wrapped(20, 3);
        let words: Vec<_> = rows.iter().map(|row| (row.label, row.indent, row.weight, row.words.as_str())).collect();
        assert_eq!(words, [("plan", 0, 0, "1 abort the"), ("", 2, 1, "canary: traffic to"), ("", 2, 1, "rev 13 at once")]);
        assert_eq!(Row::words("", "").wrapped(20, 3).len(), 1);
    }

    #[test]
    fn what_weighs_most_goes_first_and_what_weighs_nothing_stays() {
        let row = |words: &str, weight| Row::words("", words).weighing(weight);
        let all = || vec![row("now", 3), row("plan", 0), row("left", 2), row("gap", 9), row("button", 0)];
        let left = |height| {
            let mut rows = all();
            let gone = drop_to(&mut rows, height);
            (gone, rows.into_iter().map(|row| row.words).collect::<Vec<_>>())
        };
        assert_eq!(left(4), (1, ["now", "plan", "left", "button"].map(str::to_owned).to_vec()));
        assert_eq!(left(3).1, ["plan", "left", "button"]);
        assert_eq!(left(0), (3, ["plan", "button"].map(str::to_owned).to_vec()));
    }
}
