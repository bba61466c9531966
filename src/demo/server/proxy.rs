//! The way through the API server to a service of the cluster. The one program that answers behind it is Flagger's load
//! tester with its gates; nothing is asked outside of the world.

use http::Method;
use serde_json::Value;

use super::reply::{self, Reply};
use super::route::{Asked, decoded};
use super::{Api, access};
use crate::demo::resource::Resource;
use crate::demo::status::Status;
use crate::demo::{Knob, Store};

/// The image of the program that answers.
const LOAD_TESTER: &str = "flagger-loadtester";

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub struct Way {
    namespace: String,
    service: String,
    /// Number or name; empty for the only one.
    port: String,
    /// What is asked of the service, with the slash.
    path: String,
}

/// What a path leads to, if it leads through the server: `/api/v1/namespaces/NS/services/[SCHEME:]NAME[:PORT]/proxy/…`.
pub fn leads_to(path: &str) -> Option<Way> {
    let (namespace, rest) = path.strip_prefix("/api/v1/namespaces/")?.split_once("/services/")?;
    let (service, rest) = rest.split_once("/proxy")?;
    let service = decoded(service);
    if namespace.contains('/') || service.contains('/') || !(rest.is_empty() || rest.starts_with('/')) {
        return None;
    }
    let parts: Vec<&str> = service.split(':').collect();
    let (name, port) = match parts.as_slice() {
        [name] => (*name, ""),
        [name, port] | ["http" | "https" | "", name, port] => (*name, *port),
        _ => return None,
    };
    let text = str::to_owned;
    let path = if rest.is_empty() { "/" } else { rest };
    Some(Way { namespace: decoded(namespace), service: text(name), port: text(port), path: text(path) })
}

/// Answers what is asked of a service.
pub fn answer(api: &Api, asked: &Asked) -> Result<Reply, Status> {
    let way = leads_to(&asked.path).ok_or_else(|| Status::bad_request("no service is named"))?;
    let verb = match asked.method {
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "get",
    };
    access::check_verb(api, verb, (Resource::Service, "proxy"), (&way.namespace, &way.service))?;
    let image = api.world.with(api.place(), |store| way.behind(store))?;
    if !image.contains(LOAD_TESTER) {
        let message = "error trying to reach service: dial tcp: connect: connection refused";
        return Err(Status::new(503, "ServiceUnavailable", message));
    }
    Ok(load_tester(api, &way.path, asked))
}

impl Way {
    /// The image of a pod that serves behind the service.
    fn behind(&self, store: &Store) -> Result<String, Status> {
        let unavailable = |message: String| Status::new(503, "ServiceUnavailable", message);
        let service = store.get(Resource::Service, &self.namespace, &self.service);
        let service = service.ok_or_else(|| Status::not_found(Resource::Service, &self.service))?;
        let ports = service["spec"]["ports"].as_array().cloned().unwrap_or_default();
        let fits = |port: &Value| port["name"] == *self.port || self.port.parse().is_ok_and(|number: u64| port["port"] == number);
        if !(self.port.is_empty() && ports.len() == 1 || ports.iter().any(fits)) {
            return Err(unavailable(format!("no service port {:?} found for service {:?}", self.port, self.service)));
        }
        let selector = service["spec"]["selector"].as_object().cloned().unwrap_or_default();
        let serves = |pod: &Value| {
            let conditions = pod["status"]["conditions"].as_array();
            !selector.is_empty()
                && selector.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value)
                && conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        };
        let pod = store.list(Resource::Pod, Some(&self.namespace)).find(|pod| serves(pod));
        let pod = pod.ok_or_else(|| unavailable(format!("no endpoints available for service {:?}", self.service)))?;
        Ok(pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned())
    }
}

/// What Flagger's load tester answers. Its gates are closed until somebody opens them.
fn load_tester(api: &Api, path: &str, asked: &Asked) -> Reply {
    let text = |code: u16, text: &str| reply::whole(code, "text/plain; charset=utf-8", text.to_owned());
    let (gate, deed) = match path.trim_end_matches('/').trim_start_matches('/').split_once('/') {
        Some((gate @ ("gate" | "rollback"), deed)) => (gate, deed),
        _ if matches!(path, "/healthz") => return text(200, "OK"),
        _ => return text(404, "404 page not found\n"),
    };
    match deed {
        "approve" if gate == "gate" => return text(200, "OK"),
        "halt" if gate == "gate" => return text(403, "Forbidden"),
        _ => {}
    }
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    let (Some(name), Some(namespace)) = (body["name"].as_str(), body["namespace"].as_str()) else {
        return text(400, "decoding the request body failed\n");
    };
    let key = format!("{namespace}/{name}/{gate}");
    match deed {
        "open" | "close" => {
            let status = if deed == "open" { 200 } else { 403 };
            api.world.turn(api.place(), Knob::Gate(key, status));
            text(202, "")
        }
        "check" if api.world.gate(api.place(), &key) == Some(200) => text(200, "Approved"),
        "check" => text(403, "Forbidden"),
        _ => text(404, "404 page not found\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_service_port_and_what_is_asked() {
        let way = |path: &str| leads_to(path).map(|way| [way.namespace, way.service, way.port, way.path]);
        let services = "/api/v1/namespaces/content/services";
        let all = ["content", "loadtester", "http", "/gate/open"].map(str::to_owned);
        assert_eq!(way(&format!("{services}/loadtester:http/proxy/gate/open")), Some(all.clone()));
        assert_eq!(way(&format!("{services}/http:loadtester:http/proxy/gate/open")), Some(all));
        let bare = ["content", "loadtester", "", "/"].map(str::to_owned);
        assert_eq!(way(&format!("{services}/loadtester/proxy")), Some(bare));
        assert_eq!(way(&format!("{services}/loadtester")), None);
        assert_eq!(way(&format!("{services}/loadtester/proxying")), None);
        assert_eq!(way("/api/v1/services/x/proxy"), None);
    }
}
