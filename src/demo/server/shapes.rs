//! The fields of the kinds whose definitions matter here, as their owners publish them: Rollouts with all that is known of
//! their status, Canaries and AnalysisRuns where clients write. Pod templates are only looked at from afar.

use super::schema::Shape::{self, Any, Integer, IntegerOrText, List, Map, Number, Text, Time, Truth, Word};
use crate::demo::resource::Resource;

/// The fields of a kind; none where everything is taken.
pub fn of(resource: Resource) -> Option<&'static Shape> {
    match resource {
        Resource::Rollout => Some(&ROLLOUT),
        Resource::Canary => Some(&CANARY),
        Resource::AnalysisRun => Some(&ANALYSIS_RUN),
        _ => None,
    }
}

const FREE: Shape = Shape::open(&[], &[]);
const LABELS: Shape = Shape::of(&[("annotations", Map(&Text)), ("labels", Map(&Text))]);

static ROLLOUT: Shape = Shape::needing(
    &["spec"],
    &[
        ("apiVersion", Text),
        ("kind", Text),
        ("metadata", FREE),
        (
            "spec",
            Shape::of(&[
                ("analysis", Shape::of(&[("successfulRunHistoryLimit", Integer), ("unsuccessfulRunHistoryLimit", Integer)])),
                ("minReadySeconds", Integer),
                ("paused", Truth),
                ("progressDeadlineAbort", Truth),
                ("progressDeadlineSeconds", Integer),
                ("replicas", Integer),
                ("restartAt", Time),
                ("revisionHistoryLimit", Integer),
                ("rollbackWindow", Shape::of(&[("revisions", Integer)])),
                ("selector", Shape::of(&[("matchExpressions", List(&FREE)), ("matchLabels", Map(&Text))])),
                ("strategy", Shape::of(&[("blueGreen", BLUE_GREEN), ("canary", STEPPED)])),
                (
                    "template",
                    Shape::of(&[("metadata", FREE), ("spec", Shape::open(&["containers"], &[("containers", List(&CONTAINER))]))]),
                ),
                ("workloadRef", Shape::of(&[("apiVersion", Text), ("kind", Text), ("name", Text), ("scaleDown", Text)])),
            ]),
        ),
        ("status", STATUS),
    ],
);

const CONTAINER: Shape = Shape::open(&["name"], &[("name", Text), ("image", Text)]);

const STEPPED: Shape = Shape::of(&[
    ("abortScaleDownDelaySeconds", Integer),
    ("analysis", FREE),
    ("antiAffinity", FREE),
    ("canaryMetadata", LABELS),
    ("canaryService", Text),
    ("dynamicStableScale", Truth),
    ("maxSurge", IntegerOrText),
    ("maxUnavailable", IntegerOrText),
    ("minPodsPerReplicaSet", Integer),
    ("pingPong", Shape::needing(&["pingService", "pongService"], &[("pingService", Text), ("pongService", Text)])),
    ("replicaProgressThreshold", Shape::needing(&["type", "value"], &[("type", Text), ("value", Integer)])),
    ("scaleDownDelayRevisionLimit", Integer),
    ("scaleDownDelaySeconds", Integer),
    ("stableMetadata", LABELS),
    ("stableService", Text),
    ("steps", List(&STEP)),
    ("trafficRouting", FREE),
]);

const STEP: Shape = Shape::of(&[
    ("analysis", FREE),
    ("experiment", Shape::open(&["templates"], &[])),
    ("pause", Shape::of(&[("duration", IntegerOrText)])),
    ("plugin", Shape::open(&["name"], &[])),
    ("setCanaryScale", Shape::of(&[("matchTrafficWeight", Truth), ("replicas", Integer), ("weight", Integer)])),
    ("setHeaderRoute", FREE),
    ("setMirrorRoute", Shape::open(&["name"], &[])),
    ("setWeight", Integer),
]);

const BLUE_GREEN: Shape = Shape::needing(
    &["activeService"],
    &[
        ("abortScaleDownDelaySeconds", Integer),
        ("activeMetadata", LABELS),
        ("activeService", Text),
        ("antiAffinity", FREE),
        ("autoPromotionEnabled", Truth),
        ("autoPromotionSeconds", Integer),
        ("maxUnavailable", IntegerOrText),
        ("postPromotionAnalysis", FREE),
        ("prePromotionAnalysis", FREE),
        ("previewMetadata", LABELS),
        ("previewReplicaCount", Integer),
        ("previewService", Text),
        ("scaleDownDelayRevisionLimit", Integer),
        ("scaleDownDelaySeconds", Integer),
    ],
);

const RUN: Shape = Shape::needing(&["name", "status"], &[("message", Text), ("name", Text), ("status", Text)]);
const DESTINATION: Shape = Shape::needing(&["weight"], &[("podTemplateHash", Text), ("serviceName", Text), ("weight", Integer)]);
const CONDITION: Shape = Shape::needing(
    &["lastTransitionTime", "lastUpdateTime", "message", "reason", "status", "type"],
    &[
        ("lastTransitionTime", Time),
        ("lastUpdateTime", Time),
        ("message", Text),
        ("reason", Text),
        ("status", Text),
        ("type", Text),
    ],
);

