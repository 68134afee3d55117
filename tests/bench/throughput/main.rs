//! How fast the service is, and what it needs, beside a bare program that does the same calls for the same
//! events and syncs the same records. Prints figures; asserts nothing.
//!
//! `cargo bench --bench throughput -- --events 20000 --rounds 5`

mod app;
mod bare;
mod client;
mod process;
mod project;
mod queue;
mod window;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use tokio::net::TcpListener;

use client::Client;
use process::{Process, Used};
use project::{Project, THREE_CALLS};

/// How many runs run at once.
const PARALLEL: usize = 64;
const TOKEN: &str = "bench";
/// How many calls one event makes.
const CALLS: usize = 3;

#[derive(Parser)]
struct Args {
    /// How many events are posted in one round
    #[arg(long, default_value_t = 20_000)]
    events: usize,
    /// How many rounds; in each both programs run, one after the other
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Measure only this
    #[arg(long, value_enum)]
    only: Vec<Measure>,
    /// Events that wait while memory is looked at; open runs at a start
    #[arg(long, default_value_t = 100_000)]
    queued: usize,
    /// Events that wait while the time of one is measured, beside 1,000
    #[arg(long, default_value_t = 1_000_000)]
    long_queue: usize,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
    /// Which part of the benchmark this process is
    #[arg(long, hide = true, num_args = 1..)]
    part: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Measure {
    Throughput,
    Memory,
    Queue,
    Start,
    Window,
}

fn main() {
    let args = Args::parse();
    match &args.part.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => on_one_thread(measure(&args)),
        ["app", address] => on_one_thread(async { app::serve(listen(address).await).await }),
        ["bare", base, log, address] => {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let log = PathBuf::from(log);
            runtime.block_on(async {
                bare::serve(listen(address).await, (*base).to_owned(), &log).await
            });
        }
        other => panic!("there is no part {other:?}"),
    }
}

fn on_one_thread(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work);
}

async fn listen(address: &str) -> TcpListener {
    TcpListener::bind(address.parse::<SocketAddr>().expect("an address")).await.expect("a port")
}

async fn measure(args: &Args) {
    let is_wanted = |measure| args.only.is_empty() || args.only.contains(&measure);
    let cores = std::thread::available_parallelism().map_or(0, |n| n.get());
    println!("{cores} cores; {PARALLEL} runs at once; {CALLS} calls an event");
    if is_wanted(Measure::Throughput) {
        throughput(args.events, args.rounds).await;
    }
    if is_wanted(Measure::Memory) {
        queue::memory(args.queued).await;
    }
    if is_wanted(Measure::Queue) {
        queue::per_event(args.long_queue, 1_000, args.rounds).await;
    }
    if is_wanted(Measure::Start) {
        queue::start(args.queued, args.rounds).await;
    }
    if is_wanted(Measure::Window) {
        window::measure().await;
    }
}

/// What one program did in one round.
struct Round {
    events_per_second: f64,
    cpu_ms: f64,
    memory_mb: f64,
}

async fn throughput(events: usize, rounds: usize) {
    println!("{events} events a round, {rounds} rounds, in turn");
    let (mut bare, mut linecook) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        // Whoever goes first in one round goes second in the next.
        if round % 2 == 1 {
            bare.push(bare_round(events).await);
            linecook.push(linecook_round(events).await);
        } else {
            linecook.push(linecook_round(events).await);
            bare.push(bare_round(events).await);
        }
        print_pair(&format!("round {round}"), &bare[round - 1], &linecook[round - 1]);
    }
    print_pair("medians", &middle(&bare), &middle(&linecook));
}

fn middle(rounds: &[Round]) -> Round {
    Round {
        events_per_second: median(rounds.iter().map(|r| r.events_per_second)),
        cpu_ms: median(rounds.iter().map(|r| r.cpu_ms)),
        memory_mb: median(rounds.iter().map(|r| r.memory_mb)),
    }
}

fn print_pair(what: &str, bare: &Round, linecook: &Round) {
    println!(
        "{what}: bare {:6.0} events/s {:.3} ms CPU {:5.1} MB   linecook {:6.0} events/s {:.3} ms CPU {:5.1} MB   ratio {:.2} of the speed, {:.2} of the CPU",
        bare.events_per_second,
        bare.cpu_ms,
        bare.memory_mb,
        linecook.events_per_second,
        linecook.cpu_ms,
        linecook.memory_mb,
        linecook.events_per_second / bare.events_per_second,
        linecook.cpu_ms / bare.cpu_ms,
    );
}

async fn bare_round(events: usize) -> Round {
    let app = Process::part(&["app"]).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log");
    let base = format!("http://{}", app.address);
    let program = Process::part(&["bare", &base, &log.to_string_lossy()]).await;
    round(&program, &app, "/hooks/stax/secret/customer_created", events).await
}

async fn linecook_round(events: usize) -> Round {
    let app = Process::part(&["app"]).await;
    let project = Project::new(app.address, THREE_CALLS);
    let hook = project.hook().await;
    let program = Process::linecook(project.folder.path(), project.address).await;
    round(&program, &app, &hook, events).await
}

/// Posts the events and waits until the app has had all the calls.
async fn round(program: &Process, app: &Process, path: &str, events: usize) -> Round {
    let mut control = Client::connect(app.address).await.expect("the app listens");
    let before = program.used();
    let started = Instant::now();
    client::post(program.address, path, events).await;
    while queue::requests(&mut control).await < events * CALLS {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let wall = started.elapsed();
    // The last answers are still being written down.
    let Used { cpu, memory_most_kb, .. } = program.used_when_quiet().await;
    Round {
        events_per_second: events as f64 / wall.as_secs_f64(),
        cpu_ms: ms(cpu - before.cpu) / events as f64,
        memory_mb: memory_most_kb as f64 / 1024.0,
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
