//! `pilothouse doctor`: what the program finds on this machine and in every environment, one line each, with what to do about
//! what is wrong. Looks and asks, and changes nothing.

mod cluster;
mod go;
mod metrics;

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;

use super::target::Target;
use super::{Common, Exit, Failure, colour, looks};
use crate::config::{Files, Settings};
use crate::domain::go::BUDGET;
use crate::domain::id::EnvironmentId;
use crate::source::kube::checkup::Checkup;
use crate::source::prometheus;
use crate::ui::theme::Depth;
use crate::wire;

/// Arguments of `doctor`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  pilothouse doctor
  pilothouse doctor --context prod --json
  pilothouse doctor --go gateway -e prod     # is this a moment to begin a release of it? 0 go, 1 no-go, 3 cannot tell")]
pub struct Arguments {
    /// Go or no-go instead: alerts, error budget, other releases, freezes, and whether metrics are fresh
    #[arg(long)]
    pub go: bool,
    /// The rollout of which a release is to begin; without one the whole environment is meant
    #[arg(value_name = "ROLLOUT", requires = "go", help = "[rollout/|canary/][NAMESPACE/]NAME, with --go")]
    pub rollout: Option<Target>,
    /// Part of the error budget that has to be left for a go, in percent
    #[arg(long, value_name = "PERCENT", requires = "go", default_value_t = BUDGET * 100.0)]
    pub budget: f64,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, but somebody should look.
    Warn,
    /// It does not work.
    Fail,
    /// It is not there and need not be.
    Absent,
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Environment that it is about; None for this machine.
    pub environment: Option<String>,
    /// What was looked at.
    pub name: &'static str,
    /// What was found.
    pub verdict: Verdict,
    /// The same in words, with what to do.
    pub text: String,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u8,
    checks: &'a [Check],
    environments: Vec<cluster::Environment<'a>>,
    metrics: Vec<metrics::Server<'a>>,
}

/// Looks at everything.
pub fn run(arguments: &Arguments, common: &Common) -> Result<Exit, Failure> {
    if arguments.go {
        return go::run(arguments, common);
    }
    let files = common.files()?;
    let mut checks = Vec::new();
    let settings = configuration(&files, common, &mut checks);
    if let Some(settings) = &settings {
        checks.push(theme(&files, settings));
        checks.push(keymap(&files, settings));
    }
    checks.push(terminal());
    checks.push(log(&files, common));
    let found = settings.as_ref().map_or(Ok(Vec::new()), |settings| look(settings, common, wire::check))?;
    let measured = settings.as_ref().map_or(Ok(Vec::new()), |settings| look(settings, common, wire::check_metrics))?;
    let now = wire::now();
    for found in &found {
        checks.extend(cluster::checks(found, now));
        let here = measured.iter().filter(|measured| measured.environment == found.environment);
        checks.extend(here.flat_map(metrics::checks));
    }
    let answer = if arguments.json { json(&checks, &found, &measured)? } else { text(&checks, colour::wanted()) };
    std::io::stdout().write_all(answer.as_bytes())?;
    Ok(exit(&checks))
}

