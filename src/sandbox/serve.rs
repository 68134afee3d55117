//! A world over HTTP: bytes come in on 127.0.0.1, the app's answer goes out. The first part of a path
//! names the app: `/highlevel/contacts/`.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::control::{self, CONTROL};
use super::hooks::Courier;
use super::outbox::{Fate, Letter, TOO_MANY};
use super::reply::Reply;
use super::{Answer, Arrived, MAX_BODY, World};

/// Serves a world over HTTP on 127.0.0.1 and a free port, until dropped.
pub struct Sandbox {
    world: Arc<Mutex<World>>,
    address: SocketAddr,
    over: watch::Sender<bool>,
}

impl Sandbox {
    /// Starts serving on any free port.
    ///
    /// # Errors
    /// No port can be opened.
    pub async fn start(world: World) -> io::Result<Sandbox> {
        Sandbox::start_on(world, 0).await
    }

    /// Starts serving on a port of 127.0.0.1; 0 takes any that is free.
    ///
    /// # Errors
    /// The port cannot be opened.
    pub async fn start_on(world: World, port: u16) -> io::Result<Sandbox> {
        Sandbox::start_with(world, port, None).await
    }

    /// The same, with somebody who carries the webhooks of the world.
    ///
    /// # Errors
    /// The port cannot be opened, or nothing can be sent.
    pub async fn start_with(
        world: World,
        port: u16,
        courier: Option<Courier>,
    ) -> io::Result<Sandbox> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let world = Arc::new(Mutex::new(world));
        let (over, is_over) = watch::channel(false);
        let letters = courier.map(|courier| courier.start(world.clone()));
        let letters = letters.transpose().map_err(io::Error::other)?;
        let shared = Shared { world: world.clone(), is_over: is_over.clone(), letters };
        let app = Router::new()
            .fallback(handle)
            .with_state(shared)
            .into_make_service_with_connect_info::<Cut>();
        let server = axum::serve(CuttableListener(listener), app)
            .with_graceful_shutdown(wait_for_end(is_over));
        tokio::spawn(async move { server.await });
        Ok(Sandbox { world, address, over })
    }

    /// Where the calls to an app go: `http://127.0.0.1:49152/stax`.
    pub fn base_url(&self, app: &str) -> String {
        format!("http://{}/{app}", self.address)
    }

    /// Where the sandbox itself is asked: `http://127.0.0.1:49152/_sandbox`.
    pub fn control_url(&self) -> String {
        self.base_url(CONTROL)
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.over.send_replace(true);
    }
}

#[derive(Clone)]
struct Shared {
    world: Arc<Mutex<World>>,
    is_over: watch::Receiver<bool>,
    letters: Option<mpsc::Sender<Letter>>,
}

impl Shared {
    /// What goes back, and how long it is kept back.
    fn answer(&self, arrived: &Arrived) -> (Answer, Duration) {
        let mut world = lock(&self.world);
        // Who comes over the network lives in the real time.
        world.set_now(jiff::Timestamp::now());
        if arrived.app == CONTROL {
            return (control::answer(&mut world, arrived).into_answer(), Duration::ZERO);
        }
        let answer = world.answer(arrived);
        if let Some(sender) = &self.letters {
            for letter in world.take_letters() {
                let number = letter.number;
                if sender.try_send(letter).is_err() {
                    world.outbox.note(number, |posted| {
                        posted.fate = Fate::Failed;
                        posted.problem = Some(TOO_MANY.to_owned());
                    });
                }
            }
        }
        (answer, Duration::from_millis(world.settings().latency_ms))
    }
}

pub(super) fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn wait_for_end(mut is_over: watch::Receiver<bool>) {
    // An error says that the sandbox is gone, which is the end too.
    let _ = is_over.wait_for(|over| *over).await;
}

async fn handle(
    State(shared): State<Shared>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let answer = match read(request).await {
        Ok(arrived) => {
            let (answer, latency) = shared.answer(&arrived);
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            answer
        }
        Err(app) => Reply::refused(&app, 413, "request entity too large").into_answer(),
    };
    match answer {
        Answer::Reply { status, headers, body } => respond(status, &headers, body),
        Answer::Disconnect => cut.now(),
        Answer::Silence => {
            wait_for_end(shared.is_over).await;
            cut.now()
        }
    }
}

