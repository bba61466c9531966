//! A scenario played up to a moment, read by the real sources over loopback, and drawn. Nothing of the machine's clock reaches
//! the picture: facts are taken in by name and not by arrival, and the time is the world's.

use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

use crate::app::{self, Effect, Env, Msg, State};
use crate::cli::Failure;
use crate::config::{Files, Settings, Tier};
use crate::demo::{self, Options, Scenario};
use crate::domain::fact::{Fact, Health, Link, MetricsNews, News, Object, Reading};
use crate::domain::id::{EnvironmentId, Key, Kind};
use crate::domain::signal::{Measured, MetricsLink};
use crate::input::{KeyPress, Keymap};
use crate::source::{Order, Subject};
use crate::ui::{self, theme::Theme};
use crate::wire::{self, Running};

/// When every played world begins, in seconds since 1970: 2026-03-02 13:00 UTC.
const ORIGIN: i64 = 1_772_456_400;
/// So long the metrics are waited for: a query may be refused, and a picture is drawn without them then.
const METRICS: Duration = Duration::from_secs(8);
/// How long the sources may take until they are quiet.
const LIMIT: Duration = Duration::from_secs(20);
/// Without news for this long, and with everything read, nothing more will come: the world stands still.
const QUIET: Duration = Duration::from_millis(400);
/// Seconds of the world's time that lie between the first facts and the picture.
const ACTS: i64 = 6;

/// What is played.
pub struct Play {
    /// What goes on.
    pub scenario: Scenario,
    /// Which world.
    pub seed: u64,
    /// How far.
    pub at: Duration,
    /// The terminal.
    pub size: Size,
    /// Keys that are pressed.
    pub keys: Vec<KeyPress>,
}

/// Plays and draws.
pub fn play(play: &Play, theme: &Theme) -> Result<Buffer, Failure> {
    let origin = Timestamp::from_second(ORIGIN).map_err(|error| Failure::Refused(error.to_string()))?;
    let options =
        Options { scenario: play.scenario, seed: play.seed, speed: 0.0, origin: Some(origin), at: play.at, ..Options::default() };
    let world = demo::start(&options).map_err(|error| Failure::Refused(format!("The world did not start: {error}.")))?;
    let files = world.write_files()?;
    let mut settings = Files::find(Some(&files.config()))?.settings()?;
    let dearest = settings.environments.iter().position(|environment| environment.tier == Tier::Prod);
    settings.start_environment = dearest.unwrap_or_default();
    settings.ui.ascii = theme.ascii;
    let mut stage = Stage::start(&settings, play.size, world.now())?;
    stage.act(Vec::new())?;
    stage.act(Vec::new())?;
    for key in &play.keys {
        stage.act(vec![*key])?;
    }
    stage.act(Vec::new())?;
    stage.tell(Msg::Tick(stage.now));
    Ok(stage.drawn(theme))
}

