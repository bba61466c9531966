//! The kubeconfig, read as kubectl reads it: a list of files merged, a context, or the service account inside a cluster. Blocks, so
//! never on a task's thread. Credentials stay inside kube's types and are never printed.

use std::env;
use std::path::{Path, PathBuf};

use http::uri::Scheme;
use http::{HeaderName, HeaderValue};
use kube::Config;
use kube::config::{ExecConfig, ExecInteractiveMode, Kubeconfig, KubeconfigError};

use super::fault::{Cause, Fault};
use super::proxy;
use crate::config::Environment;

/// How to reach a cluster, before anything was tried.
pub struct Access {
    /// For the client.
    pub config: Config,
    /// The credential plugin, if one is asked for credentials.
    pub plugin: Option<Plugin>,
    /// Name of the context, if there is a kubeconfig.
    pub context: Option<String>,
}

/// A credential plugin, for telling people about it.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Its command.
    pub command: String,
    /// What the kubeconfig says about installing it.
    pub hint: Option<String>,
}

/// Reads everything anew.
pub fn load(environment: &Environment) -> Result<Access, Fault> {
    let paths = paths(environment);
    let files: Vec<&PathBuf> = paths.iter().filter(|path| path.exists()).collect();
    let mut access = if files.is_empty() { without_files(environment, &paths)? } else { from_files(environment, &files)? };
    let config = &mut access.config;
    // Writes would be repeated, too; and a person who watches wants to know at once.
    config.default_retry = false;
    config.connect_timeout = Some(super::exchange::PATIENCE / 2);
    let agent = HeaderValue::from_static(concat!("pilothouse/", env!("CARGO_PKG_VERSION")));
    config.headers.push((HeaderName::from_static("user-agent"), agent));
    if config.cluster_url.scheme() == Some(&Scheme::HTTP) {
        // Nothing is verified, so nothing to verify with is needed: without this, a machine without CA certificates cannot connect.
        config.root_cert.get_or_insert_default();
    }
    Ok(access)
}

/// Where kubectl would look.
fn paths(environment: &Environment) -> Vec<PathBuf> {
    if !environment.kubeconfig.is_empty() {
        return environment.kubeconfig.clone();
    }
    let listed = env::var_os("KUBECONFIG").unwrap_or_default();
    let listed: Vec<PathBuf> = env::split_paths(&listed).filter(|path| !path.as_os_str().is_empty()).collect();
    if !listed.is_empty() {
        return listed;
    }
    env::home_dir().map(|home| home.join(".kube").join("config")).into_iter().collect()
}

/// Inside a cluster a pod needs no kubeconfig.
fn without_files(environment: &Environment, paths: &[PathBuf]) -> Result<Access, Fault> {
    let (own, pod) = (environment.kubeconfig.is_empty(), env::var_os("KUBERNETES_SERVICE_HOST").is_some());
    let looked = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    let missing = format!("no kubeconfig: {looked} is not there");
    match &environment.context {
        None if own && pod => {
            let config = Config::incluster().map_err(|error| {
                credentials(&format!("{missing}, and the service account of this pod cannot be had: {}", spelled(&error)))
            })?;
            Ok(Access { config, plugin: None, context: None })
        }
        Some(context) if own && pod => Err(credentials(&format!(
            "{missing}; the service account of this pod serves where no context is named, not `{context}`"
        ))),
        None if own => Err(credentials(&format!("{missing}, and this is no pod of a cluster"))),
        _ => Err(credentials(&missing)),
    }
}

fn from_files(environment: &Environment, files: &[&PathBuf]) -> Result<Access, Fault> {
    let mut merged = Kubeconfig::default();
    for path in files {
        let mut next = Kubeconfig::read_from(path).map_err(|error| unreadable(path, &error))?;
        // kubectl lets an empty name be overruled by the next file.
        next.current_context = next.current_context.filter(|name| !name.is_empty());
        merged = merged.merge(next).map_err(|error| unreadable(path, &error))?;
    }
    let context = environment.context.clone().or_else(|| merged.current_context.clone());
    let Some(context) = context else {
        return Err(credentials("the kubeconfig has no current context: name one with --context"));
    };
    let Some(found) = merged.contexts.iter().find(|named| named.name == context).and_then(|named| named.context.clone()) else {
        let names: Vec<&str> = merged.contexts.iter().map(|named| named.name.as_str()).collect();
        let there = if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
        return Err(credentials(&format!("the kubeconfig has no context `{context}`: {there}")));
    };
    let mut plugin = None;
    for user in &mut merged.auth_infos {
        if let Some(exec) = user.auth_info.as_mut().and_then(|user| user.exec.as_mut()) {
            // Anything else would hand our keyboard and screen to the plugin, now and at every refresh.
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
            if found.user.as_ref() == Some(&user.name) {
                plugin = Some(plugin_of(exec));
            }
        }
    }
    let cluster = merged.clusters.iter().find(|named| named.name == found.cluster).and_then(|named| named.cluster.as_ref());
    let own_proxy = cluster.is_some_and(|cluster| cluster.proxy_url.as_ref().is_some_and(|url| !url.is_empty()));
    merged.current_context = Some(context.clone());
    let mut config = Config::try_from(merged).map_err(|error| credentials(&spelled(&error)))?;
    if !own_proxy {
        // kube compares NO_PROXY with the proxy's own host, and asks HTTPS_PROXY for plain http as well.
        config.proxy_url = proxy::of(&config.cluster_url, |name| env::var(name).ok());
    }
    Ok(Access { config, plugin, context: Some(context) })
}

