//! An act from its permission to its outcome: look, record, send once, read what came of it. A step back needs one fresh read and goes;
//! a step forward also has to find everything as it was seen. Whatever happens, the last report says how it ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::debt::{Debt, debt};
use super::desk::{Desk, Line, Object, Read};
use super::identity::Stranger;
use super::send::{Answer, send};
use super::{Tell, evidence, explain, tell};
use crate::domain::action::offer::Either;
use crate::domain::action::request::{ALREADY, Fresh, Need, Request, missing, needs, request};
use crate::domain::action::until::{Stand, stand};
use crate::domain::action::{Act, Do, Outcome, Plan, Report, Seen, Step, Ticket, Until, Verb, What};
use crate::domain::flagger::interval_seconds;
use crate::ledger::{self, Body, Ending, Ledger, Text};
use crate::source::kube::fault::Fault;

/// How often the object is read while an effect is waited for: quickly at first, when somebody watches.
const LOOK: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// How long a step back waits to learn which cluster this is.
const GLANCE: Duration = Duration::from_secs(2);
/// From then on less often.
const QUICK: Duration = Duration::from_secs(10);
/// Without progress for this long a mark turns red.
const STUCK: Duration = Duration::from_secs(30);

/// Carries an act out.
pub async fn carry(desk: Arc<Desk>, act: Act, tell: Tell) {
    let mut carrier = Carrier { seen: act.seen.clone(), desk, act, tell, entry: None, observed: Vec::new(), wrote: false };
    let outcome = carrier.run().await.unwrap_or_else(|outcome| outcome);
    carrier.conclude(&outcome).await;
    carrier.say(What::Ended(outcome));
}

/// An act under way.
struct Carrier {
    desk: Arc<Desk>,
    act: Act,
    tell: Tell,
    /// What the next step finds if nobody came in between: what was seen, and then what this act's own steps made of it.
    seen: Seen,
    /// Its name on the ledger.
    entry: Option<Text>,
    observed: Vec<ledger::Observed>,
    /// Whether something has been written.
    wrote: bool,
}

/// How an act ends early.
type Ends<T> = Result<T, Outcome>;

impl Carrier {
    async fn run(&mut self) -> Ends<Outcome> {
        // Before anything else, and without asking anybody.
        self.permitted(None)?;
        let line = self
            .desk
            .line()
            .await
            .map_err(|fault| Outcome::NotSent(format!("{} was not reached: {}.", self.place(), fault.line())))?;
        self.permitted(Some(&line.server))?;
        let (cluster, read) = tokio::join!(self.cluster(&line), self.desk.release(&line, &self.act.seen.key));
        let cluster = cluster?;
        let mut read = read.map_err(|fault| self.unread(&fault))?;
        self.compare(&line, &read)?;
        let mut done = String::new();
        for (place, step) in self.act.plan.steps.clone().into_iter().enumerate() {
            if let Do::Await(until) = &step.does {
                if self.act.dry_run {
                    return Ok(Outcome::WouldDo(format!(
                        "The server would take it: {}.",
                        self.act.plan.lines().next().unwrap_or_default()
                    )));
                }
                (read, done) = self.wait(&line, place, until, read).await?;
                continue;
            }
            if place > 0 && self.wrote {
                read = self.desk.release(&line, &self.act.seen.key).await.map_err(|fault| Self::half(&step, &fault.line()))?;
                // Somebody else's release that came in between is not this plan's to write over.
                let now = seen(&read);
                if let Some(why) = self.seen.other_release(&now) {
                    return Err(Self::half(&step, &why));
                }
                // A pause that ended by itself meanwhile, and perhaps gave way to another one, is not this plan's to end any more.
                if step.does == Do::LiftPauses && self.seen.pauses() != now.pauses() {
                    continue;
                }
            }
            self.write(&line, &cluster, (place, &step), &read).await?;
        }
        if self.act.dry_run {
            return Ok(Outcome::WouldDo("The server would take it.".to_owned()));
        }
        Ok(Outcome::Observed(done))
    }

