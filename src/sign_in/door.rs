//! Listens on this machine for the browser that comes back. Whoever comes without the state, from another
//! page, or under another name of this machine is sent away, and the door stays open for the right one.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::page::{page, send_on};
use super::redirect::{RedirectAddress, RedirectHost};
use super::returned::{Returned, read_query};
use super::state::State;
use crate::connection::Secret;
use crate::server::listen;

/// Where a browser of this machine begins: it is sent on from there, so that no command line holds the
/// state.
const BEGIN: &str = "/sign-in";
/// Where it ends: an address without the code in it.
const END: &str = "/signed-in";
/// How long the browser may take to fetch the last page.
const LAST_PAGE: Duration = Duration::from_secs(3);

/// What the last page says.
#[derive(Clone, Debug)]
pub struct Ending {
    pub good: bool,
    pub title: String,
    pub sentences: Vec<String>,
}

/// A door that is open for one browser.
pub struct Door {
    inside: Arc<Inside>,
    returned: mpsc::Receiver<Returned>,
    stops: Vec<oneshot::Sender<Duration>>,
    listening: JoinSet<()>,
}

struct Inside {
    redirect: RedirectAddress,
    state: Arc<State>,
    /// Where the browser that begins here is sent to, once.
    begins: Mutex<Option<Secret>>,
    returned: mpsc::Sender<Returned>,
    ending: watch::Sender<Option<Ending>>,
    /// A browser waits for the end.
    waited_for: AtomicBool,
    end_seen: Notify,
}

impl Door {
    /// Opens the door at the redirect address. `begins` is where a browser is sent that begins at
    /// [`Door::begin_address`].
    ///
    /// # Errors
    /// Another program listens there.
    pub async fn open(
        redirect: RedirectAddress,
        state: Arc<State>,
        begins: Option<Secret>,
    ) -> std::io::Result<Door> {
        let listeners = bind(&redirect).await?;
        let (sender, returned) = mpsc::channel(1);
        let inside = Arc::new(Inside {
            redirect,
            state,
            begins: Mutex::new(begins),
            returned: sender,
            ending: watch::channel(None).0,
            waited_for: AtomicBool::new(false),
            end_seen: Notify::new(),
        });
        let router = Router::new().fallback(answer).with_state(inside.clone());
        let mut listening = JoinSet::new();
        let mut stops = Vec::new();
        for listener in listeners {
            let (stop, stopped) = oneshot::channel();
            stops.push(stop);
            listening.spawn(listen(listener, router.clone(), stopped));
        }
        Ok(Door { inside, returned, stops, listening })
    }

    /// Where a browser on this machine begins. There is nothing secret in it.
    pub fn begin_address(&self) -> String {
        format!("{}{BEGIN}", self.inside.redirect.origin())
    }

    /// Comes back when the right browser has.
    pub async fn returned(&mut self) -> Returned {
        self.returned.recv().await.expect("the door itself holds the other end")
    }

    /// Tells the browser how it ended, if one is waiting, and closes.
    pub async fn close(mut self, ending: Ending) {
        self.inside.ending.send_replace(Some(ending));
        if self.inside.waited_for.load(Ordering::Acquire) {
            let _ = tokio::time::timeout(LAST_PAGE, self.inside.end_seen.notified()).await;
        }
        for stop in self.stops.drain(..) {
            let _ = stop.send(Duration::from_millis(500));
        }
        while self.listening.join_next().await.is_some() {}
    }
}

/// Listens under every address that the name may mean: whoever listened under the other one could get
/// what is meant for us.
async fn bind(redirect: &RedirectAddress) -> std::io::Result<Vec<TcpListener>> {
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, redirect.port()));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, redirect.port()));
    match redirect.host() {
        RedirectHost::V4 => Ok(vec![TcpListener::bind(v4).await?]),
        RedirectHost::V6 => Ok(vec![TcpListener::bind(v6).await?]),
        RedirectHost::Name => {
            let mut listeners = vec![TcpListener::bind(v4).await?];
            match TcpListener::bind(v6).await {
                Ok(listener) => listeners.push(listener),
                Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => return Err(error),
                // There is no IPv6 here.
                Err(_) => {}
            }
            Ok(listeners)
        }
    }
}

