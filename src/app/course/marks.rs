//! The marks of an act, row by row, as they fill:
//!
//! ```text
//! ✔ recorded as 2026-03/41                                       0.0 s
//! ✔ 1 abort rev 14: traffic to rev 13 at once                    2.1 s
//!     sent 0.0 s → accepted 0.1 s → observed 2.0 s
//! ◐ 2 restore the template of rev 13: ends healthy                0:11
//!     sent 0.0 s → accepted 0.1 s → 6 of 10 pods are there
//! ```

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::super::page::{Page, Row, Sign, Tone, drop_to, window};
use super::super::state::State;
use super::{Course, Marks, StepMarks};
use crate::domain::action::watch::WATCH;
use crate::domain::action::{Do, Outcome, Step};
use crate::domain::duration::clock;
use crate::domain::flagger::interval_seconds;

/// Cells of the window at most.
const WIDEST: u16 = 98;
/// Seconds without progress after which a mark turns red; for Flagger it is two of its ticks, if that is longer.
const PATIENCE: i64 = 30;

/// The window in the area below the header.
pub(in crate::app) fn page(state: &State, marks: &Marks, body: Rect) -> Page {
    let width = WIDEST.min(body.width);
    let mut rows = match state.course() {
        Some((environment, course)) => {
            let ticks = environment.cluster.canary(&course.act.seen.key).map_or(0, |canary| 2 * interval_seconds(canary));
            let moment = Moment {
                now: state.now,
                cluster: environment.cluster_time(state.now),
                patience: PATIENCE.max(ticks),
                place: &environment.settings.name,
            };
            course.rows(&moment, width.saturating_sub(4))
        }
        None => vec![Row::words("", "This act is no longer kept.").meant(Tone::Dim)],
    };
    let height = usize::from(body.height.saturating_sub(2));
    let hidden = if marks.scroll == 0 {
        drop_to(&mut rows, height)
    } else {
        rows.retain(|row| !row.words.is_empty());
        let over = rows.len().saturating_sub(height);
        rows.drain(..(marks.scroll - 1).min(over));
        over
    };
    // Where everything is weightless, the end is what is read.
    let over = rows.len().saturating_sub(height);
    if marks.scroll == 0 {
        rows.drain(..over);
    }
    rows.truncate(height);
    let (window, inside) = window(body, width, rows.len());
    Page { window, inside, labels: 0, rows, hidden: hidden.max(over), buttons: Vec::new() }
}

/// When and where the marks are looked at.
pub(super) struct Moment<'a> {
    /// The local clock.
    pub now: Timestamp,
    /// The cluster's.
    pub cluster: Timestamp,
    /// Seconds without progress that are borne.
    pub patience: i64,
    /// Name of the environment.
    pub place: &'a str,
}

/// A step that is shown, with the waits that belong to it.
struct Group<'a> {
    number: usize,
    words: &'a str,
    steps: Vec<(&'a Step, &'a StepMarks)>,
}

impl Course {
    fn rows(&self, moment: &Moment<'_>, room: u16) -> Vec<Row> {
        let mut rows = vec![self.record(moment)];
        let mut begun = self.recorded.as_ref().map(|(at, _)| *at);
        let groups = self.groups();
        for group in &groups {
            rows.extend(self.group(group, begun, moment, room));
            begun = group.steps.iter().filter_map(|(_, marks)| marks.observed.or(marks.accepted)).next_back().or(begun);
        }
        if let Some((_, outcome)) = &self.ended {
            rows.push(Row::empty());
            let (sign, words) = self.end(outcome);
            let tone = if sign == Sign::Good { Tone::Strong } else { Tone::Loud };
            rows.extend(Row::words("", words).signed(sign).meant(tone).wrapped(room, 4));
        }
        rows.extend(self.watched(moment, room));
        let recovery = self.recovery.as_ref().and_then(|recovery| recovery.row(self.pressed, self.relieved()));
        rows.extend(recovery.into_iter().flat_map(|row| row.wrapped(room.saturating_sub(8), 2)));
        let receipt = self.receipt(moment);
        if !receipt.is_empty() {
            rows.push(Row::empty());
            rows.extend(receipt.into_iter().flat_map(|row| row.wrapped(room, 2)));
        }
        rows
    }

    fn record(&self, moment: &Moment<'_>) -> Row {
        let quiet = moment.now.duration_since(self.heard).as_secs();
        match &self.recorded {
            Some((at, Ok(name))) => {
                let row = Row::words("", format!("recorded as {name}")).signed(Sign::Good).weighing(3);
                Row { right: span(self.pressed, *at), ..row }
            }
            Some((_, Err(why))) => Row::words("", format!("not recorded: {why}")).signed(Sign::Warning),
            None if self.ended.is_some() => Row::words("", "not recorded").signed(Sign::Queued).meant(Tone::Dim).weighing(3),
            None if quiet >= moment.patience => {
                let words = format!("being recorded for {}: is the disk of the ledger stuck?", clock(quiet));
                Row::words("", words).signed(Sign::Bad)
            }
            None => Row::words("", "being recorded").signed(Sign::Running),
        }
    }

