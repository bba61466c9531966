//! One order of a guard carried out: the release is read anew, the planner's first certain way is taken, and the runner does it with its
//! fences and its ledger. What the cluster already shows is not done again.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Armed, Told};
use crate::action::{Asked, Desk, Line, Runner};
use crate::app::cluster::Cluster;
use crate::domain::action::{
    Act, Authority, Either, Gates, Offer, Outcome, Parameters, Plan, Reviewed, Seen, Subject, Verb, What, accesses, offer,
};
use crate::domain::fact::News;
use crate::domain::guard::{Place, Standing};
use crate::domain::id::Key;

/// How long what is remembered of a release is waited for: a way back goes without it.
const GLANCE: std::time::Duration = std::time::Duration::from_secs(2);
/// How long it is waited for that a hold shows, in seconds: the way back must not wait for it.
const HOLD: u32 = 30;

/// What an order came to.
pub struct Came {
    /// The outcome.
    pub outcome: Outcome,
    /// That an annotation forbids guards, seen right before acting.
    pub off: bool,
}

/// Carries an order out.
pub async fn carry(runner: Runner, armed: Armed, (verb, reason, gates): (Verb, Box<str>, Gates), tell: super::Tell) -> Came {
    let Some(desk) = runner.desk(armed.environment) else { return refused("there is no such environment") };
    let line = match desk.line().await {
        Ok(line) => line,
        Err(fault) => return not_sent(&desk, &fault.line()),
    };
    let read = match read(&desk, &line, &armed.seen.key).await {
        Ok(read) => read,
        Err(why) => return not_sent(&desk, &why),
    };
    if let Err(came) = read.still(verb, &armed) {
        return came;
    }
    let plan = match read.plan(&desk, &armed, verb).await {
        Ok(plan) => plan,
        Err(why) => return refused(&why),
    };
    let act = Act {
        number: fastrand::u64(1 << 32..),
        authority: Authority::Guard,
        environment: armed.environment,
        seen: read.seen,
        ticket: desk.environment.policy.ticket("", true).unwrap_or_default(),
        reason: format!("guard: {reason}"),
        unrecorded: armed.unrecorded,
        dry_run: armed.dry_run,
        patience: if verb == Verb::Hold { armed.patience.min(HOLD) } else { armed.patience },
        gates,
        plan,
    };
    let plan = act.plan.clone();
    let (sender, mut reports) = mpsc::unbounded_channel();
    runner.act(
        act,
        Arc::new(move |report| {
            // Nobody listens any more only when this process ends.
            let _ = sender.send(report.what);
        }),
    );
    while let Some(what) = reports.recv().await {
        if let What::Ended(outcome) = what {
            return Came { outcome, off: false };
        }
        if let Some(words) = words(&plan, &what) {
            tell(Told::Said(words.into()));
        }
    }
    Came { outcome: Outcome::Undetermined("The act ended without a word: see the ledger.".to_owned()), off: false }
}

/// A report in words.
fn words(plan: &Plan, what: &What) -> Option<String> {
    let step = |place: &usize| plan.steps.get(*place).map(|step| step.words.to_string()).filter(|words| !words.is_empty());
    Some(match what {
        What::Recorded(entry) => format!("recorded as {entry}"),
        What::Unrecorded(why) => format!("not recorded: {why}"),
        What::Sent(place) => format!("sent: {}", step(place)?),
        What::Unknown(_, why) | What::Stuck(_, why) => why.clone(),
        What::Progress(_, words) => words.clone(),
        What::Accepted(_) | What::Observed(_) | What::Ended(_) => return None,
    })
}

fn refused(why: &str) -> Came {
    Came { outcome: Outcome::Refused(format!("Nothing was sent: {}.", why.trim_end_matches('.'))), off: false }
}

fn not_sent(desk: &Desk, why: &str) -> Came {
    let name = &desk.environment.name;
    Came { outcome: Outcome::NotSent(format!("'{name}' cannot be read: {why}. Nothing was sent.")), off: false }
}

