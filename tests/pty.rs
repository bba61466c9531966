//! The real program in a pseudo-terminal: it draws, follows the size, and gives the terminal back on every way out.
//!
//! Panics are tried in the cockpit's own loop with other parts: this test binary starts itself again as the program.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::termios::Termios;
use nix::unistd::Pid;
use pilothouse::config::Settings;
use pilothouse::input::Keymap;
use pilothouse::log::Ring;
use pilothouse::tui::{self, Looks, Parts};
use pilothouse::ui::theme::{self, Depth, Theme};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long anything may take. The machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);
/// Which part is to panic in a program started by this test binary.
const PANIC_IN: &str = "PILOTHOUSE_TEST_PANIC_IN";

/// A program in a pseudo-terminal.
struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Process,
    output: Receiver<Vec<u8>>,
    written: Vec<u8>,
    screen: vt100::Parser,
    before: Termios,
    _home: tempfile::TempDir,
}

impl Terminal {
    /// Starts the program on a kubeconfig that leads nowhere.
    fn start() -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_pilothouse"));
        command.args(["--log-level", "warn"]);
        Self::run(command)
    }

    /// Starts this test binary as a program of which a part panics.
    fn panicking_in(part: &str) -> Self {
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--exact", "pty::a_cockpit_of_which_a_part_panics", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(PANIC_IN, part);
        Self::run(command)
    }

    fn run(mut command: CommandBuilder) -> Self {
        let home = tempfile::tempdir().unwrap();
        for (name, value) in environment(home.path()) {
            command.env(name, value);
        }
        command.env_remove("NO_COLOR");
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let before = pair.master.get_termios().unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (send, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if send.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            keyboard: pair.master.take_writer().unwrap(),
            master: pair.master,
            child: Process(child),
            output,
            written: Vec::new(),
            screen: vt100::Parser::new(cells(24), cells(80), 0),
            before,
            _home: home,
        }
    }

    /// Reads until the condition holds.
    fn until(&mut self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let begun = Instant::now();
        while !holds(self.screen.screen()) {
            let Some(left) = PATIENCE.checked_sub(begun.elapsed()) else {
                panic!("waited for {what}; the screen says:\n{}", self.screen.screen().contents());
            };
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(error) => panic!("waited for {what}: {error}; the screen says:\n{}", self.screen.screen().contents()),
            }
        }
    }

    fn until_text(&mut self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.written.extend_from_slice(bytes);
    }

    fn press(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
        self.keyboard.flush().unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.0.process_id().unwrap().try_into().unwrap()), signal).unwrap();
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        self.screen.screen_mut().set_size(cells(rows), cells(columns));
    }

    /// Waits for the program to end and for its last word. Gives its exit code and what it wrote after the alternate screen.
    fn end(&mut self) -> (u32, String) {
        let begun = Instant::now();
        let status = loop {
            while let Ok(bytes) = self.output.try_recv() {
                self.take(&bytes);
            }
            if let Some(status) = self.child.0.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end; the screen says:\n{}", self.screen.screen().contents());
            if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(20)) {
                self.take(&bytes);
            }
        };
        // The other side is closed by now: what is left comes at once.
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) {
            self.take(&bytes);
        }
        let leave = b"\x1b[?1049l";
        let left = self.written.windows(leave.len()).rposition(|window| window == leave).expect("it never left the screen");
        (status.exit_code(), String::from_utf8_lossy(&self.written[left + leave.len()..]).into_owned())
    }

    /// Checks that everything taken from the terminal has been given back.
    fn assert_restored(&self) {
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "still on the alternate screen");
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is on");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        let after = self.master.get_termios().unwrap();
        assert_eq!(after.local_flags, self.before.local_flags, "raw mode is on");
        assert_eq!(after.input_flags, self.before.input_flags);
        assert_eq!(after.output_flags, self.before.output_flags);
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

/// A process that does not outlive its test.
struct Process(Box<dyn Child + Send + Sync>);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A user without files, on a cluster that does not answer.
fn environment(home: &Path) -> Vec<(&'static str, String)> {
    let kubeconfig = home.join("kubeconfig");
    let text = r#"{"apiVersion":"v1","kind":"Config","current-context":"far","clusters":[{"name":"far","cluster":{"server":"http://127.0.0.1:9"}}],
        "contexts":[{"name":"far","context":{"cluster":"far","user":"me"}}],"users":[{"name":"me","user":{"token":"t"}}]}"#;
    std::fs::write(&kubeconfig, text).unwrap();
    let folder = home.display().to_string();
    let mut environment = vec![("KUBECONFIG", kubeconfig.display().to_string()), ("TERM", "xterm-256color".to_owned())];
    environment.extend(["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"].map(|name| (name, folder.clone())));
    environment
}

