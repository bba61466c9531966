//! One metrics server: requests go out, whole answers or plain troubles come back, each with a limit in time and size. Sends credentials
//! nowhere but to the address that is configured, and says none in an error.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, AGE, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use http::uri::Scheme;
use http::{HeaderName, Method, Request, Response, Uri};
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use kube::{Client, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::tally::Tally;
use super::trouble::Trouble;
use crate::config::Environment;
use crate::config::metrics::{Address, Credentials, Prometheus, Secret};
use crate::source::kube::exchange::{collect, retry_after};
use crate::source::kube::fault::{Cause, Fault};
use crate::source::kube::kubeconfig::Access;
use crate::source::kube::{Skew, client, date_of, kubeconfig, proxy};
use crate::source::{Clock, secret};

/// Sent on within the same server at most so often.
const REDIRECTS: usize = 3;
/// Pauses before a request that nobody took is sent again.
const AGAIN: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(200), Duration::from_millis(400)];
/// As much of an error as is ever looked at.
const LARGEST_ERROR: usize = 64 << 10;
/// A connection is made anew so long before its credentials end.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// One metrics server of one environment.
pub struct Server {
    settings: Arc<Prometheus>,
    environment: Environment,
    clock: Clock,
    connection: tokio::sync::Mutex<Option<Connection>>,
    authorization: tokio::sync::Mutex<Option<SecretString>>,
    skew: Mutex<Option<Skew>>,
    /// Whether it was asked for its time, even if it did not say it.
    greeted: AtomicBool,
    /// Whether queries go in the address although forms are wanted: some servers take no forms.
    plain: AtomicBool,
    /// Whether every query goes alone: some servers refuse what joins them.
    singly: AtomicBool,
    tally: Arc<Tally>,
}

/// A way to the server.
#[derive(Clone)]
struct Connection {
    client: Client,
    /// What every path begins with.
    prefix: String,
    valid_until: Option<Timestamp>,
}

/// A whole answer.
pub struct Reply {
    /// Its body.
    pub body: Bytes,
    /// How long it took, in milliseconds.
    pub millis: u32,
}

/// Names and values that go with a request.
pub type Parameters<'a> = [(&'a str, String)];

impl Server {
    /// A server that was not asked yet.
    pub fn new(settings: Arc<Prometheus>, environment: Environment, clock: Clock) -> Self {
        let (connection, authorization) = (tokio::sync::Mutex::default(), tokio::sync::Mutex::default());
        let (skew, tally) = (Mutex::default(), Arc::default());
        let [greeted, plain, singly] = [(); 3].map(|()| AtomicBool::new(false));
        Self { settings, environment, clock, connection, authorization, skew, greeted, plain, singly, tally }
    }

    /// How it is asked.
    pub fn settings(&self) -> &Prometheus {
        &self.settings
    }

    /// How much it was asked.
    pub fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// The time now, by the local clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How far its clock is ahead of ours; None before it has said its time.
    pub fn skew(&self) -> Option<SignedDuration> {
        let skew = self.skew.lock().unwrap_or_else(PoisonError::into_inner);
        skew.map(|skew| SignedDuration::from_millis(skew.millis()))
    }

    /// Learns what time it is for the server: without that, nobody knows which moments to ask for.
    pub async fn greet(&self) {
        if self.skew().is_none() && !self.greeted.load(Ordering::Relaxed) {
            let answer = self.get("/api/v1/status/buildinfo", &[], LARGEST_ERROR).await;
            // Some servers do not say it, and some have no such endpoint.
            let answered = !matches!(answer, Err(Trouble::Down { .. }));
            self.greeted.store(answered, Ordering::Relaxed);
        }
    }

    /// Longest query that is sent, in bytes: addresses have limits, and so have some servers' parsers.
    pub fn longest_query(&self) -> usize {
        if self.posts() { 12_000 } else { 3_000 }
    }

    /// Whether every query goes alone.
    pub fn singly(&self) -> bool {
        self.singly.load(Ordering::Relaxed)
    }

    /// From now on every query goes alone.
    pub fn part(&self) {
        self.singly.store(true, Ordering::Relaxed);
    }

