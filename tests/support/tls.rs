//! Certificates for a test, made by `openssl`, and servers that show them.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// An authority of a test's own.
pub struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let authority = Self { folder: tempfile::tempdir().unwrap() };
        authority.make("ca", &["-addext", "basicConstraints=critical,CA:TRUE"]);
        authority
    }

    /// Its own certificate.
    pub fn bundle(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// A client's certificate and key.
    pub fn client(&self, name: &str) -> (PathBuf, PathBuf) {
        self.signed(name, "extendedKeyUsage=clientAuth");
        (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")))
    }

    /// How a server on the loopback shows itself; clients have to show a certificate of this authority, if there is one.
    pub fn server(&self, clients: Option<&Self>) -> Arc<ServerConfig> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        self.signed("server", "subjectAltName=IP:127.0.0.1");
        let certificate = CertificateDer::from_pem_file(self.path("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.path("server.key")).unwrap();
        let builder = match clients {
            None => ServerConfig::builder().with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_file(authority.bundle()).unwrap()).unwrap();
                let verifier = WebPkiClientVerifier::builder(roots.into()).build().unwrap();
                ServerConfig::builder().with_client_cert_verifier(verifier)
            }
        };
        Arc::new(builder.with_single_cert(vec![certificate], key).unwrap())
    }

    fn signed(&self, name: &str, extension: &str) {
        let (certificate, key) = (self.bundle(), self.path("ca.key"));
        let own = ["-addext", "basicConstraints=critical,CA:FALSE", "-addext", extension];
        self.make(name, &[&["-CA", certificate.to_str().unwrap(), "-CAkey", key.to_str().unwrap()], &own[..]].concat());
    }

    fn make(&self, name: &str, more: &[&str]) {
        let path = |kind: &str| self.path(&format!("{name}.{kind}"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", &format!("/O={}/CN={name}", self.folder.path().display().to_string().replace('/', ".")), "-keyout"])
            .arg(path("key"))
            .arg("-out")
            .arg(path("pem"))
            .args(more)
            .output()
            .expect("openssl makes the certificates of tests: install it");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
