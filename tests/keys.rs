//! Facts and keys in, effects and state out: the core as a user drives it, without a terminal and without a clock.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use pilothouse::app::notice::Tone;
use pilothouse::app::{Condition, Effect, Env, Mouse, MouseKind, Msg, Overlay, Pane, Picture, Screen, Sort, State, update};
use pilothouse::config::{Environment, Settings, Tier};
use pilothouse::domain::fact::{Fact, Health, Link, News, Object, Reading};
use pilothouse::domain::id::{EnvironmentId, Key, Kind};
use pilothouse::domain::object::Rollout;
use pilothouse::input::{Code, KeyPress, Keymap};
use proptest::prelude::*;
use ratatui::layout::Size;
use serde_json::json;

pub const STAGE: EnvironmentId = EnvironmentId(0);
pub const PROD: EnvironmentId = EnvironmentId(1);

/// A cockpit on two environments without a terminal.
pub struct Cockpit {
    pub state: State,
    env: Env,
    effects: Vec<Effect>,
}

impl Cockpit {
    /// Nothing is known yet; prod is shown.
    fn new(columns: u16, rows: u16) -> Self {
        let environment = |name: &str, tier| Environment { name: name.to_owned(), tier, ..Environment::current() };
        let settings = Settings {
            environments: vec![environment("stage", Tier::Stage), environment("prod", Tier::Prod)],
            start_environment: 1,
            ..Settings::default()
        };
        let keymap = Arc::new(Keymap::built_in("default").unwrap().unwrap());
        let state = State::new(&settings, keymap, Size::new(columns, rows), Timestamp::UNIX_EPOCH);
        let env = Env { themes: vec!["harbor".to_owned(), "daylight".to_owned()], bell: true };
        Self { state, env, effects: Vec::new() }
    }

    /// Four releases in prod, read and at rest: `checkout` needs a person, `gateway` moves, `api` and `web` are calm.
    pub fn busy() -> Self {
        let mut cockpit = Self::new(140, 40);
        cockpit.healthy("prod");
        for (name, phase) in [("web", "Healthy"), ("api", "Healthy"), ("checkout", "Degraded"), ("gateway", "Progressing")] {
            cockpit.hear(PROD, rollout(name, phase));
        }
        cockpit.hear(PROD, News::Reading(Kind::Rollout, Reading::Live));
        cockpit.wait(1_000);
        cockpit.effects.clear();
        cockpit
    }

    fn healthy(&mut self, name: &str) {
        let environment = if name == "prod" { PROD } else { STAGE };
        let health = Health { at: self.state.now, state: Link::Up { millis: 3 }, clock_skew_ms: 0 };
        self.hear(environment, News::Health(health));
        self.hear(environment, News::Reading(Kind::Canary, Reading::NotInstalled));
    }

    pub fn tell(&mut self, msg: Msg) {
        self.effects.extend(update(&mut self.state, &self.env, msg));
    }

    pub fn hear(&mut self, environment: EnvironmentId, news: News) {
        self.tell(Msg::Facts(vec![Fact { environment, epoch: 1, news }]));
    }

    /// Lets time pass.
    fn wait(&mut self, millis: i64) {
        let now = self.state.now + millis.milliseconds();
        self.tell(Msg::Tick(now));
    }

    /// Presses keys: characters, and names between angle brackets. Gives the effects since it was last asked.
    pub fn press(&mut self, keys: &str) -> Vec<Effect> {
        let mut rest = keys;
        while !rest.is_empty() {
            let (key, tail) = match rest.strip_prefix('<').and_then(|named| named.split_once('>')) {
                Some((name, tail)) => (name.parse().unwrap(), tail),
                None => {
                    let letter = rest.chars().next().unwrap();
                    (KeyPress::plain(Code::Char(letter)), &rest[letter.len_utf8()..])
                }
            };
            self.tell(Msg::Key(key));
            rest = tail;
        }
        std::mem::take(&mut self.effects)
    }

    pub fn click(&mut self, column: u16, row: u16) -> Vec<Effect> {
        self.tell(Msg::Mouse(Mouse { what: MouseKind::Press, column, row }));
        std::mem::take(&mut self.effects)
    }

    pub fn selected(&self) -> &str {
        self.state.table().selected().map_or("", |key| &key.name)
    }

    fn shown(&self) -> Vec<&str> {
        self.state.table().window(100).map(|key| &*key.name).collect()
    }
}

pub fn key(name: &str) -> Key {
    Key::new(Kind::Rollout, "shop", name)
}

