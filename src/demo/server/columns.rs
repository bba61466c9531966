//! The columns in which each kind is printed: those of the real resource definitions, and of kubectl for built-in kinds.

use jiff::Timestamp;
use serde_json::Value;

use super::cells::{
    age, containers, count, job_status, joined, or_none, pairs, pod_status, ports, ready_containers, restarts, size, time, written,
};
use crate::demo::event::last_seen;
use crate::demo::resource::Resource;

/// A column of a kind's table.
pub struct Column {
    /// Its heading.
    pub name: &'static str,
    /// Type of its cells.
    pub type_name: &'static str,
    /// 1 if only wide tables show it.
    pub priority: u8,
    /// The cell of an object.
    pub cell: fn(&Value, Timestamp) -> Value,
}

const fn text(name: &'static str, cell: fn(&Value, Timestamp) -> Value) -> Column {
    Column { name, type_name: "string", priority: 0, cell }
}

const fn wide(name: &'static str, cell: fn(&Value, Timestamp) -> Value) -> Column {
    Column { priority: 1, ..text(name, cell) }
}

const fn number(name: &'static str, cell: fn(&Value, Timestamp) -> Value) -> Column {
    Column { type_name: "integer", ..text(name, cell) }
}

const NAME: Column = text("Name", |o, _| o["metadata"]["name"].clone());
const AGE: Column = text("Age", |o, now| age(&o["metadata"]["creationTimestamp"], now));
const STATUS: Column = text("Status", |o, _| o["status"]["phase"].clone());

/// The columns of a kind.
pub fn of(resource: Resource) -> &'static [Column] {
    match resource {
        Resource::Rollout => ROLLOUT,
        Resource::AnalysisRun | Resource::Experiment | Resource::Namespace => PHASE,
        Resource::Canary => CANARY,
        Resource::Application => APPLICATION,
        Resource::MetricTemplate => METRIC_TEMPLATE,
        Resource::Pod => POD,
        Resource::Service => SERVICE,
        Resource::ConfigMap => CONFIG_MAP,
        Resource::Secret => SECRET,
        Resource::Event => EVENT,
        Resource::Deployment => DEPLOYMENT,
        Resource::ReplicaSet => REPLICA_SET,
        Resource::DaemonSet => DAEMON_SET,
        Resource::Job => JOB,
        Resource::Node => NODE,
        Resource::Ingress => INGRESS,
        Resource::Lease => LEASE,
        Resource::VirtualService => VIRTUAL_SERVICE,
        Resource::DestinationRule => DESTINATION_RULE,
        Resource::ServiceAccount => SERVICE_ACCOUNT,
        Resource::AnalysisTemplate | Resource::ClusterAnalysisTemplate => PLAIN,
    }
}

static PLAIN: &[Column] = &[NAME, AGE];
static PHASE: &[Column] = &[NAME, STATUS, AGE];
static METRIC_TEMPLATE: &[Column] = &[NAME, text("Provider", |o, _| o["spec"]["provider"]["type"].clone())];
static CONFIG_MAP: &[Column] = &[NAME, number("Data", |o, _| size(&o["data"])), AGE];
static SECRET: &[Column] = &[NAME, text("Type", |o, _| o["type"].clone()), number("Data", |o, _| size(&o["data"])), AGE];
static LEASE: &[Column] = &[NAME, text("Holder", |o, _| o["spec"]["holderIdentity"].clone()), AGE];
static VIRTUAL_SERVICE: &[Column] =
    &[NAME, text("Gateways", |o, _| written(&o["spec"]["gateways"])), text("Hosts", |o, _| written(&o["spec"]["hosts"])), AGE];
static DESTINATION_RULE: &[Column] = &[NAME, text("Host", |o, _| o["spec"]["host"].clone()), AGE];
static SERVICE_ACCOUNT: &[Column] = &[NAME, number("Secrets", |o, _| size(&o["secrets"])), AGE];

static ROLLOUT: &[Column] = &[
    NAME,
    number("Desired", |o, _| o["spec"]["replicas"].clone()),
    number("Current", |o, _| o["status"]["replicas"].clone()),
    number("Up-to-date", |o, _| o["status"]["updatedReplicas"].clone()),
    number("Available", |o, _| o["status"]["availableReplicas"].clone()),
    AGE,
];

static APPLICATION: &[Column] = &[
    NAME,
    text("Sync Status", |o, _| o["status"]["sync"]["status"].clone()),
    text("Health Status", |o, _| o["status"]["health"]["status"].clone()),
    wide("Revision", |o, _| o["status"]["sync"]["revision"].clone()),
    wide("Project", |o, _| o["spec"]["project"].clone()),
];

static CANARY: &[Column] = &[
    NAME,
    STATUS,
    text("Weight", |o, _| written(&o["status"]["canaryWeight"])),
    wide("Suspended", |o, _| o["spec"]["suspend"].clone()),
    wide("FailedChecks", |o, _| written(&o["status"]["failedChecks"])),
    wide("Interval", |o, _| written(&o["spec"]["analysis"]["interval"])),
    wide("Mirror", |o, _| o["spec"]["analysis"]["mirror"].clone()),
    wide("StepWeight", |o, _| written(&o["spec"]["analysis"]["stepWeight"])),
    wide("StepWeights", |o, _| written(&o["spec"]["analysis"]["stepWeights"])),
    wide("MaxWeight", |o, _| written(&o["spec"]["analysis"]["maxWeight"])),
    text("LastTransitionTime", |o, _| written(&o["status"]["lastTransitionTime"])),
];