#[test]
fn it_draws_follows_the_size_and_leaves_on_q() {
    let mut terminal = Terminal::start();
    terminal.until_text("Rollouts");
    assert!(terminal.screen.screen().alternate_screen() && terminal.screen.screen().hide_cursor());
    terminal.resize(140, 40);
    terminal.until("the wide Bridge", |screen| screen.contents().contains("Now") && screen.contents().contains("3 Rollouts"));
    terminal.press(b"?");
    terminal.until_text("Moving");
    terminal.press(b"\x1b");
    terminal.until("the help to close", |screen| !screen.contents().contains("Moving"));
    terminal.resize(30, 8);
    terminal.until_text("too small");
    terminal.resize(80, 24);
    terminal.until_text("Rollouts");
    terminal.press(b"q");
    assert_eq!(terminal.end(), (0, String::new()));
    terminal.assert_restored();
}

#[test]
fn a_cluster_that_does_not_answer_delays_nothing_and_is_told() {
    let mut terminal = Terminal::start();
    terminal.until("that nothing answers", |screen| screen.contents().to_lowercase().contains("refused"));
    terminal.press(b"q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn ctrl_c_leaves_also_while_typing() {
    let mut terminal = Terminal::start();
    terminal.until_text("Rollouts");
    terminal.press(b"/quit");
    terminal.until_text("quit");
    terminal.press(b"\x03");
    assert_eq!(terminal.end(), (0, String::new()));
    terminal.assert_restored();
}

#[test]
fn signals_that_end_it_give_the_terminal_back() {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129), (Signal::SIGINT, 0)] {
        let mut terminal = Terminal::start();
        terminal.until_text("Rollouts");
        terminal.signal(signal);
        assert_eq!(terminal.end(), (code, String::new()), "{signal}");
        terminal.assert_restored();
    }
}

#[test]
fn it_stops_and_continues_like_any_job() {
    let mut terminal = Terminal::start();
    terminal.until_text("Rollouts");
    terminal.press(b"\x1a");
    terminal.until("the shell's screen", |screen| !screen.alternate_screen() && !screen.hide_cursor());
    let stopped = || {
        let pid = terminal.child.0.process_id().unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
    };
    let begun = Instant::now();
    while !stopped() {
        assert!(begun.elapsed() < PATIENCE, "it did not stop");
        std::thread::yield_now();
    }
    terminal.assert_restored();
    terminal.signal(Signal::SIGCONT);
    terminal.until("the cockpit again", |screen| screen.alternate_screen() && screen.contents().contains("Rollouts"));
    terminal.press(b"q");
    assert_eq!(terminal.end().0, 0);
    terminal.assert_restored();
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_reported() {
    for (part, said) in [("draw", "the drawing broke"), ("source", "the source broke")] {
        let mut terminal = Terminal::panicking_in(part);
        terminal.until("the alternate screen", vt100::Screen::alternate_screen);
        let (code, after) = terminal.end();
        assert!(code == 101 && after.contains(said), "{part}: {code}: {after}");
        terminal.assert_restored();
    }
}

#[test]
fn a_terminal_that_vanishes_ends_it() {
    let mut terminal = Terminal::start();
    terminal.until_text("Rollouts");
    let Terminal { master, keyboard, output, mut child, .. } = terminal;
    // The reading thread lets go of the terminal when nobody takes what it read.
    drop((master, keyboard, output));
    let begun = Instant::now();
    while child.0.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < PATIENCE, "it runs on without a terminal");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn without_a_terminal_it_says_what_to_use() {
    let home = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_pilothouse")).envs(environment(home.path())).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("needs a terminal") && said.contains("pilothouse status"), "{said}");
    assert!(output.stdout.is_empty());
}

/// Not a test: the program that [`Terminal::panicking_in`] starts.
#[test]
#[ignore = "started by the tests of panics"]
fn a_cockpit_of_which_a_part_panics() {
    let Ok(part) = std::env::var(PANIC_IN) else { return };
    let theme = Theme::parse("harbor", theme::built_in("harbor").unwrap(), Depth::Indexed).unwrap();
    let keymap = Keymap::built_in("default").unwrap().unwrap();
    let load = Box::new(|_: &str| Err("there is one theme".to_owned()));
    let looks = Looks { keymap, theme, themes: Vec::new(), load, log: Ring::default() };
    let own = Parts::default();
    let mut frames = 0;
    let (in_draw, in_source) = (part == "draw", part == "source");
    let parts = Parts {
        start: Box::new(move |settings, waker| {
            if in_source {
                std::thread::spawn(|| panic!("the source broke"));
            }
            (own.start)(settings, waker)
        }),
        draw: Box::new(move |state, theme, buffer| {
            frames += 1;
            assert!(!in_draw || frames < 2, "the drawing broke");
            pilothouse::ui::draw(state, theme, buffer);
        }),
    };
    tui::run_parts(&Settings::default(), looks, parts).unwrap();
}
