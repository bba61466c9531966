//! The steps of a canary, a line each: what it is, and how long it took, takes or will take.
//!
//! ```text
//! ╭ Steps · 4 of 8 ───────────────────────── at least 30:31 to go ╮
//! │ ✔  1  weight 10%                                         0:03 │
//! │ ◷  4  pause 10m            ████▌·········           4:31 left │
//! │ ○  5  weight 50%                                              │
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph::Mark;
use super::super::pen::{Pen, row, rows};
use super::super::theme::{Role, Theme};
use super::super::widget::bar;
use super::super::widget::frame::Frame;
use super::super::widget::steps::{StepKind, kind, mark};
use super::super::{place_words, scrolled};
use super::release::remaining;
use super::{age, focused, opened, runs, stale};
use crate::app::{Pane, State};
use crate::domain::duration::clock;
use crate::domain::timeline::{Background, Standing, Timeline, TimelineStep};

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let opened = opened(state);
    let timeline = opened.as_ref().and_then(|opened| opened.timeline.as_ref());
    let mut frame = Frame::titled(theme, "Steps", focused(state, Pane::Steps));
    let dim = theme.style(Role::Dim);
    let Some(timeline) = timeline else {
        let inside = frame.draw(theme, buffer, area);
        let words = match &opened {
            Some(opened) if opened.canary.is_some() => "Flagger goes by weights, not by steps.",
            Some(_) => "It has no steps.",
            None => "It is gone.",
        };
        Pen::new(buffer, row(inside, 0)).put(words, dim);
        return;
    };
    let count = timeline.steps.len();
    let current = timeline.steps.iter().position(|step| step.standing == Standing::Current);
    let height = area.height.saturating_sub(2);
    let lines = count + usize::from(timeline.background.is_some());
    let offset = scrolled(state.scroll.steps, lines, height);
    frame.title.push(0, current.map_or_else(|| count.to_string(), |current| format!("{} of {count}", current + 1)), dim);
    frame.right = remaining(theme, timeline);
    frame.remark = stale(state, theme);
    if frame.remark.is_empty() {
        frame.remark.push(0, place_words(offset, lines, height).unwrap_or_default(), dim);
    }
    let inside = frame.draw(theme, buffer, area);
    self::lines(theme, timeline, state, (inside, offset), buffer);
    age(state, theme, buffer, inside);
}

/// Draws the steps from one on, and after the last one the background analysis.
pub fn lines(theme: &Theme, timeline: &Timeline, state: &State, (area, offset): (Rect, usize), buffer: &mut Buffer) {
    let mut lines = rows(area);
    for (place, step) in timeline.steps.iter().enumerate().skip(offset) {
        let Some(line) = lines.next() else { return };
        draw_step(theme, step, place + 1, state, &mut Pen::new(buffer, line));
    }
    if let (Some(background), Some(line)) = (&timeline.background, lines.next()) {
        draw_background(theme, background, state, &mut Pen::new(buffer, line));
    }
}

fn draw_step(theme: &Theme, step: &TimelineStep, number: usize, state: &State, pen: &mut Pen<'_>) {
    let (mark, now) = (mark(step), state.cluster_time());
    let dim = theme.style(Role::Dim);
    let current = step.standing == Standing::Current;
    pen.put(theme.glyph(mark, state.now), theme.mark(mark)).skip(1);
    pen.column_right(&number.to_string(), 2, dim).skip(2);
    let words = words(step);
    let style = match step.standing {
        Standing::Current => theme.bold(Role::Strong),
        Standing::Done => theme.style(Role::Text),
        Standing::Undone | Standing::Upcoming => dim,
    };
    let time = time(step, now);
    let room = pen.room().saturating_sub(time.len().try_into().unwrap_or(12)).saturating_sub(1);
    let left = step.ends.map(|end| end.duration_since(now).as_secs());
    let progress =
        step.takes.zip(left).filter(|(takes, _)| *takes > 0).map(|(takes, left)| 100 - left.clamp(0, takes) * 100 / takes);
    pen.within(room, |pen| {
        pen.column(&words, 22.min(pen.room()), style);
        if let Some(progress) = progress.filter(|_| current && pen.room() >= 8) {
            let cells = pen.room().saturating_sub(2).min(16);
            pen.skip(1);
            bar::draw(pen, theme, progress, cells, Role::Info);
        } else if let Some(verdict) = step.verdict.as_deref() {
            pen.skip(1).put(runs::word(verdict), theme.mark(runs::mark(verdict)));
        }
    });
    let room = pen.room();
    pen.column_right(&time, room, if current { theme.style(Role::Strong) } else { dim });
}

