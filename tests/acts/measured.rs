//! Steps forward of scripts with a metrics server beside the cluster: what its numbers let through, what they do not, and what nobody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use super::stage::{Ran, Stage, User, canary};
use crate::support::metrics_server::{Script, start};

/// Errors in parts of a million, which a test changes as it likes; over a million the server is away.
#[derive(Clone)]
struct Errors(Arc<AtomicU64>);

const GOOD: u64 = 2_000;
const BAD: u64 = 18_000;
const AWAY: u64 = 2_000_000;

impl Script for Errors {
    fn value(&self, query: &str, _: f64) -> Option<f64> {
        let rate = 200.0;
        let part = f64::from(u32::try_from(self.0.load(Ordering::Relaxed)).unwrap()) / 1e6;
        Some(if query.starts_with("bad") { rate * part } else { rate })
    }

    fn is_away(&self, _: u32, _: f64) -> bool {
        self.0.load(Ordering::Relaxed) >= AWAY
    }
}

/// A canary at a pause, and a user with a metrics server.
struct Measured {
    stage: Stage,
    user: User,
    errors: Errors,
}

fn measured(more: &str) -> Measured {
    let stage = Stage::empty(1.0);
    stage.admin.namespace("shop");
    stage.released("shop", &canary("web", &json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 40 }, { "pause": {} }])));
    stage.until_phase("shop", "web", "Paused: CanaryPauseStep");
    let errors = Errors(Arc::new(AtomicU64::new(BAD)));
    let url = start(errors.clone());
    let text = std::fs::read_to_string(&stage.config).unwrap();
    assert!(!text.contains("prometheus"), "{text}");
    let config = stage.config.with_file_name("measured.toml");
    let gates = format!(
        "[prometheus]\nurl = \"{url}\"\npreset = \"\"\ninterval = \"1s\"\ntimeout = \"2s\"\nstale_after = \"5s\"\n\
         [[signal]]\nname = \"errors\"\nkind = \"errors\"\nbad = 'bad{{job=\"{{{{service}}}}\"}}'\ntotal = 'total{{job=\"{{{{service}}}}\"}}'\n\
         threshold = 0.01\nunit = \"ratio\"\nwindow = \"2s\"\n"
    );
    std::fs::write(&config, format!("{text}\n{gates}{more}")).unwrap();
    // Until the window of the query lies within the step.
    std::thread::sleep(Duration::from_secs(5));
    stage.forget_requests();
    Measured { user: User::new(&config), stage, errors }
}

impl Measured {
    fn set(&self, errors: u64) {
        self.errors.0.store(errors, Ordering::Relaxed);
        // What was measured before is in the same history: the newest counts.
        std::thread::sleep(Duration::from_millis(1500));
    }

    fn promote(&self, more: &[&str]) -> Ran {
        self.user.act("promote", "shop/web", more)
    }

    fn patches(&self) -> u64 {
        self.stage.count("patch", "")
    }
}

#[test]
fn a_red_gate_refuses_a_promotion_and_a_flag_of_its_own_overrides_it_once() {
    let it = measured("");
    it.promote(&[]).is(1, "The gates block it: errors 1.8% > 1%");
    it.promote(&["--full"]).is(1, "Step by step, promote --override-gates goes on all the same");
    it.promote(&["--full", "--override-gates"]).is(2, "cannot be used with");
    let dry = it.promote(&["--dry-run"]);
    dry.is(1, "gates: ✖ errors 1.8% > 1%");
    assert!(dry.out.contains("promote 20→40 %"), "{dry:?}");
    let refused = it.promote(&["--json"]);
    let document = refused.json();
    assert_eq!((refused.code, &document["outcome"], &document["changed"]), (1, &json!("refused"), &json!(false)));
    assert_eq!((&document["gates"][0]["verdict"], &document["gates"][0]["limit"]), (&json!("breach"), &json!(0.01)));
    assert_eq!((it.patches(), it.user.acts().len()), (0, 0), "nothing was sent and nothing recorded");

    let done = it.promote(&["--override-gates", "--json"]);
    assert_eq!((done.code, &done.json()["overridden"]), (0, &json!(["errors"])), "{done:?}");
    let acts = it.user.acts();
    assert_eq!((&acts[0]["overridden"], &acts[0]["gates"][0]["verdict"]), (&json!(["errors"]), &json!("breach")));
    it.stage.until_phase("shop", "web", "Paused: CanaryPauseStep");
    std::thread::sleep(Duration::from_secs(5));
    // The next step has its gates again, and the way back asks none.
    it.promote(&[]).is(1, "errors 1.8% > 1%");
    it.user.act("abort", "shop/web", &[]).is(0, "observed");
    it.user.is_settled();
}

#[test]
fn a_green_gate_lets_through_and_an_absent_server_does_not() {
    let it = measured("");
    it.set(AWAY);
    it.promote(&[]).is(1, "errors no data");
    it.set(GOOD);
    let plain = it.promote(&["--override-gates", "--json"]);
    assert_eq!((plain.code, &plain.json()["overridden"]), (0, &json!([])), "{plain:?}");
    assert!(plain.err.contains("nothing blocks it: --override-gates was not needed"), "{plain:?}");
    assert_eq!(it.user.acts()[0]["gates"][0]["verdict"], "pass");
}

#[test]
fn go_or_no_go() {
    let it = measured("[[freeze]]\nname = \"year end\"\nfrom = \"2020-12-23T12:00:00Z\"\nuntil = \"2120-01-02T08:00:00Z\"\n");
    let go = |more: &[&str]| it.user.run(&[&["doctor", "--go"], more].concat());
    let ran = go(&["shop/web", "--json"]);
    let document = ran.json();
    let of = |name: &str| document["findings"].as_array().unwrap().iter().find(|finding| finding["name"] == name).unwrap().clone();
    assert_eq!((ran.code, &document["verdict"], &document["environment"]), (1, &json!("no_go"), &json!("prod")), "{document:#}");
    assert_eq!(of("releases")["words"], "web has a release under way, at 20 %");
    assert!(of("freeze")["words"].as_str().unwrap().starts_with("year end until 2120-01-02 08:00 UTC"));
    assert_eq!((&of("metrics")["verdict"], &of("budget")["verdict"]), (&json!("pass"), &json!("absent")), "{document:#}");
    // It has no rules: that none fires says little.
    assert_eq!(of("alerts")["verdict"], "warn", "{document:#}");
    it.set(AWAY);
    let blind = go(&["shop/web"]);
    assert_eq!(blind.code, 1, "a no-go is one although metrics are away: {blind:?}");
    assert!(blind.out.contains("? metrics ") && blind.out.contains("✖ no-go: shop/web in prod"), "{blind:?}");
    let none = it.stage.run(&["doctor", "--go"]);
    assert_eq!(none.code, 0, "without metrics and freezes, with something under way: {none:?}");
    assert!(none.out.contains("▲ releases       under way: web") && none.out.contains("▲ go, with care: prod"), "{none:?}");
    go(&["shop/nothing"]).is(1, "There is no rollout 'shop/nothing'");
    it.user.run(&["doctor", "shop/web"]).is(2, "--go");
}
