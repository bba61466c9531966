//! What is in the newest revision against stable: images, template, ConfigMaps and Secrets.
//!
//! ```text
//! ╭ What is in gateway · shop ─────────────────────────── rev 14 against rev 13 ╮
//! │ images                                                                      │
//! │   gateway   v1.2.9 → v1.3.0                                                 │
//! │                                                                             │
//! │ template  1 difference                                                      │
//! │   containers[gateway].env[LOG_LEVEL]   info → debug                         │
//! │                                                                             │
//! │ ConfigMaps and Secrets                                                      │
//! │ ▲ ConfigMap gateway   changed 3h ago, after stable: not rolled back         │
//! ╰─────────────────────────────────────────────────────────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph::Mark;
use super::super::pen::{Pen, rows};
use super::super::pieces::Pieces;
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::frame::Frame;
use super::super::{place_words, scrolled};
use super::columns::short_to;
use super::focused;
use super::says::{Saying, say};
use crate::app::contents::{Inspection, Line, lines, shown};
use crate::app::{Pane, Screen, State};
use crate::domain::contents::{Contents, Difference, Named, NamedBy, Side};
use crate::domain::id::Key;
use crate::input::Command;

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let Screen::Contents(key) = &state.screen else { return };
    let dim = theme.style(Role::Dim);
    let mut frame = Frame::titled(theme, format!("What is in {}", key.name), focused(state, Pane::Contents));
    frame.title.push(2, key.namespace.to_string(), dim);
    let asked = shown(state);
    let Some(Ok(found)) = asked.and_then(|asked| asked.found.as_ref()) else {
        let inside = frame.draw(theme, buffer, area);
        return say(state, theme, &saying(state, key, asked), inside, buffer);
    };
    let lines = lines(found, area.width.saturating_sub(4));
    let height = area.height.saturating_sub(2);
    let offset = scrolled(state.scroll.contents, lines.len(), height);
    frame.right = sides(theme, found);
    frame.remark = remark(state, theme, asked, place_words(offset, lines.len(), height));
    let inside = frame.draw(theme, buffer, area);
    let drawing = Drawing { state, theme, settled: found.is_settled(), widths: Widths::of(found, inside.width) };
    for (line, place) in lines.iter().skip(offset).zip(rows(inside)) {
        drawing.line(line, &mut Pen::new(buffer, place));
    }
}

/// `rev 14 against rev 13`, for the edge.
fn sides<'a>(theme: &Theme, found: &Contents) -> Pieces<'a> {
    let dim = theme.style(Role::Dim);
    let name = |side: &Side, other: &str| side.revision.map_or_else(|| other.to_owned(), |revision| format!("rev {revision}"));
    let newest = name(&found.newest, "the newest");
    match &found.stable {
        Some(_) if found.is_settled() => Pieces::new().add(0, newest, theme.style(Role::Stable)),
        Some(stable) => Pieces::new().add(0, newest, theme.style(Role::Canary)).after(1, 0, "against", dim).after(
            1,
            0,
            name(stable, "stable"),
            theme.style(Role::Stable),
        ),
        None => Pieces::new().add(0, newest, theme.style(Role::Canary)),
    }
}

fn remark<'a>(state: &State, theme: &Theme, asked: Option<&Inspection>, place: Option<String>) -> Pieces<'a> {
    let dim = theme.style(Role::Dim);
    let mut remark = Pieces::separated(" · ", theme.style(Role::Border));
    let Some(asked) = asked else { return remark };
    let key = state.keymap.label(Command::Contents).map_or("", |label| &**label);
    if asked.is_old(state) {
        let words = format!("{} another revision has begun since: {key} looks again", Mark::Warning.glyph());
        remark.push(0, words, theme.mark(Mark::Warning));
    } else {
        remark.push(1, format!("as of {}", text::time_of_day(asked.at)), dim);
    }
    remark.push(2, place.unwrap_or_default(), dim);
    remark
}

/// Waiting, refused and gone are different things.
fn saying(state: &State, key: &Key, asked: Option<&Inspection>) -> Saying {
    let label = |command: Command| state.keymap.label(command).map_or("", |label| &**label);
    match asked.and_then(|asked| asked.found.as_ref()) {
        Some(Err(why)) => Saying {
            mark: Mark::Bad,
            title: format!("What is in {} could not be read.", key.name),
            detail: why.clone(),
            advice: vec![format!("{} tries again, {} leads back.", label(Command::Contents), label(Command::Back))],
        },
        Some(Ok(_)) | None => Saying {
            mark: Mark::Running,
            title: format!("Looking what is in {}.", key.name),
            detail: "Templates of both revisions, and when what they name last changed.".to_owned(),
            advice: Vec::new(),
        },
    }
}

/// Cells of the columns.
struct Widths {
    container: u16,
    path: u16,
    old: u16,
    name: u16,
}

impl Widths {
    fn of(found: &Contents, room: u16) -> Self {
        let longest = |texts: &mut dyn Iterator<Item = u16>, most: u16| texts.max().unwrap_or(0).min(most);
        let old = |one: &Difference| one.old.as_deref().map_or(0, text::width);
        Self {
            container: longest(&mut found.images().iter().map(|(name, ..)| text::width(name)), room / 3),
            path: longest(&mut found.differences.iter().map(|one| text::width(&one.path)), room / 2),
            old: longest(&mut found.differences.iter().map(old), room / 5),
            name: longest(&mut found.references.iter().map(|one| text::width(&one.name) + 10), room / 2),
        }
    }
}

