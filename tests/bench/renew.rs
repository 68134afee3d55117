//! Many tasks in several processes share a token that ends again and again; now and then the process that
//! renews it is killed between the answer and the storing. Prints figures and its seed; ends with 1 when a
//! token was renewed twice, or a refresh token used twice without a kill.
//!
//! `cargo bench --bench renew -- --expiries 200 --kills 20 --seed 7`

#[path = "../renewal/mod.rs"]
#[expect(dead_code, reason = "the short tests need more of the server")]
mod renewal;

use std::time::Duration;

fn main() {
    renewal::child::work_if_asked();
    let mut options = renewal::Options {
        processes: 4,
        tasks: 16,
        expiries: 200,
        kills: 20,
        life: Duration::from_millis(250),
        seed: fastrand::u64(..),
        talks: true,
        arguments: &[],
    };
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|v| v.parse::<u64>().ok());
        match (name.as_str(), value) {
            ("--expiries", Some(expiries)) => options.expiries = expiries as usize,
            ("--kills", Some(kills)) => options.kills = kills as usize,
            ("--seed", Some(seed)) => options.seed = seed,
            _ => {
                eprintln!("cargo bench --bench renew -- [--expiries 200] [--kills 20] [--seed 7]");
                std::process::exit(2);
            }
        }
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(renewal::run(&options));
    print!("{report}");
    std::process::exit(i32::from(!report.wrong.is_empty()));
}
