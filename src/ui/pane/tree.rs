//! Everything below a release: revisions, their ReplicaSets with pods, AnalysisRuns with measurements, Experiments.
//!
//! ```text
//! ╭ Revisions ────────────────────────────────────────────── 3 of 3 pods ready ╮
//! │ ▾ rev 14  canary  gateway:v1.3.0                              3/3     12m  │
//! │   ✔ gateway-6f4c7d9b8-x2k9q   Running                   1/1   ×2     12m  │
//! │   ◐ background analysis running  ✔ 12  ✖ 1                                 │
//! │ ▾ rev 13  stable  gateway:v1.2.9                              9/9      3d  │
//! ```

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
use super::{age, focused, opened, runs, stale};
use crate::app::{Pane, State};
use crate::domain::release::Tag;
use crate::domain::tree::{ExperimentNode, PodNode, Revision, SetNode};

/// A line of the tree: words from the left; pods, restarts and age from the right.
struct Line<'a> {
    left: Pieces<'a>,
    ready: String,
    short: bool,
    restarts: i64,
    age: String,
}

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let revisions = opened(state).map(|opened| opened.revisions()).unwrap_or_default();
    let mut lines = Vec::new();
    let tree = Tree { theme, now: state.cluster_time(), spin: state.now };
    for revision in &revisions {
        tree.revision(revision, &mut lines);
    }
    let height = area.height.saturating_sub(2);
    let offset = scrolled(state.scroll.tree, lines.len(), height);
    let mut frame = Frame::titled(theme, "Revisions", focused(state, Pane::Tree));
    frame.remark = stale(state, theme);
    frame.right.push(0, place_words(offset, lines.len(), height).unwrap_or_default(), theme.style(Role::Dim));
    let inside = frame.draw(theme, buffer, area);
    if lines.is_empty() {
        Pen::new(buffer, Rect { height: inside.height.min(1), ..inside }).put("No ReplicaSets were read.", theme.style(Role::Dim));
    }
    for (line, place) in lines.iter().skip(offset).zip(rows(inside)) {
        line.draw(theme, &mut Pen::new(buffer, place));
    }
    age(state, theme, buffer, inside);
}

impl Line<'_> {
    fn draw(&self, theme: &Theme, pen: &mut Pen<'_>) {
        let dim = theme.style(Role::Dim);
        let counted = !self.ready.is_empty() || !self.age.is_empty();
        let kept = if counted { 17.min(pen.room() / 2) } else { 0 };
        let room = pen.room() - kept;
        pen.within(room, |pen| self.left.clone().within(pen.room()).draw(pen));
        if !counted {
            return;
        }
        let style = if self.short { theme.style(Role::Warn) } else { theme.style(Role::Text) };
        pen.column_right(&self.ready, 6, style);
        let restarts = if self.restarts > 0 { format!("×{}", self.restarts) } else { String::new() };
        pen.column_right(&restarts, 5, theme.style(Role::Warn));
        let room = pen.room();
        pen.column_right(&self.age, room, dim);
    }
}

struct Tree<'t> {
    theme: &'t Theme,
    now: Timestamp,
    spin: Timestamp,
}

impl<'t> Tree<'t> {
    fn age(&self, created: Option<Timestamp>) -> String {
        created.map_or_else(String::new, |created| text::ago(created, self.now))
    }

