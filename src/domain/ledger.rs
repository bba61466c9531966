//! What the ledger says, as screens show it: acts with what came of them, and what is owed. Plain values; reads no file.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::action::{StableBefore, Verb};
use super::duration::clock;
use super::id::Key;

/// The ledger, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerView {
    /// Acts, the newest first.
    pub acts: Vec<LedgerAct>,
    /// What is owed and not settled, the oldest first.
    pub owed: Vec<OwedLine>,
    /// Why it could not be read, or not all of it.
    pub problem: Option<String>,
}

/// One act: what was intended and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerAct {
    /// Its id.
    pub act: Box<str>,
    /// Place of its intent in the chain, from 1.
    pub sequence: u64,
    /// Hash of the entry of its intent, in hex.
    pub hash: Box<str>,
    /// When it was recorded, by the writer's clock: before anything was sent.
    pub at: Timestamp,
    /// Who.
    pub operator: Person,
    /// By what right: `dialog`, `cli` or `guard`.
    pub authority: Box<str>,
    /// Name of the environment.
    pub environment: Box<str>,
    /// Which cluster that was.
    pub cluster: Box<str>,
    /// To what, as it was seen.
    pub object: ActedOn,
    /// The verb as the command line spells it.
    pub verb: Box<str>,
    /// What was going to happen, step by step.
    pub plan: Vec<Box<str>>,
    /// Why. It may have several lines.
    pub reason: Box<str>,
    /// The ticket, given at once or later.
    pub ticket: Option<Box<str>>,
    /// What it still owes.
    pub owes: Vec<Box<str>>,
    /// What its gates said, where they had a say and were judged.
    pub gates: Vec<LedgerGate>,
    /// Names of the gates that blocked and were overridden.
    pub overridden: Vec<Box<str>>,
    /// Digests of its requests, in the order of sending.
    pub requests: Vec<Box<str>>,
    /// What came of it; None as long as nobody knows.
    pub outcome: Option<LedgerOutcome>,
}

/// What one gate said when an act was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerGate {
    /// Whether it let the act through.
    pub passed: bool,
    /// In words: `errors 1.8% > 1% for 3:12 (canary, 2,130 requests)`.
    pub words: Box<str>,
}

/// Who acts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// User of the machine.
    pub local: Box<str>,
    /// User that the cluster saw, where it said so.
    pub kube: Option<Box<str>>,
    /// Name of the machine.
    pub host: Box<str>,
}

/// An object as it was seen before an act.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActedOn {
    /// Kind as the API spells it.
    pub kind: Box<str>,
    /// Namespace.
    pub namespace: Box<str>,
    /// Name.
    pub name: Box<str>,
    /// Its uid.
    pub uid: Box<str>,
    /// Revision that was going out.
    pub revision: Option<i64>,
    /// Hash of the pods of that revision.
    pub pod_hash: Option<Box<str>>,
    /// Hash of the pods that were stable.
    pub stable_hash: Option<Box<str>>,
    /// Step at which it stood, from 0.
    pub step: Option<usize>,
    /// Phase.
    pub phase: Option<Box<str>>,
}

/// What came of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerOutcome {
    /// When that was recorded.
    pub at: Timestamp,
    /// In a word.
    pub ending: Ending,
    /// In a sentence.
    pub detail: Box<str>,
    /// What was seen to happen, and when.
    pub observed: Vec<(Timestamp, Box<str>)>,
    /// Who found it out, where the writer of the intent could not.
    pub settled_by: Option<Person>,
}

/// What came of an act, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its effect was seen.
    Observed,
    /// The server took it; the effect was not seen in time.
    Accepted,
    /// The server or a rule refused it: nothing was changed.
    Refused,
    /// It did not work.
    Failed,
    /// Nobody can tell.
    Undetermined,
}

/// Something that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedLine {
    /// The act that owes it, if one does.
    pub act: Option<Box<str>>,
    /// What, such as [`TICKET`].
    pub what: Box<str>,
    /// Since when.
    pub since: Timestamp,
}

/// The word for a ticket that is owed.
pub const TICKET: &str = "ticket";

impl Ending {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Undetermined => "undetermined",
        }
    }
}

impl LedgerView {
    /// An act by its id.
    pub fn act(&self, id: &str) -> Option<&LedgerAct> {
        self.acts.iter().find(|act| *act.act == *id)
    }

