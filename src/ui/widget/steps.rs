//! The steps of a canary in one line, shortened to any width:
//!
//! ```text
//! 10% ✔──5m ✔──25% ✔──⏸ 10m 4:31──50% ○──15m ○──100% ○
//! 25% ✔─⏸ 10m 4:31─50% ○ +2
//! ```

use jiff::Timestamp;

use crate::domain::duration::clock;
use crate::domain::timeline::{Standing, Timeline, TimelineStep};
use crate::ui::glyph::Mark;
use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::{Role, Theme};

/// What kind of step the words of a step name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Shifts traffic.
    Weight,
    /// Waits for time or for a person.
    Pause,
    /// Runs an analysis.
    Analysis,
    /// Runs an experiment.
    Experiment,
    /// Anything else.
    Other,
}

/// The kind and the parameter of a step.
pub fn kind(step: &TimelineStep) -> (StepKind, &str) {
    let (name, parameter) = step.words.split_once(": ").unwrap_or((&step.words, ""));
    let kind = match name {
        "setWeight" => StepKind::Weight,
        "pause" => StepKind::Pause,
        "analysis" => StepKind::Analysis,
        "experiment" => StepKind::Experiment,
        _ => StepKind::Other,
    };
    (kind, parameter)
}

/// The mark of a step: what it came to, or what it waits for.
pub fn mark(step: &TimelineStep) -> Mark {
    match (step.standing, step.verdict.as_deref()) {
        (Standing::Current, Some("Failed" | "Error")) => Mark::Bad,
        (Standing::Current, Some("Inconclusive")) => Mark::Unknown,
        (Standing::Current, Some("Successful")) | (Standing::Done, _) => Mark::Good,
        (Standing::Undone, _) => Mark::Skipped,
        (Standing::Upcoming, _) => Mark::Queued,
        (Standing::Current, _) => match (kind(step).0, step.needs_person) {
            (StepKind::Pause, true) => Mark::Paused,
            (StepKind::Pause, false) => Mark::Waiting,
            _ => Mark::Running,
        },
    }
}

/// A step's name in one word: `25%`, `10m`, `you`, `analysis`.
fn label(step: &TimelineStep) -> String {
    match kind(step) {
        (StepKind::Weight, parameter) => format!("{parameter}%"),
        (StepKind::Pause, "") => "you".to_owned(),
        (StepKind::Pause, parameter) if parameter.bytes().all(|digit| digit.is_ascii_digit()) => format!("{parameter}s"),
        (StepKind::Pause, parameter) => parameter.to_owned(),
        (StepKind::Analysis, _) => "analysis".to_owned(),
        (StepKind::Experiment, _) => "experiment".to_owned(),
        (StepKind::Other, parameter) => {
            let name = step.words.split([':', '{']).next().unwrap_or_default();
            match name {
                "setCanaryScale" => "scale".to_owned(),
                "setHeaderRoute" => "header".to_owned(),
                "setMirrorRoute" => "mirror".to_owned(),
                "plugin" => parameter.rsplit('/').next().unwrap_or(parameter).to_owned(),
                name => name.to_owned(),
            }
        }
    }
}

struct Segment {
    words: String,
    mark: Mark,
    current: bool,
    weight: bool,
}

fn segment(theme: &Theme, step: &TimelineStep, now: Timestamp) -> Segment {
    let current = step.standing == Standing::Current;
    let (mark, label) = (mark(step), label(step));
    let glyph = theme.glyph(mark, now);
    let words = if current {
        let left = step.ends.map(|end| end.duration_since(now).as_secs());
        let left = left.map_or_else(String::new, |left| if left > 0 { format!(" {}", clock(left)) } else { " due".to_owned() });
        let label = if step.needs_person { "waits for you" } else { &label };
        format!("{glyph} {label}{left}")
    } else {
        format!("{label} {glyph}")
    };
    Segment { words, mark, current, weight: kind(step).0 == StepKind::Weight }
}

/// Draws the steps in the room that is left.
pub fn draw(pen: &mut Pen<'_>, theme: &Theme, timeline: &Timeline, now: Timestamp) {
    let mut segments: Vec<_> = timeline.steps.iter().map(|step| segment(theme, step, now)).collect();
    let room = pen.room();
    if !segments.iter().any(|segment| segment.current)
        && let Some(first) = segments.iter_mut().find(|segment| segment.mark != Mark::Good)
    {
        first.weight = true;
    }
    let mut rule = "──";
    if width(&segments, rule) > room {
        rule = "─";
    }
    if width(&segments, rule) > room {
        segments.retain(|segment| segment.current || segment.weight);
    }
    let shown = window(&segments, rule, room);
    let (before, after) = (shown.start, segments.len() - shown.end);
    if before > 0 {
        pen.put("… ", theme.style(Role::Dim));
    }
    for (place, segment) in segments.get(shown).unwrap_or_default().iter().enumerate() {
        if place > 0 {
            pen.put(rule, theme.style(Role::Border));
        }
        draw_segment(pen, theme, segment);
    }
    if after > 0 {
        pen.put(" …", theme.style(Role::Dim));
    }
}

