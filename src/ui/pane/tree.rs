//! Everything below a release: revisions, their ReplicaSets with pods, AnalysisRuns with measurements, Experiments.
//!
//! ```text
//! ╭ Revisions ──────────────────────────────────────────────────────────────╮
//! │ rev 14                                                                  │
//! │ ├ canary gateway:v1.3.0  gateway-6f4c7d9b8             3/3         12m  │
//! │ │ ├ ✔ gateway-6f4c7d9b8-x2k9q                          1/1   ×2    12m  │
//! │ └ ◐ background analysis running  ✔ 12  ✖ 1                         11m  │
//! │   └ ✔ success-rate  0.993  0.991                                        │
//! │ rev 13                                                                  │
//! │ └ stable gateway:v1.2.9  gateway-5b9cd6b6f             9/9          3d  │
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
use super::{age, focused, runs, stale};
use crate::app::detail::{Node, TreeLine, tree};
use crate::app::{Pane, State};
use crate::domain::duration::clock;
use crate::domain::id::Kind;
use crate::domain::release::Tag;
use crate::domain::tree::{ExperimentNode, PodNode, RunNode, SetNode};

/// What stands at the right of a line: pods, restarts, age.
#[derive(Default)]
struct Figures {
    ready: String,
    short: bool,
    restarts: i64,
    age: String,
}

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let lines = state.subject().map(|key| tree(state, key)).unwrap_or_default();
    let height = area.height.saturating_sub(2);
    let offset = scrolled(state.scroll.tree, lines.len(), height);
    let mut frame = Frame::titled(theme, "Revisions", focused(state, Pane::Tree));
    frame.remark = stale(state, theme);
    frame.right.push(0, place_words(offset, lines.len(), height).unwrap_or_default(), theme.style(Role::Dim));
    let inside = frame.draw(theme, buffer, area);
    if lines.is_empty() {
        let flagger = state.subject().is_some_and(|key| key.kind == Kind::Canary);
        let words = if flagger { "Flagger keeps no ReplicaSets of its own." } else { "No ReplicaSet of it was read." };
        Pen::new(buffer, Rect { height: inside.height.min(1), ..inside }).put(words, theme.style(Role::Dim));
    }
    let tree = Tree { theme, now: state.cluster_time(), spin: state.now };
    for (line, place) in lines.iter().skip(offset).zip(rows(inside)) {
        tree.line(line, &mut Pen::new(buffer, place));
    }
    age(state, theme, buffer, inside);
}

struct Tree<'t> {
    theme: &'t Theme,
    now: Timestamp,
    spin: Timestamp,
}

