//! Metrics, guards and freezes as typed: every key optional, unknown keys refused. Holds no default: those are `resolve`'s.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::domain::signal::SignalKind;

/// `[prometheus]`, and what an environment lays over it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prometheus {
    /// Address of a server that speaks Prometheus' HTTP API, with a path prefix if it has one. Empty: there are no metrics.
    #[schemars(with = "Option<String>")]
    pub url: Option<Spanned<String>>,
    /// Instead of an address, `NAMESPACE/SERVICE:PORT`: through the environment's API server.
    #[schemars(with = "Option<String>")]
    pub service: Option<Spanned<String>>,
    /// Signals for a usual way of measuring: otel, classic, istio, nginx or linkerd. Empty takes none.
    #[schemars(with = "Option<String>")]
    pub preset: Option<Spanned<String>>,
    /// How queries are sent.
    pub method: Option<Method>,
    /// Headers of every request, such as a tenant's.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub headers: Option<Spanned<BTreeMap<String, String>>>,
    /// Parameters of every query, such as `dedup`.
    pub params: Option<BTreeMap<String, String>>,
    /// Variable of the environment that holds a bearer token.
    #[schemars(with = "Option<String>")]
    pub token_env: Option<Spanned<String>>,
    /// File that holds a bearer token.
    #[schemars(with = "Option<PathBuf>")]
    pub token_file: Option<Spanned<PathBuf>>,
    /// Command that prints a bearer token, and its arguments.
    #[schemars(with = "Option<Vec<String>>")]
    pub token_command: Option<Spanned<Vec<String>>>,
    /// Name of a user who has a password.
    #[schemars(with = "Option<String>")]
    pub username: Option<Spanned<String>>,
    /// Variable of the environment that holds the password.
    #[schemars(with = "Option<String>")]
    pub password_env: Option<Spanned<String>>,
    /// File that holds the password.
    #[schemars(with = "Option<PathBuf>")]
    pub password_file: Option<Spanned<PathBuf>>,
    /// Command that prints the password, and its arguments.
    #[schemars(with = "Option<Vec<String>>")]
    pub password_command: Option<Spanned<Vec<String>>>,
    /// PEM file of those who sign for the server, instead of the system's.
    pub ca: Option<PathBuf>,
    /// PEM file of the client's certificate.
    #[schemars(with = "Option<PathBuf>")]
    pub client_certificate: Option<Spanned<PathBuf>>,
    /// PEM file of the client's key.
    #[schemars(with = "Option<PathBuf>")]
    pub client_key: Option<Spanned<PathBuf>>,
    /// From one poll to the next.
    #[schemars(with = "Option<String>")]
    pub interval: Option<Spanned<String>>,
    /// For one query.
    #[schemars(with = "Option<String>")]
    pub timeout: Option<Spanned<String>>,
    /// Older samples are no data.
    #[schemars(with = "Option<String>")]
    pub stale_after: Option<Spanned<String>>,
    /// Labels by which grouped queries tell rollouts.
    pub labels: Option<Labels>,
}

/// How queries are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// In the address.
    Get,
    /// As a form: addresses have limits.
    Post,
}

/// Which label of a grouped query says what.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// The namespace.
    pub namespace: Option<String>,
    /// The rollout, or the name that it is asked for by.
    pub rollout: Option<String>,
    /// The track: canary or stable.
    pub track: Option<String>,
}

/// One `[[signal]]`: a new one, or keys laid over one of the preset's by its name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Its name.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Another preset whose signal of this name it begins with.
    #[schemars(with = "Option<String>")]
    pub preset: Option<Spanned<String>>,
    /// Which of the golden signals it is.
    pub kind: Option<SignalKind>,
    /// PromQL with `{{variables}}` for its value.
    #[schemars(with = "Option<String>")]
    pub query: Option<Spanned<String>>,
    /// Instead of a query: bad requests a second,
    #[schemars(with = "Option<String>")]
    pub bad: Option<Spanned<String>>,
    /// and all requests a second.
    #[schemars(with = "Option<String>")]
    pub total: Option<Spanned<String>>,
    /// Requests a second, where neither this signal nor another one says them.
    #[schemars(with = "Option<String>")]
    pub traffic: Option<Spanned<String>>,
    /// PromQL for its value of all rollouts, grouped by the labels of `[prometheus]`.
    #[schemars(with = "Option<String>")]
    pub fleet_query: Option<Spanned<String>>,
    /// Instead of that: bad requests a second of all rollouts, grouped,
    #[schemars(with = "Option<String>")]
    pub fleet_bad: Option<Spanned<String>>,
    /// and all requests a second of all rollouts, grouped.
    #[schemars(with = "Option<String>")]
    pub fleet_total: Option<Spanned<String>>,
    /// What its value is held against, as the query returns it.
    pub threshold: Option<f64>,
    /// `value COMPARATOR threshold` has to hold: <, <=, >, >= or ==.
    #[schemars(with = "Option<String>")]
    pub comparator: Option<Spanned<String>>,
    /// What it counts: s, ms, ratio, %, rps, or any other word.
    pub unit: Option<String>,
    /// How far its query looks back: `{{window}}`.
    #[schemars(with = "Option<String>")]
    pub window: Option<Spanned<String>>,
    /// Whether canary and stable are asked for apart.
    pub per_track: Option<bool>,
    /// Whether it stops a promotion.
    #[schemars(with = "Option<bool>")]
    pub gate: Option<Spanned<bool>>,
    /// Requests a second below which there is too little to tell.
    #[schemars(with = "Option<f64>")]
    pub min_traffic: Option<Spanned<f64>>,
    /// How long it has to be over its limit before that counts.
    #[serde(rename = "for")]
    #[schemars(with = "Option<String>")]
    pub lasting: Option<Spanned<String>>,
    /// How far inside its limit a breach has to come back, as a fraction of the limit.
    #[schemars(with = "Option<f64>")]
    pub hysteresis: Option<Spanned<f64>>,
}

