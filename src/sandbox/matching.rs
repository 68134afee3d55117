//! Which operation is meant: a method and a raw path come in; the entry of the catalog and the
//! decoded path parameters go out.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use indexmap::IndexMap;

use crate::catalog::{Catalog, EntryKind, IndexEntry};

/// An operation that was recognised.
pub(super) struct Match {
    pub entry: &'static IndexEntry,
    pub path: IndexMap<String, String>,
}

/// All operations, by app and method and by how many parts their path has.
pub(super) struct Routes {
    by_method: HashMap<(&'static str, &'static str), Vec<Vec<Route>>>,
}

struct Route {
    entry: &'static IndexEntry,
    parts: Vec<Part>,
}

enum Part {
    Word(&'static str),
    Parameter(&'static str),
}

impl Routes {
    /// Those of a catalog; those of the embedded one are made once.
    pub fn of(catalog: &'static Catalog) -> Arc<Routes> {
        static EMBEDDED: LazyLock<Arc<Routes>> =
            LazyLock::new(|| Arc::new(Routes::new(Catalog::embedded())));
        match std::ptr::eq(catalog, Catalog::embedded()) {
            true => EMBEDDED.clone(),
            false => Arc::new(Routes::new(catalog)),
        }
    }

    fn new(catalog: &'static Catalog) -> Routes {
        let mut by_method: HashMap<_, Vec<Vec<Route>>> = HashMap::new();
        let entries = catalog.operation_entries().iter();
        for entry in entries.filter(|e| e.kind() == EntryKind::Operation) {
            let Some((method, pattern)) = entry.call.split_once(' ') else { continue };
            let part = |part: &'static str| match part.strip_prefix(':') {
                Some(name) => Part::Parameter(name),
                None => Part::Word(part),
            };
            let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
            let parts: Vec<Part> = pattern.split('/').map(part).collect();
            let by_count = by_method.entry((entry.app.as_str(), method)).or_default();
            if by_count.len() <= parts.len() {
                by_count.resize_with(parts.len() + 1, Vec::new);
            }
            by_count[parts.len()].push(Route { entry, parts });
        }
        Routes { by_method }
    }

    /// Finds the operation; words of a pattern win over its parameters.
    pub fn find(&self, app: &str, method: &str, raw_path: &str) -> Option<Match> {
        let path = raw_path.split('?').next().unwrap_or_default();
        let path = path.strip_prefix('/').unwrap_or(path);
        let exact = self.find_parts(app, method, path);
        if exact.is_some() || slash_counts(app) {
            return exact;
        }
        match path.strip_suffix('/') {
            Some(shorter) => self.find_parts(app, method, shorter),
            None => self.find_parts(app, method, &format!("{path}/")),
        }
    }

    fn find_parts(&self, app: &str, method: &str, path: &str) -> Option<Match> {
        let parts: Vec<Cow<'_, str>> = path.split('/').map(decode).collect();
        let routes = self.by_method.get(&(app, method))?.get(parts.len())?;
        // The first of several that fit as well.
        let mut best: Option<(Vec<bool>, &Route)> = None;
        for route in routes.iter().filter(|route| route.fits(&parts)) {
            let words: Vec<bool> =
                route.parts.iter().map(|part| matches!(part, Part::Word(_))).collect();
            if best.as_ref().is_none_or(|(so_far, _)| words > *so_far) {
                best = Some((words, route));
            }
        }
        let (_, route) = best?;
        let parameters = route.parts.iter().zip(parts).filter_map(|(part, given)| match part {
            Part::Parameter(name) => Some(((*name).to_owned(), given.into_owned())),
            Part::Word(_) => None,
        });
        Some(Match { entry: route.entry, path: parameters.collect() })
    }
}

impl Route {
    fn fits(&self, given: &[Cow<'_, str>]) -> bool {
        self.parts.iter().zip(given).all(|(part, given)| match part {
            Part::Word(word) => word == given,
            Part::Parameter(_) => !given.is_empty(),
        })
    }
}

/// Whether `/customer/` is another path than `/customer`: Stax tells a card from a bank account by
/// it.
fn slash_counts(app: &str) -> bool {
    app == "stax"
}

/// `%2F` → `/`. What is no code stays as it is, what is no UTF-8 is replaced.
fn decode(part: &str) -> Cow<'_, str> {
    if !part.contains('%') {
        return Cow::Borrowed(part);
    }
    let bytes = part.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = bytes.get(at + 1..at + 3).and_then(|hex| {
            let digit = |b: u8| (b as char).to_digit(16);
            Some((digit(hex[0])? * 16 + digit(hex[1])?) as u8)
        });
        match code.filter(|_| bytes[at] == b'%') {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(app: &str, method: &str, path: &str) -> Option<&'static str> {
        Routes::of(Catalog::embedded())
            .find(app, method, path)
            .map(|found| found.entry.call.as_str())
    }

    #[test]
    fn words_win_over_parameters() {
        assert_eq!(call("highlevel", "POST", "/contacts/upsert"), Some("POST /contacts/upsert"));
        assert_eq!(call("stax", "GET", "/invoice/schedule"), Some("GET /invoice/schedule"));
        assert_eq!(call("stax", "GET", "/invoice/x"), Some("GET /invoice/:id"));
        assert_eq!(call("stax", "GET", "/nothing"), None);
        assert_eq!(call("nobody", "GET", "/customer"), None);
    }

    #[test]
    fn the_last_slash_counts_for_stax_only() {
        assert_eq!(call("highlevel", "POST", "/contacts"), Some("POST /contacts/"));
        assert_eq!(call("stax", "POST", "/payment-method"), Some("POST /payment-method"));
        assert_eq!(call("stax", "POST", "/payment-method/"), Some("POST /payment-method/"));
        assert_eq!(call("stax", "GET", "/customer/"), None);
    }

    #[test]
    fn parameters_are_decoded() {
        let found = Routes::of(Catalog::embedded())
            .find("stax", "GET", "/customer/a%2Fb%20c%zz%ff")
            .unwrap();
        assert_eq!(found.path["id"], "a/b c%zz\u{fffd}");
    }
}
