//! From the file as typed to what the program needs. The one place where defaults meet what was written.

mod prometheus;
mod services;
mod signals;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::raw::{self, Glyphs, OneOrMany};
use super::{Environment, Error, Namespaces, Pattern, Policy, Settings, Ui, Webhook};
use crate::domain::signal::{KNOWN, Signal};

/// Names with values, as typed.
type Pairs = BTreeMap<String, String>;

/// Reads a configuration. `path` is named in errors; `home` is what `~/` stands for.
pub fn resolve(path: &Path, text: &str, home: Option<&Path>) -> Result<Settings, Error> {
    let file = parse(path, text)?;
    let reader = Reader { path, text, home };
    let policy = reader.policy(file.policy, Policy::default())?;
    let own = reader.own_variables(&file.service)?;
    let measures = Measures { prometheus: file.prometheus, signals: &file.signal, own: &own };
    let signals = reader.all_signals(&measures, &file.environment)?;
    let environments = reader.environments(file.environment, &policy, &measures, &signals)?;
    Ok(Settings {
        ui: ui(file.ui),
        policy,
        webhook: reader.webhook(file.ledger)?,
        services: reader.services(file.service, &environments, &signals, &own)?,
        slo: reader.slo(file.slo, &own)?,
        guard: reader.guard(file.guard, &signals)?,
        links: reader.links(file.links)?,
        freezes: reader.freezes(file.freeze, &environments)?,
        signals,
        environments,
        ..Settings::default()
    })
}

/// What is said about metrics for all environments.
struct Measures<'a> {
    prometheus: raw::Prometheus,
    signals: &'a [raw::Signal],
    /// Variables besides the known ones, each with a value that some service gives it.
    own: &'a Pairs,
}

/// What was typed and is not empty: an empty text says that there is none.
fn given(typed: Option<Spanned<String>>) -> Option<Spanned<String>> {
    typed.filter(|typed| !typed.get_ref().is_empty())
}

/// Parses a configuration without filling in anything.
pub fn parse(path: &Path, text: &str) -> Result<raw::File, Error> {
    let document = toml::Deserializer::parse(text).map_err(|error| Error::refused(path, text, "", &error))?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let key = error.path().to_string();
        // toml wraps a value whose place is wanted in a field of its own, which nobody typed.
        let key = key.split(".$__").next().unwrap_or_default();
        Error::refused(path, text, key, error.inner())
    })
}

fn ui(typed: raw::Ui) -> Ui {
    let default = Ui::default();
    Ui {
        theme: typed.theme.unwrap_or(default.theme),
        keymap: typed.keymap.unwrap_or(default.keymap),
        ascii: typed.glyphs.map_or(default.ascii, |glyphs| glyphs == Glyphs::Ascii),
        mouse: typed.mouse.unwrap_or(default.mouse),
        reduced_motion: typed.reduced_motion.unwrap_or(default.reduced_motion),
        start_screen: typed.start_screen.unwrap_or(default.start_screen),
        bell: typed.bell.unwrap_or(default.bell),
    }
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    home: Option<&'a Path>,
}

