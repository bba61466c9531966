//! A server that speaks as much of Prometheus' HTTP API as Pilothouse asks for, with answers that a test makes up. It evaluates nothing: each
//! query is handed to the test as it was asked, the joined ones one by one.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use promql_parser::parser::{self, Expr};
use serde_json::{Value, json};

/// What a test makes up.
pub trait Script: Send + Sync + 'static {
    /// The value of a query at a moment, in seconds since the server began; None: there is no series.
    fn value(&self, query: &str, at: f64) -> Option<f64>;

    /// The moment of the newest sample, likewise.
    fn newest(&self, now: f64) -> Option<f64> {
        Some(now)
    }

    /// Pods that the samples come from.
    fn pods(&self) -> Option<f64> {
        None
    }

    /// Whether the server refuses to serve now: the number of the request, and the moment.
    fn is_away(&self, _request: u32, _now: f64) -> bool {
        false
    }

    /// What it has against a query.
    fn refuses(&self, _query: &str) -> Option<&'static str> {
        None
    }

    /// Seconds by which its clock is ahead.
    fn ahead(&self) -> f64 {
        0.0
    }
}

/// Starts a server; gives its address. It ends with the process.
pub fn start(script: impl Script) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = Arc::new(Server { script: Box::new(script), began: real_now(), requests: AtomicU32::new(0) });
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let server = Arc::clone(&server);
            thread::spawn(move || drop(server.serve(stream)));
        }
    });
    address
}

struct Server {
    script: Box<dyn Script>,
    began: f64,
    requests: AtomicU32,
}

#[expect(clippy::disallowed_methods, reason = "a server has a clock of its own")]
fn real_now() -> f64 {
    Timestamp::now().as_duration().as_secs_f64()
}

impl Server {
    /// Its own clock.
    fn now(&self) -> f64 {
        real_now() + self.script.ahead()
    }

    /// Seconds since it began, of a moment of its own clock.
    fn since(&self, moment: f64) -> f64 {
        moment - self.began - self.script.ahead()
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        while let Some((target, body)) = read(&mut stream)? {
            let (path, query) = target.split_once('?').unwrap_or((&target, ""));
            let parameters = form(&format!("{query}&{body}"));
            let (code, kind, text) = self.answer(path, &parameters);
            let moment = Timestamp::from_millisecond((self.now() * 1000.0) as i64).unwrap();
            let date = moment.strftime("%a, %d %b %Y %H:%M:%S GMT");
            let head =
                format!("HTTP/1.1 {code} Said\r\nContent-Type: {kind}\r\nDate: {date}\r\nContent-Length: {}\r\n\r\n", text.len());
            stream.write_all(format!("{head}{text}").as_bytes())?;
        }
        Ok(())
    }

    fn answer(&self, path: &str, parameters: &BTreeMap<String, String>) -> (u16, &'static str, String) {
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        if self.script.is_away(request, self.since(self.now())) {
            return (503, "text/plain", "no backend".to_owned());
        }
        let query = parameters.get("query").map_or("", String::as_str);
        if let Some(error) = self.script.refuses(query) {
            return (400, "application/json", json!({"status": "error", "errorType": "bad_data", "error": error}).to_string());
        }
        match self.data(path, parameters) {
            Some(data) => (200, "application/json", json!({"status": "success", "data": data}).to_string()),
            None => (404, "text/plain", "404 page not found".to_owned()),
        }
    }

    fn data(&self, path: &str, parameters: &BTreeMap<String, String>) -> Option<Value> {
        let number = |name: &str| parameters.get(name).and_then(|text| text.parse::<f64>().ok());
        let query = parameters.get("query").map_or("", String::as_str);
        match path {
            "/api/v1/query" => {
                let at = number("time").unwrap_or_else(|| self.now());
                let result: Vec<_> = parts(query)
                    .into_iter()
                    .filter_map(|(labels, part)| Some(json!({"metric": labels, "value": [at, text(self.value(&part, at)?)]})))
                    .collect();
                Some(json!({"resultType": "vector", "result": result}))
            }
            "/api/v1/query_range" => {
                let (start, end, step) = (number("start").unwrap(), number("end").unwrap(), number("step").unwrap());
                let moments: Vec<f64> = (0..).map(|place| start + f64::from(place) * step).take_while(|at| *at <= end).collect();
                let series = |(labels, part): (Value, String)| {
                    let values = moments.iter().filter_map(|at| Some(json!([at, text(self.value(&part, *at)?)])));
                    let values: Vec<_> = values.collect();
                    (!values.is_empty()).then(|| json!({"metric": labels, "values": values}))
                };
                let result: Vec<_> = parts(query).into_iter().filter_map(series).collect();
                Some(json!({"resultType": "matrix", "result": result}))
            }
            "/api/v1/rules" => Some(json!({"groups": []})),
            _ => None,
        }
    }

    fn value(&self, part: &str, at: f64) -> Option<f64> {
        let since = self.since(at);
        // It knows nothing of what is still to come.
        if at > self.now() + 1.0 {
            return None;
        }
        if part.starts_with("max(timestamp(") {
            return self.script.newest(since).map(|newest| newest + at - since);
        }
        if part.starts_with("count(count by (pod)") {
            return self.script.pods();
        }
        if part.starts_with("count(count by") {
            return None;
        }
        if part.contains("vector(1)") { Some(1.0) } else { self.script.value(part, since) }
    }
}

fn text(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        value => value.to_string(),
    }
}

/// The queries that are joined in one, each with the labels that it was given.
fn parts(query: &str) -> Vec<(Value, String)> {
    let mut found = Vec::new();
    if let Ok(expression) = parser::parse(query) {
        split(&expression, &mut found);
    }
    found
}

fn split(expression: &Expr, found: &mut Vec<(Value, String)>) {
    match expression {
        Expr::Binary(binary) if binary.op.to_string() == "or" => {
            split(&binary.lhs, found);
            split(&binary.rhs, found);
        }
        Expr::Call(call) if call.func.name == "label_replace" => {
            let text = |place: usize| match call.args.args.get(place).map(|argument| &**argument) {
                Some(Expr::StringLiteral(literal)) => literal.val.clone(),
                _ => String::new(),
            };
            let inner = match &*call.args.args[0] {
                Expr::Paren(paren) => paren.expr.to_string(),
                other => other.to_string(),
            };
            found.push((json!({ text(1): text(2) }), inner));
        }
        other => found.push((json!({}), other.to_string())),
    }
}

fn read(stream: &mut TcpStream) -> std::io::Result<Option<(String, String)>> {
    let mut head = Vec::new();
    let mut byte = [0_u8];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let header = |wanted: &str| {
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
    };
    let mut body = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or_default()];
    stream.read_exact(&mut body)?;
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    Ok(Some((target, String::from_utf8_lossy(&body).into_owned())))
}

/// The fields of a form.
fn form(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let hex: Vec<u8> = rest.by_ref().take(2).collect();
                bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}
