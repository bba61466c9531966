//! From keys to acts: what each verb opens, what it waits for, what leaves the core, and what never does.

use pilothouse::app::page::Focus;
use pilothouse::app::{Effect, Msg, Overlay};
use pilothouse::config::{Confirm, Pattern, Policy, Settings, Write};
use pilothouse::domain::action::{Authority, Do, Owner, Sync, Ticket, Verb};
use pilothouse::domain::fact::{Health, Link, News};
use pilothouse::domain::id::{Key, Kind};
use pilothouse::input::Command;
use serde_json::json;

use crate::support::cockpit::{
    Cockpit, PROD, aborted, acts, allowed, analysed, canary, gateway, held, owned, podinfo, promoted, set, settings,
};

fn with_policy(policy: Policy) -> Settings {
    let mut settings = settings();
    settings.environments[0].policy = policy;
    settings
}

/// What a plan sends, without waits.
fn sends(plan: &pilothouse::domain::action::Plan) -> Vec<String> {
    let writes = plan.steps.iter().filter(|step| !matches!(step.does, Do::Await(_)));
    writes.map(|step| format!("{:?}", step.does)).collect()
}

#[test]
fn two_keys_roll_back_whatever_the_review_and_the_freshness() {
    let down = Health { at: crate::support::cockpit::now(), state: Link::Down { reason: "refused".into() }, clock_skew_ms: 0 };
    for stale in [false, true] {
        let mut cockpit = Cockpit::on(gateway(json!({})));
        if stale {
            cockpit.hear(vec![News::Health(down.clone())]);
        }
        let effects = cockpit.press("R<enter>");
        let all = acts(effects.clone());
        assert_eq!(all.len(), 1, "{effects:?}");
        let act = &all[0];
        assert_eq!((act.authority, act.environment, act.unrecorded, act.dry_run), (Authority::Dialog, PROD, false, false));
        assert_eq!((&*act.seen.uid, &*act.seen.current, &*act.seen.stable), ("uid-gateway", "bad", "good"));
        assert_eq!(
            (act.plan.verb, act.reason.as_str(), &act.ticket),
            (Verb::RollBack, "operator decision, no metrics", &Ticket::None)
        );
        assert_eq!(sends(&act.plan), ["Abort", "Restore { hash: \"good\", set: \"gateway-good\" }"]);
        assert!(cockpit.marks());
        // More of the same key does nothing more.
        assert!(cockpit.acts("<enter>").is_empty() && cockpit.state.overlay.is_none());
        assert!(cockpit.acts("R<enter>").is_empty());
    }
}

#[test]
fn the_way_back_is_filled_with_the_evidence() {
    let mut cockpit = Cockpit::on(gateway(aborted()));
    let why = "error-rate";
    let reason = cockpit.acts("R<enter>").remove(0).reason;
    assert!(reason.contains(why), "{reason}");
    // It can be edited; and what is emptied is not nothing.
    let mut cockpit = Cockpit::on(gateway(json!({})));
    assert_eq!(cockpit.acts("A<up><up><ctrl-u>bad<alt-enter>news<ctrl-s>")[0].reason, "bad\nnews");
    let mut cockpit = Cockpit::on(gateway(json!({})));
    assert_eq!(cockpit.acts("H<up><up><ctrl-u><ctrl-s>")[0].reason, "operator decision, no metrics");
}

