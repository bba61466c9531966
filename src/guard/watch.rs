//! A guard's life: it is shown what is seen, keeps its Lease, lets its machine decide and its orders be carried out, and gives the Lease
//! back when it is over.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::cancel::who;
use super::carry::{Came, carry};
use super::holder::Holder;
use super::{Armed, Means, Status, Tell, Told};
use crate::action::{Deed, Desk};
use crate::domain::action::{Authority, Gates, Outcome, Verb};
use crate::domain::guard::{ACTING, Claim, End, Legacy, Machine, Order, Posted, Sight, State, Turn};
use crate::source::kube::fault::{Cause, Fault};

/// A look at least this often: a countdown makes no fact.
const GLANCE: Duration = Duration::from_millis(500);
/// How often the Lease is read while it counts down: somebody may cancel.
const COUNTING: Duration = Duration::from_secs(2);
/// How long a guard that is over tries to give its Lease back.
const FAREWELL: Duration = Duration::from_secs(4);

/// A guard at work. When it is dropped the guard goes on only until its process ends.
pub struct Watch {
    sights: watch::Sender<Option<Arc<Sight>>>,
    wishes: mpsc::UnboundedSender<Wish>,
    task: JoinHandle<()>,
}

/// What somebody wants of a guard.
enum Wish {
    /// It is to end, and another one may take over.
    Disarm,
    /// The guards of this version are to end.
    Cancel,
}

/// Arms a guard; the error says why that is not done. Nothing has been asked of a cluster when this returns.
pub fn arm(means: &Means, armed: Armed, tell: Tell) -> Result<Watch, String> {
    if let Some(why) = means.runner.forbids_guards(armed.environment, None).filter(|_| !armed.dry_run) {
        return Err(why);
    }
    let desk = means.runner.desk(armed.environment).ok_or("There is no such environment.")?;
    let (sights, sight) = watch::channel(None);
    let (wishes, wished) = mpsc::unbounded_channel();
    let claim = Claim {
        key: armed.seen.key.clone(),
        hash: armed.seen.current.clone(),
        identity: format!("{}/{}/{:08x}", who(), std::process::id(), fastrand::u32(..)).into(),
        owner: who().into(),
        reason: armed.reason.as_str().into(),
        seconds: armed.rules.lease.max(3),
    };
    let (came, comes) = mpsc::unbounded_channel();
    let life = Life {
        machine: Machine::new(armed.rules.clone(), armed.seen.current.clone()),
        holder: Holder::new(Arc::clone(&desk), claim),
        since: means.clock.now(),
        means: means.clone(),
        told: None,
        lead_at: Instant::now(),
        over_cancel: armed.over_cancel,
        sight,
        desk,
        armed,
        tell,
        came,
    };
    let task = means.runner.runtime().spawn(life.run(wished, comes));
    Ok(Watch { sights, wishes, task })
}

impl Watch {
    /// Shows it what is seen.
    pub fn show(&self, sight: Sight) {
        self.sights.send_replace(Some(Arc::new(sight)));
    }

    /// Takes it away: another guard may take over.
    pub fn disarm(&self) {
        // A guard that is over hears nothing more.
        let _ = self.wishes.send(Wish::Disarm);
    }

    /// Cancels it, and with it all guards of the version.
    pub fn cancel(&self) {
        let _ = self.wishes.send(Wish::Cancel);
    }

    /// Waits until it is over and has given its Lease back.
    pub async fn over(self) {
        // That a task panicked is in the log; there is nothing more to wait for.
        let _ = self.task.await;
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }
}

/// One guard.
struct Life {
    means: Means,
    desk: Arc<Desk>,
    armed: Armed,
    machine: Machine,
    holder: Holder,
    sight: watch::Receiver<Option<Arc<Sight>>>,
    tell: Tell,
    /// Where what came of orders is heard.
    came: mpsc::UnboundedSender<(Verb, Came)>,
    since: Timestamp,
    told: Option<Status>,
    /// When the Lease is looked at next.
    lead_at: Instant,
    over_cancel: bool,
}

impl Life {
    async fn run(mut self, mut wished: mpsc::UnboundedReceiver<Wish>, mut comes: mpsc::UnboundedReceiver<(Verb, Came)>) {
        if let Err(why) = self.begin().await {
            return (self.tell)(Told::Failed(why));
        }
        while !self.machine.is_over() {
            tokio::select! {
                Some(wish) = wished.recv() => {
                    let orders = match wish {
                        Wish::Disarm => self.machine.disarm(),
                        Wish::Cancel => self.machine.cancel(&who()),
                    };
                    self.follow(orders).await;
                }
                Some((verb, came)) = comes.recv() => self.acted(verb, &came).await,
                Ok(()) = self.sight.changed() => self.look().await,
                () = sleep_until(self.lead_at), if !self.armed.dry_run => self.lead().await,
                () = tokio::time::sleep(GLANCE) => self.look().await,
            }
            self.say_now();
        }
        self.end().await;
        self.say_now();
    }

