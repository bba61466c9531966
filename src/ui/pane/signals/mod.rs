//! The signals of one release: the newest version against stable, each against its limit; below, what keeps it from going on, the budget,
//! the weight that is measured. Where it will go on by itself although a gate is red, that is said, and what stops it.
//!
//! ```text
//! ╭ Signals · gateway ──────────── canary rev 14 vs stable rev 13 ╮
//! │ p95      412ms │ 388ms  < 1.5s  ▁▂▂▃▂▂▁  ✔ ok                 │
//! │ errors    1.8% │ 0.2%   < 1%    ▁▂▃▅███  ✖ breach 3:12        │
//! │ budget   99.1% left · 1h 2.4× · 6h 0.9×  ✔ no alert exceeded  │
//! │ gate     ✖ errors · goes to 50% BY ITSELF in 4:31 · H holds   │
//! ╰───────────────────────────────────────────────────────────────╯
//! ```

mod below;
mod rows;
mod states;
pub mod verdict;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::rows::{Cells, Row, Rows};
use super::super::pen::{Pen, row};
use super::super::pieces::Pieces;
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::frame::Frame;
use super::focused;
use crate::app::{Pane, State};
use crate::domain::release::Release;
use crate::domain::signal::{Judgement, Origin, SignalKind, Unit};

pub use below::gate;
pub use rows::SPARK;
pub use states::{clock, remark, saying};

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let mut frame = Frame::titled(theme, "Signals", focused(state, Pane::Signals));
    let release = state.subject().and_then(|key| state.release(key));
    if let Some(release) = &release {
        frame.title.push(0, release.key.name.to_string(), theme.style(Role::Text));
        frame.right = versions(theme, release);
    }
    frame.remark = remark(state, theme);
    let inside = frame.draw(theme, buffer, area);
    let Some(release) = release else {
        Pen::new(buffer, row(inside, 0)).put("Nothing is selected.", theme.style(Role::Dim));
        return;
    };
    let judgements = state.environment().metrics.judgements(&release.key);
    if judgements.is_empty() || state.environment().metrics.measured(&release.key).is_none() {
        return states::draw(state, theme, &release.key, inside, buffer);
    }
    let pane = Signals { state, theme, release: &release, judgements: &judgements };
    pane.draw(inside, buffer);
    if state.environment().metrics.freshness(state.now).is_some_and(|freshness| freshness.is_stale()) {
        theme.age(buffer, inside.intersection(buffer.area));
    }
}

/// `canary rev 14 vs stable rev 13`, each in its colour.
fn versions<'a>(theme: &Theme, release: &Release) -> Pieces<'a> {
    let (canary, stable, dim) = (theme.style(Role::Canary), theme.style(Role::Stable), theme.style(Role::Dim));
    match (release.revision, release.stable_revision) {
        (Some(revision), _) if release.promoted => Pieces::new().add(0, format!("rev {revision}"), stable),
        (Some(revision), Some(before)) if revision != before => Pieces::new()
            .add(1, format!("canary rev {revision}"), canary)
            .after(1, 3, "vs", dim)
            .after(1, 2, format!("stable rev {before}"), stable),
        _ if release.promoted => Pieces::new(),
        _ => Pieces::new().add(1, "canary", canary).after(1, 1, "vs", dim).after(1, 1, "stable", stable),
    }
}

struct Signals<'a> {
    state: &'a State,
    theme: &'a Theme,
    release: &'a Release,
    judgements: &'a [Judgement],
}

