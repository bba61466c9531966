//! What is said where there are no signals: nothing configured, not asked yet, not measured, unreachable. Each says what to do.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::super::glyph::Mark;
use super::super::super::pieces::Pieces;
use super::super::super::text;
use super::super::super::theme::{Role, Theme};
use super::super::super::widget::fresh;
use super::super::says::{Saying, say};
use crate::app::{Freshness, State};
use crate::domain::id::Key;
use crate::domain::signal::MetricsLink;

/// Says why there are no signals of a release.
pub fn draw(state: &State, theme: &Theme, key: &Key, area: Rect, buffer: &mut Buffer) {
    say(state, theme, &saying(state, Some(key)), area, buffer);
}

/// What there is to say instead of signals: of one release, or of all.
pub fn saying(state: &State, key: Option<&Key>) -> Saying {
    let environment = state.environment();
    let name = &environment.settings.name;
    let say = |mark, title: String, detail: String, advice: &[&str]| Saying {
        mark,
        title,
        detail,
        advice: advice.iter().map(|line| (*line).to_owned()).collect(),
    };
    match &environment.metrics.link {
        MetricsLink::None if !environment.is_measured() => say(
            Mark::Skipped,
            format!("No metrics are configured for {name}."),
            String::new(),
            &[
                "[prometheus]",
                "url = \"http://prometheus:9090\"",
                "preset = \"otel\"",
                "in the configuration measures all of it; pilothouse config check tells whether that works.",
            ],
        ),
        MetricsLink::None | MetricsLink::Connecting => {
            say(Mark::Running, format!("Asking the metrics server of {name}."), String::new(), &[])
        }
        MetricsLink::Down { reason, .. } => say(
            Mark::Bad,
            "The metrics server does not answer.".to_owned(),
            reason.to_string(),
            &["It is asked again and again; pilothouse doctor tells more."],
        ),
        MetricsLink::Up { .. } => match key {
            Some(key) if environment.metrics.measured(key).is_none() => {
                say(Mark::Waiting, format!("{} is not measured yet.", key.name), String::new(), &[])
            }
            Some(key) => say(
                Mark::Queued,
                format!("{} has no signals.", key.name),
                "Nothing in the configuration defines one for it.".to_owned(),
                &["[[signal]] or a preset of [prometheus] defines signals."],
            ),
            None => say(
                Mark::Queued,
                format!("Nothing is measured in {name} yet."),
                "The metrics server answers; none of its series belongs to a rollout.".to_owned(),
                &["pilothouse config check tells which labels it looks for and what it found."],
            ),
        },
    }
}

/// How old what a pane shows is, for its lower edge; and what the server warns of. Nothing while all is well.
pub fn remark<'a>(state: &State, theme: &Theme) -> Pieces<'a> {
    let environment = state.environment();
    let Some(freshness) = environment.metrics.freshness(state.now) else { return Pieces::new() };
    let mark = fresh::mark(&freshness);
    let style = theme.mark(mark);
    let line = Pieces::separated(" · ", theme.style(Role::Border));
    let line = match &freshness {
        Freshness::Empty => line.add(0, format!("{} the metrics server has no samples", mark.glyph()), style),
        Freshness::Late { seconds } => line.add(0, format!("{} newest sample {} ago", mark.glyph(), clock(*seconds)), style),
        Freshness::Down { seconds, reason, .. } => {
            let words = format!("{} metrics down {}", mark.glyph(), text::age(*seconds));
            return Pieces::new().add(0, words, style).add(1, format!(": {}", text::fit(reason, 40)), style);
        }
        Freshness::Connecting | Freshness::Live { .. } => line,
    };
    let notes = environment.metrics.notes(state.subject());
    let Some(first) = notes.first() else { return line };
    let more = if notes.len() > 1 { format!(" +{}", notes.len() - 1) } else { String::new() };
    line.add(1, format!("{} {}{more}", Mark::Warning.glyph(), text::fit(first, 70)), theme.mark(Mark::Warning))
}

/// An age that is counted to the second, for a sample's.
pub fn clock(seconds: i64) -> String {
    if seconds < 3_600 { crate::domain::duration::clock(seconds) } else { text::age(seconds) }
}
