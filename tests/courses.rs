//! After the key: marks that fill, refusals that keep what was typed, the watch, the receipt; and that nothing but a confirmed dialog
//! makes an act, whatever happens in which order.

use jiff::SignedDuration;
use pilothouse::app::notice::Tone;
use pilothouse::app::page::Sign;
use pilothouse::app::{Effect, Mouse, MouseKind, Msg, Overlay};
use pilothouse::config::{Settings, Write};
use pilothouse::domain::action::{Act, Outcome, Report, Ticket, What};
use pilothouse::domain::fact::{Fact, Health, Link, News};
use pilothouse::domain::id::{Key, Kind};
use pilothouse::input::{Code, KeyPress};
use proptest::prelude::*;
use serde_json::json;

use crate::support::cockpit::{
    Cockpit, PROD, aborted, allowed, analysed, canary, gateway, held, now, owned, podinfo, promoted, settings,
};

fn rolling_back(over: serde_json::Value) -> (Cockpit, Act) {
    let mut cockpit = Cockpit::on(gateway(over));
    let act = cockpit.acts("R<enter>").remove(0);
    (cockpit, act)
}

fn line(cockpit: &Cockpit) -> (Sign, String) {
    let line = cockpit.state.act_lines().into_iter().next().expect("a line");
    (line.sign, format!("{}: {}", line.name, line.words))
}

fn newest_notice(cockpit: &Cockpit) -> (Tone, String) {
    let notice = cockpit.state.environment().notices.lines().next().unwrap();
    (notice.tone, notice.text.to_string())
}

#[test]
fn marks_fill_in_their_order_with_the_time_each_took() {
    let (mut cockpit, act) = rolling_back(json!({}));
    assert!(cockpit.window().contains("being recorded"), "{}", cockpit.window());
    let at = |millis: i64| now() + SignedDuration::from_millis(1_000 + millis);
    let mut report = |millis: i64, what| cockpit.tell(Msg::Acted(Report { act: act.number, at: at(millis), what }));
    report(40, What::Recorded("2026-03/41".to_owned()));
    report(60, What::Sent(0));
    report(190, What::Accepted(0));
    report(900, What::Progress(1, "canary still has 25 % of the traffic".to_owned()));
    cockpit.wait(2);
    let window = cockpit.window();
    assert!(window.contains("recorded as 2026-03/41 0.0 s"), "{window}");
    assert!(window.contains("1 abort rev 14: traffic to rev 13 at once 1.9 s"), "{window}");
    assert!(window.contains("sent 0.0 s → accepted 0.1 s → canary still has 25 % of the traffic"), "{window}");
    assert!(window.contains("2 restore the template of rev 13: ends healthy"), "{window}");
    assert_eq!(line(&cockpit), (Sign::Running, "gateway: rolling back · canary still has 25 % of the traffic".to_owned()));
    cockpit.tell(Msg::Acted(Report { act: act.number, at: at(2_190), what: What::Observed(1) }));
    assert!(cockpit.window().contains("accepted 0.1 s → observed 2.0 s"), "{}", cockpit.window());
    cockpit.tell(Msg::Acted(Report { act: 99, at: at(3_000), what: What::Ended(Outcome::Refused("another's".to_owned())) }));
    assert!(cockpit.marks());
}

#[test]
fn without_progress_a_mark_turns_red_and_says_what_to_look_at() {
    let (mut cockpit, act) = rolling_back(json!({}));
    cockpit.wait(30);
    assert!(cockpit.window().contains("being recorded for 0:30"), "{}", cockpit.window());
    cockpit.report(&act, What::Recorded("41".to_owned()));
    cockpit.report(&act, What::Sent(0));
    cockpit.wait(29);
    assert!(!cockpit.window().contains("no progress"));
    cockpit.wait(1);
    assert!(cockpit.window().contains("no progress for 0:30"), "{}", cockpit.window());
    cockpit.report(&act, What::Stuck(0, "the events of the rollout".to_owned()));
    assert!(cockpit.window().contains(": the events of the rollout"), "{}", cockpit.window());
    assert_eq!(line(&cockpit), (Sign::Bad, "gateway: rolling back · the events of the rollout".to_owned()));
    // Flagger looks once a minute: two of its ticks are borne.
    let mut cockpit = Cockpit::on(vec![podinfo("Progressing")]);
    let act = cockpit.acts("R<enter>").remove(0);
    cockpit.report(&act, What::Sent(0));
    cockpit.wait(119);
    assert!(!cockpit.window().contains("no progress"));
    cockpit.wait(1);
    assert!(cockpit.window().contains("no progress for 2:00"), "{}", cockpit.window());
}

