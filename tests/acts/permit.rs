//! What may not be done is refused below every screen and subcommand, and nothing is sent.

use pilothouse::action::Patience;
use pilothouse::config::{Settings, Write};
use pilothouse::domain::action::{Do, Outcome, Plan, Position, Seen, Until, Verb};
use pilothouse::domain::id::{Key, Kind};
use serde_json::json;

use super::actor::{Actor, settings};
use super::stage::{Stage, canary, path};
use super::verbs::command;

fn stage() -> Stage {
    let stage = Stage::empty(1.0);
    stage.admin.namespace("shop");
    stage.released("shop", &canary("web", &json!([{ "setWeight": 20 }, { "pause": {} }])));
    stage.until_phase("shop", "web", "Paused: CanaryPauseStep");
    stage.forget_requests();
    stage
}

/// Everything that a step can do.
fn deeds() -> Vec<Do> {
    let text = |text: &str| text.into();
    let gate = pilothouse::domain::action::plan::Gate { namespace: text("shop"), service: text("tester"), port: 80, open: true };
    vec![
        Do::LiftPauses,
        Do::StepTo(3),
        Do::PromoteFull,
        Do::Hold(true),
        Do::Hold(false),
        Do::Abort,
        Do::Retry,
        Do::Restore { hash: text("a"), set: text("web-a") },
        Do::Restart,
        Do::SetImage { container: text("main"), image: text("web:v9") },
        Do::Terminate { run: text("run") },
        Do::FailChecks,
        Do::Promoting,
        Do::Suspend(true),
        Do::Gate(gate),
        Do::Touch,
        Do::PauseSync { namespace: text("argocd"), application: text("web") },
    ]
}

/// Hands every act to the runner itself, past every command and dialog.
#[track_caller]
fn refuses_all(settings: &Settings, why: &str) {
    let actor = Actor::new(settings, Patience::default());
    let position =
        Position::Rollout { step: Some(1), steps: 2, pauses: Vec::new(), held: false, abort: false, promote_full: false };
    let seen = Seen {
        key: Key::new(Kind::Rollout, "shop", "web"),
        uid: "u".into(),
        current: "c".into(),
        stable: "b".into(),
        revision: Some(2),
        position,
    };
    for verb in Verb::ALL {
        for does in deeds() {
            for unrecorded in [false, true] {
                let mut act = actor.act(seen.clone(), Plan::simple(verb, "it", does.clone(), "do it", Until::MovedOn));
                act.unrecorded = unrecorded && verb.is_back();
                let heard = actor.carry(act);
                assert!(matches!(&heard.outcome, Outcome::Refused(text) if text.contains(why)), "{verb} {does:?}: {heard:?}");
                assert!(heard.reports.is_empty(), "{heard:?}");
            }
        }
    }
}

#[test]
fn every_act_is_refused_where_nothing_may_be_written() {
    let stage = stage();
    let settings = settings(&stage);
    refuses_all(&Settings { readonly: true, ..settings.clone() }, "This is read-only (--readonly)");
    let mut never = settings.clone();
    never.environments.last_mut().unwrap().write = Write::Never;
    refuses_all(&never, "Environment 'prod' is never written (write = \"never\" in the configuration)");
    assert_eq!(stage.get("/_world/requests")["requests"], json!([]), "not even read");
    assert!(stage.acts().is_empty());
}

#[test]
fn only_a_step_back_goes_unrecorded() {
    let stage = stage();
    let actor = Actor::new(&settings(&stage), Patience::default());
    for verb in [Verb::Promote, Verb::PromoteFull, Verb::Restart, Verb::SetImage] {
        let mut act = actor.decide(verb, "shop", "web");
        act.unrecorded = true;
        let heard = actor.carry(act);
        assert!(matches!(&heard.outcome, Outcome::Refused(text) if text.contains("Only a step back goes unrecorded")), "{heard:?}");
    }
    assert_eq!(stage.count("patch", ""), 0);
}

/// Outside of a demo's own world nobody is even asked: the address is one that answers nobody.
#[test]
fn a_demo_touches_nothing_but_its_own_world() {
    let stage = stage();
    let kubeconfig = stage.world.kubeconfig().replace("http://127.0.0.1:", "http://192.0.2.1:");
    std::fs::write(stage.kubeconfig(), kubeconfig).unwrap();
    refuses_all(&Settings { demo: true, ..settings(&stage) }, "A demo touches nothing but its own world");
    assert_eq!(stage.get("/_world/requests")["requests"], json!([]));
}

#[test]
fn every_command_is_refused_where_nothing_may_be_written() {
    let stage = stage();
    let text = std::fs::read_to_string(&stage.config).unwrap();
    let never = stage.config.with_file_name("never.toml");
    std::fs::write(&never, text.replace("name = \"prod\"", "name = \"prod\"\nwrite = \"never\"")).unwrap();
    let never = never.to_str().unwrap();
    for verb in Verb::ALL {
        for (flags, why) in [(&["--readonly"][..], "read-only"), (&["--config", never], "never written")] {
            let [name, more @ ..] = command(verb) else { unreachable!() };
            let mut all = stage.command(&[]);
            if flags[0] == "--config" {
                all = crate::cli::command(&[flags, &["-e", "prod"]].concat());
                all.env("XDG_STATE_HOME", stage.state().parent().unwrap());
            } else {
                all.args(flags);
            }
            let output = all.args([&[*name, "shop/web", "--reason", "x"], more].concat()).output().unwrap();
            let ran = super::stage::Ran::of(output);
            // Where the state forbids the verb, that is what is said.
            assert!(ran.code == 1 && (ran.err.contains(why) || ran.err.contains("cannot be done")), "{verb}: {ran:?}");
        }
    }
    assert_eq!(stage.count("patch", ""), 0);
    assert!(stage.acts().is_empty());
    let dry = stage.run(&["--readonly", "abort", "shop/web", "--reason", "x", "--dry-run"]);
    dry.is(0, "The server would take it");
    assert_eq!((stage.count("patch", ""), stage.rollout("shop", "web")["status"]["abort"].is_null()), (0, true));
    let asked = stage.get(&format!("/_world/requests?verb=patch&path={}", path("shop", "web")));
    assert_eq!(asked["requests"][0]["dry_run"], true, "{asked}");
}