/// Every verb in a state that allows it: opened, filled in and confirmed, it is that verb's act.
#[test]
fn every_verb_has_its_dialog_and_its_act() {
    let cases = [
        ("P", json!({}), Verb::Promote, "LiftPauses"),
        ("F", json!({}), Verb::PromoteFull, "PromoteFull"),
        ("H", json!({}), Verb::Hold, "Hold(true)"),
        ("N", held(), Verb::Resume, "Hold(false)"),
        ("A", json!({}), Verb::Abort, "Abort"),
        ("R", promoted(), Verb::RollBack, "Restore"),
        ("T", aborted(), Verb::Retry, "Retry"),
        ("X", json!({}), Verb::Restart, "Restart"),
        ("S", analysed(), Verb::SkipStep, "StepTo(4)"),
        ("E", analysed(), Verb::TerminateAnalysis, "Terminate"),
    ];
    for (key, over, verb, sent) in cases {
        let mut cockpit = Cockpit::on(gateway(over));
        cockpit.opens_allowed(key);
        let dialog = cockpit.dialog();
        assert_eq!((dialog.verb, &dialog.key().name[..], dialog.environment), (verb, "gateway", PROD), "{key}");
        assert_eq!(dialog.focus, if verb.is_back() { Focus::Confirm } else { Focus::Reason }, "{key}");
        // Where there are several and none is certain, the first.
        let choose = if cockpit.dialog().plan().is_none() { "<tab>" } else { "" };
        let typed = if verb.is_back() { "" } else { "because<enter><enter>" };
        assert!(verb.is_back() || cockpit.acts("<enter><enter><enter><ctrl-s>").is_empty(), "{key} acts without a reason");
        cockpit.press("<up><up><up>");
        let keys = if verb.is_back() { format!("{choose}<ctrl-s>") } else { format!("{choose}{typed}<enter>") };
        let all = cockpit.acts(&keys);
        assert_eq!(all.len(), 1, "{key}: {:?}", cockpit.state.overlay);
        assert_eq!(all[0].plan.verb, verb);
        assert!(sends(&all[0].plan)[0].starts_with(sent), "{key}: {:?}", sends(&all[0].plan));
        if !verb.is_back() {
            assert_eq!(all[0].reason, "because");
        }
    }
}

/// In a state that forbids it a key says why, in one clause, and opens nothing.
#[test]
fn a_key_that_may_not_act_says_why() {
    let running = || json!({"status": {"controllerPause": null, "pauseConditions": null, "currentStepIndex": 2}});
    let cases = [
        ("P", running(), "promote gateway: it waits for nobody: step 3 (setWeight: 50) is under way."),
        ("P", promoted(), "promote gateway: nothing is on its way: the newest revision is stable."),
        ("F", promoted(), "promote gateway to 100 %: nothing is on its way: the newest revision is stable."),
        ("H", held(), "hold gateway: it is held already."),
        ("N", json!({}), "resume gateway: it is not held, it waits at a pause: promote it."),
        ("A", promoted(), "abort gateway: nothing is on its way: the newest revision is stable; roll back instead."),
        ("A", aborted(), "abort gateway: it is aborted already."),
        ("P", aborted(), "promote gateway: it is aborted: retry it, or roll back."),
        ("T", json!({}), "retry gateway: it is not aborted."),
        ("S", json!({}), "skip a step of gateway: it waits at a pause: promote it."),
        ("E", json!({}), "terminate an analysis of gateway: no analysis is running."),
        (
            "R",
            json!({"status": {"stableRS": ""}}),
            "roll back gateway: it is the first deployment: there is no revision to go back to.",
        ),
    ];
    for (key, over, words) in cases {
        let mut cockpit = Cockpit::on(gateway(over));
        assert_eq!(cockpit.press(key), [], "{key}");
        assert_eq!((cockpit.said(), cockpit.state.overlay.as_ref()), (words, None), "{key}");
    }
    let mut nothing = Cockpit::on(Vec::new());
    nothing.press("R");
    assert_eq!(nothing.said(), "roll back: nothing is selected.");
}

#[test]
fn flagger_has_the_same_keys() {
    let mut cockpit = Cockpit::on(vec![podinfo("Progressing")]);
    let act = cockpit.acts("R<enter>").remove(0);
    assert_eq!(sends(&act.plan), ["FailChecks"]);
    let mut cockpit = Cockpit::on(vec![podinfo("Progressing")]);
    cockpit.opens_allowed("F");
    assert_eq!(sends(&cockpit.acts("go<ctrl-s>")[0].plan), ["Promoting"]);
    let mut cockpit = Cockpit::on(vec![podinfo("Progressing")]);
    cockpit.press("X");
    assert_eq!(cockpit.said(), "restart podinfo: Flagger would take new pods for a new release.");
}