    /// One write of the plan.
    async fn write(&mut self, line: &Arc<Line>, cluster: &str, (place, step): (usize, &Step), read: &Read) -> Ends<()> {
        let request = match self.build(line, step, read).await {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(why) if why == ALREADY => {
                self.say(What::Observed(place));
                return Ok(());
            }
            Err(why) if self.wrote => return Err(Self::half(step, &why)),
            Err(why) => return Err(Outcome::Refused(format!("Nothing was sent: {why}."))),
        };
        let debt = debt(&step.does, &self.act.seen.key).filter(|_| !self.act.dry_run);
        if !self.act.dry_run {
            self.record(cluster, place, &request).await?;
        }
        // Owed before it is sent: a crash in between must not leave behind what nobody knows of.
        if let Some(Debt::Owed(what)) = &debt {
            self.owe(ledger::Body::Owed, what).await;
        }
        self.say(What::Sent(place));
        let answer = send(&line.client, &request, self.act.dry_run, self.desk.shared.patience.answer).await;
        match (&debt, &answer) {
            (Some(Debt::Owed(what)), Answer::Refused(_) | Answer::NotSent(_)) | (Some(Debt::Settled(what)), Answer::Took(_)) => {
                self.owe(ledger::Body::Settled, what).await;
            }
            _ => {}
        }
        match answer {
            Answer::Took(answer) => {
                if let Some(field) = answer.as_ref().and_then(|answer| missing(&request, answer)) {
                    let text = format!(
                        "The server took the request and dropped {field} in silence: it had no effect. Is the CRD older than the controller?"
                    );
                    return Err(if self.wrote { Self::half(step, &text) } else { Outcome::Refused(text) });
                }
                self.accepted(line, place);
                Ok(())
            }
            Answer::Refused(fault) => Err(self.refused(line, step, &fault).await),
            Answer::NotSent(fault) if self.wrote => Err(Self::half(step, &fault.line())),
            Answer::NotSent(fault) => {
                self.desk.hang_up().await;
                Err(Outcome::NotSent(format!("{} was not reached: {}. Nothing was sent.", self.place(), fault.line())))
            }
            Answer::Lost(fault) if self.act.dry_run => {
                Err(Outcome::NotSent(format!("The server did not answer: {}.", fault.line())))
            }
            Answer::Lost(fault) => self.find_out(line, (place, step), &request, &fault).await,
        }
    }

    /// Reads what else a step is built from, and builds its request.
    async fn build(&self, line: &Line, step: &Step, read: &Read) -> Result<Option<Request>, String> {
        let key = &self.act.seen.key;
        let need = needs(&step.does, key, &read.raw)?;
        let (set, workload) = match &need {
            Need::Nothing => (None, None),
            Need::ReplicaSet(set) => (Some(set), None),
            Need::Workload(workload) => (None, Some(workload)),
            Need::Both { set, workload } => (Some(set), Some(workload)),
        };
        let get = async |path: String| {
            self.desk.get(line, &path).await.map_err(|fault| format!("{path} cannot be read: {}", fault.line()))
        };
        let set = match set {
            Some(set) => Some(get(format!("/apis/apps/v1/namespaces/{}/replicasets/{set}", key.namespace)).await?),
            None => None,
        };
        let workload = match workload {
            Some(path) => Some(get(path.clone()).await?),
            None => None,
        };
        let time = self.desk.now(line).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let fresh = Fresh {
            object: Some(&read.raw),
            replica_set: set.as_ref(),
            workload: workload.as_ref(),
            time: &time,
            back: self.act.plan.verb.is_back(),
        };
        request(&step.does, &self.seen, fresh)
    }

    /// The intent before the first request, a line before each later one. On the disk before this returns.
    async fn record(&mut self, cluster: &str, place: usize, request: &Request) -> Ends<()> {
        let digest = ledger::digest(request.method, &request.path, request.body.to_string().as_bytes());
        let body = match &self.entry {
            Some(act) => {
                let step = u32::try_from(place + 1).unwrap_or(u32::MAX);
                Body::Write(ledger::Write { act: act.clone(), step, digest })
            }
            None if self.wrote => return Ok(()),
            None => Body::Intent(Box::new(self.intent(cluster, digest, request).await)),
        };
        let first = self.entry.is_none();
        match self.append(body).await {
            Ok(entry) => {
                if let Body::Intent(intent) = &entry.body {
                    self.entry = Some(intent.act.clone());
                    self.say(What::Recorded(intent.act.to_string()));
                }
                Ok(())
            }
            // What goes back and has begun is not left half done for the want of a line.
            Err(why) if !first && self.act.plan.verb.is_back() => {
                self.say(What::Unrecorded(why));
                Ok(())
            }
            Err(why) if first && self.act.unrecorded && self.act.plan.verb.is_back() => {
                self.say(What::Unrecorded(why));
                Ok(())
            }
            Err(why) if first => Err(Outcome::NotRecorded(format!("It cannot be recorded, so it was not sent: {why}"))),
            Err(why) => Err(Outcome::Accepted(format!("It stopped before step {}: it cannot be recorded: {why}", place + 1))),
        }
    }

