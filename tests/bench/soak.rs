//! Kills the service at random under load and judges what the apps hold afterwards. Prints figures and its
//! seed; ends with 1 when anything was lost, stuck or done twice.
//!
//! `cargo bench --bench soak -- --kills 1000 --seed 7`

#[path = "../soak/mod.rs"]
mod soak;

use std::time::Duration;

#[tokio::main]
async fn main() {
    let mut options = soak::Options {
        kills: 1_000,
        seed: fastrand::u64(..),
        rate: 10.0,
        longest_life: Duration::from_secs(2),
        talks: true,
    };
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    while let Some(name) = arguments.next() {
        let value = arguments.next();
        let number = value.as_deref().and_then(|v| v.parse::<f64>().ok());
        match (name.as_str(), number) {
            ("--kills", Some(kills)) => options.kills = kills as usize,
            ("--rate", Some(rate)) if rate > 0.0 => options.rate = rate,
            ("--seed", Some(_)) => options.seed = value.unwrap().parse().expect("a whole number"),
            _ => {
                eprintln!("cargo bench --bench soak -- [--kills 1000] [--seed 7] [--rate 10]");
                std::process::exit(2);
            }
        }
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let report = soak::run(&options).await;
    print!("{report}");
    std::process::exit(i32::from(!report.wrong.is_empty()));
}
