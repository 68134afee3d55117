//! What a token server says, and what is made of it.

use std::time::Duration;

use linecook::catalog::Catalog;
use linecook::connection::Secret;
use linecook::http::oauth::{OAuthError, TokenEndpoint, User};
use linecook::vault::Grant;

use super::harness::server::{COMPANY, LOCATION, Mood, Server};

const DAY: Duration = Duration::from_secs(86_399);

async fn endpoint() -> (Server, TokenEndpoint) {
    let server = Server::start(DAY).await;
    let app = Catalog::embedded().app("highlevel").unwrap();
    let endpoint = TokenEndpoint::of(app, Some(&server.base_url("test"))).unwrap();
    (server, endpoint)
}

#[tokio::test]
async fn a_code_gives_tokens_and_the_refresh_token_gives_the_next_ones_once() {
    let (server, endpoint) = endpoint().await;
    let code = Secret::new("test-code-1");
    let first = endpoint.exchange_code(&server.client(), &code, None, User::Location).await;
    let first = first.unwrap();
    assert_eq!(first.user, Some(User::Location));
    assert_eq!(first.location_id.as_deref(), Some(LOCATION));
    assert_eq!(first.company_id.as_deref(), Some(COMPANY));
    let scopes = ["contacts.readonly", "contacts.write"].map(str::to_owned);
    assert_eq!(first.scopes.as_deref(), Some(&scopes[..]));
    assert_eq!(first.expires_at, first.got_at + DAY);
    let refresh = first.refresh.clone().unwrap();
    let second = endpoint.refresh(&server.client(), &refresh, User::Location).await.unwrap();
    assert_ne!(second.access, first.access);
    let again = endpoint.refresh(&server.client(), &refresh, User::Location).await.unwrap_err();
    let said = "HighLevel answers 400: Invalid grant: refresh token is invalid";
    assert_eq!(again, OAuthError::Refused(said.into()));
}

#[tokio::test]
async fn what_is_refused_for_good_is_told_from_what_may_pass() {
    let (server, endpoint) = endpoint().await;
    let wrong = Secret::new("test-code-2");
    let refused = endpoint.exchange_code(&server.client(), &wrong, None, User::Location).await;
    let said = "HighLevel answers 401: UnAuthorized!: Authorization code not found";
    assert_eq!(refused.unwrap_err(), OAuthError::Refused(said.into()));
    let mut other = server.client();
    other.client_secret = Secret::new("test-client-secret-2");
    let code = Secret::new("test-code-1");
    let refused = endpoint.exchange_code(&other, &code, None, User::Location).await.unwrap_err();
    assert!(matches!(refused, OAuthError::Refused(_)), "{refused:?}");

    let grant = server.connect(false).grant;
    let Grant::OAuth(grant) = grant else { unreachable!() };
    let moods = [Mood::Sleeps, Mood::Ill, Mood::Breaks, Mood::Babbles, Mood::Mumbles];
    server.counts().moods.extend(moods);
    let mut errors = Vec::new();
    for _ in moods {
        let asked = endpoint.refresh(&server.client(), &grant.refresh, User::Location).await;
        errors.push(asked.unwrap_err());
    }
    let is_expected = match &errors[..] {
        [
            OAuthError::NotActive(sleeps),
            OAuthError::NoAnswer { why: ill, .. },
            OAuthError::NoAnswer { why: breaks, .. },
            OAuthError::BadAnswer(babbles),
            OAuthError::BadAnswer(mumbles),
        ] => {
            assert_eq!(sleeps, "HighLevel answers 400: Location is not active");
            assert_eq!(ill, "HighLevel answers 503: not now");
            assert!(breaks.starts_with("no answer: 127.0.0.1"), "{breaks}");
            // It repeats what was sent.
            assert!(babbles.starts_with("HighLevel answers 418: what is grant_type"), "{babbles}");
            assert!(!babbles.contains(grant.refresh.expose()), "{babbles}");
            assert!(!babbles.contains("test-client-secret"), "{babbles}");
            assert_eq!(mumbles, "HighLevel answers with something that is not JSON");
            true
        }
        _ => false,
    };
    assert!(is_expected, "{errors:?}");

    let nobody = TokenEndpoint::of(
        Catalog::embedded().app("highlevel").unwrap(),
        Some("http://127.0.0.1:1"),
    );
    let asked = nobody.unwrap().refresh(&server.client(), &grant.refresh, User::Location).await;
    assert!(matches!(asked, Err(OAuthError::NoAnswer { .. })), "{asked:?}");
    let stax = TokenEndpoint::of(Catalog::embedded().app("stax").unwrap(), None);
    assert!(matches!(stax, Err(OAuthError::Refused(_))));
}

#[tokio::test]
async fn a_companys_token_gives_those_of_its_accounts() {
    let (server, endpoint) = endpoint().await;
    let Grant::OAuth(company) = server.connect(true).grant else { unreachable!() };
    let own = endpoint.location_token(&company.access, COMPANY, LOCATION).await.unwrap();
    assert_eq!(own.location_id.as_deref(), Some(LOCATION));
    assert_eq!(own.scopes, Some(vec!["contacts.readonly".to_owned()]));
    assert_eq!(own.refresh, None);
    let other = endpoint.location_token(&company.access, COMPANY, "location-9").await;
    assert!(matches!(other, Err(OAuthError::BadAnswer(_))), "{other:?}");
    let not_a_company = endpoint.location_token(&own.access, COMPANY, LOCATION).await;
    assert!(matches!(not_a_company, Err(OAuthError::Refused(_))), "{not_a_company:?}");
    let all = endpoint.installed_locations(&company.access, COMPANY, &server.client()).await;
    let all = all.unwrap();
    assert_eq!(all.len(), 45);
    assert_eq!((all[44].id.as_str(), all[2].is_installed), ("location-45", Some(false)));
}
