//! One release at a glance: what happens and why, which versions run at which share, its steps, its analyses. Fits itself to
//! its area: in a low one the steps are one line, in a high one each has its own.
//!
//! ```text
//! ╭ gateway · shop ───────────────────────── managed by Argo CD gateway ╮
//! │ ◷ Goes to 50% by itself in 4:31.                                    │
//! │                                                                     │
//! │ canary  rev 14  gateway:v1.3.0   25% ████▌··············  3/3 pods  │
//! │ stable  rev 13  gateway:v1.2.9   75% █████████████▌·····  9/9 pods  │
//! │                                                                     │
//! │ 10% ✔──5m ✔──25% ✔──◷ 10m 4:31──50% ○──15m ○──100% ○                │
//! ╰─────────────────────────────────────────────────────────────────────╯
//! ```

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::edges::guard_line;
use super::super::glyph::Mark;
use super::super::pen::{Pen, row};
use super::super::phrase;
use super::super::pieces::Pieces;
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::frame::Frame;
use super::super::widget::steps as line_of_steps;
use super::{Opened, age, flagger, focused, opened, runs, stale, steps, versions};
use crate::app::{Pane, Screen, State};
use crate::domain::duration::clock;
use crate::domain::release::{Release, Way};
use crate::domain::timeline::Timeline;
use crate::domain::tree::Revision;

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let focused = focused(state, Pane::Release);
    let Some(opened) = opened(state) else {
        let (title, words) = match &state.screen {
            Screen::Detail(key) => (key.name.to_string(), "It is gone from the cluster."),
            _ => ("Release".to_owned(), "Nothing is selected."),
        };
        let inside = Frame::titled(theme, title, focused).draw(theme, buffer, area);
        Pen::new(buffer, row(inside, 0)).put(words, theme.style(Role::Dim));
        return;
    };
    let release = &opened.release;
    let mut frame = Frame::titled(theme, release.key.name.to_string(), focused);
    frame.title.push(1, release.key.namespace.to_string(), theme.style(Role::Dim));
    frame.right = facts(theme, release);
    frame.remark = stale(state, theme);
    let inside = frame.draw(theme, buffer, area);
    Glance { state, theme, opened: &opened, now: state.cluster_time() }.draw(inside, buffer);
    age(state, theme, buffer, inside);
}

/// Strategy and owner, for the edge.
fn facts<'a>(theme: &Theme, release: &Release) -> Pieces<'a> {
    let dim = theme.style(Role::Dim);
    let mut facts = Pieces::separated(" · ", theme.style(Role::Border));
    let way = match (release.key.kind, release.way) {
        (crate::domain::id::Kind::Canary, _) => "Flagger",
        (_, Way::Canary) => "canary",
        (_, Way::BlueGreen) => "blue-green",
        (_, Way::Unknown) => "",
    };
    facts.push(1, way, dim);
    if let Some(managed) = &release.managed_by {
        let tool = match managed.tool {
            "argocd" => "Argo CD",
            "flux" => "Flux",
            "helm" => "Helm",
            tool => tool,
        };
        facts.push(2, format!("by {tool} {}", managed.name), dim);
    }
    facts
}

struct Glance<'a> {
    state: &'a State,
    theme: &'a Theme,
    opened: &'a Opened<'a>,
    now: Timestamp,
}