/// One `[[service]]`: what is said about particular rollouts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Name of the rollout, in which `*` stands for anything.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Only in this namespace.
    pub namespace: Option<String>,
    /// Only in this environment.
    #[schemars(with = "Option<String>")]
    pub environment: Option<Spanned<String>>,
    /// What `{{service}}` stands for, if not for the rollout's name.
    pub query_name: Option<String>,
    /// More variables for queries.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub variables: Option<Spanned<BTreeMap<String, String>>>,
    /// Names of its signals; without them all.
    #[schemars(with = "Option<Vec<String>>")]
    pub signals: Option<Spanned<Vec<String>>>,
    /// A Helm values file whose `metrics.prometheus.checks` are its signals too.
    #[schemars(with = "Option<PathBuf>")]
    pub values_file: Option<Spanned<PathBuf>>,
    /// Address of its dashboard.
    pub grafana: Option<String>,
    /// What to do when it is in trouble: an address or a file.
    pub runbook: Option<String>,
}

/// `[slo]`: what is promised of every service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// Part of the requests that are to be well, above 0 and below 1.
    #[schemars(with = "f64")]
    pub objective: Spanned<f64>,
    /// Over what time that is counted.
    #[schemars(with = "Option<String>")]
    pub window: Option<Spanned<String>>,
    /// PromQL for the error ratio over `{{window}}`, if not that of the errors signal.
    #[schemars(with = "Option<String>")]
    pub error_ratio: Option<Spanned<String>>,
    /// When it burns too fast.
    pub alerts: Option<Vec<BurnAlert>>,
}

/// One of `[slo] alerts`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BurnAlert {
    /// The long window.
    #[schemars(with = "String")]
    pub long: Spanned<String>,
    /// The short window.
    #[schemars(with = "String")]
    pub short: Spanned<String>,
    /// Times the rate at which the budget would last exactly.
    #[schemars(with = "f64")]
    pub burn: Spanned<f64>,
}

/// `[guard]`: when a guard acts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// A breach that lasts so long holds the canary.
    #[schemars(with = "Option<String>")]
    pub hold_after: Option<Spanned<String>>,
    /// A breach that lasts so long aborts it.
    #[schemars(with = "Option<String>")]
    pub breach_after: Option<Spanned<String>>,
    /// Saturation that lasts so long aborts it.
    #[schemars(with = "Option<String>")]
    pub saturation_after: Option<Spanned<String>>,
    /// Name of the signal that tells saturation.
    pub saturation: Option<String>,
    /// From where on it is too much.
    #[schemars(with = "Option<f64>")]
    pub saturation_limit: Option<Spanned<f64>>,
    /// How long it can be cancelled before it acts.
    #[schemars(with = "Option<String>")]
    pub countdown: Option<Spanned<String>>,
    /// How long a guard that says nothing more is taken for alive.
    #[schemars(with = "Option<String>")]
    pub lease: Option<Spanned<String>>,
    /// What else rolls back by itself, in words.
    pub robots: Option<Vec<String>>,
}

/// `[links]`: where charts can be looked at elsewhere.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Address of a Grafana.
    #[schemars(with = "Option<String>")]
    pub grafana: Option<Spanned<String>>,
    /// Path of a dashboard in it.
    #[schemars(with = "Option<String>")]
    pub dashboard: Option<Spanned<String>>,
    /// Uid of its datasource.
    pub datasource: Option<String>,
    /// Variable of the environment with a token with which acts are noted there.
    #[schemars(with = "Option<String>")]
    pub grafana_token_env: Option<Spanned<String>>,
    /// File with that token.
    #[schemars(with = "Option<PathBuf>")]
    pub grafana_token_file: Option<Spanned<PathBuf>>,
    /// Command that prints that token, and its arguments.
    #[schemars(with = "Option<Vec<String>>")]
    pub grafana_token_command: Option<Spanned<Vec<String>>>,
}

/// One `[[freeze]]`: a time in which nothing is to be started.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// Its name.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Days of the week on which it begins; without them it is once.
    #[schemars(with = "Option<Vec<String>>")]
    pub days: Option<Spanned<Vec<String>>>,
    /// When it begins: a moment such as `2026-12-24T00:00:00+01:00`, or with days a time such as `17:00`.
    #[schemars(with = "Option<String>")]
    pub from: Option<Spanned<String>>,
    /// When it ends, likewise; with days at that time of the same or the next day.
    #[schemars(with = "Option<String>")]
    pub until: Option<Spanned<String>>,
    /// Whose clock the days mean, such as `Europe/Berlin`; without it the machine's.
    #[schemars(with = "Option<String>")]
    pub zone: Option<Spanned<String>>,
    /// Only in these environments.
    #[schemars(with = "Option<Vec<String>>")]
    pub environments: Option<Spanned<Vec<String>>>,
}
