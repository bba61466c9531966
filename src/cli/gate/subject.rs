//! What a gate is about: the canary of a rollout, or a service with all its versions together, of which only the metrics server knows.

use std::io::Write as _;
use std::time::Duration;

use super::answer::Outcome;
use super::{Arguments, Common, Failure};
use crate::app::metrics::{Definitions, asked};
use crate::cli::live::Live;
use crate::cli::status;
use crate::config::{Namespaces, Settings};
use crate::domain::duration::prometheus;
use crate::domain::id::{Key, Kind};
use crate::domain::signal::{Claim, Context, Expression, Signal, Target, Template, Track, Variables, of_all_tracks};

/// Values of history besides the time of the gate: a breach may have begun before it.
const BEFORE: u32 = 40;
/// Most values of a series.
const MOST_VALUES: u32 = 11_000;
/// How the Services and workloads of the versions of a service are usually called.
const VERSIONS: [(Track, &str); 4] =
    [(Track::All, ""), (Track::Canary, "-canary"), (Track::Stable, "-stable"), (Track::Stable, "-primary")];

/// What is judged.
pub struct Subject {
    /// The rollout; of a service a name under which its answers come back.
    pub key: Key,
    /// The signals with the limits that they are held against.
    pub gates: Vec<Signal>,
    /// What has to be asked for a service; None for a rollout, of which the cluster says so.
    service: Option<Target>,
    /// Pod hash of the rollout's version when it began.
    hash: Option<Box<str>>,
    interval: u32,
}

/// Finds what is judged and begins to read it.
pub fn find(
    arguments: &Arguments,
    common: &Common,
    settings: &Settings,
    definitions: &Definitions,
    claims: Option<&[Claim]>,
) -> Result<(Live, Subject), Failure> {
    if let Some(rollout) = &arguments.rollout {
        let mut live = Live::start(settings)?;
        live.read_all()?;
        let key = status::find(&live.cluster, rollout, common.namespace.as_deref())?;
        live.look(Some(&key));
        let taken = |name: &str| live.cluster.keys().any(|key| &*key.name == name);
        let gates = gates(definitions, &key, claims, Some(&taken))?;
        let subject = Subject { key, gates, service: None, hash: None, interval: definitions.interval };
        return Ok((live, subject));
    }
    let name = service_name(arguments, definitions, claims)?;
    let key = Key::new(Kind::Rollout, namespace(common, settings, &name).unwrap_or_default(), name);
    let gates = gates(definitions, &key, claims, None)?;
    let mut live = Live::start_metrics(settings)?;
    live.metrics.keep(vec![key.clone()]);
    let target = of_service(definitions, &key, &gates)?;
    Ok((live, Subject { key, gates, service: Some(target), hash: None, interval: definitions.interval }))
}

impl Subject {
    /// Has it measured, as it is now.
    pub fn aim(&mut self, live: &mut Live, length: Duration) {
        let lasting = self.gates.iter().map(|signal| signal.lasting).max().unwrap_or_default();
        let before = lasting.saturating_add(self.interval.saturating_mul(BEFORE));
        let wanted = u32::try_from(length.as_secs()).unwrap_or(u32::MAX).saturating_add(before);
        let span = wanted.min(self.interval.saturating_mul(MOST_VALUES));
        if let Some(target) = &self.service {
            return live.aim_at(vec![Target { span, ..target.clone() }]);
        }
        let signals = asked(&self.key, once(&self.gates).into());
        live.aim(std::slice::from_ref(&self.key), |target| Target { signals: signals.clone(), span, slo: false, ..target });
        if self.hash.is_none() {
            self.hash = live.metrics.standing(&self.key).map(|standing| standing.hash.clone());
        }
    }

    /// What ends it before its time: the rollout is gone, or has another version.
    pub fn over(&self, live: &Live) -> Option<Outcome> {
        if self.service.is_some() {
            return None;
        }
        if live.cluster.glance(&self.key).is_none() {
            return Some(Outcome::Gone);
        }
        let standing = live.metrics.standing(&self.key);
        let other = self.hash.as_ref().zip(standing).is_some_and(|(hash, standing)| *hash != standing.hash);
        other.then_some(Outcome::Replaced)
    }

    /// What verdicts depend on besides the series.
    pub fn context(&self, live: &Live) -> Context {
        let now = live.local_now();
        match live.metrics.standing(&self.key) {
            Some(standing) => Context { now, ..standing.context.clone() },
            None => Context::at(now, live.metrics.definitions().stale_after),
        }
    }

    /// Whether it is a service without a rollout.
    pub fn is_service(&self) -> bool {
        self.service.is_some()
    }

    /// Seconds between two polls.
    pub fn interval(&self) -> u32 {
        self.interval
    }
}

/// Each signal once: two limits of one signal rest on the same answer.
fn once(gates: &[Signal]) -> Vec<Signal> {
    let mut signals: Vec<Signal> = Vec::with_capacity(gates.len());
    for gate in gates {
        if !signals.iter().any(|signal| signal.name == gate.name) {
            signals.push(gate.clone());
        }
    }
    signals
}