#[test]
fn forward_waits_for_reason_permission_and_live_data() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    let review = cockpit.opens("P");
    assert_eq!(review.accesses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["patch rollouts/status"]);
    assert!(cockpit.window().contains("say why: it is recorded") && cockpit.window().contains("promote 25→50 %: not now"));
    assert_eq!(cockpit.acts("gates green<ctrl-s>"), []);
    assert!(cockpit.window().contains("waits for the permission check"), "{}", cockpit.window());
    cockpit.answer(&review, allowed(&review));
    cockpit.wait(20);
    assert_eq!(cockpit.acts("<ctrl-s>"), []);
    assert!(cockpit.window().contains("waits for live data: silent for 0:21"), "{}", cockpit.window());
    cockpit.live();
    let act = cockpit.acts("<ctrl-s>").remove(0);
    assert_eq!((act.reason.as_str(), act.plan.verb), ("gates green", Verb::Promote));
}

#[test]
fn what_a_review_says_against_going_forward() {
    let words = |change: &dyn Fn(&mut pilothouse::domain::action::Reviewed)| {
        let mut cockpit = Cockpit::on(gateway(json!({})));
        let review = cockpit.opens("P");
        let mut answer = allowed(&review);
        change(&mut answer);
        cockpit.answer(&review, answer.clone());
        cockpit.press("gates green");
        let window = cockpit.window();
        assert_eq!(cockpit.acts("<ctrl-s>"), []);
        // The way back does not mind.
        cockpit.press("<esc>");
        let review = cockpit.opens("R");
        cockpit.answer(&review, answer);
        assert_eq!(cockpit.acts("<enter>").len(), 1);
        window
    };
    let denied = words(&|answer| answer.permissions[0].allowed = Ok(false));
    assert!(denied.contains("dana may not patch rollouts/status in shop") && denied.contains("not now"), "{denied}");
    let other = words(&|answer| answer.other_cluster = Some("prod was 1a2b and is 3c4d.".to_owned()));
    assert!(other.contains("prod was 1a2b and is 3c4d.") && other.contains("trust this"), "{other}");
    let full = words(&|answer| answer.unrecordable = Some("no space left on device".to_owned()));
    assert!(full.contains("it cannot be recorded") && full.contains("record no space left on device"), "{full}");
    let unasked = words(&|answer| answer.permissions[0].allowed = Err("timed out".to_owned()));
    assert!(unasked.contains("[⏎ ask again]"), "{unasked}");
}

#[test]
fn a_permission_that_is_not_known_is_asked_again() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    let review = cockpit.opens("P");
    let mut answer = allowed(&review);
    answer.permissions[0].allowed = Err("timed out".to_owned());
    cockpit.answer(&review, answer);
    let again = cockpit.opens("why<ctrl-s>");
    assert_eq!((again.number, &again.accesses), (review.number, &review.accesses));
    cockpit.answer(&again, allowed(&again));
    assert_eq!(cockpit.acts("<ctrl-s>").len(), 1);
}

#[test]
fn answers_for_another_dialog_are_dropped() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    let first = cockpit.opens("P<esc>P");
    let second = cockpit.dialog().number;
    assert!(first.number < second);
    cockpit.answer(&first, allowed(&first));
    assert_eq!(cockpit.dialog().review, None);
}

#[test]
fn keys_typed_in_a_dialog_never_reach_the_screen_and_a_paste_is_text() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    cockpit.opens("P");
    let effects = cockpit.press("qRP1/?!e t<space>");
    assert_eq!((effects, cockpit.dialog().reason.text()), (Vec::new(), "qRP1/?!e t "));
    cockpit.tell(Msg::Paste("quit\nR\u{1b}".to_owned()));
    assert_eq!(cockpit.dialog().reason.text(), "qRP1/?!e t quit\nR");
    cockpit.tell(Msg::Resize { columns: 40, rows: 12 });
    cockpit.tell(Msg::Resize { columns: 10, rows: 3 });
    cockpit.tell(Msg::Resize { columns: 140, rows: 40 });
    assert_eq!(cockpit.dialog().reason.text(), "qRP1/?!e t quit\nR");
    assert!(cockpit.press("<ctrl-c>").contains(&Effect::Quit));
    cockpit.press("<esc>");
    assert_eq!(cockpit.state.overlay, None);
    // On a button a paste and letters are nothing.
    cockpit.opens("R");
    cockpit.tell(Msg::Paste("\n\n".to_owned()));
    assert_eq!(cockpit.press("qxR"), []);
    assert!(cockpit.state.dialog().is_some());
}