    fn marked<'a>(&self, indent: &'static str, mark: Mark) -> Pieces<'a> {
        Pieces::new().add(0, indent, self.theme.style(Role::Dim)).add(0, self.theme.glyph(mark, self.spin), self.theme.mark(mark))
    }

    fn revision(&self, revision: &Revision, lines: &mut Vec<Line<'t>>) {
        let idle = revision.replica_sets.iter().all(|set| set.current == 0 && set.desired == 0 && set.tags.is_empty());
        let quiet = idle && revision.experiments.is_empty() && revision.runs.is_empty();
        let (dim, strong) = (self.theme.style(Role::Dim), self.theme.bold(Role::Strong));
        let title = if revision.number > 0 { format!("rev {}", revision.number) } else { "no revision".to_owned() };
        for (number, set) in revision.replica_sets.iter().enumerate() {
            let mut left = Pieces::new();
            let name = if number == 0 { title.clone() } else { String::from("      ") };
            left.push(0, format!("{name:<7}"), if quiet { dim } else { strong });
            self.set(left, set, quiet, lines);
        }
        if revision.replica_sets.is_empty() {
            lines.push(Line::words(Pieces::new().add(0, title, strong)));
        }
        for run in revision.runs.iter().rev() {
            self.run("  ", run, lines);
        }
        for experiment in revision.experiments.iter().rev() {
            self.experiment(experiment, lines);
        }
    }

    /// A ReplicaSet and its pods.
    fn set(&self, mut left: Pieces<'t>, set: &SetNode, quiet: bool, lines: &mut Vec<Line<'t>>) {
        let dim = self.theme.style(Role::Dim);
        for tag in &set.tags {
            let (word, role) = tag_word(tag);
            left = left.after(1, 0, word, self.theme.style(role));
        }
        if quiet {
            left = left.after(1, 0, "scaled down", dim);
        }
        let images: Vec<_> = set.images.iter().map(|image| text::image(image)).collect();
        left = left.after(1, 1, images.join(" "), if quiet { dim } else { self.theme.style(Role::Text) });
        left = left.after(2, 2, set.name.to_string(), dim);
        if let Some(left_over) =
            set.scale_down.map(|at| at.duration_since(self.now).as_secs()).filter(|left| *left > 0 && set.current > 0)
        {
            left = left.after(2, 3, format!("goes in {}", text::age(left_over)), dim);
        }
        let ready = if quiet { String::new() } else { format!("{}/{}", set.available, set.desired) };
        lines.push(Line { left, ready, short: set.available < set.desired, restarts: 0, age: self.age(set.created) });
        if let Some(failure) = &set.failure {
            let words = self.marked("  ", Mark::Bad).after(1, 0, failure.to_string(), self.theme.style(Role::Text));
            lines.push(Line::words(words));
        }
        lines.extend(set.pods.iter().map(|pod| self.pod(pod)));
    }

    fn pod(&self, pod: &PodNode) -> Line<'t> {
        let state = &pod.state;
        let well = matches!(&*state.status, "Running" | "Completed" | "Succeeded");
        let mark = match (&*state.status, well) {
            _ if well && state.ready >= state.containers => Mark::Good,
            ("Terminating", _) => Mark::Skipped,
            ("Pending" | "ContainerCreating" | "PodInitializing", _) | (_, true) => Mark::Running,
            (status, _) if status.starts_with("Init:") && status.contains('/') => Mark::Running,
            _ => Mark::Bad,
        };
        let status = if mark == Mark::Bad { self.theme.style(Role::Bad) } else { self.theme.style(Role::Dim) };
        let mut left = self.marked("  ", mark).after(1, 0, pod.name.to_string(), self.theme.style(Role::Text));
        if !(well && mark == Mark::Good) {
            left = left.after(2, 0, state.status.to_string(), status);
        }
        let ready = format!("{}/{}", state.ready, state.containers);
        Line { left, ready, short: state.ready < state.containers, restarts: state.restarts, age: self.age(pod.created) }
    }

    fn run(&self, indent: &'static str, run: &crate::domain::tree::RunNode, lines: &mut Vec<Line<'t>>) {
        for (number, words) in runs::lines(self.theme, run, self.now).into_iter().enumerate() {
            let left = Pieces::new().add(0, indent, self.theme.style(Role::Dim)).joined(words);
            let age = if number == 0 { self.age(run.created) } else { String::new() };
            lines.push(Line { left, ready: String::new(), short: false, restarts: 0, age });
        }
    }

    fn experiment(&self, experiment: &ExperimentNode, lines: &mut Vec<Line<'t>>) {
        let mark = runs::mark(&experiment.status);
        let words = format!("experiment {}", runs::word(&experiment.status));
        let mut left = self.marked("  ", mark).after(1, 0, words, self.theme.style(Role::Text));
        if let Some(rest) = experiment.until.map(|until| until.duration_since(self.now).as_secs()).filter(|rest| *rest > 0) {
            left = left.after(2, 1, format!("{} left", crate::domain::duration::clock(rest)), self.theme.style(Role::Dim));
        }
        if !experiment.message.is_empty() {
            left = left.after(2, 0, experiment.message.to_string(), self.theme.style(Role::Dim));
        }
        lines.push(Line { left, ready: String::new(), short: false, restarts: 0, age: self.age(experiment.created) });
        for set in &experiment.replica_sets {
            self.set(Pieces::new().add(0, "   ", self.theme.style(Role::Dim)), set, false, lines);
        }
        for run in &experiment.runs {
            self.run("    ", run, lines);
        }
    }
}

impl<'a> Line<'a> {
    fn words(left: Pieces<'a>) -> Self {
        Self { left, ready: String::new(), short: false, restarts: 0, age: String::new() }
    }
}

/// The word of a tag, and its colour.
fn tag_word(tag: &Tag) -> (String, Role) {
    let (word, role) = match tag {
        Tag::Canary => ("canary", Role::Canary),
        Tag::Stable => ("stable", Role::Stable),
        Tag::Active => ("active", Role::Stable),
        Tag::Preview => ("preview", Role::Canary),
        Tag::Ping => ("ping", Role::Dim),
        Tag::Pong => ("pong", Role::Dim),
        Tag::Experiment(name) => return (name.to_string(), Role::Info),
    };
    (word.to_owned(), role)
}
