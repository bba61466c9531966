//! What the list says when it has no rows, or not all: loading, empty, not installed, denied, one namespace only,
//! unreachable are different things, and each comes with what to do.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph::Mark;
use super::super::pen::{Pen, row};
use super::super::pieces::Pieces;
use super::super::text;
use super::super::theme::{Role, Theme};
use crate::app::environment::Condition;
use crate::app::{Freshness, State};
use crate::input::Command;

/// Cells that sentences take at most: longer lines are hard to read.
const WIDEST: u16 = 76;

/// What is said: a title, what was heard, what to do.
pub struct Saying {
    /// What it means.
    pub mark: Mark,
    /// What is so, in a sentence.
    pub title: String,
    /// What was heard of it.
    pub detail: String,
    /// What to do, in sentences.
    pub advice: Vec<String>,
}

/// Says what the list has to say in the middle of its area.
pub fn draw(state: &State, theme: &Theme, condition: &Condition, area: Rect, buffer: &mut Buffer) {
    say(state, theme, &saying(state, condition), area, buffer);
}

/// Says something in the middle of an area.
pub fn say(state: &State, theme: &Theme, saying: &Saying, area: Rect, buffer: &mut Buffer) {
    let room = area.width.saturating_sub(4).min(WIDEST);
    let title = text::wrap(&saying.title, room.saturating_sub(2), 3);
    let detail = text::wrap(&saying.detail, room.saturating_sub(2), 5);
    let advice: Vec<_> = saying.advice.iter().map(|line| text::wrap(line, room.saturating_sub(2), 3)).collect();
    let count = title.len() + detail.len() + advice.iter().map(Vec::len).sum::<usize>() + 1;
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    // A little above the middle looks like the middle.
    let top = area.height.saturating_sub(count) * 2 / 5;
    let left = area.width.saturating_sub(room) / 2;
    let mut place = top;
    let mut line = |first: Option<&str>, words: &str, role: Role| {
        let mut pen = Pen::new(buffer, row(area, place));
        pen.skip(left);
        pen.put(first.unwrap_or_default(), theme.mark(saying.mark));
        pen.skip(if first.is_some() { 1 } else { 2 })
            .put(words, if role == Role::Strong { theme.bold(role) } else { theme.style(role) });
        place = place.saturating_add(1);
    };
    for (number, words) in title.iter().enumerate() {
        line((number == 0).then(|| theme.glyph(saying.mark, state.now)), words, Role::Strong);
    }
    for words in &detail {
        line(None, words, Role::Text);
    }
    line(None, "", Role::Text);
    for words in advice.iter().flatten() {
        line(None, words, Role::Dim);
    }
}

/// What the lower edge of the list says beside its rows.
pub fn remark<'a>(theme: &Theme, condition: &Condition) -> Pieces<'a> {
    let warn = theme.mark(Mark::Warning);
    match condition {
        Condition::Narrowed(words) => Pieces::new().add(0, format!("▲ {words}"), warn),
        Condition::Denied(words) => Pieces::new().add(0, format!("▲ may not be read any more: {words}"), warn),
        Condition::Failing(words) => Pieces::new().add(0, format!("▲ cannot be read now: {words}"), warn),
        Condition::NotInstalled => Pieces::new().add(0, "▲ Argo Rollouts was removed", warn),
        Condition::Loading => Pieces::new().add(0, "◐ more are being read", theme.mark(Mark::Running)),
        Condition::Ready | Condition::Empty | Condition::Unreachable(_) => Pieces::new(),
    }
}

fn saying(state: &State, condition: &Condition) -> Saying {
    let environment = &state.environment().settings;
    let name = &environment.name;
    let key = |command: Command| state.keymap.label(command).map_or("", |label| &**label);
    let other = format!("{} chooses another environment.", key(Command::Environments));
    let say = |mark, title: String, detail: &str, advice: Vec<String>| Saying { mark, title, detail: detail.to_owned(), advice };
    let counts = state.table().counts();
    if counts.all > 0 {
        let title = format!("No rollout matches '{}'.", state.table().filter());
        let advice = vec![format!("{} clears the filter.", key(Command::Back))];
        return say(
            Mark::Queued,
            title,
            &format!("{} are hidden by it, {} of them need you.", counts.all, counts.hidden_need),
            advice,
        );
    }
    match condition {
        Condition::Loading | Condition::Ready => loading(state, name, other),
        Condition::Empty => say(
            Mark::Queued,
            format!("There are no rollouts in {name}."),
            "All of it was read: no Rollout and no Canary is there. The first one will show here by itself.",
            vec![other],
        ),
        Condition::NotInstalled => say(
            Mark::Skipped,
            format!("Argo Rollouts is not installed in {name}."),
            "The cluster answers, but it knows neither Rollouts (argoproj.io) nor Canaries (flagger.app).",
            vec!["Install either; it will show here by itself.".to_owned(), other],
        ),
        Condition::Denied(words) => say(
            Mark::Bad,
            format!("You may not read the rollouts of {name}."),
            words,
            vec![
                "Ask for get, list and watch on rollouts, analysisruns and experiments of argoproj.io, on replicasets, pods and events.".to_owned(),
                "If you may read one namespace, name it: pilothouse -n NAMESPACE.".to_owned(),
                other,
            ],
        ),
        Condition::Narrowed(words) => say(
            Mark::Warning,
            format!("There are no rollouts in the part of {name} that you may read."),
            words,
            vec!["Name another namespace: pilothouse -n NAMESPACE.".to_owned(), other],
        ),
        Condition::Unreachable(words) => unreachable(state, name, words, other),
        Condition::Failing(words) => say(
            Mark::Bad,
            format!("The rollouts of {name} cannot be read."),
            words,
            vec![format!("It is being tried again. {} shows what happened, {} connects anew.", key(Command::Log), key(Command::Reconnect)), other],
        ),
    }
}

fn loading(state: &State, name: &str, other: String) -> Saying {
    let (title, detail) = match state.freshness() {
        Freshness::Connecting => (format!("Connecting to {name}."), "Nothing has answered yet.".to_owned()),
        Freshness::Late { seconds } => {
            (format!("{name} has not answered for {}.", text::age(seconds)), "The first list was asked for.".to_owned())
        }
        _ => (format!("Reading the rollouts of {name}."), "They show as they arrive.".to_owned()),
    };
    Saying { mark: Mark::Running, title, detail, advice: vec![other] }
}

fn unreachable(state: &State, name: &str, words: &str, other: String) -> Saying {
    let since = match state.freshness() {
        Freshness::Down { seconds, .. } => format!(" for {}", text::age(seconds)),
        _ => String::new(),
    };
    let context = state.environment().settings.context.as_deref();
    let context = context.map_or_else(String::new, |context| format!(" --context {context}"));
    let reconnect = state.keymap.label(Command::Reconnect).map_or("", |label| &**label);
    Saying {
        mark: Mark::Bad,
        title: format!("{name} has not answered{since}."),
        detail: words.to_owned(),
        advice: vec![
            format!("It is being tried again; {reconnect} tries at once."),
            format!("The same from outside: kubectl{context} version. A VPN, a proxy or an expired login are the usual causes."),
            other,
        ],
    }
}