    /// Gives the way to it up: the next request makes a new one, with credentials as they are then.
    pub async fn reconnect(&self) {
        *self.connection.lock().await = None;
        *self.authorization.lock().await = None;
    }

    /// Asks an endpoint for a question that may be long: as a form, where the server takes forms.
    pub async fn query(&self, path: &str, parameters: &Parameters<'_>, largest: usize) -> Result<Reply, Trouble> {
        let mut all = parameters.to_vec();
        let own = self.settings.parameters.iter().map(|(name, value)| (name.as_str(), value.clone()));
        all.extend(own);
        if self.posts() {
            match self.exchange(Method::POST, path, &all, largest).await {
                Err(Failure { code: Some(405 | 501), .. }) => {}
                other => return other.map_err(|failure| failure.trouble),
            }
            let reply = self.exchange(Method::GET, path, &all, largest).await.map_err(|failure| failure.trouble)?;
            // Only now it is known that it was the form.
            self.plain.store(true, Ordering::Relaxed);
            return Ok(reply);
        }
        self.exchange(Method::GET, path, &all, largest).await.map_err(|failure| failure.trouble)
    }

    /// Asks an endpoint.
    pub async fn get(&self, path: &str, parameters: &Parameters<'_>, largest: usize) -> Result<Reply, Trouble> {
        self.exchange(Method::GET, path, parameters, largest).await.map_err(|failure| failure.trouble)
    }

    fn posts(&self) -> bool {
        self.settings.post && !self.plain.load(Ordering::Relaxed)
    }

    /// One question. Asked once more with new credentials if the old ones are no longer taken, and a few times more if something between us
    /// and the server says that nobody is there just now: questions change nothing.
    async fn exchange(&self, method: Method, path: &str, parameters: &Parameters<'_>, largest: usize) -> Result<Reply, Failure> {
        let mut last = self.once(&method, path, parameters, largest).await;
        if let Err(Failure { code: Some(401), .. }) = &last
            && self.renews().await
        {
            last = self.once(&method, path, parameters, largest).await;
        }
        for pause in AGAIN {
            if !matches!(&last, Err(failure) if failure.passing) {
                break;
            }
            sleep(pause.mul_f64(0.5 + 0.5 * fastrand::f64())).await;
            last = self.once(&method, path, parameters, largest).await;
        }
        last
    }

    /// Whether there may be other credentials than those that were refused.
    async fn renews(&self) -> bool {
        if matches!(self.settings.address, Address::Service { .. }) {
            *self.connection.lock().await = None;
            return true;
        }
        let Some(secret) = self.secret() else { return false };
        let mut kept = self.authorization.lock().await;
        let Ok(new) = secret::read(secret).await else { return false };
        let changed = kept.as_ref().is_none_or(|old| old.expose_secret() != new.expose_secret());
        *kept = Some(new);
        changed
    }

    fn secret(&self) -> Option<&Secret> {
        match &self.settings.credentials {
            Credentials::None => None,
            Credentials::Token(secret) | Credentials::Basic(_, secret) => Some(secret),
        }
    }