pub fn rollout(name: &str, phase: &str) -> News {
    let value = json!({
        "metadata": {"namespace": "shop", "name": name, "uid": format!("uid-{name}"), "generation": 1},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"spec": {"containers": [{"name": "main", "image": format!("registry.example/{name}:v2")}]}},
            "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}},
        },
        "status": {"phase": phase, "observedGeneration": "1", "currentPodHash": "b", "stableRS": "a", "currentStepIndex": 0},
    });
    News::Is(Object::Rollout(Arc::new(serde_json::from_value::<Rollout>(value).unwrap())))
}

#[test]
fn moving_and_opening() {
    let mut cockpit = Cockpit::busy();
    assert_eq!(cockpit.shown(), ["checkout", "gateway", "api", "web"]);
    assert_eq!(cockpit.selected(), "checkout");
    cockpit.press("jj<down>j");
    assert_eq!(cockpit.selected(), "web");
    cockpit.press("gj<enter>");
    assert_eq!(cockpit.state.screen, Screen::Detail(key("gateway")));
    cockpit.press("<esc>");
    assert_eq!((&cockpit.state.screen, cockpit.selected()), (&Screen::Bridge, "gateway"));
    cockpit.press("3<enter><esc>");
    assert_eq!(cockpit.state.screen, Screen::Rollouts);
}

#[test]
fn an_opened_release_stays_open_whatever_happens_to_the_list() {
    let mut cockpit = Cockpit::busy();
    cockpit.press("j<enter>");
    cockpit.hear(PROD, rollout("web", "Degraded"));
    cockpit.hear(PROD, News::Gone(key("checkout")));
    assert_eq!(cockpit.state.subject(), Some(&key("gateway")));
    cockpit.press("<esc>");
    assert_eq!(cockpit.selected(), "gateway");
}

#[test]
fn a_filter_follows_every_letter_and_escape_clears_it() {
    let mut cockpit = Cockpit::busy();
    cockpit.press("/GATE");
    assert_eq!((cockpit.shown(), cockpit.selected()), (vec!["gateway"], "gateway"));
    assert_eq!(cockpit.state.table().counts().hidden_need, 1);
    assert!(cockpit.press("<enter>").is_empty());
    assert_eq!((cockpit.state.overlay.clone(), cockpit.state.table().filter()), (None, "GATE"));
    cockpit.press("<esc>");
    assert_eq!((cockpit.state.table().filter(), cockpit.selected()), ("", "checkout"));
    cockpit.press("/web:v2 shop<ctrl-w>");
    assert_eq!(cockpit.shown(), ["web"]);
    cockpit.press("<ctrl-u>degraded");
    assert_eq!(cockpit.shown(), ["checkout"]);
    cockpit.press("<backspace><esc>");
    assert_eq!(cockpit.shown().len(), 4);
}

#[test]
fn keys_typed_into_a_filter_are_text_and_a_paste_is_never_commands() {
    let mut cockpit = Cockpit::busy();
    assert!(!cockpit.press("/qqe1").contains(&Effect::Quit));
    assert_eq!((cockpit.state.table().filter(), &cockpit.state.screen), ("qqe1", &Screen::Bridge));
    cockpit.press("<esc>");
    cockpit.tell(Msg::Paste("q".to_owned()));
    assert!(!cockpit.press("").contains(&Effect::Quit) && cockpit.state.overlay.is_none());
    cockpit.press("/");
    cockpit.tell(Msg::Paste("we\u{7}b\nq".to_owned()));
    assert_eq!((cockpit.state.table().filter(), cockpit.shown()), ("web", vec!["web"]));
}

#[test]
fn leaving() {
    assert!(Cockpit::busy().press("q").contains(&Effect::Quit));
    assert!(Cockpit::busy().press("/<ctrl-c>").contains(&Effect::Quit));
    assert!(Cockpit::busy().press("?<ctrl-c>").contains(&Effect::Quit));
    assert!(Cockpit::busy().press("<ctrl-z>").contains(&Effect::Suspend));
}

#[test]
fn copying_the_name_and_then_the_command() {
    let mut cockpit = Cockpit::busy();
    let command = "kubectl argo rollouts get rollout checkout -n shop";
    assert_eq!(cockpit.press("yy"), [Effect::Copy("shop/checkout".into()), Effect::Copy(command.into())]);
    cockpit.wait(10_000);
    assert_eq!(cockpit.state.toast, None);
    assert_eq!(cockpit.press("y"), [Effect::Copy("shop/checkout".into())]);
}