static POD: &[Column] = &[
    NAME,
    text("Ready", |o, _| ready_containers(o)),
    text("Status", |o, _| pod_status(o)),
    text("Restarts", |o, _| restarts(o).to_string().into()),
    AGE,
    wide("IP", |o, _| or_none(&o["status"]["podIP"])),
    wide("Node", |o, _| or_none(&o["spec"]["nodeName"])),
    wide("Nominated Node", |o, _| or_none(&o["status"]["nominatedNodeName"])),
    wide("Readiness Gates", |_, _| "<none>".into()),
];

static SERVICE: &[Column] = &[
    NAME,
    text("Type", |o, _| o["spec"]["type"].as_str().unwrap_or("ClusterIP").into()),
    text("Cluster-IP", |o, _| or_none(&o["spec"]["clusterIP"])),
    text("External-IP", |_, _| "<none>".into()),
    text("Port(s)", |o, _| ports(&o["spec"]["ports"])),
    AGE,
    wide("Selector", |o, _| pairs(&o["spec"]["selector"])),
];

static EVENT: &[Column] = &[
    text("Last Seen", |o, now| age(last_seen(o), now)),
    text("Type", |o, _| o["type"].clone()),
    text("Reason", |o, _| o["reason"].clone()),
    text("Object", |o, _| {
        let about = &o["involvedObject"];
        let kind = about["kind"].as_str().unwrap_or_default().to_lowercase();
        format!("{kind}/{}", about["name"].as_str().unwrap_or_default()).into()
    }),
    wide("Subobject", |o, _| o["involvedObject"]["fieldPath"].clone()),
    wide("Source", |o, _| o["source"]["component"].clone()),
    text("Message", |o, _| o["message"].as_str().unwrap_or_default().trim().into()),
    wide("First Seen", |o, now| age(if o["firstTimestamp"].is_string() { &o["firstTimestamp"] } else { &o["eventTime"] }, now)),
    wide("Count", |o, _| o["count"].clone()),
    wide("Name", |o, _| o["metadata"]["name"].clone()),
];

const CONTAINERS: Column = wide("Containers", |o, _| containers(o, "name"));
const IMAGES: Column = wide("Images", |o, _| containers(o, "image"));
const SELECTOR: Column = wide("Selector", |o, _| pairs(&o["spec"]["selector"]["matchLabels"]));

static DEPLOYMENT: &[Column] = &[
    NAME,
    text("Ready", |o, _| format!("{}/{}", count(&o["status"]["readyReplicas"]), count(&o["spec"]["replicas"])).into()),
    number("Up-to-date", |o, _| count(&o["status"]["updatedReplicas"]).into()),
    number("Available", |o, _| count(&o["status"]["availableReplicas"]).into()),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

static REPLICA_SET: &[Column] = &[
    NAME,
    number("Desired", |o, _| count(&o["spec"]["replicas"]).into()),
    number("Current", |o, _| count(&o["status"]["replicas"]).into()),
    number("Ready", |o, _| count(&o["status"]["readyReplicas"]).into()),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

static DAEMON_SET: &[Column] = &[
    NAME,
    number("Desired", |o, _| count(&o["status"]["desiredNumberScheduled"]).into()),
    number("Current", |o, _| count(&o["status"]["currentNumberScheduled"]).into()),
    number("Ready", |o, _| count(&o["status"]["numberReady"]).into()),
    number("Up-to-date", |o, _| count(&o["status"]["updatedNumberScheduled"]).into()),
    number("Available", |o, _| count(&o["status"]["numberAvailable"]).into()),
    text("Node Selector", |o, _| pairs(&o["spec"]["template"]["spec"]["nodeSelector"])),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

static JOB: &[Column] = &[
    NAME,
    text("Status", |o, _| job_status(o).into()),
    text("Completions", |o, _| {
        format!("{}/{}", count(&o["status"]["succeeded"]), o["spec"]["completions"].as_i64().unwrap_or(1)).into()
    }),
    text("Duration", |o, now| {
        let end = time(&o["status"]["completionTime"]).unwrap_or(now);
        age(&o["status"]["startTime"], end)
    }),
    AGE,
    CONTAINERS,
    IMAGES,
];

static NODE: &[Column] = &[
    NAME,
    text("Status", |o, _| {
        let ready =
            o["status"]["conditions"].as_array().into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True");
        if ready { "Ready" } else { "NotReady" }.into()
    }),
    text("Roles", |_, _| "<none>".into()),
    AGE,
    text("Version", |o, _| o["status"]["nodeInfo"]["kubeletVersion"].clone()),
];

static INGRESS: &[Column] = &[
    NAME,
    text("Class", |o, _| or_none(&o["spec"]["ingressClassName"])),
    text("Hosts", |o, _| {
        let hosts = o["spec"]["rules"].as_array().into_iter().flatten().filter_map(|rule| rule["host"].as_str());
        joined(hosts.map(str::to_owned), "*")
    }),
    text("Address", |_, _| "".into()),
    text("Ports", |o, _| if o["spec"]["tls"].is_array() { "80, 443" } else { "80" }.into()),
    AGE,
];
