//! Opens a page in the browser of whoever sits here. The browser gets nothing of our terminal, and nobody waits for it.

use std::ffi::OsString;
use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a command may take to fail. One that still runs then is the browser itself.
const PATIENCE: Duration = Duration::from_secs(3);
/// From one look at it to the next.
const PACE: Duration = Duration::from_millis(25);

/// What can open a page here.
#[derive(Clone, Debug, Default)]
pub struct Opener {
    /// Commands of which the first that starts is taken, with colons between them; `%s` in one is the address.
    browser: Option<String>,
    /// Whether there is a screen that a browser can appear on.
    screen: bool,
}

impl Opener {
    /// As the environment says: `$BROWSER`, and `$DISPLAY` or `$WAYLAND_DISPLAY`; on a Mac the screen is there unless one came by SSH.
    pub fn here() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let screen = if cfg!(target_os = "macos") {
            set("SSH_CONNECTION").is_none()
        } else {
            set("DISPLAY").or_else(|| set("WAYLAND_DISPLAY")).is_some()
        };
        Self { browser: set("BROWSER").and_then(|browser: OsString| browser.into_string().ok()), screen }
    }

    /// The commands that open a page, the best first; the error says why there is none.
    fn commands(&self, page: &str) -> Result<Vec<Vec<String>>, String> {
        if !page.starts_with("https://") && !page.starts_with("http://") {
            return Err("it is no address of a page".to_owned());
        }
        if let Some(browser) = &self.browser {
            return Ok(browser.split(':').map(|command| with(command, page)).filter(|words| words.len() > 1).collect());
        }
        if !self.screen {
            return Err("there is no screen here, and $BROWSER is not set".to_owned());
        }
        Ok(vec![with(if cfg!(target_os = "macos") { "open" } else { "xdg-open" }, page)])
    }
}

/// The words of a command with the page in them.
fn with(command: &str, page: &str) -> Vec<String> {
    let mut words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
    if !words.iter().any(|word| word.contains("%s")) {
        words.push(page.to_owned());
    }
    words.into_iter().map(|word| word.replace("%s", page)).collect()
}

/// Opens a page, and tells once what came of it: the command that took it, or why none did. Returns at once.
pub fn open(opener: &Opener, page: &str, tell: impl FnOnce(Result<String, String>) + Send + 'static) {
    let commands = match opener.commands(page) {
        Ok(commands) => commands,
        Err(why) => return tell(Err(why)),
    };
    let opening = thread::Builder::new().name("open".to_owned()).spawn(move || match started(&commands) {
        Ok((name, child)) => watched(&name, child, tell),
        Err(why) => tell(Err(why)),
    });
    if let Err(error) = opening {
        tracing::warn!("no page can be opened: {error}");
    }
}

/// The first of the commands that starts, with its name.
fn started(commands: &[Vec<String>]) -> Result<(String, Child), String> {
    let mut why = "$BROWSER names no command".to_owned();
    for words in commands {
        let Some((name, arguments)) = words.split_first() else { continue };
        match start(name, arguments) {
            Ok(child) => return Ok((name.clone(), child)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => why = format!("there is no {name} here"),
            Err(error) => why = format!("{name} does not start: {error}"),
        }
    }
    Err(why)
}

/// Nothing that it says is seen, no key is for it, and what ends us does not end it.
fn start(name: &str, arguments: &[String]) -> io::Result<Child> {
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn()
}

/// Tells what became of it, once that is known, and waits for its end, so that nothing of it is left.
fn watched(name: &str, mut child: Child, tell: impl FnOnce(Result<String, String>)) {
    match ended(&mut child) {
        Ok(Some(status)) if !status.success() => tell(Err(format!("{name} failed: {status}"))),
        Ok(_) => tell(Ok(name.to_owned())),
        Err(error) => tell(Err(format!("nobody knows what became of {name}: {error}"))),
    }
    let _ = child.wait();
}

/// How it ended; None if it goes on.
fn ended(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(PACE);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const PAGE: &str = "https://grafana.example/d/x?from=1&to=now&var-service=a%20b;touch";

    fn opened(opener: &Opener, page: &str) -> Result<String, String> {
        let (sender, receiver) = mpsc::channel();
        open(opener, page, move |done| sender.send(done).unwrap());
        receiver.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    fn browser(commands: &str) -> Opener {
        Opener { browser: Some(commands.to_owned()), screen: false }
    }

    /// A script in a folder of its own.
    #[cfg(unix)]
    fn script(folder: &std::path::Path, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.join("browser");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[cfg(unix)]
    #[test]
    fn the_browser_gets_the_page_and_nothing_of_the_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let said = folder.path().join("said");
        // Its own group, no terminal at any of its three, and the page as one word.
        let text = format!(
            "for at in 0 1 2; do [ -t $at ] && exit 9; done; [ $(ps -o pgid= -p $$) = $$ ] || exit 8; printf '%s\\n' \"$@\" > {}",
            said.display()
        );
        let name = script(folder.path(), &text);
        assert_eq!(opened(&browser(&name), PAGE), Ok(name.clone()));
        assert_eq!(std::fs::read_to_string(&said).unwrap(), format!("{PAGE}\n"));
        let command = format!("/nowhere/firefox:{name} --url=%s --new");
        assert_eq!(opened(&browser(&command), PAGE), Ok(name));
        assert_eq!(std::fs::read_to_string(&said).unwrap(), format!("--url={PAGE}\n--new\n"));
    }

    #[cfg(unix)]
    #[test]
    fn one_that_fails_is_said_and_one_that_stays_is_the_browser() {
        let folder = tempfile::tempdir().unwrap();
        let name = script(folder.path(), "exit 3");
        assert_eq!(opened(&browser(&name), PAGE), Err(format!("{name} failed: exit status: 3")));
        let name = script(folder.path(), "sleep 4");
        assert_eq!(opened(&browser(&name), PAGE), Ok(name));
    }

    #[test]
    fn where_nothing_can_open_it_that_is_said() {
        let why = |opener: &Opener, page| opened(opener, page).unwrap_err();
        assert_eq!(why(&Opener::default(), PAGE), "there is no screen here, and $BROWSER is not set");
        assert_eq!(why(&browser("/nowhere/firefox"), PAGE), "there is no /nowhere/firefox here");
        assert_eq!(why(&browser(" : "), PAGE), "$BROWSER names no command");
        for page in ["file:///etc/passwd", "-version", "javascript:alert(1)"] {
            assert_eq!(why(&Opener { screen: true, ..browser("true") }, page), "it is no address of a page");
        }
        let there = Opener { browser: None, screen: true }.commands(PAGE).unwrap();
        assert_eq!(there[0][1..], [PAGE.to_owned()]);
    }
}
