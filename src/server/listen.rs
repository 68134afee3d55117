//! Takes connections: with limits on how long a client may take and how many there may be.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tracing::warn;

/// How long a client may take for its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How many clients may be connected at once.
const MAX_CLIENTS: usize = 1_024;

/// Serves until `stop` is told; then finishes what is under way, for at most `grace`.
pub async fn listen(listener: TcpListener, router: Router, stop: oneshot::Receiver<Duration>) {
    let clients = Arc::new(Semaphore::new(MAX_CLIENTS));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(MAX_HEAD_BYTES);
    tokio::pin!(stop);
    let grace = loop {
        let place = clients.clone().acquire_owned();
        let accepted = async {
            let place = place.await;
            listener.accept().await.map(|(stream, _)| (stream, place))
        };
        tokio::select! {
            biased;
            grace = &mut stop => break grace.unwrap_or_default(),
            accepted = accepted => match accepted {
                Ok((stream, place)) => {
                    let _ = stream.set_nodelay(true);
                    let service = TowerToHyperService::new(router.clone());
                    let connection = http.serve_connection(TokioIo::new(stream), service);
                    let connection = graceful.watch(connection);
                    tokio::spawn(async move {
                        // A client that goes away in the middle is its own business.
                        let _ = connection.await;
                        drop(place);
                    });
                }
                Err(problem) => {
                    warn!("a connection could not be taken: {problem}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    };
    drop(listener);
    let _ = tokio::time::timeout(grace, graceful.shutdown()).await;
}
