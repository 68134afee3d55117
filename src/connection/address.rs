//! Addresses of servers: what a person wrote comes in; an address without a trailing slash goes out, or
//! why it cannot be one.

use url::{Host, Url};

use crate::value::ValueError;

/// The address of a server, without a trailing slash: `https`, or plain `http` on this machine. What is
/// sent there, a token for example, never travels in the clear.
///
/// # Errors
/// It is no such address; the problem completes a sentence about it.
pub fn server_address(text: &str) -> Result<String, ValueError> {
    let not_one = || ValueError {
        problem: "is not the address of a server".into(),
        instead: "write it like https://api.example.com, or http://127.0.0.1:8080".into(),
    };
    let parsed = Url::parse(text.trim()).map_err(|_| not_one())?;
    if !matches!(parsed.scheme(), "http" | "https")
        || parsed.host().is_none()
        || parsed.query().is_some()
        || parsed.fragment().is_some()
    {
        return Err(not_one());
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(ValueError {
            problem: "has a name or a password in it".into(),
            instead: "leave out what stands in front of the `@`".into(),
        });
    }
    if parsed.scheme() == "http" && !is_this_machine(&parsed) {
        return Err(ValueError {
            problem: "would carry what is secret over the network for all to read".into(),
            instead: "use https; plain http is for this machine only".into(),
        });
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}

/// The server that an address leads to: `api.example.com`, `127.0.0.1`.
pub fn host_of(address: &str) -> Option<String> {
    Url::parse(address.trim()).ok()?.host_str().map(str::to_owned)
}

/// Whether an address leads to this machine.
pub fn leads_here(address: &str) -> bool {
    Url::parse(address.trim()).is_ok_and(|address| is_this_machine(&address))
}

/// The name of a server as addresses have it: no scheme, no port, no path.
pub fn server_name(text: &str) -> Option<String> {
    let host = host_of(&format!("https://{text}/"))?;
    let rest = text.trim().trim_start_matches('[').trim_end_matches(']');
    // Whatever else stands there would be taken for a part of the address.
    let is_alone = !rest.contains(['/', '@', '?', '#', '\\', '*', '%', ' '])
        && (!rest.contains(':') || host.starts_with('['));
    is_alone.then_some(host)
}

fn is_this_machine(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{leads_here, server_address, server_name};

    #[test]
    fn the_name_of_a_server_stands_alone() {
        for (written, name) in [
            ("api.example.com", Some("api.example.com")),
            ("API.Example.com", Some("api.example.com")),
            ("10.0.0.5", Some("10.0.0.5")),
            ("[::2]", Some("[::2]")),
            ("https://api.example.com", None),
            ("api.example.com:8443", None),
            ("api.example.com/v1", None),
            ("*.example.com", None),
            ("ada@example.com", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(server_name(written).as_deref(), name, "{written}");
        }
        assert!(leads_here("http://localhost:80") && leads_here("https://127.0.0.1/x"));
        assert!(!leads_here("http://127.0.0.1.example.com") && !leads_here("http://10.0.0.5"));
    }

    #[test]
    fn https_everywhere_and_http_on_this_machine() {
        for (written, address) in [
            ("https://hooks.example.com/", "https://hooks.example.com"),
            ("https://example.com/linecook/", "https://example.com/linecook"),
            ("http://127.0.0.1:8377", "http://127.0.0.1:8377"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(server_address(written).as_deref(), Ok(address));
        }
        for wrong in [
            "http://example.com",
            "ftp://127.0.0.1",
            "example.com",
            "https://a:b@example.com",
            "https://example.com/?x=1",
            "https://example.com/#x",
            "",
        ] {
            assert!(server_address(wrong).is_err(), "{wrong}");
        }
    }
}
