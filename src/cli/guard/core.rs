//! The core without a screen: the same facts, the same verdicts and the same freshness as the cockpit's, about one release.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ratatui::layout::Size;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::super::live::is_settled;
use super::super::target::Target;
use super::super::{Common, Failure};
use crate::app::{self, Condition, Effect, Env, Environment, Msg, Screen, State};
use crate::config::Settings;
use crate::domain::guard::{Rules, Sight, Told};
use crate::domain::id::{EnvironmentId, Key};
use crate::input::Keymap;
use crate::source::{Order, Subject};
use crate::wire::{self, Running};

/// How long the first answer may take.
const FIRST_ANSWER: Duration = Duration::from_secs(10);
/// A look at least this often: a countdown makes no fact.
const GLANCE: Duration = Duration::from_millis(500);
/// Facts taken from the mailbox at once.
const SLICE: usize = 256;

/// The only environment that is read here.
pub const HERE: EnvironmentId = EnvironmentId(0);

/// What wakes it.
pub enum Wake {
    /// Facts wait.
    Facts,
    /// The guard said something.
    Told(Told),
    /// The system wants it to end.
    Signal(u8),
}

/// The core.
pub struct Core {
    /// The running parts.
    pub running: Running,
    state: State,
    wakes: Receiver<Wake>,
    sender: Sender<Wake>,
}

impl Core {
    /// Starts reading the chosen environment, and only that one. `place` is its place in the configuration.
    pub fn start(settings: &Settings, place: EnvironmentId) -> Result<Self, Failure> {
        let chosen = settings.environments.get(usize::from(place.0));
        let environment = chosen.ok_or_else(|| Failure::Usage("There is no environment to guard in.".to_owned()))?.clone();
        if let Err(reason) = crate::source::kube::context(&environment) {
            let name = &environment.name;
            return Err(Failure::Usage(format!("'{name}' cannot be read: {reason}. See pilothouse doctor, or pilothouse demo.")));
        }
        let only = Settings { environments: vec![environment], start_environment: 0, ..settings.clone() };
        let (sender, wakes) = mpsc::channel();
        let facts = sender.clone();
        let no_thread = |error: std::io::Error| Failure::Refused(format!("No thread can be started: {error}."));
        // When this process ends nobody listens any more.
        let running = wire::start(&only, move || drop(facts.send(Wake::Facts))).map_err(no_thread)?;
        let signals = sender.clone();
        let mut waited = Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(no_thread)?;
        std::thread::spawn(move || {
            for signal in &mut waited {
                if signals.send(Wake::Signal(u8::try_from(signal).unwrap_or_default())).is_err() {
                    return;
                }
            }
        });
        // Nobody presses a key here.
        let keymap = Keymap::read("").map_err(|error| Failure::Refused(error.to_string()))?;
        let state = State::new(&only, Arc::new(keymap), Size::new(80, 24), running.now());
        Ok(Self { running, state, wakes, sender })
    }

    /// Where the guard says what happens.
    pub fn ear(&self) -> impl Fn(Told) + Send + Sync + 'static {
        let sender = self.sender.clone();
        move |told| drop(sender.send(Wake::Told(told)))
    }

    /// Waits a moment, and takes in what has been learned. Gives what else happened.
    pub fn turn(&mut self) -> Vec<Wake> {
        let mut others = Vec::new();
        let first = self.wakes.recv_timeout(GLANCE).ok();
        for wake in first.into_iter().chain(std::iter::from_fn(|| self.wakes.try_recv().ok())).collect::<Vec<_>>() {
            if !matches!(wake, Wake::Facts) {
                others.push(wake);
            }
        }
        let now = self.now();
        self.tell(Msg::Tick(now));
        loop {
            let facts = self.running.mailbox.take(SLICE);
            if facts.is_empty() {
                return others;
            }
            self.tell(Msg::Facts(facts));
        }
    }

    fn tell(&mut self, msg: Msg) {
        let env = Env { themes: Vec::new(), bell: false };
        for effect in app::update(&mut self.state, &env, msg) {
            match effect {
                Effect::Look { environment, subjects } => {
                    let subjects = subjects.into_iter();
                    let subjects = subjects.map(|one| Subject { key: one.key, uid: one.uid, selector: one.selector }).collect();
                    self.running.order(Order::Look { environment, subjects });
                }
                Effect::Measure { environment, targets } => self.running.order(Order::Measure { environment, targets }),
                // Nobody presses a key here: the core wishes nothing else.
                _ => {}
            }
        }
    }

    /// Waits until all rollouts have been read; or says why that cannot be.
    fn read_all(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            self.turn();
            let name = &self.environment().settings.name;
            // A kind that is read later may have the one that is meant; one that cannot be read keeps nobody from the other.
            let settled = is_settled(&self.environment().cluster) || begun.elapsed() > FIRST_ANSWER;
            match self.environment().condition() {
                Condition::Ready | Condition::Empty | Condition::Narrowed(_) if settled => return Ok(()),
                Condition::Denied(why) => {
                    let advice = "Ask for list and watch on it, or read one namespace with -n.";
                    return Err(Failure::Refused(format!("Rollouts in '{name}' may not be read: {why}. {advice}")));
                }
                Condition::NotInstalled => {
                    return Err(Failure::Refused(format!("'{name}' has neither Argo Rollouts nor Flagger installed.")));
                }
                Condition::Unreachable(why) | Condition::Failing(why) if begun.elapsed() > FIRST_ANSWER => {
                    return Err(Failure::Unreachable(format!("'{name}' cannot be read: {why}. See pilothouse doctor.")));
                }
                Condition::Loading if begun.elapsed() > FIRST_ANSWER => {
                    let waited = FIRST_ANSWER.as_secs();
                    return Err(Failure::Unreachable(format!("'{name}' cannot be read: no complete answer within {waited} s.")));
                }
                _ => {}
            }
        }
    }

    /// The rollout that is meant; or why that cannot be said.
    pub fn find(&mut self, target: &Target, common: &Common) -> Result<Key, Failure> {
        self.read_all()?;
        let namespace = common.namespace.as_deref();
        let keys: Vec<Key> = self.environment().cluster.keys().cloned().collect();
        let keys = keys.iter().filter(|key| target.namespace().is_some() || namespace.is_none_or(|name| name == &*key.namespace));
        let key = target.find(keys)?.clone();
        // Looked at closely, and measured whatever else is on its way.
        self.state.screen = Screen::Detail(key.clone());
        if let Some(environment) = self.state.environments.first_mut() {
            environment.metrics.keep(vec![key.clone()]);
        }
        Ok(key)
    }

    /// The environment.
    pub fn environment(&self) -> &Environment {
        self.state.environment()
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.running.now()
    }

    /// What is seen of a release now.
    pub fn sight(&self, key: &Key, rules: &Rules) -> Sight {
        app::guard::sight(self.environment(), key, self.now(), rules)
    }
}
