//! The way to a metrics server over TLS: whom we believe, who we say we are; and answers that come compressed.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use pilothouse::config::metrics::Prometheus;

use crate::support::ears::{Ears, Heard, environment, now, otel, prometheus};
use crate::support::liar::{Answer, Asked, Liar, raw};
use crate::support::tls::Authority;

const SOON: Duration = Duration::from_secs(10);

/// The answer of a server at rest to any query.
fn answer() -> String {
    let moment = now().as_second();
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{}},"value":[{moment},"{moment}"]}}]}}}}"#)
}

/// Says it compressed, to those who take that.
fn compressed(asked: &Asked) -> Answer {
    let takes = asked.head.lines().any(|line| {
        let line = line.to_ascii_lowercase();
        line.starts_with("accept-encoding:") && line.contains("gzip")
    });
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(answer().as_bytes()).unwrap();
    let (encoding, body) =
        if takes { ("Content-Encoding: gzip\r\n", encoder.finish().unwrap()) } else { ("", b"it is asked for plainly".to_vec()) };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{encoding}Connection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    raw([head.into_bytes(), body].concat())
}

/// Ears on a server over TLS that is believed by this bundle, and to which this identity is shown.
fn ears(liar: &Liar, ca: &Path, identity: Option<(std::path::PathBuf, std::path::PathBuf)>) -> Ears {
    let url = format!("https://127.0.0.1:{}", liar.port);
    let settings = Prometheus { ca: Some(ca.to_owned()), identity, ..prometheus(&url) };
    Ears::on(environment(settings, &otel()), None)
}

fn says(ears: &mut Ears, expected: &str) {
    ears.until(SOON, expected, |heard| heard.down().is_some_and(|reason| reason.contains(expected)));
}

#[test]
fn a_server_of_the_configured_authority_is_believed_and_read_compressed() {
    let authority = Authority::new();
    let liar = Liar::over_tls(authority.server(None), compressed);
    let mut ears = ears(&liar, &authority.bundle(), None);
    ears.until(SOON, "up", Heard::up);
    assert!(!liar.asked().is_empty());
}

#[test]
fn a_server_of_another_authority_is_told_nothing() {
    let authority = Authority::new();
    let liar = Liar::over_tls(authority.server(None), compressed);
    let other = Authority::new();
    let mut ears = ears(&liar, &other.bundle(), None);
    says(&mut ears, "certificate signed by unknown authority");
    assert!(liar.asked().is_empty(), "not even a request reaches it");
}

#[test]
fn a_bundle_that_holds_no_certificate_is_named() {
    let liar = Liar::start(compressed);
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.pem");
    says(&mut ears(&liar, &missing, None), "missing.pem: ");
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate\n").unwrap();
    says(&mut ears(&liar, &empty, None), "empty.pem: there is no certificate in it");
    assert!(liar.asked().is_empty());
}

#[test]
fn a_client_shows_the_certificate_that_is_configured() {
    let (authority, people) = (Authority::new(), Authority::new());
    let liar = Liar::over_tls(authority.server(Some(&people)), compressed);
    says(&mut ears(&liar, &authority.bundle(), None), "the server wants a client certificate");
    let others = Authority::new();
    let mut theirs = ears(&liar, &authority.bundle(), Some(others.client("mallory")));
    says(&mut theirs, "the server does not take the client certificate");
    assert!(liar.asked().is_empty(), "nobody else was listened to");
    let mut ours = ears(&liar, &authority.bundle(), Some(people.client("dana")));
    ours.until(SOON, "up", Heard::up);
}