impl Tree<'_> {
    fn line(&self, line: &TreeLine, pen: &mut Pen<'_>) {
        let (words, figures) = match &line.node {
            Node::Revision(number) => (self.revision(*number), Figures::default()),
            Node::Set(set) => self.set(set),
            Node::Pod(pod) => self.pod(pod),
            Node::Run(run) => self.run(run),
            Node::Metric(metric) => (runs::metric_line(self.theme, metric, self.now), Figures::default()),
            Node::Experiment(experiment) => self.experiment(experiment),
        };
        let counted = !figures.ready.is_empty() || !figures.age.is_empty();
        let kept = if counted { 17.min(pen.room() / 2) } else { 0 };
        let room = pen.room() - kept;
        pen.within(room, |pen| {
            self.branches(line, pen);
            words.within(pen.room()).draw(pen);
        });
        if counted {
            self.figures(&figures, pen);
        }
    }

    /// The lines from parents to children; revisions stand at the margin.
    fn branches(&self, line: &TreeLine, pen: &mut Pen<'_>) {
        let style = self.theme.style(Role::Border);
        let Some((last, above)) = line.continues.split_last().filter(|(_, above)| !above.is_empty()) else { return };
        for goes_on in above.iter().skip(1) {
            pen.put(if *goes_on { "│ " } else { "  " }, style);
        }
        pen.put(if *last { "├ " } else { "└ " }, style);
    }

    fn figures(&self, figures: &Figures, pen: &mut Pen<'_>) {
        let style = self.theme.style(if figures.short { Role::Warn } else { Role::Text });
        pen.column_right(&figures.ready, 6, style);
        let restarts = if figures.restarts > 0 { format!("×{}", figures.restarts) } else { String::new() };
        pen.column_right(&restarts, 5, self.theme.style(Role::Warn));
        let room = pen.room();
        pen.column_right(&figures.age, room, self.theme.style(Role::Dim));
    }

    fn age(&self, created: Option<Timestamp>) -> String {
        created.map_or_else(String::new, |created| text::ago(created, self.now))
    }

    fn left(&self, until: Option<Timestamp>) -> Option<i64> {
        until.map(|until| until.duration_since(self.now).as_secs()).filter(|left| *left > 0)
    }

    fn marked<'a>(&self, mark: Mark) -> Pieces<'a> {
        Pieces::new().add(0, self.theme.glyph(mark, self.spin), self.theme.mark(mark))
    }

    fn revision<'a>(&self, number: i64) -> Pieces<'a> {
        let title = if number > 0 { format!("rev {number}") } else { "no revision".to_owned() };
        Pieces::new().add(0, title, self.theme.bold(Role::Strong))
    }

    fn set<'a>(&self, set: &SetNode) -> (Pieces<'a>, Figures) {
        let (plain, dim) = (self.theme.style(Role::Text), self.theme.style(Role::Dim));
        let mut words = Pieces::new();
        let idle = set.current == 0 && set.desired == 0;
        for tag in &set.tags {
            let (word, role) = tag_word(tag);
            words = words.add(0, word, self.theme.style(role)).add(0, " ", plain);
        }
        if idle {
            words = words.add(0, "scaled down ", dim);
        }
        let images: Vec<_> = set.images.iter().map(|image| text::image(image)).collect();
        words = words.add(1, images.join(" "), if idle { dim } else { plain }).after(2, 2, set.name.to_string(), dim);
        if let Some(failure) = &set.failure {
            words = words.after(2, 0, failure.to_string(), self.theme.style(Role::Bad));
        }
        if let Some(left) = self.left(set.scale_down).filter(|_| set.current > 0) {
            words = words.after(2, 3, format!("scaled down in {}", clock(left)), dim);
        }
        let ready = if idle { String::new() } else { format!("{}/{}", set.available, set.desired) };
        (words, Figures { ready, short: set.available < set.desired, restarts: 0, age: self.age(set.created) })
    }

    fn pod<'a>(&self, pod: &PodNode) -> (Pieces<'a>, Figures) {
        let state = &pod.state;
        let runs = matches!(&*state.status, "Running" | "Completed" | "Succeeded");
        let ready = runs && state.ready >= state.containers;
        let mark = match &*state.status {
            _ if ready => Mark::Good,
            "Terminating" => Mark::Skipped,
            "Pending" | "ContainerCreating" | "PodInitializing" => Mark::Running,
            _ if runs => Mark::Running,
            status if status.starts_with("Init:") && status.contains('/') => Mark::Running,
            _ => Mark::Bad,
        };
        let mut words = self.marked(mark).after(1, 0, pod.name.to_string(), self.theme.style(Role::Text));
        if !ready {
            let role = if mark == Mark::Bad { Role::Bad } else { Role::Dim };
            words = words.after(2, 0, state.status.to_string(), self.theme.style(role));
        }
        let ready = format!("{}/{}", state.ready, state.containers);
        (words, Figures { ready, short: state.ready < state.containers, restarts: state.restarts, age: self.age(pod.created) })
    }

    fn run<'a>(&self, run: &RunNode) -> (Pieces<'a>, Figures) {
        (runs::head(self.theme, run, self.spin), Figures { age: self.age(run.created), ..Figures::default() })
    }

    fn experiment<'a>(&self, experiment: &ExperimentNode) -> (Pieces<'a>, Figures) {
        let dim = self.theme.style(Role::Dim);
        let words = format!("experiment {}", runs::word(&experiment.status));
        let mut words = self.marked(runs::mark(&experiment.status)).after(1, 0, words, self.theme.style(Role::Text));
        if let Some(left) = self.left(experiment.until) {
            words = words.after(2, 1, format!("{} left", clock(left)), dim);
        }
        if !experiment.message.is_empty() {
            words = words.after(2, 0, experiment.message.to_string(), dim);
        }
        (words, Figures { age: self.age(experiment.created), ..Figures::default() })
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
