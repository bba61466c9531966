//! The verbs on the command line: the same offers, plans, fences and ledger as the dialogs, for hands that type and for scripts. Asks
//! nothing; what is missing is an error that names the flag.

mod arguments;
mod gated;
mod say;

use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use jiff::Timestamp;

use super::{Common, Exit, Failure};
use crate::action::{Asked, Desk, Runner};
use crate::app::cluster::Cluster;
use crate::config::Settings;
use crate::domain::action::{
    Act, Authority, Gates, Offer, Outcome, Parameters, Plan, Position, Report, Reviewed, Seen, Subject, Ticket, Verb, What,
    accesses, offer, offer::Either,
};
use crate::domain::fact::News;
use crate::domain::flagger::interval_seconds;
use crate::domain::id::{EnvironmentId, Key};
use crate::domain::release::Release;
use crate::source::kube::fault::Fault;
use crate::wire;

pub use arguments::{Back, Plain, Promote, RollBack, SetImage, Shared, Terminate};

/// How long a step back waits for what a review says: it goes without it.
const GLANCE: Duration = Duration::from_secs(2);
/// How long a step forward waits for it: then it has not been found permitted.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long an effect is waited for unless somebody says otherwise, in seconds.
const WAIT: u32 = 60;
/// How long it may take at the end to tell others of the act, and to settle intents of processes that died.
const EPILOGUE: Duration = Duration::from_secs(5);

/// `promote`.
pub fn promote(arguments: &Promote, common: &Common) -> Result<Exit, Failure> {
    let verb = if arguments.full { Verb::PromoteFull } else { Verb::Promote };
    run(&Wanted { override_gates: arguments.override_gates, ..Wanted::new(verb, &arguments.common) }, common)
}

/// `rollback`.
pub fn roll_back(arguments: &RollBack, common: &Common) -> Result<Exit, Failure> {
    let mut wanted = Wanted::new(Verb::RollBack, &arguments.back.common);
    wanted.parameters.to_revision = arguments.to_revision;
    (wanted.unrecorded, wanted.way) = (arguments.back.unrecorded, usize::from(arguments.way));
    run(&wanted, common)
}

/// `abort` and `pause`.
pub fn back(verb: Verb, arguments: &Back, common: &Common) -> Result<Exit, Failure> {
    run(&Wanted { unrecorded: arguments.unrecorded, ..Wanted::new(verb, &arguments.common) }, common)
}

/// `resume`, `retry`, `restart` and `skip-step`.
pub fn plain(verb: Verb, arguments: &Plain, common: &Common) -> Result<Exit, Failure> {
    run(&Wanted::new(verb, &arguments.common), common)
}

/// `set-image`.
pub fn set_image(arguments: &SetImage, common: &Common) -> Result<Exit, Failure> {
    let mut wanted = Wanted::new(Verb::SetImage, &arguments.common);
    wanted.parameters.image = Some(arguments.image.clone());
    run(&wanted, common)
}

/// `terminate-analysis`.
pub fn terminate(arguments: &Terminate, common: &Common) -> Result<Exit, Failure> {
    let mut wanted = Wanted::new(Verb::TerminateAnalysis, &arguments.common);
    wanted.parameters.run.clone_from(&arguments.run);
    run(&wanted, common)
}

/// What was typed.
struct Wanted<'a> {
    verb: Verb,
    common: &'a Shared,
    parameters: Parameters,
    unrecorded: bool,
    override_gates: bool,
    way: usize,
}

impl<'a> Wanted<'a> {
    fn new(verb: Verb, common: &'a Shared) -> Self {
        Self { verb, common, parameters: Parameters::default(), unrecorded: false, override_gates: false, way: 1 }
    }
}

/// A release, read.
struct Found {
    key: Key,
    cluster: Cluster,
    release: Release,
    seen: Seen,
    /// When, by the cluster's clock.
    now: Timestamp,
}