fn plugin_of(exec: &ExecConfig) -> Plugin {
    let command = exec.command.as_deref().unwrap_or("(none)");
    let name = Path::new(command).file_name().and_then(|name| name.to_str()).unwrap_or(command);
    Plugin { command: name.to_owned(), hint: exec.install_hint.clone() }
}

fn unreadable(path: &Path, error: &KubeconfigError) -> Fault {
    credentials(&format!("kubeconfig {}: {}", path.display(), spelled(error)))
}

/// An error and what is below it, each said once.
fn spelled(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        below = error.source();
    }
    text
}

fn credentials(text: &str) -> Fault {
    Fault::new(Cause::Credentials, text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Namespaces, Tier, Write};

    fn environment(kubeconfig: Vec<PathBuf>, context: Option<&str>) -> Environment {
        let context = context.map(str::to_owned);
        let (name, namespaces) = ("prod".to_owned(), Namespaces::All);
        Environment { name, context, kubeconfig, namespaces, tier: Tier::Prod, write: Write::Never, ..Environment::current() }
    }

    fn file(folder: &Path, name: &str, current: &str, cluster: &str, user: &str) -> PathBuf {
        let path = folder.join(name);
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: '{current}'\n\
             clusters: [{{name: {name}, cluster: {{{cluster}}}}}]\nusers: [{{name: {name}, user: {{{user}}}}}]\n\
             contexts: [{{name: {name}, context: {{cluster: {name}, user: {name}, namespace: shop}}}}]\n"
        );
        fs::write(&path, text).unwrap();
        path
    }

    fn refused(environment: &Environment) -> String {
        load(environment).err().map(|fault| fault.text).unwrap_or_default()
    }

    #[test]
    fn files_are_merged_and_missing_ones_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let a = file(folder.path(), "a", "", "server: 'http://127.0.0.1:1'", "token: x");
        let b = file(folder.path(), "b", "b", "server: 'https://b.example:6443'", "token: y");
        let list = vec![folder.path().join("absent"), a, b];
        let access = load(&environment(list.clone(), None)).ok().unwrap();
        assert_eq!((access.context.as_deref(), access.config.cluster_url.host()), (Some("b"), Some("b.example")));
        let access = load(&environment(list.clone(), Some("a"))).ok().unwrap();
        assert_eq!((access.config.default_namespace.as_str(), access.config.default_retry), ("shop", false));
        assert!(access.config.root_cert.is_some(), "plain http needs no certificates");
        assert_eq!(refused(&environment(list, Some("c"))), "the kubeconfig has no context `c`: it has a, b");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent");
        assert!(refused(&environment(vec![absent], None)).ends_with("absent is not there"));
        let bad = folder.path().join("bad");
        fs::write(&bad, "clusters: 7\n").unwrap();
        assert!(refused(&environment(vec![bad], None)).contains("bad: "));
        let a = file(folder.path(), "a", "a", "server: 'https://a', certificate-authority: /nowhere/ca.crt", "token: x");
        assert!(refused(&environment(vec![a], None)).contains("/nowhere/ca.crt"));
    }

    #[test]
    fn plugins_never_get_the_keyboard() {
        let folder = tempfile::tempdir().unwrap();
        let exec = "exec: {command: /opt/bin/login, interactiveMode: Always, installHint: get it, apiVersion: client.authentication.k8s.io/v1}";
        let a = file(folder.path(), "a", "a", "server: 'http://127.0.0.1:1'", exec);
        let access = load(&environment(vec![a], None)).ok().unwrap();
        assert_eq!(access.config.auth_info.exec.unwrap().interactive_mode, Some(ExecInteractiveMode::Never));
        let plugin = access.plugin.unwrap();
        assert_eq!((plugin.command.as_str(), plugin.hint.as_deref()), ("login", Some("get it")));
    }
}
