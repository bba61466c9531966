//! The OpenTelemetry collector of an environment, as its own metrics tell of it: what it took in, refused and dropped, and how
//! long its queue is.

use serde::Deserialize;

use super::family::Kind;
use crate::demo::promql::labels::{Labels, NAME, Text};
use crate::demo::promql::number::seconds;
use crate::demo::promql::series::{Point, Series};

/// How many spans a second it takes in, and how long its queue may be.
const ACCEPTED: f64 = 4_200.0;
const CAPACITY: f64 = 5_000.0;
/// How often it is scraped, in milliseconds.
const SCRAPE: i64 = 15_000;

/// How it is: spans per second that it refuses and drops or cannot send, and the batches in its queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trouble {
    /// Refused by its receiver.
    pub refused: f64,
    /// Dropped by its processors.
    pub dropped: f64,
    /// Lost by its exporter.
    pub failed: f64,
    /// Batches in its queue.
    pub queue: f64,
}

/// Its metrics: name, kind, help.
pub const METRICS: [(&str, Kind, &str); 6] = [
    ("otelcol_exporter_queue_capacity", Kind::Gauge, "Batches that fit into the queue."),
    ("otelcol_exporter_queue_size", Kind::Gauge, "Batches in the queue."),
    ("otelcol_exporter_send_failed_spans_total", Kind::Counter, "Spans that could not be sent."),
    ("otelcol_processor_dropped_spans_total", Kind::Counter, "Spans that were dropped."),
    ("otelcol_receiver_accepted_spans_total", Kind::Counter, "Spans that were taken in."),
    ("otelcol_receiver_refused_spans_total", Kind::Counter, "Spans that were refused."),
];

/// A piece of time in which its trouble was the same, with what had been counted before: refused, dropped, failed.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from: i64,
    trouble: Trouble,
    before: [f64; 3],
}

/// The collector.
#[derive(Clone, Debug)]
pub struct Collector {
    since: i64,
    pieces: Vec<Piece>,
}

impl Collector {
    /// One that has run since a time, in milliseconds since 1970, without trouble.
    pub fn new(since: i64) -> Self {
        Self { since, pieces: Vec::new() }
    }

    /// From `at` on it is so.
    pub fn become_like(&mut self, at: i64, trouble: Trouble) {
        let before = self.counted(at);
        self.pieces.push(Piece { from: at, trouble, before });
    }

    fn piece(&self, at: i64) -> Option<&Piece> {
        let after = self.pieces.partition_point(|piece| piece.from <= at);
        self.pieces.get(after.checked_sub(1)?)
    }

    fn counted(&self, at: i64) -> [f64; 3] {
        let Some(piece) = self.piece(at) else { return [0.0; 3] };
        let passed = seconds(at - piece.from);
        let Trouble { refused, dropped, failed, .. } = piece.trouble;
        let [a, b, c] = piece.before;
        [a + refused * passed, b + dropped * passed, c + failed * passed]
    }

    /// The value of a metric at a time.
    pub fn value(&self, metric: &str, at: i64) -> Option<f64> {
        let trouble = self.piece(at).map_or(Trouble::default(), |piece| piece.trouble);
        let [refused, dropped, failed] = self.counted(at);
        let value = match metric {
            "otelcol_exporter_queue_capacity" => CAPACITY,
            "otelcol_exporter_queue_size" => trouble.queue.min(CAPACITY),
            "otelcol_exporter_send_failed_spans_total" => failed.floor(),
            "otelcol_processor_dropped_spans_total" => dropped.floor(),
            "otelcol_receiver_accepted_spans_total" => (seconds(at - self.since) * ACCEPTED - refused).floor(),
            "otelcol_receiver_refused_spans_total" => refused.floor(),
            _ => return None,
        };
        (at >= self.since).then_some(value)
    }
}

/// The labels of one of its metrics.
pub fn labels(metric: &str) -> Labels {
    let mut pairs = vec![(NAME, metric), ("job", "otel-collector"), ("namespace", "observability"), ("pod", "otel-collector-0")];
    let (receiver, exporter, processor) =
        (metric.contains("_receiver_"), metric.contains("_exporter_"), metric.contains("_processor_"));
    pairs.extend(receiver.then_some(("receiver", "otlp")));
    pairs.extend(exporter.then_some(("exporter", "otlp")));
    pairs.extend(processor.then_some(("processor", "memory_limiter")));
    Labels::new(pairs.into_iter().map(|(key, value)| (Text::from(key), Text::from(value))))
}

/// One of its series.
#[derive(Clone, Debug)]
pub struct CollectorLine {
    pub collector: std::sync::Arc<Collector>,
    pub conditions: std::sync::Arc<super::line::Conditions>,
    pub metric: &'static str,
}

impl Series for CollectorLine {
    fn labels(&self) -> Labels {
        labels(self.metric)
    }

    fn points(&self, from: i64, to: i64, into: &mut Vec<Point>) {
        let ahead = self.conditions.ahead;
        let (from, to) = (from - ahead, (to - ahead).min(self.conditions.now));
        let mut at = from + (-from).rem_euclid(SCRAPE);
        while at <= to {
            if !super::line::within(&self.conditions.stopped, at) {
                into.extend(self.collector.value(self.metric, at).map(|value| Point { at: at + ahead, value }));
            }
            at += SCRAPE;
        }
    }
}
