//! Where metrics are and how they are asked for: `[prometheus]`, with what an environment lays over it.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use jiff::SignedDuration;
use toml::Spanned;

use super::{Reader, given};
use crate::config::metrics::{Address, Credentials, Prometheus, Secret};
use crate::config::{Error, raw};

/// Shortest time from one poll to the next.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// Longest time that a poll may take or wait.
const LONGEST: Duration = Duration::from_mins(10);

/// What is typed, laid over what is said for all. Keys that only make sense together are replaced together: where the server is, and
/// how it knows who asks.
pub(super) fn lay(over: raw::Prometheus, base: &raw::Prometheus) -> raw::Prometheus {
    let mut base = base.clone();
    if over.url.is_some() || over.service.is_some() {
        (base.url, base.service) = (None, None);
    }
    if names_credentials(&over) {
        (base.token_env, base.token_file, base.token_command, base.username) = (None, None, None, None);
        (base.password_env, base.password_file, base.password_command) = (None, None, None);
    }
    raw::Prometheus {
        url: over.url.or(base.url),
        service: over.service.or(base.service),
        preset: over.preset.or(base.preset),
        method: over.method.or(base.method),
        headers: over.headers.or(base.headers),
        params: over.params.or(base.params),
        token_env: over.token_env.or(base.token_env),
        token_file: over.token_file.or(base.token_file),
        token_command: over.token_command.or(base.token_command),
        username: over.username.or(base.username),
        password_env: over.password_env.or(base.password_env),
        password_file: over.password_file.or(base.password_file),
        password_command: over.password_command.or(base.password_command),
        ca: over.ca.or(base.ca),
        client_certificate: over.client_certificate.or(base.client_certificate),
        client_key: over.client_key.or(base.client_key),
        interval: over.interval.or(base.interval),
        timeout: over.timeout.or(base.timeout),
        stale_after: over.stale_after.or(base.stale_after),
        labels: over.labels.or(base.labels),
    }
}

fn names_credentials(typed: &raw::Prometheus) -> bool {
    typed.token_env.is_some()
        || typed.token_file.is_some()
        || typed.token_command.is_some()
        || typed.username.is_some()
        || typed.password_env.is_some()
        || typed.password_file.is_some()
        || typed.password_command.is_some()
}

/// Labels of grouped queries, in the order namespace, rollout, track.
pub(super) fn labels(typed: Option<&raw::Labels>) -> [String; 3] {
    let one = |typed: Option<&String>, default: &str| {
        typed.filter(|label| !label.is_empty()).map_or_else(|| default.to_owned(), Clone::clone)
    };
    let (namespace, rollout, track) =
        typed.map_or((None, None, None), |typed| (typed.namespace.as_ref(), typed.rollout.as_ref(), typed.track.as_ref()));
    [one(namespace, "namespace"), one(rollout, "job"), one(track, "track")]
}

