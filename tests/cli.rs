//! The command line as scripts see it: answers on stdout, talk on stderr, exit codes.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// Runs the program away from this machine's own configuration, kubeconfig and terminal.
fn pilothouse(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

pub fn command(arguments: &[&str]) -> Command {
    let empty = env!("CARGO_TARGET_TMPDIR");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    command.args(arguments).env_clear().env("HOME", empty).env("TERM", "xterm-256color").stdin(Stdio::null());
    command
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Exit code and one phrase of stderr (of stdout, where the code is 0) for what can be typed.
#[test]
fn exit_codes_are_as_promised() {
    let check = |arguments: &[&str], code: i32, phrase: &str| {
        let output = pilothouse(arguments);
        let talk = if code == 0 { stdout(&output) } else { stderr(&output) };
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {talk}");
        assert!(talk.contains(phrase), "{arguments:?} says: {talk}");
    };
    check(&["--version"], 0, concat!("pilothouse ", env!("CARGO_PKG_VERSION")));
    check(&["--help"], 0, "Usage: pilothouse");
    check(&["frobnicate"], 2, "unrecognized subcommand 'frobnicate'");
    check(&["--context", "a", "-e", "b", "config", "check"], 2, "cannot be used with");
    check(&["config"], 2, "Usage: pilothouse config");
    check(&["config", "path"], 0, "pilothouse/config.toml");
    check(&["config", "check"], 0, "not there: the defaults serve");
    check(&["config", "schema"], 0, "\"reduced_motion\"");
    check(&["--config", "nowhere.toml", "config", "check"], 2, "nowhere.toml: No such file");
    check(&["--config", "tests/scenarios/bad/unknown-key.toml", "config", "check"], 2, "Did you mean 'theme'?");
    check(&["--config", "tests/scenarios/unknown-theme.toml", "config", "check"], 2, "Did you mean 'harbor'?");
    check(&["--config", "tests/scenarios/unknown-keymap.toml", "config", "check"], 2, "Did you mean 'vim'?");
    check(&["-e", "prod", "config", "check"], 2, "No environment is called 'prod'.");
    check(&["--context", "west", "config", "check"], 0, "west: context west, all namespaces, prod");
    check(&["status"], 2, "no kubeconfig");
    check(&["watch", "gateway"], 2, "no kubeconfig");
    check(&["watch", "gateway", "--timeout", "5"], 2, "a time is written like 90s, 15m or 1h30m");
    check(&["status", "a/b/c/d"], 2, "a rollout is [rollout/|canary/][NAMESPACE/]NAME");
    check(&["--config", "tests/scenarios/refused.toml", "status"], 4, "'nobody' cannot be read: connection refused");
    check(&["--config", "tests/scenarios/refused.toml", "doctor"], 4, "");
    check(&["--config", "tests/scenarios/bad/unknown-key.toml", "doctor"], 2, "");
    check(&["man", "confg"], 2, "Did you mean 'config'?");
}

#[test]
fn cockpit_without_a_terminal_is_refused_and_says_what_works() {
    let output = pilothouse(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    assert!(stderr(&output).contains("needs a terminal"));
    assert!(stderr(&output).contains("pilothouse status"));
    assert!(output.stdout.is_empty());
}

#[test]
fn every_command_has_help_with_an_example() {
    fn visit(command: &clap::Command, path: &[&str], missing: &mut Vec<String>) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        if !help.contains("Example") || !help.contains("pilothouse") {
            missing.push(format!("pilothouse {}", path.join(" ")));
        }
        for inner in command.get_subcommands() {
            let mut path = path.to_vec();
            path.push(inner.get_name());
            visit(inner, &path, missing);
        }
    }
    let mut missing = Vec::new();
    visit(&pilothouse::cli::command(), &[], &mut missing);
    assert!(missing.is_empty(), "no example in the help of: {}", missing.join(", "));
    pilothouse::cli::command().debug_assert();
}

#[test]
fn every_command_prints_its_help_and_its_manual_page() {
    for command in pilothouse::cli::command().get_subcommands() {
        let name = command.get_name();
        let help = pilothouse(&[name, "--help"]);
        assert!(help.status.success() && stdout(&help).contains("Usage: pilothouse"), "{name}: {}", stderr(&help));
        let page = pilothouse(&["man", name]);
        assert!(stdout(&page).contains(&format!(".TH pilothouse-{name} 1")), "{name}: {}", stdout(&page));
    }
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "fish", "zsh", "elvish", "powershell"] {
        let script = stdout(&pilothouse(&["completions", shell]));
        assert!(script.contains("completions") && script.contains("log-level"), "{shell}: {script}");
    }
}

#[test]
fn example_and_path_are_what_check_reads() {
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| command(arguments).env("HOME", home.path()).output().unwrap();
    let path = stdout(&run(&["config", "path"]));
    let path = Path::new(path.trim_end());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, run(&["config", "example"]).stdout).unwrap();
    let check = run(&["config", "check"]);
    assert!(check.status.success());
    assert!(!stdout(&check).contains("not there"), "{}", stdout(&check));
}

