//! The address of a chat that is told what was done. Whoever knows it may write there, so it is shown to nobody.

use std::fmt;

/// An address that is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook(Box<str>);

impl Webhook {
    /// Takes an address; None if it is no `https://` URL with a path (`http://` only on this machine).
    pub fn new(address: &str) -> Option<Self> {
        let address = address.trim();
        let local = ["http://127.0.0.1:", "http://localhost:"].iter().any(|start| address.starts_with(start));
        let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://").filter(|_| local))?;
        let (host, path) = rest.split_once('/')?;
        (!host.is_empty() && !path.is_empty() && !address.contains(char::is_whitespace)).then(|| Self(address.into()))
    }

    /// The address, for whoever sends.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_secret_over_tls() {
        let hook = Webhook::new("https://hooks.example/services/T/B/x\n").unwrap();
        assert_eq!((hook.expose(), format!("{hook:?}").as_str()), ("https://hooks.example/services/T/B/x", "Webhook(***)"));
        assert!(Webhook::new("http://127.0.0.1:9/x").is_some());
        for wrong in ["http://hooks.example/x", "hooks.example/x", "https://hooks.example", "https:///x", "https://a/b c"] {
            assert_eq!(Webhook::new(wrong), None, "{wrong}");
        }
    }
}
