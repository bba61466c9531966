//! `pilothouse config …`: where the configuration is, what the program makes of it, an example, its schema.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use super::{Common, Exit, Failure, looks};
use crate::config::{Confirm, Environment, Files, Guard, Namespaces, Policy, Settings, Tier, Write, raw, values};
use crate::domain::id::EnvironmentId;
use crate::domain::signal::Unit;
use crate::source::prometheus::checkup::address;
use crate::source::prometheus::preflight::Grade;
use crate::ui::theme::Depth;
use crate::wire;

/// The example file, which is also the table of defaults.
pub const EXAMPLE: &str = include_str!("../../config.example.toml");

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pilothouse config example > \"$(pilothouse config path)\"")]
pub struct Arguments {
    #[command(subcommand)]
    question: Question,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Question {
    /// Where the configuration is looked for
    #[command(after_help = "Example:\n  pilothouse config path")]
    Path,
    /// Whether the configuration is right, and what comes of it
    ///
    /// Asks each environment's metrics server whether the queries find anything: series, labels, traffic, how old the newest sample is,
    /// whether the limit is within reach.
    #[command(after_help = "Examples:\n  pilothouse --config new.toml config check\n  pilothouse config check --offline")]
    Check {
        /// Ask no metrics server
        #[arg(long)]
        offline: bool,
    },
    /// The checks of a Helm values file as signals
    ///
    /// Prints the checks under metrics.prometheus of a values file as signals for the configuration.
    #[command(after_help = "Example:\n  pilothouse config import-checks values-canary.yaml >> ~/.config/pilothouse/config.toml")]
    ImportChecks {
        /// The values file
        file: std::path::PathBuf,
    },
    /// A configuration with every key and its default
    #[command(after_help = "Example:\n  pilothouse config example > ~/.config/pilothouse/config.toml")]
    Example,
    /// The JSON schema of the configuration, for editors
    #[command(after_help = "Example:\n  pilothouse config schema > pilothouse.schema.json")]
    Schema,
}

/// Answers the question.
pub fn run(arguments: &Arguments, common: &Common) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    let answer = match &arguments.question {
        Question::Path => format!("{}\n", common.files()?.config.display()),
        Question::Check { offline } => {
            let (text, worst) = check(common, *offline)?;
            exit = worst;
            text
        }
        Question::ImportChecks { file } => import(file)?,
        Question::Example => EXAMPLE.to_owned(),
        Question::Schema => schema()?,
    };
    std::io::stdout().write_all(answer.as_bytes())?;
    Ok(exit)
}