fn run(wanted: &Wanted<'_>, common: &Common) -> Result<Exit, Failure> {
    if wanted.common.reason.trim().is_empty() {
        return Err(Failure::Usage("A reason is needed: --reason TEXT says why, for the record.".to_owned()));
    }
    let settings = common.settings()?;
    let environment = place(&settings, common)?;
    let (runtime, runner) =
        wire::acting(&settings).map_err(|error| Failure::Refused(format!("No thread can be started: {error}.")))?;
    let desk = runner.desk(environment).ok_or_else(|| Failure::Usage("There is no environment to act on.".to_owned()))?;
    let settled = runner.settle(|| {});
    let outcome = runtime.block_on(decide(wanted, &desk, common)).and_then(|decided| match decided {
        Decided::Said(exit) => Ok(exit),
        Decided::Act(act, found) => gated(wanted, &settings, Act { environment, ..*act }, &found)
            .and_then(|act| act.map_or(Ok(Exit::Refused), |act| carry(wanted, &runner, act, &found))),
    });
    // The act has ended; none of this holds anybody up for long.
    let epilogue = async { tokio::join!(runner.told(), settled) };
    let _ = runtime.block_on(async { tokio::time::timeout(EPILOGUE, epilogue).await });
    runtime.shutdown_background();
    outcome
}

/// Where to act. With several environments it has to be said: nobody acts in the wrong place.
pub(super) fn place(settings: &Settings, common: &Common) -> Result<EnvironmentId, Failure> {
    if settings.environments.len() > 1 && common.environment.is_none() && common.context.is_none() {
        let names: Vec<&str> = settings.environments.iter().map(|one| one.name.as_str()).collect();
        return Err(Failure::Usage(format!(
            "{} environments are configured: name one with -e ({}).",
            names.len(),
            names.join(", ")
        )));
    }
    Ok(EnvironmentId(u16::try_from(settings.start_environment).unwrap_or_default()))
}

enum Decided {
    /// Everything is said.
    Said(Exit),
    /// To be carried out.
    Act(Box<Act>, Box<Found>),
}

async fn decide(wanted: &Wanted<'_>, desk: &Desk, common: &Common) -> Result<Decided, Failure> {
    let name = &desk.environment.name;
    let line = desk.line().await.map_err(|fault| unreachable(name, &fault))?;
    if wanted.common.trust_cluster {
        let identity =
            desk.trust().await.map_err(|why| Failure::Refused(format!("The cluster cannot be told from others: {why}.")))?;
        say::talk(&format!("'{name}' is the cluster {identity} from now on."))?;
    }
    let found = find(wanted, desk, &line, common).await?;
    expected(wanted, &found)?;
    // What is remembered decides which way back is the first, so it is asked for before; but a step back does not wait long.
    let ask = |offer: Option<&Offer>| Asked {
        environment: EnvironmentId(0),
        key: found.key.clone(),
        uid: found.seen.uid.clone(),
        accesses: offer
            .map(|offer| offer.plans.iter().flat_map(|plan| accesses(plan, &found.key, found.workload())).collect())
            .unwrap_or_default(),
    };
    let first = found.offer(wanted, &Reviewed::default()).ok();
    let asked = ask(first.as_ref());
    let patience = if wanted.verb.is_back() { GLANCE } else { PATIENCE };
    let reviewed = tokio::time::timeout(patience, desk.review(&asked)).await.unwrap_or_default();
    let offer = found
        .offer(wanted, &reviewed)
        .map_err(|why| Failure::Refused(format!("{} cannot be done to {}: {why}.", wanted.verb, found.key)))?;
    if let (false, Some(denied)) = (wanted.verb.is_back(), reviewed.denied()) {
        return Err(Failure::Refused(format!("Not permitted: {denied}. Nothing was sent.")));
    }
    if wanted.common.dry_run {
        say::plans(&offer, &found.key, wanted.common.json)?;
    }
    let plan = choose(wanted, &offer, &found.key)?;
    if let (Some(draft), false) = (&plan.draft, plan.writes()) {
        say::answer(draft)?;
        return Ok(Decided::Said(Exit::Done));
    }
    let ticket = asked_for(wanted, desk)?;
    let act = Act {
        number: 1,
        authority: Authority::Cli,
        environment: EnvironmentId(0),
        seen: found.seen.clone(),
        plan,
        reason: wanted.common.reason.trim().to_owned(),
        ticket,
        gates: Gates::default(),
        unrecorded: wanted.unrecorded,
        dry_run: wanted.common.dry_run,
        patience: wanted.common.wait.unwrap_or_else(|| found.wait()),
    };
    Ok(Decided::Act(Box::new(act), Box::new(found)))
}

