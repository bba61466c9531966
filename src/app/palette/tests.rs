//! What a typed text finds, and what is then done.

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use ratatui::layout::Size;

use super::*;
use crate::app::{Msg, Screen, update};
use crate::config::{Environment, Settings};
use crate::domain::fact::{Fact, News, Object, Reading};
use crate::domain::id::Kind;
use crate::domain::ledger::{ActedOn, LedgerAct, LedgerView, OwedLine};
use crate::domain::object::{Meta, Rollout, RolloutStatus};
use crate::input::Keymap;

fn env() -> Env {
    Env { themes: vec!["harbor".to_owned(), "daylight".to_owned()], bell: false }
}

fn rollout(namespace: &str, name: &str, phase: &str) -> News {
    let metadata = Meta { namespace: namespace.into(), name: name.into(), uid: name.into(), ..Meta::default() };
    let status =
        RolloutStatus { phase: phase.into(), current_pod_hash: "b".into(), stable_rs: "a".into(), ..RolloutStatus::default() };
    News::Is(Object::Rollout(Arc::new(Rollout { metadata, status, ..Rollout::default() })))
}

fn state(releases: &[(&str, &str, &str)]) -> State {
    let environment = |name: &str| Environment { name: name.to_owned(), ..Environment::current() };
    let settings = Settings { environments: vec![environment("prod"), environment("stage")], ..Settings::default() };
    let keymap = Keymap::built_in("default").unwrap().unwrap();
    let mut state = State::new(&settings, keymap.into(), Size::new(120, 40), Timestamp::UNIX_EPOCH);
    let fact = |news| Fact { environment: EnvironmentId(0), epoch: 1, news };
    let mut facts: Vec<_> = releases.iter().map(|(namespace, name, phase)| fact(rollout(namespace, name, phase))).collect();
    facts.push(fact(News::Reading(Kind::Rollout, Reading::Live)));
    let _ = update(&mut state, &env(), Msg::Facts(facts));
    state
}

fn company() -> State {
    state(&[
        ("shop", "gateway", "Paused"),
        ("shop", "navigate", "Healthy"),
        ("pay", "gateway-admin", "Degraded"),
        ("pay", "checkout", "Healthy"),
        ("pay", "queue", "Healthy"),
    ])
}

fn titles(state: &State, text: &str) -> Vec<String> {
    search::search(state, &env(), text).0.into_iter().map(|choice| choice.title).collect()
}

#[test]
fn what_is_meant_comes_first() {
    let state = company();
    for (text, first) in [
        ("gate", "gateway"),
        ("gateway-a", "gateway-admin"),
        ("gtwy", "gateway"),
        ("pay/gate", "gateway-admin"),
        ("check", "checkout"),
        ("CHECK", "checkout"),
        ("open gate", "open gateway"),
        ("gate open", "open gateway"),
        ("open gateway adm", "open gateway-admin"),
        ("copy check", "copy checkout"),
        ("what check", "what is in checkout"),
        ("what is in it", "what is in gateway-admin"),
        ("op pay/check", "open checkout"),
        ("q", "quit"),
        ("quit", "quit"),
        ("stage", "environment stage"),
        ("env stage", "environment stage"),
        ("dayl", "theme daylight"),
        ("theme", "theme"),
        ("ledg", "Ledger"),
        ("fresh", "refresh-none"),
    ] {
        let found = titles(&state, text);
        if first == "refresh-none" {
            assert!(found.is_empty(), "{text}: {found:?}");
        } else {
            assert_eq!(found.first().map(String::as_str), Some(first), "{text}: {found:?}");
        }
    }
}

#[test]
fn only_commands_about_a_release_combine_with_one() {
    let state = company();
    let found = titles(&state, "theme check");
    assert!(found.iter().all(|title| !title.contains("checkout")), "{found:?}");
    let found = search::search(&state, &env(), "o check").0;
    let about = |what: &What| if let What::Run(command, Some(_)) = what { command.takes_release() } else { true };
    assert!(found.iter().any(|choice| choice.title == "open checkout") && found.iter().all(|choice| about(&choice.what)));
}

#[test]
fn without_a_text_every_command_is_there_and_what_moves_is_not() {
    let state = company();
    let found = titles(&state, "");
    assert_eq!(found[..3], ["open gateway-admin", "copy gateway-admin", "what is in gateway-admin"]);
    for title in ["zoom", "Ledger", "ticket", "quit", "filter"] {
        assert!(found.iter().any(|found| found == title), "{title}");
    }
    for title in ["up", "next pane", "command"] {
        assert!(found.iter().all(|found| found != title), "{title}");
    }
    // On a screen that shows no release, none is meant.
    let mut elsewhere = company();
    elsewhere.screen = Screen::Ledger;
    assert!(titles(&elsewhere, "").contains(&"what is in it".to_owned()));
}

