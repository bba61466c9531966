//! The services of a plausible company: what they are called, where they live, how they are released and by whom. It is a
//! table, and it makes no objects.

/// How a service is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A canary whose share of the traffic an Ingress sets.
    Routed(&'static [Move]),
    /// A canary whose share of the traffic is its share of the pods.
    Basic(&'static [Move]),
    /// The whole new revision beside the old one, then a switch.
    BlueGreen,
    /// A canary by Flagger, whose share of the traffic a VirtualService sets.
    Flagger,
    /// Blue-green by Flagger.
    FlaggerBlueGreen,
}

/// One step of a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Percent of the traffic.
    Weight(u8),
    /// A pause (`5m`).
    Rest(&'static str),
    /// A pause until a person goes on.
    Person,
    /// A look at the metrics before going on.
    Check,
}

/// What keeps a service's objects as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// Argo CD.
    ArgoCd,
    /// Flux.
    Flux,
    /// Helm, by hand or from a pipeline.
    Helm,
    /// `kubectl apply`.
    Nobody,
}

impl Keeper {
    /// The name under which it writes objects.
    pub fn manager(self) -> &'static str {
        match self {
            Self::ArgoCd => crate::demo::argocd::MANAGER,
            Self::Flux => "kustomize-controller",
            Self::Helm => "helm",
            Self::Nobody => "kubectl-client-side-apply",
        }
    }
}

/// One service.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    pub name: &'static str,
    pub namespace: &'static str,
    pub team: &'static str,
    pub way: Way,
    pub keeper: Keeper,
    /// Pods in production; elsewhere it has half of them.
    pub replicas: i64,
    /// Major and minor version that runs.
    pub version: (u32, u32),
    /// The pod template is that of a Deployment of the same name.
    pub by_deployment: bool,
    /// Seconds that an update may take without progress.
    pub deadline: i64,
    /// Its pods carry a label for their role and keep off each other's machines.
    pub by_role: bool,
}

use Move::{Check, Person, Rest, Weight};

/// A minute at each weight: the front door is watched by everyone anyway.
const BRISK: &[Move] = &[Weight(10), Rest("45s"), Weight(25), Rest("1m"), Weight(50), Rest("1m"), Weight(100), Rest("30s")];
const STEADY: &[Move] = &[Weight(10), Rest("5m"), Weight(25), Rest("10m"), Weight(50), Rest("10m")];
/// Money moves: a person looks before most of it does.
const CAREFUL: &[Move] = &[Weight(5), Rest("2m"), Weight(25), Person, Weight(50), Rest("10m"), Weight(75), Rest("10m")];
const JUDGED: &[Move] = &[Weight(10), Rest("1m"), Check, Weight(25), Rest("5m"), Weight(50), Rest("10m")];
const PLAIN: &[Move] = &[Weight(25), Rest("1m"), Weight(50), Rest("2m"), Weight(75), Rest("1m")];

/// A service with the usual values.
const PLAIN_SERVICE: Service = Service {
    name: "",
    namespace: "shop",
    team: "storefront",
    way: Way::Basic(PLAIN),
    keeper: Keeper::ArgoCd,
    replicas: 4,
    version: (1, 4),
    by_deployment: false,
    deadline: 600,
    by_role: false,
};

/// Everything the company runs.
pub const SERVICES: [Service; 14] = [
    Service {
        name: "gateway",
        namespace: "edge",
        team: "edge",
        way: Way::Routed(BRISK),
        keeper: Keeper::Helm,
        replicas: 6,
        version: (2, 7),
        ..PLAIN_SERVICE
    },
    Service { name: "web", way: Way::Routed(STEADY), replicas: 8, version: (5, 31), ..PLAIN_SERVICE },
    Service { name: "checkout", way: Way::Routed(CAREFUL), replicas: 6, version: (3, 12), by_role: true, ..PLAIN_SERVICE },
    Service {
        name: "search",
        team: "discovery",
        way: Way::Basic(PLAIN),
        replicas: 5,
        version: (4, 8),
        deadline: 240,
        ..PLAIN_SERVICE
    },
    Service { name: "catalog", team: "discovery", way: Way::BlueGreen, replicas: 4, version: (2, 19), ..PLAIN_SERVICE },
    Service { name: "inventory", team: "supply", replicas: 3, version: (1, 22), ..PLAIN_SERVICE },
    Service { name: "recommender", team: "discovery", way: Way::Routed(STEADY), replicas: 4, version: (0, 46), ..PLAIN_SERVICE },
    Service {
        name: "payments",
        namespace: "payments",
        team: "money",
        way: Way::Routed(JUDGED),
        keeper: Keeper::Flux,
        replicas: 6,
        version: (7, 3),
        ..PLAIN_SERVICE
    },
    Service {
        name: "fraud",
        namespace: "payments",
        team: "money",
        way: Way::BlueGreen,
        keeper: Keeper::Flux,
        replicas: 2,
        version: (1, 9),
        ..PLAIN_SERVICE
    },
    Service {
        name: "identity",
        namespace: "platform",
        team: "platform",
        way: Way::Routed(CAREFUL),
        keeper: Keeper::Flux,
        version: (3, 2),
        ..PLAIN_SERVICE
    },
    Service {
        name: "notifications",
        namespace: "platform",
        team: "platform",
        keeper: Keeper::Helm,
        replicas: 3,
        version: (2, 1),
        by_deployment: true,
        ..PLAIN_SERVICE
    },
    Service {
        name: "feature-flags",
        namespace: "platform",
        team: "platform",
        keeper: Keeper::Nobody,
        replicas: 2,
        version: (1, 0),
        ..PLAIN_SERVICE
    },
    Service {
        name: "media",
        namespace: "content",
        team: "content",
        way: Way::Flagger,
        keeper: Keeper::Helm,
        replicas: 3,
        version: (6, 14),
        ..PLAIN_SERVICE
    },
    Service {
        name: "analytics",
        namespace: "content",
        team: "content",
        way: Way::FlaggerBlueGreen,
        keeper: Keeper::Flux,
        replicas: 2,
        version: (2, 40),
        ..PLAIN_SERVICE
    },
];

const REALMS: [&str; 25] = [
    "accounts",
    "ads",
    "baskets",
    "billing",
    "brands",
    "campaigns",
    "coupons",
    "couriers",
    "customs",
    "delivery",
    "deals",
    "forecast",
    "gifts",
    "invoices",
    "loyalty",
    "maps",
    "offers",
    "orders",
    "pricing",
    "refunds",
    "returns",
    "reviews",
    "stores",
    "suppliers",
    "wishlist",
];
const ROLES: [&str; 12] =
    ["api", "web", "worker", "sync", "events", "search", "export", "import", "reports", "cache", "rules", "hooks"];

/// Name and namespace of one of many more services.
pub fn fleet_name(number: usize) -> (String, String) {
    let realm = REALMS[number % REALMS.len()];
    let role = ROLES[number / REALMS.len() % ROLES.len()];
    (format!("{realm}-{role}"), format!("team-{realm}"))
}

/// How one of many more services is released.
pub fn fleet_way(number: usize) -> Way {
    match number % 5 {
        0 => Way::Routed(BRISK),
        1 => Way::Routed(STEADY),
        2 => Way::BlueGreen,
        _ => Way::Basic(PLAIN),
    }
}
