//! Golden signals: what is asked of a metrics server, what may come back, and the verdict on it. Pure: it writes queries and judges answers,
//! and never asks anybody.

pub mod analysis_template;
mod anatomy;
mod grammar;
mod imported;
mod judge;
mod limit;
mod measured;
mod preset;
mod promql;
mod recorded;
mod requests;
mod share;
mod tally;
mod template;
#[cfg(test)]
pub mod tests;
mod unit;
mod verdict;

use std::sync::Arc;

pub use anatomy::{Anatomy, Part};
pub use grammar::{Claim, GrammarError, claims};
pub use imported::imported;
pub use judge::{Context, at_a_glance, judge, judged};
pub use limit::{Comparator, Limit};
pub use measured::{Alert, AlertState, Alerts, Fleet, FleetRow, Measured, MetricsLink, Target, Track, TrackSeries};
pub use preset::{PRESETS, preset};
pub use promql::{Query, of_all_tracks};
pub use recorded::Recorded;
pub use share::{Declared, Share, share};
pub use tally::{Tally, tally};
pub use template::{KNOWN, Template, Variables};
pub use unit::Unit;
pub use verdict::{Judgement, Verdict};

/// A signal as the configuration defines it.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Its name: `p95`.
    pub name: Arc<str>,
    /// Which of the golden signals it is.
    pub kind: SignalKind,
    /// What is asked for one track of one rollout.
    pub expression: Expression,
    /// What is asked for all rollouts at once; None if nothing is.
    pub fleet: Option<Expression>,
    /// Requests a second of the same track; None takes a ratio's total, else that of the first signal that has one.
    pub traffic: Option<Template>,
    /// What its value is held against.
    pub limit: Limit,
    /// What its value counts.
    pub unit: Unit,
    /// Seconds over which a query looks back: `{{window}}`.
    pub window: u32,
    /// Whether canary and stable are asked for apart.
    pub per_track: bool,
    /// Whether it stops a promotion.
    pub gate: bool,
    /// Requests a second below which there is too little to tell.
    pub min_traffic: f64,
    /// Seconds for which it has to be over its limit before that counts as a breach; until then it is a warning.
    pub lasting: u32,
    /// How far inside its limit it has to come, as a fraction of the limit, before a breach is over.
    pub hysteresis: f64,
    /// Who defined it.
    pub origin: Origin,
}

impl Signal {
    /// The same with each of its queries for one track changed.
    #[must_use]
    pub fn with_queries(&self, change: impl Fn(&Template) -> Template) -> Self {
        let expression = match &self.expression {
            Expression::Value(query) => Expression::Value(change(query)),
            Expression::Ratio { bad, total } => Expression::Ratio { bad: change(bad), total: change(total) },
        };
        Self { expression, traffic: self.traffic.as_ref().map(change), ..self.clone() }
    }
}

/// The golden signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignalKind {
    /// How long requests take.
    Latency,
    /// How many of them fail.
    Errors,
    /// How full it is.
    Saturation,
    /// How many requests come.
    Traffic,
    /// Something else.
    #[default]
    Other,
}

/// What is asked, as PromQL with variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// One query. Empty although there is traffic: no data.
    Value(Template),
    /// Bad ones through all. Where all has traffic and bad has no series, the ratio is 0: what never failed has no counter of failures.
    Ratio {
        /// Bad ones a second.
        bad: Template,
        /// All a second.
        total: Template,
    },
}

/// Who defined a signal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The configuration.
    #[default]
    Configuration,
    /// A preset, by its name.
    Preset(Box<str>),
    /// An AnalysisTemplate that the rollout names.
    Template(Box<str>),
    /// A Helm values file, by its path.
    Values(Box<str>),
    /// A recording rule of the metrics server, by its name.
    Recorded(Box<str>),
    /// A command line.
    CommandLine,
}
