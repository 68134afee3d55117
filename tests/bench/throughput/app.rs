//! The app that both programs call: as little work as possible, and counted. It can hold its answers back.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::body::{Body, to_bytes};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;

static REQUESTS: AtomicU64 = AtomicU64::new(0);
/// When each contact was read.
static READ: Mutex<BTreeMap<String, Instant>> = Mutex::new(BTreeMap::new());
/// The microseconds from reading a contact to writing it.
static WINDOWS: Mutex<Vec<u64>> = Mutex::new(Vec::new());

/// Serves until it is killed. `GET /requests` says how many calls have come, `POST /hold` and
/// `POST /release` say whether they are answered, `GET /windows` gives the microseconds between reading and
/// writing, as a list, and begins anew.
pub async fn serve(listener: TcpListener) {
    let (hold, held) = watch::channel(false);
    let hold = std::sync::Arc::new(hold);
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (hold, held) = (hold.clone(), held.clone());
        let service = service_fn(move |request| answer(request, hold.clone(), held.clone()));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    hold: std::sync::Arc<watch::Sender<bool>>,
    mut held: watch::Receiver<bool>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    match path {
        "/readyz" => return Ok(json(200, "{}".to_owned())),
        "/requests" => return Ok(json(200, REQUESTS.load(Ordering::Relaxed).to_string())),
        "/windows" => {
            let windows = std::mem::take(&mut *WINDOWS.lock().unwrap());
            return Ok(json(200, format!("{windows:?}")));
        }
        "/hold" | "/release" => {
            hold.send_replace(path == "/hold");
            return Ok(json(200, "{}".to_owned()));
        }
        _ => {}
    }
    let _ = to_bytes(Body::new(body), 1024 * 1024).await;
    let _ = held.wait_for(|held| !held).await;
    let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
    Ok(if path.ends_with("/notes") {
        json(201, format!(r#"{{"note":{{"id":"note-{number}","title":"From Stax"}}}}"#))
    } else if path.ends_with("/tasks") {
        json(201, format!(r#"{{"task":{{"id":"task-{number}","title":"Welcome call"}}}}"#))
    } else if head.method == Method::GET {
        let id = path.rsplit('/').next().unwrap_or_default().to_owned();
        let answer = format!(r#"{{"contact":{{"id":"{id}","city":"Elsewhere"}}}}"#);
        READ.lock().unwrap().insert(id, Instant::now());
        json(200, answer)
    } else {
        let id = path.rsplit('/').next().unwrap_or_default();
        if let Some(read) = READ.lock().unwrap().remove(id) {
            WINDOWS.lock().unwrap().push(read.elapsed().as_micros() as u64);
        }
        json(200, format!(r#"{{"new":true,"contact":{{"id":"contact-{number}"}}}}"#))
    })
}

fn json(status: u16, body: String) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Body::from(body)).expect("a response")
}