#[test]
fn only_what_the_cursor_rests_on_is_looked_at_closely() {
    let mut cockpit = Cockpit::busy();
    let looked = |effects: &[Effect]| -> Vec<String> {
        let mut subjects = effects.iter().filter_map(|effect| match effect {
            Effect::Look { environment, subjects } if *environment == PROD => Some(subjects),
            _ => None,
        });
        subjects.next_back().map(|subjects| subjects.iter().map(|one| one.selector.clone()).collect()).unwrap_or_default()
    };
    for _ in 0..3 {
        assert_eq!(looked(&cockpit.press("j")), [""; 0]);
        cockpit.wait(100);
    }
    assert_eq!(looked(&cockpit.press("")), [""; 0]);
    let wake = cockpit.state.next_wake();
    cockpit.tell(Msg::Tick(wake));
    assert_eq!(looked(&cockpit.press("")), ["app=checkout", "app=web"]);
    assert_eq!(looked(&cockpit.press("<enter>")), [""; 0]);
}

#[test]
fn another_environment_at_once_and_what_was_looked_at_is_let_go() {
    let mut cockpit = Cockpit::busy();
    cockpit.healthy("stage");
    cockpit.hear(STAGE, rollout("web", "Healthy"));
    cockpit.press("ek");
    assert_eq!(cockpit.state.overlay, Some(Overlay::Environments(STAGE)));
    let effects = cockpit.press("<enter>");
    assert_eq!((cockpit.state.shown, cockpit.shown()), (STAGE, vec!["web"]));
    assert!(effects.contains(&Effect::Look { environment: PROD, subjects: Vec::new() }), "{effects:?}");
    cockpit.press("<enter>ej<enter>");
    assert_eq!((cockpit.state.shown, &cockpit.state.screen), (PROD, &Screen::Detail(key("web"))));
}

#[test]
fn facts_of_an_older_connection_have_no_say() {
    let mut cockpit = Cockpit::busy();
    let fact = |epoch, news| Msg::Facts(vec![Fact { environment: PROD, epoch, news }]);
    cockpit.tell(fact(2, rollout("web", "Degraded")));
    cockpit.tell(fact(1, News::Gone(key("web"))));
    cockpit.tell(fact(1, News::Gone(key("api"))));
    cockpit.wait(5_000);
    assert_eq!(cockpit.shown(), ["checkout", "web", "gateway", "api"]);
}

#[test]
fn facts_of_unknown_environments_are_not_heard() {
    let mut cockpit = Cockpit::busy();
    cockpit.hear(EnvironmentId(9), rollout("ghost", "Degraded"));
    cockpit.hear(STAGE, rollout("other", "Degraded"));
    assert_eq!(cockpit.shown().len(), 4);
}

#[test]
fn what_a_list_without_rows_says() {
    let says = |rollouts: Reading, canaries: Reading| {
        let mut cockpit = Cockpit::new(80, 24);
        cockpit.hear(PROD, News::Reading(Kind::Rollout, rollouts));
        cockpit.hear(PROD, News::Reading(Kind::Canary, canaries));
        cockpit.state.environment().condition()
    };
    let denied = || Reading::Denied("no".into());
    assert_eq!(says(Reading::Loading, Reading::Loading), Condition::Loading);
    assert_eq!(says(Reading::NotInstalled, Reading::NotInstalled), Condition::NotInstalled);
    assert_eq!(says(Reading::Live, Reading::NotInstalled), Condition::Empty);
    assert_eq!(says(Reading::NotInstalled, Reading::Live), Condition::Empty);
    assert_eq!(says(denied(), Reading::Live), Condition::Denied("no".into()));
    assert_eq!(says(Reading::Narrowed("shop".into()), Reading::NotInstalled), Condition::Narrowed("shop".into()));
    let mut cockpit = Cockpit::new(80, 24);
    let down = Link::Down { reason: "refused".into() };
    cockpit.hear(PROD, News::Health(Health { at: cockpit.state.now, state: down, clock_skew_ms: 0 }));
    assert_eq!(cockpit.state.environment().condition(), Condition::Unreachable("refused".into()));
}