/// The request as the world takes it; the app's name when the body is too large.
async fn read(request: Request) -> Result<Arrived, String> {
    let (parts, body) = request.into_parts();
    let whole = parts.uri.path().trim_start_matches('/');
    let (app, path) = match whole.find('/') {
        Some(at) => (whole[..at].to_owned(), whole[at..].to_owned()),
        None => (whole.to_owned(), "/".to_owned()),
    };
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let headers = parts.headers.iter().map(|(name, value)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let Ok(body) = to_bytes(body, MAX_BODY).await else { return Err(app) };
    Ok(Arrived {
        path,
        method: parts.method.to_string(),
        query: query.into_owned().collect(),
        headers: headers.collect(),
        body: body.to_vec(),
        app,
    })
}

fn respond(status: u16, headers: &[(String, String)], body: Vec<u8>) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    // A recipe may ask for a status that is none, such as 42.
    response.body(Body::from(body)).unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// The wire of one connection, which can be cut: nothing more is written then, not even a status.
#[derive(Clone)]
struct Cut(Arc<AtomicBool>);

impl Cut {
    /// Cuts; the response is never sent.
    fn now(&self) -> Response {
        self.0.store(true, Ordering::Release);
        Response::new(Body::empty())
    }

    fn check(&self) -> io::Result<()> {
        match self.0.load(Ordering::Acquire) {
            true => Err(io::ErrorKind::ConnectionReset.into()),
            false => Ok(()),
        }
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Cut {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Cut {
        stream.io().cut.clone()
    }
}

struct CuttableListener(TcpListener);

impl Listener for CuttableListener {
    type Io = Cuttable;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Cuttable, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, address)) => {
                    // Without it small answers wait for others; where it cannot be set they do.
                    let _ = stream.set_nodelay(true);
                    let cut = Cut(Arc::new(AtomicBool::new(false)));
                    return (Cuttable { stream, cut }, address);
                }
                // No more files can be opened, for one: others may be closed soon.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

struct Cuttable {
    stream: TcpStream,
    cut: Cut,
}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.cut.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Failure, Fault};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Sends bytes and reads until the other side closes.
    async fn exchange(sandbox: &Sandbox, request: &str) -> String {
        let mut stream = TcpStream::connect(sandbox.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A connection that breaks is what one of the tests wants.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    fn post(body: &str) -> String {
        format!(
            "POST /stax/customer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sandbox-stax\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    #[tokio::test]
    async fn over_the_wire_and_cut_off() {
        let mut world = World::for_test();
        world.add_failure(&Failure {
            call: "stax.create-customer".into(),
            fault: Some(Fault::Disconnect),
            times: Some(1),
            ..Failure::default()
        });
        let sandbox = Sandbox::start(world).await.unwrap();
        assert!(sandbox.base_url("stax").starts_with("http://127.0.0.1:"));
        let request = post(r#"{"email":"bo@example.org"}"#);
        assert_eq!(exchange(&sandbox, &request).await, "");
        let answer = exchange(&sandbox, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.contains("bo@example.org"));
        assert_eq!(sandbox.world().records("stax.customer").len(), 2);
        assert_eq!(sandbox.world().ledger().len(), 2);
        let answer = exchange(&sandbox, &post(&" ".repeat(MAX_BODY + 1))).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    }

    #[tokio::test]
    async fn silence_lasts_until_the_end() {
        let mut world = World::for_test();
        world.add_failure(&Failure {
            call: "stax.create-customer".into(),
            fault: Some(Fault::Timeout),
            ..Failure::default()
        });
        let sandbox = Sandbox::start(world).await.unwrap();
        let mut stream = TcpStream::connect(sandbox.address).await.unwrap();
        stream.write_all(post(r#"{"email":"bo@example.org"}"#).as_bytes()).await.unwrap();
        let mut byte = [0];
        let wait = Duration::from_millis(100);
        assert!(tokio::time::timeout(wait, stream.read(&mut byte)).await.is_err());
        drop(sandbox);
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut byte)).await;
        assert!(matches!(read, Ok(Ok(0) | Err(_))));
    }
}
