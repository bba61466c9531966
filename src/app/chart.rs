//! Which signal of the opened release is drawn, over which span of time, and where it is read. What was measured lately is there already;
//! for a longer span it asks, once the span rests.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::detail::{self, Moment};
use super::effect::{self, Effect};
use super::panes::{self, Pane};
use super::state::{Screen, State};
use crate::domain::id::{EnvironmentId, Key};
use crate::domain::series::Series;
use crate::domain::signal::{Measured, Track, Verdict};
use crate::domain::tree::EventLine;
use crate::input::Command;

/// Spans that can be chosen, in seconds.
const SPANS: [u32; 10] = [300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 259_200, 604_800];
/// Longest of those that are chosen by themselves: longer ones have to be asked for.
const LONGEST: usize = 2;
/// How long a span has to rest before it is asked for.
const REST: SignedDuration = SignedDuration::from_millis(250);
/// How long after an answer that was an error the same is asked again.
const AGAIN: SignedDuration = SignedDuration::from_secs(15);
/// Values that are asked for in a cell.
const VALUES: u32 = 2;

/// What is drawn.
#[derive(Debug)]
pub struct Chart {
    /// The signal that was chosen; None shows the one that is worst.
    signal: Option<Arc<str>>,
    /// Place of the span that was chosen; None shows the one that fits the release.
    span: Option<usize>,
    /// Place of the span that fits the release.
    fitting: usize,
    /// Where the span ends; None follows the time.
    end: Option<Timestamp>,
    /// Where values are read; None reads the newest.
    cursor: Option<Timestamp>,
    asked: Option<Asked>,
    rests: Option<Timestamp>,
    number: u64,
}

/// A question about a longer span.
#[derive(Debug)]
struct Asked {
    number: u64,
    environment: EnvironmentId,
    uid: Box<str>,
    hash: Box<str>,
    at: Timestamp,
    window: (Timestamp, Timestamp),
    step: u32,
    found: Option<Result<Measured, String>>,
}

/// The values of one track: each part goes on where the one before it ends.
#[derive(Debug)]
pub struct Drawn<'a> {
    /// The track.
    pub track: Track,
    /// Its values.
    pub parts: Vec<&'a Series>,
    /// What the server said against the query.
    pub refused: Option<&'a str>,
}

/// How far the span on the screen is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known<'a> {
    /// All of it, as far as there is something.
    All,
    /// What is older is being asked for.
    Asking,
    /// What is older could not be had. The text is the source's.
    Refused(&'a str),
}

impl Default for Chart {
    fn default() -> Self {
        Self { signal: None, span: None, fitting: LONGEST, end: None, cursor: None, asked: None, rests: None, number: 0 }
    }
}

impl Chart {
    /// Length of the span in seconds.
    pub fn seconds(&self) -> u32 {
        SPANS.get(self.place()).copied().unwrap_or(1_800)
    }

    fn place(&self) -> usize {
        self.span.unwrap_or(self.fitting)
    }

    /// The span that is shown.
    pub fn window(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let end = self.end.unwrap_or(now).min(now);
        (end.checked_sub(SignedDuration::from_secs(self.seconds().into())).unwrap_or(end), end)
    }

    /// Whether the span goes on with the time.
    pub fn follows(&self) -> bool {
        self.end.is_none()
    }

    /// Where values are read.
    pub fn cursor(&self) -> Option<Timestamp> {
        self.cursor
    }

    /// The signal that is drawn of a release: the one that was chosen if it has that, else the worst.
    pub fn signal(&self, state: &State, key: &Key) -> Option<Arc<str>> {
        let names = names(state, key);
        if let Some(chosen) = self.signal.as_ref().filter(|chosen| names.contains(chosen)) {
            return Some(Arc::clone(chosen));
        }
        let judgements = state.environment().metrics.judgements(key);
        let breached = judgements.iter().find(|one| one.verdict == Verdict::Breach);
        breached.map(|one| Arc::clone(&one.name)).or_else(|| names.into_iter().next())
    }