/// A step in words.
fn words(step: &TimelineStep) -> String {
    match kind(step) {
        (StepKind::Weight, parameter) => format!("weight {parameter}%"),
        (StepKind::Pause, "") => "pause until you go on".to_owned(),
        (StepKind::Pause, parameter) if parameter.bytes().all(|digit| digit.is_ascii_digit()) => format!("pause {parameter}s"),
        (StepKind::Pause, parameter) => format!("pause {parameter}"),
        (StepKind::Analysis, _) => "analysis".to_owned(),
        (StepKind::Experiment, _) => "experiment".to_owned(),
        (StepKind::Other, _) => other(&step.words),
    }
}

fn other(words: &str) -> String {
    let spelled = [
        ("setCanaryScale", "canary scale "),
        ("setHeaderRoute: ", "header route "),
        ("setMirrorRoute: ", "mirror route "),
        ("plugin: ", "plugin "),
    ];
    for (name, plain) in spelled {
        if let Some(rest) = words.strip_prefix(name) {
            let rest = rest.trim_matches(['{', '}']).replace("matchTrafficWeight: true", "as traffic");
            let rest = rest.strip_prefix("weight: ").map(|weight| format!("{weight}%")).unwrap_or(rest);
            let rest = rest.strip_prefix("replicas: ").map(|pods| format!("{pods} pods")).unwrap_or(rest);
            return format!("{plain}{rest}");
        }
    }
    words.to_owned()
}

/// How long a step took, still takes, or is meant to take.
fn time(step: &TimelineStep, now: jiff::Timestamp) -> String {
    match (step.standing, step.ends) {
        (Standing::Current, Some(end)) => {
            let left = end.duration_since(now).as_secs();
            if left > 0 { format!("{} left", clock(left)) } else { "due".to_owned() }
        }
        (Standing::Current, None) if step.needs_person => "waits for you".to_owned(),
        (Standing::Current, None) => String::new(),
        (Standing::Done | Standing::Undone, _) => step.took.map_or_else(String::new, clock),
        (Standing::Upcoming, _) if step.needs_person => "you".to_owned(),
        (Standing::Upcoming, _) => step.takes.map_or_else(String::new, clock),
    }
}

fn draw_background(theme: &Theme, background: &Background, state: &State, pen: &mut Pen<'_>) {
    let phase = background.phase.as_deref().unwrap_or_default();
    let mark = if background.phase.is_some() { runs::mark(phase) } else { Mark::Queued };
    let words = if background.from > 0 {
        format!("background analysis from step {}", background.from + 1)
    } else {
        "background analysis".to_owned()
    };
    pen.put(theme.glyph(mark, state.now), theme.mark(mark)).skip(5).put(&words, theme.style(Role::Text));
    let word = runs::word(phase);
    let room = pen.room();
    pen.column_right(word, room, theme.mark(mark));
}

#[cfg(test)]
mod tests {
    use super::other;

    #[test]
    fn rare_steps_are_said_in_plain_words() {
        assert_eq!(other("setCanaryScale{weight: 5}"), "canary scale 5%");
        assert_eq!(other("setCanaryScale{replicas: 3}"), "canary scale 3 pods");
        assert_eq!(other("setCanaryScale{matchTrafficWeight: true}"), "canary scale as traffic");
        assert_eq!(other("setHeaderRoute: beta"), "header route beta");
        assert_eq!(other("invalid"), "invalid");
    }
}
