//! What recipes need and what an app has registered come in; how each stands goes out.

use jiff::Timestamp;
use url::Url;

use super::needed::Needed;
use crate::server::RegisteredHook;
use crate::vault::HookSecret;

/// How a webhook that is needed stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Registered,
    Missing,
    /// With an address of before, which is good until then, for ever, or not any more.
    Old(Old),
    /// The app does not send it to holders of such a key.
    NotSent,
    /// The app registers none: a person enters the address.
    ByHand,
    /// Nobody could be asked: why, and what to do.
    Unknown {
        why: String,
        help: String,
    },
}

/// For how long an old address is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Old {
    Good,
    GoodUntil(Timestamp),
    NotTaken,
}

/// How what is there stands to what is needed.
#[derive(Debug, Default)]
pub struct Comparison {
    /// In the order of what is needed.
    pub states: Vec<State>,
    /// Ours, with an address that has been replaced, for an event that is needed.
    pub replaced: Vec<RegisteredHook>,
    /// Ours, and of no use to anybody.
    pub unneeded: Vec<RegisteredHook>,
    /// All of ours.
    pub ours: Vec<RegisteredHook>,
    /// How many lead elsewhere.
    pub strangers: usize,
}

/// What leads to us.
pub struct Here<'a> {
    pub public_url: &'a str,
    pub connection: &'a str,
    /// Of the connection, the newest first.
    pub secrets: &'a [HookSecret],
    /// The name of now for one that may be of before.
    pub name_now: &'a dyn Fn(&str) -> String,
    /// Whether another connection of the project has this name.
    pub is_other: &'a dyn Fn(&str) -> bool,
    pub now: Timestamp,
}

/// What the path of an address says.
struct Parts {
    connection: String,
    secret: String,
    segment: Option<String>,
}

/// Whose a registered address is.
enum Whose {
    Stranger,
    /// Another connection's of this project.
    Other,
    /// Ours; none where nothing of ours was ever at such an address.
    Ours(Option<Parts>),
}

/// `offered` are the events that can be registered; none where nobody knows.
pub fn compare(
    needed: &[&Needed],
    found: Vec<RegisteredHook>,
    here: &Here<'_>,
    offered: Option<&[String]>,
) -> Comparison {
    let mut comparison = Comparison::default();
    let mut states: Vec<Option<State>> = vec![None; needed.len()];
    for hook in found {
        let parts = match here.whose(&hook.address) {
            Whose::Stranger => {
                comparison.strangers += 1;
                continue;
            }
            Whose::Other => continue,
            Whose::Ours(parts) => parts,
        };
        comparison.ours.push(hook.clone());
        let at = needed.iter().position(|n| n.wire == hook.event);
        let (Some(at), Some(parts)) = (at, parts) else {
            comparison.unneeded.push(hook);
            continue;
        };
        let state = here.state(needed[at], &parts);
        match (&states[at], state) {
            // One is enough.
            (Some(State::Registered), State::Registered) => comparison.unneeded.push(hook),
            (_, State::Registered) => states[at] = Some(State::Registered),
            (Some(State::Registered), _) => comparison.replaced.push(hook),
            (_, state) => {
                states[at] = Some(state);
                comparison.replaced.push(hook);
            }
        }
    }
    let is_offered = |n: &Needed| offered.is_none_or(|offered| offered.contains(&n.wire));
    let missing = |n: &Needed| if is_offered(n) { State::Missing } else { State::NotSent };
    let states = states.into_iter().zip(needed);
    comparison.states = states.map(|(state, n)| state.unwrap_or_else(|| missing(n))).collect();
    comparison
}