    async fn once(&self, method: &Method, path: &str, parameters: &Parameters<'_>, largest: usize) -> Result<Reply, Failure> {
        let patience = self.patience();
        self.tally.sent();
        let begun = Instant::now();
        let answer = timeout(patience, self.follow(method, path, parameters, largest)).await;
        let answer = answer.unwrap_or_else(|_| Err(Failure::from(Fault::silent(patience).text.as_str())));
        match answer {
            Ok(body) => {
                self.tally.received(body.len());
                Ok(Reply { body, millis: u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX) })
            }
            Err(failure) => {
                self.tally.failed();
                Err(failure)
            }
        }
    }

    /// For a whole answer: what the server is given, and a second for the way.
    fn patience(&self) -> Duration {
        Duration::try_from(self.settings.timeout).unwrap_or_default() + Duration::from_secs(1)
    }

    /// One request and its answer; sent on only within the same server.
    async fn follow(&self, method: &Method, path: &str, parameters: &Parameters<'_>, largest: usize) -> Result<Bytes, Failure> {
        let connection = self.connection().await?;
        let authorization = self.authorization().await?;
        let mut target = format!("{}{path}", connection.prefix);
        for _ in 0..=REDIRECTS {
            let request = self.request(method, &target, parameters, authorization.clone())?;
            let sent = self.clock.now();
            let response = connection.client.send(request).await.map_err(|error| self.broken(&client::fault_of(&error)))?;
            self.learn(sent, &response);
            let code = response.status().as_u16();
            if response.status().is_redirection() {
                target = self.sent_on(&response)?;
                continue;
            }
            let wait = retry_after(response.headers());
            let patience = self.patience();
            if !response.status().is_success() {
                // An error is an error, whether or not its text arrives.
                let body = collect(response.into_body(), LARGEST_ERROR, patience).await.unwrap_or_default();
                // Where the server itself says in its own words why not, asking again would only be more of the same.
                let passing = matches!(code, 502..=504) && wait.is_none() && !body.starts_with(b"{");
                return Err(Failure { code: Some(code), passing, trouble: Trouble::answered(code, &body, wait) });
            }
            let body = collect(response.into_body(), largest, patience).await;
            return body.map_err(|fault| Failure::from(fault.text.as_str()));
        }
        Err(Failure::from("the server sends requests round in circles"))
    }

    fn request(
        &self,
        method: &Method,
        target: &str,
        parameters: &Parameters<'_>,
        authorization: Option<HeaderValue>,
    ) -> Result<Request<Body>, Failure> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let (uri, body) = match *method {
            Method::POST => (target.to_owned(), form),
            _ if form.is_empty() => (target.to_owned(), String::new()),
            _ => (format!("{target}?{form}"), String::new()),
        };
        let mut request = Request::builder().method(method).uri(uri).header(ACCEPT, "application/json");
        if *method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        for (name, value) in &self.settings.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Body::from(body.into_bytes())).map_err(|error| Failure::from(error.to_string().as_str()))?;
        if let Some(authorization) = authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization);
        }
        Ok(request)
    }

    /// Where an answer sends us on to. Another server is not followed: it would be handed our credentials, and is most often a login.
    fn sent_on(&self, response: &Response<Body>) -> Result<String, Failure> {
        let code = response.status().as_u16();
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok()).unwrap_or_default();
        let uri: Uri = location.parse().map_err(|_| Failure::from(format!("{code}: it sends us on to nowhere").as_str()))?;
        let path = uri.path_and_query().map_or("/", |path| path.path()).to_owned();
        let same = match (&self.settings.address, uri.authority()) {
            (_, None) => path.starts_with('/'),
            (Address::Url(url), Some(authority)) => {
                url.parse::<Uri>().is_ok_and(|ours| ours.authority() == Some(authority) && ours.scheme() == uri.scheme())
            }
            (Address::Service { .. }, Some(_)) => false,
        };
        if same {
            return Ok(path);
        }
        let host = uri.authority().map_or("", |authority| authority.host());
        let scheme = uri.scheme_str().unwrap_or_default();
        let text = format!(
            "{code}: it sends us on to {scheme}://{host}, which is not the server that is configured: is a login in front of it?"
        );
        Err(Failure { code: Some(code), passing: false, trouble: Trouble::down(&text) })
    }

    fn learn(&self, sent: Timestamp, response: &Response<Body>) {
        // A cache's answer is as old as it says.
        if response.headers().contains_key(AGE) {
            return;
        }
        if let Some(date) = date_of(response) {
            let mut skew = self.skew.lock().unwrap_or_else(PoisonError::into_inner);
            skew.get_or_insert_default().learn(sent, self.clock.now(), date);
        }
    }

    fn broken(&self, fault: &Fault) -> Failure {
        let text = match (&self.settings.address, fault.cause) {
            (Address::Service { .. }, Cause::Credentials) => format!("on the way through the API server: {}", fault.line()),
            _ => fault.line(),
        };
        Failure::from(text.as_str())
    }

    async fn authorization(&self) -> Result<Option<HeaderValue>, Failure> {
        let Some(place) = self.secret() else { return Ok(None) };
        let mut kept = self.authorization.lock().await;
        // A file is cheap to read, and tells by itself when it has changed.
        if kept.is_none() || matches!(place, Secret::File(_)) {
            *kept = Some(secret::read(place).await.map_err(|error| Failure::from(format!("no credentials: {error}").as_str()))?);
        }
        let Some(secret) = kept.as_ref().map(ExposeSecret::expose_secret) else { return Ok(None) };
        let header = match &self.settings.credentials {
            Credentials::Basic(name, _) => {
                use base64::Engine as _;
                format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{name}:{secret}")))
            }
            _ => format!("Bearer {secret}"),
        };
        let wrong = |_| Failure::from(format!("no credentials: {} can stand in no header", secret::place(place)).as_str());
        let mut header = HeaderValue::from_str(&header).map_err(wrong)?;
        header.set_sensitive(true);
        Ok(Some(header))
    }

    async fn connection(&self) -> Result<Connection, Failure> {
        let mut kept = self.connection.lock().await;
        let now = self.clock.now();
        let ends = |one: &Connection| one.valid_until.is_some_and(|until| until.duration_since(now) < MARGIN);
        if let Some(connection) = kept.as_ref().filter(|one| !ends(one)) {
            return Ok(connection.clone());
        }
        let (settings, environment) = (Arc::clone(&self.settings), self.environment.clone());
        let made = spawn_blocking(move || connect(&settings, &environment)).await;
        let made = made.map_err(|error| Failure::from(format!("making a connection failed: {error}").as_str()))?;
        let made = made.map_err(|fault| self.broken(&fault))?;
        *kept = Some(made.clone());
        Ok(made)
    }
}

