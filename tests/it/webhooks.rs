//! Webhooks at the source: each case runs its commands beside a pretended Stax, and shows what Stax holds
//! afterwards.

use std::path::Path;

use linecook::catalog::Catalog;
use linecook::connection::Secret;
use linecook::recipe::{Failure, Given};
use linecook::sandbox::{Sandbox, World};
use linecook::vault::{Contents, HookSecret};
use serde_json::Value;

use crate::cases::{compare, folders, linecook_with, seen, vault};

/// What stands in a case for the address that the pretended Stax has.
const STAX: &str = "http://stax.example";

/// The secrets of addresses: known ones, and for `stax` one of before.
fn write_vault(folder: &Path) {
    let hook = |secret: &str| HookSecret { secret: Secret::new(secret), until: None };
    let until = "2126-03-09T10:00:00Z".parse().ok();
    let old = HookSecret { until, ..hook("old-hook-secret") };
    let write = |contents: &mut Contents| {
        let hooks = [
            ("stax", vec![hook("hook-secret"), old]),
            ("main", vec![hook("hook-secret-of-main")]),
            ("bridge", vec![hook("hook-secret-of-bridge")]),
        ];
        contents.hooks = hooks.map(|(name, hooks)| (name.to_owned(), hooks)).into();
    };
    vault(folder).change(write).unwrap();
}

async fn stax(case: &Path) -> Sandbox {
    let mut world = World::new(Catalog::embedded());
    world.set_rate_limit(false);
    if let Ok(text) = std::fs::read_to_string(case.join("given.yaml")) {
        let given: Given = serde_yaml::from_str(&text).unwrap();
        given.records.iter().for_each(|(kind, records)| world.add_records(kind, records));
        given.failures.iter().for_each(|failure: &Failure| world.add_failure(failure));
    }
    Sandbox::start(world).await.unwrap()
}

/// What Stax holds, in the order in which it came.
fn held(stax: &Sandbox) -> String {
    let world = stax.world();
    let mut text = String::new();
    for kind in ["stax.webhook", "stax.partner_webhook"] {
        for record in world.records(kind).into_iter().filter(|r| r["deleted_at"].is_null()) {
            let part = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
            text.push_str(&format!("{} {}", part("event"), part("url")));
            if let Some(retries) = record.get("meta").filter(|meta| !meta.is_null()) {
                text.push_str(&format!(" {retries}"));
            }
            text.push('\n');
        }
    }
    text
}

/// A secret that was made here is another one each time.
fn steady(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("/hooks/stax/") {
        let (before, behind) = rest.split_at(at + "/hooks/stax/".len());
        out.push_str(before);
        let end = behind.find(['/', '"', '\n']).unwrap_or(behind.len());
        out.push_str(if end == 32 { "NEW" } else { &behind[..end] });
        rest = &behind[end..];
    }
    out + rest
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_registers_what_it_should() {
    let mut wrong = Vec::new();
    for case in folders("webhooks") {
        let folder = tempfile::tempdir().unwrap();
        let stax = stax(&case).await;
        for entry in std::fs::read_dir(&case).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.replace(STAX, &stax.base_url("stax"));
            std::fs::write(folder.path().join(path.file_name().unwrap()), text).unwrap();
        }
        write_vault(folder.path());
        let commands = std::fs::read_to_string(case.join("commands.txt")).unwrap();
        let mut text = String::new();
        for line in commands.lines() {
            let (token, line) = match line.strip_prefix("(without a token) ") {
                Some(line) => ("", line),
                None => ("test", line),
            };
            let token = if token.is_empty() { String::new() } else { World::token("stax") };
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let folder = folder.path().to_owned();
            let run = move || {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                seen(&linecook_with(&folder, &words, &[("LINECOOK_STAX_TOKEN", &token)]))
            };
            let output = tokio::task::spawn_blocking(run).await.unwrap();
            text.push_str(&format!("$ linecook {line}\n{output}\n"));
        }
        text.push_str("Stax holds:\n");
        text.push_str(&held(&stax));
        let text = text.replace(&stax.base_url("stax"), STAX);
        let text = crate::looking::steady(&text, &[folder.path()]);
        wrong.extend(compare(&case, &steady(&text)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever is asked of them, only `list` shows addresses.
#[tokio::test(flavor = "multi_thread")]
async fn no_expected_text_but_that_of_a_list_shows_a_secret() {
    let mut looked_at = 0;
    for case in folders("webhooks") {
        let text = std::fs::read_to_string(case.join("expected.txt")).unwrap();
        let (text, _) = text.split_once("Stax holds:").unwrap();
        for output in text.split("$ linecook ").skip(1) {
            looked_at += 1;
            let shows = ["hook-secret", "/NEW", "forgotten"].iter().any(|s| output.contains(s));
            assert!(!shows || output.starts_with("webhooks list"), "{}: {output}", case.display());
        }
    }
    assert!(looked_at > 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_for_programs_is_json_of_version_one() {
    let case = folders("webhooks").into_iter().find(|c| c.ends_with("nothing-is-registered-yet"));
    let case = case.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stax = stax(&case).await;
    for entry in std::fs::read_dir(&case).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap().replace(STAX, &stax.base_url("stax"));
        std::fs::write(folder.path().join(path.file_name().unwrap()), text).unwrap();
    }
    for command in [
        "webhooks list --format json",
        "webhooks add --yes --format json",
        "webhooks rotate stax --yes --format json",
        "webhooks remove --yes --format json",
    ] {
        let folder = folder.path().to_owned();
        let run = move || {
            let words: Vec<&str> = command.split(' ').collect();
            linecook_with(&folder, &words, &[("LINECOOK_STAX_TOKEN", &World::token("stax"))])
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        let json: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{command}: {e}: {}", seen(&output)));
        assert_eq!(json["format_version"], 1, "{command}: {json}");
        assert_eq!(output.status.code(), Some(0), "{command}: {}", seen(&output));
    }
    assert_eq!(held(&stax), "");
}