#[test]
fn what_nobody_knows_is_said_to_be_unknown() {
    let (mut cockpit, act) = rolling_back(json!({}));
    cockpit.report(&act, What::Recorded("41".to_owned()));
    cockpit.report(&act, What::Sent(0));
    cockpit.report(&act, What::Unknown(0, "connection reset".to_owned()));
    assert!(cockpit.window().contains("the answer was lost (connection reset)"), "{}", cockpit.window());
    assert_eq!(line(&cockpit).0, Sign::Unknown);
    cockpit.report(&act, What::Ended(Outcome::Undetermined("the rollout cannot be read".to_owned())));
    assert!(cockpit.marks() && cockpit.window().contains("nobody knows what came of it: the rollout cannot be read"));
    assert_eq!(newest_notice(&cockpit).0, Tone::Warn);
}

#[test]
fn hidden_marks_stay_as_a_line_and_come_back() {
    let (mut cockpit, act) = rolling_back(json!({}));
    cockpit.report(&act, What::Recorded("41".to_owned()));
    cockpit.press("<esc>");
    assert_eq!((cockpit.state.overlay.as_ref(), line(&cockpit).1.as_str()), (None, "gateway: rolling back · recorded"));
    assert_eq!(cockpit.acts("R"), []);
    assert!(cockpit.marks());
    cockpit.press("<esc><tab><tab><enter>");
    assert!(cockpit.marks());
    cockpit.press("<enter>");
    assert_eq!(cockpit.state.overlay, None);
}

#[test]
fn a_refusal_keeps_the_dialog_and_what_was_typed() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    cockpit.opens_allowed("P");
    let act = cockpit.acts("gates green<ctrl-s>").remove(0);
    cockpit.report(&act, What::Recorded("41".to_owned()));
    cockpit.report(&act, What::Sent(0));
    let why = "refused: somebody moved it to step 3. Look again and decide anew.";
    cockpit.report(&act, What::Ended(Outcome::Refused(why.to_owned())));
    assert_eq!((cockpit.dialog().reason.text(), cockpit.dialog().refusal.as_deref()), ("gates green", Some(why)));
    assert!(cockpit.window().contains("somebody moved it to step 3"), "{}", cockpit.window());
    assert_eq!((newest_notice(&cockpit).0, cockpit.press("").contains(&Effect::Bell)), (Tone::Bad, true));
    let again = cockpit.acts("<enter>").remove(0);
    assert!(again.number > act.number);
}

#[test]
fn nobody_is_interrupted_by_a_refusal() {
    let (mut cockpit, act) = rolling_back(json!({}));
    cockpit.press("<esc>/web");
    cockpit.report(&act, What::Ended(Outcome::NotSent("the connection is down".to_owned())));
    assert_eq!(cockpit.state.overlay, Some(Overlay::Filter));
    cockpit.press("<esc>");
    assert_eq!(line(&cockpit), (Sign::Bad, "gateway: not rolled back: the connection is down".to_owned()));
    cockpit.press("R");
    assert_eq!(cockpit.dialog().refusal.as_deref(), Some("the connection is down"));
}

#[test]
fn what_was_changed_before_a_refusal_is_not_asked_again() {
    let (mut cockpit, act) = rolling_back(json!({}));
    cockpit.report(&act, What::Recorded("41".to_owned()));
    cockpit.report(&act, What::Sent(0));
    cockpit.report(&act, What::Accepted(0));
    cockpit.report(&act, What::Ended(Outcome::Refused("restoring the template is forbidden".to_owned())));
    assert!(cockpit.marks() && cockpit.window().contains("not rolled back: restoring the template is forbidden"));
}

#[test]
fn without_a_record_going_back_asks_once() {
    let (mut cockpit, act) = rolling_back(json!({}));
    cockpit.report(&act, What::Ended(Outcome::NotRecorded("no space left on device.".to_owned())));
    let window = cockpit.window();
    assert!(window.contains("no space left on device. Go back without a record?"), "{window}");
    assert!(window.contains("[⏎ roll back without a record]"), "{window}");
    let again = cockpit.acts("<enter>").remove(0);
    assert!(again.unrecorded && !act.unrecorded && again.seen == act.seen);
    // Forward there is no such thing.
    let mut cockpit = Cockpit::on(gateway(json!({})));
    cockpit.opens_allowed("P");
    let act = cockpit.acts("why<ctrl-s>").remove(0);
    cockpit.report(&act, What::Ended(Outcome::NotRecorded("no space left on device".to_owned())));
    assert!(!cockpit.acts("<enter>").remove(0).unrecorded);
}