fn import(file: &Path) -> Result<String, Failure> {
    let wrong = |text: String| Failure::Usage(format!("{}: {text}.", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    values::import(&text, &file.display().to_string()).map_err(wrong)
}

fn schema() -> Result<String, Failure> {
    let schema = schemars::schema_for!(raw::File);
    serde_json::to_string_pretty(&schema)
        .map(|text| text + "\n")
        .map_err(|error| Failure::Refused(format!("The schema cannot be written: {error}.")))
}

fn check(common: &Common, offline: bool) -> Result<(String, Exit), Failure> {
    let (files, settings) = (common.files()?, common.settings()?);
    looks::theme(&files, &settings.ui.theme, Depth::True)?;
    looks::keymap(&files, &settings.ui.keymap)?;
    let mut text = describe(&files, &settings);
    let blind: Vec<String> = settings.environments.iter().filter_map(|environment| blind_guard(&settings, environment)).collect();
    text.extend(blind.iter().map(|line| format!("✖ guard        {line}\n")));
    let exit = if offline { Exit::Done } else { preflight(&settings, &mut text)? };
    Ok((text, if exit == Exit::Done && !blind.is_empty() { Exit::Refused } else { exit }))
}

/// Why a guard would not see that a canary is saturated, or would always see it; None where there are no metrics, or nothing is wrong.
fn blind_guard(settings: &Settings, environment: &Environment) -> Option<String> {
    environment.prometheus.as_ref()?;
    let (guard, name) = (&settings.guard, &environment.name);
    let (signal, limit) = (&guard.saturation, guard.saturation_limit);
    let mut all = environment.signals.iter().chain(settings.services.iter().flat_map(|service| service.checks.iter()));
    let Some(found) = all.find(|one| *one.name == **signal) else {
        // Who names none has not asked for it.
        let asked = *signal != Guard::default().saturation;
        return asked
            .then(|| format!("{name}: no signal is called '{signal}' (saturation in [guard]): it never acts on saturation"));
    };
    match found.unit {
        Unit::Ratio if limit > 1.0 => Some(format!("{name}: '{signal}' is a part of 1, never above saturation_limit = {limit}")),
        Unit::Percent if limit <= 1.0 => {
            Some(format!("{name}: '{signal}' is in percent, and saturation_limit = {limit} is {limit} %"))
        }
        _ => None,
    }
}

/// What every environment's metrics server knows of the signals, a line for each query.
fn preflight(settings: &Settings, text: &mut String) -> Result<Exit, Failure> {
    let (mut wrong, mut away) = (false, false);
    for (place, environment) in settings.environments.iter().enumerate() {
        let id = EnvironmentId(u16::try_from(place).unwrap_or(u16::MAX));
        let found =
            wire::preflight(settings, id).map_err(|error| Failure::Refused(format!("No thread can be started: {error}.")))?;
        match found {
            None => {}
            Some(Err(reason)) => {
                away = true;
                let _ = writeln!(text, "\n{}: the metrics server does not answer: {reason}", environment.name);
            }
            Some(Ok(found)) => {
                let _ = writeln!(text, "\n{}", environment.name);
                for finding in found.findings {
                    let mark = match finding.grade {
                        Grade::Fine => '✔',
                        Grade::Odd => '▲',
                        Grade::Wrong => '✖',
                    };
                    wrong |= finding.grade == Grade::Wrong;
                    let name = format!("{}.{}", finding.signal, finding.query);
                    let _ = writeln!(text, "{mark} {name:24} {}", finding.text);
                }
                for line in found.recorded {
                    let _ = writeln!(text, "· {:24} {line}", "recorded");
                }
            }
        }
    }
    Ok(match (away, wrong) {
        (true, _) => Exit::Unreachable,
        (false, true) => Exit::Refused,
        (false, false) => Exit::Done,
    })
}

fn describe(files: &Files, settings: &Settings) -> String {
    let mut text = String::new();
    let found = if files.config.is_file() { "" } else { " (not there: the defaults serve)" };
    let _ = writeln!(text, "configuration  {}{found}", files.config.display());
    let own = |path: Option<std::path::PathBuf>| path.map_or("built in".to_owned(), |path| path.display().to_string());
    let _ = writeln!(text, "theme          {} ({})", settings.ui.theme, own(files.theme(&settings.ui.theme)));
    let _ = writeln!(text, "keymap         {} ({})", settings.ui.keymap, own(files.keymap(&settings.ui.keymap)));
    for environment in &settings.environments {
        let _ = writeln!(text, "environment    {}", line(environment));
        if let Some(prometheus) = &environment.prometheus {
            let names: Vec<&str> = environment.signals.iter().map(|signal| &*signal.name).collect();
            let _ = writeln!(text, "metrics        {}: {}, signals {}", environment.name, address(prometheus), names.join(", "));
        }
    }
    text
}

fn line(environment: &Environment) -> String {
    let tier = match environment.tier {
        Tier::Dev => "dev",
        Tier::Stage => "stage",
        Tier::Prod => "prod",
    };
    let write = match environment.write {
        Write::Confirm => "changes are confirmed",
        Write::Never => "nothing can be changed",
    };
    let namespaces = match &environment.namespaces {
        Namespaces::All => "all namespaces".to_owned(),
        Namespaces::Some(names) => format!("namespaces {}", names.join(", ")),
    };
    let context = environment.context.as_ref().map_or("the current context".to_owned(), |name| format!("context {name}"));
    format!("{}: {context}, {namespaces}, {tier}, {write}{}", environment.name, asked(&environment.policy))
}

/// What is asked of those who act, beyond a reason.
fn asked(policy: &Policy) -> String {
    let mut all = Vec::new();
    if policy.reason_min_length > 0 {
        all.push(format!("a reason of {} letters", policy.reason_min_length));
    }
    match (&policy.ticket_pattern, policy.ticket_required) {
        (Some(pattern), true) => all.push(format!("a ticket like {}", pattern.as_str())),
        (Some(pattern), false) => all.push(format!("any ticket like {}", pattern.as_str())),
        (None, true) => all.push("a ticket".to_owned()),
        (None, false) => {}
    }
    if policy.confirm == Confirm::Name {
        all.push("the rollout's name".to_owned());
    }
    if all.is_empty() { String::new() } else { format!(", asks for {}", all.join(" and ")) }
}
