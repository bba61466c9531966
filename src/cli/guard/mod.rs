//! `pilothouse guard ROLLOUT`: watches one version of one release until it is stable, and takes it back when its signals stay over their
//! limits. The same guard as the cockpit's, over the same knowledge; its exit code says how it ended.

mod core;
mod say;

use std::time::{Duration, Instant};

use self::core::{Core, HERE, Wake};
use self::say::Say;
use super::act;
use super::target::Target;
use super::{Common, Exit, Failure};
use crate::config::Settings;
use crate::domain::action::{Authority, Outcome, Seen};
use crate::domain::duration::go_seconds;
use crate::domain::flagger::interval_seconds;
use crate::domain::guard::{End, Place, Rules, Standing, State, Told};
use crate::domain::id::Key;
use crate::guard::{self, Armed, Watch};

/// How long an effect is waited for at least, in seconds.
const PATIENCE: u32 = 600;
/// How long it may take at the end to give the Lease back and to tell others.
const EPILOGUE: Duration = Duration::from_secs(6);
/// Why a guard is armed if nobody says.
const REASON: &str = "armed by a command";

/// Arguments of `guard`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  pilothouse guard gateway
  pilothouse guard shop/gateway --breach-for 5m --reason 'night release'
  pilothouse guard gateway --stay --json          # in a Deployment: every release of it, one after the other
Exit codes: 0 the version is stable; 1 it was taken back, by this guard or somebody else, or the guard was cancelled, refused, or another
version came; 2 usage; 3 no verdict: blind at the end, timed out, or the effect was not seen; 4 the cluster never answered.
It is cancelled from any cockpit, or with: kubectl annotate rollout NAME pilothouse.dev/guard=off")]
pub struct Arguments {
    /// The rollout to guard.
    #[arg(value_name = "ROLLOUT", help = "[rollout/|canary/][NAMESPACE/]NAME")]
    pub rollout: Target,
    /// Take it back when a gate was over its limit for so long [default: breach_after of the configuration, 10m]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub breach_for: Option<u32>,
    /// Hold it when a gate was over its limit for so long [default: hold_after of the configuration, 1m]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub hold_after: Option<u32>,
    /// Why it is armed
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Say what it would do, let the server check it, and change nothing: no Lease either
    #[arg(long)]
    pub dry_run: bool,
    /// Give up after this long, with exit code 3
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub timeout: Option<u32>,
    /// Guard every release of it, one after the other, until a signal ends it
    #[arg(long, conflicts_with_all = ["timeout", "dry_run"])]
    pub stay: bool,
    /// Arm it although guards of this version were cancelled
    #[arg(long)]
    pub over_cancel: bool,
    /// Go back even if it cannot be recorded
    #[arg(long)]
    pub unrecorded: bool,
    /// One JSON document a line
    #[arg(long)]
    pub json: bool,
}

fn seconds(text: &str) -> Result<u32, String> {
    let seconds = go_seconds(text).and_then(|seconds| u32::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    seconds.ok_or_else(|| "a time is written like 90s, 15m or 1h30m".to_owned())
}

/// Guards until it is over.
pub fn run(arguments: &Arguments, common: &Common) -> Result<Exit, Failure> {
    let settings = common.settings()?;
    let place = act::place(&settings, common)?;
    let mut core = Core::start(&settings, place)?;
    if let Some(why) = core.running.runner().forbids_guards(HERE, None).filter(|_| !arguments.dry_run) {
        return Err(Failure::Refused(why));
    }
    let key = core.find(&arguments.rollout, common)?;
    let say = Say { json: arguments.json, environment: core.environment().settings.name.clone(), key: key.clone() };
    may_judge(&core, &key)?;
    for robot in &settings.guard.robots {
        say.talk(core.now(), &format!("another robot may act, too: {robot}"))?;
    }
    let rules = rules(arguments, &settings)?;
    let mut session = Session { rules, arguments, core, key, say, begun: Instant::now(), last: None };
    let ended = session.guard_all();
    let running = &session.core.running;
    running.wait_for(EPILOGUE, running.runner().told());
    ended
}

/// The rules of the configuration with the command line laid over them: a shorter time to the way back shortens the one to the hold.
fn rules(arguments: &Arguments, settings: &Settings) -> Result<Rules, Failure> {
    let rules = settings.guard.rules();
    let breach_after = arguments.breach_for.unwrap_or(rules.breach_after);
    let hold_after = arguments.hold_after.unwrap_or(rules.hold_after.min(breach_after));
    if hold_after > breach_after {
        return Err(Failure::Usage(
            "--hold-after is longer than --breach-for: a canary is held before it is aborted, not after.".into(),
        ));
    }
    Ok(Rules { hold_after, breach_after, ..rules })
}

/// Whether there is anything to go by.
fn may_judge(core: &Core, key: &Key) -> Result<(), Failure> {
    let metrics = &core.environment().metrics;
    let gates = metrics.judgements(key).iter().any(|judgement| judgement.gate);
    let name = &core.environment().settings.name;
    if gates {
        return Ok(());
    }
    let missing = if metrics.is_configured() { "no signal of it is a gate" } else { "no metrics server is configured" };
    Err(Failure::Usage(format!(
        "{key} in '{name}' cannot be guarded: {missing}. See [prometheus] and [[signal]] in the configuration."
    )))
}

/// How a guard came to its end.
enum Over {
    /// As it says itself.
    Ended(End),
    /// It could not watch.
    Failed(String),
    /// A signal ended it.
    Signal(u8),
    /// The time is over.
    Late,
}

/// One run of the command.
struct Session<'a> {
    arguments: &'a Arguments,
    rules: Rules,
    core: Core,
    key: Key,
    say: Say,
    begun: Instant,
    /// The version that was guarded last.
    last: Option<Box<str>>,
}