impl Glance<'_> {
    fn draw(&self, area: Rect, buffer: &mut Buffer) {
        let revisions = self.opened.revisions();
        // From this height on there is room to breathe.
        let airy = area.height >= 14;
        let mut rest = self.sentence(area, buffer);
        rest = self.guard(rest, buffer);
        rest = skip(rest, u16::from(airy));
        if let Some(canary) = self.opened.canary {
            flagger::draw(canary, &self.opened.release, self.theme, rest, buffer);
            return;
        }
        let versions = versions::versions(&self.opened.release, &revisions);
        // The detail has panes of their own for steps and analyses.
        let elsewhere = matches!(self.state.screen, Screen::Detail(_)) && !self.alone();
        if elsewhere {
            rest = skip(rest, u16::from(usize::from(rest.height) > versions.len()));
        }
        rest = versions::draw(&versions, &self.opened.release, self.theme, rest, buffer);
        if elsewhere {
            if let Some(gate) = super::signals::gate(self.state, self.theme, &self.opened.release, rest.width) {
                gate.draw(&mut Pen::new(buffer, row(rest, 0)));
            }
            return;
        }
        if let Some(timeline) = self.opened.timeline.as_ref().filter(|timeline| !timeline.steps.is_empty()) {
            rest = skip(rest, u16::from(airy));
            rest = self.timeline(timeline, rest, buffer);
        }
        rest = skip(rest, u16::from(airy));
        self.analyses(&revisions, rest, buffer);
    }

    /// Whether the pane has the screen for itself.
    fn alone(&self) -> bool {
        self.state.layout().is_none_or(|layout| layout.panes.len() == 1)
    }

    /// What happens, and why, in as many lines as it takes; gives what is left below.
    fn sentence(&self, area: Rect, buffer: &mut Buffer) -> Rect {
        let (theme, release) = (self.theme, &self.opened.release);
        let sentence = phrase::sentence(release, self.now);
        let mark = theme.mark(sentence.mark);
        let style = if sentence.mark == Mark::Bad { theme.bold(Role::Bad) } else { theme.bold(Role::Strong) };
        Pen::new(buffer, row(area, 0)).put(theme.glyph(sentence.mark, self.state.now), mark).skip(1).put(&sentence.words, style);
        let mut rest = skip(area, 1);
        for why in [release.why.as_deref(), release.odd.as_deref()].into_iter().flatten() {
            let most = usize::from((area.height / 4).clamp(1, 4));
            for line in text::wrap(why, area.width.saturating_sub(2), most) {
                Pen::new(buffer, row(rest, 0)).skip(2).put(&line, theme.style(Role::Text));
                rest = skip(rest, 1);
            }
        }
        rest
    }

    /// The guard that watches it.
    fn guard(&self, area: Rect, buffer: &mut Buffer) -> Rect {
        let Some(guard) = self.state.guard(self.state.environment(), &self.opened.release.key) else { return area };
        let line = guard_line(self.theme, &guard, area.width.saturating_sub(2));
        line.draw(Pen::new(buffer, row(area, 0)).skip(2));
        skip(area, 1)
    }

    fn timeline(&self, timeline: &Timeline, area: Rect, buffer: &mut Buffer) -> Rect {
        let theme = self.theme;
        let count = u16::try_from(timeline.steps.len()).unwrap_or(u16::MAX);
        if area.height >= count.saturating_add(6) {
            let title = Rect { height: 1.min(area.height), ..area };
            let mut pen = Pen::new(buffer, title);
            pen.put("steps", theme.style(Role::Dim)).skip(2);
            remaining(theme, timeline).draw_right(&mut pen);
            let list = Rect { height: count.min(area.height.saturating_sub(1)), ..skip(area, 1) };
            steps::lines(theme, timeline, self.state, (list, 0), buffer);
            return skip(area, count.saturating_add(1));
        }
        let mut pen = Pen::new(buffer, row(area, 0));
        line_of_steps::draw(&mut pen, theme, timeline, self.now);
        let left = remaining(theme, timeline);
        if pen.room() > left.width() + 4 {
            pen.skip(4);
            left.draw_right(&mut pen);
        }
        skip(area, 1)
    }

    /// The newest revision's analyses and experiments.
    fn analyses(&self, revisions: &[Revision], area: Rect, buffer: &mut Buffer) {
        let Some(revision) = revisions.first() else { return };
        let lines =
            revision.runs.iter().rev().chain(revision.experiments.iter().rev().flat_map(|experiment| experiment.runs.iter()));
        let mut rest = area;
        for run in lines {
            for line in runs::lines(self.theme, run, self.state.now) {
                if rest.height == 0 {
                    return;
                }
                line.draw(&mut Pen::new(buffer, row(rest, 0)));
                rest = skip(rest, 1);
            }
        }
    }
}

/// How long everything ahead takes.
pub fn remaining<'a>(theme: &Theme, timeline: &Timeline) -> Pieces<'a> {
    match timeline.remaining {
        Some(seconds) if seconds > 0 => {
            let least = if timeline.remaining_known { "" } else { "at least " };
            Pieces::new().add(0, format!("{least}{} to go", clock(seconds)), theme.style(Role::Dim))
        }
        _ => Pieces::new(),
    }
}

/// An area without its first rows.
fn skip(area: Rect, count: u16) -> Rect {
    let count = count.min(area.height);
    Rect { y: area.y + count, height: area.height - count, ..area }
}
