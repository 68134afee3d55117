//! The pretended apps over HTTP, as bad as apps can be: slow, failing, and doing things late that nobody
//! waits for any more.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use fastrand::Rng;
use linecook::catalog::Catalog;
use linecook::sandbox::{Answer, Arrived, World};
use serde_json::json;
use tokio::net::TcpListener;

/// The card that everybody pays with.
pub const CARD: &str = "card-of-the-house";
/// What is done late is done at most so long after the request: the request's deadline is 200 ms, and what
/// may have happened is settled a second after it.
const LATEST: Duration = Duration::from_millis(900);

/// The apps, and what they hold.
pub struct Apps {
    shared: Shared,
    address: std::net::SocketAddr,
}

#[derive(Clone)]
struct Shared {
    world: Arc<Mutex<World>>,
    random: Arc<Mutex<Rng>>,
    arrived: Arc<AtomicUsize>,
    spoilt: Arc<AtomicUsize>,
    /// How many calls have been done or are not going to be.
    over: Arc<AtomicUsize>,
}

/// What becomes of one request.
struct Fate {
    before: Duration,
    is_done: bool,
    /// Answered instead of what would be.
    status: Option<u16>,
    after: Duration,
}

impl Fate {
    fn draw(random: &mut Rng) -> Fate {
        let quick = Duration::from_millis(random.u64(0..15));
        let long = LATEST.mul_f64(0.25 + 0.75 * random.f64());
        let none = Duration::ZERO;
        let usual = Fate { before: quick, is_done: true, status: None, after: none };
        match random.u32(0..100) {
            // Done, and nobody is there any more when the answer comes.
            0..3 => Fate { after: long, ..usual },
            // Done when nobody waits for it any more.
            3..5 => Fate { before: long, ..usual },
            // Done, and answered as if not.
            5..7 => Fate { status: Some(502), ..usual },
            // Not done, and said so.
            7..10 => Fate { is_done: false, status: Some(503), ..usual },
            // Not done, and never answered.
            10 => Fate { is_done: false, status: Some(504), after: LATEST, ..usual },
            // Slow, but in time.
            11..15 => Fate { before: Duration::from_millis(random.u64(15..100)), ..usual },
            _ => usual,
        }
    }

    fn is_spoilt(&self) -> bool {
        self.status.is_some() || self.before.max(self.after) > Duration::from_millis(200)
    }
}

impl Apps {
    pub async fn start(random: Rng) -> Apps {
        let mut world = World::new(Catalog::embedded());
        world.set_rate_limit(false);
        let card = json!({ "id": CARD, "method": "card" });
        world.add_records("stax.payment_method", &[card.as_object().unwrap().clone()]);
        let shared = Shared {
            world: Arc::new(Mutex::new(world)),
            random: Arc::new(Mutex::new(random)),
            arrived: Arc::default(),
            spoilt: Arc::default(),
            over: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(handle).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Apps { shared, address }
    }

    /// Where the calls to an app go.
    pub fn base_url(&self, app: &str) -> String {
        format!("http://{}/{app}", self.address)
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap()
    }

    /// How many calls came.
    pub fn arrived(&self) -> usize {
        self.shared.arrived.load(Ordering::SeqCst)
    }

    /// Comes back when no call has come for a while, and all that came are done: what is done late is there
    /// then.
    pub async fn quiet(&self) {
        let (mut since, mut before) = (Instant::now(), self.arrived());
        while since.elapsed() < LATEST {
            let now = self.arrived();
            if now != before || self.shared.over.load(Ordering::SeqCst) != now {
                (since, before) = (Instant::now(), now);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many of them were not answered as they should be.
    pub fn spoilt(&self) -> usize {
        self.shared.spoilt.load(Ordering::Relaxed)
    }
}

/// Counts a call as over, whatever becomes of it.
struct Over(Arc<AtomicUsize>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

async fn handle(State(shared): State<Shared>, request: Request) -> Response {
    shared.arrived.fetch_add(1, Ordering::SeqCst);
    let over = Over(shared.over.clone());
    let fate = Fate::draw(&mut shared.random.lock().unwrap());
    if fate.is_spoilt() {
        shared.spoilt.fetch_add(1, Ordering::Relaxed);
    }
    let arrived = read(request).await;
    // It goes on when the one who asked is gone.
    let doing = tokio::spawn(async move {
        let _over = over;
        tokio::time::sleep(fate.before).await;
        let answer = fate.is_done.then(|| {
            let mut world = shared.world.lock().unwrap();
            world.set_now(jiff::Timestamp::now());
            world.answer(&arrived)
        });
        tokio::time::sleep(fate.after).await;
        (fate.status, answer)
    });
    match doing.await.unwrap() {
        (None, Some(Answer::Reply { status, headers, body })) => {
            let mut response = Response::builder().status(status);
            // Without the app's own limits, which would let a hundred calls through in ten seconds.
            for (name, value) in headers.into_iter().filter(|(n, _)| !n.starts_with("X-RateLimit"))
            {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).unwrap()
        }
        (status, _) => {
            let response = Response::builder().status(status.unwrap_or(500));
            response.body(Body::from(r#"{"message":"try again later"}"#)).unwrap()
        }
    }
}

async fn read(request: Request) -> Arrived {
    let (parts, body) = request.into_parts();
    let whole = parts.uri.path().trim_start_matches('/');
    let (app, path) = whole.split_once('/').unwrap_or((whole, ""));
    let query = parts.uri.query().unwrap_or_default();
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into();
    Arrived {
        app: app.to_owned(),
        method: parts.method.to_string(),
        path: format!("/{path}"),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers.iter().map(|(name, v)| (name.to_string(), text(v))).collect(),
        body: to_bytes(body, 1 << 20).await.unwrap_or_default().to_vec(),
    }
}