    /// When a longer span is asked for that is not yet; None if nothing waits.
    pub fn wakes(&self) -> Option<Timestamp> {
        self.rests
    }

    /// The answer to a question. One that nobody waits for any more is dropped.
    pub(super) fn answer(&mut self, number: u64, measured: Result<Measured, String>, now: Timestamp) {
        if let Some(asked) = self.asked.as_mut().filter(|asked| asked.number == number) {
            (asked.at, asked.found) = (now, Some(measured));
        }
    }
}

/// Names of the signals of a release, in their order.
pub fn names(state: &State, key: &Key) -> Vec<Arc<str>> {
    state.environment().metrics.judgements(key).iter().map(|one| Arc::clone(&one.name)).collect()
}

/// A key that moves: up and down another signal, to the sides where it is read.
pub(super) fn along(state: &mut State, command: Command) {
    match command {
        Command::MoveUp => turn(state, -1),
        Command::MoveDown => turn(state, 1),
        Command::MoveLeft => read(state, -1),
        _ => read(state, 1),
    }
}

/// A command about signals. Those about the chart do nothing where it is not shown.
pub(super) fn run(state: &mut State, command: Command) -> Vec<Effect> {
    let charted = matches!(state.screen, Screen::Detail(_)) && state.overlay.is_none();
    match command {
        Command::SignalView => state.red_use = !state.red_use,
        Command::SignalPrevious if charted => turn(state, -1),
        Command::SignalNext if charted => turn(state, 1),
        Command::ChartIn if charted => zoom(state, -1),
        Command::ChartOut if charted => zoom(state, 1),
        Command::ChartEarlier if charted => pan(state, -1),
        Command::ChartLater if charted => pan(state, 1),
        _ => {}
    }
    Vec::new()
}

/// Begins anew for another release; the span stays as it was chosen.
pub(super) fn reset(state: &mut State) {
    let Chart { span, fitting, number, .. } = state.chart;
    state.chart = Chart { span, fitting, number, ..Chart::default() };
}

/// The next signal, or the one before.
fn turn(state: &mut State, by: isize) {
    let Some(key) = state.subject().cloned() else { return };
    let names = names(state, &key);
    let Some(count) = isize::try_from(names.len()).ok().filter(|count| *count > 0) else { return };
    let shown = state.chart.signal(state, &key);
    let place = names.iter().position(|name| Some(name) == shown.as_ref()).and_then(|place| isize::try_from(place).ok());
    let next = (place.unwrap_or_default() + by).rem_euclid(count);
    state.chart.signal = usize::try_from(next).ok().and_then(|next| names.get(next).cloned());
}

/// Less time, or more; where values are read stays where it is on the screen.
fn zoom(state: &mut State, by: isize) {
    let now = state.now;
    let chart = &mut state.chart;
    let (start, end) = chart.window(now);
    chart.span = Some(chart.place().saturating_add_signed(by).min(SPANS.len() - 1));
    if let Some(cursor) = chart.cursor {
        let (before, whole) = (cursor.duration_since(start).as_secs_f64(), end.duration_since(start).as_secs_f64().max(1.0));
        let after = (1.0 - before / whole).clamp(0.0, 1.0) * f64::from(chart.seconds());
        let end = SignedDuration::try_from_secs_f64(after).ok().and_then(|after| cursor.checked_add(after).ok());
        chart.end = end.filter(|end| *end < now);
    }
    rest(state);
}

/// Earlier times, or later ones, by a third of the span.
fn pan(state: &mut State, by: i64) {
    let now = state.now;
    let chart = &mut state.chart;
    chart.span = Some(chart.place());
    let third = SignedDuration::from_secs(i64::from(chart.seconds()) / 3 * by);
    let (_, end) = chart.window(now);
    chart.end = end.checked_add(third).ok().filter(|end| *end < now);
    let (start, end) = chart.window(now);
    chart.cursor = chart.cursor.map(|cursor| cursor.clamp(start, end));
    rest(state);
}