#[test]
fn another_cluster_shows_both_and_how_to_trust_it() {
    let (mut cockpit, act) = rolling_back(json!({}));
    cockpit.report(&act, What::Ended(Outcome::OtherCluster("prod was 1a2b and is 3c4d.".to_owned())));
    assert!(cockpit.window().contains("prod was 1a2b and is 3c4d.") && cockpit.window().contains("trust this"));
}

/// Facts as they follow a way back: aborted, then stable's template.
fn back_at_stable() -> News {
    let mut over = promoted();
    over["status"]["currentPodHash"] = "good".into();
    over["status"]["stableRS"] = "good".into();
    over["spec"] = json!({"template": {"spec": {"containers": [{"name": "app", "image": "registry.example/gateway:v1.2.9"}]}}});
    canary(over)
}

#[test]
fn a_way_back_stays_on_watch_for_five_minutes() {
    let (mut cockpit, act) = rolling_back(json!({}));
    cockpit.succeeds(&act);
    cockpit.hear(vec![back_at_stable()]);
    assert_eq!(line(&cockpit), (Sign::Waiting, "gateway: rolled back · held 0:00".to_owned()));
    for _ in 0..252 {
        cockpit.wait(1);
    }
    assert_eq!(line(&cockpit).1, "gateway: rolled back · held 4:12");
    assert!(cockpit.window().contains("held 4:12 of 5:00: on watch"), "{}", cockpit.window());
    cockpit.wait(48);
    assert_eq!(newest_notice(&cockpit), (Tone::Good, "rolled back and held for five minutes".to_owned()));
    assert!(cockpit.state.act_lines().is_empty() && cockpit.window().contains("held 5:00"));
}

#[test]
fn what_comes_back_is_said_at_once_and_rings() {
    for over in [json!({}), json!({"status": {"currentPodHash": "again"}})] {
        let (mut cockpit, act) = rolling_back(json!({}));
        cockpit.succeeds(&act);
        cockpit.hear(vec![back_at_stable()]);
        cockpit.wait(7);
        cockpit.live();
        cockpit.press("");
        cockpit.hear(vec![canary(over)]);
        assert!(cockpit.press("").contains(&Effect::Bell));
        let (tone, words) = newest_notice(&cockpit);
        assert!(tone == Tone::Bad && words.starts_with("gateway:v1.3.0 is back: rev 14"), "{words}");
        assert_eq!(line(&cockpit).0, Sign::Bad);
        assert!(
            cockpit.window().contains("gateway:v1.3.0 is back") && cockpit.window().contains("after 0:07"),
            "{}",
            cockpit.window()
        );
        // Said once.
        let told = cockpit.state.environment().notices.lines().len();
        cockpit.wait(1);
        assert_eq!(cockpit.state.environment().notices.lines().len(), told);
        // And the way back is open again.
        assert_eq!(cockpit.acts("R<enter>").len(), 1);
    }
}

#[test]
fn what_is_known_may_be_older_than_the_act_and_is_no_return() {
    let (mut cockpit, act) = rolling_back(json!({}));
    cockpit.report(&act, What::Recorded("41".to_owned()));
    cockpit.report(&act, What::Ended(Outcome::Observed("traffic off the new revision".to_owned())));
    // The watch still shows the canary from before.
    cockpit.hear(vec![canary(json!({}))]);
    assert_eq!(line(&cockpit).0, Sign::Waiting);
    cockpit.hear(vec![canary(aborted())]);
    cockpit.wait(5);
    assert_eq!(line(&cockpit).0, Sign::Waiting);
    // Where nothing newer comes in time, it is what is there.
    let (mut cockpit, act) = rolling_back(json!({}));
    cockpit.report(&act, What::Ended(Outcome::Observed(String::new())));
    cockpit.wait(3);
    assert_eq!(line(&cockpit).0, Sign::Bad);
}

#[test]
fn another_act_ends_the_watch() {
    let (mut cockpit, act) = rolling_back(owned());
    cockpit.succeeds(&act);
    let mut over = aborted();
    over["metadata"] = owned()["metadata"].clone();
    cockpit.hear(vec![canary(over)]);
    cockpit.press("<esc>");
    cockpit.opens_allowed("T");
    let retry = cockpit.acts("it was the proxy<ctrl-s>").remove(0);
    cockpit.report(&retry, What::Accepted(0));
    cockpit.live();
    cockpit.hear(vec![canary(json!({}))]);
    assert_ne!(newest_notice(&cockpit).0, Tone::Bad);
    assert_eq!(line(&cockpit).1, "gateway: retrying · accepted");
}

