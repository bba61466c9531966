//! The gates of one release, asked without a screen: read and judged as the cockpit does it, once.

use super::Failure;
use super::live::Live;
use crate::config::{Namespaces, Settings};
use crate::domain::action::Gates;
use crate::domain::id::{EnvironmentId, Key};

/// What the gates of a release say now. Where no metrics are configured nobody is asked.
pub fn ask(settings: &Settings, environment: EnvironmentId, key: &Key) -> Result<Gates, Failure> {
    let place = usize::from(environment.0);
    let mut settings = Settings { start_environment: place, ..settings.clone() };
    let Some(environment) = settings.environments.get_mut(place) else { return Ok(Gates::default()) };
    if environment.prometheus.is_none() {
        return Ok(Gates::no_metrics());
    }
    // Its own namespace has all that decides.
    environment.namespaces = Namespaces::Some(vec![key.namespace.to_string()]);
    let mut live = Live::start(&settings)?;
    live.read_all()?;
    live.look(Some(key));
    live.measure(Some(key));
    Ok(Gates::judged(&live.metrics.signals(key), live.metrics.judgements(key)))
}