impl Reader<'_> {
    /// A server; None if none is named. What is said of it has to be right all the same.
    pub(super) fn prometheus(&self, typed: raw::Prometheus) -> Result<Option<Prometheus>, Error> {
        let address = self.address(given(typed.url), given(typed.service))?;
        let place = typed.token_env.as_ref().map(Spanned::span).or_else(|| typed.username.as_ref().map(Spanned::span));
        let token = self.secret(typed.token_env, typed.token_file, typed.token_command)?;
        let password = self.secret(typed.password_env, typed.password_file, typed.password_command)?;
        let username = given(typed.username);
        let credentials = match (token, username, password) {
            (None, None, None) => Credentials::None,
            (Some(token), None, None) => Credentials::Token(token),
            (None, Some(name), Some(password)) => Credentials::Basic(name.into_inner(), password),
            (None, Some(name), None) => {
                let text = "a username needs a password: say password_env, password_file or password_command.";
                return Err(self.wrong(name.span(), text));
            }
            (None, None, Some(_)) => return Err(self.wrong(place.unwrap_or(0..0), "a password needs a username.")),
            (Some(_), ..) => return Err(self.wrong(place.unwrap_or(0..0), "a token and a username exclude each other.")),
        };
        let through = matches!(address, Some(Address::Service { .. }));
        if through && credentials != Credentials::None {
            let text = "through the API server no other credentials can be sent: take them away, or name the server by its url.";
            return Err(self.wrong(place.unwrap_or(0..0), text));
        }
        let settings = Prometheus {
            address: Address::Url(String::new()),
            post: typed.method.map_or(!through, |method| method == raw::Method::Post),
            headers: self.headers(typed.headers)?,
            parameters: typed.params.unwrap_or_default(),
            credentials,
            ca: typed.ca.filter(|path| !path.as_os_str().is_empty()).map(|path| self.expand(&path)),
            identity: self.identity(given_path(typed.client_certificate), given_path(typed.client_key))?,
            interval: self.length(typed.interval, "15s", SHORTEST_INTERVAL, LONGEST)?,
            timeout: self.length(typed.timeout, "10s", Duration::from_millis(100), LONGEST)?,
            stale_after: self.length(typed.stale_after, "1m30s", SHORTEST_INTERVAL, Duration::from_hours(24))?,
            labels: labels(typed.labels.as_ref()),
        };
        Ok(address.map(|address| Prometheus { address, ..settings }))
    }

    fn address(&self, url: Option<Spanned<String>>, service: Option<Spanned<String>>) -> Result<Option<Address>, Error> {
        match (url, service) {
            (None, None) => Ok(None),
            (Some(_), Some(service)) => {
                Err(self.wrong(service.span(), "url and service exclude each other: one says how the server is reached."))
            }
            (Some(url), None) => self.url(&url).map(|url| Some(Address::Url(url))),
            (None, Some(service)) => {
                let wrong = || self.wrong(service.span(), "a service is NAMESPACE/NAME:PORT, such as monitoring/prometheus:9090.");
                let (namespace, name) = service.get_ref().split_once('/').ok_or_else(wrong)?;
                let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-.:".contains(c));
                if !plain(namespace) || !plain(name) || namespace.contains(':') || !name.contains(':') {
                    return Err(wrong());
                }
                Ok(Some(Address::Service { namespace: namespace.to_owned(), name: name.to_owned() }))
            }
        }
    }

    /// An http address without its last slash.
    pub(super) fn url(&self, typed: &Spanned<String>) -> Result<String, Error> {
        let wrong = |text: &str| self.wrong(typed.span(), text);
        let url = typed.get_ref().trim().trim_end_matches('/');
        let uri: Uri = url.parse().map_err(|_| wrong("this is no URL: it is like http://prometheus.monitoring:9090/prefix."))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(wrong("a URL begins with http:// or https://."));
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(wrong("credentials do not belong into a URL: say username and password_file."));
        }
        if uri.query().is_some() {
            return Err(wrong("parameters do not belong into this URL: say params."));
        }
        Ok(url.to_owned())
    }

    fn headers(&self, typed: Option<Spanned<super::Pairs>>) -> Result<super::Pairs, Error> {
        let Some(typed) = typed else { return Ok(super::Pairs::new()) };
        for (name, value) in typed.get_ref() {
            if name.eq_ignore_ascii_case("authorization") {
                return Err(
                    self.wrong(typed.span(), "credentials do not belong here: say token_file, or username and password_file.")
                );
            }
            if name.parse::<HeaderName>().is_err() || HeaderValue::from_str(value).is_err() {
                return Err(self.wrong(typed.span(), format!("'{name}' with this value is no header.")));
            }
        }
        Ok(typed.into_inner())
    }

    /// Where a secret is kept, if it is.
    pub(super) fn secret(
        &self,
        variable: Option<Spanned<String>>,
        file: Option<Spanned<PathBuf>>,
        command: Option<Spanned<Vec<String>>>,
    ) -> Result<Option<Secret>, Error> {
        let variable = given(variable).map(|one| (one.span(), Secret::Variable(one.into_inner())));
        let file = given_path(file).map(|one| (one.span(), Secret::File(self.expand(one.get_ref()))));
        let command = command.filter(|words| !words.get_ref().is_empty());
        let command = command.map(|one| (one.span(), Secret::Command(one.into_inner())));
        let mut all = [variable, file, command].into_iter().flatten();
        match (all.next(), all.next()) {
            (first, None) => Ok(first.map(|(_, secret)| secret)),
            (_, Some((place, _))) => {
                Err(self.wrong(place, "a secret is kept in one place: in a variable, a file or behind a command."))
            }
        }
    }

    fn identity(
        &self,
        certificate: Option<Spanned<PathBuf>>,
        key: Option<Spanned<PathBuf>>,
    ) -> Result<Option<(PathBuf, PathBuf)>, Error> {
        match (certificate, key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some((self.expand(certificate.get_ref()), self.expand(key.get_ref())))),
            (Some(one), None) | (None, Some(one)) => {
                Err(self.wrong(one.span(), "client_certificate and client_key belong together."))
            }
        }
    }

    /// A length of time within bounds.
    pub(super) fn length(
        &self,
        typed: Option<Spanned<String>>,
        default: &str,
        least: Duration,
        most: Duration,
    ) -> Result<SignedDuration, Error> {
        let (place, text) = match given(typed) {
            Some(typed) => (typed.span(), typed.into_inner()),
            None => (0..0, default.to_owned()),
        };
        let millis = crate::domain::duration::length_millis(&text);
        let millis = millis
            .ok_or_else(|| self.wrong(place.clone(), format!("'{text}' is no length of time: it is like 30s, 5m, 1m30s or 1d.")))?;
        let length = SignedDuration::from_millis(millis);
        let bounds = [least, most].map(|bound| SignedDuration::try_from(bound).unwrap_or(SignedDuration::MAX));
        if length < bounds[0] || length > bounds[1] {
            return Err(self.wrong(place, format!("'{text}' is out of range: from {least:?} to {most:?} is allowed here.")));
        }
        Ok(length)
    }
}

fn given_path(typed: Option<Spanned<PathBuf>>) -> Option<Spanned<PathBuf>> {
    typed.filter(|path| !path.get_ref().as_os_str().is_empty())
}
