//! What a scrape reads: every series of pods and of the collector with its value now, in the text format 0.0.4. What rules record is not
//! among it: whoever scrapes records for itself.

use std::fmt::Write as _;

use super::collector::{self, METRICS};
use super::family::{FAMILIES, Family, Kind, names};
use super::snapshot::Snapshot;
use crate::demo::promql::labels::{Labels, Text};
use crate::demo::promql::number::written;

/// Its content type.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The text.
pub fn text(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    let now = snapshot.conditions.now;
    for family in FAMILIES {
        let mut lines: Vec<(Labels, f64)> = Vec::new();
        for name in names(&family) {
            snapshot.lines(&[Text::from(name)], &[], |line| {
                let alive = line.spans.iter().any(|(from, until)| *from <= now && now < *until);
                lines.extend(line.value(now).filter(|_| alive).map(|value| (line.labels.clone(), value)));
            });
        }
        head(&mut out, family.name, family.kind, family.help, !lines.is_empty());
        for (labels, value) in lines {
            sample(&mut out, &labels, value);
        }
    }
    for (name, kind, help) in METRICS {
        head(&mut out, name, kind, help, true);
        if let Some(value) = snapshot.collector.value(name, now) {
            sample(&mut out, &collector::labels(name), value);
        }
    }
    out
}

/// What a metric is, as the API says it: type and help.
pub fn described() -> impl Iterator<Item = (&'static str, Kind, &'static str)> {
    FAMILIES.into_iter().map(|Family { name, kind, help }| (name, kind, help)).chain(METRICS)
}

/// A type by its name.
pub fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    }
}

fn head(out: &mut String, name: &str, kind: Kind, help: &str, any: bool) {
    if any {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {}", type_name(kind));
    }
}

fn sample(out: &mut String, labels: &Labels, value: f64) {
    out.push_str(labels.name().map_or("", |name| name));
    for (number, (key, value)) in labels.rest().iter().enumerate() {
        out.push(if number == 0 { '{' } else { ',' });
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(out, "{key}=\"{value}\"");
    }
    let _ = writeln!(out, "}} {}", written(value));
}