/// What the environment asks of those who act there: forward it has to be brought, back it is owed.
fn asked_for(wanted: &Wanted<'_>, desk: &Desk) -> Result<Ticket, Failure> {
    let (policy, back) = (&desk.environment.policy, wanted.verb.is_back());
    let usage = |flag: &str, what: String| Failure::Usage(format!("{flag}: {what} ('{}').", desk.environment.name));
    if !back {
        policy.reason(&wanted.common.reason).map_err(|what| usage("--reason", what))?;
    }
    policy.ticket(wanted.common.ticket.as_deref().unwrap_or_default(), back).map_err(|what| usage("--ticket", what))
}

/// Reads the one release that is named.
async fn find(wanted: &Wanted<'_>, desk: &Desk, line: &crate::action::Line, common: &Common) -> Result<Found, Failure> {
    let target = &wanted.common.rollout;
    let name = &desk.environment.name;
    let namespace = target.namespace().or(common.namespace.as_deref());
    let objects = desk.named(line, target.kind(), namespace, target.name()).await.map_err(|fault| unreachable(name, &fault))?;
    let mut cluster = Cluster::default();
    for object in &objects {
        cluster.apply(News::Is(object.clone()));
    }
    let keys: Vec<Key> = cluster.keys().cloned().collect();
    let key = target.find(keys.iter())?.clone();
    let object = objects.into_iter().find(|object| object.key() == key);
    let Some(object) = object else { return Err(Failure::Refused(format!("{key} is gone."))) };
    for owned in desk.belongings(line, &object).await {
        cluster.apply(News::Is(owned));
    }
    let now = desk.now(line);
    let release = cluster.release(&key, now).ok_or_else(|| Failure::Refused(format!("{key} is gone.")))?;
    let seen = match (cluster.rollout(&key), cluster.canary(&key)) {
        (Some(rollout), _) => Seen::of_rollout(rollout),
        (None, Some(canary)) => Seen::of_canary(canary),
        (None, None) => return Err(Failure::Refused(format!("{key} is gone."))),
    };
    Ok(Found { key, cluster, release, seen, now })
}

impl Found {
    fn offer(&self, wanted: &Wanted<'_>, reviewed: &Reviewed) -> Result<Offer, String> {
        let belongings = self.cluster.belongings(&self.key);
        let object = match (self.cluster.rollout(&self.key), self.cluster.canary(&self.key)) {
            (Some(rollout), _) => Either::Rollout(rollout),
            (None, Some(canary)) => Either::Canary(canary),
            (None, None) => return Err("it is gone".to_owned()),
        };
        let (memory, now) = (&reviewed.memory, self.now);
        offer(wanted.verb, &Subject { object, belongings: &belongings, release: &self.release, memory, now }, &wanted.parameters)
    }

    /// How long an effect may take to be seen: Flagger looks once in an interval, and acts at one tick on what another one set up.
    fn wait(&self) -> u32 {
        let ticks = self.cluster.canary(&self.key).map(|canary| 2 * interval_seconds(canary) + 10);
        ticks.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or_default().max(WAIT)
    }

    /// Kind and name of the workload that has the template, where it is not the Rollout itself.
    fn workload(&self) -> Option<(&str, &str)> {
        let rollout = self.cluster.rollout(&self.key).and_then(|rollout| rollout.spec.workload_ref.as_ref());
        let canary = || self.cluster.canary(&self.key).map(|canary| &canary.spec.target_ref);
        rollout.map(|target| (&*target.kind, &*target.name)).or_else(|| canary().map(|target| (&*target.kind, &*target.name)))
    }
}

/// What a script saw, against what is.
fn expected(wanted: &Wanted<'_>, found: &Found) -> Result<(), Failure> {
    let step = match &found.seen.position {
        Position::Rollout { step, .. } => *step,
        Position::Canary { .. } => None,
    };
    let is = |number: Option<i64>| number.map_or_else(|| "none".to_owned(), |number| number.to_string());
    if wanted.common.expect_step.is_some_and(|expected| Some(expected) != step) {
        let text = format!(
            "{} is at step {}, not at the expected one ({}). Nothing was sent.",
            found.key,
            is(step),
            is(wanted.common.expect_step)
        );
        return Err(Failure::Refused(text));
    }
    let revision = found.release.revision;
    if wanted.common.expect_revision.is_some_and(|expected| Some(expected) != revision) {
        let text = format!(
            "{}'s newest revision is {}, not the expected one ({}). Nothing was sent.",
            found.key,
            is(revision),
            is(wanted.common.expect_revision)
        );
        return Err(Failure::Refused(text));
    }
    Ok(())
}

