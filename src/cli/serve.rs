//! `linecook serve`: the project as a service, until it is told to stop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use tracing::{error, info, warn};

use super::credentials::{Missing, ProjectCredentials, how_to_connect};
use super::exit::{CommandError, Exit, Result};
use super::installed::{connections, install_project};
use super::load::recipe_paths;
use super::options::colour;
use super::print;
use super::project::{LoadedProject, ReadyProject, load_project};
use super::runtime::runtime;
use super::store::vault_of;
use crate::catalog::Catalog;
use crate::connection::{Redactor, Secret};
use crate::diagnostic::Severity;
use crate::execute::gate::{Limits, SetBy, Window};
use crate::project::{PROJECT_FILE, Project, SMTP_PASSWORD_VARIABLE};
use crate::server::{
    self, Email, Gates, Keep, Notify, Options, PublicKey, Running, Service, SigningKeys, Verifier,
};
use crate::snapshot::SNAPSHOT_FOLDER;
use crate::store::{self, Store};
use crate::vault::Vault;

/// How often it is looked whether a recipe or the project file has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A shorter path of an address has nothing secret in it.
const SECRET_PATH_BYTES: usize = 16;
/// What a stop takes longer than the longest call.
const STOP_MARGIN: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub struct Args {
    /// The project file; without it linecook.yaml in this folder
    #[arg(long, value_name = "FILE")]
    project: Option<PathBuf>,
    /// How to write the log; text on a terminal, else JSON
    #[arg(long, value_enum, value_name = "FORMAT")]
    log: Option<LogFormat>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

pub fn run(args: &Args) -> Result {
    let path = args.project.clone().unwrap_or_else(|| PathBuf::from(PROJECT_FILE));
    if !path.exists() {
        return Err(CommandError::usage(
            format!("there is no project file {}", path.display()),
            "go to the folder of your project, or start one with `linecook init`",
        ));
    }
    let Some(ready) = good(load_project(&path)) else { return Ok(Exit::Problems) };
    log(args.log);
    runtime()?.block_on(async {
        let credentials = ProjectCredentials::of(&ready).await?;
        let running = start(&ready, ready.project.listen, credentials.clone()).await?;
        let store = ready.store.display();
        let recipes = ready.installations.iter().filter(|i| i.enabled).count();
        info!(recipes, %store, "linecook listens on http://{}", running.address);
        running.service.say_stages();
        let watching = tokio::spawn(watch(path.clone(), running.service.clone(), credentials));
        stop_signal().await;
        info!("linecook stops: what runs comes to a place where it can go on later");
        watching.abort();
        running.stop(ready.project.request_timeout + STOP_MARGIN).await;
        info!("linecook has stopped");
        Ok(Exit::Good)
    })
}

/// The project when there is no error in it; else its errors are printed.
pub fn good(loaded: LoadedProject) -> Option<ReadyProject> {
    if loaded.has_errors() {
        for mut diagnostics in loaded.diagnostics {
            diagnostics.found.retain(|d| d.severity == Severity::Error);
            if !diagnostics.found.is_empty() {
                print::talk(format_args!("{}\n", diagnostics.text(colour()).trim_end()));
            }
        }
        print::talk("The project has errors: nothing was started.");
        return None;
    }
    loaded.ready
}

/// Starts the service of a project.
pub async fn start(
    ready: &ReadyProject,
    listen: std::net::SocketAddr,
    credentials: Arc<ProjectCredentials>,
) -> Result<Running> {
    let project = &ready.project;
    let store = Store::open(&ready.store, store::Options::default())?;
    let installed = install_project(&store, ready).await?;
    let gates = Gates::default();
    gates.open(&store, &installed.connections, |name| limits(project, name)).await?;
    let options = Options {
        listen,
        parallel: project.parallel,
        request_timeout: project.request_timeout,
        verifier: verifier(project),
        keep: Keep { payloads: project.keep.payloads, runs: project.keep.runs },
        notify: notify(project)?,
        public_url: project.public_url.clone(),
        vault: vault_of(&ready.store),
        redactor: Redactor::process().clone(),
        credentials,
    };
    server::start(options, store, installed, gates)
        .await
        .map_err(|e| CommandError::environment(&e.message, &e.help))
}

/// What the project file says of a connection's quota; what it leaves out is the catalog's.
pub fn limits(project: &Project, name: &str) -> Option<Limits> {
    let quota = project.quota(name)?;
    let app = Catalog::embedded().app(&project.connections.get(name)?.app)?;
    let mut limits = Limits::of(app);
    let window = |w: crate::project::Window| Window { requests: w.count, per: w.per };
    let day = Duration::from_secs(24 * 3_600);
    if let Some(requests) = quota.requests {
        limits.windows.retain(|w| w.per >= day);
        limits.windows.push(window(requests));
        limits.set_by = SetBy::Project;
    }
    if let Some(per_day) = quota.per_day {
        limits.windows.retain(|w| w.per < day);
        limits.windows.push(Window { requests: per_day, per: day });
        limits.set_by = SetBy::Project;
    }
    if let Some(failures) = quota.failures {
        limits.failures = Some(window(failures));
    }
    Some(limits)
}

fn verifier(project: &Project) -> Verifier {
    let keys = project.webhooks.iter().map(|(app, keys)| {
        let ed25519 = keys.ed25519.iter().map(|key| PublicKey::of_bytes(key.to_vec()));
        let rsa = keys.rsa.iter().map(|key| PublicKey::of_bytes(key.clone()));
        let keys = SigningKeys { keys: ed25519.collect(), rsa_keys: rsa.collect() };
        (app.clone(), keys)
    });
    Verifier::new(keys.collect())
}

fn notify(project: &Project) -> Result<Notify> {
    let written = &project.notify;
    let mailbox = |text: &str| {
        text.parse().map_err(|_| {
            CommandError::usage(
                format!("`{text}` under `notify` is no e-mail address"),
                "write it like you@example.com",
            )
        })
    };
    let email = match &written.email {
        None => None,
        Some(email) => Some(Email {
            to: email.to.iter().map(|to| mailbox(to)).collect::<Result<_>>()?,
            from: mailbox(&email.from)?,
            host: email.host.clone(),
            port: email.port,
            user: email.user.clone(),
            password: smtp_password(),
        }),
    };
    if let Some(url) = written.webhook.as_deref().and_then(|text| url::Url::parse(text).ok()) {
        // Whoever knows such an address may post there.
        let behind_host = &url[url::Position::BeforePath..];
        if behind_host.len() >= SECRET_PATH_BYTES {
            Redactor::process().learn(&Secret::new(behind_host));
        }
    }
    Ok(Notify { webhook: written.webhook.clone(), email, every: written.every })
}

fn smtp_password() -> Option<Secret> {
    let password = Secret::new(std::env::var(SMTP_PASSWORD_VARIABLE).ok()?);
    Redactor::process().learn(&password);
    Some(password)
}

fn log(format: Option<LogFormat>) {
    use std::io::IsTerminal;
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::fmt;
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    let wanted = std::env::var("LINECOOK_LOG").ok();
    let filter: Option<Targets> = wanted.and_then(|text| text.parse().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let is_terminal = std::io::stderr().is_terminal();
    let text = match format {
        Some(format) => format == LogFormat::Text,
        None => is_terminal,
    };
    let writer = || WithoutSecrets(std::io::stderr());
    let log = fmt::layer().with_writer(writer).with_target(false);
    let all = tracing_subscriber::registry().with(filter);
    let _ = match text {
        true => all.with(log.with_ansi(is_terminal)).try_init(),
        false => all.with(log.json().flatten_event(true).with_current_span(true)).try_init(),
    };
}

/// Writes lines of the log, each of which comes whole.
struct WithoutSecrets<W>(W);

impl<W: std::io::Write> std::io::Write for WithoutSecrets<W> {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.write_all(&Redactor::process().bytes(line)).map(|()| line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// Comes back when the program is told to stop.
#[cfg(unix)]
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(not(unix))]
pub async fn stop_signal() {
    let _ = tokio::signal::ctrl_c().await;
}

/// Installs what has changed when it checks clean; else the old stays, and the log says why. What a
/// connection may not do any more holds at once in any case.
async fn watch(path: PathBuf, service: Arc<Service>, credentials: Arc<ProjectCredentials>) {
    let vault = Vault::path_of(service.store().path());
    let mut seen = (stamps(&path), stamp(&vault));
    let listens_on = good_quietly(&path).map(|ready| ready.project.listen);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = (stamps(&path), stamp(&vault));
        if now == seen {
            continue;
        }
        let is_vault_only = now.0 == seen.0;
        seen = now;
        let from = path.clone();
        let loaded = tokio::task::spawn_blocking(move || load_project(&from)).await;
        let Ok(loaded) = loaded else { continue };
        let has_errors = loaded.has_errors();
        let first = loaded.diagnostics.iter().find_map(|d| d.first_error()).unwrap_or_default();
        let ready = match loaded.ready {
            Some(ready) if !has_errors => ready,
            unready => {
                if let Some(ready) = unready {
                    service.narrow(&connections(&ready.project));
                }
                error!(
                    "a change has errors, so what ran before goes on: {first}; `linecook check` says all"
                );
                continue;
            }
        };
        // A token was renewed, and nothing else is new.
        if is_vault_only && connections(&ready.project) == service.installed().connections {
            continue;
        }
        if Some(ready.project.listen) != listens_on {
            warn!("another `listen:` holds after the next start");
        }
        credentials.know(&ready.project);
        match Missing::find(&ready) {
            Ok(Missing(missing)) => missing.iter().for_each(|(name, app)| {
                let help = how_to_connect(name, app);
                error!("there is no token for the connection `{name}` to {app}: {help}");
            }),
            Err(problem) => error!("{}", problem.plain()),
        }
        let installed = match install_project(service.store(), &ready).await {
            Ok(installed) => installed,
            Err(problem) => {
                error!("a change could not be taken over: {}", problem.plain());
                continue;
            }
        };
        let project = &ready.project;
        match service.reinstall(installed, |name| limits(project, name)).await {
            Ok(()) => {
                info!("changes were taken over; runs that have started keep their recipe");
                service.say_stages();
            }
            Err(problem) => error!("a change could not be taken over: {problem}: {}", problem.help),
        }
    }
}

fn good_quietly(path: &Path) -> Option<ReadyProject> {
    load_project(path).ready
}

type Stamp = (SystemTime, u64);

/// When the project's files were changed last.
fn stamps(project: &Path) -> Vec<(PathBuf, Option<Stamp>)> {
    let folder = match project.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut paths = recipe_paths(&[folder.to_owned()]).unwrap_or_default();
    paths.push(project.to_owned());
    let snapshots = std::fs::read_dir(folder.join(SNAPSHOT_FOLDER)).into_iter().flatten().flatten();
    let mut snapshots: Vec<PathBuf> = snapshots.map(|entry| entry.path()).collect();
    snapshots.sort();
    paths.extend(snapshots);
    let stamped = |path: PathBuf| {
        let stamp = stamp(&path);
        (path, stamp)
    };
    paths.into_iter().map(stamped).collect()
}

/// When a file was changed last, and how long it is.
fn stamp(path: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}
