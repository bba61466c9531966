//! When credentials end, as far as they say so themselves: a token that is a JWT, a client certificate. Never keeps or prints either.

use std::fs;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kube::config::AuthInfo;
use secrecy::ExposeSecret;
use serde::Deserialize;

/// With padding or without: tokens have none, kubeconfigs have.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// What a kubeconfig's user brings, and when it ends if it says so.
pub fn of(user: &AuthInfo) -> (&'static str, Option<Timestamp>) {
    if let Some(token) = &user.token {
        return ("token", of_token(token.expose_secret()));
    }
    if let Some(path) = &user.token_file {
        return ("token file", fs::read_to_string(path).ok().and_then(|token| of_token(token.trim())));
    }
    if user.exec.is_some() || user.auth_provider.is_some() {
        return ("plugin", None);
    }
    if let Some(data) = &user.client_certificate_data {
        let pem = decode(data, false).and_then(|pem| String::from_utf8(pem).ok());
        return ("client certificate", pem.and_then(|pem| of_certificate(&pem)));
    }
    if let Some(path) = &user.client_certificate {
        return ("client certificate", fs::read_to_string(path).ok().and_then(|pem| of_certificate(&pem)));
    }
    (if user.username.is_some() { "password" } else { "none" }, None)
}

/// `exp` of a JWT; None for any other token.
fn of_token(token: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Claims {
        exp: Option<f64>,
    }
    let claims: Claims = serde_json::from_slice(&decode(token.split('.').nth(1)?, true)?).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "seconds of this age; anything else fails the check of its range")]
    let seconds = claims.exp? as i64;
    Timestamp::from_second(seconds).ok()
}

/// `notAfter` of the first certificate of a PEM text.
fn of_certificate(pem: &str) -> Option<Timestamp> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_whitespace().collect();
    not_after(&decode(&body, false)?)
}

fn decode(text: &str, url_safe: bool) -> Option<Vec<u8>> {
    GeneralPurpose::new(if url_safe { &URL_SAFE } else { &STANDARD }, LENIENT).decode(text.trim()).ok()
}

/// X.509 (RFC 5280, 4.1): `Certificate { tbs { [0] version?, serial, signature, issuer, validity { notBefore, notAfter }, …`
fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (_, certificate, _) = element(certificate)?;
    let (tag, mut fields, _) = element(certificate)?;
    if tag != SEQUENCE {
        return None;
    }
    let (first, _, rest) = element(fields)?;
    if first == VERSION {
        fields = rest;
    }
    for _serial_signature_issuer in 0..3 {
        fields = element(fields)?.2;
    }
    let (_, validity, _) = element(fields)?;
    let (_, _, rest) = element(validity)?;
    let (tag, time, _) = element(rest)?;
    time_of(tag, std::str::from_utf8(time).ok()?)
}

/// Tag, content and what follows of one DER element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f).min(4))?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `UTCTime` has two digits of the year, from 1950 to 2049; `GeneralizedTime` has four. Both end in `Z`.
fn time_of(tag: u8, text: &str) -> Option<Timestamp> {
    const UTC_TIME: u8 = 0x17;
    let century = match (tag, text.get(..2)?.parse::<u8>().ok()?) {
        (UTC_TIME, 50..) => "19",
        (UTC_TIME, _) => "20",
        _ => "",
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", format!("{century}{}", text.strip_suffix('Z')?)).ok()?;
    time.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_when_it_ends() {
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"sub":"x","exp":1800000000}"#);
        let end = of_token(&format!("e30.{claims}.sig"));
        assert_eq!(end.map(Timestamp::as_second), Some(1_800_000_000));
        assert_eq!((of_token("plain"), of_token("a.b.c"), of_token("e30.e30.")), (None, None, None));
    }

    #[test]
    fn a_certificate_says_when_it_ends() {
        let pem = include_str!("../../../tests/support/certificate.pem");
        assert_eq!(of_certificate(pem).unwrap().to_string(), "2035-02-10T01:55:32Z");
        assert_eq!(of_certificate("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"), None);
    }
}
