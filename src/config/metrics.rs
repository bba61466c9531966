//! What the configuration says about metrics: where they are, what is said of services, when guards act, when nothing is to be started.
//! Holds no secret: it says where one is kept, and whoever sends it reads it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::signal::Signal;

/// A server that speaks Prometheus' HTTP API, and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prometheus {
    /// Where it is.
    pub address: Address,
    /// Whether queries are sent as forms: URLs have limits.
    pub post: bool,
    /// Headers of every request, such as a tenant's.
    pub headers: BTreeMap<String, String>,
    /// Parameters of every query, such as `dedup`.
    pub parameters: BTreeMap<String, String>,
    /// How it knows who asks.
    pub credentials: Credentials,
    /// PEM file of those who sign for it, instead of the system's.
    pub ca: Option<PathBuf>,
    /// PEM files of a client's certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// From one poll to the next.
    pub interval: SignedDuration,
    /// For one query.
    pub timeout: SignedDuration,
    /// Older samples are no data.
    pub stale_after: SignedDuration,
    /// Labels of grouped queries that say namespace, rollout and track.
    pub labels: [String; 3],
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A URL, with a path prefix if there is one.
    Url(String),
    /// A Service, through the API server of the environment.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name, with `:` and the port's name or number.
        name: String,
    },
}

/// How a server knows who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// It does not.
    #[default]
    None,
    /// By a bearer token.
    Token(Secret),
    /// By a name and a password.
    Basic(String, Secret),
}

/// Where a secret is kept. It is read when it is needed, and again when it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// In a variable of the environment.
    Variable(String),
    /// In a file.
    File(PathBuf),
    /// It is what a command prints.
    Command(Vec<String>),
}

/// What is said about particular rollouts.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Which rollouts: a name, in which `*` stands for anything.
    pub name: String,
    /// Only in this namespace.
    pub namespace: Option<String>,
    /// Only in this environment.
    pub environment: Option<String>,
    /// What `{{service}}` stands for; None takes the rollout's name.
    pub query_name: Option<String>,
    /// More variables for queries.
    pub variables: BTreeMap<String, String>,
    /// Names of its signals; None takes all.
    pub signals: Option<Vec<String>>,
    /// A Helm values file with checks.
    pub values_file: Option<PathBuf>,
    /// The checks of that file: signals of its own besides the others, in the place of those of the same name.
    pub checks: Arc<[Signal]>,
    /// Its dashboard.
    pub grafana: Option<String>,
    /// What to do when it is in trouble.
    pub runbook: Option<String>,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            name: String::new(),
            namespace: None,
            environment: None,
            query_name: None,
            variables: BTreeMap::new(),
            signals: None,
            values_file: None,
            checks: Arc::new([]),
            grafana: None,
            runbook: None,
        }
    }
}

/// When a guard acts.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// A breach that lasts so long holds the canary.
    pub hold_after: SignedDuration,
    /// A breach that lasts so long aborts it.
    pub breach_after: SignedDuration,
    /// Saturation on the canary above its limit and above stable's that lasts so long aborts it.
    pub saturation_after: SignedDuration,
    /// Name of the signal that tells saturation.
    pub saturation: String,
    /// From where on it is too much, as its query returns it.
    pub saturation_limit: f64,
    /// How long it can be cancelled before it acts.
    pub countdown: SignedDuration,
    /// How long a guard that says nothing more is taken for alive.
    pub lease: SignedDuration,
    /// What else rolls back by itself, in words.
    pub robots: Vec<String>,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            hold_after: SignedDuration::from_mins(1),
            breach_after: SignedDuration::from_mins(10),
            saturation_after: SignedDuration::from_mins(5),
            saturation: "saturation".to_owned(),
            saturation_limit: 0.8,
            countdown: SignedDuration::from_secs(30),
            lease: SignedDuration::from_secs(15),
            robots: Vec::new(),
        }
    }
}

/// Where charts can be looked at elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Address of a Grafana.
    pub grafana: Option<String>,
    /// Path of a dashboard in it, such as `/d/uid/slug`.
    pub dashboard: Option<String>,
    /// Uid of its datasource, for exploring a single query.
    pub datasource: Option<String>,
    /// A token with which acts are noted there.
    pub token: Option<Secret>,
}

/// A time in which nothing is to be started.
#[derive(Clone, Debug, PartialEq)]
pub struct Freeze {
    /// Its name.
    pub name: String,
    /// When it is.
    pub when: When,
    /// Only in these environments; all if there are none.
    pub environments: Vec<String>,
}

/// When a freeze is.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// Once.
    Between(Timestamp, Timestamp),
    /// On days of the week, from a time of the day to another one; to the next day's if that is no later.
    Weekly {
        /// Days on which it begins.
        days: Vec<Weekday>,
        /// When it begins.
        from: Time,
        /// When it ends.
        until: Time,
        /// Whose clock counts.
        zone: TimeZone,
    },
}
