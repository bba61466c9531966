//! A client that sees what really comes over the wire, broken answers too.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use pilothouse::demo::{Options, Running, Scenario, start};
use serde_json::Value;

/// A world that stands still, and requests to its last environment.
pub struct Stage {
    pub world: Running,
}

/// An answer, as far as it came.
pub struct Answer {
    pub code: u16,
    pub headers: String,
    pub text: String,
    pub complete: bool,
}

/// A watch that is open.
pub struct Watch {
    reader: BufReader<TcpStream>,
    events: VecDeque<String>,
    rest: String,
}

pub const MERGE: &str = "application/merge-patch+json";
pub const JSON_PATCH: &str = "application/json-patch+json";

impl Stage {
    /// A world with `rollouts` in its crowd, whose clock stands at 2026-01-05 09:00.
    pub fn with(rollouts: usize) -> Self {
        let origin = Some("2026-01-05T09:00:00Z".parse().unwrap());
        let options = Options { scenario: Scenario::Empty, speed: 0.0, origin, rollouts, ..Options::default() };
        Self { world: start(&options).unwrap() }
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> BufReader<TcpStream> {
        let address = self.world.urls.last().unwrap().strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        write!(stream, "{head}\r\n{body}").unwrap();
        BufReader::new(stream)
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.world.token)
    }

    pub fn ask(&self, method: &str, path: &str, content_type: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("Authorization", &*self.authorization()), ("Content-Type", content_type)];
        Answer::read(&mut self.send(method, path, &headers, &body))
    }

    pub fn accept(&self, path: &str, accept: &str) -> Answer {
        Answer::read(&mut self.send("GET", path, &[("Authorization", &*self.authorization()), ("Accept", accept)], ""))
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "application/json", &Value::Null)
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, "application/json", body)
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path, "application/json", &Value::Null)
    }

    pub fn patch(&self, path: &str, content_type: &str, body: &Value) -> Answer {
        self.ask("PATCH", path, content_type, body)
    }

    pub fn watch(&self, path: &str) -> Watch {
        self.watch_as(path, "application/json")
    }

    pub fn watch_as(&self, path: &str, accept: &str) -> Watch {
        let mut reader = self.send("GET", path, &[("Authorization", &*self.authorization()), ("Accept", accept)], "");
        let (code, _) = head(&mut reader).unwrap();
        assert_eq!(code, 200);
        Watch { reader, events: VecDeque::new(), rest: String::new() }
    }
}

impl Answer {
    pub fn read(reader: &mut BufReader<TcpStream>) -> Self {
        let Some((code, headers)) = head(reader) else {
            return Self { code: 0, headers: String::new(), text: String::new(), complete: false };
        };
        let mut text = Vec::new();
        let complete = if headers.contains("transfer-encoding: chunked") {
            loop {
                match chunk(reader) {
                    Some(piece) if piece.is_empty() => break true,
                    Some(piece) => text.extend(piece),
                    None => break false,
                }
            }
        } else {
            let length = headers.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
            text.resize(length, 0);
            reader.read_exact(&mut text).is_ok()
        };
        Self { code, headers, text: String::from_utf8(text).unwrap(), complete }
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.code, self.text))
    }

    /// The answer, which must have this code.
    #[track_caller]
    pub fn is(&self, code: u16) -> Value {
        assert_eq!(self.code, code, "{}", self.text);
        self.json()
    }

    /// The refusal's message, which must have this code and reason.
    #[track_caller]
    pub fn refused(&self, code: u16, reason: &str) -> String {
        let status = self.is(code);
        assert_eq!((status["kind"].as_str(), status["reason"].as_str()), (Some("Status"), Some(reason)), "{status}");
        assert_eq!(status["code"], code);
        status["message"].as_str().unwrap().to_owned()
    }
}

impl Watch {
    /// The next event; none when the watch has ended.
    pub fn next(&mut self) -> Option<Value> {
        while self.events.is_empty() {
            let piece = chunk(&mut self.reader).filter(|piece| !piece.is_empty())?;
            self.rest += str::from_utf8(&piece).unwrap();
            while let Some((line, rest)) = self.rest.split_once('\n') {
                self.events.push_back(line.to_owned());
                self.rest = rest.to_owned();
            }
        }
        self.events.pop_front().map(|line| serde_json::from_str(&line).unwrap())
    }

    /// Type and name of the next event.
    #[track_caller]
    pub fn told(&mut self) -> (String, String) {
        let event = self.next().expect("an event");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&event["type"]), text(&event["object"]["metadata"]["name"]))
    }

    /// Nothing comes for a moment, and the connection stays.
    pub fn is_silent(&mut self) -> bool {
        self.reader.get_ref().set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let nothing =
            matches!(self.reader.fill_buf(), Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
        self.reader.get_ref().set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        nothing && self.events.is_empty()
    }
}

fn head(reader: &mut BufReader<TcpStream>) -> Option<(u16, String)> {
    let mut first = String::new();
    if reader.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let code = first.split(' ').nth(1)?.parse().ok()?;
    let mut headers = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            return Some((code, headers));
        }
        let (name, value) = line.split_once(':')?;
        headers += &format!("{}: {}\n", name.to_lowercase(), value.trim());
    }
}

fn chunk(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut size = String::new();
    reader.read_line(&mut size).ok()?;
    let size = usize::from_str_radix(size.trim(), 16).ok()?;
    let mut piece = vec![0; size + 2];
    reader.read_exact(&mut piece).ok()?;
    piece.truncate(size);
    Some(piece)
}
