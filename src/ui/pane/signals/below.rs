//! The lines below the signals of a release: the budget and how fast it burns, the weight that is measured, the collectors, the gate.

use super::super::super::glyph::Mark;
use super::super::super::pieces::Pieces;
use super::super::super::theme::{Role, Theme};
use super::super::budgets;
use super::verdict;
use crate::app::State;
use crate::domain::duration::clock;
use crate::domain::release::{Release, WaitingFor};
use crate::domain::slo::Collector;
use crate::input::Command;

/// Cells of what stands at the left.
const LABEL: usize = 9;
/// From here on a queue is worth a word: the part of it that is full.
const FULL: f64 = 0.8;

/// Places of the lines that go first where there is no room for all: how it will be, what is judged elsewhere, what drifts.
const GOING: [usize; 5] = [1, 4, 2, 3, 0];

/// All lines that have something to say in so many cells, the gate last.
pub fn lines(state: &State, theme: &Theme, release: &Release, room: u16) -> [Option<Pieces<'static>>; 6] {
    let budget = budgets::line(state, theme, &release.key).map(|line| labelled(theme, "budget").joined(line));
    let forecast = budgets::forecast(state, theme, release).map(|line| labelled(theme, "").joined(line));
    let (weight, collector) = (weight(state, theme, release), collector(state, theme));
    [budget, forecast, weight, collector, analysis(state, theme, release), gate(state, theme, release, room)]
}

/// Those for which there is room; what keeps a release from going on is the last that goes.
pub fn fitting(mut lines: [Option<Pieces<'static>>; 6], most: usize) -> Vec<Pieces<'static>> {
    for place in GOING {
        if lines.iter().flatten().count() > most
            && let Some(line) = lines.get_mut(place)
        {
            *line = None;
        }
    }
    lines.into_iter().flatten().collect()
}

/// A line that begins with a label.
pub fn labelled(theme: &Theme, label: &str) -> Pieces<'static> {
    Pieces::new().add(0, format!("{label:<LABEL$}"), theme.style(Role::Text))
}

/// `weight   31% measured, 25% set  ▲ drifts by 6 points`: only where they do not agree.
fn weight(state: &State, theme: &Theme, release: &Release) -> Option<Pieces<'static>> {
    let share = state.environment().metrics.standing(&release.key)?.share?;
    let drift = share.drift?;
    let measured = format!("{:.1}% of the requests reach it", share.percent);
    let set = release.shown_weight.map_or_else(String::new, |weight| format!(", {weight}% is set"));
    let words = format!("{} off by {:.1} points", Mark::Warning.glyph(), drift.abs());
    let line = labelled(theme, "weight").add(0, measured, theme.style(Role::Strong)).add(1, set, theme.style(Role::Text));
    Some(line.after(2, 0, words, theme.mark(Mark::Warning)))
}

/// `otel     ▲ refuses 12/s · drops 3/s · queue 91% full`: only where something is lost or about to be.
fn collector(state: &State, theme: &Theme) -> Option<Pieces<'static>> {
    let Collector { refused, dropped, queue, .. } = state.environment().metrics.collector;
    let lost = |rate: Option<f64>| rate.filter(|rate| *rate > 0.0);
    let mut said = Vec::new();
    said.extend(lost(refused).map(|rate| format!("refuses {}", per_second(rate))));
    said.extend(lost(dropped).map(|rate| format!("drops {}", per_second(rate))));
    said.extend(queue.filter(|part| *part >= FULL).map(|part| format!("queue {:.0}% full", part * 100.0)));
    if said.is_empty() {
        return None;
    }
    let words = format!("{} the collector {}", Mark::Warning.glyph(), said.join(" · "));
    Some(labelled(theme, "otel").add(0, words, theme.mark(Mark::Warning)))
}

/// `analysis ? the controller alone judges web of smoke`: what nothing here judges by. Why is said below, where there is room.
fn analysis(state: &State, theme: &Theme, release: &Release) -> Option<Pieces<'static>> {
    let unjudged = state.environment().metrics.definitions().unjudged(&release.key);
    let what = match unjudged {
        [] => return None,
        [one] => one.split_once(": ").map_or(&**one, |(what, _)| what).to_owned(),
        all => format!("{} of its checks", all.len()),
    };
    let words = format!("{} the controller alone judges {what}", Mark::Unknown.glyph());
    Some(labelled(theme, "analysis").add(0, words, theme.style(Role::Text)))
}

fn per_second(rate: f64) -> String {
    crate::domain::signal::Unit::PerSecond.show(rate)
}

/// ` in 4:31`, or ` any moment` where the time is over.
fn at(left: i64, tight: bool) -> String {
    match left {
        ..=0 => " any moment".to_owned(),
        _ if tight => format!(" {}", clock(left)),
        _ => format!(" in {}", clock(left)),
    }
}

/// `gate     ✖ errors · goes to 50% BY ITSELF in 4:31 · H holds it`, in so many cells. None where there is nothing to go on to, or where
/// nothing is measured.
pub fn gate(state: &State, theme: &Theme, release: &Release, room: u16) -> Option<Pieces<'static>> {
    let judgements = state.environment().metrics.judgements(&release.key);
    if release.promoted || release.aborted || !judgements.iter().any(|one| one.gate) {
        return None;
    }
    let mut shut: Vec<_> = judgements.iter().filter(|one| one.gate && !one.verdict.lets_through()).collect();
    shut.sort_by_key(|one| std::cmp::Reverse(one.verdict));
    // What counts has room everywhere; what it is called, where there is some.
    let tight = room < 60;
    let line = if tight { Pieces::new() } else { labelled(theme, "gate") };
    let Some(worst) = shut.first() else {
        return Some(line.add(0, format!("{} open", Mark::Good.glyph()), theme.mark(Mark::Good)));
    };
    let mark = verdict::mark(worst.verdict);
    let others = if shut.len() > 1 { format!(" +{}", shut.len() - 1) } else { String::new() };
    let line = line.add(0, format!("{} {}{others}", mark.glyph(), worst.name), theme.mark(mark));
    if release.waiting_for != Some(WaitingFor::Time) {
        return Some(line);
    }
    let (border, strong) = (theme.style(Role::Border), theme.style(Role::Strong));
    let to = release.next_weight.map_or_else(|| "on".to_owned(), |weight| format!("to {weight}%"));
    let left = release.until.map(|until| until.duration_since(state.cluster_time()).as_secs());
    let goes = if tight { "" } else { "goes " };
    let line = line.add(0, " · ", border).add(0, format!("{goes}{to} "), strong).add(0, "BY ITSELF", theme.bold(Role::Warn));
    let line = line.add(0, left.map_or_else(String::new, |left| at(left, tight)), strong);
    let key = state.keymap.label(Command::Hold).filter(|_| state.forbidden(state.shown).is_none());
    let Some(key) = key else { return Some(line) };
    let hold = |words: &'static str| {
        let hold = Pieces::new().add(0, " · ", border).add(0, key.to_string(), theme.bold(Role::Accent));
        hold.add(0, words, theme.style(Role::Text))
    };
    let fits = [" holds it", " holds"].map(hold).into_iter().find(|hold| line.width() + hold.width() <= room);
    Some(match fits {
        Some(hold) => line.joined(hold),
        None => line,
    })
}
