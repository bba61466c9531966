//! `gate` as scripts see it, against a metrics server that says what each story needs: exit codes, documents, and that what nobody measured
//! never passes.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli::{command, stderr, stdout};
use crate::support::metrics_server::{Script, start};

/// How long each gate has to hold. Values are a second apart.
const LENGTH: &str = "8s";

/// One story: errors as a part of 1, seconds of the 95th percentile, and requests a second, over seconds since the server began.
#[derive(Clone, Copy)]
struct Story {
    errors: fn(f64) -> Option<f64>,
    p95: fn(f64) -> Option<f64>,
    rate: fn(f64) -> Option<f64>,
    newest: fn(f64) -> Option<f64>,
    away: fn(u32, f64) -> bool,
    refuses: fn(&str) -> bool,
    ahead: f64,
}

/// All is well.
const WELL: Story = Story {
    errors: |_| Some(0.001),
    p95: |_| Some(0.4),
    rate: |_| Some(200.0),
    newest: Some,
    away: |_, _| false,
    refuses: |_| false,
    ahead: 0.0,
};

impl Script for Story {
    fn value(&self, query: &str, at: f64) -> Option<f64> {
        if query.starts_with("bad") {
            let rate = (self.rate)(at)?;
            return (self.errors)(at).map(|part| part * rate);
        }
        if query.starts_with("total") {
            return (self.rate)(at);
        }
        if query.starts_with("p95") { (self.p95)(at) } else { None }
    }

    fn newest(&self, now: f64) -> Option<f64> {
        (self.newest)(now)
    }

    fn is_away(&self, request: u32, now: f64) -> bool {
        (self.away)(request, now)
    }

    fn refuses(&self, query: &str) -> Option<&'static str> {
        (self.refuses)(query).then_some("parse error: unexpected identifier")
    }

    fn ahead(&self) -> f64 {
        self.ahead
    }
}

/// A configuration with a metrics server; `more` are lines of the errors signal.
fn config(name: &str, url: &str, more: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("gates-{name}.toml"));
    let text = format!(
        "[[environment]]\nname = \"prod\"\ncontext = \"nowhere\"\n\
         [prometheus]\nurl = \"{url}\"\npreset = \"\"\ninterval = \"1s\"\ntimeout = \"2s\"\nstale_after = \"4s\"\n\
         [[signal]]\nname = \"p95\"\nkind = \"latency\"\nquery = 'p95{{job=\"{{{{service}}}}\",hash=\"{{{{pod_hash}}}}\"}}'\nthreshold = 1.5\nunit = \"s\"\nwindow = \"5s\"\n\
         [[signal]]\nname = \"errors\"\nkind = \"errors\"\nbad = 'bad{{job=\"{{{{service}}}}\"}}'\ntotal = 'total{{job=\"{{{{service}}}}\"}}'\nthreshold = 0.01\nunit = \"ratio\"\nwindow = \"5s\"\n{more}\n",
    );
    std::fs::write(&path, text).unwrap();
    path
}

struct Case {
    name: &'static str,
    story: Story,
    more: &'static str,
    slo: &'static str,
    code: i32,
    /// What stderr says.
    says: &'static str,
    /// Verdict on the errors at the end; empty if they are not judged.
    verdict: &'static str,
}

/// A case in which nothing happens.
const CALM: Case = Case { name: "calm", story: WELL, more: "", slo: "", code: 0, says: "'shop' held for 0:08.", verdict: "pass" };

