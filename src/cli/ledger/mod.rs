//! `pilothouse ledger …`: what was done, by whom, why, and whether the record is whole. Reads this user's ledger and no cluster;
//! writes nothing but the ticket that an act owes.

mod export;
mod list;

use std::fmt::Write as _;
use std::io::Write as _;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::target::Target;
use super::{Common, Exit, Failure};
use crate::domain::duration::go_seconds;
use crate::ledger::{self, Ledger, Report, Text, operator, verify};
use crate::wire;

/// Arguments of `ledger`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  pilothouse ledger list --since 24h\n  pilothouse ledger verify")]
pub struct Arguments {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, clap::Subcommand)]
enum Question {
    /// Every act: when, who, what, why, and what came of it; the newest last
    List(ListArgs),
    /// Recomputes the chain; whole: 0, otherwise 1 with every entry that is not as it was written
    #[command(long_about = PROVES)]
    Verify(VerifyArgs),
    /// Every entry as JSON or CSV, every act as a Markdown table
    Export(ExportArgs),
    /// Settles the ticket that an act owes
    #[command(after_help = "Example:\n  pilothouse ledger ticket 1f3a9c02 INC-123")]
    Ticket {
        /// The act, or the beginning of its id
        act: String,
        /// The ticket
        ticket: String,
    },
}

const PROVES: &str = "Recomputes the chain; whole: 0, otherwise 1 with every entry that is not as it was written.

Every entry holds the hash of the one before, and head.json the hash of the last. What is edited, missing, put elsewhere, doubled or cut \
off is found and named, and so is a head.json that is missing or older than the entries.

What this proves, and what not: it finds accidents, failing disks, and whoever changes one thing without the rest. It does not stop the \
owner of these files: who can write them can make up a whole chain, with a head.json that fits, and can leave out what was never \
appended. The newest entry is vouched for by head.json alone, and by nothing at all where a crash came before that was written.

What went elsewhere, such as the hash in a webhook's message, cannot be made up later. With --head HASH that entry has to be in the \
chain, and then everything up to it is as it was when the message was sent.";

/// Arguments of `ledger list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pilothouse ledger list --since 24h
  pilothouse ledger list -e prod --rollout shop/gateway --json
  pilothouse ledger list --owed")]
struct ListArgs {
    /// Acts not older than this: 90m, 24h, 7d, 2026-11-23 or 2026-11-23T07:40:38Z
    #[arg(long, value_name = "TIME|DURATION", value_parser = since)]
    since: Option<Since>,
    /// One rollout.
    #[arg(long, value_name = "NAME", help = "One rollout: [rollout/|canary/][NAMESPACE/]NAME")]
    rollout: Option<Target>,
    /// Acts of which nobody knows yet what came
    #[arg(long)]
    open: bool,
    /// What is owed instead of acts: tickets, paused synchronisation, open gates
    #[arg(long, conflicts_with = "open")]
    owed: bool,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// Arguments of `ledger verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  pilothouse ledger verify\n  pilothouse ledger verify --head 5f1e0c9a77d2b3e4")]
struct VerifyArgs {
    /// Hash of an entry, as a webhook's message told it, that has to be in the chain; 16 digits of it are enough
    #[arg(long, value_name = "HASH", value_parser = hash)]
    head: Option<String>,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// Arguments of `ledger export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pilothouse ledger export --format csv > ledger.csv
  pilothouse ledger export --format markdown --since 2h")]
struct ExportArgs {
    /// In which form
    #[arg(long, value_enum)]
    format: export::Format,
    /// Entries not older than this: 90m, 24h, 7d, 2026-11-23 or 2026-11-23T07:40:38Z
    #[arg(long, value_name = "TIME|DURATION", value_parser = since)]
    since: Option<Since>,
}

/// The beginning of what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    At(Timestamp),
    Ago(SignedDuration),
}

impl Since {
    fn time(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(length) => now.checked_sub(length).unwrap_or(Timestamp::MIN),
        }
    }
}

fn since(text: &str) -> Result<Since, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()).map(|days| i64::from(days) * 86_400);
    if let Some(seconds) = days.or_else(|| go_seconds(text)).filter(|seconds| *seconds >= 0) {
        return Ok(Since::Ago(SignedDuration::from_secs(seconds)));
    }
    let day = || Some(text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    let time = text.parse().ok().or_else(day).map(Since::At);
    time.ok_or_else(|| "a time is written like 90m, 24h, 7d, 2026-11-23 or 2026-11-23T07:40:38Z".to_owned())
}

