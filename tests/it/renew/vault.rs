//! The vault's credentials as a caller meets them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use linecook::call::{CallError, Caller, Response};
use linecook::connection::{Credentials, Facts, Secret, Way};
use linecook::http::{HttpCaller, Pace, VaultCredentials};
use linecook::vault::{Grant, OAuthGrant, Previous, Stored, Vault};

use super::harness::child;
use super::harness::server::{LOCATION, Mood, Server};

const DAY: Duration = Duration::from_secs(86_400);

/// One connection, `main`, in a vault.
struct Kit {
    server: Server,
    vault: Vault,
    credentials: VaultCredentials,
    caller: HttpCaller,
    _folder: tempfile::TempDir,
}

impl Kit {
    async fn of(is_company: bool) -> Kit {
        let server = Server::start(DAY).await;
        let folder = tempfile::tempdir().unwrap();
        let vault = child::vault(&folder.path().join("linecook.vault"));
        let connected = server.connect(is_company);
        let change = |contents: &mut linecook::vault::Contents| {
            contents.clients.insert("highlevel".into(), server.client());
            contents.connections.insert("main".into(), connected);
        };
        vault.change(change).unwrap();
        // As soon as may be, and never by chance.
        let pace = Pace {
            look_every: Duration::ZERO,
            first_rest: Duration::ZERO,
            longest_rest: Duration::ZERO,
            ..Pace::default()
        };
        let (credentials, caller) = caller(&server, &vault, pace);
        Kit { server, vault, credentials, caller, _folder: folder }
    }

    async fn call(&self) -> Result<Response, CallError> {
        self.caller.call(&child::request(&self.server.connection("test"))).await
    }

    async fn goes_well(&self) {
        let answer = self.call().await;
        assert!(answer.as_ref().is_ok_and(Response::is_success), "{answer:?}");
    }

    fn stored(&self) -> Stored {
        self.vault.read().unwrap().connections["main"].clone()
    }

    fn change(&self, change: impl FnOnce(&mut Stored)) {
        self.vault.change(|c| change(c.connections.get_mut("main").unwrap())).unwrap();
    }

    /// The token was given a day ago, and ends in so long.
    fn ends_in(&self, seconds: i64) {
        let now = Timestamp::now();
        self.change(|stored| {
            let Grant::OAuth(grant) = &mut stored.grant else { unreachable!() };
            grant.got_at = now - DAY;
            grant.expires_at = now + SignedDuration::from_secs(seconds);
            if let Some(own) = &mut grant.location {
                (own.got_at, own.expires_at) = (grant.got_at, grant.expires_at);
            }
        });
    }

    fn refreshes(&self) -> usize {
        self.server.counts().refreshes
    }
}

/// Another process.
fn caller(server: &Server, vault: &Vault, pace: Pace) -> (VaultCredentials, HttpCaller) {
    let credentials = VaultCredentials::at_pace(vault.clone(), pace);
    credentials.know(BTreeMap::from([("main".to_owned(), server.connection("test"))]));
    let caller = HttpCaller::new(Duration::from_secs(10), Arc::new(credentials.clone())).unwrap();
    let through = BTreeMap::from([("highlevel".to_owned(), "main".to_owned())]);
    (credentials, caller.through(&through))
}

