//! Everything that is shown and remembered. Changed by [`super::update()`] alone; drawing only reads it.

use std::sync::Arc;

use jiff::Timestamp;
use ratatui::layout::Size;

use super::board::Board;
use super::chart::Chart;
use super::contents::Inspection;
use super::course::Marks;
use super::dialog::Dialog;
use super::environment::Environment;
use super::freshness::Freshness;
use super::guard::{GuardDialog, Guards};
use super::ledger::Ledger;
use super::links::Links;
use super::look::Look;
use super::metrics::{Definitions, Metrics};
use super::palette::Palette;
use super::panes::{self, Layout, Pane, Picture};
use super::table::Table;
use crate::config::{Settings, StartScreen};
use crate::domain::guard::Rules;
use crate::domain::id::{EnvironmentId, Key};
use crate::domain::ledger::LedgerAct;
use crate::domain::release::Release;
use crate::input::Keymap;
use crate::log::Line;

/// What does not change while the program runs.
#[derive(Clone, Debug)]
pub struct Env {
    /// Names of the themes, in the order in which the key goes through them.
    pub themes: Vec<String>,
    /// Whether something that turns bad rings the bell.
    pub bell: bool,
}

/// What fills the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Screen {
    /// All at one glance.
    Bridge,
    /// The list of rollouts.
    Rollouts,
    /// One of them.
    Detail(Key),
    /// The signals of all that is measured.
    Signals,
    /// What was done, by whom and why.
    Ledger,
    /// One act of it, by its id.
    Act(Box<str>),
    /// What is in a release.
    Contents(Key),
    /// What the program noted.
    Log,
}

/// What lies over the screen and has the keys.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    /// A filter is being typed; the list follows every letter.
    Filter,
    /// The choice among environments, and which one is selected.
    Environments(EnvironmentId),
    /// Commands and names by a few letters.
    Palette(Palette),
    /// All keys. Its lines are [`super::help::lines`].
    Help,
    /// What is about to be done to a release.
    Dialog(Box<Dialog>),
    /// How an act goes that was confirmed.
    Marks(Marks),
    /// What is about to be done about a guard.
    Guard(Box<GuardDialog>),
}

/// How far each pane that can be longer than its area is scrolled, in lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    /// Steps of the detail.
    pub steps: usize,
    /// Tree of the detail.
    pub tree: usize,
    /// Events of the detail.
    pub events: usize,
    /// *Now*.
    pub now: usize,
    /// Alerts.
    pub alerts: usize,
    /// Budgets.
    pub budgets: usize,
    /// An act of the ledger.
    pub act: usize,
    /// What is in a release.
    pub contents: usize,
    /// The help.
    pub help: usize,
    /// The log, counted from its newest line upwards.
    pub log: usize,
}

/// A word to the user that goes away by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// The sentence.
    pub text: String,
    /// When it goes, by the local clock.
    pub until: Timestamp,
}

/// The state.
#[derive(Debug)]
pub struct State {
    /// All environments, in the order of the configuration; never empty.
    pub environments: Vec<Environment>,
    /// The environment on the screen.
    pub shown: EnvironmentId,
    /// The terminal's size in cells.
    pub size: Size,
    /// The local clock.
    pub now: Timestamp,
    /// What fills the screen.
    pub screen: Screen,
    /// The pane that has the keys.
    pub focus: Pane,
    /// Whether the focused pane has the screen for itself.
    pub zoomed: bool,
    /// What lies over the screen.
    pub overlay: Option<Overlay>,
    /// How far panes are scrolled.
    pub scroll: Scroll,
    /// A word to the user.
    pub toast: Option<Toast>,
    /// The newest lines of the log, oldest first; only kept up to date while they are shown.
    pub log: Vec<Line>,
    /// The ledger as it was last read.
    pub ledger: Ledger,
    /// What is in the release that was last asked about.
    pub inspection: Option<Inspection>,
    /// The list of what is measured.
    pub board: Board,
    /// Which signal is drawn in the detail, and over which span.
    pub chart: Chart,
    /// Whether signals are shown as rate, errors, duration and utilisation, saturation, errors.
    pub red_use: bool,
    /// Seconds of a breach after which a guard aborts: what a breach is counted towards.
    pub breach_after: i64,
    /// Where charts can be looked at elsewhere.
    pub(super) links: Links,
    /// Name of the theme.
    pub theme: String,
    /// Whether spinners stand still.
    pub reduced_motion: bool,
    /// Whether nothing may be changed.
    pub readonly: bool,
    /// Which key asks for what.
    pub keymap: Arc<Keymap>,
    /// The guards that were armed here.
    pub guards: Guards,
    /// When guards act.
    pub rules: Rules,
    /// What else rolls back by itself, in words.
    pub robots: Arc<[String]>,
    /// Where Back leads, the nearest last.
    pub(super) behind: Vec<Screen>,
    /// What is looked at closely.
    pub(super) look: Look,
    /// How many inspections were asked for.
    pub(super) inspections: u64,
    /// Dialogs and acts so far: each gets a number that no other had.
    numbers: u64,
}

