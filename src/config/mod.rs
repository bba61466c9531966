//! The configuration: the file as typed ([`raw`]), what the program needs ([`Settings`]), and where files lie
//! ([`files`]). Never talks to the network and never reads a kubeconfig: that is the source's.

pub mod choose;
pub mod error;
pub mod files;
mod freeze;
mod guard;
pub mod metrics;
pub mod policy;
pub mod raw;
pub mod resolve;
pub mod secret;
mod service;
pub mod values;
mod webhook;

use std::path::PathBuf;
use std::sync::Arc;

pub use choose::Choice;
pub use error::Error;
pub use files::Files;
pub use metrics::{Credentials, Freeze, Guard, Links, Prometheus, Secret, Service, When};
pub use policy::{Confirm, Pattern, Policy};
pub use webhook::Webhook;

use crate::domain::signal::Signal;
use crate::domain::slo::Slo;

/// Everything that the program needs to know before it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Looks and keys.
    pub ui: Ui,
    /// Environments in the order of the switcher; never empty.
    pub environments: Vec<Environment>,
    /// Environment shown first, by place.
    pub start_environment: usize,
    /// What those who act are asked for where an environment does not say it.
    pub policy: Policy,
    /// No acting key works.
    pub readonly: bool,
    /// Folder of what is kept across starts: the ledger, which cluster an environment led to.
    pub state: PathBuf,
    /// Whether this is a demo, which may touch nothing but its own world.
    pub demo: bool,
    /// Where acts are told, in a chat.
    pub webhook: Option<Webhook>,
    /// Signals of every rollout for which neither its environment nor a service says otherwise.
    pub signals: Arc<[Signal]>,
    /// What is said about particular services.
    pub services: Vec<Service>,
    /// What is promised of every service; None if nothing is.
    pub slo: Option<Slo>,
    /// When a guard acts.
    pub guard: Guard,
    /// Where charts can be looked at elsewhere.
    pub links: Links,
    /// When nothing is to be started.
    pub freezes: Vec<Freeze>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ui: Ui::default(),
            environments: vec![Environment::current()],
            start_environment: 0,
            policy: Policy::default(),
            readonly: false,
            state: PathBuf::new(),
            demo: false,
            webhook: None,
            signals: Arc::new([]),
            services: Vec::new(),
            slo: None,
            guard: Guard::default(),
            links: Links::default(),
            freezes: Vec::new(),
        }
    }
}

/// `[ui]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ui {
    /// Name of a theme.
    pub theme: String,
    /// Name of a keymap.
    pub keymap: String,
    /// Whether marks are drawn in ASCII.
    pub ascii: bool,
    /// Whether the mouse is captured.
    pub mouse: bool,
    /// Whether spinners stand still.
    pub reduced_motion: bool,
    /// Screen shown first.
    pub start_screen: StartScreen,
    /// Whether something that turns bad rings the terminal's bell.
    pub bell: bool,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            theme: "harbor".to_owned(),
            keymap: "default".to_owned(),
            ascii: false,
            mouse: true,
            reduced_motion: false,
            start_screen: StartScreen::Bridge,
            bell: false,
        }
    }
}

/// The screen shown first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StartScreen {
    /// All panes at a glance.
    #[default]
    Bridge,
    /// The list of rollouts.
    Rollouts,
}

/// One `[[environment]]`: a cluster, a part of it, and what may be done there.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// Name on the screen.
    pub name: String,
    /// Context of the kubeconfig; None means its current one, whose name is then the environment's.
    pub context: Option<String>,
    /// Kubeconfig files, as `KUBECONFIG` lists them; empty means kubectl's default.
    pub kubeconfig: Vec<PathBuf>,
    /// What is read.
    pub namespaces: Namespaces,
    /// How dear it is.
    pub tier: Tier,
    /// Whether anything may be changed.
    pub write: Write,
    /// Region, for people.
    pub region: Option<String>,
    /// What those who act here are asked for.
    pub policy: Policy,
    /// Where its metrics are; None if nowhere.
    pub prometheus: Option<Arc<Prometheus>>,
    /// Signals of its rollouts, before what services say; none where there are no metrics.
    pub signals: Arc<[Signal]>,
}

impl Environment {
    /// The name that stands for the kubeconfig's current context until the source has read which one that is.
    pub const CURRENT: &'static str = "current context";

    /// The environment that serves without a configuration: the kubeconfig's current context, treated as production.
    pub fn current() -> Self {
        Self {
            name: Self::CURRENT.to_owned(),
            context: None,
            kubeconfig: Vec::new(),
            namespaces: Namespaces::All,
            tier: Tier::default(),
            write: Write::default(),
            region: None,
            policy: Policy::default(),
            prometheus: None,
            signals: Arc::new([]),
        }
    }
}

/// Which namespaces of a cluster are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// All; where that is refused, the context's own.
    All,
    /// These, each with watches of its own.
    Some(Vec<String>),
}

/// How dear an environment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// For trying things.
    Dev,
    /// Before production.
    Stage,
    /// Production: its name stands on the danger colour. The default, as the careful one.
    #[default]
    Prod,
}

/// Whether an environment may be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Write {
    /// Every act through a dialog.
    #[default]
    Confirm,
    /// Nothing.
    Never,
}