    async fn intent(&self, cluster: &str, digest: Text, request: &Request) -> ledger::Intent {
        let (act, seen) = (&self.act, &self.act.seen);
        let text = |text: &str| (!text.is_empty()).then(|| Text::from(text));
        let step = match &seen.position {
            crate::domain::action::Position::Rollout { step, .. } => step.and_then(|step| usize::try_from(step).ok()),
            crate::domain::action::Position::Canary { .. } => None,
        };
        let phase = match &seen.position {
            crate::domain::action::Position::Rollout { .. } => None,
            crate::domain::action::Position::Canary { phase, .. } => text(phase),
        };
        // Known already if a dialog asked; a step back does not wait for it.
        let user = match self.desk.line().await {
            Ok(line) if act.plan.verb.is_back() => line.user.get().cloned().flatten(),
            Ok(line) => self.desk.user(&line).await,
            Err(_) => None,
        };
        let mut owed = Vec::new();
        if act.ticket == Ticket::Owed {
            owed.push(Text::from(ledger::TICKET));
        }
        let (gates, overridden) = evidence::of(act);
        ledger::Intent {
            operator: operator(user),
            authority: match act.authority {
                crate::domain::action::Authority::Dialog => ledger::Authority::Dialog,
                crate::domain::action::Authority::Cli => ledger::Authority::Cli,
                crate::domain::action::Authority::Guard => ledger::Authority::Guard,
            },
            environment: self.desk.environment.name.as_str().into(),
            cluster: cluster.into(),
            object: ledger::Object {
                kind: seen.key.kind.name().into(),
                namespace: (*seen.key.namespace).into(),
                name: (*seen.key.name).into(),
                uid: (*seen.uid).into(),
                revision: seen.revision,
                pod_hash: text(&seen.current),
                stable_hash: text(&seen.stable),
                step,
                phase,
            },
            verb: act.plan.verb.name().into(),
            plan: std::iter::once(&*act.plan.effect).chain(act.plan.lines()).map(Text::from).collect(),
            reason: act.reason.as_str().into(),
            ticket: match &act.ticket {
                Ticket::Given(ticket) => Some(ticket.as_str().into()),
                Ticket::None | Ticket::Owed => None,
            },
            owed,
            digest,
            gates,
            overridden,
            target: target(&act.plan, request),
            ..ledger::Intent::default()
        }
    }

    /// A request was taken.
    fn accepted(&mut self, line: &Arc<Line>, place: usize) {
        if self.act.dry_run {
            return;
        }
        self.saw(format!("step {} accepted", place + 1));
        self.say(What::Accepted(place));
        if !self.wrote {
            self.wrote = true;
            let told = tell::tell(Arc::clone(&self.desk), Arc::clone(line), self.act.clone(), self.entry.clone());
            self.desk.shared.trailing.follow(tokio::spawn(told));
        }
    }

    /// Something is owed from now on, or no longer. Best effort: the plan on the ledger says it, too.
    async fn owe(&self, body: fn(ledger::Debt) -> Body, what: &str) {
        let Some(act) = self.entry.clone() else { return };
        let debt = ledger::Debt { act: Some(act), what: what.into(), ..ledger::Debt::default() };
        if let Err(why) = self.append(body(debt)).await {
            tracing::warn!("what is owed could not be recorded: {why}");
        }
    }

