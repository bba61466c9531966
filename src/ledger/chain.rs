//! The chain: every entry holds the hash of the line before it, over all files. Knows nothing of what entries say.

use std::fmt::Write as _;

use jiff::Timestamp;
use ring::digest::{SHA256, digest as sha256};
use serde::{Deserialize, Serialize};

use super::{Body, Entry, Text};

/// Version of the form of an entry.
pub(super) const VERSION: u8 = 1;

/// The hash before the first entry.
pub(super) const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// SHA-256 in hex.
pub(super) fn hash(bytes: &[u8]) -> String {
    hex(sha256(&SHA256, bytes).as_ref())
}

/// Digest of a request: SHA-256, in hex, of its method, path with query, and body, each ended by a newline.
pub fn digest(method: &str, path: &str, body: &[u8]) -> Text {
    hash(&[method.as_bytes(), b"\n", path.as_bytes(), b"\n", body, b"\n"].concat()).into()
}

/// 128 random bits in hex: the name of an act or of a writer.
pub(super) fn id() -> std::io::Result<String> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(std::io::Error::other)?;
    Ok(hex(&bits))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What makes a line an entry, also one of a newer version.
#[derive(Deserialize)]
pub(super) struct Envelope {
    pub sequence: u64,
    pub previous: String,
    #[serde(rename = "version")]
    _version: u8,
    #[serde(rename = "time")]
    _time: Timestamp,
    #[serde(rename = "kind")]
    _kind: String,
}

/// Reads what makes a line an entry; None if it is none.
pub(super) fn envelope(line: &[u8]) -> Option<Envelope> {
    serde_json::from_slice(line).ok()
}

/// Reads an entry; None if the line is none, or one that this version cannot read.
pub(super) fn read(line: &[u8]) -> Option<Entry> {
    let entry: Entry = serde_json::from_slice(line).ok()?;
    Some(Entry { hash: hash(line).into(), ..entry })
}

/// An entry as it is written.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    pub version: u8,
    pub sequence: u64,
    pub time: Timestamp,
    pub previous: &'a str,
    #[serde(flatten)]
    pub body: &'a Body,
}

/// Which entry was the last one, in a file of its own: what is cut off at the end of the chain is missed there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub version: u8,
    pub sequence: u64,
    pub hash: String,
    pub file: String,
}

impl Head {
    /// The head of an empty ledger.
    pub fn none() -> Self {
        Self { version: VERSION, sequence: 0, hash: NOTHING.to_owned(), file: String::new() }
    }

    /// Reads a head. None unless it is to the letter as it would be written.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let head: Self = serde_json::from_slice(bytes).ok()?;
        (head.version == VERSION && head.written().ok()? == bytes).then_some(head)
    }

    /// The head as it is written.
    pub fn written(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_sha_256() {
        assert_eq!(hash(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_ne!(digest("PATCH", "/a", b"b"), digest("PATCH", "/ab", b""));
        assert_ne!(digest("PATCH", "/a", b"b"), digest("POST", "/a", b"b"));
    }

    #[test]
    fn ids_differ() {
        let ids: std::collections::BTreeSet<String> = (0..100).map(|_| id().unwrap()).collect();
        assert!(ids.len() == 100 && ids.iter().all(|id| id.len() == 32));
    }

    #[test]
    fn what_a_newer_version_writes_is_an_entry_all_the_same() {
        let line =
            br#"{"version":2,"sequence":7,"time":"2027-01-01T00:00:00Z","previous":"ab","kind":"verdict","weather":{"fine":true}}"#;
        assert_eq!(envelope(line).unwrap().sequence, 7);
        assert_eq!(read(line).unwrap().body, Body::Unknown);
        assert!(envelope(br#"{"version":1,"sequence":7}"#).is_none());
    }
}