/// Looks at every environment at once, or at the one that was chosen: a dead one does not hold up the others.
fn look<T: Send>(
    settings: &Settings,
    common: &Common,
    check: impl Fn(&Settings, EnvironmentId) -> std::io::Result<Option<T>> + Sync,
) -> Result<Vec<T>, Failure> {
    let chosen = common.environment.is_some() || common.context.is_some();
    let places = (0..settings.environments.len()).filter(|place| !chosen || *place == settings.start_environment);
    let ids: Vec<EnvironmentId> = places.filter_map(|place| u16::try_from(place).ok()).map(EnvironmentId).collect();
    let found: Vec<_> = std::thread::scope(|scope| {
        let looks: Vec<_> = ids.iter().map(|id| scope.spawn(|| check(settings, *id))).collect();
        looks.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    let found = found.into_iter().map(|found| match found {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(Failure::Refused(format!("No thread can be started: {error}."))),
        Err(_) => Err(Failure::Refused("A check broke off; the log may tell more.".to_owned())),
    });
    Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// The configuration comes first: what is wrong there makes everything else meaningless. After that the sources decide.
fn exit(checks: &[Check]) -> Exit {
    let fails =
        |of_machine: bool| checks.iter().any(|check| check.verdict == Verdict::Fail && check.environment.is_none() == of_machine);
    match (fails(true), fails(false)) {
        (true, _) => Exit::Usage,
        (false, true) => Exit::Unreachable,
        (false, false) => Exit::Done,
    }
}

fn here(name: &'static str, verdict: Verdict, text: impl Into<String>) -> Check {
    Check { environment: None, name, verdict, text: text.into() }
}

fn configuration(files: &Files, common: &Common, checks: &mut Vec<Check>) -> Option<Settings> {
    let path = files.config.display();
    let (check, settings) = match common.settings() {
        Ok(settings) if files.config.is_file() => {
            let count = settings.environments.len();
            (
                here("configuration", Verdict::Ok, format!("{path}, {count} environment{}", if count == 1 { "" } else { "s" })),
                Some(settings),
            )
        }
        Ok(settings) => (here("configuration", Verdict::Ok, format!("{path} is not there: the defaults serve")), Some(settings)),
        Err(failure) => (here("configuration", Verdict::Fail, failure.to_string()), None),
    };
    checks.push(check);
    settings
}

fn theme(files: &Files, settings: &Settings) -> Check {
    match looks::theme(files, &settings.ui.theme, Depth::True) {
        Ok(theme) => here("theme", Verdict::Ok, format!("{}: {}", settings.ui.theme, theme.description)),
        Err(failure) => here("theme", Verdict::Fail, failure.to_string()),
    }
}

fn keymap(files: &Files, settings: &Settings) -> Check {
    match looks::keymap(files, &settings.ui.keymap) {
        Ok(_) => here("keymap", Verdict::Ok, settings.ui.keymap.clone()),
        Err(failure) => here("keymap", Verdict::Fail, failure.to_string()),
    }
}

fn terminal() -> Check {
    let term = std::env::var("TERM").unwrap_or_default();
    if !std::io::stdout().is_terminal() {
        return here("terminal", Verdict::Absent, "stdout is not a terminal: the cockpit needs one, the other commands do not");
    }
    if term.is_empty() || term == "dumb" {
        return here("terminal", Verdict::Warn, format!("TERM is '{term}': the cockpit needs a terminal that can place text"));
    }
    let colours = match looks::depth() {
        Depth::None => "no colours, as NO_COLOR asks",
        Depth::Sixteen => "16 colours; the theme ansi16 is made for them",
        Depth::Indexed => "256 colours",
        Depth::True => "24-bit colours",
    };
    let size = crossterm::terminal::size().map_or(String::new(), |(columns, rows)| format!(", {columns}×{rows}"));
    if speaks_utf8(|name| std::env::var(name).ok()) {
        here("terminal", Verdict::Ok, format!("{term}, {colours}{size}"))
    } else {
        let advice = "the locale is not UTF-8: if marks look broken, set glyphs = \"ascii\"";
        here("terminal", Verdict::Warn, format!("{term}, {colours}{size}; {advice}"))
    }
}

/// The first of these that is set decides, as in the C library.
fn speaks_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| locale.to_ascii_uppercase().replace('-', "").contains("UTF8"))
}

fn log(files: &Files, common: &Common) -> Check {
    let path = common.log_path(files);
    match crate::config::files::append(&path) {
        Ok(_) => here("log", Verdict::Ok, path.display().to_string()),
        Err(error) => here("log", Verdict::Fail, error.to_string()),
    }
}

fn json(checks: &[Check], found: &[Checkup], measured: &[prometheus::checkup::Checkup]) -> Result<String, Failure> {
    let environments = found.iter().map(cluster::Environment::from).collect();
    let metrics = measured.iter().map(metrics::Server::from).collect();
    serde_json::to_string(&Document { version: 1, checks, environments, metrics })
        .map(|text| text + "\n")
        .map_err(|error| Failure::Refused(format!("The answer cannot be written as JSON: {error}.")))
}

fn text(checks: &[Check], coloured: bool) -> String {
    let mut text = String::new();
    let mut environment = None;
    for check in checks {
        if check.environment != environment {
            environment.clone_from(&check.environment);
            let _ = writeln!(text, "\n{}", environment.as_deref().unwrap_or_default());
        }
        let (mark, code) = match check.verdict {
            Verdict::Ok => ('✔', 32),
            Verdict::Warn => ('▲', 33),
            Verdict::Fail => ('✖', 31),
            Verdict::Absent => ('⊘', 2),
        };
        let mark = if coloured { format!("\u{1b}[{code}m{mark}\u{1b}[0m") } else { mark.to_string() };
        let _ = writeln!(text, "{mark} {:14} {}", check.name, check.text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(environment: Option<&str>, verdict: Verdict) -> Check {
        Check { environment: environment.map(str::to_owned), name: "connection", verdict, text: "said so".to_owned() }
    }

    #[test]
    fn exit_code_tells_the_machine_from_the_sources() {
        assert_eq!(
            exit(&[check(None, Verdict::Ok), check(Some("prod"), Verdict::Warn), check(Some("prod"), Verdict::Absent)]),
            Exit::Done
        );
        assert_eq!(exit(&[check(None, Verdict::Ok), check(Some("prod"), Verdict::Fail)]), Exit::Unreachable);
        assert_eq!(exit(&[check(None, Verdict::Fail), check(Some("prod"), Verdict::Fail)]), Exit::Usage);
    }

    #[test]
    fn each_environment_has_a_chapter() {
        let checks = [check(None, Verdict::Ok), check(Some("prod"), Verdict::Fail), check(Some("prod"), Verdict::Warn)];
        assert_eq!(text(&checks, false), "✔ connection     said so\n\nprod\n✖ connection     said so\n▲ connection     said so\n");
        assert!(text(&checks, true).contains("\u{1b}[31m✖\u{1b}[0m connection"));
    }

    #[test]
    fn locale_is_the_first_that_is_set() {
        let locale = |set: &[(&str, &str)]| {
            speaks_utf8(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(locale(&[("LANG", "en_US.UTF-8")]));
        assert!(locale(&[("LC_CTYPE", "C.utf8"), ("LANG", "C")]));
        assert!(!locale(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
        assert!(!locale(&[]));
    }
}
