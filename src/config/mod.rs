//! The configuration: the file as typed (`raw`), and what the program needs (`Settings`). Never talks to the network.

use std::path::PathBuf;

/// Everything that the program needs to know before it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Looks and keys.
    pub ui: Ui,
    /// Environments in the order of the switcher; never empty.
    pub environments: Vec<Environment>,
    /// Environment shown first, by place.
    pub start_environment: usize,
    /// No acting key works.
    pub readonly: bool,
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
    /// `bridge` or `rollouts`.
    pub start_screen: String,
    /// Whether something that turns bad rings the terminal's bell.
    pub bell: bool,
}

/// One `[[environment]]`: a cluster, a part of it, and what may be done there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Name on the screen.
    pub name: String,
    /// Context of the kubeconfig; None means its current one.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Write {
    /// Every act through a dialog.
    #[default]
    Confirm,
    /// Nothing.
    Never,
}
