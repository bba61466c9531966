//! From the file as typed to what the program needs. The one place where defaults meet what was written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::raw::{self, Glyphs, OneOrMany};
use super::{Environment, Error, Namespaces, Pattern, Policy, Settings, Ui, Webhook};

/// Reads a configuration. `path` is named in errors; `home` is what `~/` stands for.
pub fn resolve(path: &Path, text: &str, home: Option<&Path>) -> Result<Settings, Error> {
    let file = parse(path, text)?;
    let reader = Reader { path, text, home };
    let policy = reader.policy(file.policy, Policy::default())?;
    let environments = reader.environments(file.environment, &policy)?;
    let webhook = reader.webhook(file.ledger)?;
    Ok(Settings { ui: ui(file.ui), environments, policy, webhook, ..Settings::default() })
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
    fn environments(&self, typed: Vec<raw::Environment>, policy: &Policy) -> Result<Vec<Environment>, Error> {
        if typed.is_empty() {
            return Ok(vec![Environment { policy: policy.clone(), ..Environment::current() }]);
        }
        let mut seen = BTreeMap::new();
        let mut environments = Vec::with_capacity(typed.len());
        for one in typed {
            let place = one.name.span();
            let environment = self.environment(one, policy)?;
            if let Some(line) = seen.insert(environment.name.clone(), self.line(place.start)) {
                let text = format!("two environments are called '{}': the first is on line {line}.", environment.name);
                return Err(self.wrong(place, text));
            }
            environments.push(environment);
        }
        Ok(environments)
    }

    fn environment(&self, typed: raw::Environment, policy: &Policy) -> Result<Environment, Error> {
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
        Ok(Environment {
            name,
            context: typed.context,
            kubeconfig,
            namespaces: self.namespaces(typed.namespaces)?,
            tier: typed.tier.unwrap_or_default(),
            write: typed.write.unwrap_or_default(),
            region: typed.region.filter(|region| !region.is_empty()),
            policy: self.policy(typed.policy.unwrap_or_default(), policy.clone())?,
            prometheus: None,
        })
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
