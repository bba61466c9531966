//! The kinds that the world serves, as one table. It knows names and rules of kinds and never an object.

/// A kind of the world's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// `argoproj.io/v1alpha1` Rollout.
    Rollout,
    /// `argoproj.io/v1alpha1` AnalysisRun.
    AnalysisRun,
    /// `argoproj.io/v1alpha1` AnalysisTemplate.
    AnalysisTemplate,
    /// `argoproj.io/v1alpha1` ClusterAnalysisTemplate.
    ClusterAnalysisTemplate,
    /// `argoproj.io/v1alpha1` Experiment.
    Experiment,
    /// `argoproj.io/v1alpha1` Application.
    Application,
    /// `flagger.app/v1beta1` Canary.
    Canary,
    /// `flagger.app/v1beta1` MetricTemplate.
    MetricTemplate,
    /// `v1` Namespace.
    Namespace,
    /// `v1` Pod.
    Pod,
    /// `v1` Service.
    Service,
    /// `v1` ConfigMap.
    ConfigMap,
    /// `v1` Secret.
    Secret,
    /// `v1` Event.
    Event,
    /// `v1` Node.
    Node,
    /// `v1` ServiceAccount.
    ServiceAccount,
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` ReplicaSet.
    ReplicaSet,
    /// `apps/v1` DaemonSet.
    DaemonSet,
    /// `batch/v1` Job.
    Job,
    /// `networking.k8s.io/v1` Ingress.
    Ingress,
    /// `networking.istio.io/v1beta1` VirtualService.
    VirtualService,
    /// `networking.istio.io/v1beta1` DestinationRule.
    DestinationRule,
    /// `coordination.k8s.io/v1` Lease.
    Lease,
}

/// What the API says of a kind.
#[derive(Debug)]
pub struct About {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// API version within the group.
    pub version: &'static str,
    /// Name of the kind.
    pub kind: &'static str,
    /// Name in paths.
    pub plural: &'static str,
    /// Short names that kubectl understands.
    pub short: &'static [&'static str],
    /// Categories (`all`) that kubectl understands.
    pub categories: &'static [&'static str],
    /// Lives in a namespace.
    pub namespaced: bool,
    /// Has a status of its own path, which writes to the object leave alone.
    pub status: bool,
    /// Has a `/scale`.
    pub scale: bool,
    /// Built into Kubernetes: takes strategic merge patches, and its items in lists carry no type.
    pub built_in: bool,
    /// Counts changes of its spec in `metadata.generation`.
    pub generation: bool,
}

impl Resource {
    /// Every kind, in the order of the API's discovery.
    pub const ALL: [Self; 24] = [
        Self::Rollout,
        Self::AnalysisRun,
        Self::AnalysisTemplate,
        Self::ClusterAnalysisTemplate,
        Self::Experiment,
        Self::Application,
        Self::Canary,
        Self::MetricTemplate,
        Self::Namespace,
        Self::Pod,
        Self::Service,
        Self::ConfigMap,
        Self::Secret,
        Self::Event,
        Self::Node,
        Self::ServiceAccount,
        Self::Deployment,
        Self::ReplicaSet,
        Self::DaemonSet,
        Self::Job,
        Self::Ingress,
        Self::VirtualService,
        Self::DestinationRule,
        Self::Lease,
    ];

    /// The kind that a path names.
    pub fn at(group: &str, version: &str, plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| {
            let about = r.about();
            about.plural == plural && about.group == group && about.version == version
        })
    }

    /// The kind that an object's `apiVersion` and `kind` name.
    pub fn of_type(api_version: &str, kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.about().kind == kind && r.api_version() == api_version)
    }

    /// What the API says of it.
    pub fn about(self) -> &'static About {
        &TABLE[self as usize]
    }

    /// `group/version`, or the version alone for the core group.
    pub fn api_version(self) -> String {
        let about = self.about();
        if about.group.is_empty() { about.version.to_owned() } else { format!("{}/{}", about.group, about.version) }
    }

    /// `plural.group`, as messages name it.
    pub fn qualified(self) -> String {
        let about = self.about();
        if about.group.is_empty() { about.plural.to_owned() } else { format!("{}.{}", about.plural, about.group) }
    }

    /// `Kind.group`, as messages about invalid objects name it.
    pub fn kind_qualified(self) -> String {
        let about = self.about();
        if about.group.is_empty() { about.kind.to_owned() } else { format!("{}.{}", about.kind, about.group) }
    }
}

const ARGO: About = About {
    group: "argoproj.io",
    version: "v1alpha1",
    kind: "",
    plural: "",
    short: &[],
    categories: &[],
    namespaced: true,
    status: false,
    scale: false,
    built_in: false,
    generation: true,
};
const FLAGGER: About = About { group: "flagger.app", version: "v1beta1", categories: &["all"], status: true, ..ARGO };
const CORE: About = About { group: "", version: "v1", built_in: true, generation: false, ..ARGO };
const APPS: About = About { group: "apps", status: true, scale: true, generation: true, categories: &["all"], ..CORE };
const ISTIO: About = About { group: "networking.istio.io", version: "v1beta1", ..ARGO };

/// In the order of [`Resource`]'s variants.
static TABLE: [About; 24] = [
    About { kind: "Rollout", plural: "rollouts", short: &["ro"], status: true, scale: true, ..ARGO },
    About { kind: "AnalysisRun", plural: "analysisruns", short: &["ar"], ..ARGO },
    About { kind: "AnalysisTemplate", plural: "analysistemplates", short: &["at"], ..ARGO },
    About { kind: "ClusterAnalysisTemplate", plural: "clusteranalysistemplates", short: &["cat"], namespaced: false, ..ARGO },
    About { kind: "Experiment", plural: "experiments", short: &["exp"], ..ARGO },
    About { kind: "Application", plural: "applications", short: &["app", "apps"], ..ARGO },
    About { kind: "Canary", plural: "canaries", ..FLAGGER },
    About { kind: "MetricTemplate", plural: "metrictemplates", ..FLAGGER },
    About { kind: "Namespace", plural: "namespaces", short: &["ns"], namespaced: false, status: true, ..CORE },
    About { kind: "Pod", plural: "pods", short: &["po"], categories: &["all"], status: true, ..CORE },
    About { kind: "Service", plural: "services", short: &["svc"], categories: &["all"], status: true, ..CORE },
    About { kind: "ConfigMap", plural: "configmaps", short: &["cm"], ..CORE },
    About { kind: "Secret", plural: "secrets", ..CORE },
    About { kind: "Event", plural: "events", short: &["ev"], ..CORE },
    About { kind: "Node", plural: "nodes", short: &["no"], namespaced: false, status: true, ..CORE },
    About { kind: "ServiceAccount", plural: "serviceaccounts", short: &["sa"], ..CORE },
    About { kind: "Deployment", plural: "deployments", short: &["deploy"], ..APPS },
    About { kind: "ReplicaSet", plural: "replicasets", short: &["rs"], ..APPS },
    About { kind: "DaemonSet", plural: "daemonsets", short: &["ds"], scale: false, ..APPS },
    About { kind: "Job", plural: "jobs", group: "batch", scale: false, ..APPS },
    About {
        kind: "Ingress",
        plural: "ingresses",
        short: &["ing"],
        group: "networking.k8s.io",
        status: true,
        generation: true,
        ..CORE
    },
    About { kind: "VirtualService", plural: "virtualservices", short: &["vs"], ..ISTIO },
    About { kind: "DestinationRule", plural: "destinationrules", short: &["dr"], ..ISTIO },
    About { kind: "Lease", plural: "leases", group: "coordination.k8s.io", ..CORE },
];

impl About {
    /// Name of one of them, in lower case.
    pub fn singular(&self) -> String {
        self.kind.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_path_and_its_type() {
        for (place, resource) in Resource::ALL.into_iter().enumerate() {
            let about = resource.about();
            assert_eq!(resource as usize, place);
            assert_eq!(format!("{resource:?}"), about.kind);
            assert_eq!(Resource::at(about.group, about.version, about.plural), Some(resource));
            assert_eq!(Resource::of_type(&resource.api_version(), about.kind), Some(resource));
        }
    }
}