/// Moves where values are read by so many columns.
fn read(state: &mut State, by: i64) {
    let columns = i64::from(columns(state).unwrap_or(60).max(2));
    let now = state.now;
    let chart = &mut state.chart;
    let (start, end) = chart.window(now);
    let column = SignedDuration::from_millis(i64::from(chart.seconds()) * 1_000 / columns);
    let from = chart.cursor.unwrap_or_else(|| end.checked_sub(column / 2).unwrap_or(end));
    let to = from.checked_add(column.checked_mul(i32::try_from(by).unwrap_or_default()).unwrap_or_default());
    chart.cursor = to.ok().map(|to| to.clamp(start, end));
}

/// Reads at a place of the plot, counted in columns from its left.
pub(super) fn read_at(state: &mut State, column: u16) {
    let columns = columns(state).unwrap_or(60).max(2);
    let (start, end) = state.chart.window(state.now);
    let millis = i64::from(state.chart.seconds()) * 1_000 * (2 * i64::from(column.min(columns - 1)) + 1) / (2 * i64::from(columns));
    state.chart.cursor = start.checked_add(SignedDuration::from_millis(millis)).ok().map(|at| at.min(end));
}

/// Reads the newest again. Says whether another moment was read.
pub(super) fn unread(state: &mut State) -> bool {
    state.chart.cursor.take().is_some()
}

fn rest(state: &mut State) {
    state.chart.rests = state.now.checked_add(REST).ok();
}

/// Columns of the plot on the screen; None where it is not shown.
fn columns(state: &State) -> Option<u16> {
    let area = state.layout()?.pane(Pane::Chart)?;
    Some(panes::plot_width(area))
}

/// Place of the shortest span that shows all of the newest version of the release that the keys are about: a version that is a minute old
/// would else be a stroke at the edge. What is at rest is shown over the longest of them.
fn fitting(state: &State) -> usize {
    let standing = state.subject().and_then(|key| state.environment().metrics.standing(key));
    let since = standing.filter(|standing| standing.began.is_some()).and_then(|standing| standing.context.appeared);
    let age = since.map_or(i64::MAX, |since| state.now.duration_since(since).as_secs());
    SPANS.iter().take(LONGEST).position(|span| age < i64::from(*span)).unwrap_or(LONGEST)
}

/// Asks for a span that is not known, once it rests.
pub(super) fn follow(state: &mut State) -> Option<Effect> {
    let now = state.now;
    state.chart.fitting = fitting(state);
    if state.chart.rests.is_some_and(|rests| now < rests) {
        return None;
    }
    state.chart.rests = None;
    let Screen::Detail(key) = &state.screen else { return None };
    let key = key.clone();
    let window = state.chart.window(now);
    if starts(state, &key).is_some_and(|start| start <= window.0) {
        return None;
    }
    let columns = columns(state)?;
    let environment = state.environment();
    let target = environment.metrics.target(&environment.cluster, &key)?;
    let seconds = state.chart.seconds();
    let step = (seconds / (u32::from(columns.max(1)) * VALUES)).max(1);
    let known = state.chart.asked.as_ref().is_some_and(|asked| {
        let answered = !matches!(asked.found, Some(Err(_))) || now.duration_since(asked.at) < AGAIN;
        let same = asked.environment == state.shown && asked.uid == target.uid && asked.hash == target.hash;
        let fine = asked.step <= step.saturating_mul(2) && asked.step.saturating_mul(3) >= step;
        let late = SignedDuration::from_secs((i64::from(seconds) / 30).max(30));
        let reaches = asked.window.1.checked_add(late).is_ok_and(|end| end >= window.1)
            || starts(state, &key).is_some_and(|start| start <= asked.window.1);
        answered && same && fine && asked.window.0 <= window.0 && reaches
    });
    if known {
        return None;
    }
    // A little more than is shown: a step to the side needs no question.
    let more = SignedDuration::from_secs(i64::from(seconds) / 2);
    let start = window.0.checked_sub(more).unwrap_or(window.0);
    let end = window.1.checked_add(more).unwrap_or(window.1).min(now);
    state.chart.number += 1;
    let (number, environment) = (state.chart.number, state.shown);
    let (uid, hash) = (target.uid.clone(), target.hash.clone());
    // What was answered before stays on the screen until the answer is there.
    let found = state.chart.asked.take().filter(|asked| asked.uid == uid).and_then(|asked| asked.found);
    let found = found.filter(Result::is_ok);
    state.chart.asked = Some(Asked { number, environment, uid, hash, at: now, window: (start, end), step, found });
    Some(Effect::Chart(Box::new(effect::Chart { number, environment, target, start, end, step })))
}