impl Signals<'_> {
    fn draw(&self, area: Rect, buffer: &mut Buffer) {
        let below = below::lines(self.state, self.theme, self.release, area.width);
        let named: Vec<(String, Option<&Judgement>)> =
            if self.state.red_use { red_use(self.judgements) } else { as_they_are(self.judgements) };
        let rows: Vec<_> = named.iter().map(|(label, judgement)| Row { label, judgement: *judgement }).collect();
        // What decides has its lines even where not all signals have theirs.
        let kept = u16::try_from(below.iter().flatten().count()).unwrap_or(u16::MAX).min(area.height / 2);
        let (most, counted) = (area.height - kept, self.state.breach_after);
        let cells = Cells::fitting(&rows, area.width, counted);
        let measured = self.state.environment().metrics.measured(&self.release.key).map(|measured| &**measured);
        let drawing = Rows { theme: self.theme, cells, measured, now: self.state.now, counted };
        let hidden = rows.len().saturating_sub(usize::from(most));
        let shown = if hidden > 0 { usize::from(most).saturating_sub(1) } else { rows.len() };
        let mut place = 0;
        for one in rows.iter().take(shown) {
            drawing.draw(one, row(area, place), buffer);
            place += 1;
        }
        if hidden > 0 {
            let words = format!("{} more", rows.len() - shown);
            Pen::new(buffer, row(area, place)).put(&words, self.theme.style(Role::Dim));
            place += 1;
        }
        // A free line where there is room for it.
        let reasons = self.reasons(area.width, cells.says_all());
        let below = below::fitting(below, usize::from(area.height.saturating_sub(place)));
        let needed = place + u16::try_from(below.len()).unwrap_or(u16::MAX);
        place += u16::from(area.height > needed);
        for line in below.into_iter().chain(reasons).chain(self.sources(area.width)).chain(self.notes(area.width)) {
            if place < area.height {
                line.within(area.width).draw(&mut Pen::new(buffer, row(area, place)));
            }
            place = place.saturating_add(1);
        }
    }

    /// What verdicts that are none rest on, what is the same of several said once; and why the controller judges by more than is judged here.
    fn reasons(&self, width: u16, said: bool) -> Vec<Pieces<'static>> {
        let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
        for one in self.judgements {
            let Some(reason) = verdict::reason(one, said) else { continue };
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, names)) => names.push(&one.name),
                None => reasons.push((reason, vec![&one.name])),
            }
        }
        let said = reasons.into_iter().map(|(reason, names)| {
            let all = names.len() == self.judgements.len();
            if all { reason } else { format!("{}: {reason}", names.join(", ")) }
        });
        let unjudged = self.state.environment().metrics.definitions().unjudged(&self.release.key);
        let mut lines = self.labelled("why", said, width);
        lines.extend(self.labelled("not here", unjudged.iter().map(ToString::to_string), width));
        lines
    }

    /// Sentences in lines of so many cells, the first of them with a label.
    fn labelled(&self, label: &str, said: impl Iterator<Item = String>, width: u16) -> Vec<Pieces<'static>> {
        let mut lines = Vec::new();
        for words in said {
            for words in text::wrap(&words, width.saturating_sub(10), 2) {
                let label = if lines.is_empty() { label } else { "" };
                lines.push(below::labelled(self.theme, label).add(0, words.into_owned(), self.theme.style(Role::Text)));
            }
        }
        lines
    }

    /// What rules of the server record: signals of all versions together, which judge nothing, and what is promised.
    fn sources(&self, width: u16) -> Vec<Pieces<'static>> {
        let metrics = &self.state.environment().metrics;
        let burn = metrics.standing(&self.release.key).and_then(|standing| standing.burn.as_ref());
        let promised = burn.and_then(|burn| burn.recorded.as_ref());
        let promised = promised.map(|recorded| format!("budget: {}", super::budgets::promise(recorded)));
        let signals = metrics.signals(&self.release.key);
        let recorded = signals.iter().filter_map(|signal| match &signal.origin {
            Origin::Recorded(rule) => Some(format!("{}: recording rule {rule}, all versions together", signal.name)),
            _ => None,
        });
        self.labelled("source", promised.into_iter().chain(recorded), width)
    }

    /// What the server warns of, each in full.
    fn notes(&self, width: u16) -> Vec<Pieces<'static>> {
        let notes = self.state.environment().metrics.notes(Some(&self.release.key));
        self.labelled("warned", notes.into_iter().map(ToString::to_string), width)
    }
}

fn as_they_are(judgements: &[Judgement]) -> Vec<(String, Option<&Judgement>)> {
    judgements.iter().map(|one| (one.name.to_string(), Some(one))).collect()
}

/// Rate, errors, duration of the service; utilisation, saturation and errors of what it runs on. What is counted in shares tells how full
/// something is; everything else of that kind, what waits for it.
fn red_use(judgements: &[Judgement]) -> Vec<(String, Option<&Judgement>)> {
    let share = |one: &Judgement| matches!(one.unit, Unit::Ratio | Unit::Percent);
    let is = |one: &Judgement, place: usize| match (one.kind, place) {
        (SignalKind::Traffic, 0) | (SignalKind::Latency, 2) | (SignalKind::Other, 6) => true,
        (SignalKind::Errors, 1) | (SignalKind::Saturation, 3) => share(one),
        (SignalKind::Errors, 5) | (SignalKind::Saturation, 4) => !share(one),
        _ => false,
    };
    let mut all = Vec::new();
    for (place, label) in
        ["R rate", "E errors", "D duration", "U utilisation", "S saturation", "E errors", "other"].into_iter().enumerate()
    {
        let found: Vec<_> = judgements.iter().filter(|one| is(one, place)).collect();
        if found.is_empty() && place < 6 {
            all.push((label.to_owned(), None));
        }
        let several = found.len() > 1;
        all.extend(found.into_iter().enumerate().map(|(number, one)| {
            let label = match (several, number) {
                (true, 1..) => format!("  {}", one.name),
                _ => label.to_owned(),
            };
            (label, Some(one))
        }));
    }
    all
}
