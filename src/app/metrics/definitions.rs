//! What the configuration says is to be measured in one environment: which signals of which release, and what variables of queries stand for.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{self, Service, Settings};
use crate::domain::id::Key;
use crate::domain::signal::analysis_template::{Understood, of_template};
use crate::domain::signal::{Recorded, Signal, Variables};
use crate::domain::slo::Slo;

/// What is to be measured in one environment. Without a metrics server it is nothing.
#[derive(Clone, Debug)]
pub struct Definitions {
    environment: String,
    region: Option<String>,
    signals: Arc<[Signal]>,
    /// Those of this environment, each with the signals that it makes of all; None if it changes none.
    services: Vec<(Service, Option<Arc<[Signal]>>)>,
    slo: Option<Slo>,
    /// Signals of releases whose AnalysisTemplates are known: those of the configuration first.
    learned: HashMap<Key, Arc<[Signal]>>,
    /// What their AnalysisTemplates ask for and is not judged here, with why.
    unjudged: HashMap<Key, Vec<Box<str>>>,
    /// What the rules of the server record, by the service as they write it.
    recorded: HashMap<Box<str>, Vec<Signal>>,
    /// Seconds after which a sample is too old to tell anything.
    pub stale_after: u32,
    /// Seconds from one poll to the next.
    pub interval: u32,
}

impl Default for Definitions {
    fn default() -> Self {
        let signals = Arc::new([]);
        Self {
            environment: String::new(),
            region: None,
            signals,
            services: Vec::new(),
            slo: None,
            learned: HashMap::new(),
            unjudged: HashMap::new(),
            recorded: HashMap::new(),
            stale_after: 90,
            interval: 15,
        }
    }
}

impl Definitions {
    /// What the settings say about an environment.
    pub fn of(settings: &Settings, environment: &config::Environment) -> Self {
        let Some(prometheus) = &environment.prometheus else { return Self::default() };
        let signals = if environment.signals.is_empty() { &settings.signals } else { &environment.signals };
        let own = |service: &&Service| service.environment.as_ref().is_none_or(|own| *own == environment.name);
        let services = settings.services.iter().filter(own).map(|service| (service.clone(), changed(signals, [service])));
        let seconds = |time: jiff::SignedDuration| u32::try_from(time.as_secs().max(1)).unwrap_or(u32::MAX);
        Self {
            environment: environment.name.clone(),
            region: environment.region.clone(),
            signals: Arc::clone(signals),
            services: services.collect(),
            slo: settings.slo.clone(),
            learned: HashMap::new(),
            unjudged: HashMap::new(),
            recorded: HashMap::new(),
            stale_after: seconds(prometheus.stale_after),
            interval: seconds(prometheus.interval),
        }
    }

    /// Whether nothing is to be measured.
    pub fn is_empty(&self) -> bool {
        self.signals.is_empty() && self.recorded.is_empty()
    }

    /// All signals, of whatever release.
    pub fn all(&self) -> &Arc<[Signal]> {
        &self.signals
    }

    /// Takes in what the controller judges a release by. What the configuration defines under the same name counts more.
    pub fn learn(&mut self, key: &Key, understood: &Understood) {
        if self.is_empty() {
            return;
        }
        let configured = self.configured(key);
        let is_known = |signal: &&Signal| configured.iter().any(|known| known.name == signal.name);
        let (known, new): (Vec<_>, Vec<_>) = understood.signals.iter().partition(is_known);
        let said =
            known.into_iter().map(|signal| format!("{}: the configuration has a signal of its name", of_template(signal)).into());
        let unjudged = understood.odd.iter().cloned().chain(said).collect();
        // Most have none of their own: they share those of the configuration.
        let all = if new.is_empty() { configured } else { configured.iter().chain(new).cloned().collect() };
        self.learned.insert(key.clone(), all);
        self.unjudged.insert(key.clone(), unjudged);
    }

    /// Whether the AnalysisTemplates of a release were ever read.
    pub fn has_learned(&self, key: &Key) -> bool {
        self.learned.contains_key(key)
    }

    /// What the controller judges a release by and is not judged here: each with its template and why.
    pub fn unjudged(&self, key: &Key) -> &[Box<str>] {
        self.unjudged.get(key).map_or(&[], Vec::as_slice)
    }

