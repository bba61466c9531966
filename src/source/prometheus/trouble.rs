//! What can go wrong between us and a metrics server, told apart by what follows from it.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use crate::config::secret::mask;
use crate::source::kube::fault::one_line;

/// Something that went wrong, in one plain line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The server is well, but not with this query.
    #[error("{0}")]
    Refused(Box<str>),
    /// The server has no such endpoint.
    #[error("{0}")]
    Missing(Box<str>),
    /// There is no answer, or none that a metrics server gives.
    #[error("{text}")]
    Down {
        /// What happened.
        text: Box<str>,
        /// How long the server asks to be left alone.
        wait: Option<Duration>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    #[serde(default)]
    error_type: Option<String>,
    error: String,
}

impl Trouble {
    /// No answer that counts.
    pub fn down(text: &str) -> Self {
        Self::Down { text: one_line(&mask(text)).into(), wait: None }
    }

    /// The query is not taken.
    pub fn refused(text: &str) -> Self {
        Self::Refused(one_line(&mask(text)).into())
    }

    /// What a server said with an error status: in Prometheus' envelope, or in whatever else its body is.
    pub fn answered(code: u16, body: &[u8], wait: Option<Duration>) -> Self {
        let status = StatusCode::from_u16(code).ok();
        let reason = status.and_then(|status| status.canonical_reason()).unwrap_or("");
        let down = |text: String| Self::Down { text: one_line(&mask(&text)).into(), wait };
        if let Ok(Envelope { error_type, error }) = serde_json::from_slice::<Envelope>(body) {
            let kind = error_type.map_or_else(String::new, |kind| format!("{kind}: "));
            return match code {
                400 | 422 => Self::refused(&error),
                404 => Self::Missing(one_line(&mask(&error)).into()),
                _ => down(format!("{code} {reason}: {kind}{error}")),
            };
        }
        let text = String::from_utf8_lossy(body);
        let page = is_page(&text);
        let said = if page { "a web page, and not a metrics server's answer".to_owned() } else { one_line(&text) };
        match code {
            401 => down("401 Unauthorized: the server does not take these credentials".to_owned()),
            403 => down(format!("403 Forbidden: {said}")),
            404 => Self::Missing("404 Not Found: there is no Prometheus API at this address; is a path prefix missing?".into()),
            _ if said.is_empty() => down(format!("{code} {reason}")),
            _ => down(format!("{code} {reason}: {said}")),
        }
    }

    /// How long the server asks to be left alone.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Down { wait, .. } => *wait,
            Self::Refused(_) | Self::Missing(_) => None,
        }
    }
}

/// Whether a body is a web page, such as the form of a login that stands in front.
pub fn is_page(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let said = |code: u16, body: &str| Trouble::answered(code, body.as_bytes(), None);
        let envelope = |kind: &str, text: &str| format!(r#"{{"status":"error","errorType":"{kind}","error":"{text}"}}"#);
        assert_eq!(said(400, &envelope("bad_data", "parse error")), Trouble::refused("parse error"));
        assert_eq!(said(422, &envelope("execution", "too many samples")), Trouble::refused("too many samples"));
        assert_eq!(
            said(503, &envelope("timeout", "query timed out")),
            Trouble::down("503 Service Unavailable: timeout: query timed out")
        );
        assert!(matches!(said(404, "404 page not found\n"), Trouble::Missing(_)));
        assert_eq!(said(502, "<html>x</html>"), Trouble::down("502 Bad Gateway: a web page, and not a metrics server's answer"));
        assert_eq!(said(500, ""), Trouble::down("500 Internal Server Error"));
        assert_eq!(said(403, "token=abc\u{1b}[31m"), Trouble::down("403 Forbidden: token=*** [31m"));
    }
}