impl Reader<'_> {
    fn environments(
        &self,
        typed: Vec<raw::Environment>,
        policy: &Policy,
        measures: &Measures<'_>,
        signals: &Arc<[Signal]>,
    ) -> Result<Vec<Environment>, Error> {
        if typed.is_empty() {
            let current = Environment { policy: policy.clone(), ..Environment::current() };
            return Ok(vec![self.measured(current, None, measures, signals)?]);
        }
        let mut seen = BTreeMap::new();
        let mut environments = Vec::with_capacity(typed.len());
        for one in typed {
            let place = one.name.span();
            let environment = self.environment(one, policy, measures, signals)?;
            if let Some(line) = seen.insert(environment.name.clone(), self.line(place.start)) {
                let text = format!("two environments are called '{}': the first is on line {line}.", environment.name);
                return Err(self.wrong(place, text));
            }
            environments.push(environment);
        }
        Ok(environments)
    }

    fn environment(
        &self,
        typed: raw::Environment,
        policy: &Policy,
        measures: &Measures<'_>,
        signals: &Arc<[Signal]>,
    ) -> Result<Environment, Error> {
        let place = typed.name.span();
        let name = typed.name.into_inner();
        if name.trim().is_empty() {
            return Err(self.wrong(place, "an environment needs a name."));
        }
        let kubeconfig = match typed.kubeconfig {
            None => Vec::new(),
            Some(OneOrMany::One(path)) => vec![self.expand(&path)],
            Some(OneOrMany::Many(paths)) => paths.iter().map(|path| self.expand(path)).collect(),
        };
        if typed.context.is_none() && kubeconfig.is_empty() {
            let text = format!(
                "environment '{name}' needs a context: the kubeconfig's current one changes, and with it where '{name}' would act."
            );
            return Err(self.wrong(place, text));
        }
        let environment = Environment {
            name,
            context: typed.context,
            kubeconfig,
            namespaces: self.namespaces(typed.namespaces)?,
            tier: typed.tier.unwrap_or_default(),
            write: typed.write.unwrap_or_default(),
            region: typed.region.filter(|region| !region.is_empty()),
            policy: self.policy(typed.policy.unwrap_or_default(), policy.clone())?,
            ..Environment::current()
        };
        self.measured(environment, typed.prometheus, measures, signals)
    }

    /// The environment with its metrics, and the signals that these make.
    fn measured(
        &self,
        environment: Environment,
        over: Option<raw::Prometheus>,
        measures: &Measures<'_>,
        signals: &Arc<[Signal]>,
    ) -> Result<Environment, Error> {
        let of_its_own = over.as_ref().is_some_and(|over| over.preset.is_some() || over.labels.is_some());
        let laid = prometheus::lay(over.unwrap_or_default(), &measures.prometheus);
        let signals = if of_its_own { self.signals_of(&laid, measures)? } else { Arc::clone(signals) };
        let prometheus = self.prometheus(laid)?.map(Arc::new);
        let signals = if prometheus.is_some() { signals } else { Arc::new([]) };
        Ok(Environment { prometheus, signals, ..environment })
    }

    /// The signals that hold where an environment says nothing else. Without any server there are only those that are written down.
    fn all_signals(&self, measures: &Measures<'_>, environments: &[raw::Environment]) -> Result<Arc<[Signal]>, Error> {
        let places = environments.iter().filter_map(|one| one.prometheus.as_ref()).chain([&measures.prometheus]);
        let somewhere = places
            .into_iter()
            .any(|typed| [&typed.url, &typed.service].into_iter().flatten().any(|place| !place.get_ref().is_empty()));
        if !somewhere && measures.prometheus.preset.is_none() && measures.signals.is_empty() {
            return Ok(Arc::new([]));
        }
        self.signals_of(&measures.prometheus, measures)
    }

    fn signals_of(&self, typed: &raw::Prometheus, measures: &Measures<'_>) -> Result<Arc<[Signal]>, Error> {
        let labels = prometheus::labels(typed.labels.as_ref());
        self.signals(typed.preset.as_ref(), labels.each_ref().map(String::as_str), measures.signals, measures.own)
    }

    /// Every variable that a service defines, with a value.
    fn own_variables(&self, services: &[raw::Service]) -> Result<Pairs, Error> {
        let mut own = Pairs::new();
        for typed in services.iter().filter_map(|service| service.variables.as_ref()) {
            for (name, value) in typed.get_ref() {
                if name.is_empty() || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
                    let text = format!("'{name}' is no name of a variable: letters, digits and '_' are allowed.");
                    return Err(self.wrong(typed.span(), text));
                }
                if name == "window" {
                    return Err(self.wrong(typed.span(), "the variable 'window' is a signal's: say window there."));
                }
                own.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        own.retain(|name, _| !KNOWN.contains(&name.as_str()));
        Ok(own)
    }

    /// A length of time in whole seconds.
    fn seconds(&self, typed: Option<Spanned<String>>, default: u32, most: Duration) -> Result<u32, Error> {
        let Some(typed) = given(typed) else { return Ok(default) };
        let place = typed.span();
        let length = self.length(Some(typed), "", Duration::ZERO, most)?;
        if length.subsec_nanos() != 0 {
            return Err(self.wrong(place, "whole seconds are wanted here."));
        }
        u32::try_from(length.as_secs()).map_err(|_| self.wrong(place, "this is too long."))
    }

    /// What is typed, laid over what holds without it.
    fn policy(&self, typed: raw::Policy, base: Policy) -> Result<Policy, Error> {
        let ticket_pattern = match typed.ticket_pattern {
            None => base.ticket_pattern,
            Some(pattern) if pattern.get_ref().is_empty() => None,
            Some(pattern) => {
                let place = pattern.span();
                let text = pattern.into_inner();
                let read = Pattern::read(&text);
                Some(read.map_err(|error| self.wrong(place, format!("'{text}' is no regular expression: {error}.")))?)
            }
        };
        Ok(Policy {
            reason_min_length: typed.reason_min_length.unwrap_or(base.reason_min_length),
            ticket_pattern,
            ticket_required: typed.ticket_required.unwrap_or(base.ticket_required),
            presets: typed.presets.unwrap_or(base.presets),
            confirm: typed.confirm.unwrap_or(base.confirm),
        })
    }

    fn namespaces(&self, typed: Option<toml::Spanned<raw::Namespaces>>) -> Result<Namespaces, Error> {
        let Some(typed) = typed else { return Ok(Namespaces::All) };
        let place = typed.span();
        match typed.into_inner() {
            raw::Namespaces::Word(raw::All::All) => Ok(Namespaces::All),
            raw::Namespaces::These(names) if names.is_empty() || names.iter().any(String::is_empty) => {
                Err(self.wrong(place, "namespaces needs at least one name, or \"all\"."))
            }
            raw::Namespaces::These(names) => Ok(Namespaces::Some(names)),
        }
    }

    fn webhook(&self, typed: raw::Ledger) -> Result<Option<Webhook>, Error> {
        let address = typed.webhook.filter(|address| !address.get_ref().is_empty());
        let file = typed.webhook_file.filter(|file| !file.get_ref().as_os_str().is_empty());
        let (place, address) = match (address, file) {
            (None, None) => return Ok(None),
            (Some(address), Some(_)) => return Err(self.wrong(address.span(), "webhook and webhook_file exclude each other.")),
            (Some(address), None) => (address.span(), address.into_inner()),
            (None, Some(file)) => {
                let (place, path) = (file.span(), self.expand(file.get_ref()));
                let read = std::fs::read_to_string(&path);
                (place.clone(), read.map_err(|error| self.wrong(place, format!("{}: {error}.", path.display())))?)
            }
        };
        // The address itself is a secret, and not repeated.
        let wrong = || self.wrong(place.clone(), "a webhook is an https:// URL with a path.");
        Webhook::new(&address).map(Some).ok_or_else(wrong)
    }

    /// `~/x` is in the home folder; anything else relative is beside the configuration file.
    fn expand(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), self.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => self.path.parent().map_or_else(|| path.to_owned(), |folder| folder.join(path)),
        }
    }

    fn line(&self, offset: usize) -> usize {
        self.text.get(..offset).map_or(0, |before| before.matches('\n').count()) + 1
    }

    fn wrong(&self, place: std::ops::Range<usize>, text: impl Into<String>) -> Error {
        Error::at(self.path, self.text, Some(place), text)
    }
}
