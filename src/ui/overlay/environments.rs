//! The choice among environments: how dear each is, how fresh, and how many need somebody.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph::Mark;
use super::super::pen::{Pen, rows};
use super::super::phrase;
use super::super::pieces::Pieces;
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::frame::Frame;
use super::super::widget::{fresh, tier};
use crate::app::{Environment, State};
use crate::config::Namespaces;
use crate::domain::id::EnvironmentId;

/// Draws the window.
pub fn draw(state: &State, theme: &Theme, area: Rect, chosen: EnvironmentId, buffer: &mut Buffer) {
    let mut frame = Frame::titled(theme, "Environments", true);
    frame.right.push(0, state.environments.len().to_string(), theme.style(Role::Dim));
    let inside = frame.draw(theme, buffer, area);
    let list = Rect { y: inside.y + inside.height.min(1), height: inside.height.saturating_sub(2), ..inside };
    let names = state
        .environments
        .iter()
        .map(|environment| text::width(&tier::badge(&environment.settings.name, environment.settings.tier)));
    let names = names.max().unwrap_or(0).min(list.width / 2);
    let place = usize::from(chosen.0);
    let offset = (place + 1).saturating_sub(usize::from(list.height));
    for (environment, line) in state.environments.iter().skip(offset).zip(rows(list)) {
        let here = environment.id == chosen;
        draw_environment(
            state,
            theme,
            environment,
            names,
            &mut Pen::new(buffer, Rect { x: line.x + 2, width: line.width.saturating_sub(2), ..line }),
        );
        if here {
            Pen::new(buffer, line).put("▸", theme.style(Role::Accent));
        }
    }
}

fn draw_environment(state: &State, theme: &Theme, environment: &Environment, names: u16, pen: &mut Pen<'_>) {
    let (settings, dim) = (&environment.settings, theme.style(Role::Dim));
    let badge = tier::badge(&settings.name, settings.tier);
    pen.within(names, |pen| {
        pen.put(&badge, tier::style(theme, settings.tier));
    });
    pen.skip(2);
    let mut line = Pieces::new();
    let freshness = environment.freshness(state.now);
    let mark = fresh::mark(&freshness);
    line.push(0, theme.glyph(mark, state.now), theme.mark(mark));
    let words = fresh::words(&freshness);
    line = line.after(1, 0, words, if mark == Mark::Live { dim } else { theme.mark(mark) });
    let counts = environment.table.counts();
    if counts.need > 0 {
        line = line.after(2, 0, phrase::need(counts.need), theme.style(Role::Warn));
    }
    if counts.moving > 0 {
        line = line.after(2, 1, format!("{} moving", counts.moving), theme.style(Role::Info));
    }
    line = line.after(2, 2, counts.all.to_string(), dim);
    if let Namespaces::Some(namespaces) = &settings.namespaces {
        line = line.after(2, 3, format!("in {}", namespaces.join(", ")), dim);
    }
    if let Some(context) = settings.context.as_ref().filter(|context| **context != settings.name) {
        line = line.after(2, 4, context.clone(), dim);
    }
    if let Some(region) = &settings.region {
        line = line.after(2, 5, region.clone(), dim);
    }
    line.within(pen.room()).draw(pen);
}
