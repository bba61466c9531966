//! Every screen as a picture: letters and styles, at four sizes, in the states that a captain meets.
//! `LOOK=folder cargo test screens` writes each picture as a PNG too.

use std::sync::Arc;

use jiff::SignedDuration;
use pilothouse::app::{Env, Msg, State, update};
use pilothouse::config::{self, Settings, Tier};
use pilothouse::domain::fact::{Fact, Link, News, Reading};
use pilothouse::domain::id::{EnvironmentId, Kind};
use pilothouse::input::Keymap;
use pilothouse::ui;
use pilothouse::ui::theme::{Depth, Theme, built_in};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

use crate::support::company::{Company, health, now};
use crate::support::picture::picture;

const SIZES: [(u16, u16); 4] = [(200, 60), (140, 40), (80, 24), (40, 12)];

fn settings() -> Settings {
    let environment = |name: &str, tier| config::Environment {
        name: name.to_owned(),
        context: Some(name.to_owned()),
        tier,
        ..config::Environment::current()
    };
    let environments =
        vec![environment("prod-us-east-1", Tier::Prod), environment("stage", Tier::Stage), environment("sandbox", Tier::Dev)];
    Settings { environments, ..Settings::default() }
}

fn env() -> Env {
    Env { themes: vec!["harbor".to_owned()], bell: false }
}

fn start(size: (u16, u16)) -> State {
    let keymap = Keymap::built_in("default").unwrap().unwrap();
    State::new(&settings(), Arc::new(keymap), Size::new(size.0, size.1), now())
}

fn tell(state: &mut State, news: Vec<News>) {
    let facts = news.into_iter().map(|news| Fact { environment: EnvironmentId(0), epoch: 0, news }).collect();
    let _ = update(state, &env(), Msg::Facts(facts));
}

fn company(size: (u16, u16)) -> State {
    let mut state = start(size);
    let _ = update(&mut state, &env(), Msg::Facts(Company::all().facts(EnvironmentId(0))));
    let _ = update(&mut state, &env(), Msg::Facts(Company::fleet(3).facts(EnvironmentId(1))));
    state
}

/// Presses keys, written as `j`, `<enter>`, `<ctrl-d>`.
fn press(state: &mut State, keys: &str) {
    let mut rest = keys;
    while let Some(letter) = rest.chars().next() {
        let (key, tail) = match rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
            Some((name, tail)) => (name.to_owned(), tail),
            None => (letter.to_string(), &rest[letter.len_utf8()..]),
        };
        let _ = update(state, &env(), Msg::Key(key.parse().unwrap()));
        rest = tail;
    }
}

fn theme(name: &str) -> Theme {
    Theme::parse(name, built_in(name).unwrap(), Depth::True).unwrap()
}

fn drawn(state: &State, theme: &Theme) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.width, state.size.height));
    ui::draw(state, theme, &mut buffer);
    buffer
}

fn check(name: &str, state: &State, theme: &Theme) {
    let buffer = drawn(state, theme);
    if let Ok(folder) = std::env::var("LOOK") {
        let ground = ui::export::Ground::of(theme.mode);
        std::fs::write(format!("{folder}/{name}.png"), ui::export::png(&buffer, &ground).unwrap()).unwrap();
    }
    insta::assert_snapshot!(name, picture(&buffer));
}

fn everywhere(name: &str, keys: &str) {
    for size in SIZES {
        let mut state = company(size);
        press(&mut state, keys);
        check(&format!("{name}_{}x{}", size.0, size.1), &state, &Theme::default());
    }
}

#[test]
fn bridge() {
    everywhere("bridge", "/gateway<enter>");
}

#[test]
fn rollouts() {
    everywhere("rollouts", "3");
}

#[test]
fn detail() {
    everywhere("detail", "/gateway<enter><enter>");
}

#[test]
fn help() {
    everywhere("help", "?");
}

#[test]
fn environments() {
    everywhere("environments", "e");
}
