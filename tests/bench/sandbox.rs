//! How many requests a second the sandbox answers, beside a bare hyper server that says the same few words to
//! every one. Both stand in processes of their own, and are asked in turn over connections that stay open.
//! Prints figures; asserts nothing but that every request is answered as it should be.
//!
//! `cargo bench --bench sandbox -- --requests 50000 --rounds 5`

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use clap::Parser;
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How many clients ask at once.
const CLIENTS: usize = 16;
/// So many contacts there are, which the requests go round.
const CONTACTS: usize = 1_000;
const LOCATION: &str = "sandboxLocation00001";

#[derive(Parser)]
struct Args {
    /// How many requests one round has
    #[arg(long, default_value_t = 50_000)]
    requests: usize,
    /// How many rounds; in each both servers are asked, one after the other
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
    /// This process is the bare server
    #[arg(long, hide = true)]
    bare: bool,
}

fn main() {
    let args = Args::parse();
    // The bare server has as many threads as the sandbox.
    let mut builder = match args.bare {
        true => tokio::runtime::Builder::new_multi_thread(),
        false => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = builder.worker_threads(2).enable_all().build().expect("a runtime");
    match args.bare {
        true => runtime.block_on(bare()),
        false => runtime.block_on(measure(&args)),
    }
}

/// A server of its own; killed when it goes out of scope.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a program that prints its address.
    fn start(command: &mut Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let address = out.lines().map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once("http://")?;
            rest.split('/').next()?.trim().parse().ok()
        });
        Server { child, address: address.expect("it prints its address") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers every request with the same contact.
async fn bare() {
    const ANSWER: &str = r#"{"contact":{"id":"contact0000000000001","locationId":"sandboxLocation00001","firstName":"Ada","email":"c1@example.com","phone":"+14075550001","tags":["customer"],"customFields":[],"dnd":false}}"#;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("http://{}", listener.local_addr().expect("its address"));
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let answer = service_fn(|request: hyper::Request<hyper::body::Incoming>| async move {
                let body =
                    axum::body::to_bytes(axum::body::Body::new(request.into_body()), 1 << 20);
                let _ = body.await;
                let answer = axum::body::Body::from(Bytes::from_static(ANSWER.as_bytes()));
                let answer = hyper::Response::builder()
                    .header(CONTENT_TYPE, "application/json")
                    .body(answer)
                    .expect("a response");
                Ok::<_, Infallible>(answer)
            });
            let connection = hyper::server::conn::http1::Builder::new();
            let _ = connection.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn measure(args: &Args) {
    let cores = std::thread::available_parallelism().map_or(0, |n| n.get());
    println!(
        "{cores} cores, the client included; {CLIENTS} connections; {} requests a round: \
         read a contact, upsert one, write a note, make a task",
        args.requests
    );
    let program = std::env::current_exe().expect("this program");
    let bare = Server::start(Command::new(program).arg("--bare"));
    let sandbox = Server::start(Command::new(env!("CARGO_BIN_EXE_linecook")).args([
        "sandbox",
        "--port",
        "0",
        "--no-rate-limit",
    ]));
    prepare(sandbox.address).await;
    let (mut bare_rates, mut rates) = (Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        let first = args.requests * (round - 1);
        // Whoever goes first in one round goes second in the next.
        if round % 2 == 1 {
            bare_rates.push(ask(bare.address, first, args.requests).await);
            rates.push(ask(sandbox.address, first, args.requests).await);
        } else {
            rates.push(ask(sandbox.address, first, args.requests).await);
            bare_rates.push(ask(bare.address, first, args.requests).await);
        }
        print_pair(&format!("round {round}"), bare_rates[round - 1], rates[round - 1]);
    }
    print_pair("medians", median(bare_rates), median(rates));
}

fn print_pair(what: &str, bare: f64, sandbox: f64) {
    println!(
        "{what}: bare hyper {bare:7.0} requests/s   sandbox {sandbox:7.0} requests/s   ratio {:.2}",
        sandbox / bare
    );
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The contacts that are asked for.
async fn prepare(address: SocketAddr) {
    let mut client = Client::connect(address).await;
    for number in 0..CONTACTS {
        let status = client.send(&request("POST", "contacts/upsert", &contact(number))).await;
        assert_eq!(status, 200, "contact {number} was not taken");
    }
}

/// Sends the requests, and gives how many a second were answered.
async fn ask(address: SocketAddr, first: usize, count: usize) -> f64 {
    let started = Instant::now();
    let clients = (0..CLIENTS).map(|client| {
        tokio::spawn(async move {
            let mut connection = Client::connect(address).await;
            for number in (first + client..first + count).step_by(CLIENTS) {
                let status = connection.send(&mixed(number)).await;
                assert!((200..300).contains(&status), "request {number} was answered {status}");
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.expect("the load ends");
    }
    count as f64 / started.elapsed().as_secs_f64()
}

/// One request of the mix.
fn mixed(number: usize) -> String {
    // Each of the four comes to every contact.
    let contact_number = number / 4 % CONTACTS;
    let id = format!("contact{:013}", contact_number + 1);
    match number % 4 {
        0 => request("GET", &format!("contacts/{id}"), ""),
        1 => request("POST", "contacts/upsert", &contact(contact_number)),
        2 => {
            let body = format!(r#"{{"body":"Asked about beans, {number}"}}"#);
            request("POST", &format!("contacts/{id}/notes"), &body)
        }
        _ => {
            let body =
                r#"{"title":"Call back","dueDate":"2026-03-03T09:00:00Z","completed":false}"#;
            request("POST", &format!("contacts/{id}/tasks"), body)
        }
    }
}

fn contact(number: usize) -> String {
    format!(
        r#"{{"locationId":"{LOCATION}","firstName":"Ada","lastName":"Example{number}","email":"c{number}@example.com","phone":"+1407555{number:04}","companyName":"Example Coffee","tags":["customer"]}}"#
    )
}

fn request(method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} /highlevel/{path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sandbox-highlevel\r\nversion: 2021-07-28\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A connection that stays open, read with as little work as possible.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("it can be set");
        Client { stream, buffer: Vec::with_capacity(8 * 1024) }
    }

    /// The status of the answer, whose body is read and forgotten.
    async fn send(&mut self, request: &str) -> u16 {
        self.stream.write_all(request.as_bytes()).await.expect("it is sent");
        self.buffer.clear();
        let head = loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            self.read().await;
        };
        let text = std::str::from_utf8(&self.buffer[..head]).expect("a head of ASCII");
        let status = text.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        let whole = head + length.unwrap_or(0);
        while self.buffer.len() < whole {
            self.read().await;
        }
        status
    }

    async fn read(&mut self) {
        let count = self.stream.read_buf(&mut self.buffer).await.expect("it can be read");
        assert!(count > 0, "the answer broke off");
    }
}
