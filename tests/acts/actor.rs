//! Acts carried out in this process, where a test wants to see every report, wait less long, or hold an act between two steps.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use pilothouse::action::{Patience, Runner};
use pilothouse::app::cluster::Cluster;
use pilothouse::config::{Files, Settings};
use pilothouse::domain::action::offer::Either;
use pilothouse::domain::action::{
    Act, Authority, Gates, Memory, Outcome, Parameters, Plan, Report, Seen, Subject, Ticket, Verb, What, offer,
};
use pilothouse::domain::fact::News;
use pilothouse::domain::id::EnvironmentId;
use pilothouse::source::Clock;
use pilothouse::wire;
use tokio::runtime::Runtime;

use super::stage::User;

/// A runner on a world, with a state of its own.
pub struct Actor {
    runtime: Runtime,
    pub runner: Runner,
    environment: EnvironmentId,
}

/// Everything that was heard of an act.
#[derive(Debug)]
pub struct Heard {
    pub reports: Vec<What>,
    pub outcome: Outcome,
}

/// The settings of a user.
pub fn settings(user: &User) -> Settings {
    let settings = Files::find(Some(&user.config)).unwrap().settings().unwrap();
    Settings { state: user.state(), ..settings }
}

impl Actor {
    /// For the last environment.
    pub fn new(settings: &Settings, patience: Patience) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        std::fs::create_dir_all(&settings.state).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let runner = Runner::with(settings, Clock::new(wire::now), runtime.handle().clone(), patience);
        let last = u16::try_from(settings.environments.len() - 1).unwrap();
        Self { runtime, runner, environment: EnvironmentId(last) }
    }

    /// What a verb would do now to the object of this name, by the first plan.
    pub fn decide(&self, verb: Verb, namespace: &str, name: &str) -> Act {
        let desk = self.runner.desk(self.environment).unwrap();
        let (cluster, key) = self.runtime.block_on(async {
            let line = desk.line().await.unwrap();
            let object = desk.named(&line, None, Some(namespace), name).await.unwrap().remove(0);
            let (mut cluster, key) = (Cluster::default(), object.key());
            cluster.apply(News::Is(object.clone()));
            for owned in desk.belongings(&line, &object).await {
                cluster.apply(News::Is(owned));
            }
            (cluster, key)
        });
        let release = cluster.release(&key, wire::now()).unwrap();
        let (object, seen) = match (cluster.rollout(&key), cluster.canary(&key)) {
            (Some(rollout), _) => (Either::Rollout(rollout), Seen::of_rollout(rollout)),
            (None, canary) => (Either::Canary(canary.unwrap()), Seen::of_canary(canary.unwrap())),
        };
        let (belongings, memory) = (cluster.belongings(&key), Memory::default());
        let subject = Subject { object, belongings: &belongings, release: &release, memory: &memory, now: wire::now() };
        let parameters =
            Parameters { image: Some(("main".into(), "registry.example/shop/web:v9".into())), ..Parameters::default() };
        self.act(seen, offer(verb, &subject, &parameters).unwrap().plans.remove(0))
    }

    /// An act of this plan.
    pub fn act(&self, seen: Seen, plan: Plan) -> Act {
        Act {
            number: 1,
            authority: Authority::Cli,
            environment: self.environment,
            seen,
            plan,
            reason: "because of the test".to_owned(),
            ticket: Ticket::None,
            gates: Gates::default(),
            unrecorded: false,
            dry_run: false,
            patience: 20,
        }
    }

    /// Lets an act begin; what is heard of it comes over the channel.
    pub fn begin(&self, act: Act) -> Receiver<Report> {
        let (sender, receiver) = channel();
        self.runner.act(act, Arc::new(move |report| drop(sender.send(report))));
        receiver
    }

    /// Carries an act out, with everything that follows it.
    pub fn carry(&self, act: Act) -> Heard {
        let heard = hear(&self.begin(act));
        self.runtime.block_on(self.runner.told());
        heard
    }
}

/// Listens to the end.
pub fn hear(reports: &Receiver<Report>) -> Heard {
    let mut heard = Vec::new();
    loop {
        match reports.recv_timeout(Duration::from_secs(60)).expect("an act ends").what {
            What::Ended(outcome) => return Heard { reports: heard, outcome },
            what => heard.push(what),
        }
    }
}

/// Holds every act back right before its request is sent: nothing is sent that is not on the ledger, and nobody else appends now.
pub struct Held(File);

impl Held {
    pub fn new(state: &Path) -> Self {
        let folder = state.join("ledger");
        std::fs::create_dir_all(&folder).unwrap();
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join("lock")).unwrap();
        lock.lock().unwrap();
        Self(lock)
    }

    /// Waits until somebody waits for the lock: until then it may still be reading.
    pub fn until_waited_for(&self) {
        let begun = Instant::now();
        let waiting = || std::fs::read_to_string("/proc/locks").unwrap().lines().any(|line| line.contains("->") && self.is(line));
        while !waiting() {
            assert!(begun.elapsed() < Duration::from_secs(20), "nobody wants to append");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn is(&self, line: &str) -> bool {
        let inode = std::os::unix::fs::MetadataExt::ino(&self.0.metadata().unwrap());
        line.split_whitespace().any(|word| word.ends_with(&format!(":{inode}")))
    }
}