impl Session<'_> {
    /// Guards this version, or one after the other.
    fn guard_all(&mut self) -> Result<Exit, Failure> {
        loop {
            let standing = match self.await_release()? {
                Ok(standing) => standing,
                Err(signal) => return Ok(Exit::Signal(signal)),
            };
            if standing.place == Place::Stable {
                self.say.answer(self.core.now(), &format!("{}: nothing is on its way.", self.key))?;
                return Ok(Exit::Done);
            }
            if let Some(why) = refusal(&standing) {
                return Err(Failure::Refused(format!("{} cannot be guarded: {why}.", self.key)));
            }
            self.last = Some(standing.hash.clone());
            let over = self.guard_one()?;
            if let Over::Signal(signal) = over {
                return Ok(Exit::Signal(signal));
            }
            let came = self.conclude(over);
            if !self.arguments.stay {
                return came;
            }
            if let Err(failure) = came {
                self.say.talk(self.core.now(), &failure.to_string())?;
            }
        }
    }

    /// Waits until it is known how the release stands; with `--stay` until a version is on its way that was not guarded yet.
    fn await_release(&mut self) -> Result<Result<Standing, u8>, Failure> {
        let mut told = None;
        loop {
            let standing = self.core.sight(&self.key, &self.rules).release;
            let standing = match standing {
                Some(standing) => standing,
                None if self.arguments.stay => {
                    Standing { uid: "".into(), hash: "".into(), place: Place::Unknown, held: false, off: false }
                }
                None => return Err(Failure::Refused(format!("{} is gone.", self.key))),
            };
            let new = self.last.as_ref() != Some(&standing.hash) && refusal(&standing).is_none();
            let unknown = matches!(standing.place, Place::Unknown | Place::Waiting);
            let wanted = if self.arguments.stay { standing.place == Place::UnderWay && new } else { !unknown };
            if wanted {
                return Ok(Ok(standing));
            }
            let waits = match standing.place {
                Place::Waiting => Some("it has not begun: waits until its gate is open"),
                _ => self.arguments.stay.then_some("waits for a release"),
            };
            if let Some(words) = waits.filter(|words| told != Some(*words)) {
                told = Some(words);
                self.say.talk(self.core.now(), words)?;
            }
            for wake in self.core.turn() {
                if let Wake::Signal(signal) = wake {
                    return Ok(Err(signal));
                }
            }
            if self.is_late() {
                return Err(Failure::NotObserved(format!("The controller has not looked at {} in time.", self.key)));
            }
        }
    }

    /// Guards the version that is on its way.
    fn guard_one(&mut self) -> Result<Over, Failure> {
        let watch = match self.arm() {
            Ok(watch) => watch,
            Err(why) => return Ok(Over::Failed(why)),
        };
        let over = self.listen(&watch);
        if !matches!(over, Ok(Over::Ended(_) | Over::Failed(_))) {
            watch.disarm();
        }
        self.core.running.wait_for(EPILOGUE, watch.over());
        over
    }

    fn arm(&self) -> Result<Watch, String> {
        let cluster = &self.core.environment().cluster;
        let canary = cluster.canary(&self.key);
        let seen = cluster.rollout(&self.key).map(|rollout| Seen::of_rollout(rollout));
        let seen = seen.or_else(|| canary.map(|canary| Seen::of_canary(canary))).ok_or("It is gone.")?;
        let ticks = canary.map(|canary| 2 * interval_seconds(canary) + 10).and_then(|seconds| u32::try_from(seconds).ok());
        let armed = Armed {
            environment: HERE,
            seen,
            rules: self.rules.clone(),
            reason: self.arguments.reason.as_deref().map(str::trim).filter(|text| !text.is_empty()).unwrap_or(REASON).to_owned(),
            authority: Authority::Cli,
            over_cancel: self.arguments.over_cancel,
            dry_run: self.arguments.dry_run,
            unrecorded: self.arguments.unrecorded,
            patience: ticks.unwrap_or_default().max(PATIENCE),
        };
        guard::arm(&self.core.running.means(), armed, std::sync::Arc::new(self.core.ear()))
    }

    /// Shows the guard what is seen, and tells what it says, until it is over.
    fn listen(&mut self, watch: &Watch) -> Result<Over, Failure> {
        loop {
            watch.show(self.core.sight(&self.key, &self.rules));
            for wake in self.core.turn() {
                let now = self.core.now();
                match wake {
                    Wake::Facts => {}
                    Wake::Signal(signal) => {
                        self.say.talk(now, "ended by a signal; the Lease is given back")?;
                        return Ok(Over::Signal(signal));
                    }
                    Wake::Told(Told::Said(words)) => self.say.talk(now, &words)?,
                    Wake::Told(Told::Failed(why)) => return Ok(Over::Failed(why)),
                    Wake::Told(Told::Now(status)) => {
                        self.say.state(now, &status)?;
                        if let State::Ended(end) = status.state {
                            return Ok(Over::Ended(end));
                        }
                    }
                }
            }
            if self.is_late() {
                return Ok(Over::Late);
            }
        }
    }

    fn is_late(&self) -> bool {
        self.arguments.timeout.is_some_and(|timeout| self.begun.elapsed() >= Duration::from_secs(timeout.into()))
    }

    /// The answer and the exit code.
    fn conclude(&self, over: Over) -> Result<Exit, Failure> {
        let key = &self.key;
        let (exit, words) = match over {
            Over::Ended(End::Stable { blind: false }) => (Exit::Done, "the version is stable".to_owned()),
            Over::Ended(End::Stable { blind: true }) => {
                (Exit::NotObserved, "the version is stable, but the guard was blind: nobody knows how well it is".to_owned())
            }
            Over::Ended(End::TookBack(outcome)) => {
                let unseen = matches!(outcome, Outcome::Accepted(_) | Outcome::Undetermined(_));
                let would = if self.arguments.dry_run { "the guard would have taken it back" } else { "the guard took it back" };
                (
                    if unseen { Exit::NotObserved } else { Exit::Refused },
                    format!("{would}: {}", outcome.text().trim_end_matches('.')),
                )
            }
            Over::Ended(End::Back) => (Exit::Refused, "it was taken back by somebody else".to_owned()),
            Over::Ended(End::Other) => {
                (Exit::Refused, "another version is on its way; the guard was bound to the one before".to_owned())
            }
            Over::Ended(End::Gone) => (Exit::Refused, "it is gone".to_owned()),
            Over::Ended(End::Cancelled(by)) => (Exit::Refused, format!("the guard was cancelled: {by}")),
            Over::Ended(End::Disarmed) | Over::Signal(_) => (Exit::Refused, "the guard was taken away".to_owned()),
            Over::Failed(why) => return Err(Failure::Refused(why)),
            Over::Late => {
                let words = format!("{key} was still on its way when the time was over; it is guarded no longer.");
                return Err(Failure::NotObserved(words));
            }
        };
        let words = format!("{key}: {words}.");
        match exit {
            Exit::Done => {
                self.say.answer(self.core.now(), &words)?;
                Ok(Exit::Done)
            }
            Exit::NotObserved => Err(Failure::NotObserved(words)),
            _ => Err(Failure::Refused(words)),
        }
    }
}

/// Why a release cannot be guarded as it stands.
fn refusal(standing: &Standing) -> Option<&'static str> {
    match standing.place {
        _ if standing.off => Some(
            "the annotation pilothouse.dev/guard=off forbids it; kubectl annotate rollout NAME pilothouse.dev/guard- takes that back",
        ),
        Place::Back => Some("it is aborted"),
        Place::Unknown | Place::Waiting | Place::UnderWay | Place::Stable => None,
    }
}