    /// Takes in what the rules of the server record.
    pub fn record(&mut self, recorded: &[Recorded]) {
        self.recorded.clear();
        for one in recorded {
            self.recorded.entry(one.service.clone()).or_default().push(one.signal.clone());
        }
    }

    /// The signals of a release: those of the configuration, those of its AnalysisTemplates, and where none of them is of a kind those of that
    /// kind that rules of the server record of its service.
    pub fn signals(&self, key: &Key) -> Arc<[Signal]> {
        let known = self.learned.get(key).map_or_else(|| self.configured(key), Arc::clone);
        if self.recorded.is_empty() {
            return known;
        }
        let own = Recorded::service_of(&key.name);
        let called = Some(Recorded::service_of(self.query_name(key))).filter(|called| *called != own);
        let ours = [Some(own), called].into_iter().flatten().filter_map(|name| self.recorded.get(&*name)).flatten();
        let missing = |one: &&Signal| !known.iter().any(|known| known.kind == one.kind || known.name == one.name);
        let more: Vec<Signal> = ours.filter(missing).cloned().collect();
        if more.is_empty() { known } else { known.iter().cloned().chain(more).collect() }
    }

    /// With the checks of services that are about it, and of all those the ones that the last service to choose any does.
    fn configured(&self, key: &Key) -> Arc<[Signal]> {
        let mut changes = self.about(key).filter_map(|(_, signals)| signals.as_ref());
        match (changes.next(), changes.next()) {
            (None, _) => Arc::clone(&self.signals),
            (Some(signals), None) => Arc::clone(signals),
            (Some(_), Some(_)) => changed(&self.signals, self.services(key)).unwrap_or_else(|| Arc::clone(&self.signals)),
        }
    }

    /// All signals and all checks of services, whatever they are about.
    pub fn every_signal(&self) -> Vec<Signal> {
        let checks = self.services.iter().flat_map(|(service, _)| service.checks.iter());
        self.signals.iter().chain(checks).cloned().collect()
    }

    /// Variables with those that are the same for all versions of a release: its region, and what services say.
    pub fn variables(&self, key: &Key, variables: Variables) -> Variables {
        let variables = match &self.region {
            Some(region) => variables.with("region", region),
            None => variables,
        };
        let own = self.services(key).flat_map(|service| &service.variables);
        own.fold(variables, |variables, (name, value)| variables.with(name, value))
    }

    /// What is promised of every service.
    pub fn slo(&self) -> Option<&Slo> {
        self.slo.as_ref()
    }

    /// What the configuration says about a release, in its order: what comes later goes before.
    pub fn services(&self, key: &Key) -> impl DoubleEndedIterator<Item = &Service> {
        self.about(key).map(|(service, _)| service)
    }

    /// The name by which metrics know a release: what the configuration says, else its own.
    pub fn query_name<'a>(&'a self, key: &'a Key) -> &'a str {
        self.services(key).rev().find_map(|service| service.query_name.as_deref()).unwrap_or(&key.name)
    }

    fn about(&self, key: &Key) -> impl DoubleEndedIterator<Item = &(Service, Option<Arc<[Signal]>>)> {
        self.services.iter().filter(|(service, _)| service.is_about(&self.environment, &key.namespace, &key.name))
    }
}

/// What services make of signals: checks of their own in the place of those of the same name, else after them, and then only those that are
/// chosen. None if they change nothing.
fn changed<'a>(signals: &[Signal], services: impl IntoIterator<Item = &'a Service>) -> Option<Arc<[Signal]>> {
    let mut all = signals.to_vec();
    let (mut chosen, mut same) = (None, true);
    for service in services {
        for check in service.checks.iter() {
            same = false;
            match all.iter_mut().find(|signal| signal.name == check.name) {
                Some(signal) => signal.clone_from(check),
                None => all.push(check.clone()),
            }
        }
        chosen = service.signals.as_ref().or(chosen);
    }
    if let Some(names) = chosen {
        same = false;
        all.retain(|signal| names.iter().any(|name| **name == *signal.name));
    }
    (!same).then(|| all.into())
}
