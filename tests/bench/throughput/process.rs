//! A program that is measured: started, asked whether it is ready, and what it has used so far.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::client::Client;

/// A program of this benchmark; killed when it goes out of scope.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
    pub started: Instant,
}

/// What a process has used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// User and system.
    pub cpu: Duration,
    pub memory_now_kb: u64,
    pub memory_most_kb: u64,
}

/// A port that is free now.
pub fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

impl Process {
    pub async fn start(command: &mut Command, address: SocketAddr) -> Process {
        let started = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts");
        let mut process = Process { child, address, started };
        process.ready().await;
        process
    }

    /// Another run of this program, in another part.
    pub async fn part(arguments: &[&str]) -> Process {
        let address = free_address();
        let program = std::env::current_exe().expect("this program");
        Process::start(
            Command::new(program).arg("--part").args(arguments).arg(address.to_string()),
            address,
        )
        .await
    }

    pub async fn linecook(folder: &Path, address: SocketAddr) -> Process {
        Process::start(
            Command::new(env!("CARGO_BIN_EXE_linecook"))
                .arg("serve")
                .current_dir(folder)
                .env("LINECOOK_LOG", "warn")
                .env(linecook::vault::KEY_VARIABLE, super::project::KEY)
                .env("LINECOOK_MAIN_TOKEN", super::TOKEN),
            address,
        )
        .await
    }

    async fn ready(&mut self) {
        loop {
            if let Ok(mut client) = Client::connect(self.address).await
                && client.send("GET", "/readyz", "").await.is_ok_and(|(status, _)| status == 200)
            {
                return;
            }
            if let Some(status) = self.child.try_wait().expect("it can be asked") {
                panic!("it ended before it was ready: {status}");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub fn used(&self) -> Used {
        let read = |file: &str| {
            std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).expect("it runs")
        };
        let stat = read("stat");
        // Behind the name in brackets; user and system time are the 14th and 15th field of the line.
        let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
        let ticks: u64 = fields[11..13].iter().map(|f| f.parse::<u64>().unwrap()).sum();
        let status = read("status");
        let kb = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
        };
        Used {
            // A tick is a hundredth of a second on every Linux that people run.
            cpu: Duration::from_millis(ticks * 10),
            memory_now_kb: kb("VmRSS:"),
            memory_most_kb: kb("VmHWM:"),
        }
    }

    /// What it has used when it has nothing more to do.
    pub async fn used_when_quiet(&self) -> Used {
        let mut before = self.used();
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = self.used();
            if now.cpu - before.cpu <= Duration::from_millis(10) {
                return now;
            }
            before = now;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
