//! Which proxy the environment variables name for a cluster, by the rules of Go's programs, so that what works with kubectl works here.
//! Never reads anything but what it is handed.

use std::net::IpAddr;

use http::Uri;

/// The proxy for a server, if any: `HTTPS_PROXY` or `HTTP_PROXY` by the server's scheme, unless it is this machine or `NO_PROXY` names it.
pub fn of(server: &Uri, variable: impl Fn(&str) -> Option<String>) -> Option<Uri> {
    let either = |upper: &str, lower: &str| variable(upper).or_else(|| variable(lower)).filter(|value| !value.trim().is_empty());
    let proxy = match server.scheme_str() {
        Some("https") => either("HTTPS_PROXY", "https_proxy"),
        _ => either("HTTP_PROXY", "http_proxy"),
    }?;
    let host = server.host()?.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("https") { 443 } else { 80 });
    let spared = either("NO_PROXY", "no_proxy").unwrap_or_default();
    if is_this_machine(&host) || spared.split(',').any(|entry| spares(&entry.trim().to_ascii_lowercase(), &host, port)) {
        return None;
    }
    let proxy = proxy.trim();
    if proxy.contains("://") { proxy.parse().ok() } else { format!("http://{proxy}").parse().ok() }
}

/// Whether a host is this machine: no proxy could reach it for us.
pub fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether one entry of `NO_PROXY` names the host: `*`, a network, an address, or a domain with everything below it.
fn spares(entry: &str, host: &str, port: u16) -> bool {
    if entry.is_empty() {
        return false;
    }
    if entry == "*" {
        return true;
    }
    let address = host.parse::<IpAddr>().ok();
    if let Some((network, bits)) = entry.split_once('/') {
        let network = network.parse::<IpAddr>().ok();
        return address
            .zip(network)
            .zip(bits.parse().ok())
            .is_some_and(|((address, network), bits)| contains(network, bits, address));
    }
    let bare = entry.trim_start_matches('[').trim_end_matches(']');
    if let Ok(entry) = bare.parse::<IpAddr>() {
        return address == Some(entry);
    }
    let (name, wanted) = match entry.rsplit_once(':') {
        Some((name, wanted)) => (name.trim_start_matches('[').trim_end_matches(']'), wanted.parse().ok()),
        None => (entry, None),
    };
    if wanted.is_some_and(|wanted: u16| wanted != port) {
        return false;
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    match name.strip_prefix('.') {
        Some(domain) => host.strip_suffix(domain).is_some_and(|below| below.ends_with('.') && below.len() > 1),
        None => host == name || host.strip_suffix(name).is_some_and(|below| below.ends_with('.')),
    }
}

fn contains(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(server: &str, https: &str, no_proxy: &str) -> Option<String> {
        let variable = |name: &str| match name {
            "HTTPS_PROXY" => Some(https.to_owned()),
            "no_proxy" => Some(no_proxy.to_owned()),
            _ => None,
        };
        of(&server.parse().unwrap(), variable).map(|uri| uri.to_string())
    }

    #[test]
    fn a_proxy_is_used_for_what_nothing_spares() {
        assert_eq!(proxy("https://api.prod.example:6443", "proxy:3128", "other"), Some("http://proxy:3128/".into()));
        assert_eq!(proxy("https://api.prod.example", "socks5://proxy:1080", ""), Some("socks5://proxy:1080/".into()));
        assert_eq!(proxy("http://api.prod.example", "proxy:3128", ""), None, "HTTPS_PROXY is for https");
        assert_eq!(proxy("https://127.0.0.1:6443", "proxy:3128", ""), None);
        assert_eq!(proxy("https://localhost:6443", "proxy:3128", ""), None);
    }

    #[test]
    fn no_proxy_names_the_cluster_and_not_the_proxy() {
        for spared in ["*", "prod.example", ".example", "*.example", "a, ,api.prod.example:6443", "PROD.example"] {
            assert_eq!(proxy("https://api.prod.example:6443", "proxy:3128", spared), None, "{spared}");
        }
        for used in ["proxy", "ple", "api.prod.example:443", ".api.prod.example", "10.0.0.0/8"] {
            assert!(proxy("https://api.prod.example:6443", "proxy:3128", used).is_some(), "{used}");
        }
        for spared in ["10.0.0.0/8", "10.1.2.3", "0.0.0.0/0"] {
            assert_eq!(proxy("https://10.1.2.3", "proxy:3128", spared), None, "{spared}");
        }
        assert!(proxy("https://10.1.2.3", "proxy:3128", "10.2.0.0/16").is_some());
        assert_eq!(proxy("https://[fd00::1]:6443", "proxy:3128", "fd00::/8"), None);
    }
}
