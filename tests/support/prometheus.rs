//! A real Prometheus: `$PROMETHEUS`, or `prometheus` in the path, with its `promtool` beside it. On a free loopback port, with samples
//! that were written for it or targets that it scrapes; it ends with the process that started it.

use std::fmt::Write as _;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::api_server::{Guarded, free_port};
use crate::world::Answer;

/// A Prometheus at work.
pub struct Prometheus {
    pub address: String,
    folder: PathBuf,
    _process: Guarded,
}

/// The binaries; None, loudly, where there are none, and a failure where they are required.
pub fn binaries() -> Option<(PathBuf, PathBuf)> {
    let named = std::env::var_os("PROMETHEUS").map(PathBuf::from);
    let server = named.unwrap_or_else(|| PathBuf::from("prometheus"));
    let tool = match server.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.join("promtool"),
        _ => PathBuf::from("promtool"),
    };
    let starts = |program: &PathBuf| {
        let quiet = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        quiet.is_ok_and(|status| status.success())
    };
    if starts(&server) && starts(&tool) {
        return Some((server, tool));
    }
    assert!(std::env::var_os("CI_REQUIRE_REAL").is_none(), "prometheus and promtool are required and cannot be started");
    // Past the harness, which shows what is printed by tests that fail only.
    let _ = writeln!(std::io::stderr(), "skipped: prometheus and promtool cannot be started here; set PROMETHEUS or install them");
    None
}

impl Prometheus {
    /// One with the samples of an OpenMetrics text.
    pub fn with_samples((server, tool): &(PathBuf, PathBuf), open_metrics: &str) -> Self {
        let folder = folder();
        let text = folder.join("samples.om");
        std::fs::write(&text, open_metrics).unwrap();
        let blocks = Command::new(tool)
            .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"])
            .args([&text, &folder.join("data")])
            .output()
            .unwrap();
        assert!(blocks.status.success(), "{}", String::from_utf8_lossy(&blocks.stderr));
        Self::start(server, folder, "")
    }

    /// One that scrapes these addresses every second, and believes the labels that it finds there.
    pub fn scraping((server, _): &(PathBuf, PathBuf), addresses: &[String], interval: &str) -> Self {
        let jobs = format!(
            "scrape_configs:\n- job_name: world\n  honor_labels: true\n  scrape_interval: {interval}\n  scrape_timeout: {interval}\n  static_configs:\n  - targets: {addresses:?}\n"
        );
        Self::start(server, folder(), &jobs)
    }

    /// One that evaluates rules every second; in YAML, as they stand in a group.
    pub fn with_rules((server, _): &(PathBuf, PathBuf), rules: &str) -> Self {
        let folder = folder();
        let path = folder.join("rules.yml");
        std::fs::write(&path, format!("groups:\n- name: test\n  interval: 1s\n  rules:\n{rules}")).unwrap();
        Self::start(server, folder, &format!("rule_files: [{:?}]\n", path.display().to_string()))
    }

    fn start(server: &std::path::Path, folder: PathBuf, jobs: &str) -> Self {
        let config = folder.join("prometheus.yml");
        std::fs::write(&config, format!("global:\n  evaluation_interval: 1m\n{jobs}")).unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let arguments = [
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            format!("--web.listen-address={address}"),
            "--storage.tsdb.retention.time=100y".to_owned(),
            "--log.level=warn".to_owned(),
        ];
        let process = Guarded::start(&folder.join("log"), Some(&folder), server, &arguments);
        let begun = Instant::now();
        let prometheus = Self { address, folder, _process: process };
        while prometheus.ask("/-/ready", &[]).code != 200 {
            let log = std::fs::read_to_string(prometheus.folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(60), "prometheus does not start: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
        prometheus
    }

    /// The answer to a GET with these parameters.
    pub fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        ask(&self.address, path, parameters)
    }

    /// The answer's body.
    pub fn json(&self, path: &str, parameters: &[(&str, &str)]) -> (u16, Value) {
        let answer = self.ask(path, parameters);
        (answer.code, answer.json())
    }
}

/// The answer of any server to a GET with these parameters; code 0 where there is none.
pub fn ask(address: &str, path: &str, parameters: &[(&str, &str)]) -> Answer {
    let nothing = || Answer { code: 0, headers: String::new(), text: String::new(), complete: false };
    let Ok(mut stream) = TcpStream::connect(address) else { return nothing() };
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let query = encoded(parameters);
    let sent = write!(stream, "GET {path}?{query} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    if sent.is_err() { nothing() } else { Answer::read(&mut BufReader::new(stream)) }
}

/// Parameters as a form or a URL carries them.
pub fn encoded(parameters: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (key, value) in parameters {
        let _ = write!(text, "{}{key}=", if text.is_empty() { "" } else { "&" });
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => text.push(char::from(byte)),
                _ => drop(write!(text, "%{byte:02X}")),
            }
        }
    }
    text
}

fn folder() -> PathBuf {
    tempfile::Builder::new().prefix("pilothouse-prometheus-").tempdir().unwrap().keep()
}
