//! Processes with many tasks share one connection whose token ends again and again, and whose refresh
//! tokens are good once. Now and then the process that renews is killed between the answer and the
//! storing. The token server is the judge.

pub mod child;
pub mod server;

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use linecook::vault::Vault;

use child::Met;
use server::Server;

/// How hard it is.
pub struct Options {
    pub processes: usize,
    /// In each process.
    pub tasks: usize,
    pub expiries: usize,
    /// So many of them are met by a kill.
    pub kills: usize,
    pub life: Duration,
    pub seed: u64,
    pub talks: bool,
    /// What leads this program to `child::work_if_asked`.
    pub arguments: &'static [&'static str],
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    pub processes: usize,
    pub tasks: usize,
    pub took: Duration,
    /// Access tokens that calls were made with, and that came to their end.
    pub expiries: usize,
    pub kills: usize,
    /// Requests that used a refresh token.
    pub refreshes: usize,
    pub invalid_grants: usize,
    /// How often a person was asked to connect again.
    pub asked_for: usize,
    pub met: Met,
    /// Everything that must not be.
    pub wrong: Vec<String>,
}

/// So long something may take that takes no time.
const PATIENCE: Duration = Duration::from_secs(30);
/// What says that a person has to connect again.
const ASKS: &str = "the connection is lost";

/// Lets tokens end, kills, and judges.
pub async fn run(options: &Options) -> Report {
    let mut random = fastrand::Rng::with_seed(options.seed);
    let server = Server::start(options.life).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("linecook.vault");
    let vault = child::vault(&path);
    vault.change(|contents| server.connect_into(contents)).unwrap();
    let mut crowd = Crowd::start(options, &server, path);
    let mut report = Report { seed: options.seed, ..Report::default() };
    (report.processes, report.tasks) = (options.processes, options.processes * options.tasks);
    let mut all: Vec<usize> = (1..options.expiries).collect();
    random.shuffle(&mut all);
    let mut kill_at: Vec<usize> = all.into_iter().take(options.kills).collect();
    kill_at.sort_unstable();
    let started = Instant::now();
    let mut said = Instant::now();
    for at in kill_at {
        // The token before the one that meets the kill.
        if !reach(options, &server, at, &mut said).await {
            report.wrong.push(format!("the {at}th renewal does not come"));
            break;
        }
        if let Err(problem) = crowd.kill_one(&server, &vault).await {
            report.wrong.push(format!("at the kill behind renewal {at}: {problem}"));
            break;
        }
        report.kills += 1;
    }
    if report.wrong.is_empty() && !reach(options, &server, options.expiries, &mut said).await {
        report.wrong.push("the renewals stand still".to_owned());
    }
    report.took = started.elapsed();
    crowd.end(&mut report);
    let counts = server.counts();
    report.refreshes = counts.refreshes;
    report.invalid_grants = counts.invalid_grants;
    report.expiries = counts.expiries;
    report.judge();
    report
}