#[test]
fn holding_is_not_watched_and_leaves_a_line_for_a_minute() {
    let mut cockpit = Cockpit::on(gateway(json!({})));
    let act = cockpit.acts("H<enter>").remove(0);
    cockpit.succeeds(&act);
    assert_eq!(line(&cockpit).0, Sign::Good);
    cockpit.wait(61);
    assert!(cockpit.state.act_lines().is_empty());
}

#[test]
fn the_receipt_says_only_what_was_seen() {
    let mut settings = settings();
    settings.environments[0].policy.ticket_required = true;
    let mut cockpit = Cockpit::with(&settings, gateway(json!({})));
    let review = cockpit.opens("R");
    cockpit.answer(&review, allowed(&review));
    let act = cockpit.acts("<enter>").remove(0);
    assert_eq!((act.ticket.clone(), cockpit.press("y")), (Ticket::Owed, Vec::new()));
    cockpit.succeeds(&act);
    cockpit.wait(10);
    let copied = cockpit.press("y");
    let expected = "**Rolled back `shop/gateway`** in `prod`\n\n\
        - pressed: 2026-03-02 14:03:23 UTC by dana in prod\n\
        - versions: gateway:v1.3.0 → rev 13 (gateway:v1.2.9)\n\
        - traffic: off the bad revision after 1.0 s\n\
        - observed: after 2.0 s: traffic off the new revision\n\
        - held: 0:10\n\
        - reason: operator decision, no metrics\n\
        - record: 2026-03/41\n\
        - owed: a ticket\n";
    assert_eq!(copied, [Effect::Copy(expected.to_owned())]);
    assert!(cockpit.window().contains("versions  gateway:v1.3.0 → rev 13 (gateway:v1.2.9)"), "{}", cockpit.window());
}

#[test]
fn the_newest_act_comes_first_and_tab_shows_the_others() {
    let (mut cockpit, back) = rolling_back(json!({}));
    cockpit.press("<esc>");
    let hold = cockpit.acts("H<enter>").remove(0);
    let shown = |cockpit: &Cockpit| match cockpit.state.overlay {
        Some(Overlay::Marks(marks)) => marks.act,
        _ => 0,
    };
    assert_eq!(shown(&cockpit), hold.number);
    cockpit.press("<tab>");
    assert_eq!(shown(&cockpit), back.number);
    assert_eq!(cockpit.state.act_lines().len(), 2);
}

/// Any message, sensible or not.
fn any_msg() -> impl Strategy<Value = Msg> {
    let over = prop::sample::select(vec![json!({}), promoted(), aborted(), held(), analysed(), owned()]);
    let step = (0_i64..6).prop_map(|step| json!({"status": {"currentStepIndex": step}}));
    let hash = prop::sample::select(vec!["bad", "worse"]).prop_map(|hash| json!({"status": {"currentPodHash": hash}}));
    let news = prop_oneof![4 => over, 1 => step, 1 => hash].prop_map(canary);
    let fact = |news| Msg::Facts(vec![Fact { environment: PROD, epoch: 1, news }]);
    let keys = "PFHNARTXSIEPFHNARPRH123y because=:jk?!";
    let letters = prop::sample::select(keys.chars().map(Code::Char).collect::<Vec<_>>());
    let codes = [
        Code::Enter,
        Code::Enter,
        Code::Enter,
        Code::Esc,
        Code::Tab,
        Code::Backspace,
        Code::PageDown,
        Code::Up,
        Code::Down,
        Code::Left,
    ];
    let code = prop_oneof![3 => letters, 3 => prop::sample::select(codes.to_vec())];
    let key = (code, prop::bool::weighted(0.05), prop::bool::weighted(0.05));
    let saves = Just(Msg::Key(KeyPress::ctrl('s')));
    let health = prop_oneof![8 => Just(Link::Up { millis: 1 }), 1 => Just(Link::Down { reason: "refused".to_owned() })];
    let what = prop_oneof![
        Just(What::Recorded("1".to_owned())),
        Just(What::Sent(0)),
        Just(What::Accepted(0)),
        Just(What::Observed(1)),
        Just(What::Stuck(7, "x".to_owned())),
        Just(What::Ended(Outcome::Observed(String::new()))),
        Just(What::Ended(Outcome::Refused("no".to_owned()))),
        Just(What::Ended(Outcome::NotRecorded("full".to_owned()))),
        Just(What::Ended(Outcome::OtherCluster("both".to_owned()))),
    ];
    prop_oneof![
        20 => key.prop_map(|(code, ctrl, alt)| Msg::Key(KeyPress { code, ctrl, alt, shift: false })),
        5 => saves,
        3 => news.prop_map(fact),
        1 => Just(fact(News::Gone(Key::new(Kind::Rollout, "shop", "gateway")))),
        2 => health.prop_map(move |state| fact(News::Health(Health { at: now(), state, clock_skew_ms: 0 }))),
        3 => (0_i64..8).prop_map(|seconds| Msg::Tick(now() + SignedDuration::from_secs(seconds))),
        1 => (0_i64..400).prop_map(|seconds| Msg::Tick(now() + SignedDuration::from_secs(seconds))),
        1 => (0_u16..150, 0_u16..50).prop_map(|(columns, rows)| Msg::Resize { columns, rows }),
        2 => "[a-z\n]{0,12}".prop_map(Msg::Paste),
        2 => (0_u16..150, 0_u16..45).prop_map(|(column, row)| Msg::Mouse(Mouse { what: MouseKind::Press, column, row })),
        4 => (0_u64..12, what).prop_map(|(act, what)| Msg::Acted(Report { act, at: now(), what })),
    ]
}