fn oauth(stored: &Stored) -> &OAuthGrant {
    match &stored.grant {
        Grant::OAuth(grant) => grant,
        Grant::Token(_) => unreachable!("it is a marketplace app"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_before_it_ends_and_not_sooner() {
    let kit = Kit::of(false).await;
    kit.goes_well().await;
    kit.ends_in(700);
    kit.goes_well().await;
    assert_eq!(kit.refreshes(), 0);
    kit.ends_in(500);
    let before = kit.stored();
    kit.goes_well().await;
    kit.goes_well().await;
    assert_eq!(kit.refreshes(), 1);
    let after = kit.stored();
    assert_ne!(oauth(&after).refresh, oauth(&before).refresh);
    assert_eq!(after.facts.expires_at, Some(oauth(&after).expires_at));
    assert_eq!(after.facts.scopes.as_ref().unwrap().len(), 2);
    assert_eq!(after.facts.since, before.facts.since);
    assert_eq!(kit.server.counts().refused_calls, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tasks_of_two_processes_renew_once() {
    let kit = Kit::of(false).await;
    kit.ends_in(-1);
    let (_, other) = caller(&kit.server, &kit.vault, Pace::default());
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..40 {
        let caller = if n % 2 == 0 { kit.caller.clone() } else { other.clone() };
        let request = child::request(&kit.server.connection("test"));
        tasks.spawn(async move { caller.call(&request).await.unwrap().status });
    }
    assert!(tasks.join_all().await.iter().all(|status| *status == 200));
    assert_eq!(kit.refreshes(), 1);
    assert_eq!(kit.server.counts().invalid_grants, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_the_token_is_used_for_as_long_as_it_lives() {
    let kit = Kit::of(false).await;
    kit.ends_in(500);
    kit.server.counts().moods.extend([Mood::Ill, Mood::Breaks, Mood::Sleeps]);
    for _ in 0..3 {
        kit.goes_well().await;
    }
    assert_eq!((kit.refreshes(), kit.server.counts().asked), (0, 3));
    kit.goes_well().await;
    assert_eq!(kit.refreshes(), 1);

    kit.ends_in(-1);
    kit.server.counts().moods.extend([Mood::Ill, Mood::Sleeps]);
    let ill = kit.call().await.unwrap_err().to_string();
    assert!(ill.contains("cannot be renewed now: HighLevel answers 503"), "{ill}");
    let sleeps = kit.call().await.unwrap_err();
    let said = "not sent now: the account of the connection `main` sleeps: HighLevel answers 400: Location is not active";
    assert_eq!(sleeps.to_string(), said);
    assert!(matches!(sleeps, CallError::NoToken(_)));
    assert_eq!(kit.stored().facts.lost, None);
    kit.goes_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failed_renewal_there_is_a_rest() {
    let kit = Kit::of(false).await;
    let (_, patient) = caller(&kit.server, &kit.vault, Pace::default());
    let request = child::request(&kit.server.connection("test"));
    kit.ends_in(500);
    kit.server.counts().moods.extend([Mood::Ill; 9]);
    for _ in 0..20 {
        assert_eq!(patient.call(&request).await.unwrap().status, 200);
    }
    assert_eq!(kit.server.counts().asked, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_asks_once_to_connect_again_and_then_goes_on() {
    let kit = Kit::of(false).await;
    kit.goes_well().await;
    // The answer to the one before was never stored.
    let used = kit.stored();
    kit.ends_in(-1);
    kit.goes_well().await;
    kit.change(|stored| *stored = used);
    kit.ends_in(-1);
    for _ in 0..5 {
        let error = kit.call().await.unwrap_err();
        let CallError::Withheld { why, instead } = error else { panic!("{error}") };
        assert_eq!(
            why,
            "the connection `main` is lost: HighLevel answers 400: Invalid grant: refresh token is invalid"
        );
        assert_eq!(instead, "connect again: `linecook connect highlevel --name main`");
    }
    assert_eq!(kit.server.counts().invalid_grants, 1);
    let told = kit.credentials.expired().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].at, kit.stored().facts.lost.unwrap().at);
    // A process that starts now knows it too, and does not try.
    let (other, caller) = caller(&kit.server, &kit.vault, Pace::default());
    let request = child::request(&kit.server.connection("test"));
    assert!(matches!(caller.call(&request).await, Err(CallError::Withheld { .. })));
    assert_eq!(other.expired().await, told);
    assert_eq!(kit.server.counts().invalid_grants, 1);

    kit.vault.change(|contents| kit.server.connect_into(contents)).unwrap();
    kit.goes_well().await;
    assert_eq!(kit.credentials.expired().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_before_its_time_is_renewed_once_an_hour() {
    let kit = Kit::of(false).await;
    kit.goes_well().await;
    kit.server.end_all();
    kit.goes_well().await;
    assert_eq!(kit.refreshes(), 1);
    kit.server.end_all();
    let answer = kit.call().await.unwrap();
    assert_eq!((answer.status, kit.refreshes()), (401, 1));
    // What was sent does not come back.
    assert_eq!(answer.body["message"], "Invalid JWT [secret]");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_stores_is_taken_over() {
    let kit = Kit::of(false).await;
    // It looks never by itself.
    let pace = Pace { look_every: DAY, ..Pace::default() };
    let (_, lazy) = caller(&kit.server, &kit.vault, pace);
    let request = child::request(&kit.server.connection("test"));
    assert_eq!(lazy.call(&request).await.unwrap().status, 200);
    kit.ends_in(-1);
    kit.goes_well().await;
    // The token it knows still lives here, but not there.
    kit.server.end_all();
    let person = kit.server.connect(false);
    kit.change(|stored| *stored = person);
    assert_eq!(lazy.call(&request).await.unwrap().status, 200);
    assert_eq!(kit.refreshes(), 1);

    kit.vault.change(|contents| contents.connections.remove("main")).unwrap();
    kit.server.end_all();
    assert_eq!(lazy.call(&request).await.unwrap().status, 401);
    let error = lazy.call(&request).await.unwrap_err();
    let CallError::Withheld { why, instead } = error else { panic!("{error}") };
    assert_eq!(why, "there is no token for the connection `main`");
    assert_eq!(
        instead,
        "connect it with `linecook connect highlevel --name main`, or set LINECOOK_MAIN_TOKEN"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_connection_is_found_by_its_name_from_before() {
    let kit = Kit::of(false).await;
    kit.vault
        .change(|contents| {
            let stored = contents.connections.remove("main").unwrap();
            contents.connections.insert("shop".into(), stored);
            contents.renamed.insert("main".into(), "shop".into());
        })
        .unwrap();
    let connections = BTreeMap::from([("shop".to_owned(), kit.server.connection("test"))]);
    kit.credentials.know(connections);
    kit.goes_well().await;
    let all = kit.vault.read().unwrap();
    assert_eq!(all.connections.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_companys_connection_calls_with_the_token_of_its_account() {
    let kit = Kit::of(true).await;
    kit.goes_well().await;
    let stored = kit.stored();
    let first = oauth(&stored).location.clone().unwrap();
    assert_eq!(stored.facts.expires_at, Some(first.expires_at));
    assert_eq!(stored.facts.scopes, Some(vec!["contacts.readonly".to_owned()]));
    assert_eq!((kit.refreshes(), kit.server.counts().location_tokens), (0, 1));
    // Both end: the company's is renewed first, and gives the account's.
    kit.ends_in(-1);
    kit.goes_well().await;
    assert_eq!((kit.refreshes(), kit.server.counts().location_tokens), (1, 2));
    assert_ne!(oauth(&kit.stored()).location, Some(first));
    // The company's ends before its time, the account's in time.
    kit.server.end_all();
    kit.change(|stored| {
        let Grant::OAuth(grant) = &mut stored.grant else { unreachable!() };
        grant.location.as_mut().unwrap().expires_at = Timestamp::now();
    });
    kit.goes_well().await;
    assert_eq!((kit.refreshes(), kit.server.counts().location_tokens), (2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_without_an_account_says_what_is_missing() {
    let kit = Kit::of(true).await;
    let mut connection = kit.server.connection("test");
    connection.location_id = None;
    kit.credentials.know(BTreeMap::from([("main".to_owned(), connection)]));
    kit.change(|stored| stored.facts.location_id = None);
    let error = kit.call().await.unwrap_err();
    let CallError::Withheld { instead, .. } = error else { panic!("{error}") };
    assert_eq!(instead, "name it with `location_id` in linecook.yaml");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_uses_a_token_that_is_not_stored() {
    let kit = Kit::of(false).await;
    kit.goes_well().await;
    kit.ends_in(-1);
    // The vault can be read and not be written.
    let mut lock = kit.vault.path().as_os_str().to_owned();
    lock.push(".lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    for _ in 0..3 {
        let error = kit.call().await.unwrap_err().to_string();
        assert!(
            error.contains("the new token of the connection `main` cannot be stored"),
            "{error}"
        );
    }
    let (refreshes, calls) = (kit.refreshes(), kit.server.counts().good_calls);
    assert_eq!((refreshes, calls), (1, 1));
    std::fs::remove_dir(&lock).unwrap();
    // What was given is not forgotten, even when nobody calls.
    let before = kit.stored();
    kit.credentials.expired().await;
    kit.credentials.settled().await;
    assert_ne!(oauth(&kit.stored()).access, oauth(&before).access);
    kit.goes_well().await;
    assert_eq!(kit.refreshes(), 1);
    assert_eq!(kit.server.counts().invalid_grants, 0);
}

fn private_token(token: &str) -> Stored {
    let facts = Facts {
        app: "highlevel".into(),
        way: Way::PrivateToken,
        location_id: Some(LOCATION.into()),
        company_id: None,
        scopes: None,
        is_sandbox: None,
        expires_at: None,
        since: Timestamp::now(),
        lost: None,
    };
    Stored { facts, grant: Grant::Token(Secret::new(token)), previous: None }
}

/// As `connections rotate` does it.
fn rotate(stored: &mut Stored, token: &str) {
    let before = std::mem::replace(stored, private_token(token));
    let replaced_at = Timestamp::now();
    stored.previous = Some(Previous { facts: before.facts, grant: before.grant, replaced_at });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_credential_is_proven_by_its_first_call_and_the_one_before_goes() {
    let kit = Kit::of(false).await;
    kit.server.counts().taken.extend(["test-token-1".to_owned(), "test-token-2".to_owned()]);
    kit.change(|stored| *stored = private_token("test-token-1"));
    kit.goes_well().await;
    kit.change(|stored| rotate(stored, "test-token-2"));
    kit.goes_well().await;
    kit.credentials.settled().await;
    let stored = kit.stored();
    assert_eq!(stored.grant, Grant::Token(Secret::new("test-token-2")));
    assert_eq!(stored.previous, None);
    assert_eq!(kit.credentials.expired().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_credential_that_is_refused_makes_room_for_the_one_before() {
    let kit = Kit::of(false).await;
    kit.server.counts().taken.insert("test-token-1".to_owned());
    kit.change(|stored| *stored = private_token("test-token-1"));
    kit.change(|stored| rotate(stored, "test-token-2"));
    for _ in 0..3 {
        kit.goes_well().await;
    }
    kit.credentials.settled().await;
    assert_eq!(kit.server.counts().refused_calls, 1);
    let stored = kit.stored();
    assert_eq!(stored.grant, Grant::Token(Secret::new("test-token-1")));
    assert_eq!(stored.facts.lost, None);
    let told = kit.credentials.expired().await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].why,
        "the new credential is of no use, so the one before is used: HighLevel answers 401"
    );
    assert_eq!(told[0].help, "put in another: `linecook connections rotate main`");

    // When the one before is refused too, nothing goes round in circles.
    kit.server.counts().taken.clear();
    for _ in 0..3 {
        assert_eq!(kit.call().await.unwrap().status, 401);
    }
    assert_eq!(kit.server.counts().refused_calls, 4);
    // A good one ends it.
    kit.server.counts().taken.insert("test-token-3".to_owned());
    kit.change(|stored| rotate(stored, "test-token-3"));
    kit.goes_well().await;
    kit.credentials.settled().await;
    assert_eq!(kit.stored().previous, None);
    assert_eq!(kit.credentials.expired().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_grant_that_cannot_be_renewed_makes_room_for_the_one_before() {
    let kit = Kit::of(false).await;
    kit.server.counts().taken.insert("test-token-1".to_owned());
    let replaced_at = Timestamp::now();
    let before = private_token("test-token-1");
    let previous = Previous { facts: before.facts, grant: before.grant, replaced_at };
    kit.change(|stored| {
        stored.previous = Some(previous);
        let Grant::OAuth(grant) = &mut stored.grant else { unreachable!() };
        grant.refresh = Secret::new("test-refresh-unknown");
    });
    kit.ends_in(-1);
    kit.goes_well().await;
    assert_eq!(kit.stored().grant, Grant::Token(Secret::new("test-token-1")));
    assert_eq!(kit.credentials.expired().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_cannot_be_read_says_why() {
    let kit = Kit::of(false).await;
    let text = std::fs::read_to_string(kit.vault.path()).unwrap();
    std::fs::write(kit.vault.path(), text.replace("highlevel", "highleveL")).unwrap();
    assert!(kit.credentials.open().await.is_err());
    let error = kit.call().await.unwrap_err();
    let CallError::Withheld { why, .. } = error else { panic!("{error}") };
    assert!(why.contains("the vault is damaged"), "{why}");
    // Put back, it is good again without a restart.
    std::fs::write(kit.vault.path(), text).unwrap();
    kit.goes_well().await;
    // And what is damaged later stops nothing that runs.
    std::fs::write(kit.vault.path(), "rubbish").unwrap();
    kit.goes_well().await;
}