/// Whether some news are wanted ones.
type Told<'a> = &'a dyn Fn(Wanted<'_>) -> bool;
type Wanted<'a> = &'a dyn Fn(&News) -> bool;

struct Stage {
    state: State,
    env: Env,
    running: Running,
    woken: Receiver<()>,
    now: Timestamp,
    /// Rollouts that are looked at closely: the analyses of each are read.
    looked: Vec<(EnvironmentId, Key)>,
    /// What is to be measured, and whether its budget is to be read too.
    measured: Vec<(EnvironmentId, Key, bool)>,
    /// What was asked for since the last news were awaited.
    asked: bool,
}

impl Stage {
    fn start(settings: &Settings, size: Size, now: Timestamp) -> Result<Self, Failure> {
        let keymap = Keymap::built_in("default").and_then(Result::ok);
        let keymap = keymap.ok_or_else(|| Failure::Refused("The default keymap cannot be read.".to_owned()))?;
        let keymap = if settings.ui.ascii { keymap.in_ascii() } else { keymap };
        let (waker, woken) = mpsc::sync_channel(1);
        // A full channel means that somebody was woken already.
        let wake = move || {
            let _ = waker.try_send(());
        };
        let running =
            wire::start(settings, wake).map_err(|error| Failure::Refused(format!("No thread can be started: {error}.")))?;
        let begin = now.checked_sub(SignedDuration::from_secs(ACTS)).unwrap_or(now);
        let state = State::new(settings, keymap.into(), size, begin);
        Ok(Self {
            state,
            env: Env { themes: Vec::new(), bell: false },
            running,
            woken,
            now,
            looked: Vec::new(),
            measured: Vec::new(),
            asked: true,
        })
    }

    /// Presses keys, lets a second pass, and takes in what comes of it.
    fn act(&mut self, keys: Vec<KeyPress>) -> Result<(), Failure> {
        for key in keys {
            self.tell(Msg::Key(key));
        }
        let later = self.state.now.checked_add(SignedDuration::from_secs(1)).unwrap_or(self.now);
        self.tell(Msg::Tick(later.min(self.now)));
        if std::mem::take(&mut self.asked) {
            let facts = self.facts()?;
            self.tell(Msg::Facts(facts));
        }
        Ok(())
    }

    fn tell(&mut self, message: Msg) {
        for effect in app::update(&mut self.state, &self.env, message) {
            match effect {
                Effect::Look { environment, subjects } => {
                    self.looked.retain(|(of, _)| *of != environment);
                    let rollouts = subjects.iter().filter(|subject| subject.key.kind == Kind::Rollout);
                    self.looked.extend(rollouts.map(|subject| (environment, subject.key.clone())));
                    let each = subjects.into_iter().map(|subject| Subject {
                        key: subject.key,
                        uid: subject.uid,
                        selector: subject.selector,
                    });
                    self.running.order(Order::Look { environment, subjects: each.collect() });
                    self.asked = true;
                }
                Effect::Measure { environment, targets } => {
                    self.measured.retain(|(of, ..)| *of != environment);
                    self.measured.extend(targets.iter().map(|target| (environment, target.key.clone(), target.slo)));
                    self.asked = true;
                    self.running.order(Order::Measure { environment, targets });
                }
                Effect::Reconnect(environment) => self.running.order(Order::Reconnect(environment)),
                // A picture changes nothing, and nobody waits for an answer in it.
                Effect::Act(_)
                | Effect::Chart(_)
                | Effect::Guard(_)
                | Effect::Review(_)
                | Effect::ReadLedger
                | Effect::Trust(_)
                | Effect::SettleTicket { .. }
                | Effect::Open(_)
                | Effect::Inspect { .. }
                | Effect::Quit
                | Effect::Suspend
                | Effect::Copy(_)
                | Effect::Theme(_)
                | Effect::Redraw
                | Effect::Bell => {}
            }
        }
    }

    /// Everything that the sources say until they are quiet, in an order of its own.
    fn facts(&mut self) -> Result<Vec<Fact>, Failure> {
        let started = Instant::now();
        let mut heard = Instant::now();
        let mut facts: Vec<Fact> = Vec::new();
        loop {
            let new = self.running.mailbox.take(usize::MAX);
            if new.iter().any(|fact| !matches!(fact.news, News::Health(_))) {
                heard = Instant::now();
            }
            facts.extend(new);
            let metrics = started.elapsed() < METRICS;
            if self.is_read(&facts, metrics) && heard.elapsed() >= QUIET {
                break;
            }
            if started.elapsed() > LIMIT {
                return Err(Failure::Unreachable("The world was not read in time.".to_owned()));
            }
            // Whether something came or the time passed: the next round looks.
            let _ = self.woken.recv_timeout(QUIET / 4);
        }
        facts.sort_by_cached_key(order);
        let health = Health { at: self.state.now, state: Link::Up { millis: 1 }, clock_skew_ms: 0 };
        for fact in &mut facts {
            // A probe's time is this machine's, and the world's clock is far from it.
            if let News::Health(Health { state: Link::Up { .. }, .. }) = &fact.news {
                fact.news = News::Health(health.clone());
            }
        }
        Ok(facts)
    }

    /// Whether each environment, with these facts, has answered a probe, all its rollouts are read, and with `metrics` all is measured that is to be.
    fn is_read(&self, facts: &[Fact], metrics: bool) -> bool {
        self.state.environments.iter().all(|environment| {
            let told =
                |wanted: &dyn Fn(&News) -> bool| facts.iter().any(|fact| fact.environment == environment.id && wanted(&fact.news));
            let kinds = [Kind::Rollout, Kind::Canary].iter().all(|kind| {
                *environment.cluster.reading(*kind) != Reading::Loading
                    || told(&|news| matches!(news, News::Reading(said, reading) if said == kind && *reading != Reading::Loading))
            });
            let probed = environment.cluster.health().state != Link::Connecting;
            (!metrics || self.is_measured(environment, &told))
                && kinds
                && (probed || told(&|news| matches!(news, News::Health(health) if health.state != Link::Connecting)))
        })
    }

    /// Whether all of an environment that is to be measured has been, with what is `told`, or nobody answers.
    fn is_measured(&self, environment: &app::Environment, told: Told<'_>) -> bool {
        let metrics = &environment.metrics;
        let down = |link: &MetricsLink| matches!(link, MetricsLink::Down { .. });
        if !metrics.is_configured()
            || down(&metrics.link)
            || told(&|news| matches!(news, News::Metrics(MetricsNews::Link(link)) if down(link)))
        {
            return true;
        }
        let mine = self.measured.iter().filter(|(of, ..)| *of == environment.id);
        let targets = mine.clone().all(|(_, key, slo)| {
            let signals = metrics.signals(key);
            let whole = |one: &Measured| signals.iter().all(|signal| one.signals.iter().any(|(name, _)| *name == signal.name));
            let measured = |news: &News| matches!(news, News::Metrics(MetricsNews::Measured(one)) if one.key == *key && whole(one));
            let burnt = |news: &News| matches!(news, News::Metrics(MetricsNews::Burn(one)) if one.key == *key);
            (metrics.measured(key).is_some_and(|one| whole(one)) || told(&measured))
                && (!slo || metrics.burn(key).is_some() || told(&burnt))
        });
        let fleets = metrics.definitions().every_signal().iter().filter(|signal| signal.fleet.is_some()).all(|signal| {
            let grouped = |news: &News| matches!(news, News::Metrics(MetricsNews::Fleet(one)) if one.signal == signal.name);
            metrics.fleet(&signal.name).is_some() || told(&grouped)
        });
        let analyses = self.looked.iter().filter(|(of, _)| *of == environment.id).all(|(_, key)| {
            let read = |news: &News| matches!(news, News::Metrics(MetricsNews::Templates(of, _)) if of == key);
            metrics.definitions().has_learned(key) || told(&read)
        });
        targets && fleets && analyses
    }

    fn drawn(&self, theme: &Theme) -> Buffer {
        let size = self.state.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, size.width, size.height));
        ui::draw(&self.state, theme, &mut buffer);
        buffer
    }
}

