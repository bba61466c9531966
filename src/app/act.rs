//! All that the ledger says about one act, line by line. The same lines for drawing and for scrolling.

use super::text;
use crate::domain::ledger::{Ending, LedgerAct, moment};

/// Cells of the labels.
pub const LABEL: u16 = 9;

/// A line: a label where a field begins, and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The label; empty where a field goes on.
    pub label: &'static str,
    /// The words.
    pub words: String,
    /// How they are meant.
    pub tone: Tone,
}

/// How words are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As they are.
    Plain,
    /// To be read first.
    Strong,
    /// To be read last.
    Dim,
    /// Something that somebody still has to do.
    Owed,
    /// What came of the act; None while that is open.
    Ending(Option<Ending>),
}

/// The lines of an act for so many cells.
pub fn lines(act: &LedgerAct, width: u16) -> Vec<Line> {
    let mut lines = Lines { lines: Vec::new(), room: width.saturating_sub(LABEL).max(8) };
    let object = &act.object;
    lines.field("when", &moment(act.at), Tone::Plain);
    lines.field("who", &format!("{}, by {}", act.operator.words(), authority(&act.authority)), Tone::Plain);
    lines.field("where", &act.environment, Tone::Plain);
    lines.field("what", &act.subject(), Tone::Plain);
    lines.field("reason", if act.reason.is_empty() { "none given" } else { &act.reason }, Tone::Strong);
    for (place, step) in act.plan.iter().enumerate() {
        let label = if place == 0 { "plan" } else { "" };
        lines.field(label, &format!("{} {step}", place + 1), Tone::Plain);
    }
    for (place, gate) in act.gates.iter().enumerate() {
        let mark = if gate.passed { "" } else { "in the way: " };
        lines.field(if place == 0 { "gates" } else { "" }, &format!("{mark}{}", gate.words), Tone::Plain);
    }
    if let Some(names) = act.overrides() {
        lines.field("override", &format!("{names} blocked it and was overridden"), Tone::Owed);
    }
    lines.field("ticket", act.ticket.as_deref().unwrap_or_default(), Tone::Plain);
    for owed in &act.owes {
        lines.field("owed", owed, Tone::Owed);
    }
    lines.empty();
    lines.outcome(act);
    lines.empty();
    lines.field("entry", &format!("{} of the ledger, by its hash", act.sequence), Tone::Dim);
    lines.field("", &act.hash, Tone::Dim);
    for (place, digest) in act.requests.iter().enumerate() {
        lines.field(if place == 0 { "sent" } else { "" }, digest, Tone::Dim);
    }
    lines.field("act", &act.act, Tone::Dim);
    lines.field("cluster", &act.cluster, Tone::Dim);
    lines.field("uid", &object.uid, Tone::Dim);
    let hashes = [("pods", &object.pod_hash), ("stable", &object.stable_hash)];
    let hashes: Vec<_> = hashes.iter().filter_map(|(word, hash)| hash.as_ref().map(|hash| format!("{word} {hash}"))).collect();
    lines.field("hashes", &hashes.join(", "), Tone::Dim);
    lines.lines
}

/// By what right, in words.
fn authority(word: &str) -> &str {
    match word {
        "dialog" => "a confirmed dialog",
        "cli" => "a command",
        "guard" => "an armed guard",
        other => other,
    }
}

struct Lines {
    lines: Vec<Line>,
    room: u16,
}

impl Lines {
    /// A field in as many lines as it takes; none if it is empty.
    fn field(&mut self, label: &'static str, words: &str, tone: Tone) {
        let mut label = label;
        for line in words.lines().flat_map(|line| text::wrap(line, self.room, usize::MAX)) {
            self.lines.push(Line { label: std::mem::take(&mut label), words: line.into_owned(), tone });
        }
    }

    fn empty(&mut self) {
        self.lines.push(Line { label: "", words: String::new(), tone: Tone::Plain });
    }

    fn outcome(&mut self, act: &LedgerAct) {
        let Some(outcome) = &act.outcome else {
            return self.field("outcome", "under way, or nobody knows yet", Tone::Ending(None));
        };
        for (place, (at, what)) in outcome.observed.iter().enumerate() {
            self.field(if place == 0 { "seen" } else { "" }, &format!("{} {what}", act.after(*at)), Tone::Plain);
        }
        let words = format!("{} after {}", outcome.ending.word(), act.after(outcome.at));
        self.field("outcome", &words, Tone::Ending(Some(outcome.ending)));
        self.field("", &outcome.detail, Tone::Plain);
        if let Some(person) = &outcome.settled_by {
            self.field("", &format!("found out by {}", person.words()), Tone::Dim);
        }
    }
}