    /// Records that it is armed, and takes its Lease or stands by.
    async fn begin(&mut self) -> Result<(), String> {
        if self.armed.dry_run {
            let orders = self.machine.lead(None);
            self.follow(orders).await;
            return Ok(());
        }
        let name = self.desk.environment.name.clone();
        let line = self.desk.line().await.map_err(|fault| format!("'{name}' was not reached: {}.", fault.line()))?;
        if let Some(why) = self.means.runner.forbids_guards(self.armed.environment, Some(&line.server)) {
            return Err(why);
        }
        let (seen, authority) = (&self.armed.seen, self.armed.authority);
        let recorded = self.desk.record(&line, Deed::Arm, (seen, &self.armed.reason, authority)).await;
        let recorded = match recorded {
            Ok(recorded) => Some(recorded),
            Err(why) if self.armed.unrecorded => {
                (self.tell)(Told::Said(format!("not recorded: {why}").into()));
                None
            }
            Err(why) => return Err(format!("It cannot be recorded, so no guard was armed: {why}")),
        };
        let began = match self.turn("watching").await {
            Ok(Turn::Cancelled { by }) => Err(format!(
                "The guards of this version were cancelled by {by}. Arm it anew over that: W in the cockpit, or --over-cancel."
            )),
            Ok(Turn::Others { owner }) => {
                let orders = self.machine.follow(&owner);
                self.follow(orders).await;
                Ok(format!("standing by: {owner} is on watch"))
            }
            Ok(turn @ (Turn::Mine | Turn::Free(_))) => {
                self.heed(Ok(turn)).await;
                Ok("on watch".to_owned())
            }
            Err(fault) => Err(refusal(&fault)),
        };
        if let Some(recorded) = recorded {
            self.desk.conclude(recorded, began.clone()).await;
        }
        self.over_cancel = false;
        began.map(drop)
    }

    /// Looks at the newest sight.
    async fn look(&mut self) {
        let Some(sight) = self.sight.borrow_and_update().clone() else { return };
        let orders = self.machine.see(self.means.clock.now(), &sight);
        let counts = orders.iter().any(|order| matches!(order, Order::Say(_)));
        self.follow(orders).await;
        if counts {
            // Others see what changed at once.
            self.lead_at = Instant::now();
        }
    }

    /// Reads the Lease, and takes or renews it.
    async fn lead(&mut self) {
        let word = self.machine.state().word();
        let turn = self.turn(word).await;
        self.heed(turn).await;
        let counting = matches!(self.machine.state(), State::Countdown { .. });
        let pause = self.holder.life() / 3;
        self.lead_at = Instant::now() + if counting { pause.min(COUNTING) } else { pause };
    }

    /// Does what a look at the Lease says. Says whether this guard may act.
    async fn heed(&mut self, turn: Result<Turn, Fault>) -> bool {
        let (orders, leads) = match turn {
            Ok(Turn::Mine) => (self.machine.lead(None), true),
            Ok(Turn::Free(legacy)) => (self.machine.lead(Some(legacy)), true),
            Ok(Turn::Others { owner }) => (self.machine.follow(&owner), false),
            Ok(Turn::Cancelled { by }) => (self.machine.cancel(&by), false),
            Err(_) if self.holder.holds() => (Vec::new(), true),
            Err(fault) => (self.machine.follow(&format!("nobody for certain (the Lease: {})", fault.line())), false),
        };
        self.follow(orders).await;
        leads
    }

    async fn turn(&mut self, word: &str) -> Result<Turn, Fault> {
        let machine = &self.machine;
        let now = self.means.clock.now();
        let left = machine.until().map(|until| until.duration_since(now).max(SignedDuration::ZERO));
        let post = |legacy: Legacy, cluster: Timestamp| {
            let own = left.and_then(|left| cluster.checked_add(left).ok());
            let deadline = own.or(legacy.until);
            // Whoever takes it stands by no longer, and a countdown that everybody sees goes on.
            let word = match (word, deadline) {
                ("standby", Some(_)) => "countdown",
                ("standby", None) => "watching",
                _ => word,
            };
            let held = legacy.held || machine.has_held();
            Posted { state: word.into(), deadline, evidence: machine.evidence().into(), held, cancelled: None }
        };
        self.holder.turn(self.over_cancel, post).await
    }

