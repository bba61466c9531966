//! A guard in this process, which is shown what a test wants it to see.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use pilothouse::action::{Patience, Runner};
use pilothouse::config::Settings;
use pilothouse::domain::action::{Authority, Seen};
use pilothouse::domain::guard::{Rules, Sight, Standing, State};
use pilothouse::domain::id::EnvironmentId;
use pilothouse::domain::object::{Rollout, decode_value};
use pilothouse::domain::signal::{Comparator, Judgement, Limit, SignalKind, Track, Unit, Verdict};
use pilothouse::guard::{Armed, Means, Told, Watch, arm};
use pilothouse::source::Clock;
use pilothouse::wire;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);

/// A process with one guard: when it is dropped it is as dead as one that was killed.
pub struct Post {
    pub means: Means,
    pub environment: EnvironmentId,
    /// How far its clock is ahead.
    ahead: SignedDuration,
    watch: Option<Watch>,
    heard: Arc<Mutex<Vec<Told>>>,
    runtime: Option<tokio::runtime::Runtime>,
}

/// Rules with which a test does not wait for long.
pub fn quick() -> Rules {
    Rules { hold_after: 60, breach_after: 600, countdown: 1, lease: 3, ..Rules::default() }
}

/// What is seen of a release while one signal has this verdict.
pub fn sight(rollout: &Value, verdict: Verdict, breached: u32) -> Sight {
    let rollout: Rollout = decode_value(rollout);
    let judgement = Judgement {
        name: "errors".into(),
        kind: SignalKind::Errors,
        verdict,
        gate: true,
        track: Track::Canary,
        value: Some(0.05),
        stable: Some(0.001),
        limit: Limit { comparator: Comparator::Less, threshold: 0.01 },
        unit: Unit::Ratio,
        breached,
        sampled: Some(wire::now()),
        requests: None,
        resolution: None,
        usable_in: None,
        pods: None,
        why: None,
    };
    let release = Some(Standing::of_rollout(&rollout));
    Sight { at: wire::now(), release, stale: None, signals: vec![judgement], saturated: None, silent: None, away: false }
}

impl Post {
    pub fn new(settings: &Settings) -> Self {
        Self::ahead(settings, SignedDuration::ZERO)
    }

    /// The same, on a machine whose clock is wrong.
    pub fn ahead(settings: &Settings, ahead: SignedDuration) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        std::fs::create_dir_all(&settings.state).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let clock = Clock::new(move || wire::now() + ahead);
        let runner = Runner::with(settings, clock.clone(), runtime.handle().clone(), Patience::default());
        let last = u16::try_from(settings.environments.len() - 1).unwrap();
        let means = Means { runner, clock };
        Self { means, environment: EnvironmentId(last), ahead, watch: None, heard: Arc::default(), runtime: Some(runtime) }
    }

    /// Arms a guard on what a release is now.
    pub fn arm(&mut self, rollout: &Value, change: impl FnOnce(&mut Armed)) {
        let mut armed = Armed {
            environment: self.environment,
            seen: Seen::of_rollout(&decode_value(rollout)),
            rules: quick(),
            reason: "because of the test".to_owned(),
            authority: Authority::Cli,
            over_cancel: false,
            dry_run: false,
            unrecorded: false,
            patience: 20,
        };
        change(&mut armed);
        let heard = Arc::clone(&self.heard);
        self.watch = Some(arm(&self.means, armed, Arc::new(move |told| heard.lock().unwrap().push(told))).unwrap());
    }

    pub fn show(&self, sight: Sight) {
        self.watch.as_ref().unwrap().show(Sight { at: sight.at + self.ahead, ..sight });
    }

    pub fn watch(&self) -> &Watch {
        self.watch.as_ref().unwrap()
    }

    /// The word of its state.
    pub fn word(&self) -> String {
        let heard = self.heard.lock().unwrap();
        let state = heard.iter().rev().find_map(|told| match told {
            Told::Now(status) => Some(status.state.word().to_owned()),
            Told::Failed(why) => Some(format!("failed: {why}")),
            Told::Said(_) => None,
        });
        state.unwrap_or_default()
    }

    pub fn state(&self) -> Option<State> {
        let heard = self.heard.lock().unwrap();
        heard.iter().rev().find_map(|told| if let Told::Now(status) = told { Some(status.state.clone()) } else { None })
    }

    /// Everything that it said.
    pub fn said(&self) -> String {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter_map(|told| if let Told::Said(words) = told { Some(format!("{words}\n")) } else { None }).collect()
    }

    /// Waits until its state has this word, showing it something all the time.
    #[track_caller]
    pub fn until(&self, word: &str, look: impl Fn() -> Sight) {
        let begun = Instant::now();
        while self.word() != word {
            assert!(begun.elapsed() < SOON, "it is {}, not {word}: {}", self.word(), self.said());
            self.show(look());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until it is over and has given its Lease back.
    pub fn over(&mut self) {
        let begun = Instant::now();
        while !self.watch().is_over() {
            assert!(begun.elapsed() < SOON, "it is {}: {}", self.word(), self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// As `kill -9` ends a process: nothing more is sent.
    pub fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        self.kill();
    }
}
