//! Budgets of failures: what is left, how fast it burns, when it is gone, what the next weight would make of it.
//!
//! ```text
//! ╭ Budgets ─────────────────────────────── 99.9% over 30d ╮
//! │ gateway   99.1% left   1h 2.4×   6h 0.9×   gone in 12d │
//! │ orders   -12.0% left   1h 15×    6h 7×     ✖ used up   │
//! ╰────────────────────────────────────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph::Mark;
use super::super::pen::{Pen, row, rows};
use super::super::pieces::Pieces;
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::{axis, frame::Frame};
use super::super::{place_words, scrolled};
use super::focused;
use crate::app::{Pane, State};
use crate::domain::duration::age;
use crate::domain::id::Key;
use crate::domain::release::Release;
use crate::domain::slo::{Burn, Exhausted, RecordedSlo, times};

/// Windows whose burn rates are shown, in seconds.
const SHOWN: [u32; 3] = [3_600, 21_600, 259_200];

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let metrics = &state.environment().metrics;
    let mut burns: Vec<_> = metrics.standings().filter_map(|(key, standing)| Some((key, standing.burn.as_ref()?))).collect();
    burns.sort_by(|(a, one), (b, other)| {
        let left = |burn: &Burn| burn.left.unwrap_or(f64::INFINITY);
        left(one).total_cmp(&left(other)).then_with(|| a.name.cmp(&b.name))
    });
    let height = area.height.saturating_sub(2);
    let offset = scrolled(state.scroll.budgets, burns.len(), height);
    let dim = theme.style(Role::Dim);
    let mut frame = Frame::titled(theme, "Budgets", focused(state, Pane::Budgets));
    if let Some(slo) = metrics.definitions().slo() {
        let period = axis::span(jiff::SignedDuration::from_secs(slo.period.into()));
        frame.title.push(1, format!("{}% over {period}", percent(slo.objective)), dim);
    }
    frame.right.push(0, place_words(offset, burns.len(), height).unwrap_or_default(), dim);
    let inside = frame.draw(theme, buffer, area);
    if burns.is_empty() {
        let words = match metrics.definitions().slo() {
            Some(_) => "No error ratio was read yet.",
            None => "Nothing is promised: [slo] objective = 0.999 says what, or rules of Sloth or Pyrra.",
        };
        Pen::new(buffer, row(inside, 0)).put(words, dim);
        return;
    }
    let names = burns.iter().map(|(key, _)| text::width(&key.name)).max().unwrap_or(0).min(inside.width / 3);
    for ((key, burn), place) in burns.iter().skip(offset).zip(rows(inside)) {
        let mut pen = Pen::new(buffer, place);
        pen.within(names, |pen| {
            pen.put(&text::fit_name(&key.name, names), theme.style(Role::Text));
        });
        pen.skip(2);
        let room = pen.room();
        words(theme, burn).within(room).draw(&mut pen);
    }
    if metrics.freshness(state.now).is_some_and(|freshness| freshness.is_stale()) {
        theme.age(buffer, inside.intersection(buffer.area));
    }
}

/// The budget of one release in a line; None if nothing is known of it.
pub fn line(state: &State, theme: &Theme, key: &Key) -> Option<Pieces<'static>> {
    let burn = state.environment().metrics.standing(key)?.burn.as_ref()?;
    Some(words(theme, burn))
}

/// What the next weight would make of it, if that is worse than what is promised; None if nobody can say.
pub fn forecast(state: &State, theme: &Theme, release: &Release) -> Option<Pieces<'static>> {
    let forecast = state.environment().metrics.standing(&release.key)?.forecast?;
    (forecast.rate > 1.0).then(|| {
        let words = format!("{} {}", Mark::Warning.glyph(), forecast.words());
        Pieces::new().add(0, words, theme.mark(Mark::Warning))
    })
}

fn words(theme: &Theme, burn: &Burn) -> Pieces<'static> {
    let (plain, dim) = (theme.style(Role::Text), theme.style(Role::Dim));
    let mut line = match burn.left {
        Some(left) if left < 0.0 => Pieces::new().add(0, format!("{:.1}% left", left * 100.0), theme.bold(Role::Bad)),
        Some(left) => Pieces::new().add(0, format!("{:.1}% left", left * 100.0), theme.style(Role::Strong)),
        None => Pieces::new().add(0, "– left", dim),
    };
    for (place, seconds) in SHOWN.into_iter().enumerate() {
        let Some(rate) = burn.rate(seconds) else { continue };
        let rank = 3 + u8::try_from(place).unwrap_or(3);
        // A window without its rate would say something else: they go together.
        let window = axis::span(jiff::SignedDuration::from_secs(seconds.into()));
        line = line.after(2, rank, format!("{window} {}", times(rate)), plain);
    }
    let exceeded = burn.exceeded().next();
    let (mark, said) = match (exceeded, burn.exhausted) {
        (_, Exhausted::Already) => (Mark::Bad, "used up".to_owned()),
        (Some(alert), _) => {
            let windows = [alert.long, alert.short].map(|seconds| axis::span(jiff::SignedDuration::from_secs(seconds.into())));
            (Mark::Bad, format!("over {} for {}", times(alert.burn), windows.join(" and ")))
        }
        (None, Exhausted::In(seconds)) if burn.rate(3_600).is_some_and(|rate| rate > 1.0) => {
            (Mark::Warning, format!("gone in {}", age(i64::try_from(seconds).unwrap_or(i64::MAX))))
        }
        (None, Exhausted::Unknown) => (Mark::Unknown, "no alert window exceeded".to_owned()),
        (None, _) => (Mark::Good, "no alert window exceeded".to_owned()),
    };
    let style = if mark == Mark::Good { dim } else { theme.mark(mark) };
    let line = line.after(2, 1, mark.glyph(), theme.mark(mark)).after(1, 1, said, style);
    let Some(recorded) = &burn.recorded else { return line };
    line.after(2, 7, promise(recorded), dim)
}

/// `99.9% over 30d by Sloth requests-availability`.
pub fn promise(recorded: &RecordedSlo) -> String {
    let period = axis::span(jiff::SignedDuration::from_secs(recorded.period.into()));
    format!("{}% over {period} by {}", percent(recorded.objective), recorded.source)
}

/// A part in percent, with as many digits as it needs.
fn percent(part: f64) -> String {
    let text = format!("{:.4}", part * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn an_objective_is_written_as_it_was_meant() {
        assert_eq!([0.999, 0.9995, 0.99, 0.5].map(percent), ["99.9", "99.95", "99", "50"]);
    }
}
