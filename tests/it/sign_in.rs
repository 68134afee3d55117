//! The door that the browser comes back through: nobody gets in without the one-time state.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use linecook::connection::Secret;
use linecook::sign_in::{Door, Ending, GOOD_FOR, RedirectAddress, Returned, State};
use reqwest::{Client, StatusCode};

/// A redirect address with a port that is free.
pub fn free_redirect(host: &str) -> RedirectAddress {
    let port = TcpListener::bind((host, 0)).unwrap().local_addr().unwrap().port();
    RedirectAddress::parse(&format!("http://{host}:{port}/oauth/callback")).unwrap()
}

/// A browser that shows where it is sent on to.
fn browser() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

fn good_for(length: Duration) -> Arc<State> {
    Arc::new(State::new(Instant::now() + length))
}

fn text(state: &State) -> String {
    state.text().unwrap().expose().to_owned()
}

fn ending() -> Ending {
    Ending {
        good: true,
        title: "Connected".into(),
        sentences: vec!["You may close it & go".into()],
    }
}

/// Comes back with a query; gives the status and the page.
async fn back(client: &Client, redirect: &RedirectAddress, query: &str) -> (StatusCode, String) {
    let answer = client.get(format!("{}?{query}", redirect.as_str())).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

/// A door that one browser has come back through.
async fn used() -> (Door, RedirectAddress, String, tokio::task::JoinHandle<reqwest::Response>) {
    let (redirect, state) = (free_redirect("127.0.0.1"), good_for(GOOD_FOR));
    let state_text = text(&state);
    let mut door = Door::open(redirect.clone(), state, None).await.unwrap();
    let address = format!("{}?code=code-1&state={state_text}", redirect.as_str());
    let request = browser().get(address).send();
    let waiting = tokio::spawn(async { request.await.unwrap() });
    assert_eq!(door.returned().await, Returned::Code(Secret::new("code-1")));
    (door, redirect, state_text, waiting)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_10_000_states_that_are_wrong_none_is_taken_and_the_right_one_is() {
    let (redirect, state) = (free_redirect("127.0.0.1"), good_for(GOOD_FOR));
    let right = text(&state);
    let mut door = Door::open(redirect.clone(), state, None).await.unwrap();
    let (_used_door, _, used_state, _waiting) = used().await;
    let too_old = good_for(Duration::ZERO);
    let too_old_text = text(&too_old);
    let old_redirect = free_redirect("127.0.0.1");
    let _old_door = Door::open(old_redirect.clone(), too_old, None).await.unwrap();

    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..4_u64 {
        let (redirect, old_redirect) = (redirect.clone(), old_redirect.clone());
        let (right, used_state, too_old) =
            (right.clone(), used_state.clone(), too_old_text.clone());
        tasks.spawn(async move {
            let mut random = fastrand::Rng::with_seed(task);
            let client = browser();
            for round in 0..2_500 {
                let mut near = right.clone().into_bytes();
                let at = random.usize(..near.len());
                near[at] = if near[at] == b'A' { b'B' } else { b'A' };
                let near = String::from_utf8(near).unwrap();
                let query = match round % 10 {
                    0 => format!("code=c&state={}", text(&good_for(GOOD_FOR))),
                    1 => format!("code=c&state={near}"),
                    2 => format!("code=c&state={}", &right[..random.usize(..right.len())]),
                    3 => format!("code=c&state={right}{}", random.alphanumeric()),
                    4 => "code=c".to_owned(),
                    5 => "code=c&state=".to_owned(),
                    6 => format!("code=c&state={used_state}"),
                    7 => format!("code=c&state={right}&state={near}"),
                    8 => format!("error=access_denied&state={near}"),
                    _ => format!("code=c&state={too_old}"),
                };
                let to = if round % 10 == 9 { &old_redirect } else { &redirect };
                let (status, page) = back(&client, to, &query).await;
                assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {page}");
                assert!(!page.contains(&right), "{page}");
            }
        });
    }
    tasks.join_all().await;

    let address = format!("{}?code=the-code&state={right}", redirect.as_str());
    let request = browser().get(address).send();
    let waiting = tokio::spawn(async { request.await.unwrap() });
    assert_eq!(door.returned().await, Returned::Code(Secret::new("the-code")));
    let again = back(&browser(), &redirect, &format!("code=c&state={right}")).await;
    assert_eq!(again.0, StatusCode::BAD_REQUEST);
    let closing = tokio::spawn(door.close(ending()));
    let sent_on = waiting.await.unwrap();
    assert_eq!(sent_on.status(), StatusCode::SEE_OTHER);
    let to = sent_on.headers()["location"].to_str().unwrap();
    assert_eq!(to, format!("{}/signed-in", redirect.origin()));
    let page = browser().get(to).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("You may close it &amp; go"), "{page}");
    assert!(!page.contains("the-code") && !page.contains(&right), "{page}");
    closing.await.unwrap();
    assert!(browser().get(to).send().await.is_err(), "it is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_browser_that_was_sent_here_comes_in() {
    let (redirect, state) = (free_redirect("127.0.0.1"), good_for(GOOD_FOR));
    let address = format!("{}?code=c&state={}", redirect.as_str(), text(&state));
    let mut door = Door::open(redirect.clone(), state, None).await.unwrap();
    let client = browser();
    for (name, value, status) in [
        ("host", "evil.example.com", 421),
        ("host", "localhost:1", 421),
        ("host", "127.0.0.1", 421),
        ("origin", "https://evil.example.com", 403),
        ("origin", "null", 403),
        ("sec-fetch-mode", "no-cors", 403),
        ("sec-fetch-mode", "cors", 403),
        ("sec-fetch-dest", "image", 403),
        ("sec-fetch-dest", "iframe", 403),
    ] {
        let answer = client.get(&address).header(name, value).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{name}: {value}");
    }
    for method in ["POST", "HEAD", "OPTIONS", "PUT"] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let answer = client.request(method, &address).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 405);
    }
    let answer = client.get(format!("{}/", redirect.origin())).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 404);
    let csp = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(csp.starts_with("default-src 'none'") && !csp.contains("unsafe"), "{csp}");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
    let end = client.get(format!("{}/signed-in", redirect.origin())).send().await.unwrap();
    assert_eq!(end.status().as_u16(), 404, "nothing has ended yet");

    let request = client
        .get(&address)
        .header("sec-fetch-mode", "navigate")
        .header("sec-fetch-dest", "document")
        .header("sec-fetch-site", "cross-site")
        .send();
    let waiting = tokio::spawn(async { request.await.unwrap() });
    assert_eq!(door.returned().await, Returned::Code(Secret::new("c")));
    // A browser that never fetches the last page holds nothing up for long.
    door.close(ending()).await;
    assert_eq!(waiting.await.unwrap().status(), StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_begins_once_and_not_from_a_page_of_others() {
    let (redirect, state) = (free_redirect("localhost"), good_for(GOOD_FOR));
    let app = Secret::new("https://app.example.com/choose?state=one");
    let door = Door::open(redirect.clone(), state, Some(app)).await.unwrap();
    let begin = door.begin_address();
    assert!(!begin.contains("one"), "{begin}");
    let client = browser();
    let from_others = client.get(&begin).header("sec-fetch-site", "cross-site").send();
    assert_eq!(from_others.await.unwrap().status().as_u16(), 403);
    let first = client.get(&begin).header("sec-fetch-site", "none").send().await.unwrap();
    assert_eq!(first.headers()["location"], "https://app.example.com/choose?state=one");
    let second = client.get(&begin).send().await.unwrap();
    assert_eq!(second.status().as_u16(), 410);
    door.close(ending()).await;
}

#[tokio::test]
async fn a_door_that_is_taken_is_not_opened() {
    let redirect = free_redirect("127.0.0.1");
    let _taken = TcpListener::bind(("127.0.0.1", redirect.port())).unwrap();
    let error = Door::open(redirect, good_for(GOOD_FOR), None).await.err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
