//! The guard as a machine: sights and time in, a state and orders out. It is bound to one version of one release and ends with it. What it
//! does not see it does not act on: without data a countdown is dropped, and begins anew when there is data again.

use jiff::{SignedDuration, Timestamp};

use super::finding::{Finding, findings, judged, span};
use super::rules::Rules;
use super::sight::{Place, Sight};
use crate::domain::action::{Outcome, Verb};
use crate::domain::signal::{Judgement, Verdict};

/// A sight that is older than so many seconds is none.
const FRESH: i64 = 15;
/// For so many seconds after its beginning it waits for the first measurement before it calls itself blind.
const FIRST: i64 = 20;
/// After so many seconds what could not be done is tried again.
const AGAIN: i64 = 30;

/// Where a guard is.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Another guard has the release; this one takes over when that one dies.
    Standby {
        /// Who has it.
        holder: Box<str>,
    },
    /// All is well, as far as there is data.
    Watching,
    /// Something is over its limit.
    Breached,
    /// It holds the release.
    Held,
    /// There is no data: it does nothing.
    Blind {
        /// Since when, by the local clock.
        since: Timestamp,
        /// Why.
        why: Box<str>,
    },
    /// It takes the release back when this is over.
    Countdown {
        /// When that is, by the local clock.
        until: Timestamp,
    },
    /// It is doing this.
    Acting(Verb),
    /// It is over.
    Ended(End),
}

/// How a guard ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The version that it watched is stable. Whether it saw nothing at the end.
    Stable {
        /// It had no data when that happened.
        blind: bool,
    },
    /// It took the release back.
    TookBack(Outcome),
    /// Somebody else took the release back.
    Back,
    /// Another version is on its way.
    Other,
    /// The release is gone.
    Gone,
    /// Somebody cancelled it: who, and how.
    Cancelled(Box<str>),
    /// Whoever armed it took it away.
    Disarmed,
}

/// What a machine wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// This, for this reason.
    Act(Verb, Box<str>),
    /// Tell people.
    Say(Box<str>),
}

/// A guard.
#[derive(Clone, Debug)]
pub struct Machine {
    rules: Rules,
    /// Pod hash of the version that it is bound to.
    hash: Box<str>,
    state: State,
    /// What spoke against the release when that was last known, the nearest to its end first.
    findings: Vec<Finding>,
    /// Whether a guard held this version before, or found it held: a person who resumed it is not overruled.
    held: bool,
    /// When what failed may be tried again.
    again: Option<Timestamp>,
    /// When it first looked.
    began: Option<Timestamp>,
    /// Whether there ever was data.
    saw: bool,
    /// How it ends as soon as what is being done is done.
    ends: Option<(End, Box<str>)>,
}

impl Machine {
    /// A guard of this version that nobody has let act yet: it stands by until [`Self::lead`].
    pub fn new(rules: Rules, hash: impl Into<Box<str>>) -> Self {
        let state = State::Standby { holder: "".into() };
        Self {
            rules,
            hash: hash.into(),
            state,
            findings: Vec::new(),
            held: false,
            again: None,
            began: None,
            saw: false,
            ends: None,
        }
    }

    /// Where it is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The version that it is bound to.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Whether it held this version, or found it held.
    pub fn has_held(&self) -> bool {
        self.held
    }

    /// What speaks against the release, in words; empty if nothing does.
    pub fn evidence(&self) -> String {
        let words: Vec<&str> = self.findings.iter().map(|finding| &*finding.words).collect();
        words.join(", ")
    }

