//! The service is killed at random under load, again and again; what the apps then hold is the judge.
//!
//! The apps are pretended in this process, which nobody kills. They are slow, they fail, they do things
//! late and without an answer. `linecook serve` runs beside it as people start it, and is ended with
//! SIGKILL. Whoever sends events sends each until it is acknowledged, and some of them again.

pub mod apps;
mod judge;
pub mod project;
mod senders;

use std::fmt;
use std::time::{Duration, Instant};

use fastrand::Rng;

use apps::Apps;
use judge::Judge;
use project::Project;
use senders::Senders;

/// How hard it is.
pub struct Options {
    pub kills: usize,
    pub seed: u64,
    /// New events per second.
    pub rate: f64,
    /// The service lives at least 50 ms and at most so long.
    pub longest_life: Duration,
    /// Says how far it is.
    pub talks: bool,
}

/// The service is never killed sooner after its start.
const SHORTEST_LIFE: Duration = Duration::from_millis(50);

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    pub kills: usize,
    pub killing: Duration,
    pub finishing: Duration,
    /// Events that were answered with 2xx.
    pub acknowledged: usize,
    /// Requests that it took to have them acknowledged, and those that came once more.
    pub deliveries: usize,
    /// Calls that the apps got, and those that they answered badly, late or not at all.
    pub calls: usize,
    pub spoilt_calls: usize,
    /// Runs that were held because a call may already have happened, and were answered by whoever looked.
    pub held: usize,
    /// Everything that must not be.
    pub wrong: Vec<String>,
}

/// Kills and judges.
pub async fn run(options: &Options) -> Report {
    let mut random = Rng::with_seed(options.seed);
    let apps = Apps::start(Rng::with_seed(random.u64(..))).await;
    let project = Project::write(&apps);
    let senders = Senders::start(&project, options.rate, Rng::with_seed(random.u64(..)));
    let mut report = Report { seed: options.seed, kills: options.kills, ..Report::default() };
    let started = Instant::now();
    let mut said = Instant::now();
    for kill in 0..options.kills {
        let mut service = project.serve();
        let most = options.longest_life.saturating_sub(SHORTEST_LIFE);
        tokio::time::sleep(SHORTEST_LIFE + most.mul_f64(random.f64())).await;
        if let Some(problem) = service.kill() {
            report.wrong.push(format!("at kill {kill}: {problem}"));
            break;
        }
        if options.talks && said.elapsed() > Duration::from_secs(10) {
            said = Instant::now();
            eprintln!("{} kills, {} events acknowledged", kill + 1, senders.acknowledged());
        }
    }
    report.killing = started.elapsed();
    let started = Instant::now();
    let mut service = project.serve();
    let sent = senders.finish().await;
    (report.acknowledged, report.deliveries) = (sent.acknowledged, sent.deliveries);
    let judge = Judge { apps: &apps, project: &project, events: sent.acknowledged };
    match judge.finish().await {
        Ok(held) => report.held = held,
        Err(problem) => report.wrong.push(problem),
    }
    report.wrong.extend(judge.wrong().await);
    report.finishing = started.elapsed();
    report.wrong.extend(service.kill());
    (report.calls, report.spoilt_calls) = apps.calls();
    if !report.wrong.is_empty() {
        report.wrong.push(format!("the last lines of its log:\n{}", project.end_of_log()));
    }
    report
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.killing.as_secs_f64();
        writeln!(f, "seed {}", self.seed)?;
        writeln!(
            f,
            "{} kills in {seconds:.1} s, {:.2} a second; then {:.1} s until all was done",
            self.kills,
            self.kills as f64 / seconds,
            self.finishing.as_secs_f64(),
        )?;
        writeln!(
            f,
            "{} events acknowledged in {} deliveries; {} calls at the apps, {} of them answered badly, late or never",
            self.acknowledged, self.deliveries, self.calls, self.spoilt_calls,
        )?;
        writeln!(
            f,
            "{} times a call that may already have happened was shown to a person",
            self.held
        )?;
        match self.wrong.is_empty() {
            true => writeln!(f, "nothing lost, nothing stuck, nothing twice"),
            false => self.wrong.iter().try_for_each(|wrong| writeln!(f, "WRONG: {wrong}")),
        }
    }
}
