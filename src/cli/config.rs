//! `pilothouse config …`: where the configuration is, what the program makes of it, an example, its schema.

use std::fmt::Write as _;
use std::io::Write as _;

use super::{Common, Exit, Failure, looks};
use crate::config::{Confirm, Environment, Files, Namespaces, Policy, Settings, Tier, Write, raw};
use crate::ui::theme::Depth;

/// The example file, which is also the table of defaults.
pub const EXAMPLE: &str = include_str!("../../config.example.toml");

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pilothouse config example > \"$(pilothouse config path)\"")]
pub struct Arguments {
    #[command(subcommand)]
    question: Question,
}

#[derive(Clone, Copy, Debug, clap::Subcommand)]
enum Question {
    /// Where the configuration is looked for
    #[command(after_help = "Example:\n  pilothouse config path")]
    Path,
    /// Whether the configuration is right, and what comes of it
    #[command(after_help = "Example:\n  pilothouse --config new.toml config check")]
    Check,
    /// A configuration with every key and its default
    #[command(after_help = "Example:\n  pilothouse config example > ~/.config/pilothouse/config.toml")]
    Example,
    /// The JSON schema of the configuration, for editors
    #[command(after_help = "Example:\n  pilothouse config schema > pilothouse.schema.json")]
    Schema,
}

/// Answers the question.
pub fn run(arguments: &Arguments, common: &Common) -> Result<Exit, Failure> {
    let answer = match arguments.question {
        Question::Path => format!("{}\n", common.files()?.config.display()),
        Question::Check => check(common)?,
        Question::Example => EXAMPLE.to_owned(),
        Question::Schema => schema()?,
    };
    std::io::stdout().write_all(answer.as_bytes())?;
    Ok(Exit::Done)
}

fn schema() -> Result<String, Failure> {
    let schema = schemars::schema_for!(raw::File);
    serde_json::to_string_pretty(&schema)
        .map(|text| text + "\n")
        .map_err(|error| Failure::Refused(format!("The schema cannot be written: {error}.")))
}

fn check(common: &Common) -> Result<String, Failure> {
    let (files, settings) = (common.files()?, common.settings()?);
    looks::theme(&files, &settings.ui.theme, Depth::True)?;
    looks::keymap(&files, &settings.ui.keymap)?;
    Ok(describe(&files, &settings))
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