#[test]
fn nobody_acts_on_what_the_terminal_has_no_room_for() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    cockpit.opens("R");
    cockpit.tell(Msg::Resize { columns: 30, rows: 8 });
    assert_eq!(cockpit.press("<enter><ctrl-s>"), []);
    cockpit.tell(Msg::Resize { columns: 40, rows: 12 });
    assert_eq!(cockpit.acts("<enter>").len(), 1);
    let mut cockpit = Cockpit::on(gateway(json!({})));
    cockpit.tell(Msg::Resize { columns: 30, rows: 8 });
    assert_eq!((cockpit.press("R<enter>"), cockpit.state.overlay.as_ref()), (Vec::new(), None));
}

#[test]
fn enter_moves_on_and_confirms_only_on_the_button() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    cockpit.opens_allowed("P");
    assert_eq!(cockpit.acts("why<enter>"), []);
    assert_eq!(cockpit.dialog().focus, Focus::Ticket);
    assert_eq!(cockpit.acts("INC-1<enter>"), []);
    assert_eq!(cockpit.dialog().focus, Focus::Confirm);
    cockpit.press("<left>");
    assert_eq!(cockpit.dialog().focus, Focus::Cancel);
    let act = cockpit.acts("<right><enter>").remove(0);
    assert_eq!((act.reason.as_str(), act.ticket), ("why", Ticket::Given("INC-1".to_owned())));
}

#[test]
fn forward_is_bound_to_what_was_seen_and_asks_to_look_again() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    cockpit.opens_allowed("P");
    cockpit.press("gates green");
    let seen = cockpit.dialog().seen.clone();
    cockpit.hear(vec![canary(json!({"status": {"currentStepIndex": 5, "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-03-02T14:03:23Z"}]}}))]);
    let window = cockpit.window();
    assert!(window.contains("it moved from step 2 to step 6 of 6 since") && window.contains("[⏎ look again]"), "{window}");
    assert_eq!(cockpit.acts("<ctrl-s>"), []);
    assert_ne!(cockpit.dialog().seen, seen);
    assert_eq!(cockpit.dialog().reason.text(), "gates green");
    let act = cockpit.acts("<ctrl-s>").remove(0);
    assert!(act.plan.effect.contains("100"), "{}", act.plan.effect);
}

#[test]
fn looking_again_at_what_no_longer_goes_says_so_and_acts_never() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    cockpit.opens_allowed("P");
    cockpit.press("gates green");
    cockpit.hear(vec![canary(aborted())]);
    assert_eq!(cockpit.acts("<ctrl-s><ctrl-s><ctrl-s>"), []);
    assert!(cockpit.window().contains("it is aborted: retry it, or roll back"), "{}", cockpit.window());
    cockpit.hear(vec![News::Gone(Key::new(Kind::Rollout, "shop", "gateway"))]);
    assert_eq!(cockpit.acts("<ctrl-s>"), []);
    assert!(cockpit.window().contains("it is gone from the cluster"), "{}", cockpit.window());
}

#[test]
fn back_minds_only_another_release() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    cockpit.opens("R");
    cockpit.hear(vec![canary(json!({"status": {"currentStepIndex": 5, "pauseConditions": null, "controllerPause": null}}))]);
    assert_eq!(cockpit.acts("<enter>").len(), 1);
    let mut cockpit = Cockpit::on(gateway(json!({})));
    cockpit.opens("R");
    cockpit.hear(vec![
        canary(json!({"metadata": {"annotations": {"rollout.argoproj.io/revision": "15"}}, "status": {"currentPodHash": "worse"}})),
        set("worse", 15, "v1.3.1", 1),
    ]);
    assert_eq!(cockpit.acts("<enter>"), []);
    let act = cockpit.acts("<enter>").remove(0);
    assert_eq!(&*act.seen.current, "worse");
}

