//! Alerts of the metrics server: firing, then pending, those of the selected release first. Alerts that are well are counted only.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph::Mark;
use super::super::pen::{Pen, rows};
use super::super::pieces::Pieces;
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::frame::Frame;
use super::super::{place_words, scrolled};
use super::focused;
use crate::app::{Pane, State};
use crate::domain::signal::{Alert, AlertState};

/// Labels that say what an alert is about, the weightiest first.
const ABOUT: [&str; 6] = ["service", "rollout", "job", "deployment", "app", "namespace"];

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let alerts = state.raised_alerts();
    let metrics = &state.environment().metrics;
    let count = |wanted: AlertState| metrics.alerts.iter().filter(|alert| alert.state == wanted).count();
    let (firing, pending, well) = (count(AlertState::Firing), count(AlertState::Pending), count(AlertState::Inactive));
    let height = area.height.saturating_sub(2);
    let offset = scrolled(state.scroll.alerts, alerts.len(), height);
    let dim = theme.style(Role::Dim);
    let mut frame = Frame::titled(theme, "Alerts", focused(state, Pane::Alerts));
    frame.right = Pieces::separated(" · ", theme.style(Role::Border));
    if firing > 0 {
        frame.right.push(0, format!("{firing} firing"), theme.bold(Role::Bad));
    }
    if pending > 0 {
        frame.right.push(1, format!("{pending} pending"), theme.style(Role::Warn));
    }
    if well > 0 {
        frame.right.push(2, format!("{well} well"), dim);
    }
    frame.remark = Pieces::separated(" · ", theme.style(Role::Border));
    if let Some(why) = metrics.alerts_unread().filter(|_| !alerts.is_empty()) {
        let words = format!("{} not all that there are: {}", Mark::Warning.glyph(), text::fit(why, 50));
        frame.remark.push(1, words, theme.mark(Mark::Warning));
    }
    if let Some(place) = place_words(offset, alerts.len(), height) {
        frame.remark.push(0, place, dim);
    }
    let inside = frame.draw(theme, buffer, area);
    if alerts.is_empty() {
        nothing(state, theme, well, inside, buffer);
    }
    for (alert, line) in alerts.iter().skip(offset).zip(rows(inside)) {
        self::line(theme, alert, state.now).within(line.width).draw(&mut Pen::new(buffer, line));
    }
    if metrics.freshness(state.now).is_some_and(|freshness| freshness.is_stale()) {
        theme.age(buffer, inside.intersection(buffer.area));
    }
}

/// What there is to say where no alert is raised. That none was read is not that none fires.
fn nothing(state: &State, theme: &Theme, well: usize, area: Rect, buffer: &mut Buffer) {
    let environment = state.environment();
    let unread = environment.metrics.alerts_unread().filter(|_| environment.is_measured());
    let stale = environment.metrics.freshness(state.now).is_some_and(|freshness| freshness.is_stale());
    let (words, style) = match unread {
        Some(why) => (format!("Whether an alert fires is not known: {why}."), theme.mark(Mark::Unknown)),
        None if !environment.is_measured() => ("No metrics are configured.".to_owned(), theme.style(Role::Dim)),
        None if stale => ("No alert was firing when the metrics server last answered.".to_owned(), theme.style(Role::Dim)),
        None if well > 0 => ("No alert is firing.".to_owned(), theme.style(Role::Dim)),
        None => ("The metrics server has no alerts.".to_owned(), theme.style(Role::Dim)),
    };
    for (line, place) in text::wrap(&words, area.width, usize::from(area.height)).iter().zip(rows(area)) {
        Pen::new(buffer, place).put(line, style);
    }
}

/// `✖ firing 12m HighErrorRate gateway: errors are over 1%`.
pub fn line(theme: &Theme, alert: &Alert, now: Timestamp) -> Pieces<'static> {
    let (mark, word) = match alert.state {
        AlertState::Firing => (Mark::Bad, "firing"),
        AlertState::Pending => (Mark::Warning, "pending"),
        AlertState::Inactive => (Mark::Good, "well"),
    };
    let since = alert.since.map_or_else(String::new, |since| format!(" {}", text::ago(since, now)));
    let mut line = Pieces::new().add(0, mark.glyph(), theme.mark(mark)).after(1, 0, format!("{word}{since}"), theme.mark(mark));
    line = line.after(1, 0, alert.name.to_string(), theme.style(Role::Strong));
    if let Some(about) = ABOUT.iter().find_map(|label| value(alert, label)) {
        line = line.after(1, 1, about.to_owned(), theme.style(Role::Text));
    }
    let said = alert.problem.as_deref().or(alert.summary.as_deref());
    if let Some(said) = said {
        line = line.after(2, 0, said.to_owned(), theme.style(Role::Dim));
    }
    line
}

fn value<'a>(alert: &'a Alert, wanted: &str) -> Option<&'a str> {
    alert.labels.iter().find(|(label, _)| **label == *wanted).map(|(_, value)| &**value)
}
