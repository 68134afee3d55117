//! `linecook run` against the built-in sandbox.

use crate::cases::{linecook, root, run_stage, seen};

#[test]
fn every_case_runs_as_it_should() {
    run_stage("run", &["run"]);
}

#[test]
fn a_real_account_is_reached_only_with_live_an_event_and_a_token() {
    let folder = root().join("recipes");
    let refused = |more: &[&str], expected: &str| {
        let mut arguments = vec!["run", "new-customer.yaml", "--live"];
        arguments.extend(more);
        let output = linecook(&folder, &arguments);
        assert_eq!(output.status.code(), Some(2), "{}", seen(&output));
        assert!(seen(&output).contains(expected), "{}", seen(&output));
    };
    let event = ["--event", "events/stax-customer-created.json"];
    refused(&[], "--event FILE");
    refused(&event, "--location");
    refused(&[event[0], event[1], "--location", "x"], "LINECOOK_HIGHLEVEL_TOKEN");
}

#[test]
fn a_server_that_is_not_there_is_said_at_the_recipe_line() {
    let folder = root().join("recipes");
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "token-for-this-test\n").unwrap();
    let token = format!("highlevel={}", token.path().display());
    // Port 9 (discard) is closed on every test machine; nothing leaves this machine.
    let output = linecook(
        &folder,
        &[
            "run",
            "new-customer.yaml",
            "--base-url",
            "highlevel=http://127.0.0.1:9",
            "--token-file",
            &token,
            "--location",
            "x",
            "--patience",
            "0",
        ],
    );
    let seen = seen(&output);
    assert_eq!(output.status.code(), Some(1), "{seen}");
    assert!(seen.contains("no connection") && seen.contains("new-customer.yaml:"), "{seen}");
    assert!(!seen.contains("token-for-this-test"), "{seen}");
}

#[test]
fn the_real_host_needs_live_and_a_token_needs_https() {
    let folder = root().join("recipes");
    for (url, expected) in [
        ("http://services.leadconnectorhq.com", "is the real HighLevel"),
        ("https://services.leadconnectorhq.com/x", "is the real HighLevel"),
        ("http://example.com", "over the network for all to read"),
        ("ftp://127.0.0.1", "is not the address of a server"),
    ] {
        let url = format!("highlevel={url}");
        let output =
            linecook(&folder, &["run", "new-customer.yaml", "--base-url", &url, "--location", "x"]);
        assert_eq!(output.status.code(), Some(2), "{}", seen(&output));
        assert!(seen(&output).contains(expected), "{url}: {}", seen(&output));
    }
}

#[test]
fn a_wait_longer_than_the_command_ends_it_as_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = "name: x\ntrigger:\n  on: stax.customer_created\nsteps:\n  - wait: 2h\n  \
                  - call: POST /contacts/upsert\n    with: { email: a@example.com }\n";
    std::fs::write(folder.path().join("recipe.yaml"), recipe).unwrap();
    std::fs::write(folder.path().join("token"), "token-for-this-test").unwrap();
    let run = |format: &str| {
        let arguments = [
            "run",
            "recipe.yaml",
            "--base-url",
            "highlevel=http://127.0.0.1:9",
            "--token-file",
            "highlevel=token",
            "--location",
            "x",
            "--format",
            format,
        ];
        let output = linecook(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(1), "{}", seen(&output));
        output
    };
    let text = seen(&run("text"));
    assert!(text.contains("waiting until 2") && text.contains("--patience"), "{text}");
    let json: serde_json::Value = serde_json::from_slice(&run("json").stdout).unwrap();
    assert_eq!(json["outcome"], "waiting");
    assert_eq!(json["calls"], serde_json::json!([]));
}

/// Answers one request with what it was sent, as some servers do in their errors.
fn echo_once() -> (std::net::SocketAddr, std::thread::JoinHandle<()>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = [0; 16 * 1024];
        let read = stream.read(&mut bytes).unwrap();
        let said = String::from_utf8_lossy(&bytes[..read]).replace(['"', '\r', '\n', '\\'], " ");
        let body = format!(r#"{{"message": "no: {said}", "{said}": ["{said}"]}}"#);
        let head = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
    });
    (address, thread)
}

#[test]
fn a_server_that_repeats_the_token_does_not_get_it_printed() {
    let folder = root().join("recipes");
    for format in ["text", "json"] {
        let (address, thread) = echo_once();
        let token = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(token.path(), "canary-of-this-test").unwrap();
        let token = format!("highlevel={}", token.path().display());
        let url = format!("highlevel=http://{address}");
        let output = linecook(
            &folder,
            &[
                "run",
                "new-customer.yaml",
                "--base-url",
                &url,
                "--token-file",
                &token,
                "--location",
                "x",
                "--format",
                format,
            ],
        );
        thread.join().unwrap();
        let seen = seen(&output);
        assert!(seen.contains("[secret]") && !seen.contains("canary-of-this-test"), "{seen}");
    }
}