/// Facts by environment, kind and name, whatever came first.
fn order(fact: &Fact) -> (u16, u8, Option<Kind>, Option<Key>) {
    let (rank, kind, key) = match &fact.news {
        News::Health(_) => (0, None, None),
        News::Is(object) => (1, None, Some(key_of(object))),
        News::Gone(key) => (2, None, Some(key.clone())),
        News::Reading(kind, _) => (3, Some(*kind), None),
        News::Metrics(_) => (4, None, None),
    };
    (fact.environment.0, rank, kind, key)
}

fn key_of(object: &Object) -> Key {
    let (kind, meta) = match object {
        Object::Rollout(object) => (Kind::Rollout, &object.metadata),
        Object::Canary(object) => (Kind::Canary, &object.metadata),
        Object::ReplicaSet(object) => (Kind::ReplicaSet, &object.metadata),
        Object::Pod(object) => (Kind::Pod, &object.metadata),
        Object::AnalysisRun(object) => (Kind::AnalysisRun, &object.metadata),
        Object::Experiment(object) => (Kind::Experiment, &object.metadata),
        Object::Event(object) => (Kind::Event, &object.metadata),
        Object::Lease(object) => (Kind::Lease, &object.metadata),
    };
    Key::new(kind, meta.namespace.clone(), meta.name.clone())
}