    /// Carries orders out.
    async fn follow(&mut self, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Say(words) => (self.tell)(Told::Said(words)),
                Order::Act(verb, reason) => Box::pin(self.act(verb, reason)).await,
            }
        }
    }

    /// An order to act: the Lease is written once more right before, so that of several guards one does it.
    async fn act(&mut self, verb: Verb, reason: Box<str>) {
        if !self.armed.dry_run {
            let turn = self.turn(ACTING).await;
            let mine = matches!(turn, Ok(Turn::Mine | Turn::Free(_)));
            if !mine {
                let why = match &turn {
                    Ok(Turn::Others { owner }) => format!("{owner} is on watch by now."),
                    Ok(Turn::Cancelled { by }) => format!("it was cancelled: {by}."),
                    Err(fault) => format!("the Lease could not be written: {}.", fault.line()),
                    Ok(Turn::Mine | Turn::Free(_)) => String::new(),
                };
                let orders = self.machine.acted(self.means.clock.now(), verb, &Outcome::NotSent(why));
                self.follow(orders).await;
                self.heed(turn).await;
                return;
            }
            self.lead_at = Instant::now() + self.holder.life() / 3;
        }
        let words = format!("{}: {reason}", if verb == Verb::Hold { "holding it" } else { "taking it back" });
        (self.tell)(Told::Said(words.into()));
        let judgements = self.sight.borrow().as_ref().map(|sight| sight.signals.clone()).unwrap_or_default();
        let gates = Gates::judged(&[], judgements.into());
        let (runner, armed, tell, came) =
            (self.means.runner.clone(), self.armed.clone(), Arc::clone(&self.tell), self.came.clone());
        tokio::spawn(async move {
            // The guard listens until it has heard.
            let _ = came.send((verb, carry(runner, armed, (verb, reason, gates), tell).await));
        });
    }

    async fn acted(&mut self, verb: Verb, came: &Came) {
        let orders = self.machine.acted(self.means.clock.now(), verb, &came.outcome);
        self.follow(orders).await;
        if came.off {
            let orders = self.machine.cancel("the annotation pilothouse.dev/guard=off is on it");
            self.follow(orders).await;
        }
        self.lead_at = Instant::now();
    }

    /// It is over: the Lease goes, or says that guards of this version are cancelled.
    async fn end(&mut self) {
        let State::Ended(end) = self.machine.state().clone() else { return };
        if self.armed.dry_run {
            return;
        }
        let farewell = async {
            match &end {
                End::Cancelled(by) => {
                    self.holder.leave_cancelled(by).await?;
                    self.record(Deed::Cancel, by).await;
                }
                End::Disarmed => {
                    self.holder.give_back().await?;
                    self.record(Deed::Disarm, "").await;
                }
                End::Stable { .. } | End::TookBack(_) | End::Back | End::Other | End::Gone => self.holder.give_back().await?,
            }
            Ok::<_, Fault>(())
        };
        match tokio::time::timeout(FAREWELL, farewell).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => tracing::warn!("the Lease of a guard could not be given back: {}; it runs out", fault.line()),
            Err(_) => tracing::warn!("the Lease of a guard could not be given back in time; it runs out"),
        }
    }

    /// Writes down that it ended. One that another cancelled is on that one's ledger already, and on ours by the right of the guard.
    async fn record(&self, deed: Deed, by: &str) {
        let Ok(line) = self.desk.line().await else { return };
        let own = by.is_empty() || *by == who();
        let authority = if own { self.armed.authority } else { Authority::Guard };
        let reason = if by.is_empty() { "disarmed".to_owned() } else { format!("cancelled: {by}") };
        match self.desk.record(&line, deed, (&self.armed.seen, &reason, authority)).await {
            Ok(recorded) => self.desk.conclude(recorded, Ok("it watches no longer".to_owned())).await,
            Err(why) => tracing::warn!("that a guard ended could not be recorded: {why}"),
        }
    }

    /// Tells where it is, if that changed.
    fn say_now(&mut self) {
        let status = Status {
            state: self.machine.state().clone(),
            evidence: self.machine.evidence().into(),
            left: self.machine.left(),
            since: self.since,
        };
        if self.told.as_ref() != Some(&status) {
            self.told = Some(status.clone());
            (self.tell)(Told::Now(status));
        }
    }
}

/// Why it cannot have a Lease, with the mend.
fn refusal(fault: &Fault) -> String {
    match fault.cause {
        Cause::Forbidden => format!(
            "No guard was armed: {}. It needs get, create, update and delete on leases in coordination.k8s.io.",
            fault.text.trim_end_matches('.')
        ),
        _ => format!("No guard was armed: its Lease cannot be had: {}.", fault.line()),
    }
}
