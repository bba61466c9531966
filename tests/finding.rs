//! The palette, the ledger and what is in a release: keys to effects.

use std::sync::Arc;

use jiff::Timestamp;
use pilothouse::app::{Effect, Msg, Overlay, Screen};
use pilothouse::domain::fact::{News, Object};
use pilothouse::domain::ledger::{ActedOn, LedgerAct, LedgerView, OwedLine};

use crate::keys::{Cockpit, PROD, STAGE, key, rollout};

/// A ledger of two acts on `web`, of which the newer owes a ticket.
fn ledger() -> LedgerView {
    let act = |id: &str, verb: &str| LedgerAct {
        act: id.into(),
        environment: "prod".into(),
        object: ActedOn { kind: "Rollout".into(), namespace: "shop".into(), name: "web".into(), ..ActedOn::default() },
        verb: verb.into(),
        ..LedgerAct::default()
    };
    let owed = vec![OwedLine { act: Some("b".into()), what: "ticket".into(), since: Timestamp::UNIX_EPOCH }];
    LedgerView { acts: vec![act("b", "rollback"), act("a", "promote")], owed, problem: None }
}

#[test]
fn the_palette_finds_commands_and_names() {
    let mut cockpit = Cockpit::busy();
    cockpit.press(":gate<enter>");
    assert_eq!(cockpit.state.screen, Screen::Detail(key("gateway")));
    cockpit.press(":open web<enter>");
    assert_eq!((&cockpit.state.screen, cockpit.selected()), (&Screen::Detail(key("web")), "web"));
    cockpit.press("<esc><esc>");
    assert_eq!(cockpit.state.screen, Screen::Bridge);
    assert_eq!(cockpit.press(":copy api<enter>"), [Effect::Copy("shop/api".into())]);
    assert_eq!((cockpit.selected(), cockpit.state.overlay.as_ref()), ("api", None));
    assert!(cockpit.press(":quit<enter>").contains(&Effect::Quit));
    assert_eq!(cockpit.press(":dayl<enter>"), [Effect::Theme("daylight".into())]);
    cockpit.press(":stage<enter>");
    assert_eq!(cockpit.state.shown, STAGE);
}

#[test]
fn what_is_typed_into_the_palette_is_text() {
    let mut cockpit = Cockpit::busy();
    let open = |cockpit: &Cockpit| match &cockpit.state.overlay {
        Some(Overlay::Palette(palette)) => Some((palette.text().to_owned(), palette.selected())),
        _ => None,
    };
    assert!(!cockpit.press(":qqe1?").contains(&Effect::Quit));
    assert_eq!(open(&cockpit), Some(("qqe1?".to_owned(), 0)));
    cockpit.press("<ctrl-u>o <down><down><up>");
    assert_eq!(open(&cockpit), Some(("o ".to_owned(), 1)));
    cockpit.tell(Msg::Paste("w\u{7}eb\nq".to_owned()));
    assert_eq!(open(&cockpit), Some(("o web".to_owned(), 0)));
    cockpit.press("<tab>");
    assert_eq!(open(&cockpit), Some(("open web ".to_owned(), 0)));
    cockpit.press("<esc>");
    assert_eq!((open(&cockpit), &cockpit.state.screen), (None, &Screen::Bridge));
    cockpit.press(":<backspace>");
    assert_eq!(open(&cockpit), None);
    assert!(cockpit.press(":x<ctrl-c>").contains(&Effect::Quit));
}

#[test]
fn what_the_palette_cannot_do_it_says_and_stays() {
    let mut cockpit = Cockpit::busy();
    cockpit.press(":web");
    cockpit.hear(PROD, News::Gone(key("web")));
    cockpit.press("<enter>");
    assert!(matches!(cockpit.state.overlay, Some(Overlay::Palette(_))));
    assert!(cockpit.state.toast.as_ref().unwrap().text.contains("it is gone from the cluster"));
    cockpit.press("<esc>:ticket<enter>");
    assert!(cockpit.state.toast.as_ref().unwrap().text.contains("no ticket is owed"));
}

#[test]
fn a_name_that_a_filter_hides_is_found_all_the_same() {
    let mut cockpit = Cockpit::busy();
    cockpit.press("/web<enter>:copy check<enter>");
    assert_eq!((cockpit.selected(), cockpit.state.table().filter()), ("checkout", ""));
}

#[test]
fn the_mouse_chooses_in_the_palette() {
    let mut cockpit = Cockpit::busy();
    cockpit.press(":o");
    let rows = pilothouse::app::panes::palette_rows(cockpit.state.layout().unwrap().overlay.unwrap());
    cockpit.press("<ctrl-u>zzz");
    cockpit.click(rows.x + 5, rows.y);
    assert!(matches!(cockpit.state.overlay, Some(Overlay::Palette(_))));
    cockpit.press("<ctrl-u>open web");
    cockpit.click(rows.x + 5, rows.y);
    assert_eq!(cockpit.state.screen, Screen::Detail(key("web")));
}

