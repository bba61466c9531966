//! Dialogs, marks and receipts as pictures, at four sizes, in colour and without. `LOOK=folder cargo test dialogs` writes PNGs too.

use jiff::SignedDuration;
use pilothouse::app::Msg;
use pilothouse::config::{Confirm, Environment, Pattern, Policy, Settings, Tier};
use pilothouse::domain::action::{Act, Memory, Outcome, Owner, Sync, What};
use pilothouse::domain::fact::{Health, Link, News};
use pilothouse::domain::id::EnvironmentId;
use pilothouse::ui;
use pilothouse::ui::theme::{Depth, Theme, built_in};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use serde_json::json;

use crate::support::cockpit::{Cockpit, allowed, canary, gateway, owned, promoted};
use crate::support::company::Company;
use crate::support::picture::picture;

const SIZES: [(u16, u16); 4] = [(200, 60), (140, 40), (80, 24), (40, 12)];

fn settings(policy: Policy) -> Settings {
    let name = "prod-us-east-1".to_owned();
    let environment = Environment { context: Some(name.clone()), name, tier: Tier::Prod, policy, ..Environment::current() };
    Settings { environments: vec![environment], ..Settings::default() }
}

/// A company's afternoon.
fn company(policy: Policy) -> Cockpit {
    let mut cockpit = Cockpit::new(&settings(policy));
    cockpit.tell(Msg::Facts(Company::all().facts(EnvironmentId(0))));
    cockpit.wait(1);
    cockpit
}

/// One gateway under Argo CD, 25 % on a canary that goes bad.
fn shop(over: serde_json::Value) -> Cockpit {
    Cockpit::with(&settings(Policy::default()), gateway(over))
}

fn drawn(cockpit: &Cockpit, theme: &Theme) -> Buffer {
    let size = cockpit.state.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.width, size.height));
    ui::draw(&cockpit.state, theme, &mut buffer);
    buffer
}

fn check(name: &str, cockpit: &mut Cockpit, sizes: &[(u16, u16)], theme: &Theme) {
    for (columns, rows) in sizes.iter().copied() {
        cockpit.tell(Msg::Resize { columns, rows });
        let buffer = drawn(cockpit, theme);
        let name = format!("{name}_{columns}x{rows}");
        if let Ok(folder) = std::env::var("LOOK") {
            let ground = ui::export::Ground::of(theme.mode);
            std::fs::write(format!("{folder}/{name}.png"), ui::export::png(&buffer, &ground).unwrap()).unwrap();
        }
        insta::assert_snapshot!(name, picture(&buffer));
    }
}

fn plain(ascii: bool) -> Theme {
    let mut theme = Theme::parse("harbor", built_in("harbor").unwrap(), Depth::None).unwrap();
    theme.ascii = ascii;
    theme
}

/// The dialog of a rollback under an owner, everything known.
fn rolling_back() -> Cockpit {
    let mut cockpit = shop(owned());
    let review = cockpit.opens("R");
    let mut answer = allowed(&review);
    answer.memory =
        Memory { owner: Owner { sync: Sync::Automatic, application: Some(("argocd".into(), "shop".into())) }, ..Memory::default() };
    cockpit.effects.clear();
    cockpit.answer(&review, answer.clone());
    if let [pilothouse::app::Effect::Review(again)] = cockpit.press("").as_slice() {
        let again = pilothouse::domain::action::Reviewed { memory: answer.memory, ..allowed(again) };
        cockpit.answer(&review, again);
    }
    cockpit
}

#[test]
fn rolling_back_under_an_owner() {
    let mut cockpit = rolling_back();
    check("dialog_back", &mut cockpit, &SIZES, &Theme::default());
    cockpit.press("<tab>");
    check("dialog_draft", &mut cockpit, &[(80, 24)], &Theme::default());
    cockpit.press("<tab>");
    check("dialog_sync", &mut cockpit, &[(140, 40), (40, 12)], &Theme::default());
    cockpit.press("<pagedown>");
    check("dialog_scrolled", &mut cockpit, &[(40, 12)], &Theme::default());
}

#[test]
fn promoting_in_a_company() {
    let mut cockpit = company(Policy::default());
    cockpit.press("/orders<enter>");
    let review = cockpit.opens("P");
    check("dialog_opened", &mut cockpit, &[(140, 40)], &Theme::default());
    cockpit.answer(&review, allowed(&review));
    cockpit.press("checkout errors are back to normal after the cache was warmed");
    check("dialog_forward", &mut cockpit, &SIZES, &Theme::default());
}

