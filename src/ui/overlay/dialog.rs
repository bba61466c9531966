//! A dialog: what is, what will be, what has to be said, and the two buttons.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::super::glyph::Mark;
use super::super::pen::{Pen, row};
use super::super::phrase;
use super::super::pieces::Pieces;
use super::super::shift;
use super::super::text;
use super::super::theme::{Role, Theme};
use super::page;
use crate::app::acting::{Found, capital, words};
use crate::app::page::{Button, Focus, Page, Part, Row};
use crate::app::{Dialog, State};
use crate::domain::action::gates::evidence;
use crate::domain::id::{EnvironmentId, Key};
use crate::domain::release::{Tag, Way};

/// Draws the window.
pub fn draw(state: &State, theme: &Theme, dialog: &Dialog, shown: &Page, buffer: &mut Buffer) {
    let title = words(dialog.verb, &dialog.key().name);
    let title = if dialog.overrides.is_some() { format!("override gates: {title}") } else { title };
    page::frame(state, theme, (&capital(&title), dialog.environment), shown, buffer);
    for (words, place) in shown.rows.iter().zip(0..) {
        match words.part {
            Part::Now => now((state, theme), (dialog.key(), dialog.environment), shown, (words, place), buffer),
            Part::Field(focus) => field(state, theme, shown, (words, place, dialog.focus == focus), buffer),
            Part::Words => page::draw_row(state, theme, shown, (words, place), buffer),
            Part::Buttons => page::draw_row(state, theme, &Page { labels: 0, ..shown.clone() }, (words, place), buffer),
        }
    }
    for button in &shown.buttons {
        draw_button(theme, button, dialog.focus == button.focus, buffer);
    }
}

/// The release as it is at this moment, whatever was seen when the dialog opened.
pub(super) fn now(
    (state, theme): (&State, &Theme),
    (key, environment): (&Key, EnvironmentId),
    shown: &Page,
    (words, place): (&Row, u16),
    buffer: &mut Buffer,
) {
    let line = row(shown.inside, place);
    Pen::new(buffer, line).column(words.label, shown.labels, theme.style(Role::Dim));
    let mut pen = Pen::new(buffer, shift(line, shown.labels));
    let environment = state.environment_named(environment);
    let Some(found) = environment.and_then(|environment| environment.found(key, state.now)) else {
        pen.put("it is gone from the cluster", theme.style(Role::Bad));
        return;
    };
    let at = environment.map_or(state.now, |environment| environment.cluster_time(state.now));
    let line = standing(theme, state, &found, at).within(pen.room());
    line.draw(&mut pen);
}

/// `rev 14  gateway:v1.3.0   25%   ✖ canary errors 1.8% > 1% for 3:12`.
fn standing<'a>(theme: &Theme, state: &State, found: &Found<'_>, at: jiff::Timestamp) -> Pieces<'a> {
    let release = &found.release;
    let mut line = Pieces::new();
    if let Some(revision) = release.revision {
        line.push(0, format!("rev {revision}"), theme.style(Role::Text));
    }
    let newest = |tags: &[Tag]| {
        let mut tags = tags.iter();
        if release.promoted {
            tags.any(|tag| matches!(tag, Tag::Stable | Tag::Active))
        } else {
            tags.any(|tag| matches!(tag, Tag::Canary | Tag::Preview))
        }
    };
    let images = release.images.iter().filter(|image| newest(&image.tags)).map(|image| text::image(&image.image));
    let images = images.collect::<Vec<_>>().join(" ");
    let colour = if release.promoted { Role::Stable } else { Role::Canary };
    line = if images.is_empty() { line } else { line.after(2, 2, images, theme.style(colour)) };
    if let (Some(weight), Way::Canary | Way::Unknown) = (release.shown_weight, release.way) {
        line = line.after(2, 1, format!("{weight}%"), theme.style(Role::Strong));
    }
    let next = phrase::next(release, at);
    // What is broken is read first, as the numbers say it.
    let (mark, said) = match evidence(&found.gates().judgements) {
        Some(broken) => (Mark::Bad, broken.into()),
        None => (next.mark, release.why.as_deref().map_or(next.words, |why| why.to_owned().into())),
    };
    line.after(2, 0, theme.glyph(mark, state.now), theme.mark(mark)).after(1, 0, said, theme.style(Role::Strong))
}

/// What is typed, on a ground of its own while it has the keys.
pub(super) fn field(state: &State, theme: &Theme, shown: &Page, (words, place, focused): (&Row, u16, bool), buffer: &mut Buffer) {
    let line = row(shown.inside, place);
    let ground = shift(line, shown.labels);
    if focused {
        buffer.set_style(ground.intersection(buffer.area), theme.style(Role::Selection));
    }
    page::draw_row(state, theme, shown, (words, place), buffer);
    if focused {
        let label = Rect { width: shown.labels.min(line.width), ..line };
        Pen::new(buffer, label).put(words.label, theme.style(Role::Accent));
    }
    if let Some(cursor) = words.cursor {
        page::cursor(theme, buffer, shift(ground, cursor.min(ground.width.saturating_sub(1))));
    }
}

/// `[⏎ roll back]`, reversed while it has the keys; `Esc cancel`.
pub(super) fn draw_button(theme: &Theme, button: &Button, focused: bool, buffer: &mut Buffer) {
    let mut pen = Pen::new(buffer, button.area);
    let key = theme.style(Role::Accent);
    if button.focus == Focus::Confirm {
        let style = match (button.alive, focused) {
            (true, true) => theme.bold(Role::Accent).add_modifier(Modifier::REVERSED),
            (true, false) => theme.bold(Role::Accent),
            (false, true) => theme.style(Role::Dim).add_modifier(Modifier::REVERSED),
            (false, false) => theme.style(Role::Dim),
        };
        pen.put("[", style).put(button.key, style).put(" ", style).put(&button.words, style).put("]", style);
        return;
    }
    let words = theme.style(if focused { Role::Strong } else { Role::Dim });
    pen.put(button.key, key).skip(1).put(&button.words, if focused { words.add_modifier(Modifier::REVERSED) } else { words });
}