#[test]
fn letters_that_were_typed_are_known() {
    let state = company();
    let choice =
        |text: &str, title: &str| search::search(&state, &env(), text).0.into_iter().find(|one| one.title == title).unwrap();
    assert_eq!(choice("gate", "gateway").typed, [0, 1, 2, 3]);
    assert_eq!(choice("op gate", "open gateway").typed, [0, 1, 5, 6, 7, 8]);
    assert_eq!(choice("gate what", "what is in gateway").typed, [0, 1, 2, 3, 11, 12, 13, 14]);
}

fn owing() -> State {
    let mut state = company();
    let act = |id: &str, name: &str| LedgerAct {
        act: id.into(),
        environment: "prod".into(),
        object: ActedOn { kind: "Rollout".into(), namespace: "shop".into(), name: name.into(), ..ActedOn::default() },
        verb: "rollback".into(),
        ..LedgerAct::default()
    };
    let owes = |id: &str| OwedLine { act: Some(id.into()), what: "ticket".into(), since: Timestamp::UNIX_EPOCH };
    let view =
        LedgerView { acts: vec![act("b2", "gateway"), act("a1", "checkout")], owed: vec![owes("a1"), owes("b2")], problem: None };
    let _ = update(&mut state, &env(), Msg::Ledger(Box::new(view)));
    state
}

#[test]
fn a_ticket_settles_the_newest_act_or_the_one_that_is_named() {
    let state = owing();
    let settles = |text: &str| -> Vec<String> {
        let found = search::search(&state, &env(), text).0.into_iter();
        found.map(|choice| if let What::Settle { act, .. } = choice.what { act.into() } else { choice.title }).collect()
    };
    assert_eq!(settles("ticket INC-123"), ["b2", "a1"]);
    assert_eq!(settles("TICKET INC-123 check"), ["a1"]);
    assert_eq!(settles("ticket INC-123 a1"), ["a1"]);
    assert_eq!(settles("ticket INC-123 zzz"), ["ticket"]);
    assert_eq!(titles(&state, "ticket INC-123")[0], "ticket INC-123 for roll back gateway");
    assert_eq!(titles(&state, "ticket"), ["ticket"]);
    let ticket = What::Run(Command::Ticket, None);
    assert_eq!(refusal(&state, &ticket).as_deref(), Some("type the ticket after it: ticket INC-123"));
    assert_eq!(refusal(&company(), &ticket).as_deref(), Some("no ticket is owed"));
}

#[test]
fn what_cannot_be_done_says_why() {
    let mut state = company();
    let key = Key::new(Kind::Rollout, "pay", "checkout");
    assert!(forbidden(&state, Verb::Resume, &key).unwrap().contains("not held"));
    assert_eq!(forbidden(&state, Verb::SetImage, &key), None);
    let ghost = Key::new(Kind::Rollout, "pay", "ghost");
    assert_eq!(forbidden(&state, Verb::Promote, &ghost).as_deref(), Some("it is gone from the cluster"));
    assert_eq!(refusal(&state, &What::Open(ghost)).as_deref(), Some("it is gone from the cluster"));
    assert_eq!(refusal(&state, &What::Run(Command::Contents, None)).as_deref(), Some("no rollout is selected"));
    state.readonly = true;
    assert_eq!(forbidden(&state, Verb::SetImage, &key).as_deref(), Some("Pilothouse was started with --readonly"));
}

/// Ten thousand names: the best are kept, and there are more.
#[test]
fn of_many_the_best_are_kept() {
    let names: Vec<String> = (0..10_000).map(|number| format!("service-{number:05}")).collect();
    let releases: Vec<_> = names.iter().map(|name| ("shop", name.as_str(), "Healthy")).collect();
    let state = state(&releases);
    let (found, more) = search::search(&state, &env(), "service");
    assert_eq!((found.len(), more, &*found[0].title), (MOST, true, "service-00000"));
    let (found, _) = search::search(&state, &env(), "open 4711");
    assert_eq!(found[0].title, "open service-04711");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is typed and pressed, the palette has a choice under its cursor or none at all, and each choice has a title.
    #[test]
    fn any_text_is_taken(text in "\\PC{0,24}|([a-z/ ]{0,6} ){0,5}|ticket .{0,12}", moves in -5_isize..40, paste: bool) {
        let mut state = owing();
        open(&mut state, &env(), "");
        if paste {
            super::paste(&mut state, &env(), &text);
        } else {
            for letter in text.chars() {
                let _ = key(&mut state, &env(), KeyPress::plain(Code::Char(letter)));
            }
        }
        go(&mut state, Move::By(moves));
        let open = palette(&state).unwrap();
        prop_assert!(open.selected() < open.choices().len().max(1));
        for choice in open.choices() {
            prop_assert!(!choice.title.is_empty());
            let last = choice.title.chars().count();
            prop_assert!(choice.typed.is_sorted() && choice.typed.iter().all(|place| (*place as usize) < last));
            let _ = refusal(&state, &choice.what);
        }
        complete(&mut state, &env());
        let _ = enter(&mut state, &env());
    }
}
