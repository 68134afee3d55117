//! The secret parts of webhook addresses: made, replaced, and dropped when their time is over.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::contents::{Contents, sealed};
use crate::connection::Secret;

/// The secret part of a webhook address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookSecret {
    #[serde(with = "sealed")]
    pub secret: Secret,
    /// Until when it is good; for ever without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl HookSecret {
    /// 32 characters that nobody guesses, good for ever.
    pub fn new_random() -> HookSecret {
        let mut bytes = zeroize::Zeroizing::new([0; 24]);
        getrandom::fill(&mut *bytes).expect("the system gives random numbers");
        HookSecret { secret: Secret::new(URL_SAFE_NO_PAD.encode(*bytes)), until: None }
    }

    pub fn is_good(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Contents {
    /// What a connection is called now: itself, unless it has been renamed.
    pub fn name_now<'a>(&'a self, connection: &'a str) -> &'a str {
        match self.renamed.get(connection) {
            Some(name) if !self.hooks.contains_key(connection) => name,
            _ => connection,
        }
    }

    /// Makes a secret for a connection that has none which is good for ever.
    pub fn ensure_hook(&mut self, connection: &str) {
        let known = self.hooks.entry(connection.to_owned()).or_default();
        if known.iter().all(|hook| hook.until.is_some()) {
            known.insert(0, HookSecret::new_random());
        }
    }

    /// Makes a new secret for a connection. Those before it stay good until `until`, or until their own
    /// time is over.
    pub fn replace_hook(&mut self, connection: &str, until: Timestamp) {
        let known = self.hooks.entry(connection.to_owned()).or_default();
        for hook in known.iter_mut() {
            hook.until = Some(hook.until.map_or(until, |own| own.min(until)));
        }
        known.insert(0, HookSecret::new_random());
    }

    /// Drops the secrets that are not good any more.
    pub fn drop_old_hooks(&mut self, now: Timestamp) {
        for known in self.hooks.values_mut() {
            known.retain(|hook| hook.is_good(now));
        }
        self.hooks.retain(|_, known| !known.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn two_are_good_at_once_until_the_time_of_the_old_one_is_over() {
        let mut contents = Contents::default();
        contents.ensure_hook("stax");
        let first = contents.hooks["stax"].clone();
        contents.ensure_hook("stax");
        assert_eq!(contents.hooks["stax"], first, "one is enough");
        let over = at("2026-03-09T10:00:00Z");
        contents.replace_hook("stax", over);
        let [new, old] = &contents.hooks["stax"][..] else { panic!("{contents:?}") };
        assert_eq!((new.until, old.until), (None, Some(over)));
        assert!(old.secret == first[0].secret && new.secret != old.secret);
        assert!(old.is_good(at("2026-03-09T09:59:59Z")) && !old.is_good(over));

        // A longer time later does not give the first one more of it.
        contents.replace_hook("stax", at("2026-04-09T10:00:00Z"));
        let ends: Vec<_> = contents.hooks["stax"].iter().map(|hook| hook.until).collect();
        assert_eq!(ends, [None, Some(at("2026-04-09T10:00:00Z")), Some(over)]);
        contents.drop_old_hooks(over);
        assert_eq!(contents.hooks["stax"].len(), 2);
    }

    #[test]
    fn a_connection_is_never_left_with_one_that_ends() {
        let mut contents = Contents::default();
        let ends =
            HookSecret { until: Some(at("2026-03-09T10:00:00Z")), ..HookSecret::new_random() };
        contents.hooks.insert("stax".into(), vec![ends]);
        contents.ensure_hook("stax");
        assert_eq!(contents.hooks["stax"][0].until, None);
        assert_eq!(contents.hooks["stax"][0].secret.expose().len(), 32);
    }

    #[test]
    fn a_name_of_before_leads_to_the_name_of_now() {
        let mut contents = Contents::default();
        contents.renamed.insert("old".into(), "new".into());
        contents.ensure_hook("new");
        assert_eq!((contents.name_now("old"), contents.name_now("new")), ("new", "new"));
        // Somebody gave the name to another account.
        contents.ensure_hook("old");
        assert_eq!(contents.name_now("old"), "old");
    }
}
