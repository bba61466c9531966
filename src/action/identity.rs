//! Which cluster an environment leads to, and whether it is the one that it was: the same name over another cluster is how a key hits
//! the wrong one. Known by the uid of kube-system; where that may not be read, of a configured namespace; else by address and CA. All
//! that could be read is remembered, so that a permission that comes or goes does not make another cluster of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::desk::{Desk, Line};
use crate::config::Namespaces;
use crate::source::kube::fault::{Cause, Fault};

/// Where the identities stand, in the folder of the state.
const FILE: &str = "clusters.json";

/// Why a cluster is not taken for the one that it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// It is another one, or nobody can tell from what is remembered; the text shows both, or says why.
    Another(String),
    /// Which one it is could not be read.
    Unread(Fault),
}

/// The mark that a server's address and CA are.
const ADDRESS: &str = "server";

/// Marks by which a cluster is known, by name: `kube-system` and other namespaces by their uid, the server by address and CA.
pub type Marks = BTreeMap<String, String>;

/// A server's address and the fingerprint of its CA.
pub fn address(config: &kube::Config) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for certificate in config.root_cert.iter().flatten() {
        context.update(certificate);
    }
    let digest = context.finish();
    let fingerprint = digest.as_ref().iter().take(6).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let url = &config.cluster_url;
    // A path may carry a token: it is no part of the address.
    let host = url.host().unwrap_or_default();
    let port = url.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{host}{port} CA {fingerprint}")
}

impl Desk {
    /// Whether this is the cluster that it was. A cluster seen for the first time is remembered.
    pub async fn known(&self, line: &Line) -> Result<String, Stranger> {
        let marks = line.identity.get_or_try_init(|| self.identify(line)).await.map_err(Stranger::Unread)?.clone();
        let (folder, name) = (self.shared.state.clone(), self.environment.name.clone());
        let checked = tokio::task::spawn_blocking(move || check(&folder, &name, &marks).map(|()| strongest(&marks))).await;
        checked.unwrap_or_else(|error| Err(error.to_string())).map_err(Stranger::Another)
    }

    /// Remembers the cluster that the environment leads to now. Gives its identity.
    pub async fn trust(&self) -> Result<String, String> {
        let line = self.line().await.map_err(|fault| fault.line())?;
        let marks = self.identify(&line).await.map_err(|fault| fault.line())?;
        let (folder, name) = (self.shared.state.clone(), self.environment.name.clone());
        let identity = strongest(&marks);
        let remembered = tokio::task::spawn_blocking(move || remember(&folder, &name, marks)).await;
        remembered.unwrap_or_else(|error| Err(error.to_string()))?;
        Ok(identity)
    }

    async fn identify(&self, line: &Line) -> Result<Marks, Fault> {
        let mut marks = Marks::from([(ADDRESS.to_owned(), line.address.clone())]);
        let mut names = vec!["kube-system".to_owned()];
        if let Namespaces::Some(configured) = &self.environment.namespaces {
            names.extend(configured.iter().cloned());
        }
        for name in names {
            match self.get(line, &format!("/api/v1/namespaces/{name}")).await {
                Ok(namespace) => {
                    if let Some(uid) = namespace.pointer("/metadata/uid").and_then(Value::as_str) {
                        marks.insert(name, uid.to_owned());
                        break;
                    }
                }
                Err(fault) if matches!(fault.cause, Cause::Forbidden | Cause::Missing) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(marks)
    }
}

/// The mark that says most, in words.
fn strongest(marks: &Marks) -> String {
    let system = marks.get_key_value("kube-system");
    let namespace = || marks.iter().find(|(name, _)| *name != ADDRESS);
    let mark = system.or_else(namespace).or_else(|| marks.get_key_value(ADDRESS));
    mark.map(|(name, value)| format!("{name} {value}")).unwrap_or_default()
}

/// Compares with what is remembered, by uids that are known of both, else by the server; what is new is remembered, too. That it cannot
/// be remembered is no reason to take it for another.
fn check(folder: &Path, name: &str, marks: &Marks) -> Result<(), String> {
    let known = read(&path(folder))?;
    let before = known.get(name).cloned().unwrap_or_default();
    let uids: Vec<bool> =
        marks.iter().filter(|(mark, _)| *mark != ADDRESS).filter_map(|(mark, uid)| Some(before.get(mark)? == uid)).collect();
    let is_another = match uids.as_slice() {
        [] => before.get(ADDRESS).is_some_and(|address| Some(address) != marks.get(ADDRESS)),
        same => !same.iter().all(|same| *same),
    };
    if is_another {
        let (before, now) = (strongest(&before), strongest(marks));
        return Err(format!("environment '{name}' led to the cluster {before} so far, and leads to {now} now"));
    }
    let all: Marks = before.clone().into_iter().chain(marks.clone()).collect();
    if all != before
        && let Err(why) = remember(folder, name, all)
    {
        tracing::warn!("which cluster '{name}' is cannot be remembered: {why}");
    }
    Ok(())
}

fn remember(folder: &Path, name: &str, marks: Marks) -> Result<(), String> {
    let path = path(folder);
    let _alone = lock(folder)?;
    let mut known = read(&path)?;
    known.insert(name.to_owned(), marks);
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
fn read(path: &Path) -> Result<BTreeMap<String, Marks>, String> {
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

fn write(path: &Path, known: &BTreeMap<String, Marks>) -> std::io::Result<()> {
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

    fn marks(all: &[(&str, &str)]) -> Marks {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn another_cluster_behind_the_same_name_is_refused_until_it_is_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (marks(&[("kube-system", "a"), (ADDRESS, "x")]), marks(&[("kube-system", "b"), (ADDRESS, "x")]));
        assert_eq!((check(folder.path(), "prod", &a), check(folder.path(), "prod", &a)), (Ok(()), Ok(())));
        assert_eq!(check(folder.path(), "stage", &b), Ok(()));
        let refused = check(folder.path(), "prod", &b).unwrap_err();
        assert_eq!(refused, "environment 'prod' led to the cluster kube-system a so far, and leads to kube-system b now");
        remember(folder.path(), "prod", b.clone()).unwrap();
        assert_eq!(check(folder.path(), "prod", &b), Ok(()));
    }

    #[test]
    fn a_permission_that_comes_or_goes_makes_no_other_cluster() {
        let folder = tempfile::tempdir().unwrap();
        let check = |all: &[(&str, &str)]| check(folder.path(), "prod", &marks(all)).is_ok();
        assert!(check(&[("kube-system", "a"), (ADDRESS, "x")]), "seen for the first time");
        assert!(check(&[("shop", "s"), (ADDRESS, "x")]) && check(&[(ADDRESS, "x")]), "the right to read is gone");
        assert!(check(&[("kube-system", "a"), (ADDRESS, "y")]), "it has moved, and is the same by its uid");
        assert!(!check(&[("shop", "other"), (ADDRESS, "y")]) && !check(&[("kube-system", "b"), (ADDRESS, "y")]));
        assert!(!check(&[(ADDRESS, "z")]), "nothing but another address is another cluster");
    }

    #[test]
    fn what_cannot_be_understood_is_not_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(check(folder.path(), "prod", &marks(&[(ADDRESS, "x")])).unwrap_err().contains("cannot be understood"));
        assert_eq!(std::fs::read_to_string(folder.path().join(FILE)).unwrap(), "{");
    }
}
