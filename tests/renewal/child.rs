//! One of the processes that share a vault: many tasks that call, until its standard input ends.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use linecook::call::{CallError, Caller, Request};
use linecook::connection::Connection;
use linecook::http::{HttpCaller, Pace, VaultCredentials};
use linecook::vault::{KEY_VARIABLE, KeyPlaces, Vault};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Set in a child: what it is to do.
const VARIABLE: &str = "LINECOOK_RENEWAL_CHILD";
/// 32 bytes of 7.
pub const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
/// Between two calls of a task.
const PAUSE: Duration = Duration::from_millis(10);

#[derive(Serialize, Deserialize)]
struct Work {
    vault: String,
    base_url: String,
    tasks: usize,
}

/// What one process has met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met {
    pub good: usize,
    /// Answered with 401 in the end.
    pub refused: usize,
    pub withheld: usize,
    pub no_token: usize,
    pub other: usize,
}

/// A vault that is shared, with a key that is nobody's.
pub fn vault(path: &Path) -> Vault {
    let environment = Some(Zeroizing::new(KEY.to_owned()));
    Vault::new(path, KeyPlaces { environment, keyring: false, file: None })
}

/// `GET /thing` of the connection.
pub fn request(connection: &Connection) -> Request {
    Request {
        app: "highlevel".into(),
        operation: "highlevel.thing".into(),
        call: "GET /thing".into(),
        method: "GET".into(),
        base_url: connection.base_url.clone(),
        path: vec!["thing".into()],
        query: vec![],
        headers: vec![],
        body: None,
    }
}

/// Starts this program once more, as such a process: `arguments` lead it to [`work_if_asked`].
pub fn start(arguments: &[&str], vault: &Path, base_url: String, tasks: usize) -> Child {
    let work = Work { vault: vault.display().to_string(), base_url, tasks };
    Command::new(std::env::current_exe().unwrap())
        .args(arguments)
        .env(VARIABLE, serde_json::to_string(&work).unwrap())
        .env(KEY_VARIABLE, KEY)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Does the work of a child and ends the process, where this is one.
pub fn work_if_asked() {
    let Ok(work) = std::env::var(VARIABLE) else { return };
    let work: Work = serde_json::from_str(&work).unwrap();
    // What a person would read.
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    let met = runtime.block_on(call_until_told(&work));
    // Behind whatever the test harness has written there.
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nmet {}", serde_json::to_string(&met).unwrap()).unwrap();
    std::process::exit(0);
}

async fn call_until_told(work: &Work) -> Met {
    let pace = Pace { look_every: Duration::from_millis(50), ..Pace::default() };
    let credentials = VaultCredentials::at_pace(vault(Path::new(&work.vault)), pace);
    let connection = Connection {
        app: "highlevel".into(),
        base_url: work.base_url.clone(),
        location_id: Some(super::server::LOCATION.into()),
        access: Default::default(),
        rotation: None,
    };
    let connections = BTreeMap::from([("main".to_owned(), connection.clone())]);
    credentials.know(connections);
    let through = BTreeMap::from([("highlevel".to_owned(), "main".to_owned())]);
    let caller = HttpCaller::new(Duration::from_secs(10), Arc::new(credentials.clone()));
    let caller = caller.unwrap().through(&through);
    let (told, stop) = tokio::sync::watch::channel(false);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        let _ = told.send(true);
    });
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..work.tasks {
        let (caller, request, stop) = (caller.clone(), request(&connection), stop.clone());
        tasks.spawn(async move {
            let mut met = Met::default();
            while !*stop.borrow() {
                let count = match caller.call(&request).await {
                    Ok(answer) if answer.is_success() => &mut met.good,
                    Ok(answer) if answer.status == 401 => &mut met.refused,
                    Err(CallError::Withheld { .. }) => &mut met.withheld,
                    Err(CallError::NoToken(_)) => &mut met.no_token,
                    _ => &mut met.other,
                };
                *count += 1;
                tokio::time::sleep(PAUSE).await;
            }
            met
        });
    }
    let mut all = Met::default();
    for met in tasks.join_all().await {
        all.add(met);
    }
    linecook::connection::Credentials::settled(&credentials).await;
    all
}

impl Met {
    pub fn add(&mut self, more: Met) {
        self.good += more.good;
        self.refused += more.refused;
        self.withheld += more.withheld;
        self.no_token += more.no_token;
        self.other += more.other;
    }
}
