//! Which operation is meant: a method and a raw path come in; the entry of the catalog and the
//! decoded path parameters go out.

use indexmap::IndexMap;

use crate::catalog::{Catalog, EntryKind, IndexEntry};

/// An operation that was recognised.
pub(super) struct Match {
    pub entry: &'static IndexEntry,
    pub path: IndexMap<String, String>,
}

/// Finds the operation; words of a pattern win over its parameters.
pub(super) fn find(
    catalog: &'static Catalog,
    app: &str,
    method: &str,
    raw_path: &str,
) -> Option<Match> {
    let path = raw_path.split('?').next().unwrap_or_default();
    let path = path.strip_prefix('/').unwrap_or(path);
    let exact = find_parts(catalog, app, method, &decoded_parts(path));
    if exact.is_some() || slash_counts(app) {
        return exact;
    }
    let other = match path.strip_suffix('/') {
        Some(shorter) => shorter.to_owned(),
        None => format!("{path}/"),
    };
    find_parts(catalog, app, method, &decoded_parts(&other))
}

/// Whether `/customer/` is another path than `/customer`: Stax tells a card from a bank account by
/// it.
fn slash_counts(app: &str) -> bool {
    app == "stax"
}

fn find_parts(
    catalog: &'static Catalog,
    app: &str,
    method: &str,
    parts: &[String],
) -> Option<Match> {
    let of_app = |e: &&IndexEntry| e.app == app && e.kind() == EntryKind::Operation;
    let mut best: Option<(Vec<bool>, Match)> = None;
    for entry in catalog.operation_entries().iter().filter(of_app) {
        let Some((words, path)) = fit(entry, method, parts) else { continue };
        if best.as_ref().is_none_or(|(so_far, _)| words > *so_far) {
            best = Some((words, Match { entry, path }));
        }
    }
    best.map(|(_, found)| found)
}

/// For every part of the path whether a word stands for it, and the parameters.
fn fit(
    entry: &IndexEntry,
    method: &str,
    parts: &[String],
) -> Option<(Vec<bool>, IndexMap<String, String>)> {
    let (wanted, pattern) = entry.call.split_once(' ')?;
    let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
    if !wanted.eq_ignore_ascii_case(method) || pattern.split('/').count() != parts.len() {
        return None;
    }
    let mut words = Vec::with_capacity(parts.len());
    let mut path = IndexMap::new();
    for (wanted, part) in pattern.split('/').zip(parts) {
        match wanted.strip_prefix(':') {
            Some(_) if part.is_empty() => return None,
            Some(name) => {
                path.insert(name.to_owned(), part.clone());
                words.push(false);
            }
            None if wanted == part => words.push(true),
            None => return None,
        }
    }
    Some((words, path))
}

fn decoded_parts(path: &str) -> Vec<String> {
    path.split('/').map(decode).collect()
}

/// `%2F` → `/`. What is no code stays as it is, what is no UTF-8 is replaced.
fn decode(part: &str) -> String {
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
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(app: &str, method: &str, path: &str) -> Option<&'static str> {
        find(Catalog::embedded(), app, method, path).map(|found| found.entry.call.as_str())
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
        let found = find(Catalog::embedded(), "stax", "GET", "/customer/a%2Fb%20c%zz%ff").unwrap();
        assert_eq!(found.path["id"], "a/b c%zz\u{fffd}");
    }
}