impl Here<'_> {
    fn whose(&self, address: &str) -> Whose {
        let normal = |text: &str| Url::parse(text).map(String::from);
        let (Ok(address), Ok(base)) = (normal(address), normal(self.public_url)) else {
            return Whose::Stranger;
        };
        let base = format!("{}/hooks/", base.trim_end_matches('/'));
        let Some(path) = address.strip_prefix(&base) else { return Whose::Stranger };
        let mut parts = path.trim_end_matches('/').split('/').map(str::to_owned);
        let parts = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(connection), Some(secret), segment, None) if connection != "app" => {
                Parts { connection: (self.name_now)(&connection), secret, segment }
            }
            _ => return Whose::Ours(None),
        };
        match parts.connection == self.connection {
            true => Whose::Ours(Some(parts)),
            false if (self.is_other)(&parts.connection) => Whose::Other,
            false => Whose::Ours(None),
        }
    }

    fn state(&self, needed: &Needed, parts: &Parts) -> State {
        let good = || self.secrets.iter().filter(|hook| hook.is_good(self.now));
        let newest = good().next();
        let is = |hook: &HookSecret| hook.secret.expose() == parts.secret;
        let known = good().find(|hook| is(hook));
        if !needed.answers_to(parts.segment.as_deref()) {
            return State::Old(Old::NotTaken);
        }
        match known {
            None => State::Old(Old::NotTaken),
            Some(hook) if newest.is_some_and(|newest| newest == hook) => State::Registered,
            Some(hook) => State::Old(hook.until.map_or(Old::Good, Old::GoodUntil)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::connection::Secret;

    fn needed(wire: &str, events: &[&str]) -> Needed {
        Needed {
            connection: "stax".into(),
            app: Catalog::embedded().app("stax").unwrap(),
            wire: wire.into(),
            is_named: true,
            segment: wire.into(),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            recipes: vec!["r".into()],
        }
    }

    fn hook(id: &str, event: &str, address: &str) -> RegisteredHook {
        RegisteredHook { id: id.into(), event: event.into(), address: address.into() }
    }

    fn ids(hooks: &[RegisteredHook]) -> Vec<&str> {
        hooks.iter().map(|hook| hook.id.as_str()).collect()
    }

    fn compared(needed: &[Needed], found: Vec<RegisteredHook>) -> Comparison {
        let until = Some("2026-03-09T10:00:00Z".parse().unwrap());
        let secrets = [
            HookSecret { secret: Secret::new("new-secret"), until: None },
            HookSecret { secret: Secret::new("old-secret"), until },
        ];
        let here = Here {
            public_url: "https://hooks.example.com/shop",
            connection: "stax",
            secrets: &secrets,
            name_now: &|name| if name == "before" { "stax" } else { name }.to_owned(),
            is_other: &|name| name == "second",
            now: "2026-03-02T10:00:00Z".parse().unwrap(),
        };
        let offered = ["create_customer", "update_customer", "create_transaction"];
        let offered = offered.map(str::to_owned);
        compare(&needed.iter().collect::<Vec<_>>(), found, &here, Some(&offered))
    }

    const HERE: &str = "https://hooks.example.com/shop/hooks";

    #[test]
    fn every_state_is_told_from_the_others() {
        let all = [
            needed("create_customer", &["stax.customer_created"]),
            needed("update_customer", &["stax.customer_updated"]),
            needed("create_transaction", &["stax.payment_failed", "stax.payment_succeeded"]),
            needed("create_merchant", &["stax.merchant_created"]),
        ];
        let comparison = compared(
            &all,
            vec![
                hook("good", "create_customer", &format!("{HERE}/stax/new-secret/create_customer")),
                hook(
                    "twice",
                    "create_customer",
                    &format!("{HERE}/stax/new-secret/create_customer"),
                ),
                hook(
                    "old",
                    "update_customer",
                    &format!("{HERE}/before/old-secret/update_customer"),
                ),
                // One of two names would leave out the other.
                hook(
                    "half",
                    "create_transaction",
                    &format!("{HERE}/stax/new-secret/payment_failed"),
                ),
                hook("past", "create_item", &format!("{HERE}/stax/new-secret/create_item")),
                hook("gone", "create_customer", &format!("{HERE}/gone/secret/create_customer")),
                hook("other", "create_customer", &format!("{HERE}/second/secret/create_customer")),
            ],
        );
        let until = "2026-03-09T10:00:00Z".parse().unwrap();
        let states = [
            State::Registered,
            State::Old(Old::GoodUntil(until)),
            State::Old(Old::NotTaken),
            State::NotSent,
        ];
        assert_eq!(comparison.states, states);
        assert_eq!(ids(&comparison.replaced), ["old", "half"]);
        assert_eq!(ids(&comparison.unneeded), ["twice", "past", "gone"]);
        assert_eq!(ids(&comparison.ours), ["good", "twice", "old", "half", "past", "gone"]);
        assert_eq!(comparison.strangers, 0);
    }

    #[test]
    fn an_old_one_beside_the_new_one_is_replaced_in_whatever_order_they_stand() {
        let all = [needed("create_customer", &["stax.customer_created"])];
        let new =
            hook("new", "create_customer", &format!("{HERE}/stax/new-secret/customer_created"));
        let old = hook("old", "create_customer", &format!("{HERE}/stax/old-secret"));
        for found in [vec![new.clone(), old.clone()], vec![old, new]] {
            let comparison = compared(&all, found);
            assert_eq!(comparison.states, [State::Registered]);
            assert_eq!(ids(&comparison.replaced), ["old"]);
        }
    }

    #[test]
    fn what_leads_elsewhere_is_a_strangers() {
        for address in [
            "https://hooks.example.com/hooks/stax/new-secret/create_customer",
            "https://hooks.example.com/shop2/hooks/stax/new-secret/create_customer",
            "https://hooks.example.com.example.org/shop/hooks/stax/new-secret/create_customer",
            "https://hooks.example.com@example.org/shop/hooks/stax/new-secret/create_customer",
            "http://hooks.example.com/shop/hooks/stax/new-secret/create_customer",
            "https://hooks.example.com:8443/shop/hooks/stax/new-secret/create_customer",
            "https://hooks.example.com/shop/hooks/../../hooks/stax/new-secret/create_customer",
            "not an address",
            "",
        ] {
            let comparison = compared(&[], vec![hook("x", "create_customer", address)]);
            assert_eq!((comparison.strangers, comparison.ours.len()), (1, 0), "{address}");
        }
        for address in [
            "https://HOOKS.example.com:443/shop/hooks/stax/new-secret/create_customer",
            "https://hooks.example.com/shop/hooks/app/stax",
            "https://hooks.example.com/shop/hooks/stax",
            "https://hooks.example.com/shop/hooks/stax/a/b/c",
        ] {
            let comparison = compared(&[], vec![hook("x", "create_customer", address)]);
            assert_eq!(ids(&comparison.unneeded), ["x"], "{address}");
        }
    }
}
