//! The files that the program is delivered with load clean; files that are wrong fail with the sentence that mends them.

use std::path::Path;

use jiff::SignedDuration;
use jiff::civil::Weekday;
use pilothouse::config::metrics::{Address, Credentials, Prometheus, Secret, When};
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
    let names: Vec<_> = settings.signals.iter().map(|signal| &*signal.name).collect();
    assert_eq!(names, ["p95", "errors", "saturation", "traffic", "jobs"]);
    assert_eq!((settings.guard, settings.links), (Settings::default().guard, Settings::default().links));
    let slo = settings.slo.unwrap();
    let alerts = resolve(Path::new("x.toml"), "[slo]\nobjective = 0.999", None).unwrap().slo.unwrap().alerts;
    assert_eq!((slo.objective, slo.period, &slo.alerts), (0.999, 30 * 86_400, &alerts));
    assert_eq!((settings.services.len(), settings.freezes.len()), (1, 1));
}

#[test]
fn example_configuration_shows_every_key_of_the_schema() {
    let schema = serde_json::to_value(schemars::schema_for!(pilothouse::config::raw::File)).unwrap();
    let example: toml::Table = without_marks(EXAMPLE).parse().unwrap();
    let tables = [
        ("ui", "Ui"),
        ("policy", "Policy"),
        ("environment", "Environment"),
        ("ledger", "Ledger"),
        ("prometheus", "Prometheus"),
        ("signal", "Signal"),
        ("service", "Service"),
        ("slo", "Slo"),
        ("guard", "Guard"),
        ("links", "Links"),
        ("freeze", "Freeze"),
    ];
    for (table, definition) in tables {
        let shown = &example[table];
        let shown = shown.as_array().map_or(shown, |list| &list[0]).as_table().unwrap();
        for key in schema["$defs"][definition]["properties"].as_object().unwrap().keys() {
            assert!(shown.contains_key(key), "config.example.toml does not show {table}.{key}");
        }
    }
    assert_eq!(
        schema["properties"].as_object().unwrap().len(),
        tables.len(),
        "a new table: show it in the example and name it here"
    );
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
        ..Environment::current()
    };
    let west = Environment { name: "west".into(), kubeconfig: vec!["/etc/west.yaml".into()], policy, ..Environment::current() };
    assert_eq!(settings.environments, [east, west]);
}

#[test]
fn everything_said_about_metrics_reaches_the_settings() {
    let text = r#"
        [prometheus]
        url = "https://metrics.example/prefix/"
        preset = "classic"
        method = "get"
        headers = { X-Scope-OrgID = "shop" }
        params = { dedup = "true" }
        token_file = "token"
        ca = "ca.pem"
        client_certificate = "~/me.pem"
        client_key = "~/me.key"
        interval = "20s"
        timeout = "1m30s"
        stale_after = "1d"
        labels = { rollout = "app" }
        [[environment]]
        name = "east"
        context = "east"
        [[environment]]
        name = "west"
        context = "west"
        prometheus = { service = "monitoring/prometheus:http", preset = "otel", token_file = "", interval = "1m" }
        [[environment]]
        name = "lab"
        context = "lab"
        prometheus = { url = "" }
        [[signal]]
        name = "p95"
        threshold = 0.3
        for = "1m"
        hysteresis = 0.1
        min_traffic = 2
        [[signal]]
        name = "queue"
        kind = "saturation"
        query = "max(queue_length{team=\"{{team}}\"})"
        threshold = 100
        unit = "jobs"
        gate = false
        [[service]]
        name = "gate*"
        environment = "west"
        query_name = "api"
        variables = { team = "edge" }
        signals = ["p95", "queue"]
        [slo]
        objective = 0.99
        window = "28d"
        [guard]
        hold_after = "20s"
        robots = ["auto-rollback.yml: every 5 min"]
        [links]
        grafana = "https://grafana.example/"
        grafana_token_env = "GRAFANA_TOKEN"
        [[freeze]]
        name = "weekend"
        days = ["Fri", "saturday"]
        from = "17:00"
        until = "08:00"
        zone = "Europe/Berlin"
        environments = ["east"]
        [[freeze]]
        name = "year end"
        from = "2026-12-24T00:00:00+01:00"
        until = "2027-01-02T00:00:00+01:00"
    "#;
    let settings = resolve(Path::new("/etc/pilothouse.toml"), text, Some(Path::new("/home/dana"))).unwrap();
    let [east, west, lab] = &*settings.environments else { panic!() };
    let expected = Prometheus {
        address: Address::Url("https://metrics.example/prefix".into()),
        post: false,
        headers: [("X-Scope-OrgID".into(), "shop".into())].into(),
        parameters: [("dedup".into(), "true".into())].into(),
        credentials: Credentials::Token(Secret::File("/etc/token".into())),
        ca: Some("/etc/ca.pem".into()),
        identity: Some(("/home/dana/me.pem".into(), "/home/dana/me.key".into())),
        interval: SignedDuration::from_secs(20),
        timeout: SignedDuration::from_secs(90),
        stale_after: SignedDuration::from_hours(24),
        labels: ["namespace".into(), "app".into(), "track".into()],
    };
    assert_eq!(east.prometheus.as_deref(), Some(&expected));
    let address = Address::Service { namespace: "monitoring".into(), name: "prometheus:http".into() };
    let over = Prometheus { address, credentials: Credentials::None, interval: SignedDuration::from_mins(1), ..expected };
    assert_eq!(west.prometheus.as_deref(), Some(&over));
    assert!(lab.prometheus.is_none() && lab.signals.is_empty());
    let signal = |environment: &Environment, name: &str| environment.signals.iter().find(|one| &*one.name == name).unwrap().clone();
    let p95 = signal(east, "p95");
    assert_eq!((p95.limit.threshold, p95.lasting, p95.hysteresis, p95.min_traffic, p95.gate), (0.3, 60, 0.1, 2.0, true));
    let (asked, fleet) = (format!("{:?}", p95.expression), format!("{:?}", p95.fleet));
    assert!(asked.contains("http_request_duration_seconds_bucket") && fleet.contains("by (namespace, app, track, le)"), "{fleet}");
    assert!(format!("{:?}", signal(west, "p95").expression).contains("http_server_request_duration_seconds_bucket"));
    let queue = signal(west, "queue");
    assert_eq!((queue.gate, queue.unit.name(), queue.fleet), (false, "jobs", None));
    let service = &settings.services[0];
    assert_eq!((service.query_name.as_deref(), service.environment.as_deref()), (Some("api"), Some("west")));
    let slo = settings.slo.unwrap();
    assert_eq!((slo.objective, slo.period, slo.alerts.len()), (0.99, 28 * 86_400, 3));
    assert_eq!((settings.guard.hold_after, settings.guard.robots.len()), (SignedDuration::from_secs(20), 1));
    assert_eq!(settings.links.grafana.as_deref(), Some("https://grafana.example"));
    assert_eq!(settings.links.token, Some(Secret::Variable("GRAFANA_TOKEN".into())));
    let [weekend, once] = &*settings.freezes else { panic!() };
    assert!(matches!(&weekend.when, When::Weekly { days, zone, .. }
        if days == &[Weekday::Friday, Weekday::Saturday] && zone.iana_name() == Some("Europe/Berlin")));
    assert!(matches!(once.when, When::Between(from, until) if until.duration_since(from).as_hours() == 9 * 24));
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