/// A trouble, with the status it came with.
struct Failure {
    code: Option<u16>,
    /// Whether it may be over in a moment.
    passing: bool,
    trouble: Trouble,
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self { code: None, passing: false, trouble: Trouble::down(text) }
    }
}

/// Makes a way to a server. Reads files and runs a credential plugin, and so blocks.
fn connect(settings: &Prometheus, environment: &Environment) -> Result<Connection, Fault> {
    let url = match &settings.address {
        Address::Service { namespace, name } => {
            let made = client::build(kubeconfig::load(environment)?)?;
            let prefix = format!("/api/v1/namespaces/{namespace}/services/{name}/proxy");
            return Ok(Connection { client: made.client, prefix, valid_until: made.valid_until });
        }
        Address::Url(url) => url,
    };
    let uri: Uri = url.parse().map_err(|_| Fault::new(Cause::Refused, "the address is no URL"))?;
    let prefix = uri.path().trim_end_matches('/').to_owned();
    let mut parts = uri.into_parts();
    parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
    let root = Uri::from_parts(parts).map_err(|_| Fault::new(Cause::Refused, "the address is no URL"))?;
    let mut config = Config::new(root);
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(5));
    config.proxy_url = proxy::of(&config.cluster_url, |name| std::env::var(name).ok());
    let agent = HeaderValue::from_static(concat!("pilothouse/", env!("CARGO_PKG_VERSION")));
    config.headers.push((HeaderName::from_static("user-agent"), agent));
    if let Some(path) = &settings.ca {
        config.root_cert = Some(authorities(path)?);
    } else if config.cluster_url.scheme() == Some(&Scheme::HTTP) {
        // Nothing is verified, so nothing to verify with is needed.
        config.root_cert.get_or_insert_default();
    }
    if let Some((certificate, key)) = &settings.identity {
        config.auth_info.client_certificate = Some(certificate.display().to_string());
        config.auth_info.client_key = Some(key.display().to_string());
    }
    let made = client::build(Access { config, plugin: None, context: None })?;
    Ok(Connection { client: made.client, prefix, valid_until: None })
}

fn authorities(path: &std::path::Path) -> Result<Vec<Vec<u8>>, Fault> {
    let wrong = |text: &str| Fault::new(Cause::Credentials, &format!("{}: {text}", path.display()));
    let read = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error.to_string()))?;
    let all: Vec<Vec<u8>> =
        read.map(|one| one.map(|one| one.to_vec())).collect::<Result<_, _>>().map_err(|error| wrong(&error.to_string()))?;
    if all.is_empty() { Err(wrong("there is no certificate in it")) } else { Ok(all) }
}