fn run(case: &Case) -> Result<(), String> {
    let config = config(case.name, &start(case.story), case.more);
    let mut arguments = vec!["--config", config.to_str().unwrap(), "gate", "--service", "shop", "--for", LENGTH, "--json"];
    if !case.slo.is_empty() {
        arguments.extend(["--slo", case.slo]);
    }
    let began = Instant::now();
    let output = command(&arguments).output().unwrap();
    let (talk, answer) = (stderr(&output), stdout(&output));
    let fail = |what: &str| Err(format!("{}: {what}, after {:?}\n{talk}{answer}", case.name, began.elapsed()));
    if output.status.code() != Some(case.code) {
        return fail(&format!("exit code {:?} and not {}", output.status.code(), case.code));
    }
    if !talk.contains(case.says) {
        return fail(&format!("stderr does not say '{}'", case.says));
    }
    let document: Value = serde_json::from_str(&answer).unwrap_or_default();
    let errors = document["signals"].as_array().and_then(|all| all.iter().find(|signal| signal["name"] == "errors"));
    let as_told = case.verdict.is_empty() || errors.is_some_and(|errors| errors["verdict"] == case.verdict);
    if document["version"] != 1 || !as_told {
        return fail(&format!("the verdict on errors is not {}", case.verdict));
    }
    Ok(())
}

