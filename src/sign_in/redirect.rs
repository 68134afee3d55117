//! The address on this machine that the browser comes back to.

use url::{Host, Url};

use crate::value::ValueError;

/// Where the browser comes back to when nobody says otherwise.
pub const USUAL_REDIRECT: &str = "http://localhost:8378/oauth/callback";

/// An address on this machine, exactly as it is registered with the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectAddress {
    text: String,
    host: RedirectHost,
    port: u16,
    path: String,
}

/// How the address names this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectHost {
    /// `localhost`: browsers try both families.
    Name,
    V4,
    V6,
}

impl RedirectAddress {
    /// # Errors
    /// It leads somewhere else than to this machine, or is not written in its plain form.
    pub fn parse(text: &str) -> Result<RedirectAddress, ValueError> {
        let wrong = |problem: &str| ValueError {
            problem: problem.to_owned(),
            instead: format!("write it like {USUAL_REDIRECT}"),
        };
        let url = Url::parse(text).map_err(|_| wrong("is not an address"))?;
        let host = match url.host() {
            Some(Host::Domain("localhost")) => RedirectHost::Name,
            Some(Host::Ipv4(ip)) if ip == std::net::Ipv4Addr::LOCALHOST => RedirectHost::V4,
            Some(Host::Ipv6(ip)) if ip == std::net::Ipv6Addr::LOCALHOST => RedirectHost::V6,
            _ => return Err(wrong("does not lead to this machine")),
        };
        if url.scheme() != "http" {
            return Err(wrong("does not begin with `http://`, which is enough on this machine"));
        }
        let port = url.port().filter(|port| *port != 0);
        let port = port.ok_or_else(|| wrong("has no port of its own"))?;
        // The app compares it letter by letter, and so do we.
        if url.as_str() != text || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("is not in its plain form"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("has a name or a password in it"));
        }
        Ok(RedirectAddress { text: text.to_owned(), host, port, path: url.path().to_owned() })
    }

    /// Exactly as it is registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn host(&self) -> RedirectHost {
        self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// Scheme, host and port: `http://localhost:8378`.
    pub fn origin(&self) -> &str {
        &self.text[..self.text.len() - self.path.len()]
    }

    /// What the header `Host` says of a request to it.
    pub fn host_header(&self) -> &str {
        self.origin().trim_start_matches("http://")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_of_this_machine() {
        for text in [USUAL_REDIRECT, "http://127.0.0.1:9000/", "http://[::1]:9000/a/b"] {
            let address = RedirectAddress::parse(text).unwrap();
            assert_eq!(format!("{}{}", address.origin(), address.path()), text);
        }
        let address = RedirectAddress::parse(USUAL_REDIRECT).unwrap();
        assert_eq!(address.host_header(), "localhost:8378");
        for wrong in [
            "https://localhost:8378/",
            "http://localhost/",
            "http://localhost:0/",
            "http://localhost:8378",
            "http://LOCALHOST:8378/",
            "http://localhost:8378/a/../b",
            "http://localhost:8378/?x=1",
            "http://localhost:8378/#x",
            "http://me@localhost:8378/",
            "http://127.0.0.2:8378/",
            "http://localhost.example.com:8378/",
            "http://0.0.0.0:8378/",
            "http://example.com:8378/",
            "localhost:8378",
            "",
        ] {
            assert!(RedirectAddress::parse(wrong).is_err(), "{wrong}");
        }
    }
}