/// A release and what belongs to it, read just now.
struct Read {
    cluster: Cluster,
    seen: Seen,
    standing: Standing,
    key: Key,
    now: jiff::Timestamp,
}

async fn read(desk: &Desk, line: &Line, key: &Key) -> Result<Read, String> {
    let found = desk.named(line, Some(key.kind), Some(&key.namespace), &key.name).await.map_err(|fault| fault.line())?;
    let object = found.into_iter().next().ok_or_else(|| format!("{key} is gone"))?;
    let mut cluster = Cluster::default();
    for owned in std::iter::once(object.clone()).chain(desk.belongings(line, &object).await) {
        cluster.apply(News::Is(owned));
    }
    let (seen, standing) = match (cluster.rollout(key), cluster.canary(key)) {
        (Some(rollout), _) => (Seen::of_rollout(rollout), Standing::of_rollout(rollout)),
        (None, Some(canary)) => (Seen::of_canary(canary), Standing::of_canary(canary)),
        (None, None) => return Err(format!("{key} is gone")),
    };
    Ok(Read { cluster, seen, standing, key: key.clone(), now: desk.now(line) })
}

impl Read {
    /// Whether it is still what the guard is bound to, and not where the order leads.
    fn still(&self, verb: Verb, armed: &Armed) -> Result<(), Came> {
        let standing = &self.standing;
        if standing.off {
            return Err(Came { off: true, ..refused("the annotation pilothouse.dev/guard=off is on it") });
        }
        let why = match standing.place {
            _ if standing.uid != armed.seen.uid || standing.hash != armed.seen.current => "another version is on its way",
            Place::Back => "it was taken back already",
            Place::Stable => "the version is stable by now",
            Place::Waiting => "it has not begun yet",
            Place::UnderWay | Place::Unknown if verb == Verb::Hold && standing.held => "it is held already",
            Place::UnderWay | Place::Unknown => return Ok(()),
        };
        Err(refused(why))
    }

    fn offer(&self, verb: Verb, reviewed: &Reviewed) -> Result<Offer, String> {
        let release = self.cluster.release(&self.key, self.now).ok_or("it is gone")?;
        let object = match (self.cluster.rollout(&self.key), self.cluster.canary(&self.key)) {
            (Some(rollout), _) => Either::Rollout(rollout),
            (None, Some(canary)) => Either::Canary(canary),
            (None, None) => return Err("it is gone".to_owned()),
        };
        let belongings = self.cluster.belongings(&self.key);
        let subject = Subject { object, belongings: &belongings, release: &release, memory: &reviewed.memory, now: self.now };
        offer(verb, &subject, &Parameters::default())
    }

    /// The planner's first certain way; where none is certain, the abort: it leads to the stable version that is there.
    async fn plan(&self, desk: &Desk, armed: &Armed, verb: Verb) -> Result<Plan, String> {
        let first = self.offer(verb, &Reviewed::default()).ok();
        let needed = |plan: &Plan| accesses(plan, &self.key, None);
        let asked = Asked {
            environment: armed.environment,
            key: self.key.clone(),
            uid: self.seen.uid.clone(),
            accesses: first.iter().flat_map(|offer| offer.plans.iter().flat_map(needed)).collect(),
        };
        let reviewed = tokio::time::timeout(GLANCE, desk.review(&asked)).await.unwrap_or_default();
        let mut offer = self.offer(verb, &reviewed);
        if verb == Verb::RollBack && offer.as_ref().map_or(true, |offer| offer.choose) {
            offer = self.offer(Verb::Abort, &reviewed).or(offer);
        }
        // Where only the abort is permitted, it is the certain one.
        let may =
            |plan: &Plan| accesses(plan, &self.key, None).iter().all(|access| !matches!(reviewed.answer(access), Some(Ok(false))));
        let plans: Vec<Plan> = offer?.plans.into_iter().filter(Plan::writes).collect();
        let permitted = plans.iter().find(|plan| may(plan)).or_else(|| plans.first()).cloned();
        permitted.ok_or_else(|| "there is no way back that it could take by itself".to_owned())
    }
}