/// A hold that comes while the dialog of the way back is open would keep pods from being scaled: the plan lifts it.
#[test]
fn the_way_back_follows_a_hold() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    cockpit.opens("R");
    cockpit.hear(vec![canary(held())]);
    assert!(sends(&cockpit.acts("<enter>")[0].plan).contains(&"Hold(false)".to_owned()));
}

#[test]
fn nobody_guesses_where_to_go_back_to() {
    let mut cockpit = Cockpit::on(gateway(promoted()));
    cockpit.opens("R");
    assert_eq!(cockpit.acts("<enter>"), []);
    assert!(cockpit.window().contains("choose one first: Tab, or its number"), "{}", cockpit.window());
    assert!(cockpit.window().contains("restore rev 13 (gateway:v1.2.9), then to 100 %"), "{}", cockpit.window());
    let act = cockpit.acts("3<enter>").remove(0);
    assert_eq!(act.plan.target.as_ref().unwrap().revision, 12);
    let mut cockpit = Cockpit::on(gateway(promoted()));
    cockpit.opens("R<tab><shift-tab>");
    assert_eq!(cockpit.dialog().chosen, Some(3));
    // A digit that is typed into a text is text.
    cockpit.press("<up><up>1");
    assert_eq!((cockpit.dialog().chosen, cockpit.dialog().reason.text()), (Some(3), "operator decision, no metrics1"));
}

#[test]
fn under_an_owner_the_template_is_left_alone_and_the_revert_can_be_copied() {
    let mut cockpit = Cockpit::on(gateway(owned()));
    cockpit.opens("R");
    assert_eq!(sends(cockpit.dialog().plan().unwrap()), ["Abort"]);
    let window = cockpit.window();
    assert!(window.contains("others Tab: copy the revert for Git · restore rev 13 (gateway:v1.2.9)"), "{window}");
    cockpit.press("<tab>");
    assert!(cockpit.window().contains("Revert gateway to gateway:v1.2.9") && cockpit.window().contains("[⏎ copy the text]"));
    let effects = cockpit.press("<enter>");
    assert!(
        matches!(effects.as_slice(), [Effect::Copy(text)] if text.contains("Rollout shop/gateway: gateway:v1.3.0 -> gateway:v1.2.9")),
        "{effects:?}"
    );
    assert_eq!(cockpit.state.overlay, None);
    cockpit.opens("R<tab>");
    assert!(matches!(cockpit.press("y").as_slice(), [Effect::Copy(_)]));
}

#[test]
fn what_is_remembered_makes_a_better_plan_until_somebody_has_read_the_first() {
    let manual = Owner { sync: Sync::Manual, application: None };
    let learned = |before: &str| {
        let mut cockpit = Cockpit::on(gateway(owned()));
        let review = cockpit.opens("R");
        cockpit.press(before);
        let mut answer = allowed(&review);
        answer.memory.owner = manual.clone();
        cockpit.answer(&review, answer);
        (sends(cockpit.dialog().plan().unwrap()), cockpit.dialog().note.clone())
    };
    let (sent, note) = learned("");
    assert_eq!(sent.len(), 2);
    assert_eq!(note.as_deref(), Some("more is known now: restore rev 13 (gateway:v1.2.9)"));
    assert_eq!(learned("<up>"), (vec!["Abort".to_owned()], None));
}

#[test]
fn a_plan_that_needs_more_asks_for_more() {
    let mut cockpit = Cockpit::on(gateway(owned()));
    let review = cockpit.opens("R");
    let mut answer = allowed(&review);
    answer.memory.owner = Owner { sync: Sync::Automatic, application: Some(("argocd".into(), "shop".into())) };
    cockpit.effects.clear();
    cockpit.answer(&review, answer);
    let asked: Vec<String> = match cockpit.press("").as_slice() {
        [Effect::Review(again)] => again.accesses.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    };
    assert!(asked.contains(&"patch applications".to_owned()), "{asked:?}");
}

