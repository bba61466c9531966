//! A client from a kubeconfig, and a gate in front of it: a credential plugin that fails is asked again in growing intervals and
//! not by every request. Never sends anything by itself.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Request, Response};
use jiff::Timestamp;
use kube::Client;
use kube::client::{AuthError, Body, ClientBuilder};
use tower::{BoxError, Layer, Service};

use super::fault::{Cause, Fault, one_line};
use super::kubeconfig::{Access, Plugin};
use super::pace::Pace;

/// A client, and what is known about how long it is good for.
#[derive(Clone)]
pub struct Connected {
    /// The client.
    pub client: Client,
    /// Namespace of the context.
    pub namespace: Arc<str>,
    /// When its credentials end, where they say so.
    pub valid_until: Option<Timestamp>,
}

/// Builds a client. Runs the credential plugin, if there is one, and so blocks.
pub fn build(access: Access) -> Result<Connected, Fault> {
    let Access { mut config, plugin, .. } = access;
    let gate = Gate { shut: Arc::default(), plugin: plugin.clone() };
    let namespace = config.default_namespace.as_str().into();
    let host = config.cluster_url.host().unwrap_or_default().to_owned();
    let built = match ClientBuilder::try_from(config.clone()) {
        Err(error) if lacks_certificates(&error) && super::proxy::is_this_machine(&host) => {
            // A server on this machine brings its own certificates, or none: those of the system are not missed.
            config.root_cert.get_or_insert_default();
            ClientBuilder::try_from(config)
        }
        built => built,
    };
    let client = match built {
        Ok(builder) => builder.with_layer(&gate).build(),
        Err(error) if lacks_certificates(&error) => {
            return Err(Fault::new(
                Cause::Credentials,
                "this machine has no CA certificates: install them (ca-certificates), or name the cluster's in the kubeconfig",
            ));
        }
        Err(kube::Error::Auth(error)) => return Err(Fault::new(Cause::Credentials, &about(&error, plugin.as_ref()))),
        Err(error) => return Err(Fault { cause: Cause::Credentials, ..Fault::connection(&error) }),
    };
    Ok(Connected { valid_until: *client.valid_until(), client, namespace })
}

fn lacks_certificates(error: &kube::Error) -> bool {
    let mut below: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = below {
        if error.to_string().contains("No CA certificates were loaded") {
            return true;
        }
        below = error.source();
    }
    false
}

/// What kube says about a request, in our words.
pub fn fault_of(error: &kube::Error) -> Fault {
    match error {
        kube::Error::Service(below) => match below.downcast_ref::<Fault>() {
            Some(fault) => fault.clone(),
            None => Fault::connection(error),
        },
        error => Fault::connection(error),
    }
}

/// Why there are no credentials, in one line. A plugin's own words are its last line on stderr.
fn about(error: &AuthError, plugin: Option<&Plugin>) -> String {
    let name = plugin.map_or("credential plugin", |plugin| plugin.command.as_str());
    match error {
        AuthError::AuthExecStart(error) => {
            let hint = plugin.and_then(|plugin| plugin.hint.as_deref()).map(one_line).unwrap_or_default();
            let separator = if hint.is_empty() { "" } else { ". " };
            format!("credential plugin `{name}` cannot be started: {error}{separator}{hint}")
        }
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
            format!("credential plugin `{name}` failed ({}): {said}", out.status)
        }
        AuthError::AuthExecParse(_) => format!("credential plugin `{name}` printed something that is not a credential"),
        AuthError::ExecPluginFailed => format!("credential plugin `{name}` gave no credential"),
        other => other.to_string(),
    }
}

/// Stands in front of a client.
#[derive(Clone)]
struct Gate {
    shut: Arc<Mutex<Shut>>,
    plugin: Option<Plugin>,
}

/// While shut, requests fail with what the plugin said last.
#[derive(Default)]
struct Shut {
    until: Option<(Instant, Fault)>,
    pace: Pace,
}

impl Gate {
    fn refusal(&self) -> Option<Fault> {
        let shut = self.shut.lock().unwrap_or_else(PoisonError::into_inner);
        shut.until.as_ref().filter(|(until, _)| *until > Instant::now()).map(|(_, fault)| fault.clone())
    }

    fn learn(&self, error: BoxError) -> BoxError {
        let Some(auth) = auth_error(&*error) else { return error };
        let fault = Fault::new(Cause::Credentials, &about(auth, self.plugin.as_ref()));
        let mut shut = self.shut.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = shut.pace.next(Duration::from_secs(30));
        shut.until = Some((Instant::now() + wait, fault.clone()));
        Box::new(fault)
    }

    fn open(&self) {
        let mut shut = self.shut.lock().unwrap_or_else(PoisonError::into_inner);
        shut.until = None;
        shut.pace.reset();
    }
}

fn auth_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a AuthError> {
    if let Some(kube::Error::Auth(error)) = error.downcast_ref() {
        return Some(error);
    }
    error.downcast_ref::<AuthError>().or_else(|| error.source().and_then(auth_error))
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { inner, gate: self.clone() }
    }
}

/// A client's service behind a gate.
struct Gated<S> {
    inner: S,
    gate: Gate,
}

impl<S, B> Service<Request<Body>> for Gated<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let gate = self.gate.clone();
        if let Some(fault) = gate.refusal() {
            return Box::pin(async move { Err(Box::new(fault) as BoxError) });
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            match answer.await {
                Ok(response) => {
                    gate.open();
                    Ok(response)
                }
                Err(error) => Err(gate.learn(error.into())),
            }
        })
    }
}
