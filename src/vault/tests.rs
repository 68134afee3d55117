//! The vault keeps what it is given, says who has touched it, and is never half written.

use std::fs;
use std::path::Path;

use zeroize::Zeroizing;

use super::*;
use crate::connection::{Facts, Secret, Way};

/// 32 bytes of 7 and of 8.
const ONE_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const OTHER_KEY: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";

fn with_environment(key: &str) -> KeyPlaces {
    KeyPlaces { environment: Some(Zeroizing::new(key.into())), keyring: false, file: None }
}

fn with_file(folder: &Path) -> KeyPlaces {
    KeyPlaces { environment: None, keyring: false, file: Some(folder.join("config/linecook/key")) }
}

fn stored(token: &str) -> Stored {
    let facts = Facts {
        app: "highlevel".into(),
        way: Way::PrivateToken,
        location_id: Some("loc-1".into()),
        company_id: None,
        scopes: Some(vec!["contacts.readonly".into()]),
        is_sandbox: None,
        expires_at: None,
        since: "2026-03-02T10:00:00Z".parse().unwrap(),
        lost: None,
    };
    Stored { facts, grant: Grant::Token(Secret::new(token)), previous: None }
}

fn put(vault: &Vault, token: &str) {
    let change = |c: &mut Contents| c.connections.insert("main".into(), stored(token));
    vault.change(change).unwrap();
}

#[test]
fn what_goes_in_comes_out_and_can_only_be_seen_with_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::new(folder.path().join("linecook.vault"), with_file(folder.path()));
    assert_eq!(vault.read().unwrap(), Contents::default());
    assert!(!vault.exists());
    let mut whole = Contents::default();
    whole.connections.insert("main".into(), stored("token-one"));
    let client = Client {
        client_id: "client-1".into(),
        client_secret: Secret::new("client-secret"),
        redirect_uri: "http://localhost:8378/callback".into(),
        pkce: true,
    };
    whole.clients.insert("highlevel".into(), client);
    let hook = HookSecret {
        secret: Secret::new("hook-secret"),
        until: Some("2026-03-09T10:00:00Z".parse().unwrap()),
    };
    whole.hooks.insert("main".into(), vec![hook]);
    whole.renamed.insert("old".into(), "main".into());
    let at = "2026-03-03T10:00:00Z".parse().unwrap();
    let location =
        LocationToken { access: Secret::new("location-token"), got_at: at, expires_at: at };
    let oauth = OAuthGrant {
        client: "highlevel".into(),
        access: Secret::new("access-token"),
        got_at: at,
        expires_at: at,
        refresh: Secret::new("refresh-token"),
        location: Some(location),
    };
    let mut second = stored("unused");
    let previous = Previous {
        facts: second.facts.clone(),
        grant: Grant::Token(Secret::new("older-token")),
        replaced_at: at,
    };
    second.grant = Grant::OAuth(oauth);
    second.previous = Some(previous);
    whole.connections.insert("second".into(), second);
    vault.change(|contents| *contents = whole.clone()).unwrap();

    assert_eq!(vault.read().unwrap(), whole);
    let text = fs::read_to_string(vault.path()).unwrap();
    for secret in ["token-one", "client-secret", "hook-secret", "access-token", "older-token"] {
        assert!(!text.contains(secret), "{secret}");
    }
    // Without the key the facts can be read, and nothing else.
    fs::remove_dir_all(folder.path().join("config")).unwrap();
    let open = Vault::look(vault.path()).unwrap().unwrap();
    assert_eq!(open.connections["main"].scopes, Some(vec!["contacts.readonly".to_owned()]));
    assert_eq!(vault.read().unwrap_err().kind, VaultErrorKind::NoKey);
}

#[test]
fn whatever_is_changed_in_the_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::new(folder.path().join("v"), with_environment(ONE_KEY));
    put(&vault, "token-one");
    let good = fs::read(vault.path()).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(vault.path(), &bad).unwrap();
        let error = vault.read().expect_err(&format!("byte {at} was changed"));
        let expected = [VaultErrorKind::Damaged, VaultErrorKind::Newer, VaultErrorKind::WrongKey];
        assert!(expected.contains(&error.kind), "byte {at}: {error:?}");
        assert!(vault.change(|c| c.connections.clear()).is_err(), "byte {at}");
        assert_eq!(fs::read(vault.path()).unwrap(), bad, "what is damaged is not overwritten");
    }
    for length in 0..good.len() {
        fs::write(vault.path(), &good[..length]).unwrap();
        assert_eq!(vault.read().unwrap_err().kind, VaultErrorKind::Damaged, "{length} bytes");
    }
    fs::write(vault.path(), &good).unwrap();
    assert!(vault.read().is_ok());
}

