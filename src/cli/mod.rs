//! The command line: what can be typed, and which exit code comes of it. One file per subcommand, over the same core as
//! the cockpit. stdout is the answer, stderr is talk; nothing here asks a question.

pub mod act;
pub mod cockpit;
pub mod colour;
pub mod completions;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod dump;
pub mod failure;
pub mod gate;
mod gates;
pub mod guard;
pub mod ledger;
pub mod live;
pub mod looks;
pub mod man;
pub mod shot;
pub mod status;
pub mod target;
pub mod watch;

use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{Choice, Environment, Files, Settings};
use crate::domain::action::Verb;
use crate::source::kube;

pub use failure::{Exit, Failure};

/// The name under which kubectl finds a plugin.
const PLUGIN: &str = "kubectl-pilothouse";

const COCKPIT_EXAMPLES: &str = "Examples:
  pilothouse demo                      the cockpit on an embedded world, nothing needed
  pilothouse                           the cockpit on the kubeconfig's current context
  pilothouse -e prod -n shop           one namespace of a configured environment
  pilothouse status gateway --json     the same knowledge for scripts";

/// A terminal release cockpit: live and truthfully, every rollout of an environment.
///
/// Without a command the cockpit opens.
#[derive(Debug, Parser)]
#[command(name = "pilothouse", version, after_help = COCKPIT_EXAMPLES)]
pub struct Arguments {
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do; the cockpit if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that every command understands.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Configuration file [default: $PILOTHOUSE_CONFIG, else config.toml in the configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Environment of the configuration to look at first
    #[arg(short, long, global = true, value_name = "NAME", conflicts_with = "context")]
    pub environment: Option<String>,
    /// Context of the kubeconfig: the environment that has it, else a new one that counts as production
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Read this namespace only
    #[arg(short, long, global = true, value_name = "NS", conflicts_with = "all_namespaces")]
    pub namespace: Option<String>,
    /// Read all namespaces, whatever the configuration says
    #[arg(short = 'A', long, global = true)]
    pub all_namespaces: bool,
    /// Nothing can be changed
    #[arg(long, global = true)]
    pub readonly: bool,
    /// How much is logged: error, warn, info, debug, trace, or a filter such as pilothouse::source=debug
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    pub log_level: String,
    /// Log file [default: pilothouse.log in the state folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
}

impl Common {
    /// Where this user's files are.
    pub fn files(&self) -> Result<Files, Failure> {
        Ok(Files::find(self.config.as_deref())?)
    }

    /// The file that is logged to.
    pub fn log_path(&self, files: &Files) -> PathBuf {
        self.log_file.clone().unwrap_or_else(|| files.state.join("pilothouse.log"))
    }

    /// The settings with the command line laid over them.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let files = self.files()?;
        let mut settings = files.settings()?;
        settings.state = files.state;
        self.chosen(settings)
    }

