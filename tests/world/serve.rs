//! `pilothouse demo --serve`: one line that says where it is, files for its owner alone, and nothing left behind.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::prometheus::ask;

fn serve(arguments: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    let mut child = command.args(["demo", "--serve"]).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

fn ended(child: &mut Child) -> Option<i32> {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(5) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    panic!("it went on serving");
}

#[test]
fn one_line_says_where_it_is_and_nothing_is_left_behind() {
    for signal in ["INT", "TERM", "HUP"] {
        let (mut child, mut out) = serve(&["--scenario", "empty"]);
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let file = |key: &str| Path::new(said[key].as_str().unwrap()).to_owned();
        for path in [file("kubeconfig"), file("config")] {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        }
        for environment in ["stage", "prod"] {
            let url = said["kubernetes"][environment].as_str().unwrap();
            assert!(url.starts_with("http://127.0.0.1:"), "{url}");
            let url = said["prometheus"][environment].as_str().unwrap();
            assert_eq!(ask(url.strip_prefix("http://").unwrap(), "/-/ready", &[]).text, "Prometheus Server is Ready.\n");
        }
        let config = std::fs::read_to_string(file("config")).unwrap();
        assert!(config.contains("context = \"prod\"") && config.contains("context = \"stage\""), "{config}");
        let killed = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        assert_eq!(ended(&mut child), Some(0), "{signal}");
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "exactly one line");
        assert!(!file("kubeconfig").parent().unwrap().exists(), "the folder is gone");
    }
}

#[test]
fn a_port_that_is_taken_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let out = Command::new(env!("CARGO_BIN_EXE_pilothouse")).args(["demo", "--serve", "--port", &port]).output().unwrap();
    assert_eq!((out.status.code(), out.stdout.len()), (Some(1), 0));
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(said.contains(&format!("127.0.0.1 port {port}")), "{said}");
}