#[test]
fn the_ledger_is_read_when_it_opens_and_its_acts_are_opened_and_copied() {
    let mut cockpit = Cockpit::busy();
    assert!(cockpit.press("7").contains(&Effect::ReadLedger));
    cockpit.tell(Msg::Ledger(Box::new(ledger())));
    assert_eq!((cockpit.state.subject(), cockpit.state.act().map(|act| &*act.act)), (None, Some("b")));
    let effects = cockpit.press("jy");
    assert!(matches!(effects.as_slice(), [Effect::Copy(text)] if text.starts_with("**promote shop/web** in prod")), "{effects:?}");
    cockpit.press("<enter>");
    assert_eq!(cockpit.state.screen, Screen::Act("a".into()));
    cockpit.press("<esc>/roll<enter>");
    assert_eq!((cockpit.state.ledger.count(), cockpit.state.act().map(|act| &*act.act)), (1, Some("b")));
    assert_eq!(cockpit.state.table().filter(), "");
    cockpit.press("<esc><esc>");
    assert_eq!((cockpit.state.ledger.filter(), &cockpit.state.screen), ("", &Screen::Bridge));
}

#[test]
fn a_key_on_the_ledger_is_about_no_release() {
    let mut cockpit = Cockpit::busy();
    cockpit.press("7");
    assert!(cockpit.press("dy").is_empty());
    assert_eq!(cockpit.state.screen, Screen::Ledger);
}

#[test]
fn the_mouse_selects_and_opens_acts() {
    let mut cockpit = Cockpit::busy();
    cockpit.press("7");
    cockpit.tell(Msg::Ledger(Box::new(ledger())));
    let rows = cockpit.state.layout().unwrap().rows.unwrap();
    cockpit.click(rows.x + 4, rows.y + 1);
    assert_eq!((cockpit.state.act().map(|act| &*act.act), &cockpit.state.screen), (Some("a"), &Screen::Ledger));
    cockpit.click(rows.x + 4, rows.y + 1);
    assert_eq!(cockpit.state.screen, Screen::Act("a".into()));
}

#[test]
fn a_ticket_is_settled_and_the_ledger_read_again() {
    let mut cockpit = Cockpit::busy();
    cockpit.tell(Msg::Ledger(Box::new(ledger())));
    let settled = Effect::SettleTicket { act: "b".into(), ticket: "INC-123".into() };
    assert_eq!(cockpit.press(":ticket INC-123<enter>"), [settled]);
    cockpit.tell(Msg::Settled { ticket: "INC-123".into(), done: Err("The disk is full.".into()) });
    assert_eq!(cockpit.press(""), [Effect::ReadLedger]);
    assert_eq!(cockpit.state.toast.as_ref().unwrap().text, "INC-123 is not on the ledger: The disk is full.");
}

#[test]
fn what_is_in_a_release_is_asked_for_once_and_only_its_answer_counts() {
    let mut cockpit = Cockpit::busy();
    let asks = |effects: Vec<Effect>| -> Vec<(u64, String)> {
        let asked = effects.into_iter().filter_map(|effect| match effect {
            Effect::Inspect { number, key, uid, .. } => Some((number, format!("{key} {uid}"))),
            _ => None,
        });
        asked.collect()
    };
    let found = |cockpit: &Cockpit| cockpit.state.inspection.as_ref().and_then(|asked| asked.found.clone());
    assert_eq!(asks(cockpit.press("jd")), [(1, "shop/gateway uid-gateway".to_owned())]);
    assert_eq!(cockpit.state.screen, Screen::Contents(key("gateway")));
    assert!(asks(cockpit.press("jk")).is_empty());
    assert_eq!(asks(cockpit.press("d")), [(2, "shop/gateway uid-gateway".to_owned())]);
    cockpit.tell(Msg::Inspected { number: 1, contents: Box::new(Err("old".into())) });
    assert_eq!(found(&cockpit), None);
    cockpit.tell(Msg::Inspected { number: 2, contents: Box::new(Err("new".into())) });
    assert_eq!(found(&cockpit), Some(Err("new".into())));
    assert_eq!(asks(cockpit.press("<esc>jd")), [(3, "shop/api uid-api".to_owned())]);
    // Another environment has no release of that name: there is nothing to look into.
    assert!(asks(cockpit.press("ek<enter>")).is_empty());
    assert_eq!((cockpit.state.shown, &cockpit.state.screen), (STAGE, &Screen::Bridge));
}

#[test]
fn contents_of_an_older_revision_say_so() {
    let mut cockpit = Cockpit::busy();
    cockpit.press("jd");
    let is_old = |cockpit: &Cockpit| cockpit.state.inspection.as_ref().unwrap().is_old(&cockpit.state);
    assert!(!is_old(&cockpit));
    let News::Is(Object::Rollout(rollout)) = rollout("gateway", "Progressing") else { unreachable!() };
    let mut next = (*rollout).clone();
    next.status.current_pod_hash = "c".into();
    cockpit.hear(PROD, News::Is(Object::Rollout(Arc::new(next))));
    assert!(is_old(&cockpit));
}
