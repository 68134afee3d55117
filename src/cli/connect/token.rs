//! With an API key or a private integration token.

use jiff::Timestamp;
use serde_json::Value;

use super::{Connecting, clicks};
use crate::cli::exit::Result;
use crate::cli::{ask, print};
use crate::connection::{Facts, Way};
use crate::vault::Grant;

impl Connecting<'_> {
    pub(super) async fn with_token(&mut self, way: Way) -> Result<()> {
        self.base_url()?;
        let location = self.location()?;
        let scopes = self.needed_scopes(way);
        print::talk(format_args!("To get the {}:", way.words()));
        clicks::for_token(self.app, way, &scopes).iter().for_each(print::talk);
        let what = format!("the {}", way.words());
        let token = ask::secret(&what)?;
        let (answer, note) = self.prove(&what, &token, location.as_deref()).await?;
        let is_sandbox = match way {
            Way::ApiKey => self.is_sandbox(answer.as_ref())?,
            _ => None,
        };
        let facts = Facts {
            app: self.app.app.clone(),
            way,
            location_id: location,
            company_id: None,
            scopes: None,
            is_sandbox,
            expires_at: None,
            since: Timestamp::now(),
            lost: None,
        };
        self.keep(facts, Grant::Token(token))?;
        note.iter().for_each(|note| print::talk(format_args!("Note: {note}.")));
        Ok(())
    }

    /// Whether the account is for trying things out: as the person said beforehand, as the app's answer
    /// shows, else as the person says now; none where nobody knows.
    fn is_sandbox(&self, answer: Option<&Value>) -> Result<Option<bool>> {
        let said = match (self.options.sandbox, self.options.production) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        let shown = answer.filter(|answer| shows_sandbox(answer)).map(|_| true);
        if said.or(shown).is_some() || !ask::is_possible() {
            return Ok(said.or(shown));
        }
        let items =
            ["The real one, with real money", "A sandbox, for trying things out", "I do not know"];
        let items = items.map(str::to_owned);
        Ok(match ask::choose("Which account is this key of?", &items, "")? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        })
    }
}

/// Whether an answer about the account says that it is a sandbox. That it says nothing of the kind proves
/// nothing: what it looks like is not documented.
fn shows_sandbox(answer: &Value) -> bool {
    match answer {
        Value::Object(map) => map.iter().any(|(key, value)| match key.to_lowercase().as_str() {
            "sandbox" | "is_sandbox" => value == true || value == 1,
            // The brand of sandboxes is that of the partner with this behind it.
            "brand" => value.as_str().is_some_and(|brand| brand.ends_with("-sandbox")),
            "gateway_type" => value.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("test")),
            _ => shows_sandbox(value),
        }),
        Value::Array(items) => items.iter().any(shows_sandbox),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::shows_sandbox;

    #[test]
    fn an_account_is_a_sandbox_only_when_it_says_so() {
        for yes in [
            json!({ "user": { "brand": "shop-sandbox" } }),
            json!({ "merchant": { "gateway_type": "TEST" } }),
            json!([{ "is_sandbox": true }]),
            json!({ "sandbox": 1 }),
        ] {
            assert!(shows_sandbox(&yes), "{yes}");
        }
        for no in [
            json!({ "user": { "brand": "shop" } }),
            json!({ "sandbox": false, "name": "sandbox" }),
            json!("sandbox"),
            json!(null),
        ] {
            assert!(!shows_sandbox(&no), "{no}");
        }
    }
}