    /// Waits for an effect. Gives the object in which it was seen, and what was seen.
    async fn wait(&mut self, line: &Line, place: usize, until: &Until, mut read: Read) -> Ends<(Read, String)> {
        let begun = Instant::now();
        let patience = Duration::from_secs(self.act.patience.into());
        let stuck = Self::stuck_after(&read);
        let (mut last, mut since, mut told) = (String::new(), Instant::now(), false);
        // What was read before the write says nothing about its effect.
        let mut news: Option<Result<(), Fault>> = None;
        loop {
            let now = match &news {
                None => Ok(Stand::Under(String::new())),
                Some(Ok(())) => self.how(line, until, &read).await,
                Some(Err(fault)) => Err(fault.clone()),
            };
            let words = match now {
                Ok(Stand::Reached(words)) => {
                    self.seen = seen(&read);
                    self.saw(words.clone());
                    self.say(What::Observed(place));
                    return Ok((read, words));
                }
                Ok(Stand::Lost(why)) => {
                    return Err(Outcome::Accepted(format!("It was accepted, but its effect will not come: {why}.")));
                }
                Ok(Stand::Under(words)) => words,
                Err(fault) => format!("the cluster does not answer: {}", fault.line()),
            };
            if words != last && !words.is_empty() {
                (last, since, told) = (words.clone(), Instant::now(), false);
                self.say(What::Progress(place, words));
            } else if since.elapsed() >= stuck && !told {
                told = true;
                self.say(What::Stuck(place, check(until, &last)));
            }
            if begun.elapsed() >= patience {
                return Err(Outcome::Accepted(self.unseen(place, until, &last)));
            }
            let [quick, slow] = LOOK;
            if news.is_some() {
                tokio::time::sleep(if begun.elapsed() < QUICK { quick } else { slow }).await;
            }
            news = Some(self.desk.release(line, &self.act.seen.key).await.map(|again| read = again));
        }
    }

    /// What is said when an effect was not seen in time, and what of the plan is not done because of that.
    fn unseen(&self, place: usize, until: &Until, last: &str) -> String {
        let rest = self.act.plan.steps.iter().skip(place).filter(|step| !matches!(step.does, Do::Await(_)));
        let rest: Vec<&str> = rest.map(|step| &*step.words).collect();
        let rest = if rest.is_empty() { String::new() } else { format!(" Not done: {}.", rest.join("; ")) };
        if last.is_empty() {
            return format!("It was accepted; nobody waited for its effect.{rest}");
        }
        format!("It was accepted; after {} s: {last}. {}{rest}", self.act.patience, check(until, last))
    }

    async fn how(&self, line: &Line, until: &Until, read: &Read) -> Result<Stand, Fault> {
        if let Until::RunEnded(name) = until {
            let run = self.desk.analysis_run(line, &self.act.seen.key.namespace, name).await?;
            let phase = &run.status.phase;
            let ended = crate::domain::phase::is_final(phase);
            return Ok(if ended {
                Stand::Reached(format!("{name} is {phase}"))
            } else {
                Stand::Under(format!("{name} is {phase}"))
            });
        }
        Ok(stand(until, either(&read.object), &self.seen))
    }

    /// Flagger looks once in an interval: two of them are what it may take.
    fn stuck_after(read: &Read) -> Duration {
        match &read.object {
            Object::Canary(canary) => Duration::from_secs(u64::try_from(2 * interval_seconds(canary)).unwrap_or(120)).max(STUCK),
            Object::Rollout(_) => STUCK,
        }
    }

    /// The answer was lost: the cluster is read until it shows what came of the request. It is never sent again.
    async fn find_out(&mut self, line: &Arc<Line>, (place, step): (usize, &Step), request: &Request, fault: &Fault) -> Ends<()> {
        self.say(What::Unknown(place, format!("the answer was lost ({}): reading the cluster", fault.line())));
        let begun = Instant::now();
        let until = self
            .act
            .plan
            .steps
            .iter()
            .skip(place)
            .find_map(|step| if let Do::Await(until) = &step.does { Some(until.clone()) } else { None });
        let own = request.path.starts_with(&crate::domain::action::request::path(&self.act.seen.key, ""));
        let settling = self.desk.shared.patience.settling;
        while begun.elapsed() < settling {
            if let Ok(read) = self.desk.release(line, &self.act.seen.key).await {
                let reached =
                    until.as_ref().is_some_and(|until| matches!(stand(until, either(&read.object), &self.seen), Stand::Reached(_)));
                let object = if own { Ok(read.raw) } else { self.desk.get(line, request.path.trim_end_matches("/status")).await };
                let there = object.is_ok_and(|object| !request.shows.is_empty() && missing(request, &object).is_none());
                if there || reached {
                    self.accepted(line, place);
                    return Ok(());
                }
            }
            tokio::time::sleep(LOOK[1]).await;
        }
        let what = format!("step {} ({})", place + 1, step.words);
        let text = format!(
            "The answer to {what} was lost ({}), and in {} s the cluster did not show its effect. It was not sent again: look, and decide.",
            fault.line(),
            settling.as_secs()
        );
        Err(Outcome::Undetermined(text))
    }