#[test]
fn what_broke_stands_in_now_and_rings() {
    let mut cockpit = Cockpit::busy();
    let told = cockpit.state.environment().notices.lines().len();
    cockpit.hear(PROD, rollout("web", "Degraded"));
    assert_eq!(cockpit.press(""), [Effect::Bell]);
    cockpit.hear(PROD, rollout("web", "Healthy"));
    let lines: Vec<_> = cockpit.state.environment().notices.lines().take(2).cloned().collect();
    assert_eq!(cockpit.state.environment().notices.lines().len(), told + 2);
    assert_eq!((lines[0].tone, lines[1].tone), (Tone::Good, Tone::Bad));
    assert_eq!((lines[1].about.as_ref(), lines[1].at), (Some(&key("web")), cockpit.state.now));
    cockpit.hear(STAGE, rollout("elsewhere", "Degraded"));
    assert!(!cockpit.press("").contains(&Effect::Bell));
}

#[test]
fn sorting_keeps_the_cursor_on_its_release() {
    let mut cockpit = Cockpit::busy();
    cockpit.press("js");
    assert_eq!((cockpit.shown(), cockpit.selected()), (vec!["api", "checkout", "gateway", "web"], "gateway"));
    cockpit.press("r");
    assert_eq!((cockpit.state.table().sort(), cockpit.shown()[0]), ((Sort::Name, true), "web"));
    cockpit.press("sssss");
    assert_eq!((cockpit.state.table().sort(), cockpit.selected()), ((Sort::Need, false), "gateway"));
}

#[test]
fn help_log_and_back() {
    let mut cockpit = Cockpit::busy();
    cockpit.press("?G");
    assert!(cockpit.state.overlay == Some(Overlay::Help));
    cockpit.press("<esc>!");
    assert_eq!(cockpit.state.screen, Screen::Log);
    cockpit.press("!");
    assert_eq!((&cockpit.state.screen, cockpit.state.overlay.as_ref()), (&Screen::Bridge, None));
    assert_eq!(cockpit.press("t"), [Effect::Theme("daylight".into())]);
    assert_eq!(cockpit.press("<ctrl-r><ctrl-l>"), [Effect::Reconnect(PROD), Effect::Redraw]);
}

#[test]
fn panes_on_a_small_terminal_one_at_a_time() {
    let mut cockpit = Cockpit::busy();
    let panes = |cockpit: &Cockpit| cockpit.state.layout().map(|layout| layout.panes.iter().map(|(pane, _)| *pane).collect());
    assert_eq!(panes(&cockpit), Some(vec![Pane::Rollouts, Pane::Release, Pane::Now]));
    cockpit.press("lz");
    assert_eq!(panes(&cockpit), Some(vec![Pane::Release]));
    cockpit.press("z");
    cockpit.tell(Msg::Resize { columns: 80, rows: 24 });
    assert_eq!(panes(&cockpit), Some(vec![Pane::Release]));
    cockpit.press("<tab>");
    assert_eq!(panes(&cockpit), Some(vec![Pane::Now]));
    cockpit.tell(Msg::Resize { columns: 39, rows: 24 });
    assert!(matches!(cockpit.state.picture(), Picture::TooSmall { .. }));
    cockpit.press("jjj");
    cockpit.tell(Msg::Resize { columns: 40, rows: 12 });
    assert_eq!(panes(&cockpit), Some(vec![Pane::Now]));
    assert_eq!(cockpit.selected(), "checkout");
}

#[test]
fn the_mouse_selects_opens_and_presses_hints() {
    let mut cockpit = Cockpit::busy();
    let layout = cockpit.state.layout().unwrap();
    let rows = layout.rows.unwrap();
    cockpit.click(rows.x + 4, rows.y + 2);
    assert_eq!((cockpit.selected(), &cockpit.state.screen), ("api", &Screen::Bridge));
    cockpit.click(rows.x + 4, rows.y + 20);
    assert_eq!(cockpit.selected(), "api");
    cockpit.click(rows.x + 4, rows.y + 2);
    assert_eq!(cockpit.state.screen, Screen::Detail(key("api")));
    cockpit.press("1");
    cockpit.tell(Msg::Resize { columns: 200, rows: cockpit.state.size.height });
    let quit = cockpit.state.layout().unwrap().hints.iter().find(|hint| hint.words == "quit").unwrap().area;
    assert_eq!(cockpit.click(quit.x, quit.y), [Effect::Quit]);
    cockpit.tell(Msg::Mouse(Mouse { what: MouseKind::ScrollUp, column: rows.x, row: rows.y }));
    assert_eq!(cockpit.selected(), "checkout");
}

