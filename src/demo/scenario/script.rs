//! The scripts of the scenarios: what had just happened when the screen opens, and what comes while one watches. Each one
//! has three places to look at; `calm` and `empty` have none, and `fleet` many.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::company::SERVICES;
use super::director::{Act, Director, Lane, tag};
use super::version_of;
use crate::demo::Scenario;
use crate::demo::metrics::{Effect, Scope, Turn};

/// The front door, with its namespace.
const GATEWAY: &str = "edge/gateway";

/// Writes the script of a scenario for one environment.
pub fn write(director: &mut Director, scenario: Scenario, environment: &str, now: Timestamp) {
    let mut script = Script { director, now };
    match (scenario, environment) {
        (Scenario::Calm | Scenario::Empty, _) => {}
        (Scenario::Fleet, "prod") => script.fleet(),
        (_, "prod") => {
            script.main(scenario);
            script.awaited(if scenario == Scenario::Inconclusive { "identity" } else { "checkout" });
        }
        // Flagger walks there, again and again.
        _ => script.lane("media", -50, 60),
    }
}

struct Script<'a> {
    director: &'a mut Director,
    now: Timestamp,
}

impl Script<'_> {
    fn main(&mut self, scenario: Scenario) {
        match scenario {
            Scenario::Latency => {
                self.metric(-45, "edge/gateway/latency-p95", 0.91);
                self.lane("gateway", -100, 90);
                self.cure("edge/gateway/latency-p95");
            }
            Scenario::Errors => {
                self.metric(-290, "payments/payments/success-rate", 0.914);
                self.lane("payments", -300, 90);
                self.cure("payments/payments/success-rate");
                // No analysis looks at the gateway's errors: it goes on until somebody sees them.
                self.lane("gateway", -20, 90);
                self.metric(-20, "edge/gateway/success-rate", 0.94);
                self.cure("edge/gateway/success-rate");
            }
            Scenario::Saturation => {
                self.lane("gateway", -60, 90);
                self.metric(-60, "edge/gateway/saturation", 0.94);
                self.cure("edge/gateway/saturation");
            }
            Scenario::Quiet => {
                // The whole of the gateway: a tenth of next to nothing tells nothing.
                let effect = Some(Effect { traffic: Some(0.0015), ..Effect::default() });
                self.tell(-24 * 3600, Turn::Service { service: GATEWAY.to_owned(), track: Scope::All, effect });
                self.lane("gateway", -80, 75);
            }
            Scenario::Nodata => {
                self.tell(-24 * 3600, Turn::Blind { service: GATEWAY.to_owned(), on: true });
                self.lane("gateway", -80, 75);
            }
            Scenario::Stuck => {
                let (service, version) = self.next_of("search");
                self.ship(-170, service, &format!("{}-bad", tag(version)));
                self.keep(service, version, -170);
            }
            Scenario::Inconclusive => {
                self.metric(-200, "payments/payments/success-rate", 0.972);
                let (service, version) = self.next_of("payments");
                self.ship(-260, service, &tag(version));
            }
            Scenario::Bluegreen => {
                let (service, version) = self.next_of("catalog");
                self.ship(-330, service, &tag(version));
            }
            Scenario::Gitops => {
                // Its latency is bad from the first traffic on, but the analysis puts up with much.
                self.metric(-390, "shop/web/latency-p95", 0.84);
                let (service, version) = self.next_of("web");
                self.ship(-400, service, &tag(version));
                self.set(-25 * 60, "web");
            }
            Scenario::FlaggerGate => {
                let (service, version) = self.next_of("media");
                self.ship(-220, service, &tag(version));
            }
            _ => {
                self.set(-25 * 60, "gateway");
                self.lane("gateway", -80, 75);
            }
        }
    }

    /// Somebody changes a setting of a service and says so to nobody.
    fn set(&mut self, seconds: i64, name: &str) {
        let (time, service) = (self.time(seconds), self.number(name));
        self.director.at(time, Act::Set(service, "HTTP_TIMEOUT", "800ms"));
    }

    /// A release that waits for a person since a while.
    fn awaited(&mut self, name: &str) {
        let (service, version) = self.next_of(name);
        self.ship(-14 * 60, service, &tag(version));
    }

    /// A few dozen of many move at any time, some wait, some are in trouble.
    fn fleet(&mut self) {
        let first = SERVICES.len();
        let all = self.director.plans().len();
        for service in (first..all).step_by(9) {
            let version = version_of(&self.director.plans()[service], service);
            let begin = self.director.random().i64(-240..120);
            self.lane_of(service, version, begin, 60);
        }
        for (service, suffix) in [(first + 4, "-bad"), (first + 31, "-crash"), (first + 88, "-bad")] {
            let (major, minor, _) = version_of(&self.director.plans()[service], service);
            self.ship(-400, service, &format!("{}{suffix}", tag((major, minor + 1, 0))));
        }
        self.awaited("checkout");
        self.lane("gateway", -80, 75);
    }

    fn time(&self, seconds: i64) -> Timestamp {
        self.now + SignedDuration::from_secs(seconds)
    }

    fn number(&self, name: &str) -> usize {
        self.director.plans().iter().position(|plan| plan.name == name).unwrap_or(0)
    }

    fn next_of(&self, name: &str) -> (usize, (u32, u32, u32)) {
        let service = self.number(name);
        let (major, minor, _) = version_of(&self.director.plans()[service], service);
        (service, (major, minor + 1, 0))
    }

    fn tell(&mut self, seconds: i64, turn: Turn) {
        let time = self.time(seconds);
        self.director.at(time, Act::Tell(turn));
    }

    fn metric(&mut self, seconds: i64, name: &str, value: f64) {
        let time = self.time(seconds);
        self.director.at(time, Act::Metric(name.to_owned(), json!(value)));
    }

    fn ship(&mut self, seconds: i64, service: usize, tag: &str) {
        let time = self.time(seconds);
        self.director.at(time, Act::Ship { service, tag: tag.to_owned(), fast: false });
    }

    fn lane(&mut self, name: &str, seconds: i64, rest: i64) {
        let service = self.number(name);
        let version = version_of(&self.director.plans()[service], service);
        self.lane_of(service, version, seconds, rest);
    }

    fn lane_of(&mut self, service: usize, version: (u32, u32, u32), seconds: i64, rest: i64) {
        let next = self.time(seconds);
        let rest = SignedDuration::from_secs(rest);
        self.director.lane(Lane { service, version, next: Some(next), rest, cures: Vec::new(), since: next, shipped: false });
    }

    /// Looks after a release that was shipped: once it has ended, another one follows.
    fn keep(&mut self, service: usize, version: (u32, u32, u32), seconds: i64) {
        let since = self.time(seconds);
        let rest = SignedDuration::from_secs(90);
        self.director.lane(Lane { service, version, next: None, rest, cures: Vec::new(), since, shipped: true });
    }

    /// The release after the one under way puts a metric right.
    fn cure(&mut self, metric: &str) {
        self.director.cure_last(metric);
    }
}