    /// A refusal, explained by what is there now.
    async fn refused(&self, line: &Line, step: &Step, fault: &Fault) -> Outcome {
        let now = self.desk.release(line, &self.act.seen.key).await;
        let text = match now {
            Ok(read) if matches!(fault.code, Some(409 | 422)) => match self.moved(line, &read) {
                Some(moved) => format!("{moved}. The server refused it, nothing was changed; look again and decide anew."),
                None => explain::refusal(fault, &self.act.seen.key.to_string()),
            },
            _ => explain::refusal(fault, &self.act.seen.key.to_string()),
        };
        if self.wrote { Self::half(step, &text) } else { Outcome::Refused(text) }
    }

    /// Whether it is still what was seen.
    fn compare(&self, line: &Line, read: &Read) -> Ends<()> {
        let refuse = |moved| Outcome::Refused(format!("{moved}. Nothing was sent; look again and decide anew."));
        self.moved(line, read).map_or(Ok(()), |moved| Err(refuse(moved)))
    }

    fn moved(&self, line: &Line, read: &Read) -> Option<String> {
        let now = seen(read);
        let why = if is_bound_to_all(self.act.plan.verb) { self.seen.moved(&now) } else { self.seen.other_release(&now) }?;
        let who = explain::who(&read.raw, self.desk.now(line)).map(|who| format!(", last by {who}")).unwrap_or_default();
        Some(format!("It is not what you saw: {why}{who}"))
    }

    fn permitted(&self, server: Option<&str>) -> Ends<()> {
        self.desk.shared.permit.refuses(&self.act, &self.desk.environment, server).map_or(Ok(()), |why| Err(Outcome::Refused(why)))
    }

    /// Which cluster this is. That it is another one holds up everything; that nobody says which holds up only what goes forward.
    async fn cluster(&self, line: &Line) -> Ends<String> {
        let back = self.act.plan.verb.is_back();
        let known = async {
            match tokio::time::timeout(if back { GLANCE } else { Duration::MAX }, self.desk.known(line)).await {
                Ok(known) => known,
                Err(_) => Err(Stranger::Unread(Fault::silent(GLANCE))),
            }
        };
        match known.await {
            Err(Stranger::Unread(fault)) if back => Ok(format!("not read: {}", fault.line())),
            known => known.map_err(|stranger| self.stranger(stranger)),
        }
    }

    fn stranger(&self, stranger: Stranger) -> Outcome {
        match stranger {
            Stranger::Another(both) => {
                Outcome::OtherCluster(format!("Nothing was sent: {both}. Confirm the cluster first if that is as it should be."))
            }
            Stranger::Unread(fault) => {
                Outcome::NotSent(format!("Which cluster {} is cannot be read: {}. Nothing was sent.", self.place(), fault.line()))
            }
        }
    }

    fn unread(&self, fault: &Fault) -> Outcome {
        match fault.code {
            Some(404) => Outcome::Refused(format!("{} is gone. Nothing was sent.", self.act.seen.key)),
            Some(403) => Outcome::Refused(explain::refusal(fault, &self.act.seen.key.to_string())),
            _ => Outcome::NotSent(format!("{} cannot be read: {}. Nothing was sent.", self.act.seen.key, fault.line())),
        }
    }

    /// Something was done, and the rest was not.
    fn half(step: &Step, why: &str) -> Outcome {
        let why = why.trim_end_matches('.');
        Outcome::Accepted(format!("The steps before were accepted; not done: {} ({why}).", step.words))
    }

