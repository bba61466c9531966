//! How a pod is doing, in the words of kubectl.

use super::object::{ContainerState, ContainerStatus, Pod, StateDetail};

/// A pod in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodState {
    /// Status as kubectl prints it: `Running`, `ImagePullBackOff`, `Init:1/2`, `Terminating`, ….
    pub status: Box<str>,
    /// Containers that are ready.
    pub ready: usize,
    /// Containers.
    pub containers: usize,
    /// How often containers were started again.
    pub restarts: i64,
}

/// How a pod is doing.
pub fn state(pod: &Pod) -> PodState {
    let status = &pod.status;
    let mut text = if status.reason.is_empty() { status.phase.to_string() } else { status.reason.to_string() };
    let (mut ready, mut restarts) = (0, 0);
    if let Some((initializing, so_far)) = initializing(pod) {
        (text, restarts) = (initializing, so_far);
    } else {
        let mut running = false;
        for container in status.container_statuses.iter().rev() {
            restarts = container.restart_count.saturating_add(restarts);
            if let Some(reason) = trouble(&container.state) {
                text = reason;
            } else if container.ready && container.state.running.is_some() {
                running = true;
                ready += 1;
            }
        }
        if text == "Completed" && running {
            "Running".clone_into(&mut text);
        }
    }
    if pod.metadata.deletion_timestamp.is_some() {
        (if &*status.reason == "NodeLost" { "Unknown" } else { "Terminating" }).clone_into(&mut text);
    }
    PodState { status: text.into(), ready, containers: pod.spec.containers.len(), restarts }
}

/// Why a container does not run: the reason it waits, or how it ended.
fn trouble(state: &ContainerState) -> Option<String> {
    match (&state.waiting, &state.terminated) {
        (Some(waiting), _) if !waiting.reason.is_empty() => Some(waiting.reason.to_string()),
        (_, Some(ended)) => Some(ending(ended)),
        _ => None,
    }
}

fn ending(ended: &StateDetail) -> String {
    match ended.signal {
        _ if !ended.reason.is_empty() => ended.reason.to_string(),
        Some(signal) if signal != 0 => format!("Signal:{signal}"),
        _ => format!("ExitCode:{}", ended.exit_code.unwrap_or_default()),
    }
}

/// While init containers run: what the first unfinished one does, and their restarts up to it.
fn initializing(pod: &Pod) -> Option<(String, i64)> {
    let all = &pod.spec.init_containers;
    let mut restarts = 0;
    for (index, container) in pod.status.init_container_statuses.iter().enumerate() {
        restarts = container.restart_count.saturating_add(restarts);
        let sidecar = all.iter().any(|init| init.name == container.name && &*init.restart_policy == "Always");
        return Some(match (&container.state.terminated, &container.state.waiting) {
            (Some(ended), _) if ended.exit_code.unwrap_or_default() == 0 => continue,
            (Some(ended), _) => (format!("Init:{}", ending(ended)), restarts),
            _ if sidecar && container.started && container.ready => continue,
            _ if sidecar && container.started => return None,
            (None, Some(waiting)) if !matches!(&*waiting.reason, "" | "PodInitializing") => {
                (format!("Init:{}", waiting.reason), restarts)
            }
            _ => (format!("Init:{index}/{}", all.len()), restarts),
        });
    }
    None
}

/// The container that keeps a pod from being ready: the first init container that has not ended well, else the first container that is not ready.
pub fn blocking(pod: &Pod) -> Option<(&ContainerStatus, bool)> {
    let unfinished = |container: &&ContainerStatus| {
        let ended = container.state.terminated.as_ref();
        ended.is_none_or(|ended| ended.exit_code != Some(0)) && !(container.started && container.ready)
    };
    let init = pod.status.init_container_statuses.iter().find(unfinished).map(|container| (container, true));
    init.or_else(|| pod.status.container_statuses.iter().find(|container| !container.ready).map(|container| (container, false)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::object::decode_value;
    use serde_json::{Value, json};

    fn shown(status: &Value) -> (String, usize, usize, i64) {
        let spec = json!({"containers": [{"name": "web"}, {"name": "proxy"}], "initContainers": [{"name": "a"}, {"name": "mesh", "restartPolicy": "Always"}]});
        let state = state(&decode_value(&json!({"metadata": {"name": "web-1"}, "spec": spec, "status": status})));
        (state.status.to_string(), state.ready, state.containers, state.restarts)
    }

    #[test]
    fn pods_read_as_kubectl_says() {
        let running = json!({"name": "proxy", "ready": true, "restartCount": 1, "state": {"running": {}}});
        let waiting = |reason| json!({"name": "web", "state": {"waiting": {"reason": reason}}});
        let ended = |detail| json!({"name": "web", "restartCount": 2, "state": {"terminated": detail}});
        let of = |web: Value| shown(&json!({"phase": "Running", "containerStatuses": [web, running]}));
        assert_eq!(of(waiting("ImagePullBackOff")), ("ImagePullBackOff".into(), 1, 2, 1));
        assert_eq!(of(ended(json!({"exitCode": 0, "reason": "Completed"}))), ("Running".into(), 1, 2, 3));
        assert_eq!(of(ended(json!({"exitCode": 3}))), ("ExitCode:3".into(), 1, 2, 3));
        assert_eq!(of(ended(json!({"exitCode": 137, "signal": 9}))), ("Signal:9".into(), 1, 2, 3));
        assert_eq!(shown(&json!({"phase": "Pending"})), ("Pending".into(), 0, 2, 0));
        assert_eq!(shown(&json!({"phase": "Failed", "reason": "Evicted"})), ("Evicted".into(), 0, 2, 0));
    }

    #[test]
    fn init_containers_come_first() {
        let of = |first: Value| {
            let init = json!([first, {"name": "mesh", "started": true, "ready": true, "state": {"running": {}}}]);
            shown(
                &json!({"phase": "Pending", "initContainerStatuses": init, "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "PodInitializing"}}}]}),
            )
        };
        assert_eq!(of(json!({"name": "a", "state": {"running": {}}})).0, "Init:0/2");
        assert_eq!(
            of(json!({"name": "a", "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}})),
            ("Init:CrashLoopBackOff".into(), 0, 2, 4)
        );
        assert_eq!(of(json!({"name": "a", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}})).0, "Init:Error");
        assert_eq!(of(json!({"name": "a", "state": {"terminated": {"exitCode": 0}}})).0, "PodInitializing");
    }

    #[test]
    fn a_pod_that_goes_says_so() {
        let pod = |reason| {
            decode_value(
                &json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Running", "reason": reason}}),
            )
        };
        assert_eq!(&*state(&pod("")).status, "Terminating");
        assert_eq!(&*state(&pod("NodeLost")).status, "Unknown");
    }
}
