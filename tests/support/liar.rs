//! A server that says whatever a test wants, also what no server should. Every connection carries one request.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

/// A request, as far as tests look at it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Path with query.
    pub target: String,
    pub authorization: String,
    /// Request line and headers.
    pub head: String,
    pub body: String,
}

impl Asked {
    pub fn watches(&self) -> bool {
        self.target.contains("watch=true")
    }

    pub fn streams(&self) -> bool {
        self.target.contains("sendInitialEvents=true")
    }

    pub fn is_for(&self, plural: &str) -> bool {
        self.target.split('?').next().is_some_and(|path| path.ends_with(&format!("/{plural}")))
    }
}

/// Bytes to send, and whether the connection stays open afterwards.
pub struct Answer {
    bytes: Vec<u8>,
    open: bool,
}

impl Answer {
    /// Nothing, for as long as the other side waits.
    pub fn silence() -> Self {
        Self { bytes: Vec::new(), open: true }
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

pub fn raw(bytes: impl Into<Vec<u8>>) -> Answer {
    Answer { bytes: bytes.into(), open: false }
}

pub fn text(code: u16, kind: &str, body: &str) -> Answer {
    let length = body.len();
    raw(format!("HTTP/1.1 {code} Said\r\nContent-Type: {kind}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"))
}

pub fn body(code: u16, body: &Value) -> Answer {
    text(code, "application/json", &body.to_string())
}

/// The lines of a watch that stays open.
pub fn lines(lines: &[&str]) -> Answer {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Answer { bytes: format!("{head}{lines}").into_bytes(), open: true }
}

/// A list of rollouts.
pub fn list(items: &Value) -> Answer {
    body(200, &json!({ "kind": "RolloutList", "metadata": { "resourceVersion": "5" }, "items": items }))
}

/// A good answer to whatever a test is not about: nothing is there.
pub fn nothing(asked: &Asked) -> Answer {
    if asked.streams() {
        return body(422, &json!({ "kind": "Status", "code": 422, "message": "sendInitialEvents is forbidden" }));
    }
    if asked.watches() { lines(&[]) } else { body(200, &json!({ "metadata": { "resourceVersion": "1" }, "items": [] })) }
}

pub struct Liar {
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Liar {
    /// Ends with the process.
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::behind(|stream| stream, answer)
    }

    /// Over TLS.
    pub fn over_tls(config: Arc<ServerConfig>, answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let wrap = move |stream| StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        Self::behind(wrap, answer)
    }

    fn behind<S: Read + Write>(
        wrap: impl Fn(TcpStream) -> S + Send + Sync + 'static,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (wrap, answer, log) = (Arc::new(wrap), Arc::new(answer), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (wrap, answer, log) = (Arc::clone(&wrap), Arc::clone(&answer), Arc::clone(&log));
                thread::spawn(move || {
                    stream.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
                    drop(serve(wrap(stream), &*answer, &log));
                });
            }
        });
        Self { port, asked }
    }

    /// What has been asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// A kubeconfig for it; `user` in YAML.
    pub fn kubeconfig(&self, folder: &Path, user: &str) -> PathBuf {
        let path = folder.join(format!("{}.kubeconfig", self.port));
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: liar\nclusters: [{{name: liar, cluster: {{server: 'http://127.0.0.1:{}'}}}}]\n\
             users: [{{name: liar, user: {user}}}]\ncontexts: [{{name: liar, context: {{cluster: liar, user: liar}}}}]\n",
            self.port
        );
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn serve(mut stream: impl Read + Write, answer: &dyn Fn(&Asked) -> Answer, log: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0_u8];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let named =
        |wanted: &str| head.lines().find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case(wanted)));
    let length = named("content-length").and_then(|(_, length)| length.parse().ok()).unwrap_or(0);
    let mut sent = vec![0; length];
    stream.read_exact(&mut sent)?;
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let authorization = named("authorization").map(|(_, value)| value.to_owned()).unwrap_or_default();
    let asked = Asked { target, authorization, body: String::from_utf8_lossy(&sent).into_owned(), head };
    log.lock().unwrap().push(asked.clone());
    let Answer { bytes, open } = answer(&asked);
    stream.write_all(&bytes)?;
    if open {
        // Until the other side has had enough.
        let _ = stream.read(&mut byte)?;
    }
    Ok(())
}