#[test]
fn an_open_part_of_another_vault_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    let one = Vault::new(one, with_environment(ONE_KEY));
    let other = Vault::new(other, with_environment(ONE_KEY));
    put(&one, "token-one");
    let mut more = stored("token-two");
    more.facts.scopes = Some(vec!["contacts.write".into()]);
    other.change(|c| c.connections.insert("main".into(), more)).unwrap();
    let lines = |vault: &Vault| fs::read_to_string(vault.path()).unwrap();
    let (ours, theirs) = (lines(&one), lines(&other));
    let (ours, theirs): (Vec<_>, Vec<_>) = (ours.lines().collect(), theirs.lines().collect());
    fs::write(one.path(), format!("{}\n{}\n{}\n", ours[0], theirs[1], ours[2])).unwrap();
    assert_eq!(one.read().unwrap_err().kind, VaultErrorKind::Damaged);
}

#[test]
fn another_key_opens_nothing_and_a_new_key_can_be_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v");
    let vault = Vault::new(&path, with_environment(ONE_KEY));
    put(&vault, "token-one");
    let stranger = Vault::new(&path, with_environment(OTHER_KEY));
    assert_eq!(stranger.read().unwrap_err().kind, VaultErrorKind::WrongKey);
    let no_key = Vault::new(&path, with_environment("not a key"));
    assert_eq!(no_key.read().unwrap_err().kind, VaultErrorKind::NoKey);

    let mut places = with_file(folder.path());
    places.environment = with_environment(ONE_KEY).environment;
    Vault::new(&path, places).rekey(KeyPlace::File).unwrap();
    assert_eq!(vault.read().unwrap_err().kind, VaultErrorKind::WrongKey);
    let moved = Vault::new(&path, with_file(folder.path()));
    assert_eq!(moved.read().unwrap().connections["main"].grant.token().expose(), "token-one");
}

#[test]
fn a_vault_moves_to_a_key_that_the_environment_holds_already() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v");
    put(&Vault::new(&path, with_file(folder.path())), "token-one");
    let mut both = with_file(folder.path());
    both.environment = with_environment(ONE_KEY).environment;
    assert_eq!(Vault::new(&path, both.clone()).read().unwrap_err().kind, VaultErrorKind::WrongKey);
    Vault::new(&path, both.clone()).rekey(KeyPlace::Environment).unwrap();
    let vault = Vault::new(&path, with_environment(ONE_KEY));
    assert_eq!(vault.read().unwrap().connections["main"].grant.token().expose(), "token-one");

    // From one key of the environment to another there is a stop in between.
    let error = Vault::new(&path, with_environment(OTHER_KEY)).rekey(KeyPlace::Environment);
    assert!(error.unwrap_err().help.contains("--keep-in file"));
    Vault::new(&path, both).rekey(KeyPlace::File).unwrap();
    let mut other = with_file(folder.path());
    other.environment = with_environment(OTHER_KEY).environment;
    Vault::new(&path, other).rekey(KeyPlace::Environment).unwrap();
    assert!(Vault::new(&path, with_environment(OTHER_KEY)).read().is_ok());
}

#[test]
fn a_vault_of_a_newer_linecook_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::new(folder.path().join("v"), with_environment(ONE_KEY));
    put(&vault, "token-one");
    let newer = fs::read_to_string(vault.path()).unwrap().replacen("vault 1", "vault 2", 1);
    fs::write(vault.path(), newer).unwrap();
    assert_eq!(vault.read().unwrap_err().kind, VaultErrorKind::Newer);
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_alone_and_a_key_that_is_not_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::new(folder.path().join("v"), with_file(folder.path()));
    put(&vault, "token-one");
    put(&vault, "token-two");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let key = folder.path().join("config/linecook/key");
    assert_eq!((mode(vault.path()), mode(&key)), (0o600, 0o600));
    assert_eq!(mode(key.parent().unwrap()), 0o700);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let error = vault.read().unwrap_err();
    assert_eq!(error.kind, VaultErrorKind::NoKey);
    assert!(error.help.contains("chmod 600"), "{}", error.help);
}

#[test]
fn changes_at_the_same_time_all_count() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::new(folder.path().join("v"), with_file(folder.path()));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let vault = &vault;
            scope.spawn(move || {
                for round in 0..10 {
                    let name = format!("c-{thread}-{round}");
                    let change = |c: &mut Contents| c.connections.insert(name, stored("token-one"));
                    vault.change(change).unwrap();
                    // Whoever reads meanwhile sees one that is whole.
                    vault.read().unwrap();
                }
            });
        }
    });
    assert_eq!(vault.read().unwrap().connections.len(), 80);
}

#[test]
fn nothing_is_written_when_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::new(folder.path().join("v"), with_environment(ONE_KEY));
    vault.change(|_| ()).unwrap();
    assert!(!vault.exists());
    put(&vault, "token-one");
    let before = fs::read(vault.path()).unwrap();
    put(&vault, "token-one");
    assert_eq!(fs::read(vault.path()).unwrap(), before);
}
