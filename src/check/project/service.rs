//! How the service runs: addresses, the store, mail.

use std::net::SocketAddr;

use crate::connection::server_address;
use crate::diagnostic;
use crate::project::{Email, USUAL_STORE, WrittenEmail};
use crate::source::Route;
use crate::value::ValueError;
use crate::value::text::is_email;

use super::ProjectChecker;

/// Where the service listens when nobody says otherwise.
const USUAL_LISTEN: &str = "127.0.0.1:8377";

impl ProjectChecker<'_> {
    /// An address that something is sent to, without a trailing slash.
    pub(super) fn address(&mut self, route: &Route, written: Option<&str>) -> Option<String> {
        let written = written?;
        match server_address(written) {
            Ok(address) => Some(address),
            Err(error) => {
                self.sink.say(diagnostic::bad_address(route, written, &error));
                None
            }
        }
    }

    pub(super) fn public_url(&mut self) -> Option<String> {
        let route = Route::root().key("public_url");
        let written = self.file.written.public_url.as_deref();
        self.address(&route, written)
    }

    pub(super) fn listen(&mut self) -> Option<SocketAddr> {
        let written = self.file.written.listen.as_deref().unwrap_or(USUAL_LISTEN);
        let numbers = match written.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => written.to_owned(),
        };
        let address = numbers.trim().parse().ok();
        if address.is_none() {
            self.sink.say(diagnostic::bad_listen(&Route::root().key("listen"), written));
        }
        address
    }

    pub(super) fn store(&mut self) -> String {
        let written = self.file.written.store.as_deref().unwrap_or(USUAL_STORE);
        if written.trim().is_empty() || written.ends_with('/') {
            let error = ValueError {
                problem: "is not the name of a file".into(),
                instead: format!("write a name such as {USUAL_STORE}"),
            };
            self.sink.say(diagnostic::project_value(&Route::root().key("store"), written, &error));
        }
        written.to_owned()
    }

    pub(super) fn email(&mut self, written: &WrittenEmail) -> Option<Email> {
        let at = Route::root().key("notify").key("email");
        let has = |key: &str| self.file.document.has(&at.key(key));
        let (has_to, has_from, has_smtp) = (has("to"), has("from"), has("smtp"));
        if has_to && written.to.is_empty() && !self.file.is_touched(&at.key("to")) {
            self.sink.say(diagnostic::no_recipients(&at.key("to")));
        }
        for (index, address) in written.to.iter().enumerate() {
            let here = at.key("to").item(index);
            if !self.file.is_touched(&here) {
                self.mail_address(&here, address);
            }
        }
        if has_from && !self.file.is_touched(&at.key("from")) {
            self.mail_address(&at.key("from"), &written.from);
        }
        let server = written.smtp.trim().rsplit_once(':').and_then(|(host, port)| {
            let good = !host.is_empty() && !host.contains(['/', ':', ' ', '@']);
            Some((host.to_owned(), port.parse::<u16>().ok().filter(|p| good && *p > 0)?))
        });
        if server.is_none() && has_smtp && !self.file.is_touched(&at.key("smtp")) {
            self.sink.say(diagnostic::bad_mail_server(&at.key("smtp"), &written.smtp));
        }
        let (host, port) = server?;
        let (to, from) = (written.to.clone(), written.from.clone());
        Some(Email { to, from, host, port, user: written.user.clone() })
    }

    fn mail_address(&mut self, route: &Route, written: &str) {
        if !is_email(written) {
            let error = ValueError {
                problem: "is not an e-mail address".into(),
                instead: "write it like ada@example.com".into(),
            };
            self.sink.say(diagnostic::project_value(route, written, &error));
        }
    }
}