#[test]
fn a_gate_in_the_way_and_its_override() {
    let mut cockpit = Cockpit::measured(0.018);
    cockpit.opens_allowed("P");
    check("dialog_gated", &mut cockpit, &[(140, 40), (80, 24), (40, 12)], &Theme::default());
    cockpit.press("<esc>");
    cockpit.opens_allowed("O");
    cockpit.press("the errors are those of the load test");
    check("dialog_override", &mut cockpit, &[(140, 40), (80, 24), (40, 12)], &Theme::default());
    cockpit.press("<esc>R");
    check("dialog_evidence", &mut cockpit, &[(80, 24)], &Theme::default());
    let act = cockpit.acts("<enter>").remove(0);
    cockpit.succeeds(&act);
    cockpit.wait(10);
    cockpit.errors(0.018, 0.002);
    cockpit.wait(1);
    check("marks_recovered", &mut cockpit, &[(140, 40), (80, 24)], &Theme::default());
}

#[test]
fn a_policy_that_asks_for_much() {
    let policy = Policy {
        reason_min_length: 20,
        ticket_pattern: Some(Pattern::read("INC-[0-9]+").unwrap()),
        ticket_required: true,
        presets: vec!["planned release".into(), "hotfix".into(), "configuration only".into()],
        confirm: Confirm::Name,
    };
    let mut cockpit = company(policy);
    cockpit.press("/orders<enter>");
    cockpit.opens_allowed("F");
    cockpit.press("release train 14,<alt-enter>signed off by the shop team");
    check("dialog_policy", &mut cockpit, &[(140, 40), (80, 24), (40, 12)], &Theme::default());
}

#[test]
fn choosing_where_to_go_back_to() {
    let mut cockpit = shop(promoted());
    cockpit.opens_allowed("R");
    check("dialog_choose", &mut cockpit, &[(140, 40), (80, 24), (40, 12)], &Theme::default());
}

#[test]
fn what_keeps_a_dialog_from_being_confirmed() {
    let mut cockpit = shop(json!({}));
    let review = cockpit.opens("P");
    let mut answer = allowed(&review);
    answer.permissions[0].allowed = Ok(false);
    answer.unrecordable = Some("/var/lib/pilothouse/ledger: no space left on device.".to_owned());
    cockpit.answer(&review, answer);
    cockpit.press("gates green");
    check("dialog_denied", &mut cockpit, &[(80, 24)], &Theme::default());
    cockpit.hear(vec![canary(json!({"status": {"currentStepIndex": 2, "pauseConditions": null, "controllerPause": null}}))]);
    check("dialog_moved", &mut cockpit, &[(80, 24), (40, 12)], &Theme::default());
    let mut cockpit = shop(json!({}));
    cockpit.opens_allowed("I");
    cockpit.press("<backspace>1");
    check("dialog_image", &mut cockpit, &[(80, 24)], &Theme::default());
    let mut cockpit = shop(json!({}));
    let act = cockpit.acts("R<enter>").remove(0);
    cockpit.report(&act, What::Ended(Outcome::NotRecorded("no space left on device.".to_owned())));
    check("dialog_unrecorded", &mut cockpit, &[(80, 24)], &Theme::default());
}

/// An act under way: aborted, and the restored template is starting its pods.
fn under_way() -> (Cockpit, Act) {
    let mut cockpit = shop(json!({}));
    let review = cockpit.opens("R");
    cockpit.answer(&review, allowed(&review));
    let act = cockpit.acts("<enter>").remove(0);
    let at = |millis: i64| cockpit.state.now + SignedDuration::from_millis(millis);
    let reports = [
        (38, What::Recorded("2026-03/41".to_owned())),
        (52, What::Sent(0)),
        (181, What::Accepted(0)),
        (900, What::Progress(1, "canary still has 10 % of the traffic".to_owned())),
        (2_240, What::Observed(1)),
        (2_290, What::Sent(2)),
        (2_410, What::Accepted(2)),
        (4_000, What::Progress(3, "6 of 10 pods are there".to_owned())),
    ];
    let reports: Vec<_> = reports.into_iter().map(|(millis, what)| (at(millis), what)).collect();
    for (at, what) in reports {
        cockpit.tell(Msg::Acted(pilothouse::domain::action::Report { act: act.number, at, what }));
    }
    cockpit.wait(14);
    cockpit.live();
    (cockpit, act)
}

#[test]
fn marks_as_they_fill() {
    let (mut cockpit, act) = under_way();
    check("marks", &mut cockpit, &SIZES, &Theme::default());
    cockpit.press("<esc>");
    check("marks_hidden", &mut cockpit, &[(140, 40), (80, 24)], &Theme::default());
    cockpit.press("R");
    cockpit.report(&act, What::Stuck(3, "pod gateway-good-x2k9q waits for its image: ErrImagePull".to_owned()));
    cockpit.wait(31);
    check("marks_stuck", &mut cockpit, &[(140, 40), (40, 12)], &Theme::default());
}

