//! What linecook is measured against: the same three calls for every event, written out for this one case.
//! An event is on disk before it is answered, every call before it goes out, every answer before the event
//! counts as done; all that wait for the disk share a sync.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use reqwest::header::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{PARALLEL, TOKEN};

/// What an event says that matters here.
#[derive(Deserialize)]
struct Customer {
    id: String,
    firstname: String,
    lastname: String,
    email: String,
    phone: String,
}

struct Service {
    log: Log,
    client: reqwest::Client,
    base: String,
    places: Arc<Semaphore>,
}

/// A record, and who waits until it is on disk.
type Record = (Vec<u8>, Option<oneshot::Sender<()>>);

/// A file that only grows.
struct Log {
    sender: mpsc::UnboundedSender<Record>,
}

impl Log {
    fn open(path: &Path) -> Log {
        let mut file = File::options().create(true).append(true).open(path).expect("a log");
        let (sender, mut receiver) = mpsc::unbounded_channel::<Record>();
        std::thread::spawn(move || {
            let (mut batch, mut bytes) = (Vec::new(), Vec::new());
            while receiver.blocking_recv_many(&mut batch, 1_024) > 0 {
                bytes.clear();
                let mut waiting = Vec::with_capacity(batch.len());
                for (record, reply) in batch.drain(..) {
                    bytes.extend_from_slice(&record);
                    bytes.push(b'\n');
                    waiting.extend(reply);
                }
                file.write_all(&bytes).expect("the log is written");
                // What nobody waits for goes to disk with the next thing that somebody waits for.
                if !waiting.is_empty() {
                    file.sync_data().expect("the log is synced");
                }
                for reply in waiting {
                    let _ = reply.send(());
                }
            }
        });
        Log { sender }
    }

    /// Writes a record. Records come to disk in the order in which they are written.
    fn write(&self, record: Vec<u8>) {
        self.sender.send((record, None)).expect("the log is open");
    }

    /// Writes a record and waits until it is on disk.
    async fn sync(&self, record: Vec<u8>) {
        let (reply, done) = oneshot::channel();
        self.sender.send((record, Some(reply))).expect("the log is open");
        done.await.expect("the log is open");
    }
}

#[derive(Serialize)]
struct Intent<'a> {
    event: &'a str,
    call: &'a str,
    path: &'a str,
    body: &'a Value,
}

#[derive(Serialize)]
struct Answer<'a> {
    event: &'a str,
    call: &'a str,
    status: u16,
    body: &'a Value,
}

/// Serves until it is killed.
pub async fn serve(listener: TcpListener, base: String, log: &Path) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::try_from(format!("Bearer {TOKEN}")).unwrap());
    headers.insert("version", HeaderValue::from_static("2021-07-28"));
    let client = reqwest::Client::builder().default_headers(headers).build().unwrap();
    let places = Arc::new(Semaphore::new(PARALLEL));
    let service = Arc::new(Service { log: Log::open(log), client, base, places });
    let router = Router::new()
        .route("/readyz", get(|| async { "ready\n" }))
        .route("/hooks/{connection}/{secret}/{event}", post(receive))
        .with_state(service);
    axum::serve(listener, router).await.unwrap();
}

async fn receive(State(service): State<Arc<Service>>, body: Bytes) -> StatusCode {
    let Ok(customer) = serde_json::from_slice::<Customer>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    service.log.sync(body.into()).await;
    tokio::spawn(async move {
        let _place = service.places.clone().acquire_owned().await.unwrap();
        if let Err(problem) = run(&service, &customer).await {
            eprintln!("{}: {problem}", customer.id);
        }
    });
    StatusCode::ACCEPTED
}

async fn run(service: &Service, customer: &Customer) -> reqwest::Result<()> {
    let Customer { id, firstname, lastname, email, phone } = customer;
    let contact = json!({
        "firstName": firstname, "lastName": lastname, "email": email.to_lowercase(),
        "phone": format!("+1{phone}"), "locationId": "bench", "source": "Stax",
    });
    let (answer, record) = call(service, id, "contact", "/contacts/upsert", contact).await?;
    let contact_id = answer["contact"]["id"].as_str().unwrap_or_default();
    service.log.write(record);
    let note = json!({ "title": "From Stax", "body": format!("{firstname} {lastname} is a customer of Stax.\n[ref {id}]") });
    let path = format!("/contacts/{contact_id}/notes");
    let (_, record) = call(service, id, "note", &path, note).await?;
    service.log.write(record);
    let due = jiff::Timestamp::now() + std::time::Duration::from_secs(24 * 3_600);
    let task = json!({ "title": "Welcome call", "dueDate": due.to_string(), "completed": false, "body": format!("[ref {id}]") });
    let path = format!("/contacts/{contact_id}/tasks");
    let (_, record) = call(service, id, "task", &path, task).await?;
    service.log.sync(record).await;
    Ok(())
}

/// Makes one call when it is on disk that it is made; gives the answer, and the record of it.
async fn call(
    service: &Service,
    event: &str,
    call: &str,
    path: &str,
    body: Value,
) -> reqwest::Result<(Value, Vec<u8>)> {
    let intent = Intent { event, call, path, body: &body };
    service.log.sync(serde_json::to_vec(&intent).unwrap()).await;
    let url = format!("{}{path}", service.base);
    let answer = service.client.post(url).json(&body).send().await?.error_for_status()?;
    let status = answer.status().as_u16();
    let body: Value = answer.json().await?;
    let record = serde_json::to_vec(&Answer { event, call, status, body: &body }).unwrap();
    Ok((body, record))
}