    /// Acts on a release, the newest first.
    pub fn acts_on<'a>(&'a self, environment: &'a str, key: &'a Key) -> impl Iterator<Item = &'a LedgerAct> {
        self.acts.iter().filter(move |act| *act.environment == *environment && act.object.is(key))
    }

    /// Pod hashes of a release that were stable when somebody acted on it, the newest first, each once.
    pub fn stable_before(&self, environment: &str, key: &Key) -> Vec<StableBefore> {
        let mut found: Vec<StableBefore> = Vec::new();
        for act in self.acts_on(environment, key) {
            if let Some(hash) = act.object.stable_hash.as_ref().filter(|hash| !found.iter().any(|known| known.hash == **hash)) {
                found.push(StableBefore { hash: hash.clone(), at: act.at });
            }
        }
        found
    }

    /// Tickets that are owed, with the acts that owe them, the newest first.
    pub fn owed_tickets(&self) -> impl Iterator<Item = &LedgerAct> {
        let owed = self.owed.iter().rev().filter(|line| *line.what == *TICKET);
        owed.filter_map(|line| self.act(line.act.as_deref()?))
    }
}

impl ActedOn {
    /// Whether it is the object of this name. Uids are not compared: what was done to one that was deleted is part of the story.
    pub fn is(&self, key: &Key) -> bool {
        *self.kind == *key.kind.name() && *self.namespace == *key.namespace && *self.name == *key.name
    }
}

impl LedgerAct {
    /// What was done, as a person says it: `roll back`. A verb that this version does not know stands for itself.
    pub fn words(&self) -> &str {
        self.known_verb().map(Verb::words).or_else(|| guard(&self.verb).map(|(words, _)| words)).unwrap_or(&self.verb)
    }

    /// Who did what, and why, in one line: `dana promoted gateway 10→25% "gates green"`.
    pub fn sentence(&self, what: &str) -> String {
        format!("{} {}", self.operator.local, self.predicate(what))
    }

    /// The same without who: `promoted gateway 10→25% "gates green"`.
    pub fn predicate(&self, what: &str) -> String {
        let known = self.known_verb().map(done).or_else(|| guard(&self.verb).map(|(_, done)| done));
        let done = known.map_or_else(|| format!("did '{}' to", self.verb), str::to_owned);
        let course = self.course().map_or_else(String::new, |(from, to)| format!(" {from}→{to}%"));
        let reason = self.reason.lines().next().unwrap_or_default();
        let reason = if reason.is_empty() { String::new() } else { format!(" \"{reason}\"") };
        let reason = self.overrides().map_or_else(String::new, |names| format!(" overriding {names}")) + &reason;
        match self.outcome.as_ref().map(|outcome| outcome.ending) {
            Some(Ending::Observed) => format!("{done} {what}{course}{reason}"),
            Some(Ending::Accepted) => format!("{done} {what}{course}{reason}, not seen to take effect"),
            Some(Ending::Undetermined) => format!("{done} {what}{course}{reason}, nobody knows whether it worked"),
            Some(ending @ (Ending::Refused | Ending::Failed)) => {
                format!("tried to {} {what}{reason}: {}", self.words(), ending.word())
            }
            None => format!("began to {} {what}{course}{reason}", self.words()),
        }
    }

    /// The gates that were overridden: `errors, p95`; None if none was.
    pub fn overrides(&self) -> Option<String> {
        (!self.overridden.is_empty()).then(|| self.overridden.join(", "))
    }

    /// From which share of traffic to which, where its plan or what was seen says so.
    fn course(&self) -> Option<(&str, &str)> {
        let planned = self.plan.iter().find_map(|line| course(line));
        let seen = || {
            let outcome = self.outcome.as_ref()?;
            let mut seen = outcome.observed.iter().filter_map(|(_, what)| course(what));
            let first = seen.next().or_else(|| course(&outcome.detail))?;
            Some((first.0, seen.next_back().unwrap_or(first).1))
        };
        planned.or_else(seen)
    }

    fn known_verb(&self) -> Option<Verb> {
        Verb::ALL.into_iter().find(|verb| verb.name() == &*self.verb)
    }