#[test]
fn stories_and_their_ends() {
    let cases = [
        CALM,
        Case { name: "limits", slo: "shop-p95<500ms err<=0.1%", verdict: "warn", ..CALM },
        Case {
            name: "breach",
            story: Story { errors: |_| Some(0.018), ..WELL },
            code: 1,
            says: "errors 1.8% > 1%",
            verdict: "breach",
            ..CALM
        },
        Case {
            name: "breach later",
            story: Story { errors: |at| Some(if at < 3.0 { 0.0 } else { 0.05 }), ..WELL },
            code: 1,
            says: "errors 5% > 1%",
            verdict: "breach",
            ..CALM
        },
        Case { name: "slow", slo: "p95<300ms", code: 1, says: "p95 400ms > 300ms", verdict: "", ..CALM },
        Case {
            name: "flaps that never last",
            story: Story { errors: |at| Some(if (at / 2.0) % 2.0 < 1.0 { 0.009 } else { 0.011 }), ..WELL },
            more: "for = \"4s\"",
            verdict: "warn",
            ..CALM
        },
        Case {
            name: "flaps",
            story: Story { errors: |at| Some(if (at / 2.0) % 2.0 < 1.0 { 0.009 } else { 0.011 }), ..WELL },
            code: 1,
            says: "'shop' did not hold: errors",
            verdict: "breach",
            ..CALM
        },
        Case {
            name: "empty",
            story: Story { rate: |_| None, ..WELL },
            code: 3,
            says: "errors no data",
            verdict: "no_data",
            ..CALM
        },
        Case { name: "never failed", story: Story { errors: |_| None, ..WELL }, ..CALM },
        Case {
            name: "not a number",
            story: Story { p95: |_| Some(f64::NAN), ..WELL },
            code: 3,
            says: "p95 no data the newest samples make no number",
            ..CALM
        },
        Case {
            name: "failures that are not a number",
            story: Story { errors: |_| Some(f64::NAN), ..WELL },
            code: 3,
            says: "errors no data the newest samples make no number",
            verdict: "no_data",
            ..CALM
        },
        Case {
            name: "few requests",
            story: Story { rate: |_| Some(0.5), errors: |_| Some(0.0), ..WELL },
            code: 3,
            says: "errors low traffic",
            verdict: "low_traffic",
            ..CALM
        },
        Case {
            name: "few requests that all fail",
            story: Story { rate: |_| Some(2.0), errors: |_| Some(1.0), ..WELL },
            code: 1,
            says: "errors 100% > 1%",
            verdict: "breach",
            ..CALM
        },
        Case {
            name: "old samples",
            story: Story { newest: |_| Some(-30.0), ..WELL },
            code: 3,
            says: "errors no data last sample",
            verdict: "no_data",
            ..CALM
        },
        Case { name: "overloaded half of the time", story: Story { away: |request, _| request % 2 == 0, ..WELL }, ..CALM },
        Case { name: "five minutes ahead", story: Story { ahead: 300.0, ..WELL }, ..CALM },
        Case { name: "five minutes behind", story: Story { ahead: -300.0, ..WELL }, ..CALM },
        Case {
            name: "gone in the middle",
            story: Story { away: |request, _| request > 8, ..WELL },
            code: 3,
            says: "errors no data last sample",
            verdict: "no_data",
            ..CALM
        },
        Case {
            name: "a breach while the server was away",
            story: Story {
                away: |_, now| now > 2.0 && now < 6.5,
                errors: |at| Some(if at > 2.5 && at < 4.0 { 0.2 } else { 0.0 }),
                ..WELL
            },
            code: 1,
            says: "errors was 20%, wanted < 1%",
            verdict: "breach",
            ..CALM
        },
        Case {
            name: "one query is refused",
            story: Story { refuses: |query| query.contains("p95"), ..WELL },
            code: 3,
            says: "p95 no data parse error: unexpected identifier",
            verdict: "pass",
            ..CALM
        },
        Case {
            name: "one query is refused and another breached",
            story: Story { refuses: |query| query.contains("p95"), errors: |_| Some(0.05), ..WELL },
            code: 1,
            says: "errors 5% > 1%",
            verdict: "breach",
            ..CALM
        },
        Case {
            name: "never there",
            story: Story { away: |_, _| true, ..WELL },
            code: 4,
            says: "never answered",
            verdict: "no_data",
            ..CALM
        },
    ];
    let failed: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = cases.iter().map(|case| scope.spawn(|| run(case))).collect();
        running.into_iter().filter_map(|one| one.join().unwrap().err()).collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// A sample that is still young enough to show tells nothing of a time in which nobody measured.
#[test]
fn a_value_from_before_is_not_that_it_held() {
    let config = config("before", &start(Story { away: |_, at| at > 2.0, ..WELL }), "");
    let text = std::fs::read_to_string(&config).unwrap().replace("stale_after = \"4s\"", "stale_after = \"20s\"");
    std::fs::write(&config, text).unwrap();
    let output = command(&["--config", config.to_str().unwrap(), "gate", "--service", "shop", "--for", LENGTH, "--json"]).output();
    let output = output.unwrap();
    let document: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((output.status.code(), &document["result"]), (Some(3), &"no_verdict".into()), "{}", stderr(&output));
}

#[test]
fn what_the_server_refuses_is_not_waited_for() {
    let config = config("refused", &start(Story { refuses: |query| !query.contains("vector(1)"), ..WELL }), "");
    let began = Instant::now();
    let output = command(&["--config", config.to_str().unwrap(), "gate", "--service", "shop", "--for", "10m", "--json"]).output();
    let output = output.unwrap();
    let document: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((output.status.code(), &document["result"]), (Some(2), &"refused".into()), "{}", stderr(&output));
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let said = "the metrics server refuses to: p95 no data parse error: unexpected identifier; errors no data parse error";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
}

#[test]
fn what_is_typed_wrong_is_said_before_anything_is_asked() {
    let config = config("typed", "http://127.0.0.1:9", "");
    let check = |arguments: &[&str], phrase: &str| {
        let output = command(&[&["--config", config.to_str().unwrap(), "gate"], arguments].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(phrase), "{arguments:?} says: {}", stderr(&output));
    };
    check(&["--service", ""], "a value is required");
    check(&["--service", "shop", "--slo", "p95<1500"], "--slo is wrong at character 1: 'p95' needs a unit");
    check(&["--service", "shop", "--slo", "p96<1s"], "'p96' is no signal: there is p95, errors");
    check(&["--service", "shop", "--slo", "p95<1s", "err=1%"], "at character 11: '=' is no comparator");
    check(&["--service", "shop", "--slo", "web-p95<1s"], "--slo names the service 'web', but 'shop' is judged");
    check(&["--slo", "p95<1s"], "What is to be judged?");
    check(&[], "What is to be judged?");
    check(&["--service", "shop", "--for", "5"], "a time is written like 90s, 15m or 1h30m");
    check(&["web"], "no kubeconfig");
    let none = command(&["--context", "x", "gate", "--service", "shop"]).output().unwrap();
    assert!(stderr(&none).contains("has no metrics server"), "{}", stderr(&none));
}
