//! What is wrong with a Rollout's spec, in the words of the API: `path: Invalid value: … : why`. The first fault counts.
//! What the spec refers to is judged in `references`.

use serde_json::Value;

use super::super::hash;
use super::spec::{BlueGreen, Canary, Spec, Step};

/// A fault in the API's words.
pub fn invalid(path: &str, value: impl std::fmt::Display, why: impl std::fmt::Display) -> String {
    format!("{path}: Invalid value: {value}: {why}")
}

/// The first fault of a spec by itself, if it has one.
pub fn fault(spec: &Spec) -> Option<String> {
    let template = spec.template.as_ref().unwrap_or(&Value::Null);
    let selector = spec.selector.as_ref().filter(|selector| selector.is_object() && !selector["matchLabels"].is_array());
    let Some(selector) = selector else {
        return Some("spec.selector: Required value: Rollout has missing field '.spec.selector'".to_owned());
    };
    if !hash::is_template(template) {
        return Some("spec.template.spec.containers: Required value".to_owned());
    }
    let labels = &template["metadata"]["labels"];
    let fits = selector["matchLabels"].as_object().into_iter().flatten().all(|(key, value)| labels[key] == *value);
    if !fits {
        return Some(invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"));
    }
    let deadline = spec.progress_deadline_seconds.unwrap_or(600);
    if deadline <= spec.min_ready_seconds {
        return Some(invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"));
    }
    let path = "spec.strategy.strategy";
    match (&spec.strategy.canary, &spec.strategy.blue_green) {
        (Some(_), Some(_)) => Some(invalid(path, "\"blueGreen: true canary: true\"", "Multiple Strategies can not be listed")),
        (None, None) => {
            let missing = "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'";
            Some(format!("{path}: Required value: {missing}"))
        }
        (None, Some(way)) => blue_green(way),
        (Some(way), None) => canary(way).or_else(|| bounds(spec, way)).or_else(|| steps(way)),
    }
}

fn blue_green(way: &BlueGreen) -> Option<String> {
    let same = way.preview_service.as_deref().unwrap_or_default() == way.active_service;
    let why = "This rollout uses the same service for the active and preview services, but two different services are required.";
    same.then(|| invalid("spec.strategy.blueGreen.activeService", format!("{:?}", way.active_service), why))
}

fn bounds(spec: &Spec, way: &Canary) -> Option<String> {
    use super::super::amount::Round;
    let both = way.max_surge.as_ref()?.of(spec.replicas(), Round::Up) == Some(0)
        && way.max_unavailable.as_ref()?.of(spec.replicas(), Round::Up) == Some(0);
    both.then(|| invalid("spec.strategy.canary.maxSurge", 0, "MaxSurge and MaxUnavailable both can not be zero"))
}

fn canary(way: &Canary) -> Option<String> {
    let path = |key: &str| format!("spec.strategy.canary.{key}");
    let name = |service: &Option<String>| format!("{:?}", service.as_deref().unwrap_or_default());
    if way.canary_service.as_ref().is_some_and(|service| !service.is_empty()) && way.canary_service == way.stable_service {
        let why = "This rollout uses the same service for the stable and canary services, but two different services are required.";
        return Some(invalid(&path("stableService"), name(&way.stable_service), why));
    }
    let routing = way.traffic_routing.as_ref().unwrap_or(&Value::Null);
    let has = |key: &str| routing.get(key).is_some_and(|part| !part.is_null());
    if let Some(pair) = &way.ping_pong {
        if !routing.is_null() && !has("alb") && !has("istio") && !has("plugins") {
            let why = "Ping-pong feature works with the ALB, Istio, and plugin-based traffic routers only";
            return Some(invalid(&path("trafficRouting.alb"), "null", why));
        }
        let why = "Ping service and Pong service must to be set to use Ping-Pong feature";
        for (key, service) in [("pingService", &pair.ping_service), ("pongService", &pair.pong_service)] {
            if service.is_empty() {
                return Some(invalid(&path(&format!("pingPong.{key}")), "\"\"", why));
            }
        }
        if pair.ping_service == pair.pong_service {
            let why = "This rollout uses the same service for the ping and pong services, but two different services are required.";
            return Some(invalid(&path("pingPong.pingService"), format!("{:?}", pair.ping_service), why));
        }
    }
    let by_host = has("istio") && !routing["istio"]["destinationRule"].is_object();
    let needs_both = ["smi", "apisix", "ambassador", "nginx", "appMesh", "traefik"].into_iter().any(has)
        || (way.ping_pong.is_none() && (has("alb") || by_host));
    if needs_both {
        let why = "Canary service and Stable service must to be set to use Traffic Routing";
        for (key, service) in [("stableService", &way.stable_service), ("canaryService", &way.canary_service)] {
            if service.as_ref().is_none_or(String::is_empty) {
                return Some(invalid(&path(key), "\"\"", why));
            }
        }
    }
    match (routing.is_null(), way.scale_down_delay_seconds, way.dynamic_stable_scale) {
        (true, Some(delay), _) => Some(invalid(
            &path("scaleDownDelaySeconds"),
            delay,
            "Canary scaleDownDelaySeconds can only be used with traffic routing",
        )),
        (true, None, true) => {
            Some(invalid(&path("dynamicStableScale"), true, "Canary dynamicStableScale can only be used with traffic routing"))
        }
        (false, Some(_), true) => {
            Some(invalid(&path("dynamicStableScale"), true, "Canary dynamicStableScale cannot be used with scaleDownDelaySeconds"))
        }
        _ if has("maxTrafficWeight") && !has("nginx") && !has("plugins") => {
            let why = "Canary maxTrafficWeight in traffic routing only supported in Nginx and Plugins";
            Some(invalid(&path("trafficRouting.maxTrafficWeight"), way.max_weight(), why))
        }
        _ => None,
    }
}

fn steps(way: &Canary) -> Option<String> {
    let steps = way.read_steps();
    { steps.iter().enumerate() }.find_map(|(place, step)| step_fault(way, &format!("spec.strategy.canary.steps[{place}]"), step))
}

fn step_fault(way: &Canary, path: &str, step: &Step) -> Option<String> {
    let max = way.max_weight();
    let routing = way.traffic_routing.as_ref().unwrap_or(&Value::Null);
    let routed_by = |kinds: &[&str]| kinds.iter().any(|kind| routing.get(*kind).is_some_and(|part| !part.is_null()));
    match step {
        Step::SetWeight(weight) if !(0..=max).contains(weight) => {
            Some(invalid(&format!("{path}.setWeight"), weight, format!("SetWeight needs to be between 0 and {max}")))
        }
        Step::Pause(Some(duration)) if duration.seconds() < 0 => {
            Some(invalid(&format!("{path}.pause.duration"), duration.seconds(), "Duration needs to be greater than 0"))
        }
        Step::SetCanaryScale { .. } if routing.is_null() => {
            Some("spec.strategy.canary.trafficRouting: Required value: SetCanaryScale requires TrafficRouting to be set".to_owned())
        }
        Step::SetHeaderRoute { name, .. } => {
            let why = "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix";
            let able = routed_by(&["istio", "alb", "apisix", "plugins"]);
            route_fault(routing, &format!("{path}.setHeaderRoute"), name, (!able).then_some(why))
        }
        Step::SetMirrorRoute { name, .. } => {
            let able = routed_by(&["istio", "plugins"]);
            let why = "SetMirrorRoute requires TrafficRouting, supports Istio and Plugins";
            route_fault(routing, &format!("{path}.setMirrorRoute"), name, (!able).then_some(why))
        }
        Step::Invalid => {
            let why = "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause";
            Some(invalid(path, "\"step\"", why))
        }
        _ => None,
    }
}

fn route_fault(routing: &Value, path: &str, name: &str, unable: Option<&str>) -> Option<String> {
    if let Some(why) = unable {
        return Some(invalid(path, format!("{{\"name\":{name:?}}}"), why));
    }
    let Some(managed) = routing["managedRoutes"].as_array() else {
        return Some("spec.strategy.canary.trafficRouting.managedRoutes: Required value".to_owned());
    };
    let why = "Steps define a route that does not exist in spec.strategy.canary.trafficRouting.managedRoutes";
    let known = managed.iter().any(|route| route["name"] == name);
    (!known).then(|| invalid(path, format!("{name:?}"), why))
}