const STATUS: Shape = Shape::of(&[
    ("HPAReplicas", Integer),
    ("abort", Truth),
    ("abortedAt", Time),
    ("alb", FREE),
    ("albs", List(&FREE)),
    ("availableReplicas", Integer),
    (
        "blueGreen",
        Shape::of(&[
            ("activeSelector", Text),
            ("postPromotionAnalysisRunStatus", RUN),
            ("prePromotionAnalysisRunStatus", RUN),
            ("previewSelector", Text),
            ("scaleUpPreviewCheckPoint", Truth),
        ]),
    ),
    (
        "canary",
        Shape::of(&[
            ("currentBackgroundAnalysisRunStatus", RUN),
            ("currentExperiment", Text),
            ("currentStepAnalysisRunStatus", RUN),
            ("stablePingPong", Text),
            ("stepPluginStatuses", List(&PLUGIN)),
            ("weights", WEIGHTS),
        ]),
    ),
    ("collisionCount", Integer),
    ("conditions", List(&CONDITION)),
    ("controllerPause", Truth),
    ("currentPodHash", Text),
    ("currentStepHash", Text),
    ("currentStepIndex", Integer),
    (
        "duration",
        Shape::of(&[
            ("completionStatus", Text),
            ("finishedAt", Time),
            ("manualPauseStartedAt", Time),
            ("rolloutStartedAt", Time),
            ("totalManualPauseDurationSeconds", Integer),
        ]),
    ),
    ("message", Text),
    ("observedGeneration", Text),
    ("pauseConditions", List(&PAUSE)),
    ("phase", Text),
    ("promoteFull", Truth),
    ("readyReplicas", Integer),
    ("replicas", Integer),
    ("restartedAt", Time),
    ("selector", Text),
    ("stableRS", Text),
    ("updatedReplicas", Integer),
    ("workloadObservedGeneration", Text),
]);

const PAUSE: Shape = Shape::needing(&["reason", "startTime"], &[("reason", Text), ("startTime", Time)]);
const WEIGHTS: Shape = Shape::needing(
    &["canary", "stable"],
    &[("additional", List(&DESTINATION)), ("canary", DESTINATION), ("stable", DESTINATION), ("verified", Truth)],
);
const PLUGIN: Shape = Shape::needing(
    &["index", "name", "operation"],
    &[
        ("backoff", Text),
        ("disabled", Truth),
        ("executions", Integer),
        ("finishedAt", Time),
        ("index", Integer),
        ("message", Text),
        ("name", Text),
        ("operation", Text),
        ("phase", Text),
        ("startedAt", Time),
        ("status", FREE),
        ("updatedAt", Time),
    ],
);

const PHASES: Shape = Word(&[
    "",
    "Initializing",
    "Initialized",
    "Waiting",
    "Progressing",
    "WaitingPromotion",
    "Promoting",
    "Finalising",
    "Succeeded",
    "Failed",
    "Terminating",
    "Terminated",
]);

static CANARY: Shape = Shape::open(
    &["spec"],
    &[
        (
            "spec",
            Shape::needing(
                &["targetRef", "analysis"],
                &[
                    ("analysis", FREE),
                    ("autoscalerRef", FREE),
                    ("ingressRef", FREE),
                    ("metricsServer", Text),
                    ("progressDeadlineSeconds", Number),
                    ("provider", Text),
                    ("revertOnDeletion", Truth),
                    ("routeRef", FREE),
                    ("service", FREE),
                    ("skipAnalysis", Truth),
                    ("suspend", Truth),
                    ("targetRef", FREE),
                    ("upstreamRef", FREE),
                ],
            ),
        ),
        ("status", CANARY_STATUS),
    ],
);

const CANARY_STATUS: Shape = Shape::of(&[
    ("canaryWeight", Number),
    ("conditions", List(&FREE)),
    ("failedChecks", Number),
    ("iterations", Number),
    ("lastAppliedSpec", Text),
    ("lastPromotedSpec", Text),
    ("lastTransitionTime", Time),
    ("phase", PHASES),
    ("previousSessionAffinityCookie", Text),
    ("primarySessionAffinityCookie", Text),
    ("sessionAffinityCookie", Text),
    ("trackedConfigs", Map(&Text)),
]);

static ANALYSIS_RUN: Shape = Shape::open(
    &["spec"],
    &[(
        "spec",
        Shape::needing(
            &["metrics"],
            &[
                ("args", List(&FREE)),
                ("dryRun", List(&FREE)),
                ("measurementRetention", List(&FREE)),
                ("metrics", List(&FREE)),
                ("terminate", Truth),
                ("ttlStrategy", Any),
            ],
        ),
    )],
);