impl State {
    /// The state at the start, before anything is known.
    pub fn new(settings: &Settings, keymap: Arc<Keymap>, size: Size, now: Timestamp) -> Self {
        let environments = settings.environments.iter().zip(0_u16..);
        let environments: Vec<_> = environments
            .map(|(environment, place)| {
                let metrics = Metrics::new(Definitions::of(settings, environment));
                let environment = Environment::new(EnvironmentId(place), Arc::new(environment.clone()), metrics, now);
                environment.frozen_by(&settings.freezes)
            })
            .collect();
        let shown = EnvironmentId(u16::try_from(settings.start_environment).unwrap_or_default());
        let screen = match settings.ui.start_screen {
            StartScreen::Bridge => Screen::Bridge,
            StartScreen::Rollouts => Screen::Rollouts,
        };
        Self {
            environments,
            shown,
            size,
            now,
            screen,
            focus: Pane::Rollouts,
            zoomed: false,
            overlay: None,
            scroll: Scroll::default(),
            toast: None,
            log: Vec::new(),
            ledger: Ledger::default(),
            inspection: None,
            board: Board::default(),
            chart: Chart::default(),
            red_use: false,
            breach_after: settings.guard.breach_after.as_secs(),
            links: Links::new(settings),
            theme: settings.ui.theme.clone(),
            reduced_motion: settings.ui.reduced_motion,
            readonly: settings.readonly,
            keymap,
            guards: Guards::default(),
            rules: settings.guard.rules(),
            robots: settings.guard.robots.clone().into(),
            behind: Vec::new(),
            look: Look::default(),
            inspections: 0,
            numbers: 0,
        }
    }

    /// The environment on the screen.
    #[expect(clippy::indexing_slicing, reason = "settings have at least one environment, and `shown` is only set to one of them")]
    pub fn environment(&self) -> &Environment {
        &self.environments[usize::from(self.shown.0)]
    }

    /// The same, to change it.
    #[expect(clippy::indexing_slicing, reason = "as above")]
    pub(super) fn environment_mut(&mut self) -> &mut Environment {
        &mut self.environments[usize::from(self.shown.0)]
    }

    /// The list of the environment on the screen.
    pub fn table(&self) -> &Table {
        &self.environment().table
    }

    /// How fresh the environment on the screen is.
    pub fn freshness(&self) -> Freshness {
        self.environment().freshness(self.now)
    }

    /// The cluster's clock, for countdowns and ages.
    pub fn cluster_time(&self) -> Timestamp {
        self.environment().cluster_time(self.now)
    }

    /// The release that a key would be about: the opened one, else the selected one.
    pub fn subject(&self) -> Option<&Key> {
        match &self.screen {
            Screen::Detail(key) | Screen::Contents(key) => Some(key),
            Screen::Bridge | Screen::Rollouts | Screen::Log => self.table().selected(),
            // Nothing on them is a release: a key must not be about one that nobody sees.
            Screen::Ledger | Screen::Act(_) => None,
            Screen::Signals => self.board.selected(),
        }
    }

    /// A release of the environment on the screen, worked out now.
    pub fn release(&self, key: &Key) -> Option<Release> {
        self.environment().cluster.release(key, self.cluster_time())
    }

    /// Where everything is on the screen.
    pub fn picture(&self) -> Picture {
        panes::picture(self)
    }

    /// The layout, if the terminal is large enough.
    pub fn layout(&self) -> Option<Layout> {
        match self.picture() {
            Picture::Fits(layout) => Some(*layout),
            Picture::TooSmall { .. } => None,
        }
    }

    /// Rows of the list of releases that are visible; 0 where it is not shown.
    pub(super) fn list_height(&self) -> usize {
        if matches!(self.screen, Screen::Ledger | Screen::Signals) { 0 } else { panes::list_height(self) }
    }

    /// Rows of the ledger that are visible; 0 where it is not shown.
    pub(super) fn ledger_height(&self) -> usize {
        if self.screen == Screen::Ledger { panes::list_height(self) } else { 0 }
    }

    /// Rows of what is measured that are visible; 0 where they are not shown.
    pub(super) fn board_height(&self) -> usize {
        if self.screen == Screen::Signals { panes::list_height(self) } else { 0 }
    }

    /// A number that no dialog and no act had before.
    pub(super) fn number(&mut self) -> u64 {
        self.numbers = self.numbers.saturating_add(1);
        self.numbers
    }

    /// The act on the screen: the opened one, else the selected one.
    pub fn act(&self) -> Option<&LedgerAct> {
        match &self.screen {
            Screen::Act(id) => self.ledger.view().act(id),
            Screen::Ledger => self.ledger.selected(),
            Screen::Bridge | Screen::Rollouts | Screen::Detail(_) | Screen::Signals | Screen::Contents(_) | Screen::Log => None,
        }
    }
}
