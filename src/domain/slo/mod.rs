//! Service levels: how much may fail over a long time, how fast that is being used up, and what was measured of it.

mod burn;

use std::sync::Arc;

use jiff::Timestamp;

pub use burn::{Burn, BurnWindow, Exhausted, Forecast, times};

use super::id::Key;
use super::signal::Template;

/// What is promised of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo {
    /// Part of the requests that are to be well, above 0 and below 1.
    pub objective: f64,
    /// Seconds over which that is counted.
    pub period: u32,
    /// The error ratio over `{{window}}`; None takes the rollout's errors signal.
    pub error_ratio: Option<Template>,
    /// When it burns too fast.
    pub alerts: Arc<[BurnAlert]>,
}

/// Too fast, if over both windows the burn rate is above `burn`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BurnAlert {
    /// Seconds of the long window.
    pub long: u32,
    /// Seconds of the short window.
    pub short: u32,
    /// Times the rate at which the budget would last exactly for the period.
    pub burn: f64,
}

/// Error ratios of one service, all tracks together, over several windows.
#[derive(Clone, Debug, PartialEq)]
pub struct BurnReading {
    /// The rollout.
    pub key: Key,
    /// Its uid.
    pub uid: Box<str>,
    /// When it was asked, by the local clock.
    pub asked: Timestamp,
    /// Seconds of each window and the error ratio over it, shortest first; None where there was no traffic, or no answer.
    pub ratios: Vec<(u32, Option<f64>)>,
    /// Seconds for which the server keeps samples, if it says so: a window that is longer is really this short.
    pub retention: Option<u32>,
    /// What the server said against the query, in one line.
    pub refused: Option<Box<str>>,
    /// What is promised by rules of the server, where the configuration promises nothing.
    pub recorded: Option<RecordedSlo>,
}

/// What rules of a metrics server say is promised of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedSlo {
    /// Whose rules, and which: `Sloth requests-availability`.
    pub source: Box<str>,
    /// Part of the requests that are to be well, above 0 and below 1.
    pub objective: f64,
    /// Seconds over which that is counted.
    pub period: u32,
}

impl RecordedSlo {
    /// The promise, with the usual alerts.
    pub fn slo(&self) -> Slo {
        let (objective, period) = (self.objective, self.period);
        Slo { objective, period, error_ratio: None, alerts: BurnAlert::usual(period).into() }
    }
}

/// How the OpenTelemetry collectors are doing through which metrics and traces come. Each a second, where its metric exists.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Collector {
    /// Taken in.
    pub accepted: Option<f64>,
    /// Refused by a receiver.
    pub refused: Option<f64>,
    /// Dropped by a processor, or failed to be sent by an exporter.
    pub dropped: Option<f64>,
    /// How full the fullest sending queue is, as a part of 1.
    pub queue: Option<f64>,
}
