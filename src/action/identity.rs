//! Which cluster an environment leads to, and whether it is the one that it was: the same name over another cluster is how a key hits
//! the wrong one. Known by the uid of kube-system; where that may not be read, of a configured namespace; else by address and CA.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::desk::{Desk, Line};
use crate::config::Namespaces;
use crate::source::kube::fault::{Cause, Fault};

/// Where the identities stand, in the folder of the state.
const FILE: &str = "clusters.json";

/// Fingerprint of a server's address and CA.
pub fn address(config: &kube::Config) -> String {
    let mut hasher = DefaultHasher::new();
    config.root_cert.hash(&mut hasher);
    let url = &config.cluster_url;
    // A path may carry a token: it is no part of the address.
    let host = url.host().unwrap_or_default();
    let port = url.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{host}{port} CA {:08x}", hasher.finish() >> 32)
}

impl Desk {
    /// Whether this is the cluster that it was; else both, in a sentence. A cluster seen for the first time is remembered.
    pub async fn known(&self, line: &Line) -> Result<String, String> {
        let identity = line.identity.get_or_try_init(|| async { self.identify(line).await.map(Ok::<_, String>) }).await;
        let identity = match identity {
            Ok(Ok(identity)) => identity.clone(),
            Ok(Err(text)) => return Err(text.clone()),
            Err(fault) => return Err(format!("which cluster this is cannot be read: {}", fault.line())),
        };
        let (folder, name) = (self.shared.state.clone(), self.environment.name.clone());
        let checked = tokio::task::spawn_blocking(move || check(&folder, &name, &identity).map(|()| identity)).await;
        checked.unwrap_or_else(|error| Err(error.to_string()))
    }

    /// Remembers the cluster that the environment leads to now. Gives its identity.
    pub async fn trust(&self) -> Result<String, String> {
        let line = self.line().await.map_err(|fault| fault.line())?;
        let identity = self.identify(&line).await.map_err(|fault| fault.line())?;
        let (folder, name) = (self.shared.state.clone(), self.environment.name.clone());
        let kept = identity.clone();
        let remembered = tokio::task::spawn_blocking(move || remember(&folder, &name, &kept)).await;
        remembered.unwrap_or_else(|error| Err(error.to_string()))?;
        Ok(identity)
    }

    async fn identify(&self, line: &Line) -> Result<String, Fault> {
        let mut names = vec!["kube-system".to_owned()];
        if let Namespaces::Some(configured) = &self.environment.namespaces {
            names.extend(configured.iter().cloned());
        }
        for name in names {
            match self.get(line, &format!("/api/v1/namespaces/{name}")).await {
                Ok(namespace) => {
                    if let Some(uid) = namespace.pointer("/metadata/uid").and_then(Value::as_str) {
                        return Ok(format!("{name} {uid}"));
                    }
                }
                Err(fault) if matches!(fault.cause, Cause::Forbidden | Cause::Missing) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(line.address.clone())
    }
}

/// Compares with what is remembered. An identity of another sort (its permission came or went) is compared by what both can be.
fn check(folder: &Path, name: &str, identity: &str) -> Result<(), String> {
    let known = read(&path(folder))?;
    match known.get(name) {
        Some(before) if before == identity => Ok(()),
        Some(before) => Err(format!("environment '{name}' led to the cluster {before} so far, and leads to {identity} now")),
        None => remember(folder, name, identity),
    }
}

fn remember(folder: &Path, name: &str, identity: &str) -> Result<(), String> {
    let path = path(folder);
    let _alone = lock(folder)?;
    let mut known = read(&path)?;
    known.insert(name.to_owned(), identity.to_owned());
    write(&path, &known).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

fn lock(folder: &Path) -> Result<std::fs::File, String> {
    let path = folder.join("clusters.lock");
    let file = crate::config::files::append(&path).map_err(|error| error.to_string())?;
    file.lock().map_err(|error| format!("{} cannot be locked: {error}", path.display()))?;
    Ok(file)
}

/// A file that cannot be understood is not taken for an empty one: it may say that this is the wrong cluster.
fn read(path: &Path) -> Result<BTreeMap<String, String>, String> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
            format!(
                "{} cannot be understood ({error}): mend it, or remove it to take the clusters of now for the right ones",
                path.display()
            )
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

fn write(path: &Path, known: &BTreeMap<String, String>) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // A temporary file is its owner's alone, and takes the place of the old one whole.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, known)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_cluster_behind_the_same_name_is_refused_until_it_is_trusted() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(check(folder.path(), "prod", "kube-system a"), Ok(()));
        assert_eq!(check(folder.path(), "prod", "kube-system a"), Ok(()));
        assert_eq!(check(folder.path(), "stage", "kube-system b"), Ok(()));
        let refused = check(folder.path(), "prod", "kube-system b").unwrap_err();
        assert_eq!(refused, "environment 'prod' led to the cluster kube-system a so far, and leads to kube-system b now");
        remember(folder.path(), "prod", "kube-system b").unwrap();
        assert_eq!(check(folder.path(), "prod", "kube-system b"), Ok(()));
    }

    #[test]
    fn what_cannot_be_understood_is_not_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(check(folder.path(), "prod", "a").unwrap_err().contains("cannot be understood"));
        assert_eq!(std::fs::read_to_string(folder.path().join(FILE)).unwrap(), "{");
    }
}
