//! The files that the program is delivered with load clean; files that are wrong fail with the sentence that mends them.

use std::path::Path;

use pilothouse::config::{Confirm, Environment, Namespaces, Pattern, Policy, Settings, StartScreen, Tier, Write, resolve::resolve};
use pilothouse::input::COMMANDS;
use pilothouse::input::keymap::{self, Keymap};
use pilothouse::ui::theme::{self, Depth};

const EXAMPLE: &str = include_str!("../config.example.toml");

#[test]
fn example_configuration_resolves_to_exactly_the_defaults() {
    assert_eq!(resolve(Path::new("config.example.toml"), EXAMPLE, None).unwrap(), Settings::default());
}

#[test]
fn example_configuration_with_its_marks_taken_away_says_the_defaults_too() {
    let settings = resolve(Path::new("config.example.toml"), &without_marks(EXAMPLE), None).unwrap();
    assert_eq!(settings.ui, Settings::default().ui);
    let expected =
        Environment { name: "prod-us-east-1".into(), context: Some("prod".into()), ..Settings::default().environments[0].clone() };
    assert_eq!((settings.environments, settings.webhook), (vec![expected], None));
    assert_eq!(settings.policy, Policy::default());
}

#[test]
fn example_configuration_shows_every_key_of_the_schema() {
    let schema = serde_json::to_value(schemars::schema_for!(pilothouse::config::raw::File)).unwrap();
    let example: toml::Table = without_marks(EXAMPLE).parse().unwrap();
    for (table, definition) in [("ui", "Ui"), ("policy", "Policy"), ("environment", "Environment"), ("ledger", "Ledger")] {
        let shown = &example[table];
        let shown = shown.as_array().map_or(shown, |list| &list[0]).as_table().unwrap();
        for key in schema["$defs"][definition]["properties"].as_object().unwrap().keys() {
            assert!(shown.contains_key(key), "config.example.toml does not show {table}.{key}");
        }
    }
    assert_eq!(schema["properties"].as_object().unwrap().len(), 4, "a new table: show it in the example and name it here");
}

#[test]
fn everything_that_can_be_typed_reaches_the_settings() {
    let text = r#"
        [ui]
        theme = "daylight"
        keymap = "vim"
        glyphs = "ascii"
        mouse = false
        reduced_motion = true
        start_screen = "rollouts"
        bell = true
        [policy]
        reason_min_length = 12
        ticket_pattern = "INC-[0-9]+"
        ticket_required = true
        presets = ["planned", "hotfix"]
        confirm = "name"
        [[environment]]
        name = "east"
        context = "prod-east"
        kubeconfig = ["~/kube/a", "b", "/c"]
        namespaces = ["shop", "pay"]
        tier = "stage"
        write = "never"
        region = "us-east-1"
        policy = { ticket_required = false, ticket_pattern = "", presets = [] }
        [[environment]]
        name = "west"
        kubeconfig = "west.yaml"
    "#;
    let settings = resolve(Path::new("/etc/pilothouse.toml"), text, Some(Path::new("/home/dana"))).unwrap();
    let ui = &settings.ui;
    assert_eq!((ui.theme.as_str(), ui.keymap.as_str()), ("daylight", "vim"));
    assert_eq!((ui.ascii, ui.mouse, ui.reduced_motion, ui.bell), (true, false, true, true));
    assert_eq!(ui.start_screen, StartScreen::Rollouts);
    let policy = Policy {
        reason_min_length: 12,
        ticket_pattern: Some(Pattern::read("INC-[0-9]+").unwrap()),
        ticket_required: true,
        presets: vec!["planned".into(), "hotfix".into()],
        confirm: Confirm::Name,
    };
    assert_eq!(settings.policy, policy);
    let here = Policy { ticket_pattern: None, ticket_required: false, presets: Vec::new(), ..policy.clone() };
    let east = Environment {
        name: "east".into(),
        context: Some("prod-east".into()),
        kubeconfig: vec!["/home/dana/kube/a".into(), "/etc/b".into(), "/c".into()],
        namespaces: Namespaces::Some(vec!["shop".into(), "pay".into()]),
        tier: Tier::Stage,
        write: Write::Never,
        region: Some("us-east-1".into()),
        policy: here,
        prometheus: None,
    };
    let west = Environment { name: "west".into(), kubeconfig: vec!["/etc/west.yaml".into()], policy, ..Environment::current() };
    assert_eq!(settings.environments, [east, west]);
}

#[test]
fn every_theme_loads_in_every_depth_and_is_compiled_in() {
    for (name, text) in theme::BUILT_IN {
        for depth in [Depth::None, Depth::Sixteen, Depth::Indexed, Depth::True] {
            theme::Theme::parse(name, text, depth).unwrap();
        }
    }
    assert_eq!(stems("themes"), sorted(theme::BUILT_IN.map(|(name, _)| name)));
}

#[test]
fn every_keymap_loads_and_leaves_no_command_without_a_key_that_should_have_one() {
    for (name, text) in keymap::BUILT_IN {
        let keymap = Keymap::read(text).unwrap();
        for entry in &COMMANDS {
            assert_eq!(keymap.keys(entry.command).is_empty(), entry.command.is_keyless(), "{name}: {}", entry.id);
        }
    }
    assert_eq!(stems("keymaps"), sorted(keymap::BUILT_IN.map(|(name, _)| name)));
}

/// Each file of `tests/scenarios/bad` says in its first line what the error has to say.
#[test]
fn bad_configurations_fail_with_the_phrase_on_their_first_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/bad");
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let phrase = text.lines().next().unwrap().trim_start_matches("# ");
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        count += 1;
        match resolve(Path::new("bad.toml"), &text, None) {
            Ok(_) => wrong.push(format!("{name} loads")),
            Err(error) if !error.to_string().contains(phrase) => wrong.push(format!("{name} says: {error}")),
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 15, "the bad files are gone: {count}");
}

/// Names of the TOML files of a folder.
fn stems(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    sorted(entries.map(|entry| entry.unwrap().file_name().into_string().unwrap().trim_end_matches(".toml").to_owned()))
}

fn sorted(names: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
    names.sort();
    names
}

/// Takes the mark from every commented setting; prose comments have a space after theirs.
fn without_marks(text: &str) -> String {
    text.lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ') && !rest.is_empty()).unwrap_or(line))
        .fold(String::new(), |text, line| text + line + "\n")
}
