//! Which metrics a service has: their names, their labels, and what each series counts. A table; the numbers come from
//! elsewhere.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::behaviour::{BOUNDS, BUCKETS};
use super::pod::{CORES, Track};
use super::service::{Schemes, Service};
use crate::demo::promql::labels::Text;
use crate::demo::promql::number::written;

/// The memory that a pod may use, in bytes.
pub const MEMORY: f64 = 536_870_912.0;

/// What a metric is, as its exposition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only rises.
    Counter,
    /// It is what it is.
    Gauge,
    /// Buckets, a sum and a count.
    Histogram,
}

/// A family of metrics.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name; of a histogram without its endings.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub help: &'static str,
}

const fn family(name: &'static str, kind: Kind, help: &'static str) -> Family {
    Family { name, kind, help }
}

/// All families of services, in the order in which they are shown.
pub const FAMILIES: [Family; 13] = [
    family("container_cpu_usage_seconds_total", Kind::Counter, "Seconds of processor time that a container has used."),
    family("container_memory_working_set_bytes", Kind::Gauge, "Memory that a container needs, in bytes."),
    family("http_request_duration_seconds", Kind::Histogram, "Durations of requests."),
    family("http_requests_total", Kind::Counter, "Requests."),
    family("http_server_request_duration_seconds", Kind::Histogram, "Durations of requests, by the conventions of OpenTelemetry."),
    family("istio_request_duration_milliseconds", Kind::Histogram, "Durations of requests, as the mesh sees them."),
    family("istio_requests_total", Kind::Counter, "Requests, as the mesh sees them."),
    family("kube_pod_container_resource_limits", Kind::Gauge, "What a container may use at most."),
    family(
        "nginx_ingress_controller_request_duration_seconds",
        Kind::Histogram,
        "Durations of requests, as the Ingress controller sees them.",
    ),
    family("nginx_ingress_controller_requests", Kind::Counter, "Requests, as the Ingress controller sees them."),
    family("response_latency_ms", Kind::Histogram, "Durations of requests, as the proxy sees them."),
    family("response_total", Kind::Counter, "Answers, as the proxy sees them."),
    family("up", Kind::Gauge, "Whether the last scrape of a pod worked."),
];

/// Some of the requests of a pod: shares of those that went well and of those that failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Class {
    /// Share of those that went well.
    pub well: f64,
    /// Share of those that failed.
    pub failed: f64,
}

impl Class {
    const ALL: Self = Self { well: 1.0, failed: 1.0 };

    const fn well(share: f64) -> Self {
        Self { well: share, failed: 0.0 }
    }

    const fn failed(share: f64) -> Self {
        Self { well: 0.0, failed: share }
    }

    /// It is there only once something has failed.
    pub fn is_of_failures(self) -> bool {
        self.well == 0.0
    }
}

/// What one series says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// How many requests took no longer than a bound; the last bucket is all of them.
    Bucket(Class, usize),
    /// How long they took, times a factor (1 for seconds).
    Sum(Class, f64),
    /// Seconds of the processor.
    Processor,
    /// Bytes of memory.
    Memory,
    /// Always the same.
    Constant(f64),
    /// Whether the pod is scraped.
    Up,
}

/// A series of a pod: the labels that it has besides the pod's, sorted, and what it says.
pub type Member = (Vec<(Text, Text)>, What);

/// Method, code and class of what a service of the company answers.
const CLASSES: [(&str, &str, Class); 5] = [
    ("GET", "200", Class::well(0.82)),
    ("POST", "201", Class::well(0.15)),
    ("GET", "404", Class::well(0.03)),
    ("GET", "500", Class::failed(0.7)),
    ("GET", "503", Class::failed(0.3)),
];
/// The same of one of a crowd.
const CROWD_CLASSES: [(&str, &str, Class); 2] = [("GET", "200", Class::well(1.0)), ("GET", "500", Class::failed(1.0))];

/// The names under which a family's series are found.
pub fn names(family: &Family) -> Vec<String> {
    match family.kind {
        Kind::Histogram => ["bucket", "count", "sum"].map(|end| format!("{}_{end}", family.name)).to_vec(),
        _ => vec![family.name.to_owned()],
    }
}

static OTEL: LazyLock<[Vec<Vec<Member>>; 2]> = LazyLock::new(|| {
    [&CLASSES[..], &CROWD_CLASSES[..]].map(|classes| {
        let labels = |method: &str, code: &str| labels(&[("http_request_method", method), ("http_response_status_code", code)]);
        let all: Vec<(Vec<(Text, Text)>, Class)> = classes.iter().map(|(m, code, class)| (labels(m, code), *class)).collect();
        ["bucket", "count", "sum"].map(|end| histogram(&all, end, 1.0)).to_vec()
    })
});
static REQUESTS: LazyLock<[Vec<Member>; 2]> = LazyLock::new(|| {
    [&CLASSES[..], &CROWD_CLASSES[..]].map(|classes| {
        let member = |(method, code, class): &(&str, &str, Class)| {
            (labels(&[("code", code), ("method", method), ("status", code)]), What::Bucket(*class, BUCKETS - 1))
        };
        classes.iter().map(member).collect()
    })
});