struct Drawing<'d> {
    state: &'d State,
    theme: &'d Theme,
    /// Whether both sides are one.
    settled: bool,
    widths: Widths,
}

impl Drawing<'_> {
    fn line(&self, line: &Line<'_>, pen: &mut Pen<'_>) {
        let (theme, dim) = (self.theme, self.theme.style(Role::Dim));
        match line {
            Line::Title(words, remark) => {
                pen.put(words, theme.bold(Role::Strong)).skip(2).put(remark, dim);
            }
            Line::Words(words) => {
                pen.skip(2).put(words, dim);
            }
            Line::Image(name, old, new) => {
                pen.skip(2).within(self.widths.container, |pen| {
                    pen.put(&text::fit_name(name, pen.room()), dim);
                });
                pen.skip(2);
                self.image(*old, *new, pen);
            }
            Line::Difference(one) => {
                pen.skip(2).within(self.widths.path, |pen| {
                    pen.put(&text::fit_name(&one.path, pen.room()), theme.style(Role::Text));
                });
                pen.skip(2);
                self.change(one, self.widths.old, pen);
            }
            Line::Path(path) => {
                pen.skip(2);
                let path = text::fit_name(path, pen.room());
                pen.put(&path, theme.style(Role::Text));
            }
            Line::Change(one) => {
                pen.skip(4);
                let half = pen.room() / 2;
                self.change(one, one.old.as_deref().map_or(0, text::width).min(half), pen);
            }
            Line::Named(named) => self.named(named, pen),
            Line::Refused(words) => {
                pen.put(Mark::Warning.glyph(), theme.mark(Mark::Warning)).skip(1).put(words, theme.style(Role::Text));
            }
            Line::Empty => {}
        }
    }

    fn image(&self, old: Option<&str>, new: Option<&str>, pen: &mut Pen<'_>) {
        let theme = self.theme;
        let (dim, stable, canary) = (theme.style(Role::Dim), theme.style(Role::Stable), theme.style(Role::Canary));
        let room = pen.room();
        let fit = |image: &str, room: u16| text::fit_name(&text::image(image), room).into_owned();
        match (old, new) {
            (Some(old), Some(new)) if old == new => {
                let remark = if self.settled { "" } else { "unchanged" };
                pen.put(&fit(new, room), theme.style(Role::Text)).skip(2).put(remark, dim);
            }
            (Some(old), Some(new)) => {
                let new = short_to(old, new);
                let kept = room.saturating_sub(text::width(&new) + 3).max(room / 2);
                pen.put(&fit(old, kept), stable).put(" → ", dim);
                let new = text::fit_name(&new, pen.room());
                pen.put(&new, canary);
            }
            (None, Some(new)) => {
                pen.put(&fit(new, room), canary);
            }
            (Some(old), None) => {
                pen.put(&fit(old, room), stable).skip(2).put("is gone", dim);
            }
            (None, None) => {}
        }
    }

    /// The old text in so many cells, an arrow, the new text. What only one side has says so with `–`.
    fn change(&self, one: &Difference, cells: u16, pen: &mut Pen<'_>) {
        let theme = self.theme;
        let dim = theme.style(Role::Dim);
        let (old, new) = (one.old.as_deref(), one.new.as_deref());
        match old {
            Some(old) => pen.column(&text::fit_name(old, cells), cells, theme.style(Role::Stable)),
            None => pen.column("–", cells.max(1), dim),
        };
        pen.put(" → ", dim);
        match new {
            Some(new) => pen.put(new, theme.style(Role::Canary)),
            None => pen.put("–", dim),
        };
        if old == new {
            pen.skip(2).put("another one, which is not shown", dim);
        }
    }

    fn named(&self, named: &Named, pen: &mut Pen<'_>) {
        let theme = self.theme;
        let (mark, style) = match (named.needs_an_eye(), named.missing) {
            (true, true) => (Mark::Bad.glyph(), theme.mark(Mark::Bad)),
            (true, false) => (Mark::Warning.glyph(), theme.mark(Mark::Warning)),
            (false, _) => ("·", theme.style(Role::Dim)),
        };
        pen.put(mark, style).skip(1);
        pen.within(self.widths.name, |pen| {
            pen.column(&named.kind.to_string(), 10, theme.style(Role::Dim));
            pen.put(&text::fit_name(&named.name, pen.room()), theme.style(Role::Text));
        });
        let role = if named.needs_an_eye() { Role::Strong } else { Role::Dim };
        pen.skip(2).put(&self.standing(named), theme.style(role));
    }

    fn standing(&self, named: &Named) -> String {
        let by = match named.by {
            NamedBy::Both => "",
            NamedBy::Newest => ", named by the newest only",
            NamedBy::Stable => ", named by stable only",
        };
        let ago = named.changed.map(|changed| text::ago(changed, self.state.cluster_time()));
        match ago {
            _ if named.missing && named.optional => format!("is not there, and need not be{by}"),
            _ if named.missing => format!("is not there: its pods cannot start{by}"),
            Some(ago) if named.after_stable => format!("changed {ago} ago, after stable: not rolled back{by}"),
            Some(ago) => format!("changed {ago} ago{by}"),
            None => format!("not looked at{by}"),
        }
    }
}