fn choose(wanted: &Wanted<'_>, offer: &Offer, key: &Key) -> Result<Plan, Failure> {
    if offer.choose && wanted.way == 1 && wanted.parameters == Parameters::default() {
        let flag = if wanted.verb == Verb::RollBack { "--to-revision N" } else { "--run NAME" };
        let candidates: Vec<String> = offer
            .plans
            .iter()
            .map(|plan| {
                plan.target
                    .as_ref()
                    .map_or_else(|| plan.effect.to_string(), |target| format!("revision {} ({})", target.revision, target.images))
            })
            .collect();
        let mut candidates = candidates;
        candidates.dedup();
        return Err(Failure::Usage(format!(
            "Nobody knows which one is meant for {key}: say so with {flag}. There is: {}.",
            candidates.join("; ")
        )));
    }
    let count = offer.plans.len();
    offer
        .plans
        .get(wanted.way - 1)
        .cloned()
        .ok_or_else(|| Failure::Usage(format!("There is no way {}: --way goes from 1 to {count} here.", wanted.way)))
}

/// The act with what its gates say; None if they block it, and that is said.
fn gated(wanted: &Wanted<'_>, settings: &Settings, act: Act, found: &Found) -> Result<Option<Act>, Failure> {
    let act = Act { gates: gated::ask(wanted, settings, &act, found)?, ..act };
    let Some(why) = gated::refusal(&act) else { return Ok(Some(act)) };
    let outcome = Outcome::Refused(why);
    say::outcome(found, &say::Ended { verb: wanted.verb, outcome: &outcome, reports: &[], gates: &act.gates }, wanted.common.json)?;
    Ok(None)
}

/// Carries it out, tells what is heard on stderr and the outcome on stdout.
fn carry(wanted: &Wanted<'_>, runner: &Runner, act: Act, found: &Found) -> Result<Exit, Failure> {
    let (sender, heard) = mpsc::channel();
    let (plan, gates) = (act.plan.clone(), act.gates.clone());
    let begun = wire::now();
    runner.act(
        act,
        std::sync::Arc::new(move |report| {
            // Nobody listens any more only when this process ends.
            let _ = sender.send(report);
        }),
    );
    let (outcome, reports) = listen(&plan, &heard, begun)?;
    let outcome = with_flag(outcome, wanted.verb);
    say::outcome(
        found,
        &say::Ended { verb: wanted.verb, outcome: &outcome, reports: &reports, gates: &gates },
        wanted.common.json,
    )?;
    Ok(match outcome {
        Outcome::Observed(_) | Outcome::WouldDo(_) => Exit::Done,
        Outcome::Refused(_) | Outcome::OtherCluster(_) | Outcome::NotRecorded(_) => Exit::Refused,
        Outcome::NotSent(_) => Exit::Unreachable,
        Outcome::Accepted(_) | Outcome::Undetermined(_) => Exit::NotObserved,
    })
}

/// What can be mended by a flag names it.
fn with_flag(outcome: Outcome, verb: Verb) -> Outcome {
    match outcome {
        Outcome::NotRecorded(text) if verb.is_back() => {
            Outcome::NotRecorded(format!("{} --unrecorded goes back all the same.", ended(&text)))
        }
        Outcome::OtherCluster(text) => Outcome::OtherCluster(format!("{} --trust-cluster does.", ended(&text))),
        other => other,
    }
}

fn ended(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

fn listen(plan: &Plan, heard: &Receiver<Report>, begun: Timestamp) -> Result<(Outcome, Vec<Report>), Failure> {
    let mut reports = Vec::new();
    loop {
        let report = heard
            .recv()
            .map_err(|_| Failure::NotObserved("The act ended without a word: see pilothouse ledger list.".to_owned()))?;
        if let What::Ended(outcome) = &report.what {
            return Ok((outcome.clone(), reports));
        }
        say::report(plan, &report, begun)?;
        reports.push(report);
    }
}

fn unreachable(name: &str, fault: &Fault) -> Failure {
    match fault.code {
        Some(403) => Failure::Refused(format!("'{name}' does not let this be read: {}.", fault.text)),
        _ => Failure::Unreachable(format!("'{name}' cannot be read: {}. Nothing was sent.", fault.line())),
    }
}
