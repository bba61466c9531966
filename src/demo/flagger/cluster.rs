//! The objects that Flagger makes and changes for a Canary: the primary Deployment, the Services, the VirtualService. What
//! they are changed to is decided elsewhere.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::spec::Spec;
use crate::demo::Resource;
use crate::demo::controller::deployments;
use crate::demo::controller::desk::{At, Desk, owned_by, text, time};
use crate::demo::controller::hash;

/// The label by which a workload's pods are selected.
const SELECTOR: &str = "app";

/// How a workload is.
pub enum State {
    /// It is as its spec says.
    Ready,
    /// It is on its way; with the sentence.
    Waits(String),
    /// It has had its time; with the sentence.
    Late(String),
}

/// The Deployment that people change.
pub fn target(desk: &Desk<'_>, spec: &Spec) -> Option<Arc<Value>> {
    desk.get(Resource::Deployment, &spec.namespace, &spec.target)
}

/// The Deployment that serves.
pub fn primary(desk: &Desk<'_>, spec: &Spec) -> Option<Arc<Value>> {
    desk.get(Resource::Deployment, &spec.namespace, &spec.primary())
}

/// The short name of a Deployment's pod template.
pub fn template_hash(deployment: &Value) -> String {
    hash::of_template(&deployment["spec"]["template"])
}

/// How a Deployment is.
pub fn state(desk: &Desk<'_>, spec: &Spec, deployment: &Value) -> State {
    let Some(why) = deployments::unfinished(deployment) else { return State::Ready };
    let mut conditions = deployment["status"]["conditions"].as_array().into_iter().flatten();
    let progressing = conditions.find(|condition| condition["type"] == "Progressing");
    let since = progressing.and_then(|condition| time(condition["lastUpdateTime"].as_str()?));
    let late = since.is_some_and(|since| desk.now > since + SignedDuration::from_secs(spec.deadline));
    if late { State::Late(why) } else { State::Waits(why) }
}

/// Makes the primary and the Services that lead to both, where they are missing.
pub fn ensure_primary(desk: &mut Desk<'_>, spec: &Spec, canary: &Value, target: &Value) {
    let label = label(target);
    if primary(desk, spec).is_none() {
        let serving = format!("{label}-primary");
        let id = flagger_id(desk);
        let mut made = json!({
            "metadata": {
                "name": spec.primary(), "namespace": spec.namespace, "labels": { SELECTOR: serving }, "ownerReferences": owned_by(canary),
            },
            "spec": target["spec"],
        });
        made["spec"]["replicas"] = target["spec"]["replicas"].as_i64().unwrap_or(1).max(1).into();
        made["spec"]["selector"] = json!({ "matchLabels": { SELECTOR: serving } });
        made["spec"]["template"] = primary_template(target, &label, &id);
        desk.create(Resource::Deployment, made);
    }
    for (name, pods) in [("primary", format!("{label}-primary")), ("canary", label)] {
        ensure_service(desk, spec, canary, &format!("{}-{name}", spec.name), &pods);
    }
}

/// Makes the Service that callers use, and the VirtualService behind it, where they are missing.
pub fn ensure_route(desk: &mut Desk<'_>, spec: &Spec, canary: &Value, target: &Value) {
    ensure_service(desk, spec, canary, &spec.name, &format!("{}-primary", label(target)));
    if !spec.routed || desk.get(Resource::VirtualService, &spec.namespace, &spec.name).is_some() {
        return;
    }
    let service = &canary["spec"]["service"];
    let made = json!({
        "metadata": metadata(spec, &spec.name, canary),
        "spec": { "gateways": service["gateways"], "hosts": service["hosts"], "http": routes(spec, canary, 0) },
    });
    desk.create(Resource::VirtualService, made);
}

