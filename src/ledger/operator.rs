//! Who sits here, as far as the machine says it. A name for the record, not a proof.

use std::process::Command;

use super::{Operator, Text};

/// The user and the machine. `kube` is the user that the cluster sees, where it said so.
pub fn operator(kube: Option<Text>) -> Operator {
    Operator { local: user().into(), kube, host: host().into() }
}

/// The user: by number from the system's own list, for variables can say anything; else as the variables say.
fn user() -> String {
    let id = id();
    let listed = id.and_then(|id| named(&std::fs::read_to_string("/etc/passwd").ok()?, id));
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let said = || ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable);
    listed.or_else(said).unwrap_or_else(|| id.map_or_else(|| "unknown".to_owned(), |id| format!("uid {id}")))
}

#[cfg(unix)]
fn id() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    // A process's own entry belongs to whom the process belongs.
    std::fs::metadata("/proc/self").ok().map(|of| of.uid())
}

#[cfg(not(unix))]
fn id() -> Option<u32> {
    None
}

fn named(list: &str, id: u32) -> Option<String> {
    let found = list.lines().find(|line| line.split(':').nth(2).is_some_and(|number| number == id.to_string()))?;
    found.split(':').next().map(str::to_owned)
}

fn host() -> String {
    let file = |path| std::fs::read_to_string(path).ok();
    let command = || String::from_utf8(Command::new("hostname").output().ok()?.stdout).ok();
    let found = file("/proc/sys/kernel/hostname").or_else(|| file("/etc/hostname")).or_else(command);
    found.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_number() {
        let list = "root:x:0:0:root:/root:/bin/sh\ndana:x:1000:1000::/home/dana:/bin/zsh\nbad\n";
        assert_eq!((named(list, 1000).as_deref(), named(list, 10)), (Some("dana"), None));
        let here = operator(Some("sa".into()));
        assert!(!here.local.is_empty() && !here.host.is_empty() && here.kube.as_deref() == Some("sa"));
    }
}