    fn place(&self) -> String {
        format!("'{}'", self.desk.environment.name)
    }

    fn saw(&mut self, what: String) {
        let at = self.desk.shared.clock.now();
        self.observed.push(ledger::Observed { what: what.into(), at });
    }

    fn say(&self, what: What) {
        (self.tell)(Report { act: self.act.number, at: self.desk.shared.clock.now(), what });
    }

    async fn append(&self, body: Body) -> Result<ledger::Entry, String> {
        append(self.desk.shared.ledger.clone(), self.desk.shared.clock.now(), body).await
    }

    /// The outcome on the ledger. If that fails, the intent stays open, and the next start settles it.
    async fn conclude(&mut self, outcome: &Outcome) {
        let Some(act) = self.entry.clone() else { return };
        let result = ending(outcome);
        let observed = std::mem::take(&mut self.observed);
        let body = Body::Outcome(ledger::Outcome { act, result, detail: outcome.text().into(), observed, settled_by: None });
        if let Err(why) = self.append(body).await {
            tracing::error!("what came of an act could not be recorded: {why}");
        }
    }
}

/// Verbs whose meaning depends on where exactly the release is. A restart or another image means the same at every step.
fn is_bound_to_all(verb: Verb) -> bool {
    matches!(verb, Verb::Promote | Verb::PromoteFull | Verb::Resume | Verb::Retry | Verb::SkipStep)
}

/// Where a plan leads, for whoever has to find out whether it did: pods by their hash, an AnalysisRun, or the time of a restart.
fn target(plan: &Plan, first: &Request) -> Option<Text> {
    let run = plan.steps.iter().find_map(|step| if let Do::Terminate { run } = &step.does { Some(&**run) } else { None });
    let restart = first.shows.iter().find(|(pointer, _)| pointer == "/spec/restartAt").and_then(|(_, time)| time.as_str());
    run.or(restart).or(plan.target.as_ref().map(|target| &*target.hash)).map(Text::from)
}

/// Appends in a thread that may block.
pub(super) async fn append(ledger: Result<Ledger, String>, now: Timestamp, body: Body) -> Result<ledger::Entry, String> {
    let ledger = ledger?;
    let appended = tokio::task::spawn_blocking(move || ledger.append(now, body)).await;
    appended.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

/// Who sits here, as this machine and the cluster say.
pub(super) fn operator(user: Option<String>) -> ledger::Operator {
    ledger::operator::operator(user.map(Text::from))
}

pub(super) fn seen(read: &Read) -> Seen {
    match &read.object {
        Object::Rollout(rollout) => Seen::of_rollout(rollout),
        Object::Canary(canary) => Seen::of_canary(canary),
    }
}

pub(super) fn either(object: &Object) -> Either<'_> {
    match object {
        Object::Rollout(rollout) => Either::Rollout(rollout),
        Object::Canary(canary) => Either::Canary(canary),
    }
}

fn ending(outcome: &Outcome) -> Ending {
    match outcome {
        Outcome::Observed(_) | Outcome::WouldDo(_) => Ending::Observed,
        Outcome::Accepted(_) => Ending::Accepted,
        Outcome::Refused(_) | Outcome::OtherCluster(_) => Ending::Refused,
        Outcome::NotSent(_) | Outcome::NotRecorded(_) => Ending::Failed,
        Outcome::Undetermined(_) => Ending::Undetermined,
    }
}

/// What to look at when an effect does not come.
fn check(until: &Until, words: &str) -> String {
    let advice = match until {
        Until::FlaggerFailed | Until::FlaggerSucceeded | Until::FlaggerMoved | Until::Suspended(_) => {
            "Is Flagger running, and is the Canary not suspended?"
        }
        Until::Stable(_) | Until::Promoted | Until::Restarted => "Look at its pods: can they start, and is there room for them?",
        Until::RunEnded(_) => "Is the Argo Rollouts controller running?",
        Until::TrafficBack if words.contains("load balancer") => "Look at the load balancer's controller.",
        Until::MovedOn | Until::Held(_) | Until::TrafficBack | Until::Retried | Until::Current(_) | Until::AnotherTemplate => {
            "Is the Argo Rollouts controller running, and does it watch this namespace?"
        }
    };
    advice.to_owned()
}