/// Comes back when so many renewals have been.
async fn reach(options: &Options, server: &Server, count: usize, said: &mut Instant) -> bool {
    let deadline = Instant::now() + options.life * (count as u32 + 1) * 4 + PATIENCE;
    loop {
        let now = server.counts().refreshes;
        if now >= count {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        if options.talks && said.elapsed() > Duration::from_secs(10) {
            *said = Instant::now();
            eprintln!("{now} renewals");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The processes.
struct Crowd {
    arguments: &'static [&'static str],
    server: Server,
    path: PathBuf,
    tasks: usize,
    /// By name, with what they write.
    alive: Vec<(String, Child, mpsc::Receiver<String>)>,
    started: usize,
    /// What those have written that are dead.
    written: Vec<String>,
}

impl Crowd {
    fn start(options: &Options, server: &Server, path: PathBuf) -> Crowd {
        let mut crowd = Crowd {
            arguments: options.arguments,
            server: server.clone(),
            path,
            tasks: options.tasks,
            alive: Vec::new(),
            started: 0,
            written: Vec::new(),
        };
        (0..options.processes).for_each(|_| crowd.start_one());
        crowd
    }

    fn start_one(&mut self) {
        self.started += 1;
        let name = format!("process-{}", self.started);
        let base_url = self.server.base_url(&name);
        let mut child = child::start(self.arguments, &self.path, base_url, self.tasks);
        let log = child.stderr.take().unwrap();
        let (lines, written) = mpsc::channel();
        std::thread::spawn(move || {
            let read = BufReader::new(log).lines().map_while(Result::ok);
            read.for_each(|line| drop(lines.send(line)));
        });
        self.alive.push((name, child, written));
    }

    /// Kills the process that renews next, when it has been answered and before it can store anything;
    /// then a person connects again.
    async fn kill_one(&mut self, server: &Server, vault: &Vault) -> Result<(), String> {
        let (refreshes, invalid) = {
            let counts = server.counts();
            (counts.refreshes, counts.invalid_grants)
        };
        let (stopped, name) = tokio::sync::oneshot::channel();
        let ids: Vec<(String, u32)> =
            self.alive.iter().map(|(name, child, _)| (name.clone(), child.id())).collect();
        server.counts().before_answering = Some(Box::new(move |process| {
            let id = ids.iter().find(|(name, _)| name == process).expect("it is one of ours").1;
            // From here on it does nothing; its answer is on the way.
            signal("STOP", id);
            let _ = stopped.send(process.to_owned());
        }));
        let name = tokio::time::timeout(PATIENCE, name).await;
        let name = name.map_err(|_| "nobody renews")?.unwrap();
        // The answer lies in its socket now.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let at = self.alive.iter().position(|(alive, ..)| *alive == name).unwrap();
        let (_, mut child, written) = self.alive.remove(at);
        child.kill().unwrap();
        child.wait().unwrap();
        self.written.extend(written.iter());
        // The others find out, once.
        let deadline = Instant::now() + PATIENCE;
        let lost = || Vault::look(vault.path()).unwrap().unwrap().connections["main"].lost.clone();
        while lost().is_none() {
            if Instant::now() > deadline {
                return Err("nobody finds out that the refresh token is used".into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let asked = server.counts().asked;
        let why = lost().unwrap().why;
        if !why.contains("Invalid grant") {
            return Err(format!("the reason is not clear: {why}"));
        }
        // Nobody tries again.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let counts = server.counts();
        if counts.asked != asked || counts.invalid_grants != invalid + 1 {
            let more = counts.asked - asked;
            let found = counts.invalid_grants - invalid;
            return Err(format!("{found} times `invalid grant`, {more} requests behind it"));
        }
        if counts.refreshes != refreshes + 1 {
            return Err("a lost connection was renewed".into());
        }
        drop(counts);
        vault.change(|contents| server.connect_into(contents)).map_err(|e| e.to_string())?;
        self.start_one();
        Ok(())
    }

    /// Tells them to end; what they have met and written goes into the report.
    fn end(self, report: &mut Report) {
        let mut written = self.written;
        for (name, mut child, lines) in self.alive {
            drop(child.stdin.take());
            let mut out = String::new();
            child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
            let met = out.lines().find_map(|line| line.strip_prefix("met "));
            match met.map(serde_json::from_str::<Met>) {
                Some(Ok(met)) => report.met.add(met),
                _ => report.wrong.push(format!("{name} has not come to its end: {out}")),
            }
            child.wait().unwrap();
            written.extend(lines.iter());
        }
        report.asked_for = written.iter().filter(|line| line.contains(ASKS)).count();
        let is_problem = |line: &&String| line.contains("panicked") || line.contains("cannot be");
        report.wrong.extend(written.iter().filter(is_problem).cloned());
    }
}

fn signal(name: &str, process: u32) {
    let command = format!("kill -{name} {process}");
    assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    if name == "STOP" {
        // All of its threads have to stand still.
        let path = format!("/proc/{process}/stat");
        while std::fs::read_to_string(&path).is_ok_and(|stat| !stat.contains(") T ")) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Report {
    fn judge(&mut self) {
        let checks = [
            (self.refreshes != self.expiries, "a token was renewed that was not due"),
            (self.invalid_grants != self.kills, "`invalid grant` came without a kill"),
            (self.asked_for != self.kills, "a person was not asked once for each kill"),
            (self.met.refused > 0, "a call was refused in the end"),
            (self.met.no_token > 0, "a call had no token although the server was there"),
            (self.met.other > 0, "a call failed otherwise"),
            (self.met.good == 0, "no call went well"),
            (self.kills == 0 && self.met.withheld > 0, "a call was withheld without a kill"),
        ];
        for (is_wrong, what) in checks {
            if is_wrong {
                self.wrong.push(what.to_owned());
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(
            f,
            "{} tasks in {} processes, {:.1} s; {} calls went well, {} were withheld after a kill",
            self.tasks,
            self.processes,
            self.took.as_secs_f64(),
            self.met.good,
            self.met.withheld,
        )?;
        writeln!(
            f,
            "{} expiries, {} refreshes: {:.3} each",
            self.expiries,
            self.refreshes,
            self.refreshes as f64 / self.expiries.max(1) as f64,
        )?;
        writeln!(
            f,
            "{} kills between answer and storing, {} times `invalid grant`, {} times asked for a new connection",
            self.kills, self.invalid_grants, self.asked_for,
        )?;
        match self.wrong.is_empty() {
            true => writeln!(f, "one refresh for each expiry, and one request for each kill"),
            false => self.wrong.iter().try_for_each(|wrong| writeln!(f, "WRONG: {wrong}")),
        }
    }
}
