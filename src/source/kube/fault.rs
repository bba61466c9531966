//! What can go wrong between us and a server, in one plain line each. Text of others is cut to a line and cleaned before it goes
//! anywhere near a terminal.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::StatusCode;
use kube::core::Status;
use rustls::{AlertDescription, CertificateError};

/// Longest text of a server or plugin that is passed on, in characters.
const LONGEST: usize = 240;

/// What kind of thing went wrong: decides what is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No connection, or it broke.
    Unreachable,
    /// Connected, but no answer in time.
    Silent,
    /// The kubeconfig, or what it says about credentials, cannot be used.
    Credentials,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404.
    Missing,
    /// 410: the version asked for is too old.
    Expired,
    /// 429.
    Busy,
    /// Another 4xx: the request itself is not understood here.
    Refused,
    /// 5xx.
    Broken,
    /// An answer that is not what was asked for.
    Garbled,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Fault {
    /// What kind of thing.
    pub cause: Cause,
    /// The HTTP status, if there was an answer.
    pub code: Option<u16>,
    /// One line, without the status.
    pub text: String,
    /// How long the server asks to be left alone.
    pub wait: Option<Duration>,
}

impl Fault {
    /// A fault without an answer.
    pub fn new(cause: Cause, text: &str) -> Self {
        Self { cause, code: None, text: one_line(text), wait: None }
    }

    /// No answer within the time allowed.
    pub fn silent(after: Duration) -> Self {
        Self::new(Cause::Silent, &format!("no answer for {} s", after.as_secs()))
    }

    /// What a server said with an error status, in a `Status` or in whatever else its body is.
    pub fn answered(code: u16, body: &[u8], wait: Option<Duration>) -> Self {
        match serde_json::from_slice::<Status>(body) {
            Ok(status) if !status.message.is_empty() => {
                let asked = status.details.map_or(0, |details| details.retry_after_seconds);
                let wait = wait.or_else(|| (asked > 0).then(|| Duration::from_secs(asked.into())));
                Self { cause: cause_of(code), code: Some(code), text: one_line(&status.message), wait }
            }
            _ => Self { cause: cause_of(code), code: Some(code), text: one_line(&String::from_utf8_lossy(body)), wait },
        }
    }

    /// What kube or the connection below it says.
    pub fn connection(error: &(dyn Error + 'static)) -> Self {
        let mut chain = Vec::new();
        gather(error, &mut chain);
        let known = chain.iter().find_map(|error| plain(*error));
        let root = chain.last().map_or_else(String::new, ToString::to_string);
        Self::new(Cause::Unreachable, &known.map_or(root, str::to_owned))
    }

    /// One line with the status in front, for the health of a connection.
    pub fn line(&self) -> String {
        let Some(code) = self.code else { return self.text.clone() };
        let reason = StatusCode::from_u16(code).ok().and_then(|code| code.canonical_reason()).unwrap_or("");
        let text = if self.text.eq_ignore_ascii_case(reason) { "" } else { &*self.text };
        let separator = if text.is_empty() { "" } else { ": " };
        format!("{code} {reason}{separator}{text}")
    }
}

/// What an HTTP status means to us.
fn cause_of(code: u16) -> Cause {
    match code {
        401 => Cause::Unauthorized,
        403 => Cause::Forbidden,
        404 => Cause::Missing,
        410 => Cause::Expired,
        429 => Cause::Busy,
        500.. => Cause::Broken,
        _ => Cause::Refused,
    }
}

/// An error and everything below it. `io::Error` hides what it wraps from `source`.
fn gather<'a>(error: &'a (dyn Error + 'static), chain: &mut Vec<&'a (dyn Error + 'static)>) {
    chain.push(error);
    if let Some(wrapped) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        gather(wrapped, chain);
    } else if let Some(source) = error.source() {
        gather(source, chain);
    }
}

/// The plain words for an error, if it is one of those that have them.
fn plain(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return plain_tls(error);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return Some(match error.kind() {
            io::ErrorKind::ConnectionRefused => "connection refused",
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => "connection reset",
            io::ErrorKind::TimedOut => "no answer to connecting",
            io::ErrorKind::UnexpectedEof => "the connection broke in the middle of an answer",
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "no route to the server",
            _ => return None,
        });
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return (error.is_incomplete_message() || error.is_closed() || error.is_body_write_aborted())
            .then_some("the connection broke in the middle of an answer")
            .or_else(|| error.is_parse().then_some("it does not speak HTTP"));
    }
    // hyper-util keeps the type of this one to itself.
    (error.to_string() == "dns error").then_some("the server's name cannot be resolved")
}

fn plain_tls(error: &rustls::Error) -> Option<&'static str> {
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::UnknownIssuer => Some("certificate signed by unknown authority"),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Some("the server's certificate has expired"),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Some("the server's certificate is not valid yet")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Some("the server's certificate is for another name")
            }
            CertificateError::BadSignature => Some("the server's certificate has a wrong signature"),
            _ => None,
        },
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => Some("the server wants a client certificate"),
        rustls::Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::DecryptError,
        ) => Some("the server does not take the client certificate"),
        rustls::Error::InvalidMessage(_) => Some("it does not speak TLS"),
        _ => None,
    }
}

/// Text of others as one line: control characters and escape sequences become spaces, runs of spaces one, and the end is cut.
pub fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_and_other_bodies_are_cut() {
        let status =
            br#"{"kind":"Status","status":"Failure","message":"rollouts.argoproj.io is forbidden:\nUser \"x\"","code":403}"#;
        let fault = Fault::answered(403, status, None);
        assert_eq!((fault.cause, fault.text.as_str()), (Cause::Forbidden, "rollouts.argoproj.io is forbidden: User \"x\""));
        assert_eq!(Fault::answered(404, b"404 page not found\n", None).line(), "404 Not Found: 404 page not found");
        assert_eq!(Fault::answered(401, br#"{"message":"Unauthorized"}"#, None).line(), "401 Unauthorized");
        let page = format!("<html>\x1b[31m{}</html>", "x".repeat(9000));
        let fault = Fault::answered(502, page.as_bytes(), None);
        assert!(fault.line().starts_with("502 Bad Gateway: <html> [31mxxx") && fault.text.chars().count() <= LONGEST + 1);
    }

    #[test]
    fn the_server_may_ask_to_be_left_alone() {
        let status = br#"{"message":"slow down","details":{"retryAfterSeconds":7}}"#;
        assert_eq!(Fault::answered(429, status, None).wait, Some(Duration::from_secs(7)));
        assert_eq!(Fault::answered(429, status, Some(Duration::from_secs(2))).wait, Some(Duration::from_secs(2)));
    }

    #[test]
    fn connections_fail_in_plain_words() {
        let hidden = io::Error::other(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer));
        assert_eq!(Fault::connection(&hidden).text, "certificate signed by unknown authority");
        assert_eq!(Fault::connection(&io::Error::from(io::ErrorKind::ConnectionRefused)).text, "connection refused");
        assert_eq!(Fault::connection(&io::Error::other("something new")).text, "something new");
    }
}