/// What the open dialog asked last, answered; sometimes it is another dialog's answer.
fn answered(cockpit: &mut Cockpit, asked: &[pilothouse::app::Review], kind: u8) {
    let Some(review) = asked.last() else { return };
    let mut answer = allowed(review);
    match kind {
        0 => answer.permissions.iter_mut().for_each(|permission| permission.allowed = Ok(false)),
        1 => answer.other_cluster = Some("another".to_owned()),
        2 => answer.unrecordable = Some("full".to_owned()),
        _ => {}
    }
    cockpit.answer(review, answer);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// An act leaves the core only through a dialog that is open, about that release in that state, on a key or a press that confirms,
    /// and forward with a reason, on live data and allowed; and never where nothing may be changed.
    #[test]
    fn no_sequence_of_messages_acts_without_a_confirmed_dialog(msgs in prop::collection::vec((any_msg(), 0_u8..12), 0..120), locked in 0_u8..6) {
        let mut settings = Settings { readonly: locked == 0, ..settings() };
        if locked == 1 {
            settings.environments[0].write = Write::Never;
        }
        let mut cockpit = Cockpit::with(&settings, gateway(json!({})));
        let mut asked = Vec::new();
        for (msg, kind) in msgs {
            if kind < 6 {
                answered(&mut cockpit, &asked, kind);
            }
            let before = cockpit.state.dialog().cloned();
            let live = cockpit.state.freshness().is_live();
            let confirms = matches!(&msg, Msg::Mouse(_)) || matches!(&msg, Msg::Key(key) if matches!(key.canonical().code, Code::Enter | Code::Char('s')));
            let shown = cockpit.state.layout().is_some();
            cockpit.effects.clear();
            cockpit.tell(msg);
            let effects = cockpit.press("");
            let mut acts = 0;
            for effect in effects {
                match effect {
                    Effect::Review(review) => asked.push(*review),
                    Effect::Act(act) => {
                        acts += 1;
                        prop_assert!(locked > 1 && confirms && shown);
                        let dialog = before.as_ref().expect("a dialog");
                        prop_assert_eq!(&act.environment, &dialog.environment);
                        prop_assert_eq!(&act.seen, &dialog.seen);
                        prop_assert_eq!(Some(&act.plan), dialog.plan());
                        prop_assert_eq!(act.plan.verb, dialog.verb);
                        prop_assert!(act.plan.writes() && !act.reason.trim().is_empty());
                        prop_assert!(!act.unrecorded || (act.plan.verb.is_back() && dialog.unrecorded));
                        let now = cockpit.state.environment().found(dialog.key(), cockpit.state.now).expect("it is there").seen();
                        if act.plan.verb.is_back() {
                            prop_assert_eq!(act.seen.other_release(&now), None);
                        } else {
                            prop_assert_eq!(act.seen.moved(&now), None);
                            prop_assert!(live && dialog.review.as_ref().is_some_and(|review| review.other_cluster.is_none() && review.unrecordable.is_none()));
                            let review = dialog.review.as_ref().expect("a review");
                            prop_assert!(dialog.needs(&act.plan).iter().all(|access| review.answer(access) == Some(&Ok(true))));
                        }
                    }
                    _ => {}
                }
            }
            prop_assert!(acts <= 1);
            prop_assert!(cockpit.state.next_wake() > cockpit.state.now);
        }
    }
}