fn hash(text: &str) -> Result<String, String> {
    let fits = (verify::SHORTEST..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| text.to_owned()).ok_or_else(|| format!("a hash is {} to 64 hexadecimal digits", verify::SHORTEST))
}

impl From<ledger::Error> for Failure {
    fn from(error: ledger::Error) -> Self {
        Self::Refused(error.to_string())
    }
}

/// Answers the question.
pub fn run(arguments: &Arguments, common: &Common) -> Result<Exit, Failure> {
    let ledger = Ledger::open(Ledger::folder(&common.files()?))?;
    let now = wire::now();
    let (answer, exit) = match &arguments.question {
        Question::List(arguments) => (list::list(arguments, common, &ledger, now)?, Exit::Done),
        Question::Verify(arguments) => {
            let report = ledger.verify(arguments.head.as_deref())?;
            let exit = if report.is_clean() { Exit::Done } else { Exit::Refused };
            (if arguments.json { json(&Verified::from(&report))? } else { describe(&report) }, exit)
        }
        Question::Export(arguments) => {
            let entries = ledger.read(arguments.since.map(|since| since.time(now)))?;
            (export::export(arguments.format, &entries)?, Exit::Done)
        }
        Question::Ticket { act, ticket } => {
            let ticket = Text::from(ticket.as_str());
            let entry = ledger.settle_ticket(now, act, ticket.clone(), operator::operator(None))?;
            let act = entry.body.act().map(list::short).unwrap_or_default();
            (format!("Act {act} has the ticket {ticket}.\n"), Exit::Done)
        }
    };
    std::io::stdout().lock().write_all(answer.as_bytes())?;
    Ok(exit)
}

/// One document on one line.
fn json(document: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(document)
        .map(|text| text + "\n")
        .map_err(|error| Failure::Refused(format!("The answer cannot be written as JSON: {error}.")))
}

/// `verify --json`.
#[derive(Serialize)]
struct Verified<'a> {
    version: u8,
    clean: bool,
    #[serde(flatten)]
    report: &'a Report,
}

impl<'a> From<&'a Report> for Verified<'a> {
    fn from(report: &'a Report) -> Self {
        Self { version: 1, clean: report.is_clean(), report }
    }
}

fn describe(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let _ = writeln!(text, "✖ {}", Text::from(finding.text.as_str()));
    }
    let many = |count: usize, word: &str, words: &str| format!("{count} {}", if count == 1 { word } else { words });
    let entries = many(report.entries, "entry", "entries");
    let files = many(report.files, "file", "files");
    let _ = match (report.is_clean(), report.last, report.vouched_from) {
        (true, None, _) => writeln!(text, "The ledger is empty."),
        (true, Some(last), _) => writeln!(text, "✔ The ledger is whole: {entries} in {files}. The last is entry {last}."),
        (false, Some(last), Some(from)) => writeln!(text, "Of {entries} in {files} the chain vouches for {from} to {last}."),
        (false, ..) => writeln!(text, "Of {entries} in {files} the chain vouches for none."),
    };
    if let Some(hash) = &report.hash {
        let _ = writeln!(text, "  hash of the last     {hash}");
    }
    if report.sealed > 0 {
        let _ = writeln!(text, "  torn lines sealed    {}", report.sealed);
    }
    if let Some(torn) = &report.torn {
        let _ = writeln!(text, "  torn by a crash      line {} of {}; the next entry seals it", torn.line, torn.file);
    }
    if let Some(expected) = report.expected {
        let _ = writeln!(text, "  has the hash asked   entry {expected}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_lengths_days_and_moments() {
        let check = |text: &str, expected: &str| {
            let now = "2026-11-23T12:00:00Z".parse().unwrap();
            assert_eq!(since(text).map_or_else(|error| error, |since| since.time(now).to_string()), expected, "{text}");
        };
        check("90m", "2026-11-23T10:30:00Z");
        check("7d", "2026-11-16T12:00:00Z");
        check("2026-11-01", "2026-11-01T00:00:00Z");
        check("2026-11-01T07:40:38+01:00", "2026-11-01T06:40:38Z");
        check("4000000000d", "-009999-01-02T01:59:59Z");
        let expected = "a time is written like 90m, 24h, 7d, 2026-11-23 or 2026-11-23T07:40:38Z";
        for text in ["", "soon", "-5m", "d"] {
            check(text, expected);
        }
    }

    #[test]
    fn hashes_are_hexadecimal_and_long_enough() {
        assert!(hash("5f1e0c9a77d2b3e4").is_ok() && hash("5f1e0c9a77d2b3e").is_err() && hash("5f1e0c9a77d2b3eg").is_err());
    }
}
