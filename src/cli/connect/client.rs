//! The marketplace app that we are registered as: kept in the vault, and asked for once.

use super::{Connecting, Scopes, clicks};
use crate::cli::exit::{CommandError, Result};
use crate::cli::{ask, print};
use crate::sign_in::{RedirectAddress, USUAL_REDIRECT};
use crate::vault::{Client, Contents, Grant};

/// A marketplace app, and the name that the vault has for it.
pub struct Known {
    pub key: String,
    pub client: Client,
    pub redirect: RedirectAddress,
}

impl Connecting<'_> {
    /// The client to sign in with.
    pub(super) fn client(&self, scopes: &Scopes) -> Result<Known> {
        let options = &self.options.sign_in;
        let contents = self.vault.read()?;
        let usual = self.usual_client(&contents);
        let known = match &options.client_id {
            Some(id) => contents.clients.iter().find(|(_, client)| client.client_id == *id),
            None => usual.and_then(|key| contents.clients.get_key_value(key)),
        };
        let before = known.map(|(_, client)| client.redirect_uri.as_str());
        let redirect = options.redirect_uri.as_deref().or(before).unwrap_or(USUAL_REDIRECT);
        let redirect = redirect_address(redirect)?;
        let pkce = options.pkce.or(known.map(|(_, client)| client.pkce));
        let pkce = pkce.or(self.app.oauth.as_ref().map(|oauth| oauth.pkce)).unwrap_or_default();
        let redirect_uri = redirect.as_str().to_owned();
        if let Some((key, client)) = known.filter(|_| !options.new_client_secret) {
            let client = Client { redirect_uri, pkce, ..client.clone() };
            return Ok(Known { key: key.clone(), client, redirect });
        }
        let (key, client_id) = match known {
            Some((key, client)) => (key.clone(), client.client_id.clone()),
            None => {
                print::talk(
                    "A marketplace app of yours is needed. To register it, or to look it up:",
                );
                clicks::for_app(redirect.as_str(), scopes).iter().for_each(print::talk);
                let id = match &options.client_id {
                    Some(id) => id.clone(),
                    None => ask::line("Client id", "say --client-id ID")?,
                };
                (new_key(&contents, &self.app.app, &id), id)
            }
        };
        if client_id.is_empty() || !client_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CommandError::usage(
                format!("`{client_id}` is not a client id"),
                "copy it from your app's settings at the marketplace",
            ));
        }
        let client_secret = ask::secret("the client secret")?;
        let client = Client { client_id, client_secret, redirect_uri, pkce };
        Ok(Known { key, client, redirect })
    }

    /// The client that this connection was made with, else the only one for its app.
    fn usual_client<'c>(&self, contents: &'c Contents) -> Option<&'c str> {
        let stored = contents.connections.get(&self.name);
        if let Some(Grant::OAuth(grant)) = stored.map(|stored| &stored.grant) {
            return Some(&grant.client);
        }
        contents.clients.get_key_value(&self.app.app).map(|(key, _)| key.as_str())
    }
}

/// The first client of an app is known by the app's name, another one by its own id.
fn new_key(contents: &Contents, app: &str, id: &str) -> String {
    match contents.clients.contains_key(app) {
        true => id.to_owned(),
        false => app.to_owned(),
    }
}

fn redirect_address(text: &str) -> Result<RedirectAddress> {
    RedirectAddress::parse(text)
        .map_err(|e| CommandError::usage(format!("`{text}` {}", e.problem), e.instead))
}