/// The signals that are held against limits: those that were typed, else those that stop a promotion. Teams call a service by other names than its
/// rollout has: where a rollout was typed, one that no other release is `taken` by is another name of it.
fn gates(
    definitions: &Definitions,
    key: &Key,
    claims: Option<&[Claim]>,
    taken: Option<&dyn Fn(&str) -> bool>,
) -> Result<Vec<Signal>, Failure> {
    let signals = definitions.signals(key);
    let Some(claims) = claims else {
        let gates: Vec<_> = signals.iter().filter(|signal| signal.gate).cloned().collect();
        if gates.is_empty() {
            return Err(Failure::Usage(format!("No signal of {} is a gate. Say limits with --slo 'p95<1500ms'.", key.name)));
        }
        return Ok(gates);
    };
    let mut gates = Vec::with_capacity(claims.len());
    let mut alias: Option<&str> = None;
    for claim in claims {
        let (service, signal) = claim.resolve(&signals).map_err(|error| Failure::Usage(format!("--slo is wrong {error}.")))?;
        let ours = [&*key.name, definitions.query_name(key)];
        if let Some(other) = service.filter(|service| !ours.contains(service)) {
            let free = taken.is_some_and(|taken| !taken(other)) && alias.is_none_or(|alias| alias == other);
            if free {
                if alias.replace(other).is_none() {
                    let name = &key.name;
                    writeln!(
                        std::io::stderr().lock(),
                        "pilothouse: '{other}' in --slo is taken for another name of '{name}', which is judged."
                    )?;
                }
                gates.push(signal);
                continue;
            }
            return Err(Failure::Usage(format!(
                "--slo names the service '{other}', but '{}' is judged. One gate is about one service.",
                key.name
            )));
        }
        gates.push(signal);
    }
    Ok(gates)
}

/// The service that is named by --service, else by the limits.
fn service_name(arguments: &Arguments, definitions: &Definitions, claims: Option<&[Claim]>) -> Result<String, Failure> {
    if let Some(service) = &arguments.service {
        return Ok(service.clone());
    }
    let every = definitions.every_signal();
    let named = claims.unwrap_or_default().iter().find_map(|claim| match claim.resolve(&every) {
        Ok((service, _)) => service.map(|service| Ok(service.to_owned())),
        Err(error) => Some(Err(Failure::Usage(format!("--slo is wrong {error}.")))),
    });
    named.unwrap_or_else(|| {
        let advice = "a ROLLOUT, --service NAME, or a service before the signal as in --slo 'gateway-p95<1500ms'";
        Err(Failure::Usage(format!("What is to be judged? Say {advice}.")))
    })
}

/// The namespace of a service: as typed, else as the configuration knows it.
fn namespace(common: &Common, settings: &Settings, service: &str) -> Option<String> {
    let configured = || settings.services.iter().rev().find(|one| one.name == service).and_then(|one| one.namespace.clone());
    let only = || match &settings.environments.get(settings.start_environment)?.namespaces {
        Namespaces::Some(names) => match names.as_slice() {
            [name] => Some(name.clone()),
            _ => None,
        },
        Namespaces::All => None,
    };
    common.namespace.clone().or_else(configured).or_else(only)
}

/// What has to be asked about all versions of a service together.
fn of_service(definitions: &Definitions, key: &Key, gates: &[Signal]) -> Result<Target, Failure> {
    let name = definitions.query_name(key).to_owned();
    let base = definitions.variables(key, Variables::default().with("service", &name));
    let base = if key.namespace.is_empty() { base } else { base.with("namespace", &key.namespace) };
    let versions = VERSIONS.map(|(track, suffix)| {
        let own = format!("{name}{suffix}");
        (track, base.clone().with("track", track.name()).with("workload", &own).with("track_service", &own))
    });
    let signals = once(gates).into_iter().map(|signal| {
        let seconds = prometheus(signal.window);
        let tracks = versions.clone().map(|(track, variables)| (track, variables.with("window", &seconds)));
        of_all(&signal, &tracks).map_err(|why| {
            let advice = if why.contains("namespace") { " Say -n NAMESPACE." } else { "" };
            Failure::Usage(format!("'{}' cannot be asked for a service without a rollout: {why}.{advice}", signal.name))
        })
    });
    let signals: Vec<Signal> = signals.collect::<Result<_, _>>()?;
    let tracks = vec![(Track::All, base)];
    Ok(Target { key: key.clone(), uid: Box::default(), hash: Box::default(), signals: signals.into(), tracks, span: 0, slo: false })
}

/// A signal whose queries ask for all versions together.
fn of_all(signal: &Signal, tracks: &[(Track, Variables)]) -> Result<Signal, String> {
    let all = |template: &Template| Template::read(&of_all_tracks(template, tracks)?.to_string(), &[]);
    let expression = match &signal.expression {
        Expression::Value(query) => Expression::Value(all(query)?),
        Expression::Ratio { bad, total } => Expression::Ratio { bad: all(bad)?, total: all(total)? },
    };
    let traffic = signal.traffic.as_ref().map(all).transpose()?;
    Ok(Signal { expression, traffic, fleet: None, per_track: false, ..signal.clone() })
}