#[test]
fn configuration_is_taken_from_the_option_then_the_variable_then_the_folder() {
    let home = tempfile::tempdir().unwrap();
    let path = |variable: &str, arguments: &[&str]| {
        let mut command = command(arguments);
        command.env("HOME", home.path()).env("PILOTHOUSE_CONFIG", variable).env("XDG_CONFIG_HOME", home.path().join("c"));
        stdout(&command.output().unwrap()).trim_end().to_owned()
    };
    assert_eq!(path("b.toml", &["--config", "a.toml", "config", "path"]), "a.toml");
    assert_eq!(path("b.toml", &["config", "path"]), "b.toml");
    if cfg!(target_os = "linux") {
        assert_eq!(path("", &["config", "path"]), home.path().join("c/pilothouse/config.toml").display().to_string());
    }
}

#[test]
fn as_kubectl_plugin_it_calls_itself_so() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("kubectl-pilothouse");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pilothouse"), &plugin).unwrap();
    let output = Command::new(plugin).arg("--help").output().unwrap();
    assert!(stdout(&output).contains("Usage: kubectl pilothouse"), "{}", stdout(&output));
}

#[test]
fn a_reader_that_goes_away_is_success() {
    let mut child = command(&["config", "schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

/// A world in a process of its own, which ends with this value.
struct World {
    process: std::process::Child,
    config: String,
}

impl World {
    fn start(arguments: &[&str]) -> Self {
        let arguments = [&["demo", "--serve"], arguments].concat();
        let mut process = command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["version"], 1);
        Self { process, config: line["config"].as_str().unwrap().to_owned() }
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        pilothouse(&[&["--config", &self.config], arguments].concat())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.ask(arguments);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", stderr(&output)))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn status_watch_and_doctor_tell_the_truth_about_a_world() {
    let world = World::start(&["--scenario", "calm", "--rollouts", "3", "--speed", "0"]);
    let all = world.json(&["-e", "prod", "status", "--json"]);
    assert_eq!((&all["version"], &all["environment"], &all["context"]), (&json!(1), &json!("prod"), &json!("prod")));
    let rollouts = all["rollouts"].as_array().unwrap();
    let named = |rollout: &Value| format!("{}/{}", rollout["namespace"].as_str().unwrap(), rollout["name"].as_str().unwrap());
    assert!(rollouts.len() >= 3, "{rollouts:?}");

    let table = stdout(&world.ask(&["-e", "prod", "status"]));
    assert_eq!(table.lines().count(), rollouts.len() + 1, "{table}");

    let healthy = rollouts.iter().find(|rollout| rollout["phase"] == "Healthy").unwrap();
    let one = world.json(&["-e", "prod", "status", &named(healthy), "--json"]);
    assert_eq!(one["rollouts"].as_array().unwrap().len(), 1);
    assert_eq!((&one["rollouts"][0]["name"], &one["rollouts"][0]["images"]), (&healthy["name"], &healthy["images"]));

    let namespace = healthy["namespace"].as_str().unwrap();
    let narrowed = world.json(&["-e", "prod", "-n", namespace, "status", "--json"]);
    let expected = rollouts.iter().filter(|rollout| rollout["namespace"] == namespace).count();
    assert_eq!(narrowed["rollouts"].as_array().unwrap().len(), expected);

    let watched = world.ask(&["-e", "prod", "watch", &named(healthy), "--json"]);
    assert_eq!(watched.status.code(), Some(0), "{}", stderr(&watched));
    let line: Value = serde_json::from_slice(&watched.stdout).unwrap();
    assert_eq!(line["rollouts"][0]["phase"], "Healthy");

    let found = world.json(&["doctor", "--json"]);
    let environments = found["environments"].as_array().unwrap();
    assert_eq!(environments.iter().map(|one| &one["name"]).collect::<Vec<_>>(), ["stage", "prod"]);
    assert!(environments.iter().all(|one| one["reachable"] == true && one["server_version"].is_string()), "{environments:?}");
    let doctor = world.ask(&["-e", "prod", "doctor"]);
    assert_eq!(doctor.status.code(), Some(0));
    assert!(!stdout(&doctor).contains("stage"), "{}", stdout(&doctor));
    assert!(stdout(&doctor).contains("✔ guards         can be armed, seen and cancelled"), "{}", stdout(&doctor));
}

#[test]
fn status_says_what_it_does_not_find() {
    let world = World::start(&["--speed", "0"]);
    let check = |arguments: &[&str], code: i32, phrase: &str| {
        let output = world.ask(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(phrase), "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}: an answer although there is none");
    };
    check(&["-e", "prod", "status", "nothing-like-it"], 1, "There is no rollout 'nothing-like-it'.");
    check(&["-e", "prod", "watch", "nothing-like-it"], 1, "There is no rollout 'nothing-like-it'.");
    check(&["-e", "production", "status"], 2, "No environment is called 'production'. Did you mean 'prod'?");
}