/// Since when there are values of what is measured anyway.
fn starts(state: &State, key: &Key) -> Option<Timestamp> {
    let measured = state.environment().metrics.measured(key)?;
    let series = measured.signals.iter().flat_map(|(_, tracks)| tracks);
    series.map(|track| track.value.start).max()
}

/// The values of a signal, stable first.
pub fn drawn<'a>(state: &'a State, key: &Key, signal: &str) -> Vec<Drawn<'a>> {
    let environment = state.environment();
    let recent = environment.metrics.measured(key).map(|measured| &**measured);
    let uid = environment.cluster.meta(key).map(|meta| &*meta.uid);
    let older = state.chart.asked.as_ref().filter(|asked| asked.environment == state.shown && Some(&*asked.uid) == uid);
    let older = older.and_then(|asked| asked.found.as_ref()).and_then(|found| found.as_ref().ok());
    let mut all: Vec<Drawn<'a>> = Vec::new();
    for measured in [older, recent].into_iter().flatten() {
        let tracks = measured.signals.iter().filter(|(name, _)| &**name == signal).flat_map(|(_, tracks)| tracks);
        for track in tracks {
            match all.iter_mut().find(|drawn| drawn.track == track.track) {
                Some(drawn) => {
                    drawn.parts.push(&track.value);
                    drawn.refused = track.refused.as_deref();
                }
                None => {
                    all.push(Drawn { track: track.track, parts: vec![&track.value], refused: track.refused.as_deref() });
                }
            }
        }
    }
    all.sort_by_key(|drawn| std::cmp::Reverse(drawn.track));
    all
}

/// How far the span on the screen is known.
pub fn known(state: &State) -> Known<'_> {
    let Some(asked) = state.chart.asked.as_ref().filter(|asked| asked.environment == state.shown) else { return Known::All };
    match &asked.found {
        _ if state.chart.window(state.now).0 < asked.window.0 => Known::Asking,
        None => Known::Asking,
        Some(Err(why)) => Known::Refused(why),
        Some(Ok(_)) => Known::All,
    }
}

/// What happened to a release, for marks along the time: steps and acts, by the local clock.
pub fn moments(state: &State, key: &Key) -> Vec<(Timestamp, String, bool)> {
    let environment = state.environment();
    let ahead = environment.cluster_time(state.now).duration_since(state.now);
    let all = detail::moments(state, key);
    let mut marks: Vec<_> = all
        .iter()
        .filter_map(|moment| match moment {
            Moment::Event(event) => Some((event.at?.checked_sub(ahead).ok()?, event_words(event)?, false)),
            Moment::Act(act) => Some((act.at, act.words().to_owned(), true)),
        })
        .collect();
    marks.sort_by_key(|(at, ..)| *at);
    marks
}

/// A step in a word or two; None for what moved nothing.
fn event_words(event: &EventLine) -> Option<String> {
    let inside = |open: &str| event.message.split_once(open).map(|(_, rest)| rest.trim_end_matches(')'));
    match &*event.reason {
        "RolloutStepCompleted" => inside("(setWeight: ").map(|weight| format!("{weight}%")),
        "RolloutUpdated" => inside("revision ").map(|revision| format!("rev {revision}")),
        "RolloutAborted" => Some("aborted".to_owned()),
        "RolloutCompleted" => Some("done".to_owned()),
        // Flagger: "Advance podinfo.edge canary weight 30".
        "Synced" => event.message.split_once("canary weight ").map(|(_, weight)| format!("{weight}%")),
        _ => None,
    }
}
