//! The outside world being changed. Every write of this program goes through [`Runner::act`]: permitted, fenced, recorded first, sent
//! once, and believed only when its effect has been read. Decides nothing: what is to be done comes as an [`Act`].

mod annotate;
mod carry;
mod debt;
mod desk;
mod evidence;
mod explain;
mod identity;
mod inspect;
mod look;
mod open;
mod permit;
mod record;
mod review;
mod send;
mod settle;
mod tell;
mod trailing;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::config::{Environment, Settings};
use crate::domain::action::{Act, Outcome, Report, What};
use crate::domain::contents::Contents;
use crate::domain::id::{EnvironmentId, Key};
use crate::domain::ledger::LedgerView;
use crate::ledger::operator::operator;
use crate::ledger::{Ledger, Text};
use crate::source::Clock;

use trailing::Trailing;

pub use open::{Opener, open};
pub use permit::Permit;
pub use record::{Deed, Recorded};
pub use review::Asked;

pub use desk::{Desk, Line};
pub(crate) use send::{Answer, send};

/// Where reports go. Called from the runner's threads.
pub type Tell = Arc<dyn Fn(Report) + Send + Sync>;

/// Carries acts out. Cheap to clone: every clone is the same runner.
#[derive(Clone)]
pub struct Runner {
    desks: Vec<Arc<Desk>>,
    shared: Arc<Shared>,
    runtime: Handle,
}

/// What all environments have in common.
pub(crate) struct Shared {
    pub(crate) ledger: Result<Ledger, String>,
    /// Folder of the state, where the identities of clusters are kept.
    pub(crate) state: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) permit: Permit,
    pub(crate) webhook: Option<crate::config::Webhook>,
    pub(crate) links: crate::config::Links,
    pub(crate) patience: Patience,
    pub(crate) trailing: Trailing,
}

/// How long a server is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the answer to a write. Afterwards the cluster is read instead.
    pub answer: Duration,
    /// For what a lost answer was about to show in the cluster: a server gives a request up after a minute.
    pub settling: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { answer: Duration::from_secs(10), settling: Duration::from_secs(90) }
    }
}

impl Runner {
    /// A runner for these environments. Touches neither network nor ledger yet, except to open its folder.
    pub fn new(settings: &Settings, clock: Clock, runtime: Handle) -> Self {
        Self::with(settings, clock, runtime, Patience::default())
    }

    /// The same with another patience.
    pub fn with(settings: &Settings, clock: Clock, runtime: Handle, patience: Patience) -> Self {
        let ledger = Ledger::open(settings.state.join("ledger")).map_err(|error| error.to_string());
        let shared = Arc::new(Shared {
            ledger,
            state: settings.state.clone(),
            clock,
            permit: Permit::of(settings),
            webhook: settings.webhook.clone(),
            links: settings.links.clone(),
            patience,
            trailing: Trailing::default(),
        });
        let desk = |environment: &Environment| Arc::new(Desk::new(environment.clone(), Arc::clone(&shared)));
        let desks = settings.environments.iter().map(desk).collect();
        Self { desks, shared, runtime }
    }

    /// Carries an act out in the background and tells what becomes of it; the last report is [`What::Ended`], always.
    pub fn act(&self, act: Act, tell: Tell) {
        let number = act.number;
        let Some(desk) = self.desk(act.environment) else {
            let at = self.shared.clock.now();
            let what = What::Ended(Outcome::Refused("There is no such environment.".to_owned()));
            return tell(Report { act: number, at, what });
        };
        self.runtime.spawn(carry::carry(desk, act, tell));
    }

    /// Why a guard may not be armed in an environment, or cancelled there; None if it may. A demo's own world is asked for by the
    /// server's URL.
    pub fn forbids_guards(&self, environment: EnvironmentId, server: Option<&str>) -> Option<String> {
        let Some(desk) = self.desk(environment) else { return Some("There is no such environment.".to_owned()) };
        self.shared.permit.forbids_guards(&desk.environment, server)
    }

    /// Where tasks run.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Waits until those who are told of acts have been told, or could not be: that goes on after an act has ended.
    pub async fn told(&self) {
        self.shared.trailing.done().await;
    }

    /// Asks in the background what a dialog has to know: permissions, who manages the object, whether it can be recorded.
    pub fn review(&self, asked: Asked, answer: impl FnOnce(crate::domain::action::Reviewed) + Send + 'static) {
        if let Some(desk) = self.desk(asked.environment) {
            self.runtime.spawn(async move { answer(desk.review(&asked).await) });
        }
    }

    /// Looks in the background what is in a release: what its newest revision has and stable has not.
    pub fn inspect(
        &self,
        environment: EnvironmentId,
        (key, uid): (Key, Box<str>),
        answer: impl FnOnce(Result<Contents, String>) + Send + 'static,
    ) {
        if let Some(desk) = self.desk(environment) {
            self.runtime.spawn(async move { answer(desk.inspect(&key, &uid).await) });
        }
    }

    /// Reads the ledger in the background.
    pub fn read_ledger(&self, answer: impl FnOnce(LedgerView) + Send + 'static) {
        let ledger = self.shared.ledger.clone();
        self.runtime.spawn_blocking(move || {
            answer(match ledger {
                Ok(ledger) => ledger.view(),
                Err(problem) => LedgerView { problem: Some(problem), ..LedgerView::default() },
            });
        });
    }

    /// Settles in the background the ticket that an act owes; says why not, as a sentence.
    pub fn settle_ticket(&self, act: String, ticket: String, answer: impl FnOnce(Result<(), String>) + Send + 'static) {
        let shared = Arc::clone(&self.shared);
        self.runtime.spawn_blocking(move || {
            let settle = |ledger: &Ledger| {
                let operator = operator(None);
                ledger.settle_ticket(shared.clock.now(), &act, ticket.into(), operator).map(drop).map_err(|error| error.to_string())
            };
            answer(shared.ledger.as_ref().map_err(String::clone).and_then(settle));
        });
    }

    /// Settles in the background, by reading the clusters, what processes that died left open on the ledger.
    pub fn settle(&self, done: impl Fn() + Send + Sync + 'static) -> tokio::task::JoinHandle<()> {
        let desks: HashMap<Text, Arc<Desk>> =
            self.desks.iter().map(|desk| (Text::from(desk.environment.name.as_str()), Arc::clone(desk))).collect();
        self.runtime.spawn(settle::settle(desks, Arc::clone(&self.shared), done))
    }

    /// Takes the cluster that an environment leads to now for the right one.
    pub fn trust(&self, environment: EnvironmentId, done: impl FnOnce(Result<String, String>) + Send + 'static) {
        if let Some(desk) = self.desk(environment) {
            self.runtime.spawn(async move { done(desk.trust().await) });
        }
    }

    /// The ledger, or why there is none.
    pub fn ledger(&self) -> Result<&Ledger, &str> {
        self.shared.ledger.as_ref().map_err(String::as_str)
    }

    /// An environment, for commands that read one release and act on it.
    pub fn desk(&self, environment: EnvironmentId) -> Option<Arc<Desk>> {
        self.desks.get(usize::from(environment.0)).cloned()
    }
}