    /// Seconds until the countdown begins, if what speaks against the release goes on; None if nothing does.
    pub fn left(&self) -> Option<u32> {
        self.findings.first().map(|finding| finding.needed.saturating_sub(finding.lasted))
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    /// It may act from now on. `held`: a guard before it held this version.
    pub fn lead(&mut self, held: bool) -> Vec<Order> {
        self.held |= held;
        if matches!(self.state, State::Standby { .. }) {
            return self.turn(State::Watching, "on watch");
        }
        Vec::new()
    }

    /// Another one may act, and this one may not. What is being done is done to its end.
    pub fn follow(&mut self, holder: &str) -> Vec<Order> {
        let next = State::Standby { holder: holder.into() };
        if matches!(self.state, State::Acting(_) | State::Ended(_)) || self.state == next {
            return Vec::new();
        }
        self.turn(next, &format!("standing by: {holder} is on watch"))
    }

    /// Somebody cancelled it. What is being done is done to its end.
    pub fn cancel(&mut self, by: &str) -> Vec<Order> {
        self.end(End::Cancelled(by.into()), &format!("cancelled: {by}"))
    }

    /// Whoever armed it takes it away.
    pub fn disarm(&mut self) -> Vec<Order> {
        self.end(End::Disarmed, "disarmed")
    }

    /// What came of an order to act.
    pub fn acted(&mut self, now: Timestamp, verb: Verb, outcome: &Outcome) -> Vec<Order> {
        if self.state != State::Acting(verb) {
            return Vec::new();
        }
        let worked =
            matches!(outcome, Outcome::Observed(_) | Outcome::Accepted(_) | Outcome::Undetermined(_) | Outcome::WouldDo(_));
        let ends = self.ends.take().filter(|_| verb == Verb::Hold || !worked);
        if let Some((end, words)) = ends {
            return self.end_now(end, &words);
        }
        if worked && verb == Verb::Hold {
            self.held = true;
            return self.turn(State::Held, &format!("it stands still: {}", outcome.text()));
        }
        if worked {
            return self.end_now(End::TookBack(outcome.clone()), &format!("took it back: {}", outcome.text()));
        }
        // A person may have been faster, which the next sight shows; else it is tried again, after another countdown.
        self.again = now.checked_add(SignedDuration::from_secs(AGAIN)).ok();
        let words = format!("could not {}: {} It tries again in {AGAIN} s.", verb.words().trim_end_matches(" of"), outcome.text());
        self.turn(State::Breached, &words)
    }

    /// Looks.
    pub fn see(&mut self, now: Timestamp, sight: &Sight) -> Vec<Order> {
        if matches!(self.state, State::Ended(_) | State::Acting(_)) {
            return Vec::new();
        }
        let silent = now.duration_since(sight.at).as_secs() > FRESH;
        let stale = if silent { Some("nothing is heard of the cluster") } else { sight.stale.as_deref() };
        if let Some(why) = stale {
            return self.blind(now, why);
        }
        let Some(release) = &sight.release else { return self.end_now(End::Gone, "the release is gone") };
        if release.off {
            let by = "the annotation pilothouse.dev/guard=off is on it";
            return self.end_now(End::Cancelled(by.into()), &format!("cancelled: {by}"));
        }
        match release.place {
            // In a moment it is known which version this is.
            Place::Unknown => return Vec::new(),
            // Stable's template is the wanted one again.
            Place::Stable if release.hash != self.hash => return self.end_now(End::Back, "it was taken back"),
            _ if release.hash != self.hash => return self.end_now(End::Other, "another version is on its way"),
            Place::Back => return self.end_now(End::Back, "it was taken back by somebody else"),
            Place::Stable => {
                let blind = matches!(self.state, State::Blind { .. }) || self.missing(sight).is_some();
                return self.end_now(End::Stable { blind }, "the version is stable");
            }
            Place::UnderWay => {}
        }
        if matches!(self.state, State::Standby { .. }) {
            self.findings = findings(sight, &self.rules);
            return Vec::new();
        }
        if let Some(why) = self.missing(sight) {
            let began = *self.began.get_or_insert(now);
            let waits = !self.saw && now.duration_since(began).as_secs() < FIRST && sight.silent.is_none();
            return if waits { Vec::new() } else { self.blind(now, &why) };
        }
        self.saw = true;
        let unclear = self.unclear(sight);
        let spoke = !std::mem::replace(&mut self.findings, findings(sight, &self.rules)).is_empty();
        self.judge(now, release.held, (spoke, unclear.as_deref()))
    }

    /// Why there is nothing to go by: no signal has data, or one that spoke against the release has none any more.
    fn missing(&self, sight: &Sight) -> Option<String> {
        if let Some(why) = &sight.silent {
            return Some(why.to_string());
        }
        let found = findings(sight, &self.rules);
        if !found.is_empty() {
            return None;
        }
        let has_data = |verdict: Verdict| verdict != Verdict::NoData;
        let lost = self.findings.iter().find(|finding| {
            let saturation = *finding.signal == *self.rules.saturation;
            let judgement = judged(sight, &self.rules).find(|judgement| *judgement.name == *finding.signal);
            if saturation { sight.saturated.is_none() } else { judgement.is_none_or(|judgement| !has_data(judgement.verdict)) }
        });
        if let Some(lost) = lost {
            return Some(format!("{} has no data", lost.signal));
        }
        let any = judged(sight, &self.rules).any(|judgement| has_data(judgement.verdict)) || sight.saturated.is_some();
        (!any).then(|| match sight.signals.iter().find_map(|judgement| judgement.why.as_deref()) {
            Some(why) => format!("no signal has data: {why}"),
            None => "no signal has data".to_owned(),
        })
    }

    /// What spoke against the release and has too little data to do so now: it is not well because of that.
    fn unclear(&self, sight: &Sight) -> Option<String> {
        let spoke = |judgement: &&Judgement| self.findings.iter().any(|finding| *finding.signal == *judgement.name);
        let judgement = judged(sight, &self.rules).filter(spoke);
        let mut unclear = judgement.filter(|judgement| matches!(judgement.verdict, Verdict::LowTraffic | Verdict::TooEarly));
        unclear.next().map(|judgement| format!("{} cannot be judged now: {}", judgement.name, judgement.verdict.words()))
    }

    /// There is data: what to do. `spoke`: something spoke against the release before; and what cannot be judged any more.
    fn judge(&mut self, now: Timestamp, held: bool, (spoke, unclear): (bool, Option<&str>)) -> Vec<Order> {
        let well = unclear.unwrap_or("well again");
        let mut orders = Vec::new();
        if matches!(self.state, State::Blind { .. }) {
            orders.push(Order::Say("it sees again".into()));
            self.state = self.calm(held);
        }
        let waits = self.again.is_some_and(|again| now < again);
        let due = self.findings.iter().any(|finding| finding.lasted >= finding.needed);
        let holds = self.findings.iter().any(|finding| finding.lasted >= self.rules.hold_after);
        // If somebody was faster, whoever resumes it is not overruled either.
        self.held |= holds && held;
        if let State::Countdown { until } = self.state {
            if !due {
                let words = if self.findings.is_empty() { well } else { "it is no longer over its limit for so long" };
                orders.extend(self.turn(self.calm(held), &format!("the countdown is cancelled: {words}")));
                return orders;
            }
            if now >= until {
                self.state = State::Acting(Verb::RollBack);
                orders.push(Order::Act(Verb::RollBack, self.evidence().into()));
            }
            return orders;
        }
        if due && !waits {
            let until = now.checked_add(SignedDuration::from_secs(self.rules.countdown.into())).unwrap_or(now);
            let words = format!("{}: it is taken back in {}", self.evidence(), span(self.rules.countdown));
            orders.extend(self.turn(State::Countdown { until }, &words));
            return orders;
        }
        if holds && !self.held && !waits {
            self.state = State::Acting(Verb::Hold);
            orders.push(Order::Act(Verb::Hold, self.evidence().into()));
            return orders;
        }
        let next = self.calm(held);
        if next != self.state || (spoke && self.findings.is_empty()) {
            let words = match (&next, &self.state) {
                (State::Breached, _) => format!("{}; {}", self.evidence(), self.next_words()),
                (State::Held, _) if self.findings.is_empty() => format!("{well}; it stays held until somebody resumes it"),
                (State::Held, _) => format!("held; {}", self.evidence()),
                (_, State::Held) => "somebody resumed it; it is not held again for the same version".to_owned(),
                _ => well.to_owned(),
            };
            orders.extend(self.turn(next, &words));
        }
        orders
    }

    /// Where it is while nothing is to be done.
    fn calm(&self, held: bool) -> State {
        match (self.held && held, self.findings.is_empty()) {
            (true, _) => State::Held,
            (false, false) => State::Breached,
            (false, true) => State::Watching,
        }
    }

    /// What comes next if nothing changes.
    fn next_words(&self) -> String {
        let left = span(self.left().unwrap_or_default());
        let first = self.findings.iter().map(|finding| finding.lasted).max().unwrap_or_default();
        if self.held {
            return format!("the countdown in {left}");
        }
        format!("held in {}, the countdown in {left}", span(self.rules.hold_after.saturating_sub(first)))
    }

    /// Nothing is known: nothing is done, and what counted down no longer does.
    fn blind(&mut self, now: Timestamp, why: &str) -> Vec<Order> {
        match &mut self.state {
            State::Standby { .. } => Vec::new(),
            State::Blind { why: before, .. } => {
                if **before != *why {
                    *before = why.into();
                }
                Vec::new()
            }
            state => {
                let dropped = if matches!(state, State::Countdown { .. }) { "the countdown stops; " } else { "" };
                let words = format!("BLIND: {why}. {dropped}it acts on nothing that it does not see");
                self.turn(State::Blind { since: now, why: why.into() }, &words)
            }
        }
    }

    fn turn(&mut self, next: State, words: &str) -> Vec<Order> {
        self.state = next;
        vec![Order::Say(words.into())]
    }

    fn end(&mut self, end: End, words: &str) -> Vec<Order> {
        match self.state {
            State::Ended(_) => Vec::new(),
            State::Acting(_) => {
                self.ends = Some((end, words.into()));
                Vec::new()
            }
            _ => self.end_now(end, words),
        }
    }

    fn end_now(&mut self, end: End, words: &str) -> Vec<Order> {
        self.turn(State::Ended(end), words)
    }
}

impl State {
    /// Its word, as the lease and JSON say it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Standby { .. } => "standby",
            Self::Watching => "watching",
            Self::Breached => "breached",
            Self::Held => "held",
            Self::Blind { .. } => "blind",
            Self::Countdown { .. } => "countdown",
            Self::Acting(_) => "acting",
            Self::Ended(end) => end.word(),
        }
    }
}

impl End {
    /// Its word, as the lease and JSON say it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Stable { .. } => "stable",
            Self::TookBack(_) => "took-back",
            Self::Back => "back",
            Self::Other => "other-version",
            Self::Gone => "gone",
            Self::Cancelled(_) => "cancelled",
            Self::Disarmed => "disarmed",
        }
    }
}
