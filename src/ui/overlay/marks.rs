//! The marks of an act as they fill, what came of it, the watch and the receipt.

use ratatui::buffer::Buffer;

use super::super::theme::Theme;
use super::page;
use crate::app::acting::{capital, words};
use crate::app::course::{doing, done};
use crate::app::page::Page;
use crate::app::{Marks, State};
use crate::domain::action::{Outcome, Verb};

/// Draws the window.
pub fn draw(state: &State, theme: &Theme, marks: Marks, shown: &Page, buffer: &mut Buffer) {
    let title = state.course().map_or_else(String::new, |(_, course)| {
        let (verb, name) = (course.act.plan.verb, &course.act.seen.key.name);
        let said = match &course.ended {
            None => doing(verb),
            Some((_, Outcome::Observed(_))) => done(verb),
            Some(_) => return capital(&words(verb, name)).into_owned(),
        };
        let said = match verb {
            Verb::PromoteFull => format!("{} {name} to 100 %", said.trim_end_matches(" to 100 %")),
            Verb::SkipStep | Verb::SetImage | Verb::TerminateAnalysis => format!("{said} of {name}"),
            _ => format!("{said} {name}"),
        };
        capital(&said).into_owned()
    });
    page::frame(state, theme, (&title, marks.environment), shown, buffer);
    for (row, place) in shown.rows.iter().zip(0..) {
        page::draw_row(state, theme, shown, (row, place), buffer);
    }
}
