//! Apps that answer with all that they got, in every form: as JSON, as text, as a page, broken, and in the
//! headers; a place that gives tokens and repeats what it was asked with; and a mail server.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::secrets::Canaries;

/// The apps. Clones are the same.
#[derive(Clone)]
pub struct Echo {
    pub address: SocketAddr,
    canaries: Canaries,
    seen: Arc<Mutex<HashSet<String>>>,
}

impl Echo {
    pub async fn start(canaries: Canaries) -> Echo {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let echo = Echo { address, canaries, seen: Arc::default() };
        let router = Router::new().fallback(answer).with_state(echo.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        echo
    }

    /// Where a connection calls: the number decides how it is answered.
    pub fn base_url(&self, number: usize) -> String {
        format!("http://{}/{number}", self.address)
    }

    /// The tokens that calls came with.
    pub fn seen(&self) -> HashSet<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// A text in every form.
pub fn forms(text: &str) -> Vec<String> {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let form: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let every: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let json = Value::from(text).to_string();
    let slashes = json.replace('/', "\\/").replace('<', "\\u003c").replace('+', "\\u002B");
    let page = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let mut forms = vec![
        text.to_owned(),
        hex.to_uppercase(),
        hex,
        form.replace('+', "%20"),
        form,
        every,
        Value::from(json.as_str()).to_string(),
        json,
        slashes,
        page,
    ];
    for around in ["", "a", "ab", "Bearer "] {
        forms.push(STANDARD.encode(format!("{around}{text}")));
        forms.push(URL_SAFE.encode(format!("{around}{text}{around}")));
    }
    forms
}

async fn answer(State(echo): State<Echo>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    let mut got = Vec::new();
    for value in parts.headers.values() {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if let Some(token) = text.strip_prefix("Bearer ") {
            echo.seen.lock().unwrap().insert(token.to_owned());
            got.push(token.to_owned());
        }
        got.push(text);
    }
    let query = parts.uri.query().unwrap_or_default();
    let pairs = [query, &body].into_iter().flat_map(|t| url::form_urlencoded::parse(t.as_bytes()));
    let values: Vec<String> = pairs.map(|(_, value)| value.into_owned()).collect();
    // Addresses of webhooks are secret by what is in them.
    got.extend(values.iter().flat_map(|value| value.split('/').map(str::to_owned)));
    got.push(body.clone());
    got.sort();
    got.dedup();
    // What is very long is no secret of ours.
    let may_be_secret = |text: &&String| (6..1_500).contains(&text.len());
    let echoed: Vec<String> = got.iter().filter(may_be_secret).flat_map(|t| forms(t)).collect();
    let path = parts.uri.path().trim_start_matches('/');
    let (number, path) = path.split_once('/').unwrap_or((path, ""));
    let number: usize = number.parse().unwrap_or_default();
    let text = echoed.join(" ");
    let first = got.iter().find(|text| text.len() < 500).cloned().unwrap_or_default();
    let first = axum::http::HeaderValue::from_str(&first).ok();
    let builder = || match &first {
        Some(value) => Response::builder().header("x-you-said", value),
        None => Response::builder(),
    };
    let keyed: Map<String, Value> = echoed.iter().map(|form| (form.clone(), json!(1))).collect();
    let all = json!({ "message": text, "echo": echoed, "keyed": keyed });
    let reply =
        |status: u16, body: String| builder().status(status).body(Body::from(body)).unwrap();
    let with = |mut value: Value| {
        value.as_object_mut().unwrap().extend(all.as_object().unwrap().clone());
        value.to_string()
    };
    match (parts.method.as_str(), path) {
        ("POST", "oauth/token") if number % 7 == 3 => {
            let error = "Invalid grant: refresh token is invalid";
            let body = with(
                json!({ "error": "invalid_grant", "error_description": format!("{error} {text}") }),
            );
            reply(400, body)
        }
        ("POST", "oauth/token") if number % 7 == 5 => reply(500, text),
        ("POST", "oauth/token") => reply(
            200,
            with(json!({
                "access_token": echo.canaries.token("renewed access token"),
                "refresh_token": echo.canaries.token("renewed refresh token"),
                "token_type": "Bearer", "expires_in": 86399, "userType": "Location", "locationId": "here",
            })),
        ),
        ("POST", "oauth/locationToken") => {
            let token = echo.canaries.token("exchanged location token");
            reply(
                201,
                with(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 86399 })),
            )
        }
        ("GET", "self") => reply(200, with(json!({ "merchant": { "status": "ACTIVE" } }))),
        ("GET", "webhook") => reply(
            200,
            with(
                json!({ "data": [], "total": 0, "per_page": 50, "current_page": 1, "last_page": 1 }),
            ),
        ),
        ("POST", "webhook") if number.is_multiple_of(2) => reply(422, all.to_string()),
        ("POST", "contacts/upsert") => reply(
            201,
            with(json!({ "new": true, "contact": { "id": "contact-1", "email": text } })),
        ),
        _ => match number % 9 {
            0 => reply(422, all.to_string()),
            1 => reply(400, text),
            2 => reply(403, format!("<html><body>{text}</body></html>")),
            3 => reply(500, all.to_string()),
            4 => reply(200, text),
            5 => reply(401, all.to_string()),
            6 => reply(404, json!([text]).to_string()),
            // It cannot be unpacked.
            7 => builder().header("content-encoding", "gzip").body(Body::from(text)).unwrap(),
            _ => reply(200, with(json!({ "id": "thing-1" }))),
        },
    }
}

/// A server that answers requests with themselves, which is no answer.
pub async fn mirror() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut bytes = vec![0; 16 * 1024];
                let read = stream.read(&mut bytes).await.unwrap_or(0);
                let _ = stream.write_all(&bytes[..read]).await;
            });
        }
    });
    address
}

/// A mail server that takes no password and says which it does not take.
pub async fn mail() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (from, mut to) = stream.into_split();
                let mut lines = BufReader::new(from).lines();
                let _ = to.write_all(b"220 mail.example.com\r\n").await;
                while let Ok(Some(line)) = lines.next_line().await {
                    let answer = match line.split(' ').next().unwrap_or_default() {
                        "EHLO" => "250-mail.example.com\r\n250 AUTH PLAIN LOGIN\r\n".to_owned(),
                        "AUTH" => {
                            let sent = line.rsplit(' ').next().unwrap_or_default();
                            let plain = STANDARD.decode(sent).unwrap_or_default();
                            let plain = String::from_utf8_lossy(&plain).replace('\0', " ");
                            format!("535 5.7.8 {line}: {plain}\r\n")
                        }
                        "QUIT" => return,
                        _ => "250 fine\r\n".to_owned(),
                    };
                    let _ = to.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    address
}
