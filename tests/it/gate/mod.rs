//! What a gate lets through, judged by servers that count strictly. Time is tokio's and stands still
//! unless everybody waits; every random test prints its seed.

mod breaker;
mod failures;
mod queue;
mod quota;
mod refusal;
mod server;

use std::time::Duration;

use linecook::call::{CallError, RateLimit, Response};
use linecook::catalog::Catalog;
use linecook::execute::gate::{Breaker, Gate, Limits, SetBy, Window};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const PATIENT: Duration = HOUR;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn window(requests: u64, per: Duration) -> Window {
    Window { requests, per }
}

fn limits(windows: &[Window]) -> Limits {
    Limits { windows: windows.to_vec(), failures: None, set_by: SetBy::Catalog }
}

fn limits_of(app: &str) -> Limits {
    Limits::of(Catalog::embedded().app(app).expect("the catalog has it"))
}

fn gate(limits: &Limits) -> Gate {
    Gate::new(limits, Breaker::new(1), &[])
}

fn status(status: u16) -> Result<Response, CallError> {
    Ok(Response { status, ..Response::default() })
}

fn rate(rate: RateLimit) -> Result<Response, CallError> {
    Ok(Response { status: 200, rate, ..Response::default() })
}

/// Runs a test with some seeds that stay the same and one that does not.
async fn with_seeds<F: Future<Output = ()>>(test: impl Fn(u64) -> F) {
    for seed in [1, 2, 3, fastrand::u64(..)] {
        println!("seed {seed}");
        test(seed).await;
    }
}