#[test]
fn the_mouse_chooses_an_environment() {
    let mut cockpit = Cockpit::busy();
    cockpit.press("e");
    let window = cockpit.state.layout().unwrap().overlay.unwrap();
    cockpit.click(window.x + 5, window.y + 2);
    assert_eq!((cockpit.state.shown, cockpit.state.overlay.as_ref()), (STAGE, None));
    cockpit.press("e");
    cockpit.click(window.x + 5, window.y + 3);
    assert_eq!(cockpit.state.shown, PROD);
    cockpit.press("e");
    cockpit.click(0, 5);
    assert_eq!((cockpit.state.shown, cockpit.state.overlay.as_ref()), (PROD, None));
}

#[test]
fn a_calm_screen_wakes_once_a_second_and_a_spinner_four_times() {
    let mut cockpit = Cockpit::busy();
    cockpit.wait(100);
    let left = |cockpit: &Cockpit| cockpit.state.next_wake().duration_since(cockpit.state.now).as_millis();
    assert_eq!(left(&cockpit), 150);
    cockpit.state.reduced_motion = true;
    assert_eq!(left(&cockpit), 900);
    cockpit.state.reduced_motion = false;
    cockpit.hear(PROD, rollout("gateway", "Healthy"));
    cockpit.hear(PROD, rollout("checkout", "Healthy"));
    assert_eq!(left(&cockpit), 900);
}

/// Any message, sensible or not.
fn any_msg() -> impl Strategy<Value = Msg> {
    let names = prop::sample::select(vec!["a", "b", "c", "d", "e", "f", "g"]);
    let phase = prop::sample::select(vec!["Healthy", "Degraded", "Paused", "Progressing", "", "Odd"]);
    let fact = |epoch, environment, news| Msg::Facts(vec![Fact { environment: EnvironmentId(environment), epoch, news }]);
    let keys = "jkhlgGz/?!eyt137d:sr q\u{7f}x";
    let codes = [Code::Enter, Code::Esc, Code::Tab, Code::Backspace, Code::PageUp, Code::PageDown, Code::End, Code::Up, Code::Down];
    let code =
        prop_oneof![prop::sample::select(keys.chars().map(Code::Char).collect::<Vec<_>>()), prop::sample::select(codes.to_vec()),];
    let key = (code, prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    let what = prop::sample::select(vec![MouseKind::Press, MouseKind::ScrollUp, MouseKind::ScrollDown]);
    prop_oneof![
        12 => key.prop_map(|(code, ctrl, shift)| Msg::Key(KeyPress { code, ctrl, alt: false, shift })),
        6 => (names.clone(), phase, 0_u32..3, 0_u16..3).prop_map(move |(name, phase, epoch, at)| fact(epoch, at, rollout(name, phase))),
        2 => (names, 0_u32..3, 0_u16..2).prop_map(move |(name, epoch, at)| fact(epoch, at, News::Gone(key_of(name)))),
        1 => (0_u16..2).prop_map(move |at| fact(2, at, News::Reading(Kind::Rollout, Reading::Live))),
        2 => (0_i64..5_000_000).prop_map(|millis| Msg::Tick(Timestamp::from_millisecond(millis).unwrap())),
        1 => (0_u16..250, 0_u16..80).prop_map(|(columns, rows)| Msg::Resize { columns, rows }),
        1 => ".{0,20}".prop_map(Msg::Paste),
        1 => Just(Msg::Ledger(Box::default())),
        1 => (0_u64..4).prop_map(|number| Msg::Inspected { number, contents: Box::new(Err("no".into())) }),
        2 => (what, 0_u16..150, 0_u16..45).prop_map(|(what, column, row)| Msg::Mouse(Mouse { what, column, row })),
    ]
}

fn key_of(name: &str) -> Key {
    key(name)
}

proptest! {
    #[test]
    fn no_sequence_of_messages_breaks_the_core(msgs in prop::collection::vec(any_msg(), 0..150)) {
        let mut cockpit = Cockpit::new(140, 40);
        for msg in msgs {
            cockpit.tell(msg);
            prop_assert!(cockpit.state.next_wake() > cockpit.state.now);
            let table = cockpit.state.table();
            prop_assert_eq!(table.selected().is_none(), table.counts().shown == 0);
            if let Some(rows) = cockpit.state.layout().and_then(|layout| layout.rows) {
                let height = usize::from(rows.height);
                prop_assert!(table.selected().is_none_or(|selected| table.window(height).any(|key| key == selected)));
                prop_assert!(table.top() + table.window(height).count() <= table.counts().shown);
            }
        }
    }
}
