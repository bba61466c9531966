//! How the OpenTelemetry collectors are doing through which telemetry comes, by their own metrics. Their names have an ending in some versions
//! and none in others.

use super::batch::{Ask, When, ask};
use super::server::Server;
use super::trouble::Trouble;
use crate::domain::slo::Collector;

/// What is counted, by what it means: the beginnings of names.
const COUNTED: [(Meaning, &str); 4] = [
    (Meaning::Accepted, "otelcol_receiver_accepted"),
    (Meaning::Refused, "otelcol_receiver_refused"),
    (Meaning::Dropped, "otelcol_processor_dropped"),
    (Meaning::Dropped, "otelcol_exporter_send_failed"),
];
/// The kinds of telemetry.
const KINDS: [&str; 3] = ["spans", "metric_points", "log_records"];
/// How full the fullest queue is.
const QUEUE: &str = "max(max by (job, instance, pod, exporter, data_type) (otelcol_exporter_queue_size) / max by (job, instance, pod, exporter, data_type) (otelcol_exporter_queue_capacity))";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Accepted,
    Refused,
    Dropped,
    Queue,
}

/// Reads all of it; what does not exist is None.
pub async fn read(server: &Server) -> Result<Collector, Trouble> {
    let mut asks = Vec::new();
    let mut meanings = Vec::new();
    for (meaning, name) in COUNTED {
        for kind in KINDS {
            // Before 0.1xx they had no ending; both at once there are never.
            let text = format!("sum(rate({name}_{kind}[5m])) or sum(rate({name}_{kind}_total[5m]))");
            asks.push(Ask { text: text.into(), scalar: false, alone: false });
            meanings.push(meaning);
        }
    }
    asks.push(Ask { text: QUEUE.into(), scalar: false, alone: false });
    meanings.push(Meaning::Queue);
    let heard = ask(server, &asks, When::At(None)).await?;
    let mut collector = Collector::default();
    for (meaning, said) in meanings.into_iter().zip(heard.said) {
        let value =
            said.ok().and_then(|series| series.first()?.1.last().map(|(_, value)| *value)).filter(|value| value.is_finite());
        let Some(value) = value else { continue };
        let slot = match meaning {
            Meaning::Accepted => &mut collector.accepted,
            Meaning::Refused => &mut collector.refused,
            Meaning::Dropped => &mut collector.dropped,
            Meaning::Queue => &mut collector.queue,
        };
        *slot = Some(slot.unwrap_or(0.0) + value);
    }
    Ok(collector)
}
