//! The guard as a machine: sights and time in, a state and orders out. It is bound to one version of one release and ends with it. What it
//! does not see it does not act on: without data a countdown is dropped, and begins anew when there is data again.

use jiff::{SignedDuration, Timestamp};

use super::election::Legacy;
use super::finding::{Finding, findings, judged, span};
use super::rules::Rules;
use super::sight::{Place, Sight};
use super::state::{End, Order, State};
use crate::domain::action::{Outcome, Verb};
use crate::domain::duration::clock;
use crate::domain::signal::{Judgement, Verdict};

/// A sight that is older than so many seconds is none.
const FRESH: i64 = 15;
/// For so many seconds after its beginning it waits for the first measurement before it calls itself blind.
const FIRST: i64 = 20;
/// After so many seconds what could not be done is tried again.
const AGAIN: i64 = 30;
/// Whoever takes over counts so many seconds more where the end of the countdown passed without a guard: people saw that nothing happened.
const LATE: i64 = 10;
/// An end that passed longer ago than this is nobody's any more, in seconds.
const FORGOTTEN: i64 = 60;

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
    /// What failed, and when it may be tried again.
    again: Option<(Verb, Timestamp)>,
    /// When a countdown ends that others saw begin before this guard was let act.
    begun: Option<Timestamp>,
    /// Whether it may have taken the release back: the answer was lost.
    sent: bool,
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
            begun: None,
            sent: false,
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

    /// When it takes the release back, by the local clock, if what speaks against that goes on; None if no countdown is known.
    pub fn until(&self) -> Option<Timestamp> {
        if let State::Countdown { until } = self.state { Some(until) } else { self.begun }
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    /// It may act from now on. `legacy`: what a guard before it left; None if that was this one.
    pub fn lead(&mut self, legacy: Option<Legacy>) -> Vec<Order> {
        if !matches!(self.state, State::Standby { .. }) {
            return Vec::new();
        }
        if let Some(legacy) = legacy {
            self.held |= legacy.held;
            self.begun = legacy.until;
        }
        self.turn(State::Watching, "on watch")
    }

    /// Another one may act, and this one may not. What is being done is done to its end.
    pub fn follow(&mut self, holder: &str) -> Vec<Order> {
        let next = State::Standby { holder: holder.into() };
        if matches!(self.state, State::Acting(_) | State::Ended(_)) || self.state == next {
            return Vec::new();
        }
        self.begun = self.until();
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
        let worked = matches!(outcome, Outcome::Observed(_) | Outcome::Accepted(_) | Outcome::WouldDo(_));
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
        self.again = now.checked_add(SignedDuration::from_secs(AGAIN)).ok().map(|again| (verb, again));
        let lost = matches!(outcome, Outcome::Undetermined(_));
        self.sent |= lost && verb == Verb::RollBack;
        let could = if lost { "nobody knows whether it could" } else { "could not" };
        let words = format!("{could} {}: {} It tries again in {AGAIN} s.", verb.words().trim_end_matches(" of"), outcome.text());
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
            // In a moment, or when somebody lets it begin, it is known which version this is.
            Place::Unknown | Place::Waiting => return Vec::new(),
            // Stable's template is the wanted one again.
            Place::Stable if release.hash != self.hash => return self.end_now(End::Back, "it was taken back"),
            _ if release.hash != self.hash => return self.end_now(End::Other, "another version is on its way"),
            Place::Back if self.sent => {
                let outcome = Outcome::Observed("the answer was lost, and it is on its way back".into());
                return self.end_now(End::TookBack(outcome), "took it back: the answer was lost, and it is on its way back");
            }
            Place::Back => return self.end_now(End::Back, "it was taken back by somebody else"),
            Place::Stable => {
                let blind = matches!(self.state, State::Blind { .. }) || self.missing(sight).is_some();
                return self.end_now(End::Stable { blind }, "the version is stable");
            }
            Place::UnderWay => {}
        }
        if matches!(self.state, State::Standby { .. }) {
            self.findings = findings(sight, &self.rules);
            self.begun = self.begun.filter(|_| self.is_due());
            return Vec::new();
        }
        if let Some(why) = self.missing(sight) {
            let began = *self.began.get_or_insert(now);
            let waits = !self.saw && now.duration_since(began).as_secs() < FIRST && sight.silent.is_none();
            return if waits { Vec::new() } else { self.blind(now, &why) };
        }
        self.saw = true;
        if sight.away {
            // What counts down stays as it is, and a countdown that ended meanwhile begins anew.
            return Vec::new();
        }
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
        let due = self.is_due();
        let holds = due || self.findings.iter().any(|finding| finding.lasted >= self.rules.hold_after);
        // If somebody was faster, whoever resumes it is not overruled either.
        self.held |= holds && held;
        if let State::Countdown { until } = self.state {
            orders.extend(self.count(now, until, (held, well)));
            return orders;
        }
        // However long it has lasted: what counts down stands still.
        if holds && !self.held && !self.waits(Verb::Hold, now) {
            self.state = State::Acting(Verb::Hold);
            orders.push(Order::Act(Verb::Hold, self.evidence().into()));
            return orders;
        }
        if due && !self.waits(Verb::RollBack, now) {
            let left = self.remaining(now);
            orders.extend(self.begin(now, left));
            return orders;
        }
        self.begun = None;
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

    /// It counts down: on to the end, or no longer. `well`: why not, where nothing speaks against the release any more.
    fn count(&mut self, now: Timestamp, until: Timestamp, (held, well): (bool, &str)) -> Vec<Order> {
        if !self.is_due() {
            let words = if self.findings.is_empty() { well } else { "it is no longer over its limit for so long" };
            return self.turn(self.calm(held), &format!("the countdown is cancelled: {words}"));
        }
        let (late, whole) = (now.duration_since(until).as_secs(), i64::from(self.rules.countdown));
        if late > FRESH || -late > whole {
            let mut orders =
                vec![Order::Say("this machine slept, its clock was set, or nobody measured: the countdown begins anew".into())];
            orders.extend(self.begin(now, SignedDuration::from_secs(whole)));
            return orders;
        }
        if now < until {
            return Vec::new();
        }
        self.state = State::Acting(Verb::RollBack);
        vec![Order::Act(Verb::RollBack, self.evidence().into())]
    }

    /// How long it counts down: a countdown that others see goes on.
    fn remaining(&mut self, now: Timestamp) -> SignedDuration {
        let whole = SignedDuration::from_secs(self.rules.countdown.into());
        match self.begun.take().map(|until| until.duration_since(now)) {
            Some(left) if left.is_positive() => left.min(whole),
            Some(left) if left.as_secs() > -FORGOTTEN => SignedDuration::from_secs(LATE).min(whole),
            _ => whole,
        }
    }

    /// Begins to count down.
    fn begin(&mut self, now: Timestamp, left: SignedDuration) -> Vec<Order> {
        let until = now.checked_add(left).unwrap_or(now);
        let words = format!("{}: it is taken back in {}", self.evidence(), clock(left.as_secs()));
        self.turn(State::Countdown { until }, &words)
    }

    /// Whether what failed waits before it is tried again.
    fn waits(&self, verb: Verb, now: Timestamp) -> bool {
        self.again.is_some_and(|(failed, again)| failed == verb && now < again)
    }

    /// Whether something has spoken against the release for so long that it is taken back.
    fn is_due(&self) -> bool {
        self.findings.iter().any(|finding| finding.lasted >= finding.needed)
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
        if matches!(self.state, State::Standby { .. }) {
            return Vec::new();
        }
        self.begun = None;
        match &mut self.state {
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
                vec![Order::Say("what it does just now is done to its end".into())]
            }
            _ => self.end_now(end, words),
        }
    }

    fn end_now(&mut self, end: End, words: &str) -> Vec<Order> {
        self.turn(State::Ended(end), words)
    }
}
