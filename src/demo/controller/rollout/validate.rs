//! What is wrong with a Rollout's spec, in the words of the API: `path: Invalid value: … : why`. The first fault counts.

use serde_json::Value;

use super::super::desk::Desk;
use super::spec::{Analysis, Spec, Step};
use crate::demo::Resource;

/// The first fault of a spec, if it has one.
pub fn fault(desk: &Desk<'_>, namespace: &str, spec: &Spec) -> Option<String> {
    shape(spec).or_else(|| references(desk, namespace, spec))
}

fn shape(spec: &Spec) -> Option<String> {
    let invalid = |path: &str, value: &str, why: &str| Some(format!("{path}: Invalid value: {value}: {why}"));
    let selector = spec.selector.as_ref()?;
    let labels = spec.template.as_ref().map(|template| template["metadata"]["labels"].clone()).unwrap_or_default();
    let fits = selector["matchLabels"].as_object().into_iter().flatten().all(|(key, value)| labels[key] == *value);
    if !fits {
        let value = serde_json::to_string(&labels).unwrap_or_default();
        return invalid("spec.template.metadata.labels", &value, "`selector` does not match template `labels`");
    }
    if spec.progress_deadline_seconds.unwrap_or(600) <= spec.min_ready_seconds {
        return invalid(
            "spec.progressDeadlineSeconds",
            &spec.progress_deadline_seconds.unwrap_or(600).to_string(),
            "must be greater than minReadySeconds",
        );
    }
    match (&spec.strategy.canary, &spec.strategy.blue_green) {
        (Some(_), Some(_)) => {
            return Some("spec.strategy.strategy: Invalid value: \"strategy\": Multiple Strategies can not be listed".to_owned());
        }
        (None, None) => return Some(
            "spec.strategy.strategy: Required value: Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'"
                .to_owned(),
        ),
        (None, Some(way)) if way.active_service.is_empty() => {
            return Some("spec.strategy.blueGreen.activeService: Required value".to_owned());
        }
        (None, Some(way)) if way.preview_service.as_deref() == Some(&way.active_service) => {
            return invalid(
                "spec.strategy.blueGreen.activeService",
                &format!("{:?}", way.active_service),
                "This rollout uses the same service for the active and preview services, but two different services are required.",
            );
        }
        _ => {}
    }
    steps(spec)
}

fn steps(spec: &Spec) -> Option<String> {
    let way = spec.strategy.canary.as_ref()?;
    let max = way.max_weight();
    if way.ping_pong.is_none() && way.canary_service.is_some() && way.canary_service == way.stable_service {
        return Some(format!(
            "spec.strategy.canary.stableService: Invalid value: {:?}: This rollout uses the same service for the stable and canary services, but two different services are required.",
            way.stable_service.as_deref().unwrap_or_default()
        ));
    }
    for (place, step) in way.read_steps().iter().enumerate() {
        let path = format!("spec.strategy.canary.steps[{place}]");
        let fault = match step {
            Step::SetWeight(weight) if *weight < 0 || *weight > max => {
                format!("{path}.setWeight: Invalid value: {weight}: SetWeight needs to be between 0 and {max}")
            }
            Step::Pause(Some(duration)) if duration.seconds() < 0 => {
                format!("{path}.pause.duration: Invalid value: {}: Duration needs to be greater than 0", duration.seconds())
            }
            Step::SetCanaryScale { .. } if way.traffic_routing.is_none() => {
                format!("{path}.setCanaryScale: Invalid value: {{}}: SetCanaryScale requires TrafficRouting to be set")
            }
            Step::SetHeaderRoute { .. } | Step::SetMirrorRoute { .. } if way.traffic_routing.is_none() => {
                format!("{path}: Invalid value: {{}}: SetHeaderRoute and SetMirrorRoute require TrafficRouting to be set")
            }
            Step::SetHeaderRoute { name, .. } | Step::SetMirrorRoute { name, .. }
                if !is_managed(way.traffic_routing.as_ref(), name) =>
            {
                format!("{path}: Invalid value: {name:?}: route must be listed in trafficRouting.managedRoutes")
            }
            Step::Invalid => format!(
                "{path}: Invalid value: \"step\": Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause"
            ),
            _ => continue,
        };
        return Some(fault);
    }
    None
}

fn is_managed(routing: Option<&Value>, name: &str) -> bool {
    routing.is_some_and(|routing| routing["managedRoutes"].as_array().into_iter().flatten().any(|route| route["name"] == name))
}

fn references(desk: &Desk<'_>, namespace: &str, spec: &Spec) -> Option<String> {
    let missing = |resource: Resource, kind: &str, path: &str, name: &str| {
        let gone = !name.is_empty() && desk.get(resource, namespace, name).is_none();
        gone.then(|| format!("{path}: Invalid value: {name:?}: {kind} {name:?} not found"))
    };
    let service = |path: &str, name: Option<&str>| missing(Resource::Service, "service", path, name?);
    if let Some(way) = &spec.strategy.canary {
        let pair = way.ping_pong.as_ref();
        let routing = way.traffic_routing.as_ref();
        return service("spec.strategy.canary.stableService", way.stable_service.as_deref())
            .or_else(|| service("spec.strategy.canary.canaryService", way.canary_service.as_deref()))
            .or_else(|| service("spec.strategy.canary.pingPong.pingService", pair.map(|pair| pair.ping_service.as_str())))
            .or_else(|| service("spec.strategy.canary.pingPong.pongService", pair.map(|pair| pair.pong_service.as_str())))
            .or_else(|| {
                let name = routing?["nginx"]["stableIngress"].as_str()?;
                missing(Resource::Ingress, "ingress", "spec.strategy.canary.trafficRouting.nginx.stableIngress", name)
            })
            .or_else(|| {
                let name = routing?["istio"]["virtualService"]["name"].as_str()?;
                let path = "spec.strategy.canary.trafficRouting.istio.virtualService.name";
                missing(Resource::VirtualService, "Istio VirtualService", path, name)
            })
            .or_else(|| templates(desk, namespace, "spec.strategy.canary.analysis", way.analysis.as_ref()))
            .or_else(|| {
                way.read_steps().iter().enumerate().find_map(|(place, step)| match step {
                    Step::Analysis(analysis) => {
                        templates(desk, namespace, &format!("spec.strategy.canary.steps[{place}].analysis"), Some(analysis))
                    }
                    _ => None,
                })
            });
    }
    let way = spec.strategy.blue_green.as_ref()?;
    service("spec.strategy.blueGreen.activeService", Some(&way.active_service))
        .or_else(|| service("spec.strategy.blueGreen.previewService", way.preview_service.as_deref()))
        .or_else(|| templates(desk, namespace, "spec.strategy.blueGreen.prePromotionAnalysis", way.pre_promotion_analysis.as_ref()))
        .or_else(|| {
            templates(desk, namespace, "spec.strategy.blueGreen.postPromotionAnalysis", way.post_promotion_analysis.as_ref())
        })
}

fn templates(desk: &Desk<'_>, namespace: &str, path: &str, analysis: Option<&Analysis>) -> Option<String> {
    analysis?.templates.iter().enumerate().find_map(|(place, template)| {
        let name = &template.template_name;
        let (found, kind) = if template.cluster_scope {
            (desk.get(Resource::ClusterAnalysisTemplate, "", name), "ClusterAnalysisTemplate")
        } else {
            (desk.get(Resource::AnalysisTemplate, namespace, name), "AnalysisTemplate")
        };
        let missing = || format!("{path}.templates[{place}].templateName: Invalid value: {name:?}: {kind} '{name}' not found");
        found.is_none().then(missing)
    })
}
