//! How long the core and a frame take with 10,000 rollouts, of which a third is on its way: what a key has to wait for.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::{Timestamp, ToSpan};
use pilothouse::app::{Env, Msg, State, update};
use pilothouse::config::Settings;
use pilothouse::domain::fact::{Fact, Health, Link, News, Object, Reading};
use pilothouse::domain::id::{EnvironmentId, Kind};
use pilothouse::domain::object::Rollout;
use pilothouse::input::{Code, KeyPress, Keymap};
use pilothouse::ui::theme::{self, Depth, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use serde_json::json;

const ROLLOUTS: usize = 10_000;
const SLICE: usize = 64;

fn fact(news: News) -> Fact {
    Fact { environment: EnvironmentId(0), epoch: 0, news }
}

fn rollout(number: usize, round: usize) -> Fact {
    let phase = match (number + round) % 9 {
        0 => "Paused",
        1 | 2 => "Progressing",
        _ if (number + round) % 500 == 7 => "Degraded",
        _ => "Healthy",
    };
    let step = (number + round) % 6;
    let value = json!({
        "metadata": {
            "namespace": format!("team-{:02}", number % 40), "name": format!("svc-{number:05}"), "uid": format!("uid-{number}"),
            "generation": 3, "creationTimestamp": "2026-01-01T00:00:00Z", "annotations": {"rollout.argoproj.io/revision": "3"},
        },
        "spec": {
            "replicas": 5, "selector": {"matchLabels": {"app": format!("svc-{number:05}")}},
            "template": {"spec": {"containers": [{"name": "main", "image": format!("registry.example/svc-{number:05}:v1.{round}.0")}]}},
            "strategy": {"canary": {"trafficRouting": {}, "steps": [
                {"setWeight": 10}, {"pause": {"duration": "5m"}}, {"setWeight": 25}, {"pause": {}}, {"setWeight": 50}, {"pause": {"duration": "10m"}}]}},
        },
        "status": {
            "phase": phase, "observedGeneration": "3", "currentPodHash": "b", "stableRS": if phase == "Healthy" { "b" } else { "a" },
            "currentStepIndex": step, "replicas": 6, "updatedReplicas": 1, "readyReplicas": 6, "availableReplicas": 6,
            "canary": {"weights": {"canary": {"weight": 10 * step}, "stable": {"weight": 100 - 10 * step}}},
        },
    });
    fact(News::Is(Object::Rollout(Arc::new(serde_json::from_value::<Rollout>(value).unwrap()))))
}

struct Cockpit {
    state: State,
    env: Env,
}

impl Cockpit {
    fn full() -> Self {
        let keymap = Arc::new(Keymap::built_in("default").unwrap().unwrap());
        let state = State::new(&Settings::default(), keymap, Size::new(200, 60), Timestamp::UNIX_EPOCH);
        let mut cockpit = Self { state, env: Env { themes: Vec::new(), bell: false } };
        let health = Health { at: Timestamp::UNIX_EPOCH, state: Link::Up { millis: 2 }, clock_skew_ms: 0 };
        cockpit.tell(Msg::Facts(vec![fact(News::Health(health))]));
        let all: Vec<_> = (0..ROLLOUTS).map(|number| rollout(number, 0)).collect();
        for slice in all.chunks(SLICE) {
            cockpit.tell(Msg::Facts(slice.to_vec()));
        }
        cockpit.tell(Msg::Facts(vec![fact(News::Reading(Kind::Rollout, Reading::Live))]));
        cockpit.tell(Msg::Tick(Timestamp::UNIX_EPOCH + 5.seconds()));
        cockpit
    }

    fn tell(&mut self, msg: Msg) {
        black_box(update(&mut self.state, &self.env, msg));
    }

    fn press(&mut self, letter: char) {
        self.tell(Msg::Key(KeyPress::plain(Code::Char(letter))));
    }
}

fn frame(criterion: &mut Criterion) {
    let cockpit = Cockpit::full();
    let theme = Theme::parse("harbor", theme::built_in("harbor").unwrap(), Depth::True).unwrap();
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 60));
    criterion.bench_function("frame of 200x60", |bencher| {
        bencher.iter(|| {
            buffer.reset();
            pilothouse::ui::draw(black_box(&cockpit.state), &theme, &mut buffer);
        });
    });
}

fn slice(criterion: &mut Criterion) {
    let mut cockpit = Cockpit::full();
    let rounds: Vec<Vec<Fact>> =
        (1..=150).map(|round| (0..SLICE).map(|place| rollout((round * 977 + place * 151) % ROLLOUTS, round)).collect()).collect();
    let mut next = rounds.iter().cycle();
    criterion.bench_function("update with 64 facts", |bencher| {
        bencher.iter_batched(|| next.next().unwrap().clone(), |facts| cockpit.tell(Msg::Facts(facts)), BatchSize::SmallInput);
    });
}

fn keys(criterion: &mut Criterion) {
    let mut cockpit = Cockpit::full();
    criterion.bench_function("move the cursor", |bencher| {
        bencher.iter(|| {
            cockpit.press('j');
            cockpit.press('k');
        });
    });
    criterion.bench_function("sort by need, name, namespace, phase, weight, age", |bencher| {
        bencher.iter(|| "ssssss".chars().for_each(|key| cockpit.press(key)));
    });
    criterion.bench_function("filter by a first letter, and clear", |bencher| {
        bencher.iter(|| {
            "/7".chars().for_each(|key| cockpit.press(key));
            cockpit.tell(Msg::Key(KeyPress::plain(Code::Esc)));
        });
    });
}

fn palette(criterion: &mut Criterion) {
    let mut cockpit = Cockpit::full();
    for (name, text) in [("one word", "svc"), ("a command and a name", "open svc 4711")] {
        cockpit.press(':');
        text.chars().for_each(|key| cockpit.press(key));
        criterion.bench_function(&format!("palette: a letter after {name}, and back"), |bencher| {
            bencher.iter(|| {
                cockpit.press('1');
                cockpit.tell(Msg::Key(KeyPress::plain(Code::Backspace)));
            });
        });
        cockpit.tell(Msg::Key(KeyPress::plain(Code::Esc)));
    }
}

criterion_group!(benches, frame, slice, keys, palette);
criterion_main!(benches);