    /// These settings with the command line laid over them.
    pub fn chosen(&self, mut settings: Settings) -> Result<Settings, Failure> {
        settings.choose(&Choice {
            environment: self.environment.clone(),
            context: self.context.clone(),
            namespace: self.namespace.clone(),
            all_namespaces: self.all_namespaces,
            readonly: self.readonly,
        })?;
        for environment in settings.environments.iter_mut().filter(|one| one.context.is_none() && one.name == Environment::CURRENT)
        {
            // Held on to: what kubectl makes current later is not what was being looked at. Where there is none, the source says so.
            if let Ok(Some(context)) = kube::context(environment) {
                environment.name.clone_from(&context);
                environment.context = Some(context);
            }
        }
        Ok(settings)
    }
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The cockpit on an embedded world, or that world alone for other clients
    Demo(demo::Arguments),
    /// Every rollout, or one: phase, message, step, weights, images
    Status(status::StatusArgs),
    /// A line per change until a rollout is healthy (0), degraded (1) or the time is over (3)
    Watch(watch::Arguments),
    /// Hold a rollout or a service against limits for a time: held (0), breached (1), no verdict possible (3)
    Gate(gate::Arguments),
    /// Past the wait at which a rollout is: one step on, or to 100 %
    Promote(act::Promote),
    /// Back to stable, or to an earlier revision, by the quickest safe way
    Rollback(act::RollBack),
    /// Traffic back to stable; the template stays
    Abort(act::Back),
    /// Hold a rollout where it is
    Pause(act::Back),
    /// Lift the hold
    Resume(act::Plain),
    /// Begin an aborted release anew
    Retry(act::Plain),
    /// Replace the pods
    Restart(act::Plain),
    /// Past a step that is under way
    SkipStep(act::Plain),
    /// Release another image
    SetImage(act::SetImage),
    /// End a running analysis
    TerminateAnalysis(act::Terminate),
    /// Watch a release until it is stable, and take it back when its signals stay over their limits
    Guard(guard::Arguments),
    /// What was done, by whom, why, and what came of it; whether the record is whole
    Ledger(ledger::Arguments),
    /// Every environment: reachable, latency, version, permissions, credentials, clock; and this machine
    Doctor(doctor::Arguments),
    /// Where the configuration is, whether it is right, an example, its schema
    Config(config::Arguments),
    /// A picture of a screen of a scenario: SVG, PNG or text
    Shot(shot::Arguments),
    /// Completions for a shell, on stdout
    Completions(completions::Arguments),
    /// The manual page, on stdout
    Man(man::Arguments),
}

/// The command line as clap knows it, for completions, manual pages, the README and tests.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs what was typed; the arguments begin with the program's own name.
pub fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Exit, Failure> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let mut command = command();
    let program = arguments.first().map(PathBuf::from).unwrap_or_default();
    if program.file_stem().is_some_and(|stem| stem == PLUGIN) {
        command = command.bin_name("kubectl pilothouse");
    }
    let parsed = command.try_get_matches_from(arguments).and_then(|matches| Arguments::from_arg_matches(&matches));
    match parsed {
        Ok(arguments) => dispatch(&arguments),
        Err(error) => {
            error.print()?;
            Ok(if error.use_stderr() { Exit::Usage } else { Exit::Done })
        }
    }
}

fn dispatch(arguments: &Arguments) -> Result<Exit, Failure> {
    let common = &arguments.common;
    match &arguments.command {
        None => cockpit::run(common),
        Some(Command::Demo(arguments)) => demo::run(arguments, common),
        Some(Command::Status(arguments)) => status::run(arguments, common),
        Some(Command::Watch(arguments)) => watch::run(arguments, common),
        Some(Command::Gate(arguments)) => gate::run(arguments, common),
        Some(Command::Promote(arguments)) => act::promote(arguments, common),
        Some(Command::Rollback(arguments)) => act::roll_back(arguments, common),
        Some(Command::Abort(arguments)) => act::back(Verb::Abort, arguments, common),
        Some(Command::Pause(arguments)) => act::back(Verb::Hold, arguments, common),
        Some(Command::Resume(arguments)) => act::plain(Verb::Resume, arguments, common),
        Some(Command::Retry(arguments)) => act::plain(Verb::Retry, arguments, common),
        Some(Command::Restart(arguments)) => act::plain(Verb::Restart, arguments, common),
        Some(Command::SkipStep(arguments)) => act::plain(Verb::SkipStep, arguments, common),
        Some(Command::SetImage(arguments)) => act::set_image(arguments, common),
        Some(Command::TerminateAnalysis(arguments)) => act::terminate(arguments, common),
        Some(Command::Guard(arguments)) => guard::run(arguments, common),
        Some(Command::Ledger(arguments)) => ledger::run(arguments, common),
        Some(Command::Doctor(arguments)) => doctor::run(arguments, common),
        Some(Command::Config(arguments)) => config::run(arguments, common),
        Some(Command::Shot(arguments)) => shot::run(arguments, common),
        Some(Command::Completions(arguments)) => completions::run(arguments),
        Some(Command::Man(arguments)) => man::run(arguments),
    }
}