    /// The act in Markdown, for a channel or a ticket.
    pub fn markdown(&self) -> String {
        let object = &self.object;
        let ending = self.outcome.as_ref().map_or("under way", |outcome| outcome.ending.word());
        let mut text = format!("**{} {}/{}** in {}: {ending}\n\n", self.words(), object.namespace, object.name, self.environment);
        let mut line = |label: &str, words: &str| {
            let _ = writeln!(text, "- {label}: {}", words.lines().collect::<Vec<_>>().join(" "));
        };
        line("when", &moment(self.at));
        line("who", &self.operator.words());
        line("why", if self.reason.is_empty() { "no reason given" } else { &self.reason });
        if let Some(ticket) = &self.ticket {
            line("ticket", ticket);
        }
        for owed in &self.owes {
            line("owed", owed);
        }
        for gate in &self.gates {
            line(if gate.passed { "gate" } else { "gate in the way" }, &gate.words);
        }
        if let Some(overridden) = self.overrides() {
            line("overridden", &overridden);
        }
        line("what", &self.subject());
        for (place, step) in self.plan.iter().enumerate() {
            line(&format!("plan {}", place + 1), step);
        }
        if let Some(outcome) = &self.outcome {
            for (at, what) in &outcome.observed {
                line(&format!("seen after {}", self.after(*at)), what);
            }
            line("outcome", &format!("{} after {}. {}", outcome.ending.word(), self.after(outcome.at), outcome.detail));
        }
        line("ledger", &format!("entry {}, sha256 {}", self.sequence, self.hash));
        text
    }

    /// The object in a few words: `Rollout shop/gateway, revision 14, step 4, Paused`.
    pub fn subject(&self) -> String {
        let object = &self.object;
        let mut words = format!("{} {}/{}", object.kind, object.namespace, object.name);
        if let Some(revision) = object.revision {
            let _ = write!(words, ", revision {revision}");
        }
        if let Some(step) = object.step {
            let _ = write!(words, ", step {}", step.saturating_add(1));
        }
        if let Some(phase) = &object.phase {
            let _ = write!(words, ", {phase}");
        }
        words
    }

    /// How long after its beginning a moment was: `0:04`.
    pub fn after(&self, at: Timestamp) -> String {
        clock(at.duration_since(self.at).as_secs().max(0))
    }
}

impl Person {
    /// All that is known: `dana on console-2, known to the cluster as dana@corp.example`.
    pub fn words(&self) -> String {
        let kube = self.kube.as_deref().map_or_else(String::new, |kube| format!(", known to the cluster as {kube}"));
        format!("{} on {}{kube}", self.local, self.host)
    }
}

/// A moment in full: `2026-03-02 13:58:02 UTC`.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// What is done about a guard, and what was.
fn guard(verb: &str) -> Option<(&'static str, &'static str)> {
    Some(match verb {
        "guard-arm" => ("arm a guard of", "armed a guard of"),
        "guard-disarm" => ("disarm the guard of", "disarmed the guard of"),
        "guard-cancel" => ("cancel the guard of", "cancelled the guard of"),
        _ => return None,
    })
}

/// What was done, in the past.
fn done(verb: Verb) -> &'static str {
    match verb {
        Verb::Promote => "promoted",
        Verb::PromoteFull => "fully promoted",
        Verb::Hold => "held",
        Verb::Resume => "resumed",
        Verb::Abort => "aborted",
        Verb::Retry => "retried",
        Verb::RollBack => "rolled back",
        Verb::Restart => "restarted",
        Verb::SkipStep => "skipped a step of",
        Verb::SetImage => "set an image of",
        Verb::TerminateAnalysis => "terminated an analysis of",
    }
}

