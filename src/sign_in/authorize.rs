//! The address at which a person agrees: what we ask for comes in; an address for the browser goes out.

use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use url::Url;

use super::redirect::RedirectAddress;
use crate::connection::Secret;

/// What is asked for.
pub struct Asked<'a> {
    /// The app's page at which people agree.
    pub page: &'a Url,
    pub client_id: &'a str,
    pub redirect: &'a RedirectAddress,
    pub scopes: &'a [String],
    pub state: &'a Secret,
    /// Whether the app takes PKCE.
    pub pkce: bool,
}

/// Where to send the browser.
pub struct Authorization {
    /// It holds the state, so it is for the browser of the person who signs in, and for nobody else.
    pub address: Secret,
    /// Sent along when the code is exchanged: whoever has stolen the code does not have it.
    pub verifier: Option<Secret>,
}

/// Makes the address.
pub fn authorize(asked: &Asked<'_>) -> Authorization {
    let (challenge, verifier) = match asked.pkce {
        true => {
            let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
            (Some(challenge), Some(verifier))
        }
        false => (None, None),
    };
    let client = BasicClient::new(ClientId::new(asked.client_id.to_owned()))
        .set_auth_uri(AuthUrl::from_url(asked.page.clone()))
        // As it is written, letter by letter.
        .set_redirect_uri(
            RedirectUrl::new(asked.redirect.as_str().to_owned()).expect("it has been parsed"),
        );
    let state = asked.state.expose().to_owned();
    let mut request = client.authorize_url(|| CsrfToken::new(state));
    request = request.add_scopes(asked.scopes.iter().cloned().map(Scope::new));
    if let Some(challenge) = challenge {
        request = request.set_pkce_challenge(challenge);
    }
    let (address, _) = request.url();
    let verifier = verifier.as_ref().map(PkceCodeVerifier::secret).map(Secret::new);
    Authorization { address: Secret::new(address), verifier }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::redirect::USUAL_REDIRECT;
    use super::*;

    fn asked(pkce: bool) -> (BTreeMap<String, String>, Option<Secret>) {
        let page = Url::parse("https://app.example.com/choose?version_id=v1").unwrap();
        let redirect = RedirectAddress::parse(USUAL_REDIRECT).unwrap();
        let scopes = ["contacts.readonly".to_owned(), "contacts.write".to_owned()];
        let state = Secret::new("state-1");
        let asked = Asked {
            page: &page,
            client_id: "client-1",
            redirect: &redirect,
            scopes: &scopes,
            state: &state,
            pkce,
        };
        let made = authorize(&asked);
        let address = Url::parse(made.address.expose()).unwrap();
        assert!(made.address.expose().starts_with("https://app.example.com/choose?version_id=v1&"));
        (address.query_pairs().into_owned().collect(), made.verifier)
    }

    #[test]
    fn it_says_who_asks_for_what_and_where_to_go_back_to() {
        let (pairs, verifier) = asked(false);
        let expected = [
            ("client_id", "client-1"),
            ("redirect_uri", USUAL_REDIRECT),
            ("response_type", "code"),
            ("scope", "contacts.readonly contacts.write"),
            ("state", "state-1"),
            ("version_id", "v1"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(pairs, expected.into());
        assert_eq!(verifier, None);
    }

    #[test]
    fn with_pkce_only_the_hash_of_the_verifier_is_told() {
        let (pairs, verifier) = asked(true);
        assert_eq!(pairs["code_challenge_method"], "S256");
        let verifier = PkceCodeVerifier::new(verifier.unwrap().expose().to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        assert_eq!(pairs["code_challenge"], challenge.as_str());
        assert_ne!(asked(true).0["code_challenge"], challenge.as_str());
    }
}
