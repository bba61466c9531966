//! Secrets from where the configuration says they are kept. Never keeps one longer than whoever asked, and never says one in an error.

use std::process::Stdio;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::kube::fault::one_line;
use crate::config::Secret;
use crate::config::secret::mask;

/// A command that takes longer is waiting for somebody.
const PATIENCE: Duration = Duration::from_secs(10);
/// No token is longer, in bytes.
const LONGEST: u64 = 64 << 10;

/// Reads a secret; the error says in one line why there is none.
pub async fn read(secret: &Secret) -> Result<SecretString, String> {
    let text = match secret {
        Secret::Variable(name) => std::env::var(name).map_err(|_| format!("the variable {name} is not set"))?,
        Secret::File(path) => {
            let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
            let file = tokio::fs::File::open(path).await.map_err(wrong)?;
            let mut text = String::new();
            let read = timeout(PATIENCE, file.take(LONGEST).read_to_string(&mut text)).await;
            read.map_err(|_| format!("{}: it takes too long to read", path.display()))?.map_err(wrong)?;
            text
        }
        Secret::Command(words) => printed(words).await?,
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("{} is empty", place(secret)));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{} is more than one line", place(secret)));
    }
    Ok(SecretString::from(text))
}

/// Where a secret is kept, in words.
pub fn place(secret: &Secret) -> String {
    match secret {
        Secret::Variable(name) => format!("the variable {name}"),
        Secret::File(path) => path.display().to_string(),
        Secret::Command(words) => format!("what `{}` prints", words.first().map_or("", String::as_str)),
    }
}

/// What a command prints. It has no keyboard, and is ended when it takes too long or nobody waits any more.
async fn printed(words: &[String]) -> Result<String, String> {
    let (command, arguments) = words.split_first().ok_or("the command is empty")?;
    let mut child = Command::new(command);
    child.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let said = timeout(PATIENCE, child.output()).await;
    let said = said.map_err(|_| format!("`{command}` does not end"))?;
    let said = said.map_err(|error| format!("`{command}` cannot be started: {error}"))?;
    if !said.status.success() {
        let errors = String::from_utf8_lossy(&said.stderr);
        let last = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        return Err(format!("`{command}` failed ({}): {}", said.status, one_line(&mask(last))));
    }
    String::from_utf8(said.stdout).map_err(|_| format!("`{command}` printed no text"))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(secret: &Secret) -> Result<String, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(super::read(secret)).map(|secret| secret.expose_secret().to_owned())
    }

    fn command(script: &str) -> Secret {
        Secret::Command(["sh", "-c", script].map(str::to_owned).into())
    }

    #[test]
    fn secrets_are_read_from_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, " abc\n").unwrap();
        assert_eq!(read(&Secret::File(path.clone())).as_deref(), Ok("abc"));
        assert_eq!(read(&command("echo xyz")).as_deref(), Ok("xyz"));
        std::fs::write(&path, "\n").unwrap();
        assert!(read(&Secret::File(path)).unwrap_err().ends_with("token is empty"));
    }

    #[test]
    fn what_goes_wrong_is_said_without_the_secret() {
        let said = read(&command("echo 'token=abc is old' >&2; exit 3")).unwrap_err();
        assert!(said.starts_with("`sh` failed (exit status: 3): token=***"), "{said}");
        assert_eq!(read(&Secret::Variable("PILOTHOUSE_NO_SUCH".into())).unwrap_err(), "the variable PILOTHOUSE_NO_SUCH is not set");
        assert!(read(&Secret::Command(vec!["/no/such".into()])).unwrap_err().starts_with("`/no/such` cannot be started"));
        assert_eq!(read(&command("printf 'a\\nb'")).unwrap_err(), "what `sh` prints is more than one line");
    }
}