#[test]
fn policy_asks_forward_and_never_back() {
    let policy = Policy {
        reason_min_length: 12,
        ticket_pattern: Some(Pattern::read("INC-[0-9]+").unwrap()),
        ticket_required: true,
        presets: vec!["planned release".into(), "hotfix".into()],
        confirm: Confirm::Name,
    };
    let mut cockpit = Cockpit::with(&with_policy(policy.clone()), gateway(json!({})));
    cockpit.opens_allowed("P");
    let says = |cockpit: &mut Cockpit, keys: &str, words: &str| {
        assert_eq!(cockpit.acts(keys), [], "{keys}");
        assert!(cockpit.window().contains(words), "{keys}: {}", cockpit.window());
    };
    says(&mut cockpit, "why<ctrl-s>", "say more: 9 more letters are asked for here");
    says(&mut cockpit, "<alt-1><ctrl-s>", "a ticket is asked for here like INC-[0-9]+");
    assert_eq!(cockpit.dialog().reason.text(), "why; planned release");
    says(&mut cockpit, "4711<ctrl-s>", "'4711' is no ticket like INC-[0-9]+");
    says(&mut cockpit, "<ctrl-u>INC-4711<enter>gate<enter><enter>", "type its name to confirm: gateway");
    let act = cockpit.acts("way<enter><enter>").remove(0);
    assert_eq!((act.reason.as_str(), act.ticket), ("why; planned release", Ticket::Given("INC-4711".to_owned())));

    for (keys, reason, ticket) in [
        ("R<enter>", "operator decision, no metrics", Ticket::Owed),
        ("H<up>4711<ctrl-s>", "operator decision, no metrics (ticket: 4711)", Ticket::Owed),
        ("A<up>INC-1<ctrl-s>", "operator decision, no metrics", Ticket::Given("INC-1".to_owned())),
    ] {
        let mut cockpit = Cockpit::with(&with_policy(policy.clone()), gateway(json!({})));
        let act = cockpit.acts(keys).remove(0);
        assert_eq!((act.reason.as_str(), act.ticket), (reason, ticket), "{keys}");
    }
}

#[test]
fn a_new_image_is_typed_and_its_plan_follows() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    let review = cockpit.opens("I");
    assert_eq!(review.accesses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["patch rollouts"]);
    cockpit.answer(&review, allowed(&review));
    assert_eq!(cockpit.dialog().image.text(), "app=registry.example/gateway:v1.3.0");
    assert!(cockpit.window().contains("that image runs already: change it"), "{}", cockpit.window());
    assert_eq!(cockpit.acts("<ctrl-w><ctrl-s>"), []);
    assert!(cockpit.window().contains("is not CONTAINER=IMAGE"), "{}", cockpit.window());
    cockpit.press("main=web:1");
    assert!(cockpit.window().contains("there is no container 'main'; there is app"), "{}", cockpit.window());
    let act = cockpit.acts("<ctrl-u>app=gateway:v1.3.1<enter>hotfix<enter><enter><enter>").remove(0);
    assert_eq!(sends(&act.plan), ["SetImage { container: \"app\", image: \"gateway:v1.3.1\" }"]);
}

#[test]
fn nothing_acts_where_nothing_may_be_changed() {
    let readonly = Settings { readonly: true, ..settings() };
    let mut never = settings();
    never.environments[0].write = Write::Never;
    for (settings, why) in [
        (readonly, "Nothing can be changed here: Pilothouse was started with --readonly."),
        (never, "Nothing can be changed here: the configuration says write = \"never\" for prod."),
    ] {
        let mut cockpit = Cockpit::with(&settings, gateway(json!({})));
        for key in "PFHNARTXSIE".chars() {
            assert_eq!(
                cockpit
                    .press(&format!("{key}<enter><ctrl-s>"))
                    .into_iter()
                    .filter(|effect| matches!(effect, Effect::Act(_) | Effect::Review(_)))
                    .count(),
                0
            );
            assert!(cockpit.state.dialog().is_none());
            cockpit.press("<esc>");
        }
        cockpit.press("R");
        assert_eq!(cockpit.said(), why);
        assert!(!cockpit.footer().iter().any(|hint| hint.contains("roll back") || hint.contains("hold")), "{:?}", cockpit.footer());
        let help = pilothouse::app::help::lines(&cockpit.state);
        assert!(help.iter().any(|line| matches!(line, pilothouse::app::help::Line::Words(words) if words == why)), "{help:?}");
        assert!(
            !help.iter().any(|line| matches!(line, pilothouse::app::help::Line::Keys { words, .. } if words.contains("promote")))
        );
    }
}

