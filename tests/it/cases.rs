//! Cases as folders: a command runs in each, and what it prints is compared with `expected.txt`.
//! `LINECOOK_REWRITE=1 cargo test` writes the files anew; read the difference like code.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use linecook::vault::{KEY_VARIABLE, KeyPlaces, Vault};
use zeroize::Zeroizing;

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The folders of a stage, by name.
pub fn folders(stage: &str) -> Vec<PathBuf> {
    let folder = root().join("tests/cases").join(stage);
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "{stage} has no cases");
    folders
}

/// The key of every vault in tests: 32 bytes of 7.
pub const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

/// The vault beside a store in `folder`, with the key of tests.
pub fn vault(folder: &Path) -> Vault {
    let environment = Some(Zeroizing::new(KEY.to_owned()));
    let places = KeyPlaces { environment, keyring: false, file: None };
    Vault::new(folder.join("linecook.vault"), places)
}

/// Runs the program in `folder`.
pub fn linecook(folder: &Path, arguments: &[&str]) -> Output {
    linecook_with(folder, arguments, &[])
}

/// Runs the program in `folder`, with more in its environment.
pub fn linecook_with(folder: &Path, arguments: &[&str], more: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_linecook"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env(KEY_VARIABLE, KEY)
        .env_remove("LINECOOK_HIGHLEVEL_LOCATION")
        .env_remove("LINECOOK_HIGHLEVEL_TOKEN")
        .env_remove("LINECOOK_STAX_TOKEN")
        .envs(more.iter().copied())
        .output()
        .expect("the program starts")
}

/// Standard output, then standard error, then the exit code: all that a user and a script see.
pub fn seen(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    let talk = String::from_utf8_lossy(&output.stderr);
    if !talk.is_empty() {
        text.push_str("--- standard error\n");
        text.push_str(&talk);
    }
    text.push_str(&format!("--- exit {}\n", output.status.code().expect("no signal ended it")));
    text
}

/// Runs `linecook <verb> recipe.yaml` in every folder of a stage, with more arguments from `args.txt`.
/// `check` looks at the whole folder where it holds a project.
pub fn run_stage(stage: &str, verb: &[&str]) {
    let mut wrong = Vec::new();
    for folder in folders(stage) {
        let more = std::fs::read_to_string(folder.join("args.txt")).unwrap_or_default();
        let mut arguments = verb.to_vec();
        if verb != ["check"] || !folder.join("linecook.yaml").exists() {
            arguments.push("recipe.yaml");
        }
        arguments.extend(more.split_whitespace());
        let text = seen(&linecook(&folder, &arguments));
        wrong.extend(compare(&folder, &text));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Compares with `expected.txt`, or writes it.
pub fn compare(folder: &Path, text: &str) -> Option<String> {
    let file = folder.join("expected.txt");
    if std::env::var_os("LINECOOK_REWRITE").is_some() {
        std::fs::write(&file, text).unwrap();
        return None;
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    (expected != text)
        .then(|| format!("── {}\n── expected\n{expected}\n── got\n{text}", folder.display()))
}