/// The series of this name that a pod of a service has while it is part of a track.
pub fn members(name: &str, service: &Service, track: Track) -> Cow<'static, [Member]> {
    let Schemes { istio, nginx, linkerd, crowd } = service.schemes;
    if let Some(end) = name.strip_prefix("http_server_request_duration_seconds_") {
        let place = ["bucket", "count", "sum"].iter().position(|known| *known == end);
        let members = place.and_then(|place| OTEL.get(usize::from(crowd))?.get(place));
        return Cow::Borrowed(members.map_or(&[], Vec::as_slice));
    }
    let container = |more: &[(&str, &str)]| {
        let mut all = vec![("container", &*service.name)];
        all.extend(more);
        labels(&all)
    };
    let made = match name {
        "http_requests_total" => {
            return Cow::Borrowed(REQUESTS.get(usize::from(crowd)).map_or(&[], Vec::as_slice));
        }
        "container_cpu_usage_seconds_total" => vec![(container(&[]), What::Processor)],
        "container_memory_working_set_bytes" => vec![(container(&[]), What::Memory)],
        "kube_pod_container_resource_limits" => vec![
            (container(&[("resource", "cpu"), ("unit", "core")]), What::Constant(CORES)),
            (container(&[("resource", "memory"), ("unit", "byte")]), What::Constant(MEMORY)),
        ],
        "up" => vec![(Vec::new(), What::Up)],
        _ if crowd => Vec::new(),
        _ => match name.rsplit_once('_') {
            Some(("http_request_duration_seconds", end)) => histogram(&[(labels(&[("method", "GET")]), Class::ALL)], end, 1.0),
            _ if istio && name.starts_with("istio_") => of_istio(name, service, track),
            _ if nginx && name.starts_with("nginx_") => of_nginx(name, service),
            _ if linkerd && name.starts_with("response_") => of_linkerd(name, service, track),
            _ => Vec::new(),
        },
    };
    Cow::Owned(made)
}

fn of_istio(name: &str, service: &Service, track: Track) -> Vec<Member> {
    let (own, workload) = name_of(service, track);
    let namespace = &*service.namespace;
    let all = |code: &str| {
        labels(&[
            ("destination_service_name", own),
            ("destination_service_namespace", namespace),
            ("destination_workload", workload),
            ("destination_workload_namespace", namespace),
            ("reporter", "destination"),
            ("request_protocol", "http"),
            ("response_code", code),
            ("source_workload", "istio-ingressgateway"),
        ])
    };
    let classes: Vec<_> = [("200", Class::well(1.0)), ("503", Class::failed(1.0))].map(|(code, class)| (all(code), class)).to_vec();
    if name == "istio_requests_total" {
        return classes.into_iter().map(|(labels, class)| (labels, What::Bucket(class, BUCKETS - 1))).collect();
    }
    histogram(&classes, name.strip_prefix("istio_request_duration_milliseconds_").unwrap_or_default(), 1000.0)
}

fn of_nginx(name: &str, service: &Service) -> Vec<Member> {
    let host = format!("{}.harbourline.example", service.name);
    let all = |method: &str, status: &str| {
        labels(&[("host", &host), ("ingress", &service.name), ("method", method), ("path", "/"), ("status", status)])
    };
    let classes: Vec<_> = CLASSES.iter().map(|(method, code, class)| (all(method, code), *class)).collect();
    if name == "nginx_ingress_controller_requests" {
        return classes.into_iter().map(|(labels, class)| (labels, What::Bucket(class, BUCKETS - 1))).collect();
    }
    histogram(&classes, name.strip_prefix("nginx_ingress_controller_request_duration_seconds_").unwrap_or_default(), 1.0)
}

fn of_linkerd(name: &str, service: &Service, track: Track) -> Vec<Member> {
    let (_, workload) = name_of(service, track);
    let all = |more: &[(&str, &str)]| {
        let mut all = vec![("deployment", workload), ("direction", "inbound")];
        all.extend(more);
        labels(&all)
    };
    if name == "response_total" {
        let classes = [("success", "200", Class::well(1.0)), ("failure", "500", Class::failed(1.0))];
        let member = |(result, status, class): (&str, &str, Class)| {
            (all(&[("classification", result), ("status_code", status)]), What::Bucket(class, BUCKETS - 1))
        };
        return classes.map(member).to_vec();
    }
    let classes =
        [("200", Class::well(1.0)), ("500", Class::failed(1.0))].map(|(status, class)| (all(&[("status_code", status)]), class));
    histogram(&classes, name.strip_prefix("response_latency_ms_").unwrap_or_default(), 1000.0)
}

fn name_of(service: &Service, track: Track) -> (&str, &str) {
    let [canary, stable] = &service.names;
    let (own, workload) = if track == Track::Canary { canary } else { stable };
    (own, workload)
}

/// One of the three parts of a histogram, whose bounds are in seconds times a factor.
fn histogram(classes: &[(Vec<(Text, Text)>, Class)], end: &str, factor: f64) -> Vec<Member> {
    let mut members = Vec::new();
    for (labels, class) in classes {
        match end {
            "count" => members.push((labels.clone(), What::Bucket(*class, BUCKETS - 1))),
            "sum" => members.push((labels.clone(), What::Sum(*class, factor))),
            "bucket" => members.extend((0..BUCKETS).map(|bucket| {
                let bound = BOUNDS.get(bucket).map_or("+Inf".to_owned(), |bound| written((bound * factor * 1e6).round() / 1e6));
                let mut labels = labels.clone();
                labels.push(("le".into(), bound.into()));
                labels.sort_unstable();
                (labels, What::Bucket(*class, bucket))
            })),
            _ => {}
        }
    }
    members
}

fn labels(pairs: &[(&str, &str)]) -> Vec<(Text, Text)> {
    let mut labels: Vec<(Text, Text)> = pairs.iter().map(|(key, value)| (Text::from(*key), Text::from(*value))).collect();
    labels.sort_unstable();
    labels
}