#[test]
fn the_footer_names_its_target_and_the_way_back_goes_last() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    let first = |cockpit: &Cockpit, count| cockpit.footer().into_iter().take(count).collect::<Vec<_>>();
    assert_eq!(first(&cockpit, 5), ["R roll back gateway", "H hold", "P 25→50%", "F →100%", "⏎ open"]);
    for (columns, rows, expected) in [(80, 24, 6), (50, 20, 4), (40, 12, 3)] {
        cockpit.tell(Msg::Resize { columns, rows });
        let all = cockpit.footer();
        assert_eq!(
            (all[0].as_str(), all[1].as_str(), all.len()),
            ("R roll back gateway", "H hold", expected),
            "{columns}: {all:?}"
        );
    }
    cockpit.tell(Msg::Resize { columns: 140, rows: 40 });
    cockpit.hear(vec![canary(held())]);
    assert_eq!(first(&cockpit, 2), ["R roll back gateway", "N resume"]);
    cockpit.hear(vec![canary(promoted())]);
    let dead = ["R roll back gateway", "H hold (not now)", "P promote (not now)", "F →100% (not now)"];
    assert_eq!(first(&cockpit, 4), dead);
}

#[test]
fn the_mouse_presses_hints_fields_and_buttons() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    let middle = |area: ratatui::layout::Rect| (area.x + area.width / 2, area.y);
    let hints = cockpit.state.layout().unwrap().hints;
    cockpit.click(middle(hints[0].area));
    assert_eq!(cockpit.dialog().verb, Verb::RollBack);
    let page = cockpit.state.layout().unwrap().page.unwrap();
    let row = page.rows.iter().position(|row| row.label == "reason").unwrap();
    cockpit.click((page.inside.x + 12, page.inside.y + u16::try_from(row).unwrap()));
    assert_eq!(cockpit.dialog().focus, Focus::Reason);
    // Beside the window, and on the screen's own keys, nothing happens: what was typed stays.
    cockpit.click((1, 0));
    cockpit.click((1, 20));
    let cancel = cockpit.state.layout().unwrap().page.unwrap().buttons[0].area;
    let confirm = cockpit.state.layout().unwrap().page.unwrap().buttons[1].area;
    assert!(cockpit.state.dialog().is_some());
    cockpit.click(middle(cancel));
    assert_eq!(cockpit.state.overlay, None);
    cockpit.opens("R");
    assert_eq!(acts(cockpit.click(middle(confirm))).len(), 1);
}

#[test]
fn acting_keys_work_from_help_and_log_and_not_over_the_choice_of_environments() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    assert_eq!(cockpit.acts("?R<enter>").len(), 1);
    let mut cockpit = Cockpit::on(gateway(json!({})));
    assert_eq!(cockpit.acts("!R<enter>").len(), 1);
    let mut cockpit = Cockpit::on(gateway(json!({})));
    cockpit.press("eR");
    assert!(matches!(cockpit.state.overlay, Some(Overlay::Environments(_))));
}

#[test]
fn every_acting_command_has_a_verb_and_no_other_has_one() {
    for entry in &pilothouse::input::COMMANDS {
        let guards = entry.command == Command::Guard;
        assert_eq!(entry.command.verb().is_some() || guards, entry.command.acts(), "{}", entry.id);
    }
    assert_eq!(Command::RollBack.verb(), Some(Verb::RollBack));
}
