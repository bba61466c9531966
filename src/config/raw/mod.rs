//! The configuration file as typed: every key optional, unknown keys refused. Holds no default: those are `resolve`'s.

mod metrics;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

pub use self::metrics::{BurnAlert, Freeze, Guard, Labels, Links, Method, Prometheus, Service, Signal, Slo};
use super::{Confirm, StartScreen, Tier, Write};

/// The whole file.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Pilothouse configuration")]
pub struct File {
    /// Looks and keys.
    #[serde(default)]
    pub ui: Ui,
    /// What those who act are asked for.
    #[serde(default)]
    pub policy: Policy,
    /// Environments, in the order of the switcher.
    #[serde(default)]
    pub environment: Vec<Environment>,
    /// What was done, and who is told.
    #[serde(default)]
    pub ledger: Ledger,
    /// Where metrics are, for every environment that does not say otherwise.
    #[serde(default)]
    pub prometheus: Prometheus,
    /// Signals, besides those of the preset.
    #[serde(default)]
    pub signal: Vec<Signal>,
    /// What is said about particular services.
    #[serde(default)]
    pub service: Vec<Service>,
    /// What is promised of every service.
    pub slo: Option<Slo>,
    /// When a guard acts.
    #[serde(default)]
    pub guard: Guard,
    /// Where charts can be looked at elsewhere.
    #[serde(default)]
    pub links: Links,
    /// When nothing is to be started.
    #[serde(default)]
    pub freeze: Vec<Freeze>,
}

/// `[ui]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ui {
    /// Name of a theme: a file `themes/NAME.toml` beside the configuration, or a built-in one.
    pub theme: Option<String>,
    /// Name of a keymap: a file `keymaps/NAME.toml` beside the configuration, or a built-in one.
    pub keymap: Option<String>,
    /// How marks are drawn.
    pub glyphs: Option<Glyphs>,
    /// Whether the mouse selects, scrolls and presses.
    pub mouse: Option<bool>,
    /// Whether spinners stand still.
    pub reduced_motion: Option<bool>,
    /// Screen shown first.
    pub start_screen: Option<StartScreen>,
    /// Whether something that turns bad rings the terminal's bell.
    pub bell: Option<bool>,
}

/// `[ledger]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// Address of a chat that is told of every act, as Slack takes it.
    #[schemars(with = "Option<String>")]
    pub webhook: Option<Spanned<String>>,
    /// A file with that address.
    #[schemars(with = "Option<PathBuf>")]
    pub webhook_file: Option<Spanned<PathBuf>>,
}

/// `[policy]`, and what an environment lays over it. None of it holds up somebody who goes back.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Letters that a reason needs at least.
    pub reason_min_length: Option<usize>,
    /// Regular expression that a ticket has to match as a whole; empty takes anything.
    #[schemars(with = "Option<String>")]
    pub ticket_pattern: Option<Spanned<String>>,
    /// Whether an act needs a ticket.
    pub ticket_required: Option<bool>,
    /// Reasons that Alt-1 to Alt-9 insert.
    pub presets: Option<Vec<String>>,
    /// Whether the key on the button is enough, or the rollout's name has to be typed.
    pub confirm: Option<Confirm>,
}

/// How marks are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Glyphs {
    /// One-cell symbols.
    Unicode,
    /// Plain ASCII.
    Ascii,
}

/// One `[[environment]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Name on the screen and for `--environment`.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Context of the kubeconfig. Needed unless `kubeconfig` is given: then that file's current context serves.
    pub context: Option<String>,
    /// Kubeconfig file or files, instead of `$KUBECONFIG` and `~/.kube/config`. `~/` is the home folder.
    pub kubeconfig: Option<OneOrMany>,
    /// Namespaces that are read: `"all"` or a list.
    #[schemars(with = "Option<Namespaces>")]
    pub namespaces: Option<Spanned<Namespaces>>,
    /// How dear it is.
    pub tier: Option<Tier>,
    /// Whether it may be changed.
    pub write: Option<Write>,
    /// Region, for people.
    pub region: Option<String>,
    /// What is asked here instead of what `[policy]` says.
    pub policy: Option<Policy>,
    /// Where its metrics are, where that is not what `[prometheus]` says.
    pub prometheus: Option<Prometheus>,
}

/// One path or several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a path or a list of paths")]
pub enum OneOrMany {
    /// One.
    One(PathBuf),
    /// Several, merged as kubectl merges `$KUBECONFIG`.
    Many(Vec<PathBuf>),
}

/// `"all"` or a list of namespaces.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected \"all\" or a list of namespaces")]
pub enum Namespaces {
    /// The word `all`.
    Word(All),
    /// These.
    These(Vec<String>),
}

/// The word `all`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum All {
    /// Every namespace.
    All,
}
