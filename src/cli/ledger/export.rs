//! `ledger export`: the record for other programs and for reports. JSON and CSV have every entry, Markdown every act.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::list::{about, ending, reason, seconds};
use super::{Failure, json};
use crate::ledger::Entry;
use crate::ledger::acts::acts;

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// One document with every entry
    Json,
    /// A row for every entry
    Csv,
    /// A table of acts
    Markdown,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u8,
    entries: &'a [Entry],
}

/// Writes entries in a form.
pub(super) fn export(format: Format, entries: &[Entry]) -> Result<String, Failure> {
    match format {
        Format::Json => json(&Document { version: 1, entries }),
        Format::Csv => csv(entries),
        Format::Markdown => Ok(markdown(entries)),
    }
}

/// Columns of the CSV, and where they stand in an entry; of several places one is filled.
const COLUMNS: [(&str, &[&str]); 28] = [
    ("sequence", &["/sequence"]),
    ("time", &["/time"]),
    ("kind", &["/kind"]),
    ("act", &["/act"]),
    ("operator", &["/operator/local", "/settled_by/local"]),
    ("kube_user", &["/operator/kube", "/settled_by/kube"]),
    ("host", &["/operator/host", "/settled_by/host"]),
    ("authority", &["/authority"]),
    ("environment", &["/environment"]),
    ("cluster", &["/cluster"]),
    ("object_kind", &["/object/kind"]),
    ("namespace", &["/object/namespace"]),
    ("name", &["/object/name"]),
    ("uid", &["/object/uid"]),
    ("revision", &["/object/revision"]),
    ("step", &["/object/step", "/step"]),
    ("verb", &["/verb"]),
    ("plan", &["/plan"]),
    ("reason", &["/reason"]),
    ("ticket", &["/ticket"]),
    ("owed", &["/owed", "/what"]),
    ("result", &["/result"]),
    ("detail", &["/detail", "/text", "/bytes"]),
    ("observed", &["/observed"]),
    ("digest", &["/digest"]),
    ("hash", &["/hash"]),
    ("gates", &["/gates"]),
    ("overridden", &["/overridden"]),
];

fn csv(entries: &[Entry]) -> Result<String, Failure> {
    let mut text = COLUMNS.map(|(name, _)| name).join(",") + "\r\n";
    for entry in entries {
        let entry =
            serde_json::to_value(entry).map_err(|error| Failure::Refused(format!("An entry cannot be written: {error}.")))?;
        let cell = |places: &[&str]| places.iter().find_map(|place| entry.pointer(place)).map(plain).unwrap_or_default();
        let row: Vec<String> = COLUMNS.iter().map(|(_, places)| quoted(&cell(places))).collect();
        let _ = write!(text, "{}\r\n", row.join(","));
    }
    Ok(text)
}

/// A value as a cell shows it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join("; "),
        // What has words of its own says them.
        Value::Object(fields) if fields.contains_key("words") => fields.get("words").map(plain).unwrap_or_default(),
        Value::Object(fields) => fields.values().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// A cell of a CSV file that no spreadsheet takes for a formula.
fn quoted(cell: &str) -> String {
    let formula = if cell.starts_with(['=', '+', '-', '@', '\t']) { "'" } else { "" };
    if formula.is_empty() && !cell.contains([',', '"', '\n']) {
        return cell.to_owned();
    }
    format!("\"{formula}{}\"", cell.replace('"', "\"\""))
}

fn markdown(entries: &[Entry]) -> String {
    let mut text = "| time | who | environment | rollout | verb | reason | result | detail | ticket |\n".to_owned();
    text += &("|".to_owned() + &" --- |".repeat(9) + "\n");
    for act in acts(entries) {
        let [who, environment, rollout] = about(act.intent);
        let detail = act.outcome.map_or_else(String::new, |(_, outcome)| outcome.detail.to_string());
        let owes = act.owes.iter().map(|what| format!("{what} owed"));
        let ticket = act.ticket.map(ToString::to_string).into_iter().chain(owes).collect::<Vec<_>>().join(", ");
        let result = ending(act.outcome.map(|(_, outcome)| outcome.result));
        let [when, verb, reason] = [seconds(act.entry.time), act.intent.verb.to_string(), reason(act.intent)];
        for cell in [when, who, environment, rollout, verb, reason, result, detail, ticket] {
            let _ = write!(text, "| {} ", escaped(&cell));
        }
        text += "|\n";
    }
    text
}

/// A cell of a Markdown table that is text and nothing else.
fn escaped(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    for letter in cell.chars() {
        match letter {
            '<' => text += "&lt;",
            '&' => text += "&amp;",
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '#' => text.extend(['\\', letter]),
            _ => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_text_and_nothing_else() {
        let check =
            |cell: &str, csv: &str, markdown: &str| assert_eq!((quoted(cell).as_str(), escaped(cell).as_str()), (csv, markdown));
        check("plain 4% > 1%", "plain 4% > 1%", "plain 4% > 1%");
        check("a, \"b\"", "\"a, \"\"b\"\"\"", "a, \"b\"");
        check("=1+1", "\"'=1+1\"", "=1+1");
        check("a|b <img> [x](y)", "a|b <img> [x](y)", "a\\|b &lt;img> \\[x\\](y)");
    }
}