fn ensure_service(desk: &mut Desk<'_>, spec: &Spec, canary: &Value, name: &str, pods: &str) {
    let selector = json!({ SELECTOR: pods });
    if let Some(known) = desk.get(Resource::Service, &spec.namespace, name) {
        if known["spec"]["selector"] != selector {
            desk.edit(&At::of(Resource::Service, &known), |service| service["spec"]["selector"] = selector);
        }
        return;
    }
    let service = &canary["spec"]["service"];
    let port = &service["port"];
    let target = if service["targetPort"].is_null() { port } else { &service["targetPort"] };
    let made = json!({
        "metadata": metadata(spec, name, canary),
        "spec": {
            "type": "ClusterIP", "selector": selector,
            "ports": [{ "name": "http", "protocol": "TCP", "port": port, "targetPort": target }],
        },
    });
    desk.create(Resource::Service, made);
}

fn metadata(spec: &Spec, name: &str, canary: &Value) -> Value {
    json!({
        "name": name, "namespace": spec.namespace, "labels": { SELECTOR: name }, "ownerReferences": owned_by(canary),
        "annotations": { "kustomize.toolkit.fluxcd.io/reconcile": "disabled", "helm.toolkit.fluxcd.io/driftDetection": "disabled" },
    })
}

fn label(target: &Value) -> String {
    let labels = &target["spec"]["selector"]["matchLabels"];
    labels[SELECTOR].as_str().unwrap_or_else(|| text(target, "name")).to_owned()
}

/// What makes every copy of a template a new one.
fn flagger_id(desk: &mut Desk<'_>) -> String {
    let random = desk.store.random();
    format!("{:08x}-{:04x}-4{:03x}", random.u32(..), random.u16(..), random.u16(..4096))
}

fn primary_template(target: &Value, label: &str, id: &str) -> Value {
    let mut template = target["spec"]["template"].clone();
    template["metadata"]["labels"][SELECTOR] = format!("{label}-primary").into();
    template["metadata"]["annotations"]["flagger-id"] = id.into();
    template
}

/// The primary runs what the target runs.
pub fn is_promoted(target: &Value, primary: &Value) -> bool {
    let pods = |deployment: &Value| hash::essence(&deployment["spec"]["template"])["spec"].clone();
    pods(target) == pods(primary)
}

/// Lets the primary run what the target runs.
pub fn promote(desk: &mut Desk<'_>, spec: &Spec, target: &Value) {
    let id = flagger_id(desk);
    let template = primary_template(target, &label(target), &id);
    let at = At::new(Resource::Deployment, &spec.namespace, &spec.primary());
    desk.edit(&at, |primary| primary["spec"]["template"] = template);
}

/// Sets the number of the target's pods.
pub fn scale_target(desk: &mut Desk<'_>, spec: &Spec, replicas: i64) {
    let at = At::new(Resource::Deployment, &spec.namespace, &spec.target);
    desk.edit(&at, |target| target["spec"]["replicas"] = replicas.into());
}

/// Percent of the traffic that the canary gets: what the VirtualService says, whoever wrote it.
pub fn weight(desk: &Desk<'_>, spec: &Spec) -> i64 {
    let Some(service) = desk.get(Resource::VirtualService, &spec.namespace, &spec.name) else { return 0 };
    let canary = format!("{}-canary", spec.name);
    let mut routes = service["spec"]["http"][0]["route"].as_array().into_iter().flatten();
    routes.find(|route| route["destination"]["host"] == *canary).and_then(|route| route["weight"].as_i64()).unwrap_or(0)
}

/// Sends so many percent of the traffic to the canary.
pub fn set_weight(desk: &mut Desk<'_>, spec: &Spec, canary: &Value, weight: i64) {
    if !spec.routed {
        return;
    }
    let http = routes(spec, canary, weight);
    let at = At::new(Resource::VirtualService, &spec.namespace, &spec.name);
    desk.edit(&at, |service| service["spec"]["http"] = http);
}

fn routes(spec: &Spec, canary: &Value, weight: i64) -> Value {
    let to = |name: &str, weight: i64| json!({ "destination": { "host": format!("{}-{name}", spec.name) }, "weight": weight });
    let split = json!([to("primary", 100 - weight), to("canary", weight)]);
    if spec.by_match {
        json!([{ "match": canary["spec"]["analysis"]["match"], "route": split }, { "route": [to("primary", 100)] }])
    } else {
        json!([{ "route": split }])
    }
}