#[test]
fn what_came_of_it() {
    let (mut cockpit, act) = under_way();
    cockpit.report(&act, What::Observed(3));
    cockpit.report(&act, What::Ended(Outcome::Observed("rev 13 is stable and healthy".to_owned())));
    let mut good = promoted();
    good["status"]["currentPodHash"] = "good".into();
    good["status"]["stableRS"] = "good".into();
    good["spec"] = json!({"template": {"spec": {"containers": [{"name": "app", "image": "registry.example/gateway:v1.2.9"}]}}});
    cockpit.hear(vec![canary(good)]);
    cockpit.wait(252);
    cockpit.live();
    check("receipt", &mut cockpit, &SIZES, &Theme::default());
    cockpit.hear(vec![canary(owned())]);
    check("marks_back", &mut cockpit, &[(140, 40), (80, 24)], &Theme::default());
    let (mut cockpit, act) = under_way();
    cockpit.report(&act, What::Unknown(2, "connection reset by peer".to_owned()));
    check("marks_unknown", &mut cockpit, &[(80, 24)], &Theme::default());
}

#[test]
fn without_colour_and_in_ascii() {
    let (mut marks, _) = under_way();
    for (name, cockpit) in [("dialog", &mut rolling_back()), ("marks", &mut marks)] {
        check(&format!("colourless_{name}"), cockpit, &[(80, 24)], &plain(false));
        check(&format!("ascii_{name}"), cockpit, &[(80, 24)], &plain(true));
        assert!(drawn(cockpit, &plain(true)).content.iter().all(|cell| cell.symbol().is_ascii()), "something has no ASCII form");
        let coloured = |cell: &ratatui::buffer::Cell| cell.fg != Color::Reset || cell.bg != Color::Reset;
        assert!(!drawn(cockpit, &plain(false)).content.iter().any(coloured), "something is coloured");
    }
}

#[test]
fn where_nothing_may_be_changed_the_header_says_so() {
    let mut cockpit = Cockpit::with(&Settings { readonly: true, ..settings(Policy::default()) }, gateway(json!({})));
    check("readonly", &mut cockpit, &[(140, 40), (80, 24), (40, 12)], &Theme::default());
}

/// The button and the first line of the plan are there at every size, and the environment is named.
#[test]
fn what_matters_most_is_there_at_every_size() {
    let mut cockpit = rolling_back();
    let mut forward = shop(json!({}));
    forward.opens_allowed("P");
    for columns in (40..200).step_by(7) {
        for rows in 12..44 {
            for (cockpit, button, plan) in
                [(&mut cockpit, "[⏎ roll back]", "1 abort"), (&mut forward, "[⏎ promote", "1 end the pause")]
            {
                cockpit.tell(Msg::Resize { columns, rows });
                let text = ui::export::plain(&drawn(cockpit, &Theme::default()));
                assert!(text.contains(button) && text.contains(plan), "{columns}x{rows}:\n{text}");
                assert!(text.matches("PROD").count() >= 2, "{columns}x{rows}:\n{text}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, ..ProptestConfig::default() })]

    /// Whatever the size, the dialog and what was typed into it: drawing draws.
    #[test]
    fn drawing_never_panics(width in 0_u16..300, height in 0_u16..100, verb in "[PFHNARTXSIE]", typed in ".{0,60}", keys in prop::collection::vec(
        prop::sample::select(vec!["<enter>", "<tab>", "<up>", "<pagedown>", "<alt-enter>", "<left>", "<home>"]), 0..8), confirm: bool, late in 0_i64..400) {
        let (mut cockpit, act) = under_way();
        cockpit.press("<esc>");
        cockpit.tell(Msg::Resize { columns: width, rows: height });
        cockpit.press(&verb);
        cockpit.tell(Msg::Paste(typed));
        for key in keys {
            cockpit.press(key);
        }
        if confirm {
            cockpit.press("<ctrl-s>");
            cockpit.report(&act, What::Ended(Outcome::Refused("x ".repeat(200))));
        }
        let health = Health { at: cockpit.state.now, state: Link::Up { millis: 1 }, clock_skew_ms: 0 };
        cockpit.hear(vec![News::Health(health)]);
        cockpit.wait(late);
        drawn(&cockpit, &Theme::default());
        let mut other = Buffer::empty(Rect::new(0, 0, height, width.min(60)));
        ui::draw(&cockpit.state, &Theme::default(), &mut other);
    }
}
