//! Whatever comes through the doors: clients that are slow, too many or too big, and bodies that are none,
//! get a clear answer or none, and the service goes on.

use std::time::Duration;

use linecook::store::{RunState, Runs};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{Kitchen, Menu};

const RECIPE: &str = "
name: A tag
trigger:
  on: stax.customer_created
steps:
  - stop: nothing to do
";

async fn kitchen() -> Kitchen {
    Kitchen::open(Menu::of(&[("nothing", RECIPE)])).await
}

async fn connect(kitchen: &Kitchen) -> TcpStream {
    TcpStream::connect(kitchen.running.address).await.unwrap()
}

/// The path of the hook, without the server.
fn path(kitchen: &Kitchen) -> String {
    let hook = kitchen.hook("stax", "customer_created");
    hook.split_at(hook.find("/hooks").unwrap()).1.to_owned()
}

/// Sends bytes, and reads until the other side closes.
async fn exchange(kitchen: &Kitchen, request: &[u8]) -> String {
    let mut stream = connect(kitchen).await;
    // A server that has heard enough answers and closes before everything is sent.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_is_refused_and_says_why() {
    let kitchen = kitchen().await;
    let hook = path(&kitchen);
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let large = format!("{{\"id\":\"{}\"}}", "x".repeat(1024 * 1024));
    let bodies: [(&[u8], &str, &str); 11] = [
        (b"", "400", "the body is not JSON"),
        (b"{\"id\":", "400", "the body is not JSON"),
        (b"[1]", "400", "the body is JSON, but no object"),
        (b"\"x\"", "400", "the body is JSON, but no object"),
        (b"{\"id\":\"\xff\xfe\"}", "400", "the body is not JSON"),
        (b"\xff\xfe{}", "400", "the body is not JSON"),
        (b"{\"id\":\"\\ud800\"}", "400", "the body is not JSON"),
        (b"{\"id\":1e999}", "400", "the body is not JSON"),
        (b"{} {}", "400", "the body is not JSON"),
        (deep.as_bytes(), "400", "recursion limit exceeded"),
        (large.as_bytes(), "413", "the body is larger than 1024 KB"),
    ];
    for (body, status, why) in bodies {
        let answer = exchange(&kitchen, &post(&hook, body)).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown}: {answer}");
        assert!(answer.contains(why), "{shown}: {answer}");
    }
    let compressed = String::from_utf8(post(&hook, b"{}")).unwrap();
    let compressed = compressed.replace("Host: x", "Host: x\r\nContent-Encoding: gzip");
    assert!(exchange(&kitchen, compressed.as_bytes()).await.starts_with("HTTP/1.1 415 "));
    still_works(&kitchen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_lead_nowhere_lead_nowhere() {
    let kitchen = kitchen().await;
    let hook = path(&kitchen);
    let secret = hook.split('/').nth(3).unwrap().to_owned();
    let paths = [
        "/".to_owned(),
        "/hooks".to_owned(),
        "/hooks/stax/..".to_owned(),
        format!("/hooks/../hooks/stax/{secret}/customer_created/.."),
        format!("/hooks/nobody/{secret}/customer_created"),
        format!("/hooks/main/{secret}/contact_created"),
        format!("/hooks/stax/{}/customer_created", &secret[1..]),
        format!("/hooks/stax/{}/customer_created", secret.to_uppercase()),
        format!("/hooks/stax/{secret}x/customer_created"),
        format!("/hooks/stax/{secret}%00/customer_created"),
        format!("/hooks/stax/%2e%2e%2fstax%2f{secret}/customer_created"),
        "/hooks/stax/%ff%fe/customer_created".to_owned(),
        "/hooks/app/nobody".to_owned(),
        "/hooks/app/%2e%2e".to_owned(),
        "/hooks/app/stax".to_owned(),
        format!("/hooks//{secret}/customer_created"),
        "/readyz/../hooks/app/highlevel".to_owned(),
        "/metrics/..%2f..%2fetc%2fpasswd".to_owned(),
    ];
    for path in paths {
        let answer = exchange(&kitchen, &post(&path, b"{\"id\":\"c\"}")).await;
        let is_refused = answer.starts_with("HTTP/1.1 404 ") || answer.starts_with("HTTP/1.1 400 ");
        assert!(is_refused, "{path}: {answer}");
    }
    let unknown = hook.replace("customer_created", "no_such_event");
    let answer = exchange(&kitchen, &post(&unknown, b"{\"id\":\"c\"}")).await;
    assert!(answer.contains("stax has no event `no_such_event`"), "{answer}");
    for method in ["GET", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW"] {
        let request = format!("{method} {hook} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = exchange(&kitchen, request.as_bytes()).await;
        let is_refused = answer.starts_with("HTTP/1.1 405 ") || answer.starts_with("HTTP/1.1 400 ");
        assert!(is_refused, "{method}: {answer}");
    }
    let heads = [
        // Two lengths, which two servers could read differently.
        format!(
            "POST {hook} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{{}}"
        ),
        format!("POST {hook} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{{}}"),
        format!("POST {hook} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        format!("POST {hook} HTTP/1.1\r\nHo\0st: x\r\n\r\n"),
        "\r\n\0\0\0\x16\x03\x01\r\n\r\n".to_owned(),
    ];
    for head in heads {
        let answer = exchange(&kitchen, head.as_bytes()).await;
        let is_refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(is_refused, "{head}: {answer}");
    }
    let large = format!("POST {hook} HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(300 * 1024));
    let answer = exchange(&kitchen, large.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    still_works(&kitchen).await;
}

/// One event comes in, and is the only one that did.
async fn still_works(kitchen: &Kitchen) {
    let hook = kitchen.hook("stax", "customer_created");
    assert_eq!(kitchen.post(&hook, &json!({ "id": "the only one" })).await.0, 202);
    kitchen.quiet().await;
    assert_eq!(kitchen.store().counts().await.unwrap(), [(RunState::Stopped, 1)]);
}

/// On a clock that jumps ahead when everybody waits.
#[tokio::test(start_paused = true)]
async fn a_client_that_takes_its_time_is_cut_off() {
    let kitchen = kitchen().await;
    let head = post(&path(&kitchen), b"");
    let mut stream = connect(&kitchen).await;
    let (mut from, mut to) = stream.split();
    let started = Instant::now();
    let dripping = async {
        for byte in &head {
            if to.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let mut answer = Vec::new();
    tokio::select! {
        () = dripping => panic!("it was let through byte by byte"),
        _ = from.read_to_end(&mut answer) => {}
    }
    assert!(started.elapsed() <= Duration::from_secs(11), "{:?}", started.elapsed());
    let head =
        format!("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", path(&kitchen));
    let mut stream = connect(&kitchen).await;
    let (mut from, mut to) = stream.split();
    let started = Instant::now();
    let dripping = async {
        to.write_all(head.as_bytes()).await.unwrap();
        while to.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = [0; 1_000];
    let read = tokio::select! {
        () = dripping => unreachable!(),
        read = from.read(&mut answer) => read.unwrap(),
    };
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("the body took too long"), "{answer}");
    assert!(started.elapsed() <= Duration::from_secs(21), "{:?}", started.elapsed());
}

/// As many as two thousand say nothing; whoever has something to say gets a word in when they are cut off.
#[tokio::test(start_paused = true)]
async fn clients_that_say_nothing_do_not_keep_others_out() {
    let kitchen = kitchen().await;
    let mut silent = Vec::new();
    for number in 0..2_000 {
        match TcpStream::connect(kitchen.running.address).await {
            Ok(mut stream) => {
                if number % 2 == 0 {
                    stream.write_all(b"POST /hooks").await.unwrap();
                }
                silent.push(stream);
            }
            // No more files can be opened here.
            Err(_) => break,
        }
        tokio::task::yield_now().await;
    }
    assert!(silent.len() > 300, "{} clients", silent.len());
    let started = Instant::now();
    let answer = exchange(&kitchen, &post(&path(&kitchen), b"{\"id\":\"c\"}")).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}