fn draw_segment(pen: &mut Pen<'_>, theme: &Theme, segment: &Segment) {
    let style = theme.mark(segment.mark);
    if segment.current {
        let (glyph, words) = segment.words.split_once(' ').unwrap_or((&segment.words, ""));
        pen.put(glyph, style).skip(1).put(words, theme.bold(Role::Strong));
        return;
    }
    let (words, glyph) = segment.words.rsplit_once(' ').unwrap_or(("", &segment.words));
    let role = if segment.mark == Mark::Good { Role::Text } else { Role::Dim };
    pen.put(words, theme.style(role)).skip(1).put(glyph, style);
}

fn width(segments: &[Segment], rule: &str) -> u16 {
    let words = segments.iter().map(|segment| text::width(&segment.words)).fold(0, u16::saturating_add);
    let rules = u16::try_from(segments.len().saturating_sub(1)).unwrap_or(u16::MAX);
    words.saturating_add(rules.saturating_mul(text::width(rule)))
}

/// The segments around the current one that have room, with two cells at each end where something is left out.
fn window(segments: &[Segment], rule: &str, room: u16) -> std::ops::Range<usize> {
    let middle = segments.iter().position(|segment| segment.current);
    let middle = middle.or_else(|| segments.iter().position(|segment| segment.mark != Mark::Good));
    let middle = middle.unwrap_or(segments.len().saturating_sub(1));
    let fits = |range: &std::ops::Range<usize>| {
        let cut = 2 * (u16::from(range.start > 0) + u16::from(range.end < segments.len()));
        width(segments.get(range.clone()).unwrap_or_default(), rule).saturating_add(cut) <= room
    };
    let mut shown = middle..(middle + 1).min(segments.len());
    loop {
        let before = shown.clone();
        // What comes next is worth more than what was: it is tried first, and the past gets what is left.
        for wider in [shown.start..(shown.end + 1).min(segments.len()), shown.start.saturating_sub(1)..shown.end] {
            if wider.len() > shown.len() && fits(&(wider.start.min(shown.start)..wider.end.max(shown.end))) {
                shown = wider.start.min(shown.start)..wider.end.max(shown.end);
            }
        }
        if shown == before {
            return shown;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;

    fn timeline() -> Timeline {
        let words =
            ["setWeight: 10", "pause: 5m", "setWeight: 25", "pause: 10m", "setWeight: 50", "pause", "analysis", "setWeight: 100"];
        let steps = words.iter().enumerate().map(|(place, words)| TimelineStep {
            words: (*words).into(),
            standing: match place {
                0..3 => Standing::Done,
                3 => Standing::Current,
                _ => Standing::Upcoming,
            },
            weight: 0,
            took: None,
            takes: None,
            ends: (place == 3).then(|| Timestamp::UNIX_EPOCH + 271.seconds()),
            needs_person: *words == "pause",
            verdict: None,
        });
        Timeline { steps: steps.collect(), remaining: None, remaining_known: true, background: None }
    }

    fn line(room: u16) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, room, 1));
        let area = buffer.area;
        draw(&mut Pen::new(&mut buffer, area), &Theme::default(), &timeline(), Timestamp::UNIX_EPOCH);
        crate::ui::export::plain(&buffer).trim_end().to_owned()
    }

    #[test]
    fn steps_are_shortened_around_the_current_one() {
        assert_eq!(line(90), "10% ✔──5m ✔──25% ✔──◷ 10m 4:31──50% ○──you ○──analysis ○──100% ○");
        assert_eq!(line(60), "10% ✔─5m ✔─25% ✔─◷ 10m 4:31─50% ○─you ○─analysis ○─100% ○");
        assert_eq!(line(50), "10% ✔─25% ✔─◷ 10m 4:31─50% ○─100% ○");
        assert_eq!(line(30), "… ◷ 10m 4:31─50% ○─100% ○");
        assert_eq!(line(20), "… ◷ 10m 4:31─50% ○ …");
        assert_eq!(line(6), "… ◷ 1…");
        for room in 0..90 {
            assert!(text::width(&line(room)) <= room);
        }
    }
}