    /// Steps as they are numbered: a wait without words of its own belongs to the one before.
    fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (step, marks) in self.act.plan.steps.iter().zip(&self.steps) {
            match groups.last_mut() {
                Some(group) if step.words.is_empty() => group.steps.push((step, marks)),
                _ => groups.push(Group { number: groups.len() + 1, words: &step.words, steps: vec![(step, marks)] }),
            }
        }
        groups
    }

    fn group(&self, group: &Group<'_>, begun: Option<Timestamp>, moment: &Moment<'_>, room: u16) -> Vec<Row> {
        let touched = group.steps.iter().any(|(_, marks)| **marks != StepMarks::default());
        let last = group.steps.iter().filter_map(|(_, marks)| marks.observed.or(marks.accepted)).next_back();
        let all = group.steps.iter().all(|(step, marks)| is_done(step, marks));
        let over = self.ended.is_some();
        let quiet = moment.now.duration_since(self.heard).as_secs();
        let stuck = group.steps.iter().find_map(|(_, marks)| marks.stuck.as_deref());
        let late = !over && touched && !all && (stuck.is_some() || quiet >= moment.patience);
        let unknown = group.steps.iter().find_map(|(_, marks)| marks.unknown.as_deref());
        let sign = match (all, touched) {
            (true, _) => Sign::Good,
            _ if late => Sign::Bad,
            _ if unknown.is_some() => Sign::Unknown,
            (false, true) if over => self.end_sign(),
            (false, true) => Sign::Running,
            (false, false) => Sign::Queued,
        };
        let until = if all || over { last } else { Some(moment.now) };
        let right = begun.zip(until).filter(|_| touched).map(|(from, to)| span(from, to)).unwrap_or_default();
        let tone = if sign == Sign::Queued { Tone::Dim } else { Tone::Strong };
        let title = Row { right, ..Row::words("", format!("{} {}", group.number, group.words)).signed(sign).meant(tone) };
        let mut rows = title.wrapped(room.saturating_sub(8), 2);
        if touched {
            let chain = Row { indent: 4, ..Row::words("", chain(group, begun)).meant(Tone::Dim).weighing(if all { 4 } else { 1 }) };
            rows.extend(chain.wrapped(room, 2));
        }
        if let Some(why) = unknown {
            let words = format!("the answer was lost ({why}): the cluster is read to learn what came of it");
            rows.extend(Row { indent: 2, ..Row::words("", words).signed(Sign::Unknown).meant(Tone::Loud) }.wrapped(room, 3));
        }
        if late {
            let what = stuck.map_or_else(String::new, |what| format!(": {what}"));
            let words = format!("no progress for {}{what}", clock(quiet.max(0)));
            rows.extend(Row { indent: 2, ..Row::words("", words).signed(Sign::Bad) }.wrapped(room, 3));
        }
        rows
    }

    /// The mark of a step that was under way when it ended.
    fn end_sign(&self) -> Sign {
        match &self.ended {
            Some((_, Outcome::Accepted(_))) => Sign::Warning,
            Some((_, Outcome::Undetermined(_))) => Sign::Unknown,
            Some((_, Outcome::Observed(_) | Outcome::WouldDo(_))) => Sign::Good,
            _ => Sign::Bad,
        }
    }

    fn watched(&self, moment: &Moment<'_>, room: u16) -> Vec<Row> {
        let Some(watch) = &self.watch else { return Vec::new() };
        let held = clock(watch.held(moment.cluster));
        let row = match &watch.broken {
            Some((_, words)) => Row::words("", format!("{words}, after {held}")).signed(Sign::Bad),
            None if watch.over && watch.held(moment.cluster) < WATCH => return Vec::new(),
            None if watch.over => Row::words("", format!("held {held}")).signed(Sign::Good),
            None => Row::words("", format!("held {held} of {}: on watch", clock(WATCH))).signed(Sign::Waiting),
        };
        row.wrapped(room, 3)
    }
}

fn is_done(step: &Step, marks: &StepMarks) -> bool {
    match step.does {
        Do::Await(_) => marks.observed.is_some(),
        _ => marks.accepted.is_some() || marks.observed.is_some(),
    }
}

/// `sent 0.0 s → accepted 0.1 s → 6 of 10 pods are there`.
fn chain(group: &Group<'_>, begun: Option<Timestamp>) -> String {
    let mut parts = Vec::new();
    let mut before = begun;
    for (_, marks) in &group.steps {
        for (words, at) in [("sent", marks.sent), ("accepted", marks.accepted), ("observed", marks.observed)] {
            if words == "observed" && at.is_none() {
                parts.extend(marks.progress.clone());
            }
            let Some(at) = at else { continue };
            let took = before.map_or_else(String::new, |before| format!(" {}", span(before, at)));
            parts.push(format!("{words}{took}"));
            before = Some(at);
        }
    }
    parts.join(" → ")
}

/// A time between two moments: `0.1 s`, and from ten seconds on `0:12`.
pub(super) fn span(from: Timestamp, to: Timestamp) -> String {
    let millis = to.duration_since(from).as_millis().max(0);
    if millis < 10_000 {
        format!("{}.{} s", millis / 1_000, millis % 1_000 / 100)
    } else {
        clock(i64::try_from(millis / 1_000).unwrap_or(i64::MAX))
    }
}