/// The first `10→25` in a text.
fn course(text: &str) -> Option<(&str, &str)> {
    text.match_indices('→').find_map(|(place, arrow)| {
        let (before, after) = (text.get(..place)?, text.get(place + arrow.len()..)?);
        let start = before.rfind(|letter: char| !letter.is_ascii_digit()).map_or(0, |at| at + 1);
        let end = after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len());
        let (from, to) = (before.get(start..)?, after.get(..end)?);
        // A number that is part of a name (`v1→2`) is no share of traffic.
        let whole = before.get(..start).is_none_or(|head| head.is_empty() || head.ends_with(' '));
        (whole && !from.is_empty() && !to.is_empty()).then_some((from, to))
    })
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::domain::id::Kind;

    fn at(seconds: i64) -> Timestamp {
        "2026-03-02T13:58:02Z".parse::<Timestamp>().unwrap() + seconds.seconds()
    }

    fn act() -> LedgerAct {
        LedgerAct {
            act: "a1".into(),
            sequence: 812,
            hash: "9ab3".into(),
            at: at(0),
            operator: Person { local: "dana".into(), kube: Some("dana@corp.example".into()), host: "console-2".into() },
            authority: "dialog".into(),
            environment: "prod".into(),
            object: ActedOn {
                kind: "Rollout".into(),
                namespace: "shop".into(),
                name: "gateway".into(),
                revision: Some(14),
                step: Some(3),
                phase: Some("Paused".into()),
                stable_hash: Some("5b9c".into()),
                ..ActedOn::default()
            },
            verb: "promote".into(),
            plan: vec!["promote 10→25 %".into(), "end the pause at step 4 of 8".into()],
            reason: "gates green\nall of them".into(),
            outcome: Some(LedgerOutcome {
                at: at(4),
                ending: Ending::Observed,
                detail: "The pause is over.".into(),
                observed: vec![(at(2), "traffic 10→25 %".into())],
                settled_by: None,
            }),
            ..LedgerAct::default()
        }
    }

    #[test]
    fn an_act_says_who_did_what_and_why() {
        let ended = |ending| {
            let mut act = act();
            act.outcome = act.outcome.map(|outcome| LedgerOutcome { ending, ..outcome });
            act.sentence("gateway")
        };
        assert_eq!(ended(Ending::Observed), "dana promoted gateway 10→25% \"gates green\"");
        assert_eq!(ended(Ending::Accepted), "dana promoted gateway 10→25% \"gates green\", not seen to take effect");
        assert_eq!(ended(Ending::Refused), "dana tried to promote gateway \"gates green\": refused");
        let begun = LedgerAct { outcome: None, reason: "".into(), verb: "rollback".into(), ..act() };
        assert_eq!(begun.sentence("gateway"), "dana began to roll back gateway 10→25%");
        let unknown = LedgerAct { verb: "teleport".into(), plan: Vec::new(), ..act() };
        assert_eq!(unknown.predicate("it"), "did 'teleport' to it 10→25% \"gates green\"");
    }

    #[test]
    fn shares_are_found_where_they_stand() {
        assert_eq!(course("promote 10→25 %"), Some(("10", "25")));
        assert_eq!(course("gateway v1→2, traffic 25→0 %"), Some(("25", "0")));
        assert_eq!(course("10→"), None);
        assert_eq!(course("→"), None);
        assert_eq!(course("all traffic to rev 13"), None);
        let mut act = LedgerAct { plan: Vec::new(), ..act() };
        let outcome = act.outcome.as_mut().unwrap();
        outcome.observed = vec![(at(1), "traffic 25→10 %".into()), (at(2), "traffic 10→0 %".into())];
        assert_eq!(act.course(), Some(("25", "0")));
    }

    #[test]
    fn an_act_in_markdown_is_complete() {
        let expected = "**promote shop/gateway** in prod: observed\n\n\
            - when: 2026-03-02 13:58:02 UTC\n\
            - who: dana on console-2, known to the cluster as dana@corp.example\n\
            - why: gates green all of them\n\
            - what: Rollout shop/gateway, revision 14, step 4, Paused\n\
            - plan 1: promote 10→25 %\n\
            - plan 2: end the pause at step 4 of 8\n\
            - seen after 0:02: traffic 10→25 %\n\
            - outcome: observed after 0:04. The pause is over.\n\
            - ledger: entry 812, sha256 9ab3\n";
        assert_eq!(act().markdown(), expected);
    }

    #[test]
    fn what_is_remembered_of_a_release() {
        let other = LedgerAct { object: ActedOn { stable_hash: Some("aaaa".into()), ..act().object }, ..act() };
        let elsewhere = LedgerAct { environment: "stage".into(), ..act() };
        let view = LedgerView { acts: vec![act(), other, act(), elsewhere], ..LedgerView::default() };
        let key = Key::new(Kind::Rollout, "shop", "gateway");
        let hashes: Vec<_> = view.stable_before("prod", &key).into_iter().map(|one| one.hash.to_string()).collect();
        assert_eq!((hashes, view.acts_on("prod", &key).count()), (vec!["5b9c".to_owned(), "aaaa".to_owned()], 3));
        assert_eq!(view.acts_on("prod", &Key::new(Kind::Canary, "shop", "gateway")).count(), 0);
    }

    #[test]
    fn the_newest_owed_ticket_comes_first() {
        let owes = |id: &str, seconds| OwedLine { act: Some(id.into()), what: TICKET.into(), since: at(seconds) };
        let named = |id: &str| LedgerAct { act: id.into(), ..act() };
        let sync = OwedLine { what: "sync of gateway".into(), ..owes("a", 9) };
        let view = LedgerView { acts: vec![named("b"), named("a")], owed: vec![owes("a", 0), owes("b", 5), sync], problem: None };
        assert_eq!(view.owed_tickets().map(|act| &*act.act).collect::<Vec<_>>(), ["b", "a"]);
    }
}
