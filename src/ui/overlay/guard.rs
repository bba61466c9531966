//! The dialog of a guard.

use ratatui::buffer::Buffer;

use super::super::theme::Theme;
use super::dialog::{draw_button, field, now};
use super::page;
use crate::app::State;
use crate::app::guard::{GuardDialog, Kind};
use crate::app::page::{Page, Part};

/// Draws the window.
pub fn draw(state: &State, theme: &Theme, order: &GuardDialog, shown: &Page, buffer: &mut Buffer) {
    let name = &order.seen.key.name;
    let title = match order.kind {
        Kind::Arm { .. } => format!("Guard {name}"),
        Kind::Disarm(_) => format!("Disarm the guard of {name}"),
        Kind::Cancel { .. } => format!("Cancel the guard of {name}"),
    };
    page::frame(state, theme, (&title, order.environment), shown, buffer);
    for (words, place) in shown.rows.iter().zip(0..) {
        match words.part {
            Part::Now => now((state, theme), (&order.seen.key, order.environment), shown, (words, place), buffer),
            Part::Field(focus) => field(state, theme, shown, (words, place, order.focus == focus), buffer),
            Part::Words => page::draw_row(state, theme, shown, (words, place), buffer),
            Part::Buttons => page::draw_row(state, theme, &Page { labels: 0, ..shown.clone() }, (words, place), buffer),
        }
    }
    for button in &shown.buttons {
        draw_button(theme, button, order.focus == button.focus, buffer);
    }
}