async fn answer(Shared(inside): Shared<Arc<Inside>>, request: Request) -> Response {
    if let Err(status) = admit(&inside.redirect, request.method(), request.headers()) {
        return not_here(status);
    }
    let path = request.uri().path();
    if path == inside.redirect.path() {
        let query = request.uri().query().unwrap_or_default();
        return match read_query(query, &inside.state, Instant::now()) {
            Ok(returned) => inside.brought(returned).await,
            Err(_) => page(
                StatusCode::BAD_REQUEST,
                false,
                "This is not the sign-in that linecook waits for",
                &[
                    "It is too old, it was here before, or it was begun somewhere else. Nothing has been connected by it.".to_owned(),
                    "Look at the terminal: if linecook still waits there, use the address that it shows. Else begin again with `linecook connect`.".to_owned(),
                ],
            ),
        };
    }
    match path {
        BEGIN => inside.begin(request.headers()),
        END => inside.end(),
        _ => not_here(StatusCode::NOT_FOUND),
    }
}

impl Inside {
    /// Sends the first browser on to the app.
    fn begin(&self, headers: &HeaderMap) -> Response {
        // Not from a page that somebody else has made.
        if !says(headers, "sec-fetch-site", "none") {
            return not_here(StatusCode::FORBIDDEN);
        }
        let address = self.begins.lock().unwrap_or_else(PoisonError::into_inner).take();
        match address {
            Some(address) => send_on(address.expose()),
            None => page(
                StatusCode::GONE,
                false,
                "This sign-in has been opened already",
                &[
                    "If that was you, go on in that window. Else stop linecook in the terminal and begin again.".to_owned(),
                ],
            ),
        }
    }

    /// Hands on what the right browser has brought, and lets it wait for what comes of it.
    async fn brought(&self, returned: Returned) -> Response {
        let mut ending = self.ending.subscribe();
        self.waited_for.store(true, Ordering::Release);
        // There is room: only one can have the state.
        let _ = self.returned.send(returned).await;
        let _ = ending.wait_for(Option::is_some).await;
        send_on(&format!("{}{END}", self.redirect.origin()))
    }

    fn end(&self) -> Response {
        let ending = self.ending.borrow().clone();
        let Some(ending) = ending else { return not_here(StatusCode::NOT_FOUND) };
        self.end_seen.notify_one();
        page(StatusCode::OK, ending.good, &ending.title, &ending.sentences)
    }
}

/// Lets in a browser that a person has sent here, and no page of somebody else: neither one that means
/// this machine under a name of its own, nor one that asks in the background.
fn admit(
    redirect: &RedirectAddress,
    method: &Method,
    headers: &HeaderMap,
) -> Result<(), StatusCode> {
    if method != Method::GET {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    let is_ours = host.is_some_and(|host| host.eq_ignore_ascii_case(redirect.host_header()));
    if !is_ours || hosts.next().is_some() {
        return Err(StatusCode::MISDIRECTED_REQUEST);
    }
    // A browser that is sent here does not say where from; scripts and forms do.
    if headers.contains_key(header::ORIGIN) {
        return Err(StatusCode::FORBIDDEN);
    }
    let goes_there = says(headers, "sec-fetch-mode", "navigate");
    match goes_there && says(headers, "sec-fetch-dest", "document") {
        true => Ok(()),
        false => Err(StatusCode::FORBIDDEN),
    }
}

/// Whether a header that not every browser sends says what it should.
fn says(headers: &HeaderMap, name: &str, expected: &str) -> bool {
    headers.get_all(name).iter().all(|value| value == expected)
}

fn not_here(status: StatusCode) -> Response {
    page(status, false, "There is nothing here", &[])
}
